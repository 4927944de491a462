//! `stoker render`.

use std::io::Read as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Done, Files, run, stoker};

const PROPERTIES: &str = "\
spark.app.name=report
spark.driver.host=driver-svc.jobs.svc
spark.kubernetes.container.image=spark:4.3.0
spark.kubernetes.executor.annotation.executor={{EXECUTOR_ID}}
";
const REDACTED: &str = "*********(redacted)";

/// `render` of an application with more properties than the usual ones.
fn command(files: &Files, more: &str) -> Command {
    let properties = files.write("spark.properties", &format!("{PROPERTIES}{more}\n"));
    let mut command = stoker(["render", "--executor-id", "7", "--app-id", "spark-1"]);
    command.arg("--properties").arg(properties);
    command
}

fn rendered(more: &str) -> Done {
    run(&mut command(&Files::new(), more))
}

fn env(rendered: &Value) -> Vec<(&str, &str)> {
    let variables = rendered["pod"]["spec"]["containers"][0]["env"]
        .as_array()
        .unwrap();
    variables
        .iter()
        .filter_map(|variable| Some((variable["name"].as_str()?, variable["value"].as_str()?)))
        .collect()
}

#[test]
fn the_pod_of_an_executor() {
    let done = rendered("");
    let output = done.json();
    assert_eq!(output.as_object().unwrap().len(), 2);
    assert_eq!(output["resources"], json!([]));
    let pod = &output["pod"];
    assert_eq!((&pod["apiVersion"], &pod["kind"]), (&json!("v1"), &json!("Pod")));
    assert_eq!(pod["metadata"]["labels"]["spark-exec-id"], "7");
    assert_eq!(pod["metadata"]["labels"]["spark-app-selector"], "spark-1");
    assert_eq!(pod["metadata"]["labels"]["spark-version"], "4.3.0");
    assert_eq!(pod["metadata"]["annotations"], json!({"executor": "7"}));
    assert_eq!(pod["metadata"].get("ownerReferences"), None);
    let name = pod["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("report-") && name.ends_with("-exec-7"), "{name}");
    assert!(env(&output).contains(&(
        "SPARK_DRIVER_URL",
        "spark://CoarseGrainedScheduler@driver-svc.jobs.svc:7078"
    )));
    assert_eq!(done.stderr, "");
}

#[test]
fn the_same_files_give_the_same_output() {
    assert_eq!(rendered("").stdout, rendered("").stdout);
}

#[test]
fn yaml_says_what_json_says() {
    let files = Files::new();
    let hostile = "spark.executorEnv.A=no\nspark.executorEnv.B=1e3\nspark.executorEnv.C=0777\nspark.executorEnv.D=\n\
                   spark.executorEnv.E=a: b # c\nspark.executorEnv.F=two\\nlines\\n\\n\n\
                   spark.executorEnv.G=\\u00e4\\u2028\\t\\u0007 '\"\nspark.executorEnv.H=~\n\
                   spark.executorEnv.I=2001-01-01\nspark.executorEnv.J=- x\nspark.executorEnv.K= \\ leading\n\
                   spark.executorEnv.L=12:30:45\nspark.executorEnv.M=x  x   x    x     x      x       x        \
                   x          x           x            x             x              x               x     \n";
    let json = run(&mut command(&files, hostile)).json();
    for output in ["-oyaml", "--output=yaml"] {
        let yaml = run(command(&files, hostile).arg(output));
        assert_eq!(yaml.code, Some(0), "{yaml:?}");
        assert!(yaml.stdout.starts_with("pod:\n"), "{}", yaml.stdout);
        assert_eq!(serde_saphyr::from_str::<Value>(&yaml.stdout).unwrap(), json);
    }
}

#[test]
fn the_version_decides() {
    let files = Files::new();
    let newest = run(&mut command(&files, "")).json();
    let oldest = run(command(&files, "").args(["--spark-version", "3.5.5"])).json();
    assert_eq!(oldest["pod"]["metadata"]["labels"]["spark-version"], "3.5.5");
    assert_ne!(newest["pod"]["spec"], oldest["pod"]["spec"]);
}

#[test]
fn the_driver_pod_owns_the_executor() {
    let files = Files::new();
    let yaml = files.write(
        "driver.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: report-driver\n  uid: 1234\n  futureField: 1\nspec: {}\n",
    );
    run(command(&files, "").arg("--driver-pod").arg(yaml)).refused(&["driver.yaml", "metadata.uid"]);
    let json = files.write(
        "driver.json",
        r#"{"kind": "Pod", "metadata": {"name": "report-driver", "uid": "12-34"}}"#,
    );
    let quoted = files.write(
        "quoted.yaml",
        "kind: Pod\nmetadata: {name: report-driver, uid: 12-34}\n",
    );
    for file in [json, quoted] {
        let output = run(command(&files, "").arg("--driver-pod").arg(file)).json();
        let owner = &output["pod"]["metadata"]["ownerReferences"][0];
        assert_eq!(
            (&owner["name"], &owner["uid"]),
            (&json!("report-driver"), &json!("12-34"))
        );
    }
}

#[test]
fn a_resource_profile_takes_the_place_of_the_default_one() {
    let files = Files::new();
    let profile = files.write(
        "profile.json",
        r#"{"id": 3, "executorResources": {"cores": {"amount": 4}, "memory": {"amount": 2048},
            "gpu": {"amount": 1, "vendor": "nvidia.com", "discoveryScript": "/opt/gpus"}}}"#,
    );
    let output = run(command(&files, "").arg("--resource-profile").arg(profile)).json();
    let resources = &output["pod"]["spec"]["containers"][0]["resources"];
    assert_eq!(resources["requests"]["cpu"], "4");
    assert_eq!(resources["limits"]["memory"], "2432Mi");
    assert_eq!(resources["limits"]["nvidia.com/gpu"], "1");
    assert_eq!(
        output["pod"]["metadata"]["labels"]["spark-exec-resourceprofile-id"],
        "3"
    );
}

#[test]
fn secrets_are_hidden_unless_asked_for() {
    let files = Files::new();
    let secrets = "spark.authenticate=true\nspark.authenticate.secret=s3cr3t-1\nspark.executorEnv.DB_PASSWORD=s3cr3t-2\n\
                   spark.executor.extraJavaOptions=-Ddb.token=s3cr3t-3 -Dplain=visible\n";
    let hidden = run(&mut command(&files, secrets));
    let output = hidden.json();
    assert!(!hidden.stdout.contains("s3cr3t"), "{}", hidden.stdout);
    assert!(!hidden.stderr.contains("s3cr3t"), "{}", hidden.stderr);
    for expected in [
        ("_SPARK_AUTH_SECRET", REDACTED),
        ("DB_PASSWORD", REDACTED),
        ("SPARK_JAVA_OPT_0", "-Ddb.token=*********(redacted)"),
        ("SPARK_JAVA_OPT_1", "-Dplain=visible"),
    ] {
        assert!(env(&output).contains(&expected), "{expected:?}");
    }
    let shown = run(command(&files, secrets).arg("--show-secrets")).json();
    for expected in [
        ("_SPARK_AUTH_SECRET", "s3cr3t-1"),
        ("DB_PASSWORD", "s3cr3t-2"),
        ("SPARK_JAVA_OPT_0", "-Ddb.token=s3cr3t-3"),
    ] {
        assert!(env(&shown).contains(&expected), "{expected:?}");
    }
}

#[test]
fn the_authentication_secret_comes_from_where_spark_takes_it() {
    let files = Files::new();
    let secret_of = |done: Done| {
        let output = done.json();
        let found = env(&output)
            .into_iter()
            .find(|(name, _)| *name == "_SPARK_AUTH_SECRET");
        found.map(|(_, value)| value.to_owned())
    };
    let render =
        |more: &str, name: &str| run(command(&files, more).arg("--show-secrets").env(name, "of-env"));
    let configured = "spark.authenticate.secret=of-conf";
    assert_eq!(secret_of(render(configured, "_SPARK_AUTH_SECRET")), None);
    let on = "spark.authenticate=true\n";
    let both = format!("{on}{configured}");
    assert_eq!(
        secret_of(render(&both, "_SPARK_AUTH_SECRET")).as_deref(),
        Some("of-env")
    );
    assert_eq!(secret_of(render(&both, "OTHER")).as_deref(), Some("of-conf"));
    let made_up = secret_of(render(on, "OTHER")).unwrap();
    assert_eq!(made_up.len(), 64);
    let secret = files.write("secret", "of-file");
    let from_file = format!("{on}spark.authenticate.secret.driver.file={}", secret.display());
    assert_eq!(
        secret_of(render(&from_file, "OTHER")).as_deref(),
        Some("b2YtZmlsZQ==")
    );
    let missing = format!("{on}spark.authenticate.secret.driver.file=/not/there");
    render(&missing, "OTHER").refused(&["/not/there", "spark.authenticate.secret.driver.file"]);
}

#[test]
fn a_driver_without_a_host_is_this_machine() {
    let files = Files::new();
    let properties = files.write("spark.properties", "spark.kubernetes.container.image=i\n");
    let mut command = stoker(["render", "--executor-id=1", "--app-id=a", "--properties"]);
    let done = run(command.arg(properties));
    let output = done.json();
    assert!(env(&output).contains(&(
        "SPARK_DRIVER_URL",
        "spark://CoarseGrainedScheduler@this-machine:7078"
    )));
    assert_eq!(
        done.stderr.lines().collect::<Vec<_>>(),
        [
            "note: spark.driver.host is not set; executors are to find the driver at this-machine, this machine"
        ]
    );
}

#[test]
fn what_is_remarkable_is_a_note_on_stderr() {
    let done =
        rendered("spark.kubernetes.driver.pod.name=report-driver\nspark.kubernetes.report.interval=2s\n");
    done.json();
    assert_eq!(
        done.stderr.lines().collect::<Vec<_>>(),
        [
            "note: spark.kubernetes.report.interval has no effect in Stoker: used by spark-submit",
            "note: nothing has an owner here; for that of the driver pod report-driver pass it with --driver-pod",
        ]
    );
}

#[test]
fn the_files_of_the_configuration_directory_are_mounted() {
    let files = Files::new();
    files.write("log4j2.properties", "a=b\n");
    let output = run(command(&files, "").env("SPARK_CONF_DIR", files.path())).json();
    let items = &output["pod"]["spec"]["volumes"][0]["configMap"]["items"];
    assert_eq!(
        *items,
        json!([{"key": "log4j2.properties", "mode": 420, "path": "log4j2.properties"}])
    );
}

#[test]
fn a_template_is_what_the_pod_is_made_from() {
    let files = Files::new();
    let template = files.write(
        "template.yaml",
        "metadata: {labels: {team: data}}\nspec:\n  futureField: {on: true}\n  containers:\n  - name: proxy\n    image: proxy:1\n  - name: main\n",
    );
    let key = "spark.kubernetes.executor.podTemplate";
    let more = format!("{key}File={}\n{key}ContainerName=main", template.display());
    let output = run(&mut command(&files, &more)).json();
    let (metadata, spec) = (&output["pod"]["metadata"], &output["pod"]["spec"]);
    assert_eq!(metadata["labels"]["team"], "data");
    assert_eq!(spec["futureField"], json!({"on": true}));
    let names: Vec<_> = spec["containers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["name"])
        .collect();
    assert_eq!(names, ["proxy", "main"]);
    assert_eq!(spec["containers"][1]["image"], "spark:4.3.0");
}

#[test]
fn claims_come_with_the_owner_they_will_have() {
    let volume = "spark.kubernetes.executor.volumes.persistentVolumeClaim.data";
    let more = format!(
        "{volume}.mount.path=/data\n{volume}.options.claimName=OnDemand\n{volume}.options.storageClass=fast\n\
         {volume}.options.sizeLimit=2Gi\nspark.kubernetes.executor.podNamePrefix=report"
    );
    let files = Files::new();
    let driver = files.write(
        "driver.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: report-driver, uid: u-1}\n",
    );
    let output = run(command(&files, &more).arg("--driver-pod").arg(driver)).json();
    let claims = output["resources"].as_array().unwrap();
    assert_eq!(claims.len(), 1, "{output}");
    let claim = &claims[0];
    assert_eq!(claim["kind"], "PersistentVolumeClaim");
    assert_eq!(claim["metadata"]["name"], "report-exec-7-pvc-0");
    assert_eq!(claim["metadata"]["ownerReferences"][0]["uid"], "u-1");
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "2Gi");
}

#[test]
fn only_feature_steps_that_need_a_jvm_are_refused() {
    let key = "spark.kubernetes.executor.pod.featureSteps";
    let volcano = "org.apache.spark.deploy.k8s.features.VolcanoFeatureStep";
    rendered(&format!("{key}={volcano},com.example.Step")).refused(&[key, "com.example.Step"]);
    let output = rendered(&format!("{key}={volcano}")).json();
    let annotations = &output["pod"]["metadata"]["annotations"];
    assert_eq!(annotations["scheduling.k8s.io/group-name"], "spark-1-podgroup");
}

#[test]
fn bad_properties_are_refused() {
    rendered("spark.executor.cores=many\nspark.kubernetes.executor.eventProcessingInterval=x").refused(&[
        "spark.executor.cores",
        "many",
        "whole number",
    ]);
    rendered("spark.app.name=\\u12").refused(&["spark.properties", "\\u must be followed"]);
    rendered("spark.kubernetes.executor.podNamePrefix=Upper").refused(&[
        "spark.kubernetes.executor.podNamePrefix",
        "Upper",
        "lower case",
    ]);
}

#[test]
fn bad_files_are_refused() {
    let files = Files::new();
    for option in ["--properties", "--driver-pod", "--resource-profile"] {
        let mut command = match option {
            "--properties" => stoker(["render", "--executor-id=1", "--app-id=a"]),
            _ => command(&files, ""),
        };
        run(command.arg(option).arg("/not/there")).refused(&[
            "error: cannot read",
            "/not/there",
            "No such file",
        ]);
    }
    for (name, text, problem) in [
        ("a.yaml", "a: [", "driver pod"),
        (
            "b.yaml",
            "kind: Service\nmetadata: {name: a, uid: b}",
            "its kind is \"Service\"",
        ),
        ("c.yaml", "kind: Pod\nmetadata: {name: a}", "metadata.uid"),
        ("d.yaml", "just text", "metadata.name"),
    ] {
        let file = files.write(name, text);
        run(command(&files, "").arg("--driver-pod").arg(file)).refused(&[name, problem]);
    }
    for (name, text, problem) in [
        ("e.json", r#"{"id": 0}"#, "id 0 is the default profile"),
        (
            "f.json",
            r#"{"id": 1, "executorResource": {}}"#,
            "executorResource",
        ),
        (
            "g.json",
            r#"{"id": 1, "executorResources": {"cores": {"amount": "x"}}}"#,
            "resource profile",
        ),
        ("h.json", "{", "resource profile"),
    ] {
        let file = files.write(name, text);
        run(command(&files, "").arg("--resource-profile").arg(file)).refused(&[name, problem]);
    }
}

#[test]
fn bad_options_are_refused() {
    let files = Files::new();
    run(&mut stoker(["render"])).refused(&["--properties", "--executor-id", "--app-id"]);
    for (option, value) in [
        ("--executor-id", "0"),
        ("--executor-id", "2147483648"),
        ("--executor-id", "x"),
        ("--spark-version", "next"),
        ("--output", "table"),
    ] {
        let properties = files.write("spark.properties", PROPERTIES);
        let mut command = stoker(["render", "--app-id=a"]);
        command.arg("--properties").arg(properties);
        if option != "--executor-id" {
            command.arg("--executor-id=1");
        }
        run(command.args([option, value])).refused(&[option, value]);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let files = Files::new();
    // More than a pipe holds, so that the end of the output meets a closed pipe.
    let long = format!("spark.executorEnv.LONG={}", "x".repeat(1 << 20));
    let mut child = command(&files, &long)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
