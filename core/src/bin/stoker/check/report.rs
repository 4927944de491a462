//! What `stoker check` prints; the schema of its JSON is `docs/check.schema.json`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde::Serialize;
use stoker_core::preflight::{Finding, Level, Orphan};

/// Forms of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// As docs/check.schema.json says.
    Json,
    /// The same as JSON.
    Yaml,
}

/// Everything that was found.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) executors: Option<u32>,
    findings: Vec<Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) orphans: Option<Vec<Orphan>>,
}

impl Report {
    pub(super) fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    pub(super) fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }

    pub(super) fn print(&self, format: Format) -> Result<(), Box<dyn Error>> {
        let text = match format {
            Format::Table => self.table()?,
            Format::Json => serde_json::to_string_pretty(self)? + "\n",
            Format::Yaml => serde_saphyr::to_string(self)?,
        };
        match io::stdout().write_all(text.as_bytes()) {
            // Who reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }

    fn table(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        let mut count: BTreeMap<Level, usize> = BTreeMap::new();
        for finding in &self.findings {
            *count.entry(finding.level).or_default() += 1;
            writeln!(text, "{:<8} {}", name(finding.level), finding.what)?;
            for line in finding.why.lines() {
                writeln!(text, "         {line}")?;
            }
            if let Some(fix) = &finding.fix {
                writeln!(text, "         -> {fix}")?;
            }
        }
        if let Some(orphans) = &self.orphans {
            text.push_str(&orphan_table(orphans)?);
        }
        let sum: Vec<String> = count
            .iter()
            .rev()
            .map(|(level, count)| format!("{count} {}", name(*level)))
            .collect();
        writeln!(text, "\n{}", sum.join(", "))?;
        Ok(text)
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Ok => "ok",
        Level::Unknown => "unknown",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

fn orphan_table(orphans: &[Orphan]) -> Result<String, std::fmt::Error> {
    if orphans.is_empty() {
        return Ok("\nno orphans\n".to_owned());
    }
    let header = ["KIND", "NAMESPACE", "NAME", "APPLICATION", "AGE", "PHASE", "WHY"].map(str::to_owned);
    let rows: Vec<[String; 7]> = orphans
        .iter()
        .map(|orphan| {
            [
                format!("{:?}", orphan.kind),
                orphan.namespace.clone(),
                orphan.name.clone(),
                orphan.application_id.clone(),
                orphan.age_seconds.map_or_else(|| "-".to_owned(), age),
                orphan.phase.clone().unwrap_or_else(|| "-".to_owned()),
                orphan.why.to_owned(),
            ]
        })
        .collect();
    let mut width = [0; 7];
    for row in std::iter::once(&header).chain(&rows) {
        for (width, cell) in width.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = "\n".to_owned();
    for row in std::iter::once(&header).chain(&rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(width) {
            write!(line, "{cell:<width$}  ")?;
        }
        writeln!(text, "{}", line.trim_end())?;
    }
    Ok(text)
}

/// As kubectl writes ages: the largest unit alone.
fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoker_core::preflight::{Area, ObjectKind};

    fn report() -> Report {
        Report {
            findings: vec![
                Finding::ok(Area::Access, "it answers", "it is there"),
                Finding::new(
                    Level::Error,
                    Area::Quota,
                    "too small",
                    "1 of 2\n3 of 4",
                    "raise it",
                ),
            ],
            orphans: Some(vec![Orphan {
                kind: ObjectKind::Pod,
                namespace: "ns".to_owned(),
                name: "app-exec-1".to_owned(),
                application_id: "app".to_owned(),
                created: None,
                age_seconds: Some(7300),
                phase: Some("Running".to_owned()),
                why: "the pod that owned it is gone",
            }]),
            ..Report::default()
        }
    }

    #[test]
    fn a_table_says_what_why_and_what_to_do() {
        let expected = "\
ok       it answers
         it is there
error    too small
         1 of 2
         3 of 4
         -> raise it

KIND  NAMESPACE  NAME        APPLICATION  AGE  PHASE    WHY
Pod   ns         app-exec-1  app          2h   Running  the pod that owned it is gone

1 error, 1 ok
";
        assert_eq!(report().table().unwrap(), expected);
        assert!(report().has_errors());
    }

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml: serde_json::Value =
            serde_saphyr::from_str(&serde_saphyr::to_string(&report()).unwrap()).unwrap();
        assert_eq!(yaml, serde_json::to_value(report()).unwrap());
    }
}
