//! Names that are derived and not configured: deterministic, so that a repeated create finds its own object.

use super::SpecError;
use crate::conf::{Conf, keys};
use crate::ids::ExecutorId;

/// Longest DNS subdomain: the limit of object names, in characters.
const SUBDOMAIN_MAX: usize = 253;
/// Longest DNS label: the limit of host names and label values, in characters.
const LABEL_MAX: usize = 63;
/// What an executor number may add to a name: `-exec-` and ten digits.
const EXECUTOR_SUFFIX_MAX: usize = "-exec-".len() + 10;
/// Longest prefix of pod names.
const PREFIX_MAX: usize = SUBDOMAIN_MAX - EXECUTOR_SUFFIX_MAX;
/// What the name of a volume claim adds to that of its pod.
const CLAIM_SUFFIX_MAX: usize = "-pvc-99".len();
const CONFIG_MAP_SUFFIX: &str = "-conf-map";

/// Sixteen hex digits that no other call returns: 24 random bits, then the low 40 bits of the time.
///
/// * `random`: from a cryptographically strong source.
/// * `millis`: milliseconds since the epoch.
pub fn unique_id(random: [u8; 3], millis: u64) -> String {
    let [a, b, c] = random;
    format!("{a:02x}{b:02x}{c:02x}{:010x}", millis & 0xFF_FFFF_FFFF)
}

/// Name of the executor `ConfigMap`: `spark-exec-<unique>-conf-map`. One per `SparkContext`, so that two of
/// them in one JVM do not share an immutable object.
pub fn config_map_name(unique: &str) -> String {
    let mut name = format!("spark-exec-{unique}");
    name.truncate(name.floor_char_boundary(SUBDOMAIN_MAX - CONFIG_MAP_SUFFIX.len()));
    name + CONFIG_MAP_SUFFIX
}

/// What executor pod names start with: `spark.kubernetes.executor.podNamePrefix`, and without it the
/// application's name made into a DNS label, followed by `unique`.
///
/// One that is too long is refused, or cut where `spark.stoker.names.truncate` is on.
pub fn pod_name_prefix(conf: &Conf, unique: &str) -> Result<String, SpecError> {
    let mut prefix = match conf.get(&keys::EXECUTOR_POD_NAME_PREFIX)? {
        Some(prefix) => prefix,
        None => prefix_from_app_name(app_name(conf), unique),
    };
    if conf.get(&keys::STOKER_NAMES_TRUNCATE)? {
        let makes_claims = conf
            .prefixed(&keys::EXECUTOR_VOLUMES_PREFIX)
            .any(|(_, value)| value.contains(ON_DEMAND));
        let longest = PREFIX_MAX - if makes_claims { CLAIM_SUFFIX_MAX } else { 0 };
        if prefix.len() > longest {
            prefix = cut(&prefix, longest, unique);
        }
    }
    check_prefix(&prefix)?;
    Ok(prefix)
}

/// The beginning of the text and `unique`, at most `longest` characters.
fn cut(text: &str, longest: usize, unique: &str) -> String {
    let room = longest.saturating_sub("-".len() + unique.len());
    let head = text[..text.floor_char_boundary(room)].trim_end_matches(['-', '.']);
    format!("{head}-{unique}")
}

/// In the name of a volume claim: it stands for a name that begins with the one of the pod.
pub(super) const ON_DEMAND: &str = "OnDemand";

/// Name of the pod of an executor.
pub fn pod_name(prefix: &str, executor: ExecutorId) -> String {
    format!("{prefix}-exec-{executor}")
}

/// Host name of an executor pod: the last 63 characters of its name, which keep it unique, without what may
/// not start a host name and with `_` for what may not be in one.
pub fn hostname(pod_name: &str) -> String {
    let skip = pod_name.chars().count().saturating_sub(LABEL_MAX);
    let tail = pod_name.chars().skip(skip).skip_while(|c| !is_word(*c));
    let mut host = String::with_capacity(LABEL_MAX);
    let mut replaced = false;
    for c in tail {
        let keep = is_word(c) || c == '-';
        if keep {
            host.push(c);
        } else if !replaced {
            host.push('_');
        }
        replaced = !keep;
    }
    host
}

/// Value of the label `spark-app-name`.
pub(super) fn app_name_label(app_name: &str) -> String {
    let mut label = dashed(app_name);
    label.truncate(LABEL_MAX);
    let label = label.strip_prefix('-').unwrap_or(&label);
    label.strip_suffix('-').unwrap_or(label).to_owned()
}

/// `spark.app.name`, `spark` where it is not set.
pub(super) fn app_name(conf: &Conf) -> &str {
    conf.raw("spark.app.name").unwrap_or("spark")
}

/// Refuses a prefix that would make pod names which the API server rejects.
pub(super) fn check_prefix(prefix: &str) -> Result<(), SpecError> {
    let labels_valid = prefix.split('.').all(|label| {
        let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        label.starts_with(alphanumeric)
            && label.ends_with(alphanumeric)
            && label.chars().all(|c| alphanumeric(c) || c == '-')
    });
    if labels_valid && prefix.len() <= PREFIX_MAX {
        Ok(())
    } else {
        Err(SpecError::PodNamePrefix {
            prefix: prefix.to_owned(),
        })
    }
}

fn prefix_from_app_name(app_name: &str, unique: &str) -> String {
    let name = dashed(&format!("{app_name}-{unique}"));
    let name = name.strip_prefix('-').unwrap_or(&name);
    match name.strip_prefix(|c: char| c.is_ascii_digit()) {
        Some(rest) => format!("x{rest}"),
        None => name.to_owned(),
    }
}

/// Lower case, each run of anything else than `a-z0-9` a single dash. Only ASCII is left.
fn dashed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // `String.trim` of Java: everything up to U+0020.
    for c in text.trim_matches(|c| c <= ' ').to_lowercase().chars() {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            out.push(c);
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_ids_have_sixteen_digits() {
        assert_eq!(unique_id([0xab, 0, 1], 0x12_3456_789a), "ab0001123456789a");
        assert_eq!(unique_id([0, 0, 0], 0xFFFF_0000_0000_0001), "0000000000000001");
    }

    #[test]
    fn config_map_names_stay_within_the_limit() {
        assert_eq!(
            config_map_name("00ff00aabbccddee"),
            "spark-exec-00ff00aabbccddee-conf-map"
        );
        assert_eq!(config_map_name(&"x".repeat(300)).len(), SUBDOMAIN_MAX);
    }

    #[test]
    fn prefixes_come_from_the_application_name() {
        assert_eq!(prefix_from_app_name("Spark Pi", "ab"), "spark-pi-ab");
        assert_eq!(prefix_from_app_name("  --Grün & Söhne__ ", "ab"), "gr-n-s-hne-ab");
        assert_eq!(prefix_from_app_name("42nd", "ab"), "x2nd-ab");
        assert_eq!(prefix_from_app_name("", "9b"), "xb");
        assert_eq!(prefix_from_app_name("日本", "9b"), "xb");
    }

    #[test]
    fn labels_are_cut_before_dashes_are_stripped() {
        assert_eq!(app_name_label("Spark Pi"), "spark-pi");
        assert_eq!(app_name_label("-a-"), "a");
        assert_eq!(
            app_name_label(&format!("{}-tail", "a".repeat(62))),
            "a".repeat(62)
        );
        assert_eq!(app_name_label(&"b".repeat(80)), "b".repeat(63));
    }

    #[test]
    fn host_names_keep_the_end() {
        assert_eq!(hostname("app-exec-1"), "app-exec-1");
        assert_eq!(hostname("my.app-exec-1"), "my_app-exec-1");
        let long = pod_name(&"a".repeat(80), ExecutorId(12));
        assert_eq!(hostname(&long), format!("{}-exec-12", "a".repeat(55)));
        // The cut falls on the dash, which may not start a host name.
        let cut = pod_name(&format!("front-{}", "b".repeat(55)), ExecutorId(1));
        assert_eq!(hostname(&cut), format!("{}-exec-1", "b".repeat(55)));
    }

    #[test]
    fn prefixes_are_checked() {
        for good in ["a", "a-b.c9", &"a".repeat(237)] {
            assert!(check_prefix(good).is_ok(), "{good}");
        }
        for bad in ["", "A", "-a", "a-", "a..b", "a_b", "a.", &"a".repeat(238)] {
            assert!(check_prefix(bad).is_err(), "{bad}");
        }
    }
}
