use super::*;

const IDS: [ExecutorId; 2] = [ExecutorId(7), ExecutorId(8)];

fn pod(id: ExecutorId) -> Value {
    json!({
        "metadata": {"name": format!("job-exec-{id}"), "labels": {
            "spark-app-selector": "spark-1", "spark-exec-id": id.to_string(), "spark-role": "executor", "mine": "a",
        }},
        "spec": {"containers": [{"name": "executor"}], "future": 1},
    })
}

fn claim(name: &str) -> Value {
    json!({"kind": "PersistentVolumeClaim", "metadata": {"name": name}})
}

fn prepared() -> BTreeMap<ExecutorId, StampedPod> {
    let stamped = |id: ExecutorId| StampedPod {
        name: format!("job-exec-{id}"),
        body: pod(id).to_string().into_bytes(),
        claims: VolumeClaim::new(claim("own")).into_iter().collect(),
    };
    IDS.into_iter().map(|id| (id, stamped(id))).collect()
}

/// What became of the prepared executors, the kinds that were dropped and the error.
fn accept(answer: Value) -> (BTreeMap<ExecutorId, StampedPod>, Vec<String>, Option<String>) {
    let (mut prepared, mut kinds) = (prepared(), Vec::new());
    let result = super::accept(answer, &IDS, &mut prepared, |kind| kinds.push(kind.to_owned()));
    (prepared, kinds, result.err().map(|error| error.to_string()))
}

fn answer_for(id: ExecutorId) -> Value {
    json!({"executorId": id.to_string(), "pod": pod(id)})
}

#[test]
fn a_request_has_the_pods_and_what_the_steps_need() {
    let steps = ["a.B".to_owned(), "c.D".to_owned()];
    let prepared = prepared();
    let executors = IDS.iter().map(|id| (*id, ProfileId(3), &prepared[id]));
    let driver = json!({"metadata": {"name": "driver"}});
    let request = request(&steps, Some(&driver), executors).unwrap();
    assert_eq!(
        request,
        json!({
            "kind": "featureSteps", "steps": ["a.B", "c.D"], "driverPod": {"metadata": {"name": "driver"}}, "executors": [
                {"executorId": "7", "profile": 3, "pod": pod(IDS[0])},
                {"executorId": "8", "profile": 3, "pod": pod(IDS[1])},
            ],
        })
    );
    let alone = super::request(&steps, None, std::iter::empty()).unwrap();
    assert_eq!(alone["driverPod"], Value::Null);
}

#[test]
fn customised_pods_take_the_place_of_ours_and_claims_are_added() {
    let mut changed = answer_for(IDS[0]);
    changed["pod"]["spec"]["added"] = json!({"deep": [1]});
    changed["pod"]["metadata"]["labels"]["mine"] = json!("b");
    changed["resources"] = json!([claim("theirs"), {"kind": "Secret"}, {"kind": "Secret"}, {}]);
    let (prepared, kinds, error) = accept(json!({"ok": [answer_for(IDS[1]), changed.clone()]}));
    assert_eq!(error, None);
    let body: Value = serde_json::from_slice(&prepared[&IDS[0]].body).unwrap();
    assert_eq!(body, changed["pod"]);
    let names: Vec<_> = prepared[&IDS[0]]
        .claims
        .iter()
        .map(|claim| claim.name.as_str())
        .collect();
    assert_eq!(names, ["own", "theirs"]);
    assert_eq!(prepared[&IDS[1]].claims.len(), 1);
    assert_eq!(kinds, ["Secret", "Secret", "without a kind"]);
}

#[test]
fn an_answer_that_cannot_be_used_says_why_and_changes_nothing() {
    let with = |path: &str, value: Value| {
        let mut second = answer_for(IDS[1]);
        *second.pointer_mut(path).unwrap() = value;
        json!({"ok": [answer_for(IDS[0]), second]})
    };
    let nameless = with("/pod", pod(IDS[1]));
    let mut nameless = nameless;
    nameless["ok"][1]["resources"] = json!([{"kind": "PersistentVolumeClaim", "metadata": {}}]);
    for (answer, says) in [
        (
            json!({"error": "class a.B was not found"}),
            "class a.B was not found",
        ),
        (json!({"ok": [answer_for(IDS[0])]}), "no pod for executor 8"),
        (json!({"what": 1}), "cannot be read"),
        (json!({"ok": [{"executorId": "7"}]}), "cannot be read"),
        (with("/pod/metadata/name", json!("other")), "metadata.name"),
        (
            with("/pod/metadata/labels/spark-exec-id", json!("9")),
            "spark-exec-id",
        ),
        (with("/pod/metadata/labels", json!({})), "spark-app-selector"),
        (with("/pod/metadata/labels/spark-role", json!("x")), "spark-role"),
        (with("/pod", json!("text")), "metadata.name"),
        (nameless, "without metadata.name"),
    ] {
        let (prepared, _, error) = accept(answer.clone());
        let error = error.unwrap_or_else(|| panic!("{answer} is taken"));
        assert!(error.contains(says), "{error}");
        assert_eq!(prepared, self::prepared());
    }
}
