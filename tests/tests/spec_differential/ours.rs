//! What Stoker builds of a case.

use std::fs;

use serde_json::Value;
use stoker_core::conf::{Conf, ConfError, Sources};
use stoker_core::ids::ExecutorId;
use stoker_core::spec::{
    AppContext, Controller, ControllerKind, OwnerPod, PodStamp, PodTemplate, ResourceProfile, Secret,
    SpecError, conf_dir, config_map, config_map_name, pod_name_prefix,
};
use stoker_core::with_causes;

use crate::case::Case;
use crate::directory;
use crate::normalize::Built;
use crate::stock::Stock;

const SEED: u128 = 0x1234_5678_9abc_def0_1234_5678_9abc_def0;

/// Why Stoker builds nothing.
pub(crate) struct Refusal(pub(crate) String);

impl From<SpecError> for Refusal {
    fn from(error: SpecError) -> Refusal {
        match error {
            SpecError::Conf(error) => error.into(),
            error => Refusal(with_causes(&error)),
        }
    }
}

impl From<ConfError> for Refusal {
    fn from(error: ConfError) -> Refusal {
        Refusal(with_causes(&error))
    }
}

/// `stock_prefix`: the prefix of pod names that stock took.
pub(crate) fn build(case: &Case, stock: &Stock, stock_prefix: Option<&str>) -> Result<Built, Refusal> {
    let sources = Sources {
        properties: case.spark.clone(),
        env: case.env(),
        ..Sources::default()
    };
    let conf = Conf::new(sources, stock.version().clone())?;
    // Where the prefix is derived it ends with sixteen random digits, which are made stock's.
    let unique = stock_prefix
        .and_then(|prefix| prefix.get(prefix.len().checked_sub(16)?..))
        .unwrap_or("0");
    let files = conf_files(case, &conf);
    let context = AppContext {
        app_id: case.test("appId").unwrap_or("spark-application-1").to_owned(),
        spark_user: stock.user().to_owned(),
        auth_secret: case
            .test("secret")
            .filter(|_| {
                case.spark
                    .get("spark.authenticate")
                    .is_some_and(|on| on == "true")
            })
            .map(Secret::new),
        pod_name_prefix: pod_name_prefix(&conf, unique)?,
        config_map_name: config_map_name("0123456789abcdef"),
        driver_pod: case.test("driverPod.name").map(|name| OwnerPod {
            name: name.to_owned(),
            uid: case.test("driverPod.uid").unwrap_or_default().to_owned(),
        }),
        conf_files: files.iter().map(|(name, _)| name.clone()).collect(),
        pod_template: case
            .template()
            .map(|text| PodTemplate::parse(&text))
            .transpose()?,
    };
    let executor = ExecutorId(case.test("executorId").unwrap_or("1").parse().unwrap());
    let profile = serde_json::from_value(case.profile()).unwrap();
    let pod = PodStamp::build(&conf, &context, &profile)?.stamp(executor, SEED);
    Ok(Built {
        pod: serde_json::from_slice(&pod.body).unwrap(),
        resources: pod
            .claims
            .iter()
            .map(|claim| claim.manifest().clone())
            .collect::<Vec<Value>>(),
        config_map: config_map(&conf, &context, &files)?,
        controller: controller(case, &conf, &context, &profile)?,
    })
}

fn controller(
    case: &Case,
    conf: &Conf,
    context: &AppContext,
    profile: &ResourceProfile,
) -> Result<Value, Refusal> {
    let Some(replicas) = case.test("replicas") else {
        return Ok(Value::Null);
    };
    let kind = ControllerKind::of(conf)?.expect("a case with replicas has a controller");
    let controller = Controller::build(kind, conf, context, profile, replicas.parse().unwrap(), SEED)?;
    Ok(controller.manifest)
}

fn conf_files(case: &Case, conf: &Conf) -> Vec<(String, String)> {
    let Some(dir) = case
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
