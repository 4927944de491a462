//! Reads `SPARK_CONF_DIR`: the files that go into the executor `ConfigMap`, and the mounted properties.

use std::fs;
use std::path::Path;

use crate::conf::{Conf, diff, properties};
use crate::spec::SpecError;
use crate::spec::conf_dir::{self, Entry};

/// Names and contents of the files of `SPARK_CONF_DIR` that stock would put into the `ConfigMap`, with a warning in the
/// log for each that is left out. A directory that cannot be read is an empty one, as for stock.
pub fn read(conf: &Conf) -> Result<Vec<(String, String)>, SpecError> {
    let max_size = conf_dir::max_size(conf)?;
    let Some(directory) = conf_dir::path(conf) else {
        return Ok(Vec::new());
    };
    let directory = Path::new(&directory);
    let read = conf_dir::candidates(entries(directory), max_size)
        .into_iter()
        .filter_map(|Entry { name, .. }| match fs::read(directory.join(&name)) {
            Ok(bytes) => Some((name, bytes)),
            Err(error) => {
                tracing::warn!(
                    "Unable to read {}: {error}. Skipping...",
                    directory.join(&name).display()
                );
                None
            }
        })
        .collect();
    let selection = conf_dir::select(read, max_size);
    for warning in &selection.warnings {
        tracing::warn!("{warning}");
    }
    Ok(selection.files)
}

/// Logs at debug level what the mounted properties file has otherwise than the configuration that counts.
pub(super) fn log_differences(conf: &Conf, mounted: &Path) {
    let Ok(bytes) = fs::read(mounted) else {
        tracing::debug!(
            "there is no {}: the driver was not started by spark-submit in cluster mode",
            mounted.display()
        );
        return;
    };
    let in_file = match properties::read(&bytes) {
        Ok(in_file) => in_file,
        Err(error) => {
            tracing::warn!(
                "cannot compare the configuration with {}: {error}",
                mounted.display()
            );
            return;
        }
    };
    let now = conf
        .iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    for difference in diff(&now, &in_file) {
        tracing::debug!("{difference}");
    }
}

fn entries(directory: &Path) -> Vec<Entry> {
    let Ok(listed) = fs::read_dir(directory) else {
        return Vec::new();
    };
    listed
        .flatten()
        .filter_map(|entry| {
            // Of the file a link points to: mounted ConfigMaps are directories of links.
            let metadata = fs::metadata(entry.path()).ok()?;
            let name = entry.file_name().into_string().ok()?;
            metadata.is_file().then_some(Entry {
                name,
                size: metadata.len(),
            })
        })
        .collect()
}
