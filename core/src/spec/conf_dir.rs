//! Which files of `SPARK_CONF_DIR` executors get. Reading the directory is the caller's.

use super::SpecError;
use crate::conf::{Conf, keys};

/// A regular file of the directory, or a link to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Without the directory.
    pub name: String,
    /// In bytes.
    pub size: u64,
}

/// The files that were chosen, and what was not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Names and contents, the smallest first.
    pub files: Vec<(String, String)>,
    /// To be logged.
    pub warnings: Vec<String>,
}

/// The directory itself: `SPARK_CONF_DIR`, else `conf` in `spark.home`.
pub fn path(conf: &Conf) -> Option<String> {
    match conf.env("SPARK_CONF_DIR") {
        Some(dir) => Some(dir.to_owned()),
        None => conf.raw("spark.home").map(|home| format!("{home}/conf")),
    }
}

/// `spark.kubernetes.configMap.maxSize`, in bytes.
pub fn max_size(conf: &Conf) -> Result<u64, SpecError> {
    Ok(u64::try_from(conf.get(&keys::CONFIG_MAP_MAX_SIZE)?).unwrap_or(0))
}

/// The files worth reading, in the order in which they fill the `ConfigMap`: the smallest first. Left out are
/// archives, templates, Spark's own properties (they have their own way to the executors) and what is larger than
/// `max_size` (`spark.kubernetes.configMap.maxSize`, bytes) by itself.
pub fn candidates(entries: Vec<Entry>, max_size: u64) -> Vec<Entry> {
    let weight = |entry: &Entry| entry.size.saturating_add(utf16_len(&entry.name));
    let mut candidates: Vec<Entry> = entries
        .into_iter()
        .filter(|entry| weight(entry) <= max_size && !is_excluded(&entry.name))
        .collect();
    candidates.sort_by(|a, b| weight(a).cmp(&weight(b)).then_with(|| a.name.cmp(&b.name)));
    candidates
}

/// The files that fit, from `candidates` read in their order. `max_size` as there, but counted in characters.
pub fn select(read: Vec<(String, Vec<u8>)>, max_size: u64) -> Selection {
    let mut selection = Selection::default();
    let mut skipped = Vec::new();
    let mut total = 0_u64;
    for (name, bytes) in read {
        let Ok(content) = String::from_utf8(bytes) else {
            selection.warnings.push(format!(
                "Unable to read a non UTF-8 encoded file {name}. Skipping..."
            ));
            continue;
        };
        if !is_config_map_key(&name) {
            selection.warnings.push(format!(
                "Skipped conf file {name}: a ConfigMap cannot have a key of that name."
            ));
            continue;
        }
        let with_this = total + utf16_len(&name) + utf16_len(&content);
        if with_this < max_size {
            total = with_this;
            selection.files.push((name, content));
        } else {
            skipped.push(name);
        }
    }
    if !skipped.is_empty() {
        selection.warnings.push(format!(
            "Skipped conf file(s) {}, due to size constraint. Please see, config: `{}` for more details.",
            skipped.join(","),
            keys::CONFIG_MAP_MAX_SIZE.name(),
        ));
    }
    selection
}

fn is_excluded(name: &str) -> bool {
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
    ends(&[".gz", ".zip", ".jar", ".tar", ".template"])
        || name
            .strip_prefix("spark")
            .is_some_and(|rest| rest.ends_with("conf") || rest.ends_with("properties"))
}

/// What the API server accepts as a key of `data`.
fn is_config_map_key(name: &str) -> bool {
    name.len() <= 253
        && !matches!(name, "." | "..")
        && !name.starts_with("..")
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// Java counts UTF-16 units.
fn utf16_len(text: &str) -> u64 {
    text.encode_utf16().count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, size: u64) -> Entry {
        Entry {
            name: name.to_owned(),
            size,
        }
    }

    fn names(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.name.as_str()).collect()
    }

    #[test]
    fn small_files_come_first_and_archives_not_at_all() {
        let entries = vec![
            entry("log4j2.properties", 900),
            entry("metrics.properties", 10),
            entry("bb", 10),
            entry("aa", 10),
            entry("libs.tar.gz", 1),
            entry("app.jar", 1),
            entry("fairscheduler.xml.template", 1),
            entry("spark-defaults.conf", 1),
            entry("spark.properties", 1),
            entry("sparkconf", 1),
            entry("spark-env.sh", 50),
            entry("huge", 1000),
        ];
        assert_eq!(
            names(&candidates(entries, 1000)),
            [
                "aa",
                "bb",
                "metrics.properties",
                "spark-env.sh",
                "log4j2.properties"
            ]
        );
    }

    #[test]
    fn a_file_that_fits_exactly_by_itself_is_a_candidate() {
        assert_eq!(
            names(&candidates(vec![entry("abc", 7), entry("abcd", 7)], 10)),
            ["abc"]
        );
    }

    #[test]
    fn the_sum_stays_below_the_limit() {
        let read = |name: &str, content: &str| (name.to_owned(), content.as_bytes().to_vec());
        let selection = select(vec![read("a", "123"), read("b", "ääää"), read("c", "12345")], 10);
        assert_eq!(
            selection.files,
            [
                ("a".to_owned(), "123".to_owned()),
                ("b".to_owned(), "ääää".to_owned())
            ]
        );
        assert_eq!(
            selection.warnings,
            [
                "Skipped conf file(s) c, due to size constraint. Please see, config: \
              `spark.kubernetes.configMap.maxSize` for more details."
            ]
        );
    }

    #[test]
    fn what_is_not_text_is_skipped_with_a_warning() {
        let selection = select(
            vec![("bin".to_owned(), vec![0xff]), ("a b".to_owned(), vec![b'x'])],
            100,
        );
        assert!(selection.files.is_empty());
        assert_eq!(
            selection.warnings,
            [
                "Unable to read a non UTF-8 encoded file bin. Skipping...",
                "Skipped conf file a b: a ConfigMap cannot have a key of that name."
            ]
        );
    }
}
