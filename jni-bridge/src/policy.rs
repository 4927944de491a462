//! Failures and panics become `io.stoker.spark.AllocatorException`s.

use std::any::Any;
use std::fmt;

use jni::errors::ErrorPolicy;
use jni::objects::{JString, JThrowable};
use jni::{Env, JValue, jni_sig, jni_str};
use serde::Serialize as _;
use stoker_core::plan::FatalKind;
use stoker_core::with_causes;

use crate::codec::CodecError;
use crate::engine::EngineError;
use crate::handle::HandleError;

/// Everything that a native method can fail with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BridgeError {
    /// A handle leads nowhere.
    #[error(transparent)]
    Handle(#[from] HandleError),
    /// A message or an argument cannot be used.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The allocator refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The JVM refused, for example for lack of memory.
    #[error("a call into the JVM failed")]
    Jni(#[from] jni::errors::Error),
}

impl BridgeError {
    fn kind(&self) -> Kind {
        match self {
            BridgeError::Handle(HandleError::Closed(_) | HandleError::Unknown(_)) => Kind::StaleHandle,
            BridgeError::Engine(EngineError::Start(error)) => Kind::Fatal(error.kind()),
            BridgeError::Engine(EngineError::Conf(_)) => Kind::Fatal(FatalKind::InvalidConfiguration),
            BridgeError::Handle(HandleError::Exhausted)
            | BridgeError::Codec(CodecError::Unwritable { .. })
            | BridgeError::Jni(_) => Kind::Fatal(FatalKind::Internal),
            BridgeError::Engine(EngineError::UnknownRequest(_)) | BridgeError::Codec(_) => Kind::BadMessage,
        }
    }

    /// Whether the same call may succeed later without a change by the user.
    fn is_retryable(&self) -> bool {
        matches!(self, BridgeError::Engine(EngineError::Start(error)) if error.is_retryable())
    }
}

/// What `AllocatorException.kind()` returns.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// As in the notice `fatal`.
    Fatal(FatalKind),
    StaleHandle,
    BadMessage,
    Panic,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Fatal(kind) => kind.serialize(f),
            Kind::StaleHandle => f.write_str("staleHandle"),
            Kind::BadMessage => f.write_str("badMessage"),
            Kind::Panic => f.write_str("panic"),
        }
    }
}

/// The one policy of all native methods: throw, and return a value that Java does not see.
#[derive(Debug)]
pub(crate) struct ThrowAllocatorException;

impl<T: Default> ErrorPolicy<T, BridgeError> for ThrowAllocatorException {
    type Captures<'unowned_env_local: 'native_method, 'native_method> = ();

    fn on_error<'unowned_env_local: 'native_method, 'native_method>(
        env: &mut Env<'unowned_env_local>,
        (): &mut (),
        error: BridgeError,
    ) -> jni::errors::Result<T> {
        throw(env, &with_causes(&error), error.kind(), error.is_retryable())?;
        Ok(T::default())
    }

    fn on_panic<'unowned_env_local: 'native_method, 'native_method>(
        env: &mut Env<'unowned_env_local>,
        (): &mut (),
        payload: Box<dyn Any + Send + 'static>,
    ) -> jni::errors::Result<T> {
        let reason = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        let text = format!("Stoker's native library has panicked, please report this defect: {reason}");
        tracing::error!("{text}");
        throw(env, &text, Kind::Panic, false)?;
        Ok(T::default())
    }
}

/// Makes an exception pending. One that is pending already is the older and better cause, and stays.
fn throw(env: &mut Env<'_>, message: &str, kind: Kind, retryable: bool) -> jni::errors::Result<()> {
    if env.exception_check() {
        return Ok(());
    }
    let thrown = match allocator_exception(env, message, kind, retryable) {
        Ok(exception) => env.throw(exception),
        Err(_) if env.exception_check() => Ok(()),
        // The class is absent or of another release: better a plain exception than none.
        Err(error) => env.throw(format!(
            "{message} ({kind}; AllocatorException cannot be made: {error})"
        )),
    };
    match thrown {
        Err(jni::errors::Error::JavaException) => Ok(()),
        other => other,
    }
}

/// Within a native method `FindClass` asks the class loader of the Java class that declares it, so it finds the
/// class also where the jar was added with `--jars`.
fn allocator_exception<'local>(
    env: &mut Env<'local>,
    message: &str,
    kind: Kind,
    retryable: bool,
) -> jni::errors::Result<JThrowable<'local>> {
    let class = env.find_class(jni_str!("io/stoker/spark/AllocatorException"))?;
    let message = JString::new(env, message)?;
    let name = JString::new(env, kind.to_string())?;
    let exception = env.new_object(
        class,
        jni_sig!((message: JString, kind: JString, retryable: jboolean)),
        &[
            JValue::Object(&message),
            JValue::Object(&name),
            JValue::Bool(retryable),
        ],
    )?;
    env.cast_local::<JThrowable>(exception)
}

#[cfg(test)]
mod tests {
    use stoker_core::shell::UnknownRequest;

    use super::*;

    #[test]
    fn kinds_have_the_names_that_java_knows() {
        assert_eq!(
            Kind::Fatal(FatalKind::DriverPodMissing).to_string(),
            "driverPodMissing"
        );
        assert_eq!(
            Kind::Fatal(FatalKind::InvalidConfiguration).to_string(),
            "invalidConfiguration"
        );
        assert_eq!(
            BridgeError::from(HandleError::Closed(1)).kind().to_string(),
            "staleHandle"
        );
        assert_eq!(
            BridgeError::from(HandleError::Exhausted).kind().to_string(),
            "internal"
        );
        assert_eq!(
            BridgeError::from(EngineError::from(UnknownRequest(1)))
                .kind()
                .to_string(),
            "badMessage"
        );
        assert_eq!(Kind::Panic.to_string(), "panic");
    }

    #[test]
    fn causes_are_told_once_each() {
        let source = serde_json::from_str::<u8>("").unwrap_err();
        let error = BridgeError::from(CodecError::Unreadable {
            what: "the message",
            source,
        });
        assert_eq!(
            with_causes(&error),
            "the message cannot be read: EOF while parsing a value at line 1 column 0"
        );
    }
}
