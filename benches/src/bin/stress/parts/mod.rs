//! What is measured, a file each.

mod churn;
mod creates;
mod flame;
mod jni;
mod life;
mod losses;
mod native;
mod pods;

use stoker_benches::results::{Figures, Key, Kind};

pub(crate) use flame::measure as flame;
pub(crate) use pods::measure as pods;

use crate::field::Field;

/// Measures, and leaves nothing behind on the cluster.
pub(crate) fn measure(field: &Field, key: &Key) -> Figures {
    match key.case.kind {
        Kind::Creates => creates::measure(field, key),
        Kind::Native => native::measure(field, key),
        Kind::Life => life::measure(field, key),
        Kind::Losses => losses::measure(field, key),
        Kind::Churn => churn::measure(field, key),
        Kind::Jni => jni::measure(field, key),
        Kind::Pods => pods(&field.programs, key),
        Kind::Plan => panic!("criterion measures the plan"),
    }
}

/// Figures by name.
fn figures<const N: usize>(figures: [(&str, f64); N]) -> Figures {
    figures.map(|(name, value)| (name.to_owned(), value)).into()
}
