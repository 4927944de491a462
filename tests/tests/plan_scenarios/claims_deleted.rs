//! Volume claims that somebody deletes while executors need them.

use stoker_core::plan::{ExecutorId, FailureClass, ObjectRef};
use stoker_core::sim::claims::ClaimRights;
use stoker_core::sim::{DRIVER, OWNER};

use crate::claims_reused::{config, exit, mounted, own, sim};
use crate::{failed, losses, millis, secs};

#[test]
fn a_claim_that_was_deleted_is_not_used_again() {
    let mut sim = sim(config());
    sim.run_up(2);
    sim.target(0, 1);
    sim.settle();
    sim.run(secs(30));
    assert_eq!(sim.plan.snapshot().free_claims, 2);
    sim.delete_claim("test-exec-1-pvc-0");
    sim.run(secs(1));
    assert_eq!(sim.plan.snapshot().free_claims, 1);
    sim.target(0, 2);
    sim.run(secs(30));
    assert_eq!(mounted(&sim, 3), ["test-exec-3-pvc-0", "test-exec-1-pvc-1"]);
}

#[test]
fn a_pod_whose_claim_was_deleted_before_it_ran_is_replaced() {
    for rights in [ClaimRights::All, ClaimRights::List] {
        let mut sim = sim(config());
        sim.claim_rights = rights;
        sim.run(secs(60));
        sim.start_time = None;
        sim.target(0, 1);
        sim.run(secs(5));
        sim.delete_claim("test-exec-1-pvc-1");
        sim.start_time = Some(millis(500));
        sim.start_all();
        sim.run(secs(120));
        assert_eq!(sim.alive(0), 1, "{rights:?}");
        assert!(sim.pod_of(ExecutorId(1)).is_none() && losses(&sim).is_empty());
        assert_eq!(mounted(&sim, 2)[0], "test-exec-1-pvc-0");
    }
}

#[test]
fn a_claim_on_its_way_out_is_not_used_again() {
    let mut sim = sim(config());
    sim.run_up(1);
    // A running pod keeps it until it ends.
    sim.delete_claim("test-exec-1-pvc-0");
    sim.run(secs(5));
    assert_eq!(sim.cluster.claims.len(), 2);
    exit(&mut sim, 1);
    sim.run(secs(60));
    assert_eq!(mounted(&sim, 2), ["test-exec-2-pvc-0", "test-exec-1-pvc-1"]);
}

#[test]
fn what_takes_the_name_of_a_deleted_claim_is_not_given_on_while_a_pod_mounts_it() {
    let mut sim = sim(config());
    sim.run(secs(60));
    sim.start_time = None;
    sim.target(0, 1);
    sim.run(secs(5));
    sim.script("delete", (0..9).map(|_| failed(FailureClass::Server)));
    sim.delete_claim("test-exec-1-pvc-0");
    sim.run(secs(1));
    // A create of it that was lost before is applied now.
    let driver = ObjectRef {
        name: DRIVER.to_owned(),
        uid: OWNER.to_owned(),
    };
    let made = sim
        .cluster
        .create_claim("test-exec-1-pvc-0", ExecutorId(1), 0, &driver);
    assert!(made.is_ok());
    sim.run(secs(5));
    sim.target(0, 2);
    sim.run(secs(5));
    assert_eq!((mounted(&sim, 1), mounted(&sim, 2)), (own(1), own(2)));
}
