//! Lines that wait for Java.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

/// One batch is about this long, in bytes.
const BATCH: usize = 1 << 20;

/// A line as Java reads it.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    pub(super) level: &'a str,
    pub(super) target: &'a str,
    pub(super) message: &'a str,
    pub(super) fields: &'a Map<String, Value>,
}

/// Lines in JSON, bounded in number and bytes. The oldest give way; how many is told by a line of its own.
pub(super) struct Ring {
    most_lines: usize,
    most_bytes: usize,
    state: Mutex<State>,
    filled: Condvar,
}

struct State {
    lines: VecDeque<String>,
    bytes: usize,
    /// Since the last line that told of it.
    dropped: u64,
    dropped_ever: u64,
}

impl Ring {
    /// Bounds in number and in bytes of JSON.
    pub(super) const fn new(most_lines: usize, most_bytes: usize) -> Self {
        let state = State {
            lines: VecDeque::new(),
            bytes: 0,
            dropped: 0,
            dropped_ever: 0,
        };
        Self {
            most_lines,
            most_bytes,
            state: Mutex::new(state),
            filled: Condvar::new(),
        }
    }

    /// Appends a line.
    pub(super) fn push(&self, line: &Line<'_>) {
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

    /// Waits for lines and takes them, as a JSON array; `[]` when the time is up.
    pub(super) fn take(&self, max_wait: Duration) -> String {
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

    /// How many lines wait, and how many were dropped since the start.
    pub(super) fn figures(&self) -> (usize, u64) {
        let state = self.lock();
        (state.lines.len(), state.dropped_ever)
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
            self.dropped_ever += 1;
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
            target: "stoker_jni::logging",
            message: &message,
            fields: &fields,
        };
        serde_json::to_string(&line).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn push(ring: &Ring, n: u64, message: &str) {
        let mut fields = Map::new();
        fields.insert("n".to_owned(), n.into());
        ring.push(&Line {
            level: "INFO",
            target: "stoker",
            message,
            fields: &fields,
        });
    }

    fn taken(ring: &Ring) -> Vec<Value> {
        serde_json::from_str(&ring.take(Duration::ZERO)).unwrap()
    }

    fn number(line: &Value) -> u64 {
        line["fields"]["n"].as_u64().unwrap()
    }

    #[test]
    fn the_oldest_lines_give_way_and_are_counted() {
        let ring = Ring::new(3, 1 << 20);
        (0..10).for_each(|n| push(&ring, n, "line"));
        let lines = taken(&ring);
        assert_eq!(lines[0]["level"], "WARN");
        assert_eq!(lines[0]["fields"]["dropped"], 7);
        assert_eq!(lines[1..].iter().map(number).collect::<Vec<_>>(), [7, 8, 9]);
        assert_eq!(taken(&ring).len(), 0, "drops are reported once");
        push(&ring, 10, "line");
        assert_eq!(ring.figures(), (1, 7), "but always counted");
    }

    #[test]
    fn lines_are_bounded_in_bytes() {
        let ring = Ring::new(1000, 10_000);
        (0..100).for_each(|n| push(&ring, n, &"x".repeat(1000)));
        assert!(ring.lock().bytes <= 10_000);
        let lines = taken(&ring);
        assert_eq!(lines.len(), 1 + 9);
        assert_eq!(lines[0]["fields"]["dropped"], 91);
        assert_eq!(ring.lock().bytes, 0);
    }

    #[test]
    fn a_line_too_long_for_the_ring_is_a_dropped_one() {
        let ring = Ring::new(10, 100);
        push(&ring, 0, &"x".repeat(1000));
        let lines = taken(&ring);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["fields"]["dropped"], 1);
    }

    #[test]
    fn a_line_wakes_the_one_who_waits() {
        let ring = Ring::new(8, 1 << 20);
        let batch = thread::scope(|scope| {
            let waiting = scope.spawn(|| ring.take(Duration::from_mins(1)));
            push(&ring, 1, "awake");
            waiting.join().unwrap()
        });
        assert!(batch.contains("awake"));
    }

    #[test]
    fn a_big_backlog_comes_in_batches() {
        let ring = Ring::new(1000, 64 << 20);
        (0..300).for_each(|n| push(&ring, n, &"x".repeat(10_000)));
        let first = taken(&ring).len();
        assert!((100..300).contains(&first), "{first} lines in the first batch");
        assert_eq!(number(&taken(&ring)[0]), first as u64);
    }
}
