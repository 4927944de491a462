//! Reads the files of `SPARK_CONF_DIR` that go into the executor `ConfigMap`.

use std::fs;
use std::path::Path;

use crate::conf::{Conf, ConfError, keys};
use crate::spec::conf_dir::{self, Entry};

/// Names and contents of the files stock would take, with a warning for each that is left out. A directory that
/// cannot be read is an empty one, as for stock.
pub(super) fn read(conf: &Conf) -> Result<Vec<(String, String)>, ConfError> {
    let max_size = u64::try_from(conf.get(&keys::CONFIG_MAP_MAX_SIZE)?).unwrap_or_default();
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
