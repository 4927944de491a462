//! Whether stock and Stoker agree on a case.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::case::Case;
use crate::normalize::{Built, normalized};
use crate::ours::{self, Refusal};
use crate::stock::Stock;

/// Both build the same, or both refuse. The error tells where they differ.
pub(crate) fn compare(case: &Case, stock: &Stock, theirs: &Value) -> Result<(), String> {
    let expected = case.error(stock.version());
    let refusal = theirs["error"].as_str();
    expect_of_stock(case, expected, refusal)?;
    let ours = ours::build(case, stock, theirs["prefix"].as_str());
    let theirs_in_short = refusal.unwrap_or("builds");
    match (ours, refusal) {
        (Ok(ours), None) => {
            let theirs = Built {
                pod: theirs["pod"].clone(),
                resources: theirs["resources"].as_array().cloned().unwrap_or_default(),
                config_map: theirs["configMap"].clone(),
                controller: theirs["controller"].clone(),
            };
            let ours = normalized(case, ours).map_err(|e| format!("ours: {e}"))?;
            let theirs = normalized(case, theirs).map_err(|e| format!("theirs: {e}"))?;
            all([
                same("pod", &ours.pod, &theirs.pod),
                same("resources", &ours.resources.into(), &theirs.resources.into()),
                same("config map", &ours.config_map, &theirs.config_map),
                same("controller", &ours.controller, &theirs.controller),
            ])
        }
        (Err(Refusal(ours)), Some(_)) => {
            let missing = expected
                .into_iter()
                .chain(case.names())
                .find(|text| !ours.contains(text));
            missing.map_or(Ok(()), |text| {
                Err(format!("ours does not contain {text:?}: {ours}"))
            })
        }
        (Ok(_), Some(_)) => Err(format!("ours:   builds\ntheirs: {theirs_in_short}")),
        (Err(Refusal(ours)), _) => Err(format!("ours:   {ours}\ntheirs: {theirs_in_short}")),
    }
}

/// Whether the case is as it was meant. One that was generated may be refused for any reason.
fn expect_of_stock(case: &Case, expected: Option<&str>, refusal: Option<&str>) -> Result<(), String> {
    match (expected, refusal) {
        (Some(text), Some(message)) if message.contains(text) => Ok(()),
        (None, refusal) if refusal.is_none() || case.may_be_refused => Ok(()),
        (expected, refusal) => Err(format!(
            "the case expects something else of stock\nexpected: {}\nstock:    {}",
            expected.map_or("builds".to_owned(), |text| format!("an error with {text:?}")),
            refusal.unwrap_or("builds"),
        )),
    }
}

/// Says where two values differ.
fn same(path: &str, ours: &Value, theirs: &Value) -> Result<(), String> {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            all(keys.into_iter().map(|key| {
                same(
                    &format!("{path}.{key}"),
                    a.get(key).unwrap_or(&Value::Null),
                    b.get(key).unwrap_or(&Value::Null),
                )
            }))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => all(a
            .iter()
            .zip(b)
            .enumerate()
            .map(|(index, (a, b))| same(&format!("{path}[{index}]"), a, b))),
        (Value::Array(a), Value::Array(b)) => Err(format!(
            "{path}\n  only ours:   {}\n  only theirs: {}",
            missing_in(b, a),
            missing_in(a, b)
        )),
        _ if ours == theirs => Ok(()),
        _ => Err(format!("{path}\n  ours:   {ours}\n  theirs: {theirs}")),
    }
}

/// The items that the other list does not have.
fn missing_in(other: &[Value], items: &[Value]) -> Value {
    items
        .iter()
        .filter(|item| !other.contains(item))
        .cloned()
        .collect()
}

fn all(parts: impl IntoIterator<Item = Result<(), String>>) -> Result<(), String> {
    let differences: Vec<String> = parts.into_iter().filter_map(Result::err).collect();
    if differences.is_empty() {
        Ok(())
    } else {
        Err(differences.join("\n"))
    }
}
