//! YAML as Spark's Kubernetes client reads it: YAML 1.2 with the JSON schema, so that `yes` and `0644` are texts.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Number, Value};

use crate::spec::object::Object;

/// How many nodes aliases may stand for, so that a small text cannot fill the memory.
const MAX_ALIASED: usize = 100_000;
/// How deep nodes may be nested, so that a text cannot exhaust the stack.
const MAX_DEPTH: usize = 100;

/// The one document of a text; empty documents do not count. The error is for people.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut loader = Loader {
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
        aliased: 0,
    };
    let mut documents = Vec::new();
    loop {
        match loader.next()? {
            Event::StreamEnd => break,
            Event::DocumentStart(..) => {
                let event = loader.next()?;
                documents.extend(Some(loader.node(event, 0)?).filter(|node| !node.is_null()));
            }
            _ => {}
        }
    }
    match documents.len() {
        0 => Err("it is empty".to_owned()),
        1 => Ok(documents.swap_remove(0)),
        count => Err(format!("it has {count} documents instead of one")),
    }
}

struct Loader<'a> {
    events: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, (Value, usize)>,
    aliased: usize,
}

impl<'a> Loader<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        loop {
            match self.events.next() {
                None => return Ok(Event::StreamEnd),
                Some(Err(error)) => return Err(error.to_string()),
                Some(Ok((Event::Comment(..), _))) => {}
                // The parser writes `~` for what is not there; a `~` in the text is a text.
                Some(Ok((Event::Scalar(_, style, anchor, tag), span))) if span.is_empty() => {
                    return Ok(Event::Scalar("".into(), style, anchor, tag));
                }
                Some(Ok((event, _))) => return Ok(event),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH} levels"));
        }
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => (anchor, scalar(&text, style, tag.as_deref())),
            Event::SequenceStart(_, anchor, _) => (anchor, self.sequence(depth)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.mapping(depth)?),
            Event::Alias(id) => return self.alias(id),
            other => return Err(format!("it has an unexpected {other:?}")),
        };
        if anchor != 0 {
            let size = size(&value);
            self.anchors.insert(anchor, (value.clone(), size));
        }
        Ok(value)
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Value::Array(items)),
                event => items.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, String> {
        let mut object = Object::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => return Ok(Value::Object(object)),
                event => self.node(event, depth + 1)?,
            };
            let key = match key {
                Value::Array(_) | Value::Object(_) | Value::Null => {
                    return Err(format!("it has the key {key}, which is no text"));
                }
                key => scalar_text(&key),
            };
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            if object.insert(key.clone(), value).is_some() {
                return Err(format!("it has the key {key} twice"));
            }
        }
    }

    fn alias(&mut self, id: usize) -> Result<Value, String> {
        let Some((value, size)) = self.anchors.get(&id) else {
            return Err("it has an alias of something that contains it".to_owned());
        };
        self.aliased += size;
        if self.aliased > MAX_ALIASED {
            return Err(format!("its aliases stand for more than {MAX_ALIASED} nodes"));
        }
        Ok(value.clone())
    }
}

/// How many nodes a value has.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let is_text = match tag {
        None => style != ScalarStyle::Plain,
        Some(tag) => !(tag.is_yaml_core_schema() && tag.suffix() != "str"),
    };
    if is_text { text.into() } else { plain(text) }
}

/// A scalar without quotes: null, a boolean or a number where it looks exactly like one.
fn plain(text: &str) -> Value {
    match text {
        "" | "null" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        ".inf" => "Infinity".into(),
        "-.inf" => "-Infinity".into(),
        ".nan" => "NaN".into(),
        _ if looks_like_number(text) => number(text),
        _ => text.into(),
    }
}

/// An optional minus, an integer without leading zeros, and perhaps a fraction and an exponent.
fn looks_like_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).count();
    let whole = digits(unsigned);
    if whole == 0 || (whole > 1 && unsigned.starts_with('0')) {
        return false;
    }
    let mut rest = &unsigned[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = &fraction[digits(fraction)..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}

fn number(text: &str) -> Value {
    if let Ok(number) = text.parse::<i64>() {
        return number.into();
    }
    if let Ok(number) = text.parse::<u64>() {
        return number.into();
    }
    // An integer beyond 64 bits stays as it is written.
    if !text.contains(['.', 'e', 'E']) {
        return text.into();
    }
    let finite = text.parse::<f64>().ok().and_then(Number::from_f64);
    finite.map_or_else(|| text.into(), Value::Number)
}

/// What Java makes of a scalar that is wanted as a text.
pub(super) fn scalar_text(scalar: &Value) -> String {
    match scalar {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => java_double(float),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// `Double.toString` of Java.
fn java_double(float: f64) -> String {
    let magnitude = float.abs();
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        return format!("{float:?}");
    }
    let text = format!("{float:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if mantissa.contains('.') => format!("{mantissa}E{exponent}"),
        Some((mantissa, exponent)) => format!("{mantissa}.0E{exponent}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_scalars_are_those_of_json() {
        let document = parse(
            "[null, {a: }, true, True, yes, ~, 5, -5, 05, +5, 0x5, 1_0, 1.50, 1., .5, 1e3, 1e, .inf, '5', !!str 5, !!int \"5\"]",
        );
        assert_eq!(
            document.unwrap(),
            json!([
                null, {"a": null}, true, "True", "yes", "~", 5, -5, "05", "+5", "0x5", "1_0", 1.5, 1.0, ".5", 1000.0, "1e",
                "Infinity", "5", "5", 5
            ])
        );
    }

    #[test]
    fn numbers_become_texts_as_in_java() {
        for (yaml, text) in [
            ("1.50", "1.5"),
            ("1e3", "1000.0"),
            ("12E6", "1.2E7"),
            ("0.0001", "1.0E-4"),
            ("-100000000.0", "-1.0E8"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("true", "true"),
        ] {
            assert_eq!(scalar_text(&plain(yaml)), text);
        }
    }

    #[test]
    fn aliases_stand_for_what_is_anchored() {
        let document = parse("a: &x [1, {b: 2}]\nc: *x\n<<: *x\n").unwrap();
        assert_eq!(
            document,
            json!({"a": [1, {"b": 2}], "c": [1, {"b": 2}], "<<": [1, {"b": 2}]})
        );
    }

    #[test]
    fn one_document_is_wanted() {
        assert_eq!(parse("# comment\n---\na: 1\n---\n").unwrap(), json!({"a": 1}));
        for (text, problem) in [
            ("", "empty"),
            ("---\n---\n", "empty"),
            ("a: 1\n---\nb: 1\n", "2 documents"),
            ("a: 1\na: 2\n", "a twice"),
            ("? [a]\n: b\n", "no text"),
            ("a: &x [*x]\n", "contains it"),
            ("a: [", ""),
            (&("[".repeat(200) + &"]".repeat(200)), "nested"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn aliases_cannot_multiply_without_end() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..10 {
            let before = format!("*a{}, ", n - 1).repeat(10);
            bomb = format!("{bomb}a{n}: &a{n} [{before}]\n");
        }
        assert!(parse(&bomb).unwrap_err().contains("aliases"));
    }
}
