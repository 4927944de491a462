//! Tables in Markdown.

use crate::statistics::{median, range};

/// A table's header and rows.
pub(super) struct Table(String);

impl Table {
    pub(super) fn new(header: &[&str]) -> Self {
        let mut table = Self(String::from("\n"));
        table.row(header);
        table.row(&vec!["---"; header.len()]);
        table
    }

    pub(super) fn row(&mut self, cells: &[impl AsRef<str>]) {
        for cell in cells {
            self.0.push_str("| ");
            self.0.push_str(cell.as_ref());
            self.0.push(' ');
        }
        self.0.push_str("|\n");
    }

    pub(super) fn text(self) -> String {
        self.0
    }
}

/// A whole number, or three digits that mean something; with thousands apart.
pub(super) fn number(value: f64) -> String {
    if value.abs() < 1000.0 {
        let digits = match value.abs() {
            v if v >= 100.0 || v.fract() == 0.0 => 0,
            v if v >= 10.0 => 1,
            v if v >= 1.0 => 2,
            _ => 3,
        };
        return format!("{value:.digits$}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number, or nothing.
pub(super) fn optional(value: Option<f64>) -> String {
    value.map_or_else(String::new, number)
}

/// The median and, of several, the least and the most.
pub(super) fn spread(values: &[f64]) -> String {
    match (median(values), range(values)) {
        (Some(middle), Some((least, most))) if values.len() > 1 => {
            format!("{} ({} to {})", number(middle), number(least), number(most))
        }
        (middle, _) => optional(middle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_or_have_three_digits() {
        let numbers = [0.0, 0.0123, 1.234, 12.34, 123.4, 1234.5, 1_234_567.0, -1234.0];
        let expected = [
            "0",
            "0.012",
            "1.23",
            "12.3",
            "123",
            "1,234",
            "1,234,567",
            "-1,234",
        ];
        assert_eq!(numbers.map(number), expected);
    }

    #[test]
    fn one_round_has_no_spread() {
        assert_eq!(spread(&[]), "");
        assert_eq!(spread(&[5.0]), "5");
        assert_eq!(spread(&[5.0, 7.0, 6.0]), "6 (5 to 7)");
    }

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new(&["a", "b"]);
        table.row(&["1", "2"]);
        assert_eq!(table.text(), "\n| a | b |\n| --- | --- |\n| 1 | 2 |\n");
    }
}
