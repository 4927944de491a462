//! Spark's configuration: properties, keys, typed values.
