use super::*;

const SPAN: Duration = Duration::from_secs(100);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn fail(nodes: &mut Nodes, now: u64, node: &str, id: u64) -> Vec<String> {
    nodes.failed(at(now), node, ExecutorId(id), true);
    nodes.judge(at(now), ["good"].into_iter()).0
}

#[test]
fn different_executors_in_a_row_make_a_node_suspect() {
    let mut nodes = Nodes::new(2, SPAN);
    assert!(fail(&mut nodes, 1, "a", 1).is_empty());
    assert!(fail(&mut nodes, 2, "a", 1).is_empty(), "the same one");
    assert!(fail(&mut nodes, 3, "b", 2).is_empty(), "another node");
    nodes.started("a");
    assert!(fail(&mut nodes, 4, "a", 3).is_empty(), "one has started since");
    assert!(
        fail(&mut nodes, 105, "a", 4).is_empty(),
        "the other one was long ago"
    );
    assert_eq!(fail(&mut nodes, 106, "a", 5), ["a"]);
    assert_eq!(*nodes.avoided(), ["a".to_owned()]);
    assert!(fail(&mut nodes, 107, "a", 6).is_empty(), "told once");
    assert_eq!(nodes.next_expiry(), Some(at(207)), "the last failure counts");
    assert_eq!(nodes.expire(at(206)), [""; 0]);
    assert_eq!(nodes.expire(at(207)), ["a"]);
    assert!(nodes.avoided().is_empty() && nodes.failures.is_empty());
}

#[test]
fn without_a_node_that_does_better_none_is_avoided() {
    let mut nodes = Nodes::new(1, SPAN);
    nodes.failed(at(1), "a", ExecutorId(1), true);
    nodes.failed(at(1), "b", ExecutorId(2), true);
    assert!(nodes.judge(at(1), std::iter::empty()).0.is_empty());
    assert!(nodes.judge(at(1), ["a", "b"].into_iter()).0.is_empty());
    assert!(nodes.any_suspect());
    let (avoided, theirs) = nodes.judge(at(2), ["a", "c"].into_iter());
    assert_eq!(
        (avoided, theirs),
        (vec!["a".to_owned(), "b".to_owned()], vec![at(1), at(1)])
    );
    assert!(!nodes.any_suspect());
    assert!(nodes.started("a") && !nodes.started("a"));
    assert_eq!(nodes.lift(), ["b"]);
}

#[test]
fn no_node_is_avoided_where_the_user_does_not_want_it() {
    let mut nodes = Nodes::new(0, SPAN);
    assert!(fail(&mut nodes, 1, "a", 1).is_empty());
    assert!(nodes.failures.is_empty());
}

#[test]
fn only_failures_of_the_start_speak_against_a_node() {
    assert!(is_start_failure(LossKind::Exited, 1) && !is_start_failure(LossKind::Exited, 0));
    assert!(is_start_failure(LossKind::StartFailed, -1));
    assert!(!is_start_failure(LossKind::Deleted, 143) && !is_start_failure(LossKind::Disrupted, 143));
}
