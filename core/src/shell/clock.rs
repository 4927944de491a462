//! The only place that reads time.

#![expect(clippy::disallowed_methods, reason = "this is where time comes from")]

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Monotonic time since the allocator's start; what the plan calls `now`. It is tokio's, so that a test can pause it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// The instant at which `now()` will have reached `at`.
    pub(super) fn instant(&self, at: Duration) -> Instant {
        self.start + at
    }
}

/// Milliseconds since the epoch, for names; 0 on a machine whose clock is before it.
pub(super) fn epoch_millis() -> u64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
