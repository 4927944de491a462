//! Where the command's configuration comes from.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs, io};

use stoker_core::conf::{ConfError, Sources, properties};
use thiserror::Error;

/// Why a properties file cannot be used.
#[derive(Debug, Error)]
pub(crate) enum PropertiesError {
    /// The file cannot be read.
    #[error("cannot read the properties file {path}")]
    Unreadable {
        /// The file.
        path: String,
        #[source]
        source: io::Error,
    },
    /// The file is not in the format of `java.util.Properties`.
    #[error("{path} is not a properties file")]
    Malformed {
        /// The file.
        path: String,
        #[source]
        source: ConfError,
    },
}

/// The `spark.*` entries of a properties file, with the environment of this process for `${env:…}`.
pub(crate) fn sources(path: &Path) -> Result<Sources, PropertiesError> {
    let name = || path.display().to_string();
    let bytes = fs::read(path).map_err(|source| PropertiesError::Unreadable { path: name(), source })?;
    let properties =
        properties::read(&bytes).map_err(|source| PropertiesError::Malformed { path: name(), source })?;
    let env = env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(Sources {
        properties: properties.into_iter().collect(),
        env,
        system: BTreeMap::new(),
    })
}
