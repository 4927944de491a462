//! The configuration against what Java and Spark make of the same texts. `expected/` says how its files were made.

#[cfg(test)]
mod keys;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod units;
