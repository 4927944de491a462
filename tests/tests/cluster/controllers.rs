//! `StatefulSet`s and `Deployment`s that make the executor pods, with the controllers of a real control plane.

use stoker_tests::local_cluster::{Allocate, LocalCluster, eventually};

use super::{assert_valid, count, ids, make_driver, selector};

const EXECUTORS: u32 = 5;

/// Stoker makes one object, which the driver pod owns; a lost pod is replaced, and in the end all of it goes. On
/// KWOK nodes nobody asks for numbers.
pub(super) fn pods_are_the_controllers(cluster: &LocalCluster) {
    let driver = "controllers-driver";
    let uid = make_driver(cluster, driver);
    for (kind, letter) in [("statefulset", 's'), ("deployment", 'd')] {
        let app = format!("by-{kind}");
        let mut properties = cluster.properties(&app);
        properties.insert("spark.kubernetes.allocation.pods.allocator".into(), kind.into());
        properties.insert("spark.kubernetes.driver.pod.name".into(), driver.into());
        let mut stoker = Allocate::start(&properties, EXECUTORS);
        stoker.wait_for("5 executors to run", |events| {
            count(events, "running") == EXECUTORS as usize
        });
        let name = format!("spark-{letter}-{app}-0");
        let controllers = cluster.list(kind, "");
        assert_eq!(controllers.len(), 1, "{controllers:#?}");
        assert_eq!(controllers[0]["metadata"]["name"], name.as_str());
        assert_eq!(
            controllers[0]["metadata"]["ownerReferences"][0]["uid"],
            uid.as_str()
        );
        assert_eq!(controllers[0]["spec"]["replicas"], EXECUTORS);
        let pods = cluster.list("pods", &selector(&app));
        assert_eq!(pods.len(), EXECUTORS as usize);
        let victim = pods[2]["metadata"]["name"].as_str().unwrap();
        cluster.kubectl(&["delete", "pod", victim, "--wait=false"], None);
        // A Deployment's replacement may run before the pod that goes has gone.
        let events = stoker.wait_for("the loss, and the replacement to run", |events| {
            count(events, "running") == EXECUTORS as usize + 1 && count(events, "lost") == 1
        });
        assert_eq!(ids(events, "running").len(), 6);

        stoker.signal("TERM");
        let (code, events) = stoker.wait();
        assert_eq!((code, count(&events, "lost")), (Some(0), 1), "{events:#?}");
        assert_valid(&events);
        for (kind, selector) in [
            (kind, ""),
            ("pods", selector(&app).as_str()),
            ("configmaps", &selector(&app)),
        ] {
            eventually("everything to be gone", || {
                cluster.list(kind, selector).is_empty().then_some(())
            });
        }
        let made_itself = cluster.pods_made(&format!("{app}-exec-"));
        assert!(made_itself.is_empty(), "{made_itself:?}");
    }
}
