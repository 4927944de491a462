//! What Java's strings do.

/// `String.split` with a single character: empty parts at the end are dropped, others are not, and nothing is
/// trimmed; an empty text is one empty part.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    if text.is_empty() {
        return vec![text];
    }
    let mut parts: Vec<&str> = text.split(separator).collect();
    while parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_like_java() {
        let cases: [(&str, &[&str]); 6] = [
            ("/a,/b", &["/a", "/b"]),
            ("/a, /b,,", &["/a", " /b"]),
            (",/b", &["", "/b"]),
            ("/a,,/b", &["/a", "", "/b"]),
            ("", &[""]),
            (",,", &[]),
        ];
        for (text, parts) in cases {
            assert_eq!(split(text, ','), parts, "{text}");
        }
    }
}
