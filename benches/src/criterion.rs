//! What criterion has left of the benchmark of the plan.

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::results::Figures;

/// Events in the life that the benchmark measures.
const EVENTS_IN_A_LIFE: f64 = 4.0;

#[derive(Debug, Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Debug, Deserialize)]
struct Estimate {
    /// Nanoseconds.
    point_estimate: f64,
}

/// Nanoseconds of the processor per event (`event_ns`), by the number of live executors.
pub fn plan(criterion: &Path) -> io::Result<Vec<(u32, Figures)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(criterion.join("plan/life"))? {
        let entry = entry?;
        let Some(executors) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let text = fs::read_to_string(entry.path().join("new/estimates.json"))?;
        let estimates: Estimates = serde_json::from_str(&text)?;
        let event = estimates.median.point_estimate / EVENTS_IN_A_LIFE;
        all.push((executors, Figures::from([("event_ns".to_owned(), event)])));
    }
    all.sort_by_key(|(executors, _)| *executors);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_quarter_of_a_life() {
        let dir = tempfile::tempdir().unwrap();
        let new = dir.path().join("plan/life/1000/new");
        fs::create_dir_all(&new).unwrap();
        fs::create_dir_all(dir.path().join("plan/life/report")).unwrap();
        fs::write(
            new.join("estimates.json"),
            r#"{"mean":{"point_estimate":9.0},"median":{"point_estimate":2000.0,"standard_error":1.0}}"#,
        )
        .unwrap();
        let all = plan(dir.path()).unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].0, all[0].1["event_ns"]), (1000, 500.0));
    }
}
