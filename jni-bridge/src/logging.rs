//! Log lines on their way to Java's logger: `tracing` events (and records of the `log` crate) go into a bounded
//! ring, a Java thread pulls them out.

mod ring;

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, reload};

use stoker_core::shell::metrics::Queues;
use stoker_core::with_causes;

use ring::{Line, Ring};

/// Lines of the process that Java has not pulled yet.
static RING: Ring = Ring::new(4096, 4 << 20);

/// Sets the level of the installed subscriber.
static FILTER: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

/// Longest text of a line or of one of its fields, in bytes.
const LONGEST_TEXT: usize = 16 << 10;

/// Makes the ring the subscriber of this library, at level info. A second call does nothing.
pub(crate) fn install() {
    FILTER.get_or_init(|| {
        let (filter, handle) = reload::Layer::new(filter(LevelFilter::INFO));
        let subscriber = tracing_subscriber::registry().with(filter).with(ToRing(&RING));
        #[cfg(feature = "fake-engine")]
        let subscriber = subscriber.with(crate::panics::Panics);
        // Another subscriber can only be one of a test in this process: it keeps its place.
        let _ = subscriber.try_init();
        handle
    });
}

/// Sets the level: 0 off, 1 error, 2 warn, 3 info, 4 debug, 5 trace. False for any other number.
pub(crate) fn set_level(level: i32) -> bool {
    let level = match level {
        0 => LevelFilter::OFF,
        1 => LevelFilter::ERROR,
        2 => LevelFilter::WARN,
        3 => LevelFilter::INFO,
        4 => LevelFilter::DEBUG,
        5 => LevelFilter::TRACE,
        _ => return false,
    };
    if let Some(handle) = FILTER.get() {
        // Fails only when the subscriber is gone, and the global one never goes.
        let _ = handle.reload(filter(level));
    }
    true
}

/// Waits for lines and takes them, as a JSON array; `[]` when the time is up.
pub(crate) fn next(max_wait: Duration) -> String {
    RING.take(max_wait)
}

/// What waits and what was dropped.
pub(crate) fn measure(queues: &mut Queues) {
    (queues.log_lines, queues.log_lines_dropped) = RING.figures();
}

/// Libraries are heard from warnings up: below that, HTTP and TLS stacks would show headers and drown the rest.
fn filter(level: LevelFilter) -> Targets {
    Targets::new()
        .with_target("stoker", level)
        .with_default(level.min(LevelFilter::WARN))
}

/// Writes events to a ring.
struct ToRing(&'static Ring);

impl<S> Layer<S> for ToRing
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.values.extend(outer.values.clone());
            }
        }
        event.record(&mut fields);
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        if normalized.is_some() {
            fields.values.retain(|name, _| !name.starts_with("log."));
        }
        self.0.push(&Line {
            level: metadata.level().as_str(),
            target: metadata.target(),
            message: &fields.message,
            fields: &fields.values,
        });
    }
}

/// The fields of an event or a span; `message` apart.
#[derive(Default)]
struct Fields {
    message: String,
    values: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.values.insert(field.name().to_owned(), value.into());
    }

    fn put_text(&mut self, field: &Field, text: String) {
        let text = shortened(text);
        if field.name() == "message" {
            self.message = text;
        } else {
            self.put(field, text);
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value.to_owned());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put_text(field, with_causes(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put_text(field, format!("{value:?}"));
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        text.truncate(text.floor_char_boundary(LONGEST_TEXT));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use tracing::{Level, debug, error, info, info_span};

    use super::*;

    fn logged(what: impl FnOnce()) -> Vec<Value> {
        let ring = Box::leak(Box::new(Ring::new(64, 1 << 20)));
        let subscriber = Registry::default()
            .with(filter(LevelFilter::INFO))
            .with(ToRing(ring));
        tracing::subscriber::with_default(subscriber, what);
        serde_json::from_str(&ring.take(Duration::ZERO)).unwrap()
    }

    #[test]
    fn a_line_has_level_target_message_and_typed_fields() {
        let lines = logged(|| {
            info!(target: "stoker_core::shell", executor = 7, ratio = 0.5, ok = true, pod = "a\"😀", "created {}", 1);
        });
        let expected = serde_json::json!([{
            "level": "INFO", "target": "stoker_core::shell", "message": "created 1",
            "fields": {"executor": 7, "ratio": 0.5, "ok": true, "pod": "a\"😀"},
        }]);
        assert_eq!(Value::from(lines), expected);
    }

    #[test]
    fn fields_of_the_spans_around_are_in_the_line() {
        let lines = logged(|| {
            let outer = info_span!("app", app = "one", step = tracing::field::Empty);
            let _outer = outer.enter();
            outer.record("step", 2);
            let _inner = info_span!("call", app = "two", call = 5).entered();
            info!(call = 6, "sent");
        });
        assert_eq!(
            lines[0]["fields"],
            serde_json::json!({"app": "two", "step": 2, "call": 6})
        );
    }

    #[test]
    fn an_error_comes_with_its_causes() {
        let cause = std::io::Error::other("refused");
        let error = crate::codec::CodecError::Unreadable {
            what: "the file",
            source: serde_json::Error::io(cause),
        };
        let lines = logged(|| {
            error!(error = &error as &dyn std::error::Error, "failed");
        });
        let text = lines[0]["fields"]["error"].as_str().unwrap();
        assert!(
            text.starts_with("the file cannot be read: ") && text.contains("refused"),
            "{text}"
        );
    }

    #[test]
    fn libraries_are_heard_from_warnings_up() {
        let lines = logged(|| {
            debug!(target: "stoker_core", "not at this level");
            info!(target: "hyper", "not from a library");
            tracing::warn!(target: "kube_client", "heard");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["target"], "kube_client");
        assert!(
            filter(LevelFilter::OFF)
                .would_enable("hyper", &Level::ERROR)
                .eq(&false)
        );
        assert!(!filter(LevelFilter::TRACE).would_enable("hyper", &Level::INFO));
        assert!(filter(LevelFilter::TRACE).would_enable("stoker_core", &Level::TRACE));
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let text = shortened("😀".repeat(LONGEST_TEXT));
        assert!(text.len() <= LONGEST_TEXT + '…'.len_utf8());
        assert!(text.ends_with("😀…"));
    }

    #[test]
    fn levels_outside_of_the_range_are_refused() {
        assert!(!set_level(-1));
        assert!(!set_level(6));
    }
}
