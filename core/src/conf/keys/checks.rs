//! Forms of texts that keys ask for.

/// A prefix with which `<prefix>-exec-1` is a DNS subdomain, if it is not too long: how long it may be depends on
/// other keys.
pub(super) fn pod_name_prefix(text: &str) -> bool {
    text.split('.').all(dns_label)
}

fn dns_label(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.bytes().all(allowed) && !text.starts_with('-') && !text.ends_with('-')
}
