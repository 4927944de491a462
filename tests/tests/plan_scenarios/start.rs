use std::time::Duration;

use stoker_core::plan::{
    Action, DriverPod, ExecutorId, FailureClass, FatalKind, Notice, PlanConfig, PodPhase, ProfileId,
};
use stoker_core::sim::cluster::Cluster;
use stoker_core::sim::{APP, OWNER};
use stoker_tests::sim::Sim;

use crate::{failed, millis, secs, unanswered};

fn fatal(sim: &Sim) -> Option<(FatalKind, String)> {
    sim.notices.iter().find_map(|notice| match notice {
        Notice::Fatal { kind, message } => Some((*kind, message.clone())),
        _ => None,
    })
}

fn is_ready(sim: &Sim) -> bool {
    sim.notices.contains(&Notice::Ready)
}

fn with_driver(ready: bool) -> Sim {
    let driver = Some(DriverPod {
        uid: OWNER.into(),
        ready,
    });
    Sim::with_cluster(Sim::config(), 1, Cluster::new(driver))
}

#[test]
fn the_list_does_not_wait_for_the_driver_pod_and_creates_wait_for_all() {
    let mut sim = with_driver(true);
    sim.target(0, 2);
    let first: Vec<_> = sim.actions.iter().map(|(_, action)| action.clone()).collect();
    assert!(matches!(
        first[..],
        [
            Action::GetDriverPod { .. },
            Action::List {
                continue_token: None,
                ..
            }
        ]
    ));
    sim.run(secs(1));
    assert!(is_ready(&sim));
    assert_eq!((sim.sent("driver").len(), sim.sent("configmap").len()), (1, 1));
    assert_eq!(sim.sent("create").len(), 2);
    let config_map = sim.sent("configmap")[0];
    assert!(sim.sent("create")[0] > config_map);
}

#[test]
fn a_missing_driver_pod_is_stocks_error() {
    let mut sim = Sim::with_cluster(Sim::config(), 1, Cluster::new(None));
    sim.run(secs(1));
    let (kind, message) = fatal(&sim).expect("fatal");
    assert_eq!(kind, FatalKind::DriverPodMissing);
    let stock = "No pod was found named driver in the cluster in the namespace default (this was supposed to be the driver pod.).";
    assert!(message.starts_with(stock), "{message}");
    let sent = sim.actions.len();
    sim.run(secs(100));
    assert_eq!(sim.actions.len(), sent, "no call after a fatal start");
}

#[test]
fn executors_wait_for_the_driver_pod_until_its_timeout_and_are_made_all_the_same() {
    let mut sim = with_driver(false);
    sim.target(0, 1);
    sim.run(millis(900));
    assert!(!is_ready(&sim));
    assert_eq!(sim.sent("watch").len(), 1, "list and watch go on");
    sim.run(millis(400));
    assert!(is_ready(&sim));
    assert!(sim.sent("driver").len() > 2, "the driver pod was polled");
    assert_eq!(sim.sent("create").len(), 1);
}

#[test]
fn a_driver_pod_that_becomes_ready_ends_the_wait() {
    let cfg = PlanConfig {
        driver_readiness_timeout: secs(300),
        start_timeout: secs(60),
        ..Sim::config()
    };
    let driver = Some(DriverPod {
        uid: OWNER.into(),
        ready: false,
    });
    let mut sim = Sim::with_cluster(cfg, 1, Cluster::new(driver));
    sim.run(secs(100));
    assert!(
        !is_ready(&sim) && fatal(&sim).is_none(),
        "its own timeout is longer than the start's"
    );
    sim.cluster.driver = Some(DriverPod {
        uid: OWNER.into(),
        ready: true,
    });
    sim.run(secs(2));
    assert!(is_ready(&sim));
}

#[test]
fn a_driver_pod_that_need_not_be_ready_is_asked_for_once() {
    let cfg = PlanConfig {
        driver_readiness_timeout: Duration::ZERO,
        ..Sim::config()
    };
    let driver = Some(DriverPod {
        uid: OWNER.into(),
        ready: false,
    });
    let mut sim = Sim::with_cluster(cfg, 1, Cluster::new(driver));
    sim.target(0, 1);
    sim.run(millis(900));
    assert!(is_ready(&sim));
    assert_eq!((sim.sent("driver").len(), sim.sent("create").len()), (1, 1));
}

#[test]
fn refused_credentials_rights_and_certificates_end_the_start_at_once() {
    let cases = [
        (FailureClass::Unauthorized, FatalKind::Unauthorized),
        (FailureClass::Forbidden, FatalKind::Forbidden),
        (FailureClass::BadCertificate, FatalKind::BadCertificate),
        (FailureClass::Invalid, FatalKind::InvalidConfiguration),
    ];
    for call in ["driver", "list", "configmap"] {
        for (class, kind) in cases {
            let mut sim = with_driver(true);
            sim.script(call, [failed(class)]);
            sim.run(secs(1));
            let (found, message) = fatal(&sim).unwrap_or_else(|| panic!("{call} {class:?} is not fatal"));
            assert_eq!(found, kind, "{call}");
            assert!(message.contains(&format!("simulated {class:?}")), "{message}");
            assert!(!is_ready(&sim));
        }
    }
}

#[test]
fn an_api_server_that_does_not_answer_ends_the_start_after_its_timeout() {
    let mut sim = with_driver(true);
    sim.outage(secs(1000));
    sim.run(millis(59_900));
    assert!(fatal(&sim).is_none());
    let attempts = sim.sent("list").len();
    assert!((5..40).contains(&attempts), "{attempts} attempts");
    sim.run(millis(200));
    let (kind, message) = fatal(&sim).expect("fatal");
    assert_eq!(kind, FatalKind::Unreachable);
    assert!(
        message.contains("60 s") && message.contains("connection refused"),
        "{message}"
    );
}

#[test]
fn an_api_server_that_comes_back_in_time_is_no_failure() {
    let mut sim = with_driver(true);
    sim.outage(secs(30));
    sim.script(
        "configmap",
        [
            failed(FailureClass::Server),
            unanswered(),
            failed(FailureClass::AlreadyExists),
        ],
    );
    sim.run(secs(59));
    assert!(is_ready(&sim) && fatal(&sim).is_none());
}

fn left_behind(id: u64, app: &str, owner: Option<&str>) -> stoker_core::plan::PodFacts {
    let name = format!("{app}-{}-old-exec-{id}", owner.unwrap_or("none"));
    Cluster::executor_pod(&name, app, ExecutorId(id), ProfileId(0), owner)
}

fn with_past(cfg: PlanConfig) -> Sim {
    let mut cluster = Cluster::new(Some(DriverPod {
        uid: OWNER.into(),
        ready: true,
    }));
    cluster.page_size = 2;
    for pod in [
        left_behind(3, APP, Some(OWNER)),
        left_behind(7, APP, Some(OWNER)),
        left_behind(9, APP, Some("another driver")),
        left_behind(40, "another app", Some(OWNER)),
    ] {
        cluster.create(pod).expect("created");
    }
    let uid = cluster.pods[&left_behind(7, APP, Some(OWNER)).name].uid.clone();
    cluster.run(&uid);
    Sim::with_cluster(cfg, 1, cluster)
}

#[test]
fn pods_of_an_earlier_container_are_swept_and_ids_start_above_theirs() {
    let mut sim = with_past(Sim::config());
    sim.target(0, 1);
    sim.run(secs(20));
    let left: Vec<_> = sim
        .cluster
        .pods
        .values()
        .map(|pod| (pod.app_id.clone(), pod.executor))
        .collect();
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(
        left.contains(&(Some(APP.into()), Some(ExecutorId(9)))),
        "another driver's pod stays"
    );
    assert!(
        left.contains(&(Some("another app".into()), Some(ExecutorId(40)))),
        "another application's stays"
    );
    assert!(
        left.contains(&(Some(APP.into()), Some(ExecutorId(10)))),
        "the first id is above all seen: {left:?}"
    );
    assert_eq!(sim.sent("delete").len(), 2);
    assert!(
        sim.plan.is_deleted(ExecutorId(7)),
        "an executor of an earlier life may not register"
    );
    assert!(
        !sim.plan.is_deleted(ExecutorId(11)),
        "an id that was never given is not refused"
    );
    assert!(
        sim.notices
            .iter()
            .all(|notice| !matches!(notice, Notice::Lost { .. } | Notice::Released { .. }))
    );
}

#[test]
fn nothing_is_swept_where_the_user_keeps_pods() {
    let mut sim = with_past(PlanConfig {
        delete_executors: false,
        ..Sim::config()
    });
    sim.target(0, 1);
    sim.run(secs(20));
    assert_eq!(sim.cluster.pods.len(), 5);
    assert!(sim.sent("delete").is_empty());
}

#[test]
fn without_an_owner_nothing_is_swept() {
    let mut cluster = Cluster::new(None);
    cluster.create(left_behind(3, APP, None)).expect("created");
    let mut sim = Sim::with_cluster(
        PlanConfig {
            driver_pod: None,
            ..Sim::config()
        },
        1,
        cluster,
    );
    sim.target(0, 1);
    sim.run(secs(20));
    assert!(sim.sent("driver").is_empty() && sim.sent("delete").is_empty());
    assert_eq!(
        sim.pod_of(ExecutorId(4)).map(|pod| pod.phase),
        Some(PodPhase::Running)
    );
}

#[test]
fn a_second_context_of_the_same_application_works_while_the_first_ones_pods_end() {
    let mut first = Sim::new(Sim::config(), 1);
    first.end_time = secs(30);
    first.run_up(3);
    assert!(first.stop(secs(10)));
    let mut second = Sim::with_cluster(Sim::config(), 2, std::mem::take(&mut first.cluster));
    second.target(0, 3);
    second.run(secs(20));
    assert_eq!(second.alive(0), 3);
    assert!(second.sent("delete").is_empty(), "they are being deleted already");
    assert!(
        second.registered.iter().all(|id| id.0 > 3),
        "{:?}",
        second.registered
    );
}

#[test]
fn a_list_whose_pages_expire_begins_again() {
    let mut sim = with_past(Sim::config());
    sim.script("list", [crate::Outcome::Done(()), failed(FailureClass::Gone)]);
    sim.target(0, 1);
    sim.run(Duration::from_secs(10));
    assert!(is_ready(&sim));
    assert_eq!(
        sim.sent("list").len(),
        4,
        "a page, a page that is gone, two pages"
    );
}
