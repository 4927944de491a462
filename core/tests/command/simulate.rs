//! `stoker simulate`.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Done, Files, run, stoker};

fn kept(name: &str, more: &[&str]) -> Done {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios");
    let mut command = stoker(["simulate", "--scenario"]);
    run(command.arg(directory.join(name)).args(more))
}

fn simulated(scenario: &str, more: &[&str]) -> Done {
    let files = Files::new();
    let file = files.write("scenario.yaml", scenario);
    run(stoker(["simulate", "--scenario"]).arg(file).args(more))
}

fn json_of(scenario: &str) -> Value {
    simulated(scenario, &["-o", "json"]).json()
}

#[test]
fn five_hundred_executors_cost_a_call_each_and_seconds() {
    let report = kept("ramp-up.yaml", &["-o", "json"]).json();
    let after = report["targets"][0]["after"].as_f64().unwrap();
    assert!((3.0..6.0).contains(&after), "{report:#}");
    assert_eq!(
        report["calls"]["byVerb"],
        json!({"create configmaps": 1, "create pods": 500, "get pods": 1, "list pods": 1, "watch pods": 1})
    );
    assert_eq!(report["calls"]["total"], 504);
    assert_eq!(report["calls"]["maxInFlight"], 128);
    assert_eq!(report["losses"]["total"], 0);
    assert_eq!(report["violations"], json!([]));
    // The same file gives the same numbers.
    assert_eq!(kept("ramp-up.yaml", &["-o", "json"]).json(), report);
}

#[test]
fn an_api_server_that_is_down_delays_and_loses_nothing() {
    let report = kept("api-server-down.yaml", &["-o", "json"]).json();
    let after = report["targets"][0]["after"].as_f64().unwrap();
    assert!(
        (50.0..120.0).contains(&after),
        "20 s of batches and 30 s of outage: {report:#}"
    );
    assert_eq!(
        report["losses"]["byCause"],
        json!({"deleted": 3, "evicted": 10, "oomKilled": 2})
    );
    assert_eq!(report["losses"]["blamedOnTheApplication"], 2);
    assert_eq!(report["losses"]["replacedAfter"]["count"], 15);
    assert_eq!(
        (&report["executorsAtEnd"], &report["podsAtEnd"]),
        (&json!(200), &json!(200))
    );
    assert_eq!(report["troubles"], json!({"outage": 1}));
    let waiting = report["waiting"].as_array().unwrap();
    assert!(
        waiting.len() == 1 && waiting[0].as_str().unwrap().contains("connection"),
        "{waiting:?}"
    );
}

#[test]
fn a_table_for_people() {
    let done = kept("api-server-down.yaml", &[]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    for part in [
        "target at 0s       200 executors: running after 1m",
        "losses             15 (deleted 3, evicted 10, oomKilled 2), 2 blamed",
        "replacements       15, running ",
        "at the end         200 executors run, 200 pods, after 10m",
    ] {
        assert!(
            done.stdout.contains(part),
            "{part} is missing in:\n{}",
            done.stdout
        );
    }
}

#[test]
fn properties_decide() {
    let events = "events: [{at: 0s, target: 30}]";
    let free = json_of(events);
    let batched = json_of(&format!(
        "properties: {{spark.kubernetes.allocation.batch.size: 5}}\n{events}"
    ));
    let after = |report: &Value| report["targets"][0]["after"].as_f64().unwrap();
    assert!(
        after(&batched) > after(&free) + 4.0,
        "six batches of a second each"
    );
    assert_eq!(free["calls"]["byVerb"].get("get pods"), None, "no driver pod");
    let few =
        json_of("properties: {spark.kubernetes.allocation.maximum: 11}\nevents: [{at: 0s, target: 30}]");
    assert_eq!(
        (&few["executorsAtEnd"], &few["targets"][0]["after"]),
        (&json!(10), &Value::Null)
    );
    assert!(
        few["waiting"][0]
            .as_str()
            .unwrap()
            .contains("spark.kubernetes.allocation.maximum")
    );
}

#[test]
fn everything_that_may_happen_happens() {
    let report = json_of(
        "properties: {spark.kubernetes.driver.pod.name: driver, spark.executor.maxNumFailures: 50}
volumeClaims: 1
cluster: {latency: 10ms, podStart: 1s, podEnd: 1s, quota: 60, capacity: 30}
faults: {refused: 1, answersLost: 1, requestsLost: 1, appliedLate: 1, watchesCut: 20, eventsDoubled: 10}
seed: 7
for: 30m
events:
  - {at: 0s, target: 20}
  - {at: 1s, target: {profile: 1, executors: 5}}
  - {at: 60s, lose: {executors: 2, cause: failed}}
  - {at: 70s, lose: {executors: 2, cause: preempted}}
  - {at: 80s, kill: 3}
  - {at: 71s, throttle: {for: 20s, retryAfter: 5s}}
  - {at: 2m, webhook: fails}
  - {at: 130s, deletePods: 2}
  - {at: 3m, webhook: works}
  - {at: 4m, quota: 10}
  - {at: 250s, loseNodes: 1}
  - {at: 5m, quota: none}
  - {at: 6m, unschedulable: true}
  - {at: 370s, lose: 3}
  - {at: 7m, unschedulable: false}
  - {at: 8m, cutWatch: true}
  - {at: 9m, suspendDriver: 5m}
  - {at: 15m, restartDriver: true}
  - {at: 20m, target: 3}
",
    );
    let troubles = report["troubles"].as_object().unwrap();
    for trouble in [
        "storm",
        "webhook",
        "node lost",
        "quota",
        "suspended",
        "restart",
        "preempted",
    ] {
        assert!(troubles.contains_key(trouble), "{trouble}: {report:#}");
    }
    assert_eq!(report["executorsAtEnd"], 8, "{report:#}");
    assert_eq!(report["targets"].as_array().unwrap().len(), 3);
}

#[test]
fn nodes_that_are_full_are_waited_for() {
    let report = json_of("cluster: {capacity: 7}\nevents: [{at: 0s, target: 10}]");
    assert_eq!(
        (&report["executorsAtEnd"], &report["podsAtEnd"]),
        (&json!(7), &json!(10))
    );
}

#[test]
fn an_application_that_has_to_end_says_why() {
    let report = json_of(
        "properties: {spark.executor.maxNumFailures: 1}
events:
  - {at: 0s, target: 5}
  - {at: 1m, lose: {executors: 2, cause: failed}}",
    );
    assert!(
        report["ended"]
            .as_str()
            .unwrap()
            .contains("spark.executor.maxNumFailures")
    );
}

#[test]
fn files_that_are_no_scenarios() {
    for (scenario, says) in [
        ("events: []", &["no event sets a target"][..]),
        ("{}", &["missing field", "events"]),
        (
            "events: [{at: 0s, target: 5}, {at: 1s}]",
            &["the event at 1s says 0 things", "apiServerDown"],
        ),
        (
            "events: [{at: 0s, target: 5, kill: 1}]",
            &["the event at 0s says 2 things"],
        ),
        (
            "events: [{at: 20m, target: 5}]",
            &["after the end of the scenario", "which is 10m"],
        ),
        (
            "events: [{at: 0s, target: -5}]",
            &[
                "write a number of executors, or {profile: 1, executors: 20}",
                "1:27",
            ],
        ),
        (
            "events: [{at: soon, target: 5}]",
            &["\"soon\" is no duration, such as 50ms"],
        ),
        (
            "events: [{at: 0s, tarjet: 5}]",
            &["unknown field `tarjet`", "target"],
        ),
        (
            "faults: {refused: 101}\nevents: [{at: 0s, target: 5}]",
            &["101 is no percentage"],
        ),
        (
            "properties: {spark.kubernetes.allocation.batch.size: many}\nevents: [{at: 0s, target: 5}]",
            &[
                "spark.kubernetes.allocation.batch.size",
                "\"many\"",
                "whole number",
            ],
        ),
    ] {
        simulated(scenario, &[]).refused(says);
    }
    run(&mut stoker(["simulate", "--scenario", "/nowhere/scenario.yaml"]))
        .refused(&["cannot read the scenario /nowhere/scenario.yaml", "No such file"]);
}
