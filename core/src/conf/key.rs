//! What the table says about a key.

use std::marker::PhantomData;
use std::time::Duration;

use super::units::{ByteSize, SizeUnit, TimeUnit};
use super::value::{Kind, Value};
use super::version::Release;
use super::{Conf, ConfError};

/// Whether a key does anything in Stoker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Honoured as Spark documents it.
    Built,
    /// Belongs to the named feature, which is not there yet; a configuration that sets it to something else than its
    /// default is refused.
    NotBuilt(&'static str),
    /// Accepted without effect in Stoker, for the given reason. The value is not even looked at.
    Ignored(&'static str),
}

/// A limit on the values of a key; numbers in the unit of the key.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Everything of the type is allowed.
    Any,
    /// This or more.
    AtLeast(f64),
    /// More than this.
    MoreThan(f64),
    /// This or less.
    AtMost(f64),
    /// From the first to the second.
    Between(f64, f64),
    /// Exactly one of these texts.
    OneOf(&'static [&'static str]),
    /// A text for which the function holds; the second says what is wanted.
    Form(fn(&str) -> bool, &'static str),
}

/// One row of the table: a key or a group of keys with the same prefix.
#[derive(Debug)]
pub struct KeyInfo {
    name: &'static str,
    doc: &'static str,
    kind: Kind,
    since: Release,
    default: Option<&'static str>,
    changes: &'static [(Release, &'static str)],
    alternatives: &'static [&'static str],
    fallback: Option<&'static KeyInfo>,
    prepended: Option<(&'static KeyInfo, &'static str)>,
    check: Check,
    status: Status,
    literal: bool,
}

impl KeyInfo {
    const fn new(name: &'static str, doc: &'static str, kind: Kind) -> Self {
        Self {
            name,
            doc,
            kind,
            since: (0, 0, 0),
            default: None,
            changes: &[],
            alternatives: &[],
            fallback: None,
            prepended: None,
            check: Check::Any,
            status: Status::Built,
            literal: false,
        }
    }

    /// The name of the key, or the common beginning of a group of keys with its final dot.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What the key means; one or more lines of Markdown.
    pub const fn doc(&self) -> &'static str {
        self.doc
    }

    /// The type and the unit.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The first release of Spark that knows the key; for Stoker's own keys (0, 0, 0). Earlier releases behave as if it
    /// were not set.
    pub const fn since(&self) -> Release {
        self.since
    }

    /// The default in a release of Spark, as the user would write it.
    pub fn default_in(&self, release: Release) -> Option<&'static str> {
        self.changes
            .iter()
            .rev()
            .find(|(since, _)| release >= *since)
            .map(|(_, default)| *default)
            .or(self.default)
    }

    /// The default of the first release and then the releases that changed it.
    pub fn defaults(&self) -> (Option<&'static str>, &'static [(Release, &'static str)]) {
        (self.default, self.changes)
    }

    /// Deprecated names, which count when the key itself is not set; the first that is set wins.
    pub const fn alternatives(&self) -> &'static [&'static str] {
        self.alternatives
    }

    /// The key that is asked when neither this one nor an alternative is set.
    pub const fn fallback(&self) -> Option<&'static KeyInfo> {
        self.fallback
    }

    /// The key whose value is put before this one's, and what stands between them.
    pub const fn prepended(&self) -> Option<(&'static KeyInfo, &'static str)> {
        self.prepended
    }

    /// Whether references in the value stay as they are written, as Spark reads the key by its name alone.
    pub const fn is_literal(&self) -> bool {
        self.literal
    }

    /// The limit on the values.
    pub const fn check(&self) -> Check {
        self.check
    }

    /// Whether Stoker honours the key.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Whether a text leaves things as they are without the feature of the key: it is the default.
    pub fn is_inert(&self, text: &str, release: Release) -> bool {
        self.default_in(release) == Some(text.trim())
    }

    /// Whether a release of Spark knows the key.
    pub fn exists_in(&self, release: Release) -> bool {
        release >= self.since
    }

    /// Whether the text is a value of this key; the error says what is wrong and what would be right.
    pub fn validate(&self, text: &str) -> Result<(), String> {
        match self.kind {
            Kind::Bool => bool::read(text, self).map(drop),
            Kind::Int => i32::read(text, self).map(drop),
            Kind::Long => i64::read(text, self).map(drop),
            Kind::Double => f64::read(text, self).map(drop),
            Kind::Text => String::read(text, self).map(drop),
            Kind::List => Vec::<String>::read(text, self).map(drop),
            Kind::Time(_) => Duration::read(text, self).map(drop),
            Kind::Size(_) => ByteSize::read(text, self).map(drop),
            Kind::Prefix => Ok(()),
        }
    }
}

/// A key that always has a value: set, by a fallback, or its default.
#[derive(Debug)]
pub struct Key<T> {
    info: KeyInfo,
    value: PhantomData<fn() -> T>,
}

/// A key that may be absent.
#[derive(Debug)]
pub struct OptKey<T> {
    info: KeyInfo,
    value: PhantomData<fn() -> T>,
}

/// A group of keys that begin alike, such as `spark.kubernetes.executor.label.`. Values stay as they are written.
#[derive(Debug)]
pub struct Prefix {
    info: KeyInfo,
}

/// A key that can be asked for; sealed by the private constructors of [`Key`] and [`OptKey`].
pub trait AnyKey {
    /// What [`Conf::get`] gives.
    type Output;

    /// The row of the table.
    fn info(&self) -> &KeyInfo;

    /// The value in a configuration.
    fn read(&self, conf: &Conf) -> Result<Self::Output, ConfError>;
}

impl<T: Value> AnyKey for Key<T> {
    type Output = T;

    fn info(&self) -> &KeyInfo {
        &self.info
    }

    fn read(&self, conf: &Conf) -> Result<T, ConfError> {
        conf.read(&self.info)?.ok_or_else(|| ConfError::Missing {
            key: self.info.name.to_owned(),
        })
    }
}

impl<T: Value> AnyKey for OptKey<T> {
    type Output = Option<T>;

    fn info(&self) -> &KeyInfo {
        &self.info
    }

    fn read(&self, conf: &Conf) -> Result<Option<T>, ConfError> {
        conf.read(&self.info)
    }
}

impl Prefix {
    pub(super) const fn new(name: &'static str, doc: &'static str) -> Self {
        Self {
            info: KeyInfo::new(name, doc, Kind::Prefix),
        }
    }

    /// The row of the table.
    pub const fn info(&self) -> &KeyInfo {
        &self.info
    }

    /// The common beginning, with its final dot.
    pub const fn name(&self) -> &'static str {
        self.info.name
    }
}

impl AsRef<str> for Prefix {
    fn as_ref(&self) -> &str {
        self.info.name
    }
}

/// Gives a kind of key the words with which the table is written.
macro_rules! builder {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> $type {
            /// The first release of Spark that knows the key.
            pub(super) const fn since(mut self, major: u32, minor: u32, patch: u32) -> Self {
                self.info.since = (major, minor, patch);
                self
            }

            /// The key is accepted without effect in Stoker.
            pub(super) const fn ignored(mut self, reason: &'static str) -> Self {
                self.info.status = Status::Ignored(reason);
                self
            }
        }
    };
}

/// The words that only a single key has.
macro_rules! single_key_builder {
    ($type:ident) => {
        builder!([T: Value] $type<T>);

        impl<T: Value> $type<T> {
            pub(super) const fn new(name: &'static str, doc: &'static str) -> Self {
                Self { info: KeyInfo::new(name, doc, T::KIND), value: PhantomData }
            }

            /// The name of the key.
            pub const fn name(&self) -> &'static str {
                self.info.name
            }

            /// The row of the table.
            pub const fn info(&self) -> &KeyInfo {
                &self.info
            }

            /// Deprecated names.
            pub(super) const fn alternatives(mut self, names: &'static [&'static str]) -> Self {
                self.info.alternatives = names;
                self
            }

            /// The key that is asked when this one is not set.
            pub(super) const fn fallback(mut self, to: &'static KeyInfo) -> Self {
                self.info.fallback = Some(to);
                self
            }

            /// The limit on the values.
            pub(super) const fn check(mut self, check: Check) -> Self {
                self.info.check = check;
                self
            }
        }

        impl $type<Duration> {
            /// The key counts in seconds instead of milliseconds.
            pub(super) const fn seconds(mut self) -> Self {
                self.info.kind = Kind::Time(TimeUnit::Seconds);
                self
            }
        }

        impl $type<ByteSize> {
            /// The key counts in mebibytes instead of bytes.
            pub(super) const fn mib(mut self) -> Self {
                self.info.kind = Kind::Size(SizeUnit::Mib);
                self
            }
        }
    };
}

builder!([] Prefix);
single_key_builder!(Key);
single_key_builder!(OptKey);

impl<T: Value> Key<T> {
    /// The default, as the user would write it.
    pub(super) const fn default(mut self, text: &'static str) -> Self {
        self.info.default = Some(text);
        self
    }

    /// A configuration that sets the key is refused, because the named feature is not there.
    #[allow(
        dead_code,
        reason = "every key is honoured; the next one of Spark may come before its feature"
    )]
    pub(super) const fn not_built(mut self, feature: &'static str) -> Self {
        self.info.status = Status::NotBuilt(feature);
        self
    }

    /// Releases that changed the default, in their order.
    pub(super) const fn changed(mut self, changes: &'static [(Release, &'static str)]) -> Self {
        self.info.changes = changes;
        self
    }
}

impl<T: Value> OptKey<T> {
    /// References in the value stay as they are written.
    pub(super) const fn literal(mut self) -> Self {
        self.info.literal = true;
        self
    }

    /// The key whose value is put before this one's, and what stands between them.
    pub(super) const fn prepended(mut self, key: &'static KeyInfo, separator: &'static str) -> Self {
        self.info.prepended = Some((key, separator));
        self
    }
}

impl Key<Duration> {
    /// The key counts in minutes instead of milliseconds.
    pub(super) const fn minutes(mut self) -> Self {
        self.info.kind = Kind::Time(TimeUnit::Minutes);
        self
    }
}
