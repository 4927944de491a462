//! Where executors keep shuffle and spill files: an `emptyDir` for each directory.

use serde_json::{Value, json};

use crate::conf::Conf;

/// Names of the volumes, followed by 1, 2, ….
const VOLUME: &str = "spark-local-dir-";

/// The directories of an executor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LocalDirs {
    /// Nothing is configured: `/var/data/spark-<uuid>`, another for each executor.
    PerExecutor,
    /// As configured, in this order.
    Fixed(Vec<String>),
    /// As configured, in another order for each executor, so that not all write to the first disk.
    Shuffled(Vec<String>),
}

impl LocalDirs {
    /// `SPARK_LOCAL_DIRS` of the driver, else `spark.local.dir`, else the default. Not
    /// `spark.kubernetes.*`: in cluster mode the driver's own directories arrive this way.
    pub(super) fn from_conf(conf: &Conf) -> LocalDirs {
        let Some(dirs) = conf
            .env("SPARK_LOCAL_DIRS")
            .or_else(|| conf.raw("spark.local.dir"))
        else {
            return LocalDirs::PerExecutor;
        };
        let dirs = java_split(dirs);
        // Spark meant to shuffle since 3.4 and does since 4.3 (SPARK-58857).
        if dirs.len() > 1 && conf.version().is_at_least(4, 3, 0) {
            LocalDirs::Shuffled(dirs)
        } else {
            LocalDirs::Fixed(dirs)
        }
    }

    /// The directories of one executor. `seed`: random bits that no other executor has.
    pub(super) fn of_executor(&self, seed: u128) -> Vec<String> {
        match self {
            LocalDirs::PerExecutor => {
                let uuid = uuid::Builder::from_random_bytes(seed.to_be_bytes()).into_uuid();
                vec![format!("/var/data/spark-{uuid}")]
            }
            LocalDirs::Fixed(dirs) => dirs.clone(),
            LocalDirs::Shuffled(dirs) => permuted(dirs.clone(), seed),
        }
    }

    /// How many directories each executor has.
    pub(super) fn len(&self) -> usize {
        match self {
            LocalDirs::PerExecutor => 1,
            LocalDirs::Fixed(dirs) | LocalDirs::Shuffled(dirs) => dirs.len(),
        }
    }
}

/// One volume for each of `count` directories.
pub(super) fn volumes(count: usize, tmpfs: bool) -> impl Iterator<Item = Value> {
    (1..=count).map(move |n| {
        let empty_dir = if tmpfs {
            json!({"medium": "Memory"})
        } else {
            json!({})
        };
        json!({"name": format!("{VOLUME}{n}"), "emptyDir": empty_dir})
    })
}

/// The mounts of those volumes.
pub(super) fn mounts(dirs: &[String]) -> impl Iterator<Item = Value> {
    (1..)
        .zip(dirs)
        .map(|(n, dir)| json!({"mountPath": dir, "name": format!("{VOLUME}{n}")}))
}

/// `String.split(",")` of Java: empty parts at the end are dropped, others are not, and nothing is trimmed.
fn java_split(text: &str) -> Vec<String> {
    if text.is_empty() {
        return vec![String::new()];
    }
    let mut parts: Vec<String> = text.split(',').map(str::to_owned).collect();
    while parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    parts
}

/// Fisher and Yates, fed from the digits of the seed.
fn permuted(mut dirs: Vec<String>, mut seed: u128) -> Vec<String> {
    for last in (1..dirs.len()).rev() {
        let choices = last as u128 + 1;
        let other = usize::try_from(seed % choices).unwrap_or_default();
        seed /= choices;
        dirs.swap(last, other);
    }
    dirs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(parts: &[&str]) -> Vec<String> {
        parts.iter().map(|part| (*part).to_owned()).collect()
    }

    #[test]
    fn splits_like_java() {
        let cases: [(&str, &[&str]); 6] = [
            ("/a,/b", &["/a", "/b"]),
            ("/a, /b,,", &["/a", " /b"]),
            (",/b", &["", "/b"]),
            ("/a,,/b", &["/a", "", "/b"]),
            ("", &[""]),
            (",,", &[]),
        ];
        for (text, parts) in cases {
            assert_eq!(java_split(text), parts, "{text}");
        }
    }

    #[test]
    fn every_order_comes_up() {
        let dirs = strings(&["a", "b", "c"]);
        let orders: std::collections::BTreeSet<_> = (0..6).map(|seed| permuted(dirs.clone(), seed)).collect();
        assert_eq!(orders.len(), 6);
    }

    #[test]
    fn the_default_directory_is_a_random_uuid() {
        let dirs = LocalDirs::PerExecutor.of_executor(u128::MAX);
        assert_eq!(
            dirs,
            strings(&["/var/data/spark-ffffffff-ffff-4fff-bfff-ffffffffffff"])
        );
    }
}
