//! `stoker render`: the executor pod as it would be created.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;
use stoker_core::conf::{Redactor, keys};
use stoker_core::ids::ExecutorId;
use stoker_core::shell;
use stoker_core::spec::{
    AppContext, PodStamp, PodTemplate, ResourceProfile, Secret, config_map_name, pod_name_prefix, unique_id,
};

use crate::application::{Application, ApplicationOptions, local_host_name};
use crate::{documents, note, secrets};

/// Stands for everything random, so that the same files give the same output.
const SEED: u128 = 0;

/// Options of `stoker render`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    application: ApplicationOptions,
    /// The driver pod, which owns the executors: a pod in JSON or YAML, as `kubectl get pod -o yaml` writes it.
    #[arg(long, value_name = "FILE")]
    driver_pod: Option<PathBuf>,
    /// A resource profile in JSON or YAML; the default profile, which the properties describe, when left out.
    #[arg(long, value_name = "FILE")]
    resource_profile: Option<PathBuf>,
    /// Which executor, from 1.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=2_147_483_647))]
    executor_id: u64,
    /// Application id.
    #[arg(long, value_name = "ID")]
    app_id: String,
    /// How to print it.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Format::Json)]
    output: Format,
    /// Print secrets as they are sent to the API server.
    #[arg(long)]
    show_secrets: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Json,
    Yaml,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Rendered {
    pod: Value,
    resources: Vec<Value>,
}

pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let text = options.output.print(&rendered(options)?)?;
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

impl Format {
    fn print(self, rendered: &Rendered) -> Result<String, Box<dyn Error>> {
        Ok(match self {
            Self::Json => serde_json::to_string_pretty(rendered)? + "\n",
            Self::Yaml => serde_saphyr::to_string(rendered)?,
        })
    }
}

fn rendered(options: &Options) -> Result<Rendered, Box<dyn Error>> {
    let host = local_host_name();
    let application = Application::load(&options.application, Some(&options.app_id), Some(&host), [0; 32])?;
    let conf = &application.conf;
    let driver_pod = options
        .driver_pod
        .as_deref()
        .map(documents::driver_pod)
        .transpose()?;
    let profile = match &options.resource_profile {
        Some(file) => documents::resource_profile(file)?,
        None => ResourceProfile::default_from(conf)?,
    };
    let unique = unique_id([0; 3], 0);
    let conf_files = if conf.get(&keys::EXECUTOR_DISABLE_CONFIG_MAP)? {
        Vec::new()
    } else {
        shell::conf_files(conf)?
    };
    let context = AppContext {
        app_id: application.app_id,
        spark_user: application.spark_user,
        auth_secret: application.auth_secret.map(Secret::new),
        pod_name_prefix: pod_name_prefix(conf, &unique)?,
        config_map_name: config_map_name(&unique),
        driver_pod,
        conf_files: conf_files.into_iter().map(|(name, _)| name).collect(),
        pod_template: application
            .pod_template
            .as_deref()
            .map(PodTemplate::parse)
            .transpose()?,
    };
    let stamp = PodStamp::build(conf, &context, &profile)?;
    let stamped = stamp.stamp(ExecutorId(options.executor_id), SEED);
    let driver_owns_claims = conf.get(&keys::DRIVER_OWN_PVC)?;
    let owner = context.driver_pod.as_ref().filter(|_| driver_owns_claims);
    let mut rendered = Rendered {
        pod: serde_json::from_slice(&stamped.body)?,
        resources: stamped
            .claims
            .iter()
            .map(|claim| serde_json::from_slice(&claim.body(owner)))
            .collect::<Result<_, _>>()?,
    };
    if !options.show_secrets {
        secrets::hide(&mut rendered.pod, &Redactor::of(conf));
    }
    // Only now, so that a failure is not preceded by remarks.
    for remark in conf.notes() {
        note(&remark.to_string());
    }
    for warning in stamp.warnings() {
        note(warning);
    }
    if application.driver_host_added {
        note(&format!(
            "spark.driver.host is not set; executors are to find the driver at {host}, this machine"
        ));
    }
    if let Some(name) = conf
        .get(&keys::DRIVER_POD_NAME)?
        .filter(|_| context.driver_pod.is_none())
    {
        note(&format!(
            "nothing has an owner here; for that of the driver pod {name} pass it with --driver-pod"
        ));
    }
    Ok(rendered)
}
