//! Executor pods and `ConfigMap`s compared with those that stock Spark's own classes build.
//!
//! Needs `STOKER_SPARK_HOME`, a directory with the `jars` of a Spark distribution, and a Java runtime. See
//! `tests/differential/README.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the whole file is a test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};
use stoker_core::conf::{Conf, Sources, SparkVersion, properties};
use stoker_core::ids::ExecutorId;
use stoker_core::spec::{
    AppContext, OwnerPod, PodStamp, ResourceProfile, Secret, conf_dir, config_map, config_map_name,
    pod_name_prefix,
};

const SEED: u128 = 0x1234_5678_9abc_def0_1234_5678_9abc_def0;
const LOCAL_DIR: &str = "spark-local-dir-";
const JAVA_OPTION: &str = "SPARK_JAVA_OPT_";

#[test]
fn pods_and_config_maps_are_those_of_stock() {
    let stock = Stock::run();
    let mut failures = Vec::new();
    for (name, theirs) in &stock.cases {
        let case = Case::read(&directory().join("corpus").join(format!("{name}.properties")));
        if let Err(difference) = case.compare(&stock, theirs) {
            failures.push(format!("== {name}\n{difference}"));
        }
    }
    assert!(
        stock.cases.len() >= 25,
        "only {} cases were found",
        stock.cases.len()
    );
    assert!(
        failures.is_empty(),
        "{} of {} cases differ:\n{}",
        failures.len(),
        stock.cases.len(),
        failures.join("\n")
    );
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("differential")
}

/// What stock built.
struct Stock {
    version: SparkVersion,
    user: String,
    cases: Map<String, Value>,
}

impl Stock {
    fn run() -> Stock {
        let home = std::env::var("STOKER_SPARK_HOME").expect(
            "STOKER_SPARK_HOME is not set: this test compares with a stock Spark; set it to a directory with jars/ \
             (scripts/spark.sh fetches one and prints where it is)",
        );
        let jars = Path::new(&home).join("jars");
        assert!(jars.is_dir(), "STOKER_SPARK_HOME={home} has no jars/");
        let java = std::env::var("JAVA_HOME").map_or("java".into(), |home| Path::new(&home).join("bin/java"));
        let output = Command::new(java)
            .args(["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp"])
            .arg(jars.join("*"))
            .arg(directory().join("StockPods.java"))
            .arg(directory().join("corpus"))
            .env("SPARK_USER", "somebody")
            .output()
            .expect("Java starts");
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "StockPods failed:\n{log}");
        let mut result: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}:\n{log}"));
        let Value::Object(cases) = result["cases"].take() else {
            panic!("no cases:\n{log}")
        };
        Stock {
            version: text(&result["version"]).parse().unwrap(),
            user: text(&result["user"]).to_owned(),
            cases,
        }
    }
}

/// One file of the corpus.
struct Case {
    spark: BTreeMap<String, String>,
    test: BTreeMap<String, String>,
}

/// A pod and a `ConfigMap`.
struct Built {
    pod: Value,
    config_map: Value,
}

impl Case {
    fn read(file: &Path) -> Case {
        let entries = properties::parse(&fs::read_to_string(file).unwrap()).unwrap();
        let (test, spark) = entries.into_iter().partition(|(key, _)| key.starts_with("case."));
        Case { spark, test }
    }

    fn test(&self, key: &str) -> Option<&str> {
        self.test.get(&format!("case.{key}")).map(String::as_str)
    }

    fn compare(&self, stock: &Stock, theirs: &Value) -> Result<(), String> {
        let ours = self.build(stock, theirs["prefix"].as_str());
        match (self.test("error"), ours, theirs["error"].as_str()) {
            (Some(expected), Err(ours), Some(theirs)) => {
                match (ours.contains(expected), theirs.contains(expected)) {
                    (true, true) => Ok(()),
                    _ => Err(format!(
                        "expected: {expected}\nours:     {ours}\ntheirs:   {theirs}"
                    )),
                }
            }
            (None, Ok(ours), None) => {
                let theirs = Built {
                    pod: theirs["pod"].clone(),
                    config_map: theirs["configMap"].clone(),
                };
                let (ours, theirs) = (self.normalized(ours), self.normalized(theirs));
                same("pod", &ours.pod, &theirs.pod)?;
                same("config map", &ours.config_map, &theirs.config_map)
            }
            (expected, ours, theirs) => Err(format!(
                "expected error: {expected:?}\nours:           {:?}\ntheirs:         {theirs:?}",
                ours.err()
            )),
        }
    }

    fn build(&self, stock: &Stock, stock_prefix: Option<&str>) -> Result<Built, String> {
        let env = self
            .test
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix("case.env.")?, value)));
        let sources = Sources {
            properties: self.spark.clone(),
            env: env
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .collect(),
            ..Sources::default()
        };
        let conf = Conf::new(sources, stock.version.clone()).map_err(|e| e.to_string())?;
        // Where the prefix is derived it ends with sixteen random digits, which are made stock's.
        let unique = stock_prefix
            .and_then(|prefix| prefix.get(prefix.len().checked_sub(16)?..))
            .unwrap_or("0");
        let files = self.conf_files(&conf);
        let context = AppContext {
            app_id: self.test("appId").unwrap_or("spark-application-1").to_owned(),
            spark_user: stock.user.clone(),
            auth_secret: self.test("secret").map(Secret::new),
            pod_name_prefix: pod_name_prefix(&conf, unique).map_err(|e| e.to_string())?,
            config_map_name: config_map_name("0123456789abcdef"),
            driver_pod: self.test("driverPod.name").map(|name| OwnerPod {
                name: name.to_owned(),
                uid: self.test("driverPod.uid").unwrap_or_default().to_owned(),
            }),
            conf_files: files.iter().map(|(name, _)| name.clone()).collect(),
            pod_template: None,
        };
        let executor = ExecutorId(self.test("executorId").unwrap_or("1").parse().unwrap());
        let stamp = PodStamp::build(&conf, &context, &self.profile()).map_err(|e| e.to_string())?;
        let config_map = config_map(&conf, &context, &files).map_err(|e| e.to_string())?;
        Ok(Built {
            pod: serde_json::from_slice(&stamp.stamp(executor, SEED).body).unwrap(),
            config_map,
        })
    }

    fn conf_files(&self, conf: &Conf) -> Vec<(String, String)> {
        let Some(dir) = self
            .test("confDir")
            .map(|dir| directory().join("conf-dirs").join(dir))
        else {
            return Vec::new();
        };
        let max_size = conf_dir::max_size(conf).unwrap();
        let entries = fs::read_dir(&dir)
            .unwrap()
            .map(Result::unwrap)
            .filter(|entry| entry.path().is_file());
        let entries = entries.map(|entry| conf_dir::Entry {
            name: entry.file_name().into_string().unwrap(),
            size: entry.metadata().unwrap().len(),
        });
        let read = conf_dir::candidates(entries.collect(), max_size)
            .into_iter()
            .map(|entry| {
                let content = fs::read(dir.join(&entry.name)).unwrap();
                (entry.name, content)
            });
        conf_dir::select(read.collect(), max_size).files
    }

    fn profile(&self) -> ResourceProfile {
        let prefix = "case.profile.resource.";
        let mut resources = Map::new();
        for (key, value) in &self.test {
            let Some(name) = key
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_suffix(".amount"))
            else {
                continue;
            };
            let mut resource = json!({"amount": value.parse::<i64>().unwrap()});
            if let Some(vendor) = self.test.get(&format!("{prefix}{name}.vendor")) {
                resource["vendor"] = json!(vendor);
            }
            resources.insert(name.to_owned(), resource);
        }
        let id: u32 = self.test("profile.id").unwrap_or("0").parse().unwrap();
        serde_json::from_value(json!({"id": id, "executorResources": resources})).unwrap()
    }

    /// Replaces what is random and sorts what stock keeps in hash maps.
    fn normalized(&self, built: Built) -> Built {
        let Built { pod, mut config_map } = built;
        let name = text(&config_map["metadata"]["name"]).to_owned();
        assert!(
            name.len() == "spark-exec--conf-map".len() + 16 && name.starts_with("spark-exec-"),
            "name of the ConfigMap: {name}"
        );
        // The date is a comment, which stock's properties have and ours do not.
        let properties = text(&config_map["data"]["spark.properties"]).to_owned();
        let lines = properties
            .lines()
            .filter(|line| !line.starts_with('#') || line.contains("Kubernetes config map"));
        config_map["data"]["spark.properties"] = json!(lines.collect::<Vec<_>>().join("\n"));
        let rename = |value: Value| -> Value {
            serde_json::from_str(&value.to_string().replace(&name, "CONFIG-MAP")).unwrap()
        };
        let (mut pod, config_map) = (rename(pod), rename(config_map));
        let container = &mut pod["spec"]["containers"][0];
        self.normalize_local_dirs(container);
        self.normalize_env(container);
        Built { pod, config_map }
    }

    /// Within one run of variables that the user set, and within the settings that executors start with, the order
    /// is that of a hash map.
    fn normalize_env(&self, container: &mut Value) {
        let env = container["env"].as_array_mut().unwrap();
        let is_users = |v: &Value| {
            self.spark
                .contains_key(&format!("spark.executorEnv.{}", text(&v["name"])))
        };
        for run in env.chunk_by_mut(|a, b| is_users(a) && is_users(b)) {
            run.sort_by_key(|v| text(&v["name"]).to_owned());
        }
        let is_option = |v: &Value| text(&v["name"]).starts_with(JAVA_OPTION);
        for run in env
            .chunk_by_mut(|a, b| is_option(a) == is_option(b))
            .filter(|run| is_option(&run[0]))
        {
            self.normalize_java_options(run);
        }
    }

    fn normalize_java_options(&self, options: &mut [Value]) {
        let number = |v: &Value| text(&v["name"])[JAVA_OPTION.len()..].parse::<usize>().unwrap();
        options.sort_by_key(number);
        let numbers: Vec<usize> = options.iter().map(number).collect();
        assert_eq!(
            numbers,
            (0..options.len()).collect::<Vec<_>>(),
            "options are numbered from 0"
        );
        let mut values: Vec<String> = options
            .iter()
            .map(|option| text(&option["value"]).to_owned())
            .collect();
        let is_setting = |value: &String| {
            let definition = value
                .strip_prefix("-D")
                .and_then(|definition| definition.split_once('='));
            definition.is_some_and(|(key, _)| self.spark.contains_key(key))
        };
        let settings = values.iter().position(is_setting).unwrap_or(values.len());
        assert!(
            values[settings..].iter().all(is_setting),
            "settings come after options: {values:?}"
        );
        values[settings..].sort();
        for (option, value) in options.iter_mut().zip(values) {
            option["value"] = json!(value);
        }
    }

    /// Names the random directory and sorts the directories, after having made sure that variable and mounts agree.
    fn normalize_local_dirs(&self, container: &mut Value) {
        let is_mount = |mount: &&mut Value| text(&mount["name"]).starts_with(LOCAL_DIR);
        let Some(mounts) = container["volumeMounts"].as_array_mut() else {
            return;
        };
        let mounts: Vec<&mut Value> = mounts.iter_mut().filter(is_mount).collect();
        let mut dirs: Vec<String> = mounts
            .iter()
            .map(|mount| text(&mount["mountPath"]).to_owned())
            .collect();
        let joined = dirs.join(",");
        if self.test("env.SPARK_LOCAL_DIRS").is_none() && !self.spark.contains_key("spark.local.dir") {
            for dir in &mut dirs {
                let uuid = dir.strip_prefix("/var/data/spark-").unwrap_or_default();
                assert!(
                    uuid.len() == 36 && uuid.as_bytes()[14] == b'4',
                    "a random UUID: {dir}"
                );
                "/var/data/spark-UUID".clone_into(dir);
            }
        }
        dirs.sort();
        for (mount, dir) in mounts.into_iter().zip(&dirs) {
            mount["mountPath"] = json!(dir);
        }
        let env = container["env"].as_array_mut().unwrap();
        if let Some(variable) = env.iter_mut().rfind(|v| v["name"] == "SPARK_LOCAL_DIRS") {
            assert_eq!(text(&variable["value"]), joined, "the variable names the mounts");
            variable["value"] = json!(dirs.join(","));
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Says where two values differ.
fn same(path: &str, ours: &Value, theirs: &Value) -> Result<(), String> {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let parts = keys.into_iter().map(|key| {
                same(
                    &format!("{path}.{key}"),
                    a.get(key).unwrap_or(&Value::Null),
                    b.get(key).unwrap_or(&Value::Null),
                )
            });
            all(parts)
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => all(a
            .iter()
            .zip(b)
            .enumerate()
            .map(|(index, (a, b))| same(&format!("{path}[{index}]"), a, b))),
        _ if ours == theirs => Ok(()),
        _ => Err(format!("{path}\n  ours:   {ours}\n  theirs: {theirs}")),
    }
}

fn all(parts: impl Iterator<Item = Result<(), String>>) -> Result<(), String> {
    let differences: Vec<String> = parts.filter_map(Result::err).collect();
    if differences.is_empty() {
        Ok(())
    } else {
        Err(differences.join("\n"))
    }
}
