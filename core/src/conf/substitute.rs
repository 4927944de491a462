//! References in values: `${spark.x}`, `${env:X}` and `${system:x}`, as Spark's `ConfigReader` resolves them.

/// Where references are looked up.
pub(super) trait Lookup {
    /// The text a reference stands for, itself not yet substituted. `None` leaves the reference as it is written.
    fn lookup(&self, prefix: Option<&str>, name: &str) -> Option<String>;
}

/// A reference that leads back to itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Circular {
    /// The text in which it stands.
    pub(super) text: String,
    /// What stands between the braces.
    pub(super) reference: String,
}

/// Replaces every reference that can be resolved, and in its value as well.
pub(super) fn substitute(text: &str, from: &impl Lookup) -> Result<String, Circular> {
    expand(text, from, &mut Vec::new())
}

fn expand(text: &str, from: &impl Lookup, used: &mut Vec<String>) -> Result<String, Circular> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, at) = rest.split_at(start);
        out.push_str(before);
        let Some(reference) = Reference::at(at) else {
            out.push_str("${");
            rest = &at[2..];
            continue;
        };
        if used.iter().any(|open| open == reference.text) {
            return Err(Circular {
                text: text.to_owned(),
                reference: reference.text.to_owned(),
            });
        }
        match from.lookup(reference.prefix, reference.name) {
            Some(value) => {
                used.push(reference.text.to_owned());
                out.push_str(&expand(&value, from, used)?);
                used.pop();
            }
            None => out.push_str(&at[..reference.length]),
        }
        rest = &at[reference.length..];
    }
    out.push_str(rest);
    Ok(out)
}

struct Reference<'a> {
    prefix: Option<&'a str>,
    name: &'a str,
    /// What stands between the braces.
    text: &'a str,
    /// The length with `${` and `}`.
    length: usize,
}

impl<'a> Reference<'a> {
    /// The reference at the beginning of the text: Spark's `\$\{(?:(\w+?):)?(\S+?)\}`. A name has at least one
    /// character, even if that is a brace, and holds no ASCII white space.
    fn at(text: &'a str) -> Option<Self> {
        let inner = &text[2..];
        let prefix = inner
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|end| {
                *end > 0 && inner[*end..].starts_with(':') && Self::name_length(&inner[end + 1..]).is_some()
            });
        let skipped = prefix.map_or(0, |end| end + 1);
        let length = Self::name_length(&inner[skipped..])?;
        Some(Self {
            prefix: prefix.map(|end| &inner[..end]),
            name: &inner[skipped..skipped + length],
            text: &inner[..skipped + length],
            length: 2 + skipped + length + 1,
        })
    }

    fn name_length(text: &str) -> Option<usize> {
        let first = text.chars().next()?.len_utf8();
        let end = first + text.get(first..)?.find('}')?;
        (!text[..end].contains([' ', '\t', '\n', '\r', '\x0b', '\x0c'])).then_some(end)
    }
}
