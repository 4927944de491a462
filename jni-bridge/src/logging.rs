//! Log lines on their way to Java's logger: `tracing` events (and records of the `log` crate) go into a bounded
//! ring, a Java thread pulls them out.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
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

/// Lines of the process that Java has not pulled yet.
static RING: Ring = Ring::new(4096, 4 << 20);

/// Sets the level of the installed subscriber.
static FILTER: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

/// Longest text of a line or of one of its fields, in bytes.
const LONGEST_TEXT: usize = 16 << 10;

/// One batch is about this long, in bytes.
const BATCH: usize = 1 << 20;

/// Makes the ring the subscriber of this library, at level info. A second call does nothing.
pub(crate) fn install() {
    FILTER.get_or_init(|| {
        let (filter, handle) = reload::Layer::new(filter(LevelFilter::INFO));
        // Another subscriber can only be one of a test in this process: it keeps its place.
        let _ = tracing_subscriber::registry()
            .with(filter)
            .with(ToRing(&RING))
            .try_init();
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

/// Libraries are heard from warnings up: below that, HTTP and TLS stacks would show headers and drown the rest.
fn filter(level: LevelFilter) -> Targets {
    Targets::new()
        .with_target("stoker", level)
        .with_default(level.min(LevelFilter::WARN))
}

/// A line as Java reads it.
#[derive(Serialize)]
struct Line<'a> {
    level: &'a str,
    target: &'a str,
    message: &'a str,
    fields: &'a Map<String, Value>,
}

/// Lines in JSON, bounded in number and bytes. The oldest give way; how many is told by a line of its own.
struct Ring {
    most_lines: usize,
    most_bytes: usize,
    state: Mutex<State>,
    filled: Condvar,
}

struct State {
    lines: VecDeque<String>,
    bytes: usize,
    dropped: u64,
}

impl Ring {
    const fn new(most_lines: usize, most_bytes: usize) -> Self {
        let state = State {
            lines: VecDeque::new(),
            bytes: 0,
            dropped: 0,
        };
        Self {
            most_lines,
            most_bytes,
            state: Mutex::new(state),
            filled: Condvar::new(),
        }
    }

    fn push(&self, line: &Line<'_>) {
        // A map of strings and numbers can always be written.
        let Ok(line) = serde_json::to_string(line) else {
            return;
        };
        let mut state = self.lock();
        state.bytes += line.len();
        state.lines.push_back(line);
        while state.lines.len() > self.most_lines || state.bytes > self.most_bytes {
            state.drop_oldest();
        }
        drop(state);
        self.filled.notify_one();
    }

    fn take(&self, max_wait: Duration) -> String {
        let deadline = Instant::now() + max_wait;
        let mut state = self.lock();
        while state.lines.is_empty() && state.dropped == 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return "[]".to_owned();
            }
            state = self
                .filled
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let mut batch = String::from("[");
        if let Some(report) = state.report() {
            batch.push_str(&report);
        }
        while batch.len() < BATCH {
            let Some(line) = state.lines.pop_front() else {
                break;
            };
            state.bytes -= line.len();
            if batch.len() > 1 {
                batch.push(',');
            }
            batch.push_str(&line);
        }
        batch.push(']');
        batch
    }

    // Nothing panics under the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn drop_oldest(&mut self) {
        if let Some(line) = self.lines.pop_front() {
            self.bytes -= line.len();
            self.dropped += 1;
        }
    }

    /// The line that says how many were dropped since the last one of its kind.
    fn report(&mut self) -> Option<String> {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped == 0 {
            return None;
        }
        let mut fields = Map::new();
        fields.insert("dropped".to_owned(), dropped.into());
        let message = format!("{dropped} log lines were dropped: they came faster than Java took them");
        let line = Line {
            level: "WARN",
            target: module_path!(),
            message: &message,
            fields: &fields,
        };
        serde_json::to_string(&line).ok()
    }
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
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(error) = source {
            // Writing to a string does not fail.
            let _ = write!(text, ": {error}");
            source = error.source();
        }
        self.put_text(field, text);
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
    use std::thread;

    use tracing::{Level, debug, error, info, info_span};

    use super::*;

    fn ring(most_lines: usize, most_bytes: usize) -> &'static Ring {
        Box::leak(Box::new(Ring::new(most_lines, most_bytes)))
    }

    fn logged(ring: &'static Ring, what: impl FnOnce()) -> Vec<Value> {
        let subscriber = Registry::default()
            .with(filter(LevelFilter::INFO))
            .with(ToRing(ring));
        tracing::subscriber::with_default(subscriber, what);
        taken(ring)
    }

    fn taken(ring: &Ring) -> Vec<Value> {
        serde_json::from_str(&ring.take(Duration::ZERO)).unwrap()
    }

    #[test]
    fn a_line_has_level_target_message_and_typed_fields() {
        let lines = logged(ring(8, 1 << 20), || {
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
        let lines = logged(ring(8, 1 << 20), || {
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
        let lines = logged(ring(8, 1 << 20), || {
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
        let lines = logged(ring(8, 1 << 20), || {
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
    fn the_oldest_lines_give_way_and_are_counted() {
        let ring = ring(3, 1 << 20);
        let lines = logged(ring, || (0..10).for_each(|n| info!(n, "line")));
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0]["level"], "WARN");
        assert_eq!(lines[0]["fields"]["dropped"], 7);
        let kept: Vec<_> = lines[1..]
            .iter()
            .map(|line| line["fields"]["n"].as_u64().unwrap())
            .collect();
        assert_eq!(kept, [7, 8, 9]);
        assert_eq!(taken(ring).len(), 0, "drops are reported once");
    }

    #[test]
    fn lines_are_bounded_in_bytes() {
        let ring = ring(1000, 10_000);
        let lines = logged(ring, || (0..100).for_each(|n| info!(n, "{}", "x".repeat(1000))));
        let dropped = lines[0]["fields"]["dropped"].as_u64().unwrap();
        assert_eq!(dropped + (lines.len() as u64 - 1), 100);
        assert!(
            (5..=9).contains(&(lines.len() - 1)),
            "{} lines kept",
            lines.len() - 1
        );
        assert_eq!(ring.lock().bytes, 0);
    }

    #[test]
    fn a_line_too_long_for_the_ring_is_a_dropped_one() {
        let lines = logged(ring(10, 100), || info!("{}", "x".repeat(1000)));
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["fields"]["dropped"], 1);
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let text = shortened("😀".repeat(LONGEST_TEXT));
        assert!(text.len() <= LONGEST_TEXT + '…'.len_utf8());
        assert!(text.ends_with("😀…"));
    }

    #[test]
    fn a_line_wakes_the_one_who_waits() {
        let ring = ring(8, 1 << 20);
        let waiting = thread::spawn(move || ring.take(Duration::from_secs(60)));
        let fields = Map::new();
        ring.push(&Line {
            level: "INFO",
            target: "stoker",
            message: "awake",
            fields: &fields,
        });
        assert!(waiting.join().unwrap().contains("awake"));
    }

    #[test]
    fn a_big_backlog_comes_in_batches() {
        let ring = ring(10_000, 64 << 20);
        let first = logged(ring, || (0..300).for_each(|n| info!(n, "{}", "x".repeat(10_000))));
        let second = taken(ring);
        assert!(first.len() < 300 && !second.is_empty());
        assert_eq!(second[0]["fields"]["n"].as_u64().unwrap(), first.len() as u64);
    }

    #[test]
    fn levels_outside_of_the_range_are_refused() {
        assert!(!set_level(-1));
        assert!(!set_level(6));
    }
}
