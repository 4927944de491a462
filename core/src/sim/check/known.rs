//! What the checker knows of an executor.

use crate::plan::ProfileId;

/// An executor as it looks from outside of the plan.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that are independent of each other"
)]
pub(in crate::sim) struct Known {
    pub(in crate::sim) profile: ProfileId,
    /// The API server may hold, or may come to hold, its pod.
    pub(in crate::sim) outstanding: bool,
    /// Its name was taken by another pod.
    pub(in crate::sim) taken: bool,
    /// The answer to a create of it was lost: that may be applied yet.
    pub(in crate::sim) uncertain: bool,
    /// The last create of it failed for certain.
    pub(in crate::sim) refused: bool,
    pub(in crate::sim) created: bool,
    pub(in crate::sim) reported: bool,
    pub(in crate::sim) killed: bool,
    /// It was above the target when the target was set: it may be deleted until it registers.
    pub(in crate::sim) surplus: bool,
    pub(in crate::sim) registered: bool,
}

impl Known {
    pub(in crate::sim) fn new(profile: ProfileId) -> Self {
        Known {
            profile,
            outstanding: true,
            taken: false,
            uncertain: false,
            refused: false,
            created: false,
            reported: false,
            killed: false,
            surplus: false,
            registered: false,
        }
    }
}
