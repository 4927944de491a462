//! What the checker knows of an executor.

use crate::plan::ProfileId;

/// An executor as it looks from outside of the plan.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that are independent of each other"
)]
pub(super) struct Known {
    pub(super) profile: ProfileId,
    /// The API server may hold, or may come to hold, its pod.
    pub(super) outstanding: bool,
    /// Its name was taken by another pod.
    pub(super) taken: bool,
    /// The last create of it failed for certain.
    pub(super) refused: bool,
    pub(super) created: bool,
    pub(super) reported: bool,
    pub(super) killed: bool,
    /// It was above the target when the target was set: it may be deleted until it registers.
    pub(super) surplus: bool,
    pub(super) registered: bool,
}

impl Known {
    pub(super) fn new(profile: ProfileId) -> Self {
        Known {
            profile,
            outstanding: true,
            taken: false,
            refused: false,
            created: false,
            reported: false,
            killed: false,
            surplus: false,
            registered: false,
        }
    }
}
