//! Spark's configuration: properties, keys, typed values.
//!
//! One [table of keys](keys) holds name, type, unit, default per Spark version and meaning; the parser, the messages of
//! validation and the reference page come from it. Nothing here does I/O: the driver's `SparkConf`, the environment and
//! the system properties come in as [`Sources`].

mod diff;
mod error;
mod key;
pub mod keys;
mod notes;
pub mod properties;
mod redact;
pub mod reference;
mod spelling;
mod substitute;
mod table;
mod units;
mod value;
mod version;

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ops::Bound;
use std::sync::Arc;

pub use diff::{Difference, diff};
pub use error::ConfError;
pub use key::{AnyKey, Check, Key, KeyInfo, OptKey, Prefix, Status};
pub use notes::Note;
pub use redact::{REDACTED, Redactor, redact};
pub use units::{ByteSize, SizeUnit, TimeUnit, parse_size, parse_time};
pub use value::{Kind, Value};
pub use version::{Release, SparkVersion};

use substitute::{Circular, Lookup, substitute};

/// Everything a configuration is read from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The entries of the `SparkConf`, or of a properties file where there is no JVM.
    pub properties: BTreeMap<String, String>,
    /// The environment, for `${env:X}`.
    pub env: BTreeMap<String, String>,
    /// The system properties of the JVM, for `${system:x}`.
    pub system: BTreeMap<String, String>,
}

/// A validated configuration. Cheap to clone; never changes.
#[derive(Debug, Clone)]
pub struct Conf {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sources: Sources,
    version: SparkVersion,
}

impl Conf {
    /// Reads and validates: every key that Stoker honours must have a value of its type. All offending keys are named at
    /// once. A configuration with `spark.stoker.enabled=false` is left to Spark and not looked at.
    pub fn new(sources: Sources, version: SparkVersion) -> Result<Self, ConfError> {
        let conf = Self {
            inner: Arc::new(Inner { sources, version }),
        };
        if conf.get(&keys::STOKER_ENABLED)? {
            conf.validate()?;
        }
        Ok(conf)
    }

    /// The value of a key: what is set, else its fallback's, else the default of this Spark version. References to
    /// other keys, to the environment and to system properties are resolved.
    pub fn get<K: AnyKey>(&self, key: &K) -> Result<K::Output, ConfError> {
        key.read(self)
    }

    /// Whether the user set the key itself or one of its deprecated names; a fallback or a default does not count.
    pub fn is_set(&self, key: &impl AnyKey) -> bool {
        self.set_name(key.info()).is_some()
    }

    /// The same with another text for a key. It is not validated.
    #[must_use]
    pub fn with_entry(&self, key: &impl AnyKey, text: &str) -> Conf {
        let Inner { sources, version } = &*self.inner;
        let mut sources = sources.clone();
        sources
            .properties
            .insert(key.info().name().to_owned(), text.to_owned());
        let version = version.clone();
        Conf {
            inner: Arc::new(Inner { sources, version }),
        }
    }

    /// Whether this Spark version knows the key. Where it does not, the key has its default whatever the user set, and
    /// what the key stands for is not to be done.
    pub fn knows(&self, key: &impl AnyKey) -> bool {
        key.info().exists_in(self.inner.version.release())
    }

    /// The text of an entry as it was written, without substitution, deprecated names or defaults.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.inner.sources.properties.get(name).map(String::as_str)
    }

    /// The entries whose name begins with the prefix, in the order of their names: what follows the prefix, and the
    /// text as it was written.
    pub fn prefixed<'a>(
        &'a self,
        prefix: &'a (impl AsRef<str> + ?Sized),
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let prefix = prefix.as_ref();
        self.inner
            .sources
            .properties
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .map_while(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    /// All entries as they were written, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inner
            .sources
            .properties
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The version of Spark whose defaults hold.
    pub fn version(&self) -> &SparkVersion {
        &self.inner.version
    }

    /// A variable of the environment.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.inner.sources.env.get(name).map(String::as_str)
    }

    /// A system property of the JVM.
    pub fn system(&self, name: &str) -> Option<&str> {
        self.inner.sources.system.get(name).map(String::as_str)
    }

    /// A number that differs when an entry, the environment, a system property or the version differs. Only comparable
    /// within one process.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let Sources {
            properties,
            env,
            system,
        } = &self.inner.sources;
        (properties, env, system, &self.inner.version).hash(&mut hasher);
        hasher.finish()
    }

    pub(super) fn read<T: Value>(&self, info: &KeyInfo) -> Result<Option<T>, ConfError> {
        self.resolve(info)?
            .map(|(name, text)| T::read(&text, info).map_err(|problem| self.bad_value(name, &text, problem)))
            .transpose()
    }

    /// The substituted text of a key and the name it was found under.
    fn resolve(&self, info: &KeyInfo) -> Result<Option<(&'static str, String)>, ConfError> {
        let own = self.set_text(info)?;
        let before = match info.prepended() {
            Some((key, separator)) => self.set_text(key)?.map(|(name, text)| (name, text, separator)),
            None => None,
        };
        match (before, own) {
            (Some((_, before, separator)), Some((name, own))) => {
                Ok(Some((name, format!("{before}{separator}{own}"))))
            }
            (Some((name, before, _)), None) => Ok(Some((name, before))),
            (None, Some(own)) => Ok(Some(own)),
            (None, None) => match info.fallback() {
                Some(fallback) => self.resolve(fallback),
                None => info
                    .default_in(self.inner.version.release())
                    .map(|text| Ok((info.name(), self.substituted(info.name(), text)?)))
                    .transpose(),
            },
        }
    }

    fn set_text(&self, info: &KeyInfo) -> Result<Option<(&'static str, String)>, ConfError> {
        self.set_name(info)
            .and_then(|name| Some((name, self.raw(name)?)))
            .map(|(name, text)| {
                let text = if info.is_literal() {
                    text.to_owned()
                } else {
                    self.substituted(name, text)?
                };
                Ok((name, text))
            })
            .transpose()
    }

    /// The name under which the user set the key, where this Spark version knows the key.
    fn set_name(&self, info: &KeyInfo) -> Option<&'static str> {
        let known = info.exists_in(self.inner.version.release());
        std::iter::once(info.name())
            .chain(info.alternatives().iter().copied())
            .find(|name| known && self.raw(name).is_some())
    }

    fn substituted(&self, key: &str, text: &str) -> Result<String, ConfError> {
        substitute(text, self).map_err(|Circular { text, reference }| ConfError::CircularReference {
            key: key.to_owned(),
            value: Redactor::of(self).redact(key, &text).into_owned(),
            reference,
        })
    }

    fn bad_value(&self, key: &str, text: &str, problem: String) -> ConfError {
        ConfError::Value {
            key: key.to_owned(),
            value: Redactor::of(self).redact(key, text).into_owned(),
            problem,
        }
    }

    fn validate(&self) -> Result<(), ConfError> {
        let mut wrong = Vec::new();
        for info in keys::all().filter(|info| info.status() == Status::Built) {
            match self.set_text(info) {
                Err(error) => wrong.push(error),
                Ok(None) => {}
                Ok(Some((name, text))) => {
                    if let Err(problem) = info.validate(&text) {
                        wrong.push(self.bad_value(name, &text, problem));
                    }
                }
            }
        }
        match wrong.len() {
            0 => Ok(()),
            1 => Err(wrong.remove(0)),
            _ => Err(ConfError::Several(wrong)),
        }
    }
}

impl Lookup for Conf {
    /// Without a prefix only names that begin with `spark.` are looked up; where they are not set, the default in the
    /// table stands in. `env` and `system` are the other prefixes.
    fn lookup(&self, prefix: Option<&str>, name: &str) -> Option<String> {
        match prefix {
            None if name.starts_with("spark.") => match keys::find(name) {
                Some(info) => self.text_or_default(info),
                None => self.raw(name).map(str::to_owned),
            },
            Some("env") => self.env(name).map(str::to_owned),
            Some("system") => self.system(name).map(str::to_owned),
            _ => None,
        }
    }
}

impl Conf {
    fn text_or_default(&self, info: &KeyInfo) -> Option<String> {
        self.set_name(info)
            .and_then(|name| self.raw(name))
            .or_else(|| info.default_in(self.inner.version.release()))
            .map(str::to_owned)
            .or_else(|| self.text_or_default(info.fallback()?))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "for tests")]
impl Conf {
    /// These entries with Spark 4.3.0, and no environment.
    pub(crate) fn of(entries: &[(&str, &str)]) -> Conf {
        let entries = entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let sources = Sources {
            properties: entries.collect(),
            ..Sources::default()
        };
        Conf::new(sources, SparkVersion::new(4, 3, 0)).unwrap()
    }
}
