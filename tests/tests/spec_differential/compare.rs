//! Whether stock and Stoker agree on a case.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::case::Case;
use crate::normalize::{Built, normalized};
use crate::ours::{self, Refusal};
use crate::stock::Stock;

/// Both build the same, or both refuse. The error tells where they differ.
pub(crate) fn compare(case: &Case, stock: &Stock, theirs: &Value) -> Result<(), String> {
    let ours = ours::build(case, stock, theirs["prefix"].as_str());
    let expected = case.error(stock.version());
    match (ours, theirs["error"].as_str()) {
        (Err(Refusal::NotBuilt(message)), _) => Err(format!("ours: {message}")),
        (Err(Refusal::Invalid(ours)), Some(theirs)) => agree_on_refusal(case, expected, &ours, theirs),
        (Ok(ours), None) if expected.is_none() => {
            let theirs = Built {
                pod: theirs["pod"].clone(),
                resources: theirs["resources"].as_array().cloned().unwrap_or_default(),
                config_map: theirs["configMap"].clone(),
            };
            let (ours, theirs) = (normalized(case, ours), normalized(case, theirs));
            let (ours, theirs) = (
                ours.map_err(|e| format!("ours: {e}"))?,
                theirs.map_err(|e| format!("theirs: {e}"))?,
            );
            all([
                same("pod", &ours.pod, &theirs.pod),
                same("resources", &ours.resources.into(), &theirs.resources.into()),
                same("config map", &ours.config_map, &theirs.config_map),
            ])
        }
        (ours, theirs) => {
            let ours = match &ours {
                Ok(_) => "builds",
                Err(Refusal::Invalid(message) | Refusal::NotBuilt(message)) => message,
            };
            Err(format!(
                "expected: {}\nours:     {ours}\ntheirs:   {}",
                expected.map_or("builds".to_owned(), |text| format!("an error with {text:?}")),
                theirs.unwrap_or("builds")
            ))
        }
    }
}

fn agree_on_refusal(case: &Case, expected: Option<&str>, ours: &str, theirs: &str) -> Result<(), String> {
    let are_same = match expected {
        Some(text) => ours.contains(text) && theirs.contains(text),
        None => case.may_be_refused,
    };
    if !are_same {
        return Err(format!(
            "expected: {expected:?}\nours:     {ours}\ntheirs:   {theirs}"
        ));
    }
    case.names()
        .find(|name| !ours.contains(name))
        .map_or(Ok(()), |name| Err(format!("ours does not name {name}: {ours}")))
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
