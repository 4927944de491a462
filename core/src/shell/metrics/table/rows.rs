//! The rows of the table.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::plan::{CreateResult, FailureClass, HoldCause, Label, LossKind, PendingCause};
use crate::shell::metrics::calls::Verb;

use super::{Kind, MILLIS, Reading, Section};

const EXECUTORS: &str = "executors";
const CALLS: &str = "calls";
const ENTRIES: &str = "entries";

/// All of them, in the order of the page.
pub(super) static TABLE: LazyLock<Vec<Section>> =
    LazyLock::new(|| vec![executors(), losses(), creates(), api_server(), queues()]);

fn count<L: Label>(counts: &BTreeMap<L, u64>, label: L) -> Reading {
    counts.get(&label).copied().unwrap_or_default().into()
}

fn executors() -> Section {
    Section::new("Executors")
        .gauge(
            "executors.target",
            EXECUTORS,
            "Wanted by Spark, of all resource profiles.",
            |r| {
                r.plan
                    .profiles
                    .values()
                    .map(|(target, _)| *target as u64)
                    .sum::<u64>()
            },
        )
        .gauge(
            "executors.live",
            EXECUTORS,
            "Not ended: their pods exist, may exist or are about to be asked for.",
            |r| r.plan.total.live,
        )
        .gauge(
            "executors.running",
            EXECUTORS,
            "Of the live ones, those whose pods run.",
            |r| r.plan.total.live - r.plan.total.pending,
        )
        .gauge(
            "executors.pending",
            EXECUTORS,
            "Of the live ones, those whose pods do not run yet.",
            |r| r.plan.total.pending,
        )
        .gauge(
            "executors.staged",
            EXECUTORS,
            "Of the pending ones, those whose pods or volume claims are prepared: no create of the pod was sent.",
            |r| r.plan.total.staged,
        )
        .gauge(
            "executors.creating",
            EXECUTORS,
            "Of the pending ones, those whose creates are in flight.",
            |r| r.plan.total.creating,
        )
        .gauge(
            "executors.unconfirmed",
            EXECUTORS,
            "Of the pending ones, those whose creates have lost their answer.",
            |r| r.plan.total.unconfirmed,
        )
        .gauge(
            "executors.leaving",
            EXECUTORS,
            "Of the live ones, those that were asked to go.",
            |r| r.plan.total.leaving,
        )
        .by(
            Kind::Gauge,
            "pending",
            EXECUTORS,
            "Pending executors whose pods show why",
            |r, cause: PendingCause| r.plan.pending.get(&cause).copied().unwrap_or_default().into(),
        )
        .by(
            Kind::Gauge,
            "heldBack",
            EXECUTORS,
            "Executors that are wanted and not asked for",
            |r, cause: HoldCause| r.plan.held_back.get(&cause).copied().unwrap_or_default().into(),
        )
        .counter(
            "executors.started",
            EXECUTORS,
            "Have run, since the start.",
            |r| r.counters.started,
        )
        .counter(
            "executors.registered",
            EXECUTORS,
            "Have registered with the driver, since the start.",
            |r| r.counters.registered,
        )
        .counter(
            "executors.released",
            EXECUTORS,
            "Have gone as Spark asked them to, since the start.",
            |r| r.counters.released,
        )
        .distribution(
            "executors.toRunningMs",
            "From the create of a pod until it runs. Where a StatefulSet or Deployment makes the pods, this and the next begin \
             when an executor asks for its number.",
            |r| r.to_running,
        )
        .distribution(
            "executors.toRegisteredMs",
            "From the create of a pod until its executor has registered with the driver.",
            |r| r.to_registered,
        )
}

fn losses() -> Section {
    Section::new("Losses")
        .counter(
            "losses.total",
            EXECUTORS,
            "Lost, since the start: ended without being asked to.",
            |r| r.counters.losses.values().sum(),
        )
        .by(Kind::Counter, "losses", EXECUTORS, "Lost", |r, kind: LossKind| {
            count(&r.counters.losses, kind)
        })
        .counter(
            "losses.appCaused",
            EXECUTORS,
            "Of all lost ones, those for which the application is blamed: their tasks count as failed.",
            |r| r.counters.app_caused,
        )
        .counter(
            "losses.counted",
            EXECUTORS,
            "Of all lost ones, those that count towards `spark.executor.maxNumFailures`.",
            |r| r.counters.failures,
        )
}

fn creates() -> Section {
    Section::new("Creates")
        .counter(
            "creates.sent",
            CALLS,
            "Creates of executor pods, repeated ones included; none where a StatefulSet or Deployment makes the pods.",
            |r| r.counters.creates_sent,
        )
        .by(
            Kind::Counter,
            "creates",
            CALLS,
            "Creates that ended so",
            |r, result: CreateResult| count(&r.counters.creates, result),
        )
        .counter(
            "creates.adopted",
            EXECUTORS,
            "Executors whose pods were found though the create's answer was lost or said that the name is taken.",
            |r| r.counters.adopted,
        )
        .gauge(
            "creates.limit",
            CALLS,
            "Creates that may be in flight: what the API server is thought to take.",
            |r| r.plan.create_limit,
        )
        .counter("claims.created", "claims", "Volume claims that were made.", |r| {
            r.counters.claims_created
        })
}

fn api_server() -> Section {
    Section::new("API server")
        .gauge(
            "watch.open",
            "0 or 1",
            "Whether the watch on the executor pods is open.",
            |r| r.plan.watching,
        )
        .gauge(
            "watch.stalenessMs",
            MILLIS,
            "How old what Stoker knows of its pods may be: below 90 s where all is well, as the API server tells the watch \
             each minute that it is current; without a watch the interval of the lists.",
            |r| r.staleness,
        )
        .counter("watch.opened", "watches", "Watches that were opened.", |r| {
            r.counters.watches
        })
        .counter("watch.broken", "watches", "Watches that ended in a failure.", |r| {
            r.counters.broken_watches
        })
        .counter("watch.events", "events", "Events of the watch, bookmarks included.", |r| {
            r.counters.events
        })
        .counter(
            "watch.lists",
            "lists",
            "Lists of the executor pods that were begun: one at the start, more only after a watch that cannot go on, or \
             where there is no watch.",
            |r| r.counters.lists,
        )
        .gauge(
            "calls.inFlight",
            CALLS,
            "Creates, gets, deletes and patches in flight.",
            |r| r.plan.in_flight,
        )
        .gauge(
            "calls.open",
            CALLS,
            "All calls that have not been answered, the watch included.",
            |r| r.plan.open_calls,
        )
        .gauge("calls.queued", CALLS, "Gets, deletes and patches that wait.", |r| {
            r.plan.queued
        })
        .gauge(
            "nodes.avoided",
            "nodes",
            "Nodes that new executors keep away from, since executors repeatedly failed to start there.",
            |r| r.plan.avoided_nodes.len(),
        )
        .gauge(
            "claims.known",
            "claims",
            "Volume claims of the application that executors may be given again.",
            |r| r.plan.claims,
        )
        .gauge("claims.free", "claims", "Of these, those that no pod uses.", |r| r.plan.free_claims)
        .by(
            Kind::Distribution,
            "latencyMs",
            MILLIS,
            "From the start of a call until its answer is read, whatever it is",
            |r, verb: Verb| r.latencies.get(&verb).copied().unwrap_or_default().into(),
        )
        .by(
            Kind::Counter,
            "failures",
            CALLS,
            "Calls of any kind that did not succeed, or not for certain",
            |r, class: FailureClass| count(&r.counters.failed_calls, class),
        )
}

fn queues() -> Section {
    Section::new("Queues in the driver")
        .gauge(
            "queues.commands",
            ENTRIES,
            "Commands of Spark that Stoker's loop has not taken.",
            |r| r.queues.commands,
        )
        .gauge(
            "queues.replies",
            ENTRIES,
            "Answers and watch events that the loop has not taken.",
            |r| r.queues.replies,
        )
        .gauge(
            "queues.notices",
            ENTRIES,
            "Notices, such as that of a loss, that Spark has not taken.",
            |r| r.queues.notices,
        )
        .gauge(
            "log.queued",
            "lines",
            "Log lines that wait for the driver's logger, of all applications of the process.",
            |r| r.queues.log_lines,
        )
        .counter(
            "log.dropped",
            "lines",
            "Log lines that were dropped as the driver's logger was too slow, of all applications of the process.",
            |r| r.queues.log_lines_dropped,
        )
}
