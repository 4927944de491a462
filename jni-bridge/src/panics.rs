//! A panic in the middle of the allocation loop, for tests of what becomes of it. No input of a user or an API server
//! is known to cause one, so a subscriber does: it runs on the loop's own thread, in the loop's own stack.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Executors whose pods have this in their name panic when something is wrong with them.
const NAME: &str = "panic-on-purpose";

/// Panics where the loop warns of such an executor: when it tells that it is lost.
pub(crate) struct Panics;

impl<S: Subscriber> Layer<S> for Panics {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut pod = Pod::default();
        event.record(&mut pod);
        let warned = *event.metadata().level() <= Level::WARN;
        assert!(!(warned && pod.0.contains(NAME)), "asked to panic");
    }
}

/// The field of the pod's name.
#[derive(Default)]
struct Pod(String);

impl Visit for Pod {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "pod" {
            self.0 = format!("{value:?}");
        }
    }
}
