//! The table of keys.

use super::key::{Key, OptKey, Prefix};
use super::units::ByteSize;

/// Writes rows of the table: the documentation of the item is the documentation of the key.
macro_rules! keys {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $key:literal $(.$word:ident($($argument:expr),* $(,)?))*;)+) => {
        $(
            $(#[doc = $doc])+
            #[doc = concat!("\n\nKey: `", $key, "`")]
            pub static $name: $type = <$type>::new($key, concat!($($doc, "\n"),+))$(.$word($($argument),*))*;
        )+

        pub(in crate::conf) static TABLE: &[&crate::conf::KeyInfo] = &[$($name.info()),+];
    };
}

pub(super) mod allocation;
mod checks;
pub(super) mod cluster;
pub(super) mod executor;
pub(super) mod spark;
pub(super) mod stoker;
pub(super) mod submit;

pub use allocation::*;
pub use cluster::*;
pub use executor::*;
pub use spark::*;
pub use stoker::*;
pub use submit::*;

pub use super::table::{all, find};
