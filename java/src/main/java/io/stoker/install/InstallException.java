package io.stoker.install;

/** Installing is refused or has failed; the message is for the user. */
final class InstallException extends Exception {

    private static final long serialVersionUID = 1L;

    InstallException(String message) {
        super(message);
    }

    InstallException(String message, Throwable cause) {
        super(message, cause);
    }
}
