//! `MountSecretsFeatureStep`: secrets as directories.

use serde_json::json;

use super::{Request, SpecError};
use crate::conf::keys;
use crate::spec::spark_pod::SparkPod;

#[expect(clippy::unnecessary_wraps, reason = "the type that all steps have")]
pub(super) fn configure(request: &Request<'_>, pod: &mut SparkPod) -> Result<(), SpecError> {
    let secrets = || request.conf.prefixed(&keys::EXECUTOR_SECRETS_PREFIX);
    pod.add_volumes(secrets().map(|(name, _)| json!({"name": volume(name), "secret": {"secretName": name}})));
    pod.add_mounts(secrets().map(|(name, path)| json!({"mountPath": path, "name": volume(name)})));
    Ok(())
}

fn volume(secret: &str) -> String {
    format!("{secret}-volume")
}
