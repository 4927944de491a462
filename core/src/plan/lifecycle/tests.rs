use super::*;
use crate::plan::types::Condition;

const RULES: Rules<'_> = Rules {
    container: "executor",
    check_all: true,
    count_infrastructure: false,
};

fn terminated(name: &str, exit_code: i32, reason: Option<&str>) -> ContainerFacts {
    let reason = reason.map(str::to_owned);
    let state = ContainerState::Terminated {
        exit_code,
        reason,
        message: None,
    };
    ContainerFacts {
        name: name.into(),
        init: false,
        state,
    }
}

fn running(name: &str) -> ContainerFacts {
    ContainerFacts {
        name: name.into(),
        init: false,
        state: ContainerState::Running,
    }
}

fn pod(phase: PodPhase, containers: Vec<ContainerFacts>) -> PodFacts {
    PodFacts {
        name: "p".into(),
        node: Some("n1".into()),
        phase,
        containers,
        ..PodFacts::default()
    }
}

fn end(pod: &PodFacts) -> End {
    match assess(ExecutorId(7), pod, RULES) {
        Life::Ended(end) => end,
        other => panic!("{other:?}: {pod:?}"),
    }
}

#[track_caller]
fn check(pod: &PodFacts, kind: LossKind, exit_code: i32, app_caused: bool, counts: bool) -> String {
    let End {
        cause,
        counts: counted,
    } = end(pod);
    assert_eq!(
        (cause.kind, cause.exit_code, cause.app_caused, counted),
        (kind, exit_code, app_caused, counts)
    );
    cause.message
}

#[test]
fn what_has_not_ended_is_pending_or_running() {
    assert_eq!(
        assess(ExecutorId(7), &pod(PodPhase::Pending, vec![]), RULES),
        Life::Pending
    );
    assert_eq!(
        assess(ExecutorId(7), &pod(PodPhase::Unknown, vec![]), RULES),
        Life::Pending
    );
    let mut runs = pod(PodPhase::Running, vec![running("executor"), running("proxy")]);
    assert_eq!(assess(ExecutorId(7), &runs, RULES), Life::Running);
    runs.deleting = true;
    assert_eq!(
        assess(ExecutorId(7), &runs, RULES),
        Life::Running,
        "it runs until it has ended"
    );
}

#[test]
fn exit_codes_of_the_executor_are_the_applications() {
    for code in [1, 50, 52, 137, 143, 255] {
        let message = check(
            &pod(
                PodPhase::Failed,
                vec![terminated("executor", code, Some("Error"))],
            ),
            LossKind::Exited,
            code,
            true,
            true,
        );
        assert!(
            message.starts_with(&format!(
                "Executor 7 in pod p on node n1 ended with exit code {code}"
            )),
            "{message}"
        );
        assert!(message.contains("executor: ended with exit code"), "{message}");
    }
}

#[test]
fn success_is_reported_but_is_no_failure() {
    let done = pod(
        PodPhase::Succeeded,
        vec![terminated("executor", 0, Some("Completed"))],
    );
    check(&done, LossKind::Exited, 0, true, false);
    check(
        &pod(PodPhase::Succeeded, vec![]),
        LossKind::Exited,
        0,
        true,
        false,
    );
}

#[test]
fn oom_is_told_by_its_reason_not_by_its_code() {
    let message = check(
        &pod(
            PodPhase::Failed,
            vec![terminated("executor", 137, Some("OOMKilled"))],
        ),
        LossKind::OomKilled,
        137,
        true,
        true,
    );
    assert!(message.contains("spark.executor.memoryOverhead"), "{message}");
}

#[test]
fn disruptions_are_nobodys_fault_and_typed_by_who_disrupts() {
    let mut disrupted = pod(PodPhase::Failed, vec![terminated("executor", 143, Some("Error"))]);
    disrupted.conditions.push(Condition {
        kind: "DisruptionTarget".into(),
        status: "True".into(),
        reason: None,
        message: Some("said by the API server".into()),
    });
    for (reason, kind, words) in [
        ("PreemptionByScheduler", LossKind::Preempted, "higher priority"),
        ("EvictionByEvictionAPI", LossKind::Evicted, "drained"),
        ("DeletionByTaintManager", LossKind::Evicted, "taint"),
        ("TerminationByKubelet", LossKind::Evicted, "short of a resource"),
        ("DeletionByPodGC", LossKind::NodeLost, "no longer exists"),
        ("SomethingNew", LossKind::Disrupted, "by the cluster"),
    ] {
        disrupted.conditions[0].reason = Some(reason.into());
        let message = check(&disrupted, kind, 143, false, false);
        for part in [reason, words, "said by the API server", "pod p on node n1"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
    disrupted.conditions[0].status = "False".into();
    check(&disrupted, LossKind::Exited, 143, true, true);
}

#[test]
fn reasons_of_the_node_are_typed() {
    for (reason, kind) in [
        ("Evicted", LossKind::Evicted),
        ("NodeLost", LossKind::NodeLost),
        ("Shutdown", LossKind::NodeLost),
        ("NodeShutdown", LossKind::NodeLost),
        ("Terminated", LossKind::NodeLost),
        ("Preempting", LossKind::Preempted),
        ("OutOfcpu", LossKind::Refused),
        ("OutOfnvidia.com/gpu", LossKind::Refused),
        ("UnexpectedAdmissionError", LossKind::Refused),
        ("NodeAffinity", LossKind::Refused),
    ] {
        let mut ended = pod(PodPhase::Failed, vec![]);
        ended.reason = Some(reason.into());
        let message = check(&ended, kind, -1, false, false);
        assert!(message.contains(&format!("({reason})")), "{message}");
    }
    let mut deadline = pod(PodPhase::Failed, vec![]);
    deadline.reason = Some("DeadlineExceeded".into());
    check(&deadline, LossKind::Unknown, -1, false, false);
}

#[test]
fn a_command_that_cannot_be_run_is_no_exit_of_the_application() {
    for reason in NOT_STARTED {
        let ended = pod(PodPhase::Failed, vec![terminated("executor", 128, Some(reason))]);
        let message = check(&ended, LossKind::StartFailed, 128, false, true);
        assert!(message.contains("container.image"), "{message}");
    }
}

#[test]
fn ends_after_a_deletion_are_nobodys_fault() {
    let mut deleted = pod(PodPhase::Failed, vec![terminated("executor", 143, Some("Error"))]);
    deleted.deleting = true;
    check(&deleted, LossKind::Deleted, 143, false, false);
    let mut pending = pod(PodPhase::Pending, vec![]);
    pending.deleting = true;
    check(&pending, LossKind::Deleted, -1, false, false);
    let last = pod(PodPhase::Running, vec![running("executor")]);
    let end = assess_deleted(ExecutorId(7), &last, RULES);
    assert_eq!((end.cause.kind, end.cause.app_caused), (LossKind::Deleted, false));
}

#[test]
fn a_failed_sidecar_ends_the_executor_where_all_containers_are_checked() {
    let sidecar = pod(
        PodPhase::Running,
        vec![running("executor"), terminated("proxy", 2, None)],
    );
    let message = check(&sidecar, LossKind::SidecarFailed, -1, false, true);
    assert!(message.contains("container proxy"), "{message}");
    let rules = Rules {
        check_all: false,
        ..RULES
    };
    assert_eq!(assess(ExecutorId(7), &sidecar, rules), Life::Running);
    let done = pod(
        PodPhase::Running,
        vec![running("executor"), terminated("proxy", 0, None)],
    );
    assert_eq!(
        assess(ExecutorId(7), &done, RULES),
        Life::Running,
        "a sidecar that is done is fine"
    );
}

#[test]
fn an_executor_that_ended_in_a_pod_that_runs_on_has_ended() {
    let ended = pod(
        PodPhase::Running,
        vec![terminated("executor", 1, None), running("proxy")],
    );
    check(&ended, LossKind::Exited, 1, true, true);
    let done = pod(
        PodPhase::Running,
        vec![terminated("executor", 0, None), running("proxy")],
    );
    check(&done, LossKind::Exited, 0, true, false);
}

#[test]
fn init_containers_are_told_apart() {
    let mut init = terminated("fetch", 3, Some("Error"));
    init.init = true;
    let message = check(
        &pod(PodPhase::Failed, vec![init.clone()]),
        LossKind::StartFailed,
        -1,
        false,
        true,
    );
    assert!(message.contains("init container fetch"), "{message}");
    let native_sidecar = pod(PodPhase::Running, vec![init, running("executor")]);
    assert_eq!(
        assess(ExecutorId(7), &native_sidecar, RULES),
        Life::Running,
        "native sidecars restart by themselves"
    );
}

#[test]
fn a_failure_without_a_word_is_unknown() {
    check(
        &pod(PodPhase::Failed, vec![]),
        LossKind::Unknown,
        -1,
        false,
        false,
    );
}

#[test]
fn infrastructure_counts_where_the_user_wants_it_as_with_spark() {
    let rules = Rules {
        count_infrastructure: true,
        ..RULES
    };
    let mut evicted = pod(PodPhase::Failed, vec![]);
    evicted.reason = Some("Evicted".into());
    let Life::Ended(end) = assess(ExecutorId(7), &evicted, rules) else {
        panic!("it has ended");
    };
    assert!(end.counts && !end.cause.app_caused, "{end:?}");
    assert!(
        !assess_deleted(ExecutorId(7), &evicted, rules).counts,
        "deleted pods never count"
    );
}
