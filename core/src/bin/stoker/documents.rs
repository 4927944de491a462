//! The files, in JSON or YAML, that describe what is not in the properties.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::de::DeserializeOwned;
use serde_json::Value;
use stoker_core::ids::ProfileId;
use stoker_core::spec::{OwnerPod, ResourceProfile};
use thiserror::Error;

/// Why such a file cannot be used.
#[derive(Debug, Error)]
pub(crate) enum DocumentError {
    /// The file cannot be read.
    #[error("cannot read the {what} {}", path.display())]
    Unreadable {
        /// What the file should describe.
        what: &'static str,
        /// The file.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It is neither JSON nor YAML, or something is missing or unknown.
    #[error("{} is no {what}: {problem}", path.display())]
    Malformed {
        /// What the file should describe.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
}

/// The owner of everything, from a `v1.Pod` as the API server gives it out.
pub(crate) fn driver_pod(path: &Path) -> Result<OwnerPod, DocumentError> {
    const WHAT: &str = "driver pod";
    let malformed = |problem: &str| DocumentError::Malformed {
        what: WHAT,
        path: path.to_owned(),
        problem: problem.to_owned(),
    };
    let pod: Value = read(path, WHAT)?;
    if pod.get("kind").is_some_and(|kind| kind != "Pod") {
        return Err(malformed(&format!("its kind is {}", pod["kind"])));
    }
    let field = |name: &str| {
        pod.pointer(&format!("/metadata/{name}"))
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(ToOwned::to_owned)
            .ok_or_else(|| {
                malformed(&format!(
                    "it has no metadata.{name}; write it with: kubectl get pod NAME -o yaml"
                ))
            })
    };
    Ok(OwnerPod {
        name: field("name")?,
        uid: field("uid")?,
    })
}

/// A resource profile other than the default one.
pub(crate) fn resource_profile(path: &Path) -> Result<ResourceProfile, DocumentError> {
    const WHAT: &str = "resource profile";
    let profile: ResourceProfile = read(path, WHAT)?;
    if profile.id == ProfileId(0) {
        return Err(DocumentError::Malformed {
            what: WHAT,
            path: path.to_owned(),
            problem: "id 0 is the default profile, which the properties describe; give it another id, or leave the \
                      file out"
                .to_owned(),
        });
    }
    Ok(profile)
}

/// A file that describes what its type says.
pub(crate) fn read<T: DeserializeOwned>(path: &Path, what: &'static str) -> Result<T, DocumentError> {
    let text = fs::read_to_string(path).map_err(|source| DocumentError::Unreadable {
        what,
        path: path.to_owned(),
        source,
    })?;
    serde_saphyr::from_str(&text).map_err(|error| DocumentError::Malformed {
        what,
        path: path.to_owned(),
        problem: error.to_string(),
    })
}
