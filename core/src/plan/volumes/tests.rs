use serde_json::json;

use super::*;

const ONE: ExecutorId = ExecutorId(1);
const TWO: ExecutorId = ExecutorId(2);
const NOW: Duration = Duration::ZERO;

fn shape() -> ClaimShape {
    ClaimShape::of(&json!({"spec": {"resources": {"requests": {"storage": "1Gi"}}}}))
}

fn wanted(name: &str) -> WantedClaim {
    WantedClaim {
        name: name.to_owned(),
        shape: shape(),
        replaceable: true,
    }
}

fn facts(name: &str, uid: &str) -> ClaimFacts {
    ClaimFacts {
        name: name.to_owned(),
        uid: uid.to_owned(),
        shape: shape(),
        ..ClaimFacts::default()
    }
}

fn with_claim() -> Volumes {
    let mut volumes = Volumes::default();
    volumes.reserve(NOW, ONE, &wanted("a"));
    assert!(volumes.made(NOW, "a", Some("u")));
    volumes
}

#[test]
fn a_claim_is_free_when_its_user_has_gone() {
    let mut volumes = with_claim();
    assert_eq!(volumes.find(&wanted("b")), None);
    assert!(volumes.is_taken("a", TWO) && !volumes.is_taken("a", ONE));
    volumes.leave(ONE, true);
    assert_eq!(volumes.find(&wanted("b")), Some("a"));
    volumes.take("a", TWO, "b");
    assert_eq!(volumes.find(&wanted("b")), None);
    assert!(volumes.is_taken("a", ONE));
}

#[test]
fn the_smallest_claim_that_is_large_enough_is_given() {
    let mut volumes = Volumes::default();
    for (name, size) in [("a", "3Gi"), ("b", "512Mi"), ("c", "2Gi")] {
        let spec = json!({"spec": {"resources": {"requests": {"storage": size}}}});
        let shape = ClaimShape::of(&spec);
        volumes.shown(
            NOW,
            &ClaimFacts {
                shape,
                ..facts(name, name)
            },
            None,
        );
    }
    assert_eq!(volumes.find(&wanted("d")), Some("c"));
    let particular = WantedClaim {
        replaceable: false,
        ..wanted("d")
    };
    assert_eq!(volumes.find(&particular), None);
}

#[test]
fn claims_of_pods_go_with_them() {
    let mut volumes = with_claim();
    volumes.leave(ONE, false);
    assert_eq!(volumes.counts(), (0, 0));
}

#[test]
fn a_claim_that_a_pod_shows_is_not_free() {
    let mut volumes = with_claim();
    volumes.leave(ONE, true);
    volumes.pod_shown("pod", &["a".into(), "other".into()], None);
    assert!(volumes.find(&wanted("b")).is_none() && !volumes.is_free("a", TWO));
    assert_eq!(volumes.leaving(|_| false, true), ["a"]);
    assert!(volumes.leaving(|_| false, false).is_empty());
    volumes.keep_pods(&HashSet::from(["pod".into()]));
    assert!(volumes.is_taken("other", ONE));
    volumes.pod_gone("pod");
    assert!(volumes.is_free("a", TWO));
}

#[test]
fn a_pod_with_the_claims_it_was_given_is_accounted_for() {
    let mut volumes = with_claim();
    volumes.pod_shown("pod", &["a".into()], Some(ONE));
    volumes.leave(ONE, true);
    assert!(volumes.is_free("a", TWO));
}

#[test]
fn what_is_deleted_is_not_there() {
    let mut volumes = with_claim();
    assert_eq!(volumes.deleted(&facts("a", "another"), false), None);
    assert_eq!(volumes.deleted(&facts("a", "u"), false), Some(ONE));
    assert_eq!(volumes.counts(), (0, 0));
    // Deleted before the answer to its create.
    volumes.reserve(NOW, ONE, &wanted("b"));
    volumes.deleted(&facts("b", "v"), true);
    assert!(!volumes.made(NOW, "b", Some("v")));
    // Both were shown before.
    volumes.reserve(NOW, ONE, &wanted("c"));
    volumes.shown(NOW, &facts("c", "w"), None);
    assert_eq!(volumes.deleted(&facts("c", "w"), true), Some(ONE));
    assert!(!volumes.made(NOW, "c", Some("w")));
    assert_eq!(volumes.counts(), (0, 0));
}

#[test]
fn a_delete_that_was_asked_for_is_not_undone_by_late_events() {
    let mut volumes = with_claim();
    volumes.leave(ONE, true);
    volumes.doom(&ObjectRef {
        name: "a".into(),
        uid: "u".into(),
    });
    volumes.shown(NOW, &facts("a", "u"), None);
    assert!(volumes.find(&wanted("b")).is_none() && volumes.is_taken("a", TWO));
    volumes.deleted(&facts("a", "u"), false);
    assert!(!volumes.is_taken("a", TWO));
}

#[test]
fn a_list_tells_what_is_no_longer_there() {
    let mut volumes = with_claim();
    let later = Duration::from_secs(1);
    volumes.reserve(later, TWO, &wanted("b"));
    volumes.made(later, "b", Some("v"));
    assert_eq!(volumes.listed(later, &BTreeMap::new()), [(ONE, "a".to_owned())]);
    assert_eq!(volumes.counts(), (1, 0), "what was made during the list stays");
}

#[test]
fn a_name_that_comes_again_is_another_claim() {
    let mut volumes = with_claim();
    let later = Some(Duration::from_secs(1));
    for early in [None, Some(NOW)] {
        assert_eq!(volumes.shown(NOW, &facts("a", "v"), early), None, "late news");
        assert!(volumes.is_taken("a", TWO));
    }
    assert_eq!(volumes.shown(NOW, &facts("a", "v"), later), Some(ONE));
    assert!(volumes.is_taken("a", TWO), "the pod of its user finds it");
    volumes.leave(ONE, true);
    assert!(volumes.is_free("a", TWO));
    let spoiled = ClaimFacts {
        spoiled: true,
        ..facts("a", "v")
    };
    volumes.shown(NOW, &spoiled, None);
    assert!(!volumes.is_free("a", TWO) && volumes.is_taken("a", ONE));
}

#[test]
fn what_comes_under_the_name_of_a_claim_that_was_deleted_is_its_users() {
    let mut volumes = with_claim();
    volumes.deleted(&facts("a", "u"), false);
    volumes.shown(NOW, &facts("a", "v"), None);
    assert!(volumes.find(&wanted("b")).is_none() && volumes.is_taken("a", TWO));
    volumes.give_back("a", ONE);
    assert!(volumes.is_free("a", TWO), "it has no pod");
    volumes.take("a", TWO, "b");
    volumes.deleted(&facts("a", "v"), false);
    volumes.leave(TWO, true);
    assert!(!volumes.is_taken("a", ONE));
}

#[test]
fn an_executor_does_not_lack_a_claim_that_it_has_another_for() {
    let mut volumes = with_claim();
    volumes.leave(ONE, true);
    volumes.reserve(NOW, TWO, &wanted("b"));
    volumes.take("a", TWO, "b");
    assert_eq!(volumes.shown(NOW, &facts("b", "v"), None), None);
    assert_eq!(volumes.deleted(&facts("b", "v"), false), None);
    assert_eq!(volumes.deleted(&facts("a", "u"), false), Some(TWO));
}
