//! The volumes of `spark.kubernetes.executor.volumes.<type>.<name>.…`.

use std::collections::{BTreeMap, BTreeSet};

use super::SpecError;
use crate::conf::{Conf, Prefix};
use crate::spec::java;
use crate::spec::quantity::refuse_empty;

const HOST_PATH: &str = "hostPath";
const CLAIM: &str = "persistentVolumeClaim";
const EMPTY_DIR: &str = "emptyDir";
const NFS: &str = "nfs";
/// A size without a unit below this is taken for a mistake.
const SMALLEST_SIZE: u64 = 1024;

/// A volume as it is configured.
#[derive(Debug)]
pub(super) struct Volume {
    pub(super) name: String,
    /// The key of `mount_path`.
    pub(super) mount_path_key: String,
    pub(super) mount_path: String,
    pub(super) sub_path: String,
    /// Spark 4.0 has it.
    pub(super) sub_path_expr: Option<String>,
    pub(super) read_only: bool,
    pub(super) source: Source,
}

/// What is mounted.
#[derive(Debug)]
pub(super) enum Source {
    HostPath {
        path: String,
        /// Which checks are made before it is mounted; none where it is empty.
        kind: String,
    },
    Claim {
        /// May have placeholders.
        name: String,
        /// Storage class and size of a claim that is made for the executor; without them it exists already.
        made: Option<NewClaim>,
    },
    EmptyDir {
        medium: String,
        size_limit: Option<String>,
    },
    Nfs {
        path: String,
        server: String,
    },
}

/// A claim that is made for an executor.
#[derive(Debug)]
pub(super) struct NewClaim {
    pub(super) storage_class: String,
    pub(super) size: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
}

/// Every volume, ordered by type and name. Keys without a type and a name are passed over, as stock does.
pub(super) fn parse(conf: &Conf, prefix: &Prefix) -> Result<Vec<Volume>, SpecError> {
    let volumes: BTreeSet<(&str, &str)> = conf
        .prefixed(prefix)
        .filter_map(|(key, _)| match java::split(key, '.')[..] {
            [volume_type, name, ..] => Some((volume_type, name)),
            _ => None,
        })
        .collect();
    volumes
        .into_iter()
        .map(|(volume_type, name)| Properties::new(conf, prefix, volume_type, name).volume())
        .collect()
}

/// The entries of one volume.
struct Properties<'a> {
    conf: &'a Conf,
    volume_type: &'a str,
    name: &'a str,
    /// All that its keys have in common, with the final dot.
    prefix: String,
}

impl<'a> Properties<'a> {
    fn new(conf: &'a Conf, prefix: &Prefix, volume_type: &'a str, name: &'a str) -> Properties<'a> {
        Properties {
            conf,
            volume_type,
            name,
            prefix: format!("{}{volume_type}.{name}.", prefix.name()),
        }
    }

    /// Spark 4.0 added to what a volume may have.
    fn is_modern(&self) -> bool {
        self.conf.version().is_at_least(4, 0, 0)
    }

    fn key(&self, property: &str) -> String {
        format!("{}{property}", self.prefix)
    }

    fn get(&self, property: &str) -> Option<&'a str> {
        self.conf.raw(&self.key(property))
    }

    fn volume(&self) -> Result<Volume, SpecError> {
        let (sub_path, sub_path_expr) = (self.get("mount.subPath"), self.get("mount.subPathExpr"));
        if self.is_modern() && sub_path.is_some() && sub_path_expr.is_some() {
            return Err(SpecError::VolumeSubPaths {
                first: self.key("mount.subPath"),
                second: self.key("mount.subPathExpr"),
            });
        }
        let mount_path_key = self.key("mount.path");
        let mount_path = self
            .get("mount.path")
            .ok_or_else(|| SpecError::VolumePath {
                key: mount_path_key.clone(),
            })?
            .to_owned();
        Ok(Volume {
            name: self.name.to_owned(),
            mount_path_key,
            mount_path,
            sub_path: sub_path.unwrap_or_default().to_owned(),
            sub_path_expr: self
                .is_modern()
                .then(|| sub_path_expr.unwrap_or_default().to_owned()),
            read_only: self.read_only()?,
            source: self.source()?,
        })
    }

    fn read_only(&self) -> Result<bool, SpecError> {
        match self.get("mount.readOnly") {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => Err(SpecError::VolumeReadOnly {
                key: self.key("mount.readOnly"),
                value: text.to_owned(),
            }),
        }
    }

    fn source(&self) -> Result<Source, SpecError> {
        match self.volume_type {
            HOST_PATH => Ok(Source::HostPath {
                path: self.required("options.path", HOST_PATH)?,
                kind: self
                    .get("options.type")
                    .filter(|_| self.is_modern())
                    .unwrap_or_default()
                    .to_owned(),
            }),
            CLAIM => {
                let name = self.required("options.claimName", CLAIM)?;
                self.check_size()?;
                let made = match (self.get("options.storageClass"), self.get("options.sizeLimit")) {
                    (Some(storage_class), Some(size)) => Some(NewClaim {
                        storage_class: storage_class.to_owned(),
                        size: size.to_owned(),
                        labels: self.entries("label."),
                        annotations: self.entries("annotation."),
                    }),
                    _ => None,
                };
                Ok(Source::Claim { name, made })
            }
            EMPTY_DIR => {
                self.check_size()?;
                Ok(Source::EmptyDir {
                    medium: self.get("options.medium").unwrap_or_default().to_owned(),
                    size_limit: self.get("options.sizeLimit").map(str::to_owned),
                })
            }
            NFS => Ok(Source::Nfs {
                path: self.required("options.path", NFS)?,
                server: self.required("options.server", NFS)?,
            }),
            other => Err(SpecError::VolumeType {
                key: self.key("mount.path"),
                volume_type: other.to_owned(),
            }),
        }
    }

    fn required(&self, property: &str, volume_type: &'static str) -> Result<String, SpecError> {
        self.get(property)
            .map(str::to_owned)
            .ok_or_else(|| SpecError::VolumeProperty {
                key: self.key(property),
                volume_type,
            })
    }

    /// Since 4.0 a size without a unit is doubted.
    fn check_size(&self) -> Result<(), SpecError> {
        let Some(size) = self.get("options.sizeLimit") else {
            return Ok(());
        };
        let key = self.key("options.sizeLimit");
        refuse_empty(&key, size)?;
        let is_number = size.bytes().all(|b| b.is_ascii_digit());
        let is_small = || size.parse::<u64>().is_ok_and(|bytes| bytes < SMALLEST_SIZE);
        if self.is_modern() && is_number && is_small() {
            return Err(SpecError::VolumeSize {
                key,
                value: size.to_owned(),
            });
        }
        Ok(())
    }

    /// Labels or annotations. Spark 4.0 has them.
    fn entries(&self, property: &str) -> BTreeMap<String, String> {
        let prefix = self.key(property);
        let entries = self.conf.prefixed(&prefix).filter(|_| self.is_modern());
        entries
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}
