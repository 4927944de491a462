//! Forms of texts that keys ask for.

/// A prefix with which `<prefix>-exec-2147483647` is a name for a pod: a DNS subdomain of at most 253 characters.
pub(super) fn pod_name_prefix(text: &str) -> bool {
    const LONGEST: usize = 253 - "-exec-2147483647".len();
    text.len() <= LONGEST && text.split('.').all(dns_label)
}

fn dns_label(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.bytes().all(allowed) && !text.starts_with('-') && !text.ends_with('-')
}
