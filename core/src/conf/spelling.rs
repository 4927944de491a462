//! Which key is meant by one that does not exist.

use strsim::osa_distance;

use super::key::KeyInfo;
use super::value::Kind;
use super::version::Release;
use super::{keys, table};

/// More letters than this are not taken for a slip.
const MOST_SLIPS: usize = 3;
/// One slip for so many letters.
const LETTERS_PER_SLIP: usize = 4;

/// The key of a release that is closest to a name, where one is close. Of a group of keys only the common beginning is
/// compared; what follows it is the user's own.
pub(super) fn closest(name: &str, release: Release) -> Option<String> {
    let known = table::all().filter(|info| info.exists_in(release));
    known
        .filter_map(|info| Some((distance(name, info)?, info)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, info)| match info.kind() {
            Kind::Prefix => format!("{}{}", info.name(), rest(name, info.name()).unwrap_or_default()),
            _ => info.name().to_owned(),
        })
        .or_else(|| without_kubernetes(name))
}

/// How many slips lie between a name and a key; `None` where there are too many.
fn distance(name: &str, info: &KeyInfo) -> Option<usize> {
    let beginning = match info.kind() {
        Kind::Prefix => &name[..name.len() - rest(name, info.name())?.len()],
        _ => name,
    };
    let own_part = info.name().split('.').skip(2).map(str::len).sum::<usize>();
    let allowed = (own_part / LETTERS_PER_SLIP).clamp(1, MOST_SLIPS);
    // Most are told apart by their lengths alone, for each letter more is a slip.
    if beginning.chars().count().abs_diff(info.name().len()) > allowed {
        return None;
    }
    let slips = osa_distance(&beginning.to_lowercase(), &info.name().to_lowercase());
    (slips <= allowed).then_some(slips)
}

/// What follows in a name after as many parts as the prefix has.
fn rest<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let parts = prefix.matches('.').count();
    let rest = name.splitn(parts + 1, '.').nth(parts)?;
    (!rest.is_empty()).then_some(rest)
}

/// Spark's general key, where somebody took it for one of Kubernetes.
fn without_kubernetes(name: &str) -> Option<String> {
    let general = format!("spark.{}", name.strip_prefix("spark.kubernetes.")?);
    keys::find(&general).is_some().then_some(general)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closest_of_all(name: &str) -> Option<String> {
        closest(name, (4, 3, 0))
    }

    #[test]
    fn slips_are_recognised() {
        for (name, meant) in [
            ("spark.kubernetes.namespce", "spark.kubernetes.namespace"),
            (
                "spark.kubernetes.executor.podnameprefix",
                "spark.kubernetes.executor.podNamePrefix",
            ),
            (
                "spark.kubernetes.executor.pod.name.prefix",
                "spark.kubernetes.executor.podNamePrefix",
            ),
            (
                "spark.kubernetes.executor.lable.team",
                "spark.kubernetes.executor.label.team",
            ),
            (
                "spark.kubernetes.executor.labels.a.b/c",
                "spark.kubernetes.executor.label.a.b/c",
            ),
            (
                "spark.kubernetes.executor.node.selctor.disk",
                "spark.kubernetes.executor.node.selector.disk",
            ),
            (
                "spark.kubernetes.executer.volumes.nfs.a.mount.path",
                "spark.kubernetes.executor.volumes.nfs.a.mount.path",
            ),
            (
                "spark.kubernetes.container.imagePullPolicy",
                "spark.kubernetes.container.image.pullPolicy",
            ),
            ("spark.stoker.enable", "spark.stoker.enabled"),
            ("spark.kubernetes.executor.memory", "spark.executor.memory"),
            ("spark.kubernetes.executorEnv.A", "spark.executorEnv.A"),
        ] {
            assert_eq!(closest_of_all(name).as_deref(), Some(meant), "{name}");
        }
    }

    #[test]
    fn what_is_far_from_all_is_left_alone() {
        for name in [
            "spark.kubernetes.",
            "spark.kubernetes.x",
            "spark.kubernetes.executor.label",
            "spark.kubernetes.executor.label.",
            "spark.kubernetes.operator.version",
            "spark.stoker.",
            "spark.kubernetes.äöü.😀",
        ] {
            assert_eq!(closest_of_all(name), None, "{name}");
        }
    }

    #[test]
    fn only_keys_of_the_version_are_offered() {
        let name = "spark.kubernetes.allocation.maximun";
        assert_eq!(
            closest(name, (4, 1, 0)).as_deref(),
            Some("spark.kubernetes.allocation.maximum")
        );
        assert_eq!(closest(name, (3, 5, 0)), None);
    }
}
