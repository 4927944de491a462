//! `EnvSecretsFeatureStep`: environment variables from secrets.

use serde_json::json;

use super::{Request, SpecError};
use crate::conf::keys;
use crate::spec::java;
use crate::spec::spark_pod::SparkPod;

pub(super) fn configure(request: &Request<'_>, pod: &mut SparkPod) -> Result<(), SpecError> {
    let prefix = &keys::EXECUTOR_SECRET_KEY_REF_PREFIX;
    let variables = request
        .conf
        .prefixed(prefix)
        .map(|(variable, reference)| match java::split(reference, ':')[..] {
            [name, key] => Ok(json!({
                "name": variable,
                "valueFrom": {"secretKeyRef": {"key": key, "name": name}},
            })),
            _ => Err(SpecError::SecretKeyRef {
                key: format!("{}{variable}", prefix.name()),
                value: reference.to_owned(),
            }),
        })
        .collect::<Result<Vec<_>, _>>()?;
    pod.add_env(variables);
    Ok(())
}
