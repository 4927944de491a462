//! What the types of Spark's Kubernetes client make of a template: numbers become texts where a text is wanted and
//! the other way round, empty lists and maps disappear, and fields without a type stay as they are.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::yaml::scalar_text;
use crate::spec::object::Object;

/// The types of `v1.Pod`: one line each, the name and then the fields with their types, see [`Type::parse`].
static TYPES: LazyLock<HashMap<&'static str, HashMap<&'static str, Type>>> = LazyLock::new(|| {
    include_str!("types.txt")
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let name = words.next()?;
            let fields = words.filter_map(|word| word.split_once(':'));
            Some((name, fields.map(|(field, of)| (field, Type::parse(of))).collect()))
        })
        .collect()
});

/// The rules of a version of stock's client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Whether numbers of 32 bits have to be written as such, and modes of files may be octal.
    pub(super) strict: bool,
}

/// The type of a field.
#[derive(Debug, PartialEq, Eq)]
enum Type {
    /// `text`
    Text,
    /// `bool`
    Bool,
    /// `int`: 32 bits.
    Int,
    /// `long`: 64 bits.
    Long,
    /// `mode`: of a file; where the rules are strict an octal number if it begins with 0.
    Mode,
    /// `quantity`
    Quantity,
    /// `scalar`: a whole number or a text.
    Scalar,
    /// `any`
    Any,
    /// `[type]`
    List(Box<Type>),
    /// `{type}`
    Map(Box<Type>),
    /// The name of another line.
    Object(&'static str),
}

impl Type {
    fn parse(text: &'static str) -> Type {
        let within = |open, close| text.strip_prefix(open)?.strip_suffix(close);
        match text {
            "text" => Type::Text,
            "bool" => Type::Bool,
            "int" => Type::Int,
            "long" => Type::Long,
            "mode" => Type::Mode,
            "quantity" => Type::Quantity,
            "scalar" => Type::Scalar,
            "any" => Type::Any,
            name => match (within('[', ']'), within('{', '}')) {
                (Some(item), _) => Type::List(Box::new(Type::parse(item))),
                (_, Some(value)) => Type::Map(Box::new(Type::parse(value))),
                _ => Type::Object(name),
            },
        }
    }

    /// The value that is sent; `None` for a field that is left out. The error says what is wrong with it.
    fn read(&self, value: Value, rules: Rules) -> Result<Option<Value>, Problem> {
        match (self, value) {
            (Type::Any, value) => Ok(Some(value)),
            (_, Value::Null) => Ok(None),
            (Type::List(item), Value::Array(items)) => list(item, items, rules),
            (Type::Map(of), Value::Object(entries)) => map(of, entries, rules),
            (Type::Object(name), Value::Object(fields)) => {
                object(name, fields, rules).map(|read| Some(read.into()))
            }
            (Type::Quantity, Value::Object(parts)) => {
                let part = |name| parts.get(name).map(scalar_text).unwrap_or_default();
                Ok(Some((part("amount") + &part("format")).into()))
            }
            (Type::List(_) | Type::Map(_) | Type::Object(_), value)
            | (_, value @ (Value::Array(_) | Value::Object(_))) => Err(self.problem(&value)),
            (_, scalar) => self.scalar(&scalar, rules),
        }
    }

    fn scalar(&self, value: &Value, rules: Rules) -> Result<Option<Value>, Problem> {
        let problem = || self.problem(value);
        let text = scalar_text(value);
        match self {
            Type::Bool => match (value, text.as_str()) {
                (Value::Number(number), _) => {
                    let number = number.as_i64().ok_or_else(problem)?;
                    Ok(Some((number != 0).into()))
                }
                (_, "") => Ok(None),
                (_, "true" | "True" | "TRUE") => Ok(Some(true.into())),
                (_, "false" | "False" | "FALSE") => Ok(Some(false.into())),
                _ => Err(problem()),
            },
            Type::Int if rules.strict => Ok(Some(text.parse::<i32>().map_err(|_| problem())?.into())),
            Type::Mode if rules.strict => {
                let octal = text.strip_prefix("0o").or_else(|| text.strip_prefix('0'));
                let mode = match octal.filter(|digits| !digits.is_empty()) {
                    Some(digits) => i32::from_str_radix(digits, 8),
                    None => text.parse(),
                };
                Ok(Some(mode.map_err(|_| problem())?.into()))
            }
            Type::Int | Type::Long | Type::Mode => match value {
                Value::Bool(_) => Err(problem()),
                Value::String(text) if text.trim().is_empty() => Ok(None),
                _ => {
                    let whole = text.trim().split('.').next().unwrap_or_default();
                    let number: i64 = whole.parse().map_err(|_| problem())?;
                    match i32::try_from(number) {
                        Err(_) if *self != Type::Long => Err(problem()),
                        _ => Ok(Some(number.into())),
                    }
                }
            },
            Type::Scalar => match value {
                Value::String(_) => Ok(Some(value.clone())),
                Value::Number(number) if number.is_i64() => Ok(Some(value.clone())),
                _ => Err(problem()),
            },
            Type::Quantity if text.is_empty() => Err(problem()),
            _ => Ok(Some(text.into())),
        }
    }

    fn problem(&self, value: &Value) -> Problem {
        let wanted = match self {
            Type::Text => "a text",
            Type::Bool => "true or false",
            Type::Int | Type::Long => "a whole number",
            Type::Mode => "the mode of a file, such as 0644",
            Type::Quantity => "a quantity, such as 500m or 2Gi",
            Type::Scalar => "a whole number or a text",
            Type::List(_) => "a list",
            Type::Map(_) | Type::Object(_) => "an object",
            Type::Any => "anything",
        };
        Problem {
            path: String::new(),
            message: format!("is {value} and should be {wanted}"),
        }
    }
}

/// What is wrong with a template, and where.
#[derive(Debug)]
struct Problem {
    path: String,
    message: String,
}

impl Problem {
    fn within(mut self, field: &str) -> Problem {
        self.path.insert_str(0, field);
        self
    }
}

fn list(item: &Type, items: Vec<Value>, rules: Rules) -> Result<Option<Value>, Problem> {
    let mut list = Vec::new();
    for (index, value) in items.into_iter().enumerate() {
        let read = item
            .read(value, rules)
            .map_err(|problem| problem.within(&format!("[{index}]")))?;
        list.push(match (read, item) {
            (Some(value), _) => value,
            (None, Type::Object(_)) => Object::new().into(),
            (None, _) => Value::Null,
        });
    }
    Ok((!list.is_empty()).then_some(Value::Array(list)))
}

fn map(of: &Type, entries: Object, rules: Rules) -> Result<Option<Value>, Problem> {
    let mut map = Object::new();
    for (name, value) in entries {
        let read = of
            .read(value, rules)
            .map_err(|problem| problem.within(&format!(".{name}")))?;
        map.insert(name, read.unwrap_or_default());
    }
    Ok((!map.is_empty()).then_some(Value::Object(map)))
}

fn object(name: &str, fields: Object, rules: Rules) -> Result<Object, Problem> {
    let types = TYPES.get(name);
    let mut object = Object::new();
    for (field, value) in fields {
        let read = match types.and_then(|types| types.get(field.as_str())) {
            None => Some(value),
            Some(of) => of
                .read(value, rules)
                .map_err(|problem| problem.within(&format!(".{field}")))?,
        };
        if let Some(value) = read {
            object.insert(field, value);
        }
    }
    Ok(object)
}

/// The pod that stock would have read. The error is for people.
pub(super) fn pod(fields: Object, rules: Rules) -> Result<Object, String> {
    object("Pod", fields, rules).map_err(|Problem { path, message }| {
        let path = path.trim_start_matches('.');
        format!("{path} {message}")
    })
}
