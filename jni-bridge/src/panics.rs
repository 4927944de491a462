//! A panic in the middle of the allocation loop, for tests of what becomes of it. No input of a user or an API server
//! is known to cause one, so a subscriber does: it runs on the loop's own thread, in the loop's own stack.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Executors whose pods have this in their name panic.
const NAME: &str = "panic-on-purpose";
/// When they do: in the middle of a job, as far as Spark can tell.
const MESSAGE: &str = "executor pod runs";

/// Panics where the loop says that such a pod runs.
pub(crate) struct Panics;

impl<S: Subscriber> Layer<S> for Panics {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut found = Found::default();
        event.record(&mut found);
        assert!(!(found.name && found.message), "asked to panic");
    }
}

#[derive(Default)]
struct Found {
    name: bool,
    message: bool,
}

impl Visit for Found {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "pod" => self.name = format!("{value:?}").contains(NAME),
            "message" => self.message = format!("{value:?}") == MESSAGE,
            _ => {}
        }
    }
}
