//! The deterministic state machine that decides every API call.
//!
//! The plan does no I/O and reads no clock. Its owner feeds it with the `handle_*` methods and then drains
//! [`Plan::poll_action`], [`Plan::poll_notice`] and [`Plan::poll_timeout`] until they return `None`:
//!
//! * `handle_*(now, …)`: something happened; `now` is the monotonic time since the start.
//! * `poll_action()`: an API call to be started. Its result comes back through `handle_result`.
//! * `poll_notice()`: something Spark has to be told.
//! * `poll_timeout()`: when `handle_timeout` has to be called if nothing happens before.

mod action;
mod event;
mod notice;
mod types;

pub use action::{Action, PodPatch, Selection};
pub use event::{ApiFailure, CallResult, DriverPod, FailureClass, ListPage, Outcome, WatchEvent};
pub use notice::{FatalKind, LossCause, LossKind, Notice};
pub use types::{
    CallId, Condition, ContainerFacts, ContainerState, ExecutorId, PodFacts, PodPhase, ProfileId,
};
