package io.stoker.spark;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * A daemon thread that hands native log lines to SLF4J, under {@code io.stoker.native.<module>}, with their fields both in the
 * text and as key-value pairs. The level of the logger {@code io.stoker.native} is pushed down, so that lines nobody wants are never made.
 */
final class LogPump {

    static final String ROOT_LOGGER = "io.stoker.native";

    private static final long MAX_WAIT_MILLIS = 500;
    private static final long CLOSE_MILLIS = 2000;
    private static final int LEVEL_UNKNOWN = -1;

    private final AllocatorBinding binding;
    private final Thread thread;
    private volatile boolean closing;
    private int pushedLevel = LEVEL_UNKNOWN;

    LogPump(AllocatorBinding binding) {
        this.binding = binding;
        this.thread = Threads.daemon("stoker-logs", this::run);
    }

    void start() {
        pushLevel();
        thread.start();
    }

    /** Hands on what is left and ends the thread; bounded. */
    void close() {
        closing = true;
        Threads.join(thread, CLOSE_MILLIS);
    }

    private void run() {
        try {
            boolean last;
            do {
                last = closing;
                pushLevel();
                byte[] batch = binding.nextLogs(last ? 0 : MAX_WAIT_MILLIS);
                if (batch == null) {
                    return;
                }
                for (JsonNode line : Messages.array(batch)) {
                    log(line);
                }
            } while (!last);
        } catch (RuntimeException e) {
            // The application can go on without these lines.
            LoggerFactory.getLogger(LogPump.class).error("Native log lines are lost from here on.", e);
        }
    }

    private void pushLevel() {
        int level = effectiveLevel(LoggerFactory.getLogger(ROOT_LOGGER));
        if (level != pushedLevel) {
            binding.setLogLevel(level);
            pushedLevel = level;
        }
    }

    static int effectiveLevel(Logger logger) {
        if (logger.isTraceEnabled()) {
            return 5;
        } else if (logger.isDebugEnabled()) {
            return 4;
        } else if (logger.isInfoEnabled()) {
            return 3;
        } else if (logger.isWarnEnabled()) {
            return 2;
        }
        return logger.isErrorEnabled() ? 1 : 0;
    }

    private static void log(JsonNode line) {
        Logger logger = LoggerFactory.getLogger(loggerName(line.path("target").asText()));
        LoggingEventBuilder event = logger.atLevel(level(line.path("level").asText()));
        StringBuilder text = new StringBuilder(line.path("message").asText());
        for (Map.Entry<String, JsonNode> field : line.path("fields").properties()) {
            String value = field.getValue().asText(field.getValue().toString());
            text.append(' ').append(field.getKey()).append('=').append(value);
            event = event.addKeyValue(field.getKey(), value);
        }
        event.log(text.toString());
    }

    static String loggerName(String target) {
        return target.isEmpty() ? ROOT_LOGGER : ROOT_LOGGER + "." + target.replace("::", ".");
    }

    private static Level level(String name) {
        switch (name.toUpperCase(Locale.ROOT)) {
            case "ERROR":
                return Level.ERROR;
            case "WARN":
                return Level.WARN;
            case "DEBUG":
                return Level.DEBUG;
            case "TRACE":
                return Level.TRACE;
            default:
                return Level.INFO;
        }
    }
}
