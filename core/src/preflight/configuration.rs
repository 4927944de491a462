//! Findings from the configuration alone.

use std::error::Error;
use std::net::IpAddr;

use super::{Area, Finding, Level};
use crate::conf::{Conf, ConfError, Note, keys};
use crate::with_causes;

/// The configuration cannot be used, or no executor can be built from it.
pub fn unbuildable(what: &str, error: &(dyn Error + 'static)) -> Finding {
    Finding::new(
        Level::Error,
        Area::Configuration,
        what,
        with_causes(error),
        "correct the properties it names",
    )
}

/// What is worth telling about a configuration that can be used.
pub fn configuration(conf: &Conf) -> Result<Vec<Finding>, ConfError> {
    let mut findings: Vec<Finding> = conf.notes().iter().map(note).collect();
    if !conf.get(&keys::STOKER_ENABLED)? {
        findings.push(Finding::new(
            Level::Warning,
            Area::Configuration,
            "Stoker is turned off",
            "spark.stoker.enabled=false hands the job to Spark's own cluster manager, which checks the other keys",
            "remove spark.stoker.enabled to run with Stoker",
        ));
    }
    if conf.raw("spark.submit.deployMode") != Some("cluster") && !conf.get(&keys::SUBMIT_IN_DRIVER)? {
        findings.extend(client_mode(conf)?);
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            Area::Configuration,
            "all keys are valid",
            "every key is known to this version of Spark and has a value of its type",
        ));
    }
    Ok(findings)
}

fn note(note: &Note) -> Finding {
    let (what, fix) = match note {
        Note::Deprecated { key, instead, .. } => (key, format!("set {instead} and remove {key}")),
        Note::NoEffect { key, .. } => (key, format!("remove {key}")),
        Note::TooNew { key, .. } => (key, format!("remove {key}, or run with a later version of Spark")),
        Note::Unknown { key, .. } => (key, format!("correct the name, or remove {key}")),
    };
    Finding::new(Level::Warning, Area::Configuration, what, note.to_string(), fix)
}

/// In client mode nobody but the user sees to owner and address of the driver.
fn client_mode(conf: &Conf) -> Result<Vec<Finding>, ConfError> {
    let mut findings = Vec::new();
    if conf.get(&keys::DRIVER_POD_NAME)?.is_none() {
        findings.push(Finding::new(
            Level::Warning,
            Area::Configuration,
            "executors have no owner",
            "in client mode without spark.kubernetes.driver.pod.name the cluster does not clean up after a driver that \
             is killed",
            "set spark.kubernetes.driver.pod.name where the driver runs in a pod; else look for what is left with \
             stoker check --orphans",
        ));
    }
    let host = conf.get(&keys::DRIVER_HOST)?.unwrap_or_default();
    let loopback = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    if loopback {
        findings.push(Finding::new(
            Level::Warning,
            Area::Configuration,
            format!("spark.driver.host is {host}"),
            "executors in other pods cannot reach the driver there",
            "set it to an address of the driver that the pods of the cluster can reach",
        ));
    }
    Ok(findings)
}

/// How many executors an application starts with: `spark.executor.instances`, default 2; with dynamic allocation the
/// largest of it, `spark.dynamicAllocation.initialExecutors` and `spark.dynamicAllocation.minExecutors`.
pub fn executors(conf: &Conf) -> Result<u32, ConfError> {
    let instances = conf.get(&keys::EXECUTOR_INSTANCES)?;
    let executors = if conf.get(&keys::DYN_ALLOCATION_ENABLED)? {
        instances
            .unwrap_or(0)
            .max(conf.get(&keys::DYN_ALLOCATION_INITIAL_EXECUTORS)?)
            .max(conf.get(&keys::DYN_ALLOCATION_MIN_EXECUTORS)?)
    } else {
        instances.unwrap_or(keys::DEFAULT_EXECUTOR_INSTANCES)
    };
    Ok(u32::try_from(executors).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(entries: &[(&str, &str)]) -> Vec<(Level, String)> {
        configuration(&Conf::of(entries))
            .unwrap()
            .into_iter()
            .map(|finding| (finding.level, finding.what))
            .collect()
    }

    #[test]
    fn a_clean_configuration_is_ok() {
        assert_eq!(
            told(&[("spark.submit.deployMode", "cluster")]),
            [(Level::Ok, "all keys are valid".to_owned())]
        );
    }

    #[test]
    fn unknown_deprecated_and_switched_off_are_warnings() {
        let told = told(&[
            ("spark.submit.deployMode", "cluster"),
            ("spark.kubernetes.exector.request.cores", "1"),
            ("spark.stoker.enabled", "false"),
        ]);
        assert_eq!(
            told,
            [
                (
                    Level::Warning,
                    "spark.kubernetes.exector.request.cores".to_owned()
                ),
                (Level::Warning, "Stoker is turned off".to_owned())
            ]
        );
    }

    #[test]
    fn client_mode_is_told_of_owner_and_address() {
        let what = |entries: &[(&str, &str)]| {
            told(entries)
                .into_iter()
                .map(|(_, what)| what)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            what(&[("spark.driver.host", "[::1]")]),
            ["executors have no owner", "spark.driver.host is [::1]"]
        );
        assert_eq!(
            what(&[
                ("spark.driver.host", "10.0.0.1"),
                ("spark.kubernetes.driver.pod.name", "d")
            ]),
            ["all keys are valid"]
        );
    }

    #[test]
    fn the_number_of_executors_is_the_one_spark_starts_with() {
        let count = |entries: &[(&str, &str)]| executors(&Conf::of(entries)).unwrap();
        assert_eq!(count(&[]), 2);
        assert_eq!(count(&[("spark.executor.instances", "7")]), 7);
        let dynamic = ("spark.dynamicAllocation.enabled", "true");
        assert_eq!(count(&[dynamic]), 0);
        assert_eq!(
            count(&[
                dynamic,
                ("spark.dynamicAllocation.minExecutors", "3"),
                ("spark.dynamicAllocation.initialExecutors", "5")
            ]),
            5
        );
    }
}
