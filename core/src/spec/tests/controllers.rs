use super::*;

const CLAIM: &str = "spark.kubernetes.executor.volumes.persistentVolumeClaim";

fn built(allocator: &str, properties: &[(&str, &str)]) -> Result<Value, SpecError> {
    let chosen = ("spark.kubernetes.allocation.pods.allocator", allocator);
    let conf = conf(&[&[chosen], properties].concat());
    let kind = ControllerKind::of(&conf).unwrap().unwrap();
    let controller = Controller::build(kind, &conf, &context(), &default_profile(), 3, SEED)?;
    Ok(controller.manifest)
}

fn with_claim(run: impl FnOnce(&[(&str, &str)])) {
    let key = |name: &str| format!("{CLAIM}.data.{name}");
    let (path, name) = (key("mount.path"), key("options.claimName"));
    let (class, size) = (key("options.storageClass"), key("options.sizeLimit"));
    run(&[
        (&path, "/data"),
        (&name, "OnDemand"),
        (&class, "fast"),
        (&size, "1Gi"),
    ]);
}

#[test]
fn a_stateful_set_makes_the_claims_of_its_pods() {
    with_claim(|claim| {
        let set = built("statefulset", claim).unwrap();
        assert_eq!(set["kind"], "StatefulSet");
        assert_eq!(set["metadata"]["name"], "spark-s-spark-app-1-0");
        assert_eq!(set["metadata"]["ownerReferences"][0]["uid"], "uid-1");
        assert_eq!(set["spec"]["replicas"], 3);
        assert_eq!(set["spec"]["podManagementPolicy"], "Parallel");
        let claims = set["spec"]["volumeClaimTemplates"].as_array().unwrap();
        assert_eq!(claims[0]["metadata"]["name"], "data");
        assert_eq!(claims.len(), 1);
        let pod = &set["spec"]["template"];
        assert_eq!(pod["metadata"]["labels"]["spark-exec-id"], "EXECID");
        assert_eq!(pod["spec"]["restartPolicy"], "Always");
        let volumes = pod["spec"]["volumes"].as_array().unwrap();
        assert!(
            volumes.iter().all(|volume| volume["name"] != "data"),
            "{volumes:?}"
        );
        let mounts = container(pod)["volumeMounts"].as_array().unwrap();
        assert!(mounts.iter().any(|mount| mount["name"] == "data"));
        assert_eq!(env(pod)["SPARK_EXECUTOR_ID"], "EXECID");
    });
}

#[test]
fn pods_of_a_deployment_are_all_alike() {
    let deployment = built("deployment", &[]).unwrap();
    assert_eq!(deployment["kind"], "Deployment");
    assert_eq!(deployment["metadata"]["name"], "spark-d-spark-app-1-0");
    let pod = &deployment["spec"]["template"];
    assert_eq!(pod["metadata"]["annotations"][DELETION_COST], "0");
    assert_eq!(pod["spec"]["hostname"], "pi-0001-exec-execid");
    with_claim(|claim| {
        let refused = built("deployment", claim).unwrap_err().to_string();
        assert!(refused.contains("volume 'data'"), "{refused}");
    });
}

#[test]
fn other_allocators_have_no_controller() {
    for allocator in ["direct", "com.example.Allocator"] {
        let conf = conf(&[("spark.kubernetes.allocation.pods.allocator", allocator)]);
        assert_eq!(ControllerKind::of(&conf).unwrap(), None);
    }
}
