//! Changes of JSON objects as fabric8's builders make them: what is there stays, what is added comes after it.

use serde_json::{Map, Value};

/// A Kubernetes object without types, so that fields we do not know survive.
pub(super) type Object = Map<String, Value>;

/// Sets a field, whatever it was.
pub(super) fn set(object: &mut Object, field: &str, value: impl Into<Value>) {
    object.insert(field.to_owned(), value.into());
}

/// Changes the object in a field, which is made where there is none.
pub(super) fn edit<T>(object: &mut Object, field: &str, change: impl FnOnce(&mut Object) -> T) -> T {
    let mut child = match object.remove(field) {
        Some(Value::Object(child)) => child,
        _ => Object::new(),
    };
    let result = change(&mut child);
    set(object, field, child);
    result
}

/// Adds to the end of a list. Nothing added makes no list.
pub(super) fn append(object: &mut Object, field: &str, items: impl IntoIterator<Item = Value>) {
    let mut items = items.into_iter().peekable();
    if items.peek().is_none() {
        return;
    }
    match object.get_mut(field) {
        Some(Value::Array(list)) => list.extend(items),
        _ => set(object, field, items.collect::<Vec<_>>()),
    }
}

/// Adds entries to a map; of two with the same name the later one counts. Nothing added makes no map.
pub(super) fn merge(object: &mut Object, field: &str, entries: impl IntoIterator<Item = (String, Value)>) {
    let mut entries = entries.into_iter().peekable();
    if entries.peek().is_some() {
        edit(object, field, |map| map.extend(entries));
    }
}

/// The text in a field.
pub(super) fn text<'a>(object: &'a Object, field: &str) -> Option<&'a str> {
    object.get(field)?.as_str()
}

/// The objects of a list.
pub(super) fn objects<'a>(object: &'a Object, field: &str) -> impl Iterator<Item = &'a Object> {
    object
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
}
