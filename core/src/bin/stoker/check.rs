//! `stoker check`: says before a run what would fail.

mod orphans;
mod report;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use stoker_core::conf::Conf;
use stoker_core::preflight::{self, Area, Finding, Level};
use stoker_core::shell::access::{Access, Lookups};
use stoker_core::shell::preflight::{Cluster, Executor};
use stoker_core::shell::{NoticeFilter, Settings, client};

use crate::application::{Application, ApplicationOptions};
use crate::properties::PropertiesError;
use report::{Format, Report};

/// Stands for the driver's host where the properties leave it to Spark, which sets it at the driver's start.
const DRIVER_HOST: &str = "driver";
/// Exit code of a command that could not be run as it was given.
const USAGE: u8 = 2;

/// Options of `stoker check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    application: ApplicationOptions,
    /// Kubeconfig to use instead of $KUBECONFIG and ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// How many executors there has to be room for; by default those that the application starts with.
    #[arg(long, value_name = "N", conflicts_with = "orphans")]
    executors: Option<u32>,
    /// How to print it.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    output: Format,
    /// List what Spark made and nobody owns, instead of checking: executor pods, volume claims and `ConfigMaps`.
    #[arg(long)]
    orphans: bool,
    /// Look for orphans in all namespaces.
    #[arg(long, requires = "orphans")]
    all_namespaces: bool,
}

/// 0 without errors, 1 with errors, 2 where there was nothing to check.
pub(crate) fn run(options: &Options) -> ExitCode {
    match checked(options).and_then(|report| {
        report.print(options.output)?;
        Ok(report.has_errors())
    }) {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::FAILURE,
        Err(error) => {
            crate::report(&*error);
            ExitCode::from(USAGE)
        }
    }
}

fn checked(options: &Options) -> Result<Report, Box<dyn Error>> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let mut report = Report::default();
    let application = match Application::read(&options.application, None, Some(DRIVER_HOST), random) {
        Ok(application) => application,
        Err(error) if error.is::<PropertiesError>() => return Err(error),
        Err(error) => {
            report.push(preflight::unbuildable("the properties cannot be used", &*error));
            return Ok(report);
        }
    };
    let conf = application.conf.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if options.orphans {
        runtime.block_on(list_orphans(options, &conf, &mut report));
        return Ok(report);
    }
    report.extend(preflight::configuration(&conf)?);
    let executors = match options.executors {
        Some(executors) => executors,
        None => preflight::executors(&conf)?,
    };
    report.executors = Some(executors);
    let executor = match Executor::build(&settings(options, application)) {
        Ok(executor) => Some(executor),
        Err(error) => {
            report.push(preflight::unbuildable("no executor pod can be built", &error));
            None
        }
    };
    runtime.block_on(async {
        let cluster = reach(options, &conf, &mut report).await;
        if let (Some(cluster), Some(executor)) = (cluster, executor) {
            let left_out = "a part of the configuration is not checked";
            report.extend(executor.warnings.iter().map(|warning| {
                let fix = "look at it yourself, or correct the key";
                Finding::new(Level::Warning, Area::Configuration, left_out, warning, fix)
            }));
            let facts = cluster.inspect(&executor).await;
            report.extend(preflight::judge(&executor.candidate, executors, &facts));
        }
    });
    Ok(report)
}

fn settings(options: &Options, application: Application) -> Settings {
    Settings {
        conf: application.conf,
        master: None,
        app_id: application.app_id,
        spark_user: application.spark_user,
        auth_secret: application.auth_secret,
        kubeconfig: options.kubeconfig.clone(),
        mounted_properties: None,
        pod_template: application.pod_template,
        notices: NoticeFilter::Spark,
    }
}

/// The API server, where it can be used; what is found on the way goes into the report.
async fn reach(options: &Options, conf: &Conf, report: &mut Report) -> Option<Cluster> {
    let lookups = Lookups::system(options.kubeconfig.clone());
    let access = match Access::resolve(conf, None, &lookups) {
        Ok(access) => access,
        Err(error) => {
            report.push(preflight::unusable(&error));
            return None;
        }
    };
    report.server = Some(access.server.to_string());
    report.namespace = Some(access.namespace().to_owned());
    let client = match client::connect(&access, client::USER_AGENT).await {
        Ok(client) => client,
        Err(error) => {
            report.push(preflight::unusable(&error));
            return None;
        }
    };
    let cluster = Cluster::new(client, access.namespace(), access.request_timeout);
    let (version, user, namespace) = tokio::join!(cluster.version(), cluster.user(), cluster.namespace());
    let (findings, usable) = preflight::access(
        &access.server.to_string(),
        access.namespace(),
        access.insecure,
        &version,
        &user,
        &namespace,
    );
    report.extend(findings);
    usable.then_some(cluster)
}

async fn list_orphans(options: &Options, conf: &Conf, report: &mut Report) {
    if let Some(cluster) = reach(options, conf, report).await {
        let objects = cluster.spark_objects(options.all_namespaces).await;
        let (findings, orphans) = orphans::judged(objects, jiff::Timestamp::now());
        report.extend(findings);
        report.orphans = Some(orphans);
    }
}
