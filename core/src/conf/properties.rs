//! Java properties, exactly as `java.util.Properties` reads and writes them.
//!
//! No crate does: `java-properties` 2.0 refuses escaped surrogate pairs (`\ud83d\ude00`) and malformed escapes within
//! comments, ends a comment line differently, and writes control characters as escapes without leading zeros, which
//! Java cannot read.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

use super::ConfError;

/// Reads a text as `Properties.load(Reader)` does. Entries come in the order in which they are written; of entries with
/// the same key the last one counts. Values keep the white space at their end.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, ConfError> {
    let mut lines = LogicalLines {
        chars: text.chars().peekable(),
        line: 1,
    };
    let mut entries = Vec::new();
    while let Some((number, line)) = lines.next() {
        let (key, value) = split(&line);
        entries.push((unescape(key, number)?, unescape(value, number)?));
    }
    Ok(entries)
}

/// Reads a properties file as Spark does: UTF-8 in which bytes that are none become U+FFFD, and values without the
/// blanks around them.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, String>, ConfError> {
    let trimmed = |value: String| {
        value
            .trim_matches(|c| c <= ' ' && c != '\r' && c != '\n')
            .to_owned()
    };
    let entries = parse(&String::from_utf8_lossy(bytes))?;
    Ok(entries
        .into_iter()
        .map(|(key, value)| (key, trimmed(value)))
        .collect())
}

/// Writes entries as `Properties.store(Writer, comment)` does. `date` is what stands in the second comment; Java writes
/// `new Date()` there, such as `Thu Jan 01 00:00:00 UTC 1970`; an empty one is left out.
/// Java 17 orders the entries by hash, this by key.
pub fn write(entries: &BTreeMap<String, String>, comment: &str, date: &str) -> String {
    let mut out = String::new();
    write_comment(&mut out, comment);
    if !date.is_empty() {
        write_comment(&mut out, date);
    }
    for (key, value) in entries {
        escape(&mut out, key, true);
        out.push('=');
        escape(&mut out, value, false);
        out.push('\n');
    }
    out
}

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

/// Lines joined by a backslash at their end, without comments, empty lines and the blanks before each.
struct LogicalLines<'a> {
    chars: Peekable<Chars<'a>>,
    /// The number of the line that is being read, from 1.
    line: usize,
}

impl LogicalLines<'_> {
    /// One character; `\r\n` counts as one line break only in the line numbers.
    fn advance(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c == '\n' || (c == '\r' && self.chars.peek() != Some(&'\n')) {
            self.line += 1;
        }
        Some(c)
    }

    /// The next line and the number of its first. A line that consists of a single backslash at the end of the text is
    /// an empty line, and an entry all the same, as in Java.
    fn next(&mut self) -> Option<(usize, Vec<char>)> {
        let mut line: Vec<char> = Vec::new();
        let mut first = self.line;
        let mut skip_blanks = true;
        let mut continued = false;
        let mut backslash = false;
        loop {
            let number = self.line;
            let Some(c) = self.advance() else {
                return (!line.is_empty()).then(|| (first, without_last(line, backslash)));
            };
            if skip_blanks {
                if is_blank(c) || (!continued && matches!(c, '\r' | '\n')) {
                    continue;
                }
                skip_blanks = false;
                continued = false;
            }
            if line.is_empty() {
                first = number;
                if matches!(c, '#' | '!') {
                    while !matches!(self.advance()?, '\r' | '\n') {}
                    skip_blanks = true;
                    continue;
                }
            }
            if !matches!(c, '\r' | '\n') {
                line.push(c);
                backslash = c == '\\' && !backslash;
            } else if line.is_empty() {
                skip_blanks = true;
            } else if self.chars.peek().is_none() || !backslash {
                return Some((first, without_last(line, backslash)));
            } else {
                line.pop();
                skip_blanks = true;
                continued = true;
                backslash = false;
                if c == '\r' && self.chars.peek() == Some(&'\n') {
                    self.advance();
                }
            }
        }
    }
}

fn without_last(mut line: Vec<char>, cut: bool) -> Vec<char> {
    if cut {
        line.pop();
    }
    line
}

/// Key and value, both still escaped. The key ends at the first `=`, `:` or blank that is not escaped.
fn split(line: &[char]) -> (&[char], &[char]) {
    let mut backslash = false;
    let end = line
        .iter()
        .position(|&c| {
            let ends = !backslash && (matches!(c, '=' | ':') || is_blank(c));
            backslash = c == '\\' && !backslash;
            ends
        })
        .unwrap_or(line.len());
    let (key, rest) = line.split_at(end);
    let mut sign_seen = false;
    let start = rest
        .iter()
        .position(|&c| {
            let sign = !sign_seen && matches!(c, '=' | ':');
            sign_seen |= sign;
            !sign && !is_blank(c)
        })
        .unwrap_or(rest.len());
    (key, &rest[start..])
}

fn unescape(text: &[char], line: usize) -> Result<String, ConfError> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(c) = rest.next() {
        let plain = match c {
            '\\' => match rest.next() {
                Some('u') => {
                    units.push(hexadecimal(&mut rest).ok_or(ConfError::UnicodeEscape { line })?);
                    continue;
                }
                Some('t') => '\t',
                Some('r') => '\r',
                Some('n') => '\n',
                Some('f') => '\x0c',
                Some(other) => other,
                None => break,
            },
            other => other,
        };
        units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    }
    char::decode_utf16(units)
        .collect::<Result<_, _>>()
        .map_err(|half| ConfError::LoneSurrogate {
            line,
            unit: half.unpaired_surrogate(),
        })
}

fn hexadecimal(digits: &mut impl Iterator<Item = char>) -> Option<u16> {
    (0..4).try_fold(0, |value: u16, _| {
        let digit = digits.next()?.to_digit(16)?;
        Some(value << 4 | u16::try_from(digit).ok()?)
    })
}

fn escape(out: &mut String, text: &str, key: bool) {
    for (at, c) in text.chars().enumerate() {
        let written = match c {
            ' ' if !key && at > 0 => ' ',
            ' ' | '\\' | '=' | ':' | '#' | '!' => {
                out.push('\\');
                c
            }
            '\t' | '\n' | '\r' | '\x0c' => {
                out.push('\\');
                match c {
                    '\t' => 't',
                    '\n' => 'n',
                    '\r' => 'r',
                    _ => 'f',
                }
            }
            other => other,
        };
        out.push(written);
    }
}

/// A comment, each line of which begins with `#` or `!`; what is not ISO 8859-1 is escaped.
fn write_comment(out: &mut String, comment: &str) {
    out.push('#');
    let mut chars = comment.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' | '\n' => {
                if c == '\r' {
                    chars.next_if_eq(&'\n');
                }
                out.push('\n');
                if !matches!(chars.peek(), Some('#' | '!')) {
                    out.push('#');
                }
            }
            '\0'..='\u{ff}' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\u{unit:04X}");
                }
            }
        }
    }
    out.push('\n');
}
