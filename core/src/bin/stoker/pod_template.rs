//! Loads the pod template that a configuration names.

use std::path::{Path, PathBuf};
use std::str::Utf8Error;
use std::{fs, io};

use http::Uri;
use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::download::{self, DownloadError};

/// Why the text of a template cannot be had.
#[derive(Debug, Error)]
pub(crate) enum TemplateError {
    /// The file cannot be read.
    #[error(
        "cannot read the pod template {}, which spark.kubernetes.executor.podTemplateFile names",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The address is no address.
    #[error("spark.kubernetes.executor.podTemplateFile = {location:?} is no path and no address")]
    Address {
        /// The location.
        location: String,
    },
    /// The server does not give it out.
    #[error("cannot download the pod template {location}")]
    Download {
        /// The location.
        location: String,
        #[source]
        source: DownloadError,
    },
    /// Only Hadoop knows how to read it.
    #[error(
        "spark.kubernetes.executor.podTemplateFile = {location:?}: {scheme}: is read by Spark's driver at run time \
         and not by this command; download the file and name the copy (a path, file:, local:, http: or https:)"
    )]
    Scheme {
        /// The location.
        location: String,
        /// Its scheme.
        scheme: String,
    },
    /// It is not text.
    #[error("the pod template {location} is not UTF-8 text")]
    NotText {
        /// The location.
        location: String,
        #[source]
        source: Utf8Error,
    },
}

/// The text at a location: a path, or a URI of a scheme that needs no Hadoop. `local:` is a file of the machine that
/// reads it, as for Spark.
pub(crate) fn load(location: &str) -> Result<String, TemplateError> {
    let bytes = match scheme(location) {
        None => read(Path::new(location))?,
        Some("file" | "local") => read(&path_of(location))?,
        Some("http" | "https") => {
            let address: Uri = location.parse().map_err(|_| TemplateError::Address {
                location: location.to_owned(),
            })?;
            download::get(address, download::LIMITS).map_err(|source| TemplateError::Download {
                location: location.to_owned(),
                source,
            })?
        }
        Some(scheme) => {
            return Err(TemplateError::Scheme {
                location: location.to_owned(),
                scheme: scheme.to_owned(),
            });
        }
    };
    String::from_utf8(bytes).map_err(|error| TemplateError::NotText {
        location: location.to_owned(),
        source: error.utf8_error(),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TemplateError> {
    fs::read(path).map_err(|source| TemplateError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// What stands before the first colon, where it has the form of a scheme and is not the beginning of a path.
fn scheme(location: &str) -> Option<&str> {
    let (scheme, _) = location.split_once(':')?;
    let rest = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(rest)).then_some(scheme)
}

/// The path of `file:/a%20b` and of `file://host/a%20b`.
fn path_of(uri: &str) -> PathBuf {
    let (_, rest) = uri.split_once(':').unwrap_or(("", uri));
    let path = match rest.strip_prefix("//") {
        Some(authority) => authority.find('/').map_or("", |slash| &authority[slash..]),
        None => rest,
    };
    PathBuf::from(percent_decode_str(path).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_however_they_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a template.yaml");
        fs::write(&path, "spec: {}").unwrap();
        let path = path.to_str().unwrap();
        let escaped = path.replace(' ', "%20");
        for location in [
            path.to_owned(),
            format!("file:{escaped}"),
            format!("file://{escaped}"),
            format!("local://{escaped}"),
            format!("file://localhost{escaped}"),
        ] {
            assert_eq!(load(&location).unwrap(), "spec: {}", "{location}");
        }
    }

    #[test]
    fn other_schemes_are_left_to_spark() {
        for (location, named) in [
            ("s3a://bucket/pod.yaml", "s3a:"),
            ("hdfs://namenode/pod.yaml", "hdfs:"),
            ("ftp://host/pod.yaml", "ftp:"),
        ] {
            let error = load(location).unwrap_err().to_string();
            assert!(
                error.contains(named) && error.contains("download the file"),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = load("local:///not/there.yaml").unwrap_err();
        assert!(error.to_string().contains("/not/there.yaml"), "{error}");
        assert!(matches!(
            load("http://[bad").unwrap_err(),
            TemplateError::Address { .. }
        ));
    }

    #[test]
    fn text_is_utf8() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), [0xff, 0xfe]).unwrap();
        let error = load(file.path().to_str().unwrap()).unwrap_err();
        assert!(matches!(error, TemplateError::NotText { .. }), "{error}");
    }
}
