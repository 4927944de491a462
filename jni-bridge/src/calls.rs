//! The native methods of `io.stoker.spark.Native`.
//!
//! Each copies its arguments out of the JVM, does its work without holding a lock of the bridge, and copies the
//! result back. [`ThrowAllocatorException`] turns failures and panics into exceptions.

#![expect(
    clippy::needless_pass_by_value,
    reason = "native_method! passes references of the JVM by value"
)]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::time::Duration;

use jni::objects::{JByteArray, JClass, JIntArray, JLongArray, JString, TypeArray};
use jni::sys::{JNI_VERSION_1_8, jboolean, jint, jlong};
use jni::{Env, NativeMethod, native_method};
use stoker_core::plan::{ExecutorId, ProfileId};

use crate::codec::{self, CodecError};
use crate::engine::{self, Engine};
use crate::handle::{HandleError, HandleTable};
use crate::logging;
use crate::policy::{BridgeError, ThrowAllocatorException};

type Result<T> = std::result::Result<T, BridgeError>;

/// A native method of `io.stoker.spark.Native`: static, exported, with the one error policy.
macro_rules! export {
    ($($signature:tt)*) => {
        native_method! {
            java_type = "io.stoker.spark.Native",
            error_policy = ThrowAllocatorException,
            static extern fn $($signature)*
        }
    };
}

/// All of them. The JVM finds them by their exported names, so nobody registers this list.
const _: [NativeMethod; 18] = [
    export!(abi_version() -> jint),
    export!(start(message: jbyte[]) -> jlong),
    export!(set_profile(handle: jlong, profile: jbyte[])),
    export!(set_targets(handle: jlong, profiles: jint[], counts: jint[])),
    export!(kill(handle: jlong, executors: jlong[])),
    export!(decommission(handle: jlong, executors: jlong[])),
    export!(registered(handle: jlong, executor: jlong)),
    export!(disconnected(handle: jlong, executor: jlong)),
    export!(executor_id_for(handle: jlong, pod: JString) -> jlong),
    export!(is_deleted(handle: jlong, executor: jlong) -> jboolean),
    export!(next_notices(handle: jlong, max_wait_millis: jlong) -> jbyte[]),
    export!(answer(handle: jlong, request: jlong, payload: jbyte[])),
    export!(update_conf(handle: jlong, conf: jbyte[])),
    export!(closing(handle: jlong)),
    export!(stop(handle: jlong, deadline_millis: jlong)),
    export!(metrics(handle: jlong) -> jbyte[]),
    export!(next_logs(max_wait_millis: jlong) -> jbyte[]),
    export!(set_log_level(level: jint)),
];

/// The allocators of this process, one for each `SparkContext`.
static ENGINES: HandleTable<dyn Engine> = HandleTable::new();

// SAFETY: the JVM defines this name and its signature, and no other code of the process links against it.
#[unsafe(export_name = "JNI_OnLoad")]
extern "system" fn on_load(_vm: *mut jni::sys::JavaVM, _reserved: *mut c_void) -> jint {
    // Without a subscriber there are no log lines; that is no reason to refuse the library.
    let _ = catch_unwind(logging::install);
    JNI_VERSION_1_8
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a native method")]
fn abi_version(_env: &mut Env<'_>, _class: JClass<'_>) -> Result<jint> {
    Ok(crate::ABI_VERSION)
}

fn start(env: &mut Env<'_>, _class: JClass<'_>, message: JByteArray<'_>) -> Result<jlong> {
    let message = codec::start(&bytes(env, "the start message", &message)?)?;
    let engine = engine::start(message)?;
    Ok(ENGINES.insert(engine)?)
}

fn set_profile(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, profile: JByteArray<'_>) -> Result<()> {
    let profile = codec::decode("a resource profile", &bytes(env, "the profile", &profile)?)?;
    engine(handle)?.set_profile(profile);
    Ok(())
}

fn set_targets(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    handle: jlong,
    profiles: JIntArray<'_>,
    counts: JIntArray<'_>,
) -> Result<()> {
    let profiles = copy(env, "the array of profile ids", &profiles)?;
    let counts = copy(env, "the array of counts", &counts)?;
    let targets = codec::targets(&profiles, &counts)?;
    let targets = targets
        .into_iter()
        .map(|(profile, count)| (ProfileId(profile), count))
        .collect();
    engine(handle)?.set_targets(targets);
    Ok(())
}

fn kill(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, executors: JLongArray<'_>) -> Result<()> {
    let executors = executor_ids(env, &executors)?;
    engine(handle)?.kill(executors);
    Ok(())
}

fn decommission(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    handle: jlong,
    executors: JLongArray<'_>,
) -> Result<()> {
    let executors = executor_ids(env, &executors)?;
    engine(handle)?.decommission(executors);
    Ok(())
}

fn registered(_env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, executor: jlong) -> Result<()> {
    engine(handle)?.registered(executor_id(executor)?);
    Ok(())
}

fn disconnected(_env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, executor: jlong) -> Result<()> {
    engine(handle)?.disconnected(executor_id(executor)?);
    Ok(())
}

fn executor_id_for(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, pod: JString<'_>) -> Result<jlong> {
    if pod.is_null() {
        return Err(CodecError::Null("the pod name").into());
    }
    let pod = pod.try_to_string(env)?;
    let id = engine(handle)?.executor_id_for(&pod);
    Ok(id
        .and_then(|ExecutorId(id)| jlong::try_from(id).ok())
        .unwrap_or(0))
}

fn is_deleted(_env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, executor: jlong) -> Result<jboolean> {
    Ok(engine(handle)?.is_deleted(executor_id(executor)?))
}

fn next_notices<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    handle: jlong,
    max_wait_millis: jlong,
) -> Result<JByteArray<'local>> {
    let batch = match engine(handle) {
        Ok(engine) => engine.next_notices(wait(max_wait_millis)),
        // The thread that pulls need not be told apart from the one that stops: to it, stopped is the end.
        Err(BridgeError::Handle(HandleError::Closed(_))) => None,
        Err(error) => return Err(error),
    };
    match batch {
        Some(notices) => Ok(env.byte_array_from_slice(&codec::notices(&notices)?)?),
        None => Ok(JByteArray::null()),
    }
}

fn answer(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    handle: jlong,
    request: jlong,
    payload: JByteArray<'_>,
) -> Result<()> {
    let request = codec::unsigned("the request id", request)?;
    let payload = codec::decode("the answer to a request", &bytes(env, "the answer", &payload)?)?;
    Ok(engine(handle)?.answer(request, payload)?)
}

fn update_conf(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, conf: JByteArray<'_>) -> Result<()> {
    let conf: BTreeMap<String, String> =
        codec::decode("the configuration", &bytes(env, "the configuration", &conf)?)?;
    Ok(engine(handle)?.update_conf(conf)?)
}

fn closing(_env: &mut Env<'_>, _class: JClass<'_>, handle: jlong) -> Result<()> {
    engine(handle)?.closing();
    Ok(())
}

fn stop(_env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, deadline_millis: jlong) -> Result<()> {
    /// Closes also when the allocator panics.
    struct Close(jlong);
    impl Drop for Close {
        fn drop(&mut self) {
            // Fails only for a number that is no handle, and `get` has refused that.
            let _ = ENGINES.close(self.0);
        }
    }
    let engine = match ENGINES.get(handle) {
        Ok(engine) => engine,
        Err(HandleError::Closed(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    // The handle stays open meanwhile: notices are pulled while the allocator stops. What is not pulled by the end
    // is gone, as nobody listens any more.
    let _close = Close(handle);
    engine.stop(wait(deadline_millis));
    Ok(())
}

fn metrics<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    handle: jlong,
) -> Result<JByteArray<'local>> {
    let Some(mut metrics) = engine(handle)?.metrics() else {
        return Ok(JByteArray::null());
    };
    logging::measure(&mut metrics.queues);
    Ok(env.byte_array_from_slice(&codec::metrics(&metrics)?)?)
}

fn next_logs<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    max_wait_millis: jlong,
) -> Result<JByteArray<'local>> {
    let lines = logging::next(wait(max_wait_millis));
    Ok(env.byte_array_from_slice(lines.as_bytes())?)
}

fn set_log_level(_env: &mut Env<'_>, _class: JClass<'_>, level: jint) -> Result<()> {
    if !logging::set_level(level) {
        return Err(CodecError::Range {
            what: "the log level",
            value: level.into(),
            rule: "outside of 0…5",
        }
        .into());
    }
    Ok(())
}

fn engine(handle: jlong) -> Result<Arc<dyn Engine>> {
    Ok(ENGINES.get(handle)?)
}

/// A time to wait. Negative is none. Longer than an hour is an hour: all callers ask again, and no sum of times
/// overflows.
fn wait(millis: jlong) -> Duration {
    const LONGEST: Duration = Duration::from_hours(1);
    Duration::from_millis(u64::try_from(millis).unwrap_or(0)).min(LONGEST)
}

fn executor_id(id: jlong) -> Result<ExecutorId> {
    Ok(ExecutorId(codec::unsigned("an executor id", id)?))
}

fn executor_ids(env: &Env<'_>, ids: &JLongArray<'_>) -> Result<Vec<ExecutorId>> {
    copy(env, "the array of executor ids", ids)?
        .into_iter()
        .map(executor_id)
        .collect()
}

/// The bytes of a message.
fn bytes(env: &Env<'_>, what: &'static str, array: &JByteArray<'_>) -> Result<Vec<u8>> {
    if array.is_null() {
        return Err(CodecError::Null(what).into());
    }
    Ok(env.convert_byte_array(array)?)
}

/// The numbers of an array, by a region copy: the garbage collector is never held up.
fn copy<T>(env: &Env<'_>, what: &'static str, array: &jni::objects::JPrimitiveArray<'_, T>) -> Result<Vec<T>>
where
    T: TypeArray + Default + Clone,
{
    if array.is_null() {
        return Err(CodecError::Null(what).into());
    }
    let mut numbers = vec![T::default(); array.len(env)?];
    array.get_region(env, 0, &mut numbers)?;
    Ok(numbers)
}
