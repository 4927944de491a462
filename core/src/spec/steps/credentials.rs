//! `ExecutorKubernetesCredentialsFeatureStep`: the service account.

use super::{Request, SpecError};
use crate::conf::keys;
use crate::spec::object::{set, text};
use crate::spec::spark_pod::SparkPod;

/// The executors' own account, else that of the driver. An account of the template stays, if it is in
/// `serviceAccount`, the deprecated field: stock does not look at `serviceAccountName`.
pub(super) fn configure(request: &Request<'_>, pod: &mut SparkPod) -> Result<(), SpecError> {
    let account = match request.conf.get(&keys::EXECUTOR_SERVICE_ACCOUNT_NAME)? {
        None => request.conf.get(&keys::DRIVER_SERVICE_ACCOUNT_NAME)?,
        own => own,
    };
    pod.spec(|spec| {
        if let Some(account) = account
            && text(spec, "serviceAccount").is_none()
        {
            set(spec, "serviceAccount", account.as_str());
            set(spec, "serviceAccountName", account);
        }
    });
    Ok(())
}
