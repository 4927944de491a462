//! `VolcanoFeatureStep`: executors join the pod group that the driver's side of the step made.

use super::{Request, SpecError};
use crate::spec::object::merge;
use crate::spec::spark_pod::SparkPod;

const GROUP: &str = "scheduling.k8s.io/group-name";

#[expect(clippy::unnecessary_wraps, reason = "the type that all steps have")]
pub(super) fn configure(request: &Request<'_>, pod: &mut SparkPod) -> Result<(), SpecError> {
    let group = format!("{}-podgroup", request.context.app_id);
    pod.metadata(|metadata| merge(metadata, "annotations", [(GROUP.to_owned(), group.into())]));
    Ok(())
}
