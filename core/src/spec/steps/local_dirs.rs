//! `LocalDirsFeatureStep`: where executors keep shuffle and spill files.

use serde_json::json;

use super::{Request, SpecError};
use crate::conf::{Conf, keys};
use crate::spec::java;
use crate::spec::object::{objects, text};
use crate::spec::spark_pod::SparkPod;

/// Names of the volumes, followed by 1, 2, ….
const VOLUME: &str = "spark-local-dir-";

/// Volumes that earlier steps or the template mounted under the names of local directories are these directories;
/// where there are none, each directory is an `emptyDir`.
pub(super) fn configure(request: &Request<'_>, pod: &mut SparkPod) -> Result<(), SpecError> {
    let tmpfs = request.conf.get(&keys::LOCAL_DIRS_TMPFS)?;
    let mounted: Vec<String> = objects(&pod.container, "volumeMounts")
        .filter(|mount| text(mount, "name").is_some_and(|name| name.starts_with(VOLUME)))
        .map(|mount| text(mount, "mountPath").unwrap_or_default().to_owned())
        .collect();
    let local_dirs = if mounted.is_empty() {
        let local_dirs = LocalDirs::from_conf(request.conf);
        let dirs = request.executor.dirs(&local_dirs);
        let empty_dir = if tmpfs {
            json!({"medium": "Memory"})
        } else {
            json!({})
        };
        let name = |n: usize| format!("{VOLUME}{n}");
        pod.add_volumes((1..=dirs.len()).map(|n| json!({"name": name(n), "emptyDir": empty_dir})));
        pod.add_mounts(
            (1..)
                .zip(&dirs)
                .map(|(n, dir)| json!({"mountPath": dir, "name": name(n)})),
        );
        local_dirs
    } else {
        LocalDirs::shuffled(mounted)
    };
    let joined = request.executor.joined_dirs(&local_dirs);
    pod.add_env([json!({"name": "SPARK_LOCAL_DIRS", "value": joined})]);
    pod.local_dirs = Some(local_dirs);
    Ok(())
}

/// The directories of an executor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::spec) enum LocalDirs {
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
    fn from_conf(conf: &Conf) -> LocalDirs {
        let Some(dirs) = conf
            .env("SPARK_LOCAL_DIRS")
            .or_else(|| conf.raw("spark.local.dir"))
        else {
            return LocalDirs::PerExecutor;
        };
        let dirs = java::split(dirs, ',').into_iter().map(str::to_owned).collect();
        // Spark meant to shuffle since 3.4 and does since 4.3 (SPARK-58857).
        if conf.version().is_at_least(4, 3, 0) {
            LocalDirs::shuffled(dirs)
        } else {
            LocalDirs::Fixed(dirs)
        }
    }

    fn shuffled(dirs: Vec<String>) -> LocalDirs {
        if dirs.len() > 1 {
            LocalDirs::Shuffled(dirs)
        } else {
            LocalDirs::Fixed(dirs)
        }
    }

    /// The directories of one executor. `seed`: random bits that no other executor has.
    pub(in crate::spec) fn of_executor(&self, seed: u128) -> Vec<String> {
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
    pub(in crate::spec) fn len(&self) -> usize {
        match self {
            LocalDirs::PerExecutor => 1,
            LocalDirs::Fixed(dirs) | LocalDirs::Shuffled(dirs) => dirs.len(),
        }
    }
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
