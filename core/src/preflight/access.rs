//! Whether the API server can be used at all.

use std::error::Error;

use super::{Answer, Area, Finding, Level};
use crate::plan::{ApiFailure, FailureClass};
use crate::with_causes;

/// There is nothing to ask: the address or the credentials cannot be resolved.
pub fn unusable(error: &(dyn Error + 'static)) -> Finding {
    Finding::new(
        Level::Error,
        Area::Access,
        "the API server cannot be asked",
        with_causes(error),
        "correct the key or the file it names",
    )
}

/// Version of the server, the name it knows us by, and whether the namespace is there. The second value tells whether
/// there is any use in asking further.
pub fn access(
    server: &str,
    namespace: &str,
    insecure: bool,
    version: &Answer<String>,
    user: &Answer<String>,
    found: &Answer<()>,
) -> (Vec<Finding>, bool) {
    let mut findings = Vec::new();
    match version {
        Ok(version) => findings.push(Finding::ok(
            Area::Access,
            format!("{server} answers"),
            format!("it is Kubernetes {version}"),
        )),
        Err(failure) => {
            let fatal = !matches!(failure.class, FailureClass::Forbidden | FailureClass::NotFound);
            findings.push(no_version(server, failure, fatal));
            if fatal {
                return (findings, false);
            }
        }
    }
    if insecure {
        findings.push(Finding::new(
            Level::Warning,
            Area::Access,
            "the server's certificate is not verified",
            "spark.kubernetes.trust.certificates or the kubeconfig says so: anybody on the way can read the credentials",
            "name the certificate authority with spark.kubernetes.authenticate.caCertFile",
        ));
    }
    match user {
        Ok(name) => findings.push(Finding::ok(
            Area::Access,
            "the credentials are accepted",
            format!("the API server knows us as {name}"),
        )),
        Err(failure) => {
            let refused = failure.class == FailureClass::Unauthorized;
            findings.push(no_user(failure, refused));
            if refused {
                return (findings, false);
            }
        }
    }
    match found {
        Ok(()) => findings.push(Finding::ok(
            Area::Access,
            format!("namespace {namespace} exists"),
            "it was read",
        )),
        Err(failure) if failure.class == FailureClass::NotFound => {
            findings.push(Finding::new(
                Level::Error,
                Area::Access,
                format!("namespace {namespace} does not exist"),
                &failure.message,
                "correct spark.kubernetes.namespace, or create the namespace",
            ));
            return (findings, false);
        }
        Err(failure) => findings.push(Finding::new(
            Level::Unknown,
            Area::Access,
            format!("whether namespace {namespace} exists"),
            &failure.message,
            "nothing, where the checks below find their objects: a run does not need to read the namespace",
        )),
    }
    (findings, true)
}

fn no_version(server: &str, failure: &ApiFailure, fatal: bool) -> Finding {
    if !fatal {
        return Finding::new(
            Level::Unknown,
            Area::Access,
            format!("the version of {server}"),
            &failure.message,
            "nothing: a run does not ask for it",
        );
    }
    let fix = match failure.class {
        FailureClass::Unauthorized => CREDENTIALS,
        FailureClass::BadCertificate => {
            "name the server's certificate authority, or correct the host name in spark.master"
        }
        FailureClass::Unreachable | FailureClass::Timeout => {
            "correct spark.master, and see that the network, a proxy and the firewall let this machine through"
        }
        _ => "see that spark.master is the address of a Kubernetes API server",
    };
    Finding::new(
        Level::Error,
        Area::Access,
        format!("{server} cannot be used"),
        &failure.message,
        fix,
    )
}

const CREDENTIALS: &str = "get new credentials: the token file, token or certificate of spark.kubernetes.authenticate.* \
                           or the kubeconfig is wrong or has expired";

fn no_user(failure: &ApiFailure, refused: bool) -> Finding {
    if refused {
        Finding::new(
            Level::Error,
            Area::Access,
            "the credentials are not accepted",
            &failure.message,
            CREDENTIALS,
        )
    } else {
        Finding::new(
            Level::Unknown,
            Area::Access,
            "the name the API server knows us by",
            &failure.message,
            "nothing: a run does not ask for it",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed<T>(class: FailureClass) -> Answer<T> {
        Err(ApiFailure {
            class,
            message: "said so".to_owned(),
            retry_after: None,
        })
    }

    fn levels(version: &Answer<String>, user: &Answer<String>, namespace: &Answer<()>) -> (Vec<Level>, bool) {
        let (findings, usable) = access("https://k", "ns", false, version, user, namespace);
        (
            findings.into_iter().map(|finding| finding.level).collect(),
            usable,
        )
    }

    #[test]
    fn what_does_not_answer_is_not_asked_further() {
        let (user, namespace) = (Ok("me".to_owned()), Ok(()));
        for class in [
            FailureClass::Unreachable,
            FailureClass::Timeout,
            FailureClass::BadCertificate,
            FailureClass::Unauthorized,
            FailureClass::Server,
        ] {
            assert_eq!(
                levels(&failed(class), &user, &namespace),
                (vec![Level::Error], false)
            );
        }
        let refused = levels(
            &Ok("v1".to_owned()),
            &failed(FailureClass::Unauthorized),
            &namespace,
        );
        assert_eq!(refused, (vec![Level::Ok, Level::Error], false));
    }

    #[test]
    fn what_may_not_be_read_is_unknown() {
        let unknown = levels(
            &failed(FailureClass::Forbidden),
            &failed(FailureClass::NotFound),
            &failed(FailureClass::Forbidden),
        );
        assert_eq!(unknown, (vec![Level::Unknown; 3], true));
    }

    #[test]
    fn a_missing_namespace_is_an_error_and_the_end() {
        let missing = levels(
            &Ok("v1".to_owned()),
            &Ok("me".to_owned()),
            &failed(FailureClass::NotFound),
        );
        assert_eq!(missing, (vec![Level::Ok, Level::Ok, Level::Error], false));
    }
}
