//! Splitting a command line as Spark does for `spark.executor.extraJavaOptions`.

/// The words of `text`: separated by blanks, with quotes removed. Within double quotes a backslash takes the
/// next character as it is; elsewhere it means nothing. An open quote ends with the text.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t' | '\r' | '\n') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn splits_like_spark() {
        let cases: [(&str, &[&str]); 12] = [
            ("", &[]),
            ("  ", &[]),
            (
                "-Xss4m  -XX:+UseG1GC\t-Da=b\n",
                &["-Xss4m", "-XX:+UseG1GC", "-Da=b"],
            ),
            ("-Da='b c' -Dd=\"e f\"", &["-Da=b c", "-Dd=e f"]),
            (r#""a\"b" "c\\d" 'e\"f'"#, &["a\"b", "c\\d", "e\\\"f"]),
            (r"C:\tmp", &[r"C:\tmp"]),
            ("'' \"\"", &["", ""]),
            ("a''b", &["ab"]),
            ("\"open end", &["open end"]),
            ("'open ", &["open "]),
            ("\"trailing\\", &["trailing"]),
            ("a\u{a0}b", &["a\u{a0}b"]),
        ];
        for (text, words) in cases {
            assert_eq!(split(text), words, "{text}");
        }
    }
}
