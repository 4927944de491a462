//! JNI boundary between the JVM and `stoker-core`.
