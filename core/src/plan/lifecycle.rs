//! What the facts of a pod mean for its executor. Pure.

mod disruption;

use std::fmt::Write;
use std::time::Duration;

use super::notice::{LossCause, LossKind};
use super::types::{ContainerFacts, ContainerState, ExecutorId, PodFacts, PodPhase};

/// Exit code reported where no container has one.
const NO_EXIT_CODE: i32 = -1;

/// `reason` of a container that was made and could not be started.
const NOT_STARTED: [&str; 2] = ["StartError", "ContainerCannotRun"];

/// How pods are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// Name of the executor's container.
    pub(super) container: &'a str,
    /// Whether any failed container ends the executor.
    pub(super) check_all: bool,
    /// Whether failed pods count also where cluster or node made them fail.
    pub(super) count_infrastructure: bool,
}

/// Where an executor is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Life {
    /// Accepted, not running.
    Pending,
    /// Running, also while it is being deleted.
    Running,
    /// Ended, or deleted before it ran.
    Ended(End),
}

/// Why an executor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) cause: LossCause,
    /// Whether it counts against the allowed number of failed executors.
    pub(super) counts: bool,
}

impl End {
    fn new(kind: LossKind, exit_code: i32, message: String) -> Self {
        let failed = exit_code != 0;
        let (app_caused, counts) = match kind {
            LossKind::Exited => (true, failed),
            LossKind::OomKilled => (true, true),
            LossKind::SidecarFailed | LossKind::StartFailed | LossKind::StartTimeout => (false, true),
            LossKind::Disrupted
            | LossKind::Deleted
            | LossKind::Missing
            | LossKind::Evicted
            | LossKind::Preempted
            | LossKind::NodeLost
            | LossKind::Refused
            | LossKind::Unknown => (false, false),
        };
        End {
            cause: LossCause {
                kind,
                message,
                exit_code,
                app_caused,
            },
            counts,
        }
    }

    /// A pod that was there and is not any more.
    pub(super) fn missing(id: ExecutorId, pod: &str) -> Self {
        let message = format!(
            "Executor {id} is lost: its pod {pod} is no longer in the cluster. It may have been deleted while the \
             driver was not connected to the API server."
        );
        End::new(LossKind::Missing, NO_EXIT_CODE, message)
    }

    /// A pod that was there and is not any more; `deleting`: it had been seen on its way out.
    pub(super) fn absent(id: ExecutorId, pod: &str, deleting: bool) -> Self {
        if deleting {
            End::deleted(id, pod)
        } else {
            End::missing(id, pod)
        }
    }

    /// A create whose answer was lost and whose pod never appeared.
    pub(super) fn never_created(id: ExecutorId, pod: &str) -> Self {
        let message = format!(
            "Executor {id} was requested, but the API server's answer was lost and its pod {pod} has not appeared."
        );
        End::new(LossKind::Missing, NO_EXIT_CODE, message)
    }

    /// A running executor whose volume claim cannot be made. As for any pod that is deleted, nobody is to blame.
    pub(super) fn without_claim(id: ExecutorId, pod: &str, said: &str) -> Self {
        let message =
            format!("Executor {id} is lost: a volume claim of its pod {pod} cannot be made: {said}");
        End::new(LossKind::Deleted, NO_EXIT_CODE, message)
    }

    /// A pod that ran and whose executor did not register.
    pub(super) fn unregistered(id: ExecutorId, pod: &str, node: Option<&str>, after: Duration) -> Self {
        let node = node.map(|node| format!(" on node {node}")).unwrap_or_default();
        let message = format!(
            "Executor {id} is lost: its pod {pod}{node} ran for {} s and it did not register with the driver \
             (spark.stoker.registrationTimeout). Check that executors reach the driver (spark.driver.host, \
             spark.driver.port, its service, network policies), and what the image does before it starts the executor.",
            after.as_secs()
        );
        End::new(LossKind::StartTimeout, NO_EXIT_CODE, message)
    }

    /// An executor whose container was started anew before its end was seen.
    pub(super) fn restarted(id: ExecutorId, pod: &str) -> Self {
        let message =
            format!("Executor {id} is lost: its container in pod {pod} has ended and was started again.");
        End::new(LossKind::Unknown, NO_EXIT_CODE, message)
    }

    /// A pod that somebody deleted.
    pub(super) fn deleted(id: ExecutorId, pod: &str) -> Self {
        let message =
            format!("Executor {id} is lost: its pod {pod} was deleted by a user or by the framework.");
        End::new(LossKind::Deleted, NO_EXIT_CODE, message)
    }
}

/// Reads the facts of a pod that exists.
pub(super) fn assess(id: ExecutorId, pod: &PodFacts, rules: Rules<'_>) -> Life {
    match pod.phase {
        PodPhase::Succeeded | PodPhase::Failed => Life::Ended(end_of(id, pod, pod.deleting, rules)),
        PodPhase::Running if has_failed(pod, rules) => Life::Ended(end_of(id, pod, pod.deleting, rules)),
        PodPhase::Running => Life::Running,
        PodPhase::Pending if pod.deleting => Life::Ended(end_of(id, pod, true, rules)),
        // A node that does not answer changes nothing yet.
        PodPhase::Pending | PodPhase::Unknown => Life::Pending,
    }
}

/// Whether any of its containers has ended, or the pod itself.
pub(super) fn has_ended(pod: &PodFacts) -> bool {
    is_terminal(pod) || main_containers(pod).any(|container| exit_of(container).is_some())
}

/// Whether the executor has ended and its container is about to be started again, for the next executor. Containers of a
/// pod that is on its way out are not.
pub(super) fn is_between_executors(pod: &PodFacts, rules: Rules<'_>) -> bool {
    let ended =
        |container: &ContainerFacts| container.name == rules.container && exit_of(container).is_some();
    !pod.deleting && !is_terminal(pod) && main_containers(pod).any(ended)
}

/// Whether the pod has ended for good: it is kept, not deleted, where the user wants to look at ended pods.
pub(super) fn is_terminal(pod: &PodFacts) -> bool {
    matches!(pod.phase, PodPhase::Succeeded | PodPhase::Failed)
}

/// Reads the last facts of a pod that has been deleted.
pub(super) fn assess_deleted(id: ExecutorId, pod: &PodFacts, rules: Rules<'_>) -> End {
    end_of(id, pod, true, rules)
}

/// Whether a container has ended the executor of a pod in phase `Running`.
fn has_failed(pod: &PodFacts, rules: Rules<'_>) -> bool {
    main_containers(pod).any(|container| match exit_of(container) {
        Some((code, _)) => container.name == rules.container || (rules.check_all && code != 0),
        None => false,
    })
}

fn main_containers(pod: &PodFacts) -> impl Iterator<Item = &ContainerFacts> {
    pod.containers.iter().filter(|container| !container.init)
}

fn exit_of(container: &ContainerFacts) -> Option<(i32, Option<&str>)> {
    match &container.state {
        ContainerState::Terminated {
            exit_code, reason, ..
        } => Some((*exit_code, reason.as_deref())),
        ContainerState::Waiting { .. } | ContainerState::Running => None,
    }
}

/// `deleting`: it is on its way out, or gone.
fn end_of(id: ExecutorId, pod: &PodFacts, deleting: bool, rules: Rules<'_>) -> End {
    let executor = main_containers(pod)
        .find(|container| container.name == rules.container)
        .and_then(exit_of);
    let exit_code = executor.map_or(NO_EXIT_CODE, |(code, _)| code);
    let other = pod
        .containers
        .iter()
        .filter(|container| container.name != rules.container)
        .find(|container| exit_of(container).is_some_and(|(code, _)| code != 0));
    let disruption = disruption::condition(pod);

    let place = place(pod);
    let (kind, head) = if let Some((kind, what)) = disruption::cause(pod) {
        (kind, format!("Executor {id} is lost: {place} {what}"))
    } else if executor.is_some_and(|(_, reason)| reason == Some("OOMKilled")) {
        let head = format!(
            "Executor {id} in {place} was killed for exceeding its memory limit (OOMKilled, exit code {exit_code}); \
             raise spark.executor.memory or spark.executor.memoryOverhead"
        );
        (LossKind::OomKilled, head)
    } else if deleting {
        (
            LossKind::Deleted,
            format!("Executor {id} is lost: {place} was deleted by a user or by the framework"),
        )
    } else if executor.is_some_and(|(_, reason)| reason.is_some_and(|reason| NOT_STARTED.contains(&reason))) {
        let head = format!(
            "Executor {id} did not start: the command of its container in {place} cannot be run (exit code {exit_code}); \
             check the image (spark.kubernetes.executor.container.image) and its architecture"
        );
        (LossKind::StartFailed, head)
    } else if executor.is_some_and(|(code, _)| code != 0) {
        let head = format!(
            "Executor {id} in {place} ended with exit code {exit_code} ({})",
            explain(exit_code)
        );
        (LossKind::Exited, head)
    } else if let Some(container) = other {
        let (code, _) = exit_of(container).unwrap_or((NO_EXIT_CODE, None));
        let name = &container.name;
        if container.init {
            (
                LossKind::StartFailed,
                format!(
                    "Executor {id} did not start: init container {name} of {place} ended with exit code {code} ({})",
                    explain(code)
                ),
            )
        } else {
            (
                LossKind::SidecarFailed,
                format!(
                    "Executor {id} is lost: container {name} of {place} ended with exit code {code} ({})",
                    explain(code)
                ),
            )
        }
    } else if exit_code == 0 || pod.phase == PodPhase::Succeeded {
        (
            LossKind::Exited,
            format!("Executor {id} in {place} ended by itself with exit code 0"),
        )
    } else {
        (
            LossKind::Unknown,
            format!("Executor {id} is lost: {place} failed and does not say why"),
        )
    };
    let exit_code = if kind == LossKind::Exited && exit_code == NO_EXIT_CODE {
        0
    } else {
        exit_code
    };
    let mut end = End::new(
        kind,
        exit_code,
        describe(head, pod, disruption.and_then(|c| c.message.as_deref())),
    );
    // Spark counts every failed pod, and none that was deleted.
    let infrastructure = matches!(
        kind,
        LossKind::Disrupted
            | LossKind::Evicted
            | LossKind::Preempted
            | LossKind::NodeLost
            | LossKind::Refused
            | LossKind::Unknown
    );
    if rules.count_infrastructure && !deleting && infrastructure {
        end.counts = true;
    }
    end
}

fn place(pod: &PodFacts) -> String {
    match &pod.node {
        Some(node) => format!("pod {} on node {node}", pod.name),
        None => format!("pod {}", pod.name),
    }
}

/// Appends what the API server says.
fn describe(head: String, pod: &PodFacts, disruption: Option<&str>) -> String {
    let mut text = head;
    text.push('.');
    // Writing to a String cannot fail.
    if let Some(message) = disruption {
        let _ = write!(text, " {message}");
    }
    if let Some(reason) = &pod.reason {
        let _ = write!(text, " Reason: {reason}.");
    }
    if let Some(message) = &pod.message {
        let _ = write!(text, " Message: {message}");
    }
    if !pod.containers.is_empty() {
        text.push_str(" Containers:");
        for container in &pod.containers {
            let _ = write!(text, "\n  {}: ", container.name);
            match &container.state {
                ContainerState::Running => text.push_str("running"),
                ContainerState::Waiting { reason, message } => {
                    let _ = write!(text, "waiting ({})", words(reason.as_deref(), message.as_deref()));
                }
                ContainerState::Terminated {
                    exit_code,
                    reason,
                    message,
                } => {
                    let said = words(reason.as_deref(), message.as_deref());
                    let _ = write!(text, "ended with exit code {exit_code} ({said})");
                }
            }
        }
    }
    text
}

fn words(reason: Option<&str>, message: Option<&str>) -> String {
    match (reason, message) {
        (Some(reason), Some(message)) => format!("{reason}: {message}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "no reason given".to_owned(),
    }
}

/// What an exit code usually means for an executor.
fn explain(code: i32) -> &'static str {
    match code {
        0 => "success",
        1 => "a general error: see the executor's log",
        10 | 50 => "an uncaught exception: see the executor's log",
        52 => "the JVM ran out of memory: raise spark.executor.memory, or run fewer tasks at once",
        53 => "no local directory could be made",
        54 => "the external block store could not be set up",
        55 => "the external block store could not make a directory",
        56 => "the executor could not reach the driver: heartbeats failed",
        126 => "the command cannot be executed: permissions or another architecture",
        127 => "the command was not found in the image",
        134 => "SIGABRT: the JVM crashed",
        137 => "SIGKILL: often the kernel, for memory; spark.executor.memoryOverhead gives more",
        139 => "SIGSEGV: the JVM or native code crashed",
        143 => "SIGTERM: something asked it to end",
        255 => "the command failed without a code of its own",
        _ => "no meaning of its own",
    }
}

#[cfg(test)]
mod tests;
