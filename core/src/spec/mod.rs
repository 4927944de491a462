//! Executor pods and the executor `ConfigMap`, as pure functions of the configuration.
