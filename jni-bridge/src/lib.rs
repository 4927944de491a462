//! The boundary between the JVM and `stoker-core`: the library `libstoker_jni.so`.
//!
//! Its exports are the native methods of the Java class `io.stoker.spark.Native` and `JNI_OnLoad`. Their names
//! carry the types of their arguments, so a Java class with other ones does not link:
//!
//! | Java | |
//! |---|---|
//! | `int abiVersion()` | [`ABI_VERSION`]; asked before anything else |
//! | `long start(byte[])` | start message → handle; blocks until allocation may begin |
//! | `void setProfile(long, byte[])` | a resource profile |
//! | `void setTargets(long, int[], int[])` | profile ids, counts |
//! | `void kill(long, long[])` | executor ids |
//! | `void decommission(long, long[])` | executor ids |
//! | `void registered(long, long)` | executor id |
//! | `void disconnected(long, long)` | executor id |
//! | `long executorIdFor(long, String)` | pod name → executor id, 0 when unknown |
//! | `boolean isDeleted(long, long)` | executor id |
//! | `byte[] nextNotices(long, long)` | waits up to that many milliseconds; `[]` when the time is up, `null` once closed |
//! | `void answer(long, long, byte[])` | request id, payload |
//! | `void updateConf(long, byte[])` | the complete configuration |
//! | `void closing(long)` | Spark has begun to stop |
//! | `void stop(long, long)` | waits up to that many milliseconds; a second time does nothing |
//! | `byte[] metrics(long)` | every metric by its name; `null` when the allocator does not answer within a second |
//! | `byte[] nextLogs(long)` | log lines of the whole process; waits up to that many milliseconds |
//! | `void setLogLevel(int)` | 0 off … 5 trace |
//!
//! What holds for each of them: a failure or a panic becomes an `io.stoker.spark.AllocatorException` and the JVM
//! lives on; a handle is a number that is checked, never a pointer; arrays are copied in and out; nothing here
//! attaches a thread to the JVM, installs a signal handler or a panic hook, or changes the environment.

#[cfg(not(panic = "unwind"))]
compile_error!("a panic must become a Java exception: build with panic = \"unwind\"");

mod calls;
mod codec;
mod core_engine;
mod engine;
#[cfg(feature = "fake-engine")]
mod fake;
mod handle;
mod logging;
#[cfg(feature = "fake-engine")]
mod panics;
mod policy;

/// Version of the native methods and of the messages that they exchange. The Java side refuses another one, and
/// so does `start` by the number in its message.
pub const ABI_VERSION: i32 = 2;
