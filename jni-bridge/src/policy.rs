//! Failures and panics become `io.stoker.spark.AllocatorException`s.

use std::any::Any;
use std::error::Error;

use jni::errors::ErrorPolicy;
use jni::objects::{JString, JThrowable};
use jni::{Env, JValue, jni_sig, jni_str};
use stoker_core::plan::FatalKind;

use crate::codec::CodecError;
use crate::engine::{EngineError, EngineErrorKind};
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
    /// What `AllocatorException.kind()` returns.
    fn kind(&self) -> String {
        match self {
            BridgeError::Handle(HandleError::Closed(_) | HandleError::Unknown(_)) => "staleHandle".to_owned(),
            BridgeError::Engine(error) => error.kind.to_string(),
            BridgeError::Handle(HandleError::Exhausted)
            | BridgeError::Codec(CodecError::Unwritable { .. })
            | BridgeError::Jni(_) => EngineErrorKind::Fatal(FatalKind::Internal).to_string(),
            BridgeError::Codec(_) => "badMessage".to_owned(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            BridgeError::Engine(error) => error.retryable(),
            BridgeError::Handle(_) | BridgeError::Codec(_) | BridgeError::Jni(_) => false,
        }
    }

    /// The message with those of its sources.
    fn describe(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
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
        throw(env, &error.describe(), &error.kind(), error.retryable())?;
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
        throw(env, &text, "panic", false)?;
        Ok(T::default())
    }
}

/// Makes an exception pending. One that is pending already is the older and better cause, and stays.
fn throw(env: &mut Env<'_>, message: &str, kind: &str, retryable: bool) -> jni::errors::Result<()> {
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
    kind: &str,
    retryable: bool,
) -> jni::errors::Result<JThrowable<'local>> {
    let class = env.find_class(jni_str!("io/stoker/spark/AllocatorException"))?;
    let message = JString::new(env, message)?;
    let kind = JString::new(env, kind)?;
    let exception = env.new_object(
        class,
        jni_sig!((message: JString, kind: JString, retryable: jboolean)),
        &[
            JValue::Object(&message),
            JValue::Object(&kind),
            JValue::Bool(retryable),
        ],
    )?;
    env.cast_local::<JThrowable>(exception)
}
