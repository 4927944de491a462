//! The reference page, generated from the table.

use std::fmt::Write;

use super::key::{Check, KeyInfo, Status};
use super::table::GROUPS;
use super::units::{SizeUnit, TimeUnit};
use super::value::Kind;
use super::version::Release;

const HEAD: &str = "<!-- Generated from the table of keys; do not edit. STOKER_BLESS=1 cargo test writes it anew. -->\n
# Configuration

Stoker is configured with Spark's own keys; what Spark's documentation says of them holds. This page lists every key that
Stoker knows, with the default of each supported version of Spark (3.5 to 4.3), and the few keys that are Stoker's own.

- **Times** are a whole number and `us`, `ms`, `s`, `m` or `min`, `h`, `d`; **sizes** a whole number and `b`, `k`, `m`, `g`,
  `t`, `p` in powers of 1024. A number alone has the unit that stands in brackets; finer values are cut off.
- **Values** may refer to other keys as `${spark.x}`, to the driver's environment as `${env:X}` and to system properties as
  `${system:x}`. A reference that leads nowhere stays as it is. Keys that end in `*` keep their values as they are written.
- A key that came **with** a later Spark than the one that runs behaves as if it were not set, as in that Spark.
";

/// The whole page as Markdown.
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    for (title, rows) in GROUPS {
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "\n## {title}\n\n| Key | Type | Default | Meaning |\n|---|---|---|---|\n"
        );
        for info in rows.iter().copied() {
            let _ = writeln!(
                page,
                "| {} | {} | {} | {} |",
                name(info),
                kind(info.kind()),
                cell(&default(info)),
                cell(&meaning(info))
            );
        }
    }
    page
}

fn name(info: &KeyInfo) -> String {
    let star = if info.kind() == Kind::Prefix { "*" } else { "" };
    format!("`{}{star}`", info.name())
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "boolean",
        Kind::Int | Kind::Long => "whole number",
        Kind::Double => "number",
        Kind::Text | Kind::Prefix => "text",
        Kind::List => "list, by commas",
        Kind::Time(TimeUnit::Millis) => "time (ms)",
        Kind::Time(TimeUnit::Seconds) => "time (s)",
        Kind::Time(TimeUnit::Minutes) => "time (min)",
        Kind::Size(SizeUnit::Bytes) => "size (b)",
        Kind::Size(SizeUnit::Kib) => "size (k)",
        Kind::Size(SizeUnit::Mib) => "size (m)",
    }
}

fn default(info: &KeyInfo) -> String {
    let code = |text: &str| {
        if text.is_empty() {
            "empty".to_owned()
        } else {
            format!("`{text}`")
        }
    };
    if let Some(fallback) = info.fallback() {
        return format!("that of `{}`", fallback.name());
    }
    let (first, changes) = info.defaults();
    let Some(first) = first else { return String::new() };
    changes.iter().fold(code(first), |text, (since, later)| {
        format!("{text}; from {} {}", release(*since), code(later))
    })
}

fn meaning(info: &KeyInfo) -> String {
    let mut text = info.doc().split_whitespace().collect::<Vec<_>>().join(" ");
    text += &limit(info);
    if info.since() > (3, 5, 0) {
        let _ = write!(text, " With Spark {}.", release(info.since()));
    }
    if let Some((key, _)) = info.prepended() {
        let _ = write!(text, " Stands after the value of `{}`.", key.name());
    }
    for alternative in info.alternatives() {
        let _ = write!(text, " Deprecated name: `{alternative}`.");
    }
    match info.status() {
        Status::Built => {}
        Status::Ignored(reason) => {
            let _ = write!(text, " *Without effect in Stoker: {reason}.*");
        }
    }
    text
}

/// The limit on the values as a sentence.
fn limit(info: &KeyInfo) -> String {
    let unit = match info.kind() {
        Kind::Time(TimeUnit::Millis) => " ms",
        Kind::Time(TimeUnit::Seconds) => " s",
        Kind::Time(TimeUnit::Minutes) => " min",
        _ => "",
    };
    match info.check() {
        Check::Any => String::new(),
        Check::AtLeast(least) => format!(" At least {least}{unit}."),
        Check::MoreThan(limit) => format!(" More than {limit}{unit}."),
        Check::AtMost(most) => format!(" At most {most}{unit}."),
        Check::Between(least, most) => format!(" From {least}{unit} to {most}{unit}."),
        Check::OneOf(values) => format!(" One of `{}`.", values.join("`, `")),
        Check::Form(_, form) => format!(" It {form}."),
    }
}

fn release((major, minor, patch): Release) -> String {
    if patch == 0 {
        format!("{major}.{minor}")
    } else {
        format!("{major}.{minor}.{patch}")
    }
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
