//! What a command knows of the application it acts for.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stoker_core::conf::{Conf, SparkVersion, keys};
use stoker_core::spec::{self, AUTH_SECRET_VARIABLE};
use thiserror::Error;

use crate::pod_template;
use crate::properties;

/// The options that say which application it is.
#[derive(Debug, clap::Args)]
pub(crate) struct ApplicationOptions {
    /// Spark properties of the application, as `spark-submit --properties-file` takes them.
    #[arg(long, value_name = "FILE")]
    pub(crate) properties: PathBuf,
    /// The version of Spark whose keys and defaults apply.
    #[arg(long, value_name = "V", default_value = "4.3.0")]
    pub(crate) spark_version: SparkVersion,
}

/// An application as Spark's driver would have it before it makes executors.
pub(crate) struct Application {
    pub(crate) conf: Conf,
    pub(crate) app_id: String,
    /// `SPARK_USER` of the executors.
    pub(crate) spark_user: String,
    /// What executors authenticate with, where `spark.authenticate` is on.
    pub(crate) auth_secret: Option<String>,
    /// Text of `spark.kubernetes.executor.podTemplateFile`, where it is set.
    pub(crate) pod_template: Option<String>,
    /// Whether `spark.driver.host` was not set.
    pub(crate) driver_host_added: bool,
}

/// Why there is no executor to be made without a JVM.
#[derive(Debug, Error)]
pub(crate) enum ApplicationError {
    /// Only a JVM can run the user's own feature steps.
    #[error(
        "{key} names classes that only Spark's driver can run: {}; leave them out to see the pod without them",
        .classes.join(", ")
    )]
    CustomSteps {
        /// The key.
        key: &'static str,
        /// The classes.
        classes: Vec<String>,
    },
    /// The file with the secret of `spark.authenticate` cannot be read.
    #[error("cannot read {path}, which {key} names")]
    SecretFile {
        /// The key.
        key: &'static str,
        /// The file.
        path: String,
        #[source]
        source: io::Error,
    },
}

impl Application {
    /// As [`read`](Self::read), and refuses what only a JVM can do.
    pub(crate) fn load(
        options: &ApplicationOptions,
        app_id: Option<&str>,
        driver_host: Option<&str>,
        random: [u8; 32],
    ) -> Result<Self, Box<dyn Error>> {
        let application = Self::read(options, app_id, driver_host, random)?;
        refuse_custom_steps(&application.conf)?;
        Ok(application)
    }

    /// Reads the properties and what they name. What Spark makes up is made of `random`: the secret of
    /// `spark.authenticate`, and the application's id where neither `app_id` nor `spark.app.id` says it.
    pub(crate) fn read(
        options: &ApplicationOptions,
        app_id: Option<&str>,
        driver_host: Option<&str>,
        random: [u8; 32],
    ) -> Result<Self, Box<dyn Error>> {
        let mut sources = properties::sources(&options.properties)?;
        let entries = &mut sources.properties;
        let app_id = match (app_id, entries.get(keys::APP_ID.name())) {
            (Some(id), _) => id.to_owned(),
            (None, Some(id)) => id.clone(),
            (None, None) => format!("spark-{}", hex(&random[..16])),
        };
        // As SparkContext does, so that other entries can refer to them.
        entries.insert(keys::APP_ID.name().to_owned(), app_id.clone());
        let missing_host = driver_host.filter(|_| !entries.contains_key(keys::DRIVER_HOST.name()));
        if let Some(host) = missing_host {
            entries.insert(keys::DRIVER_HOST.name().to_owned(), host.to_owned());
        }
        let conf = Conf::new(sources, options.spark_version.clone())?;
        Ok(Self {
            spark_user: conf
                .env("SPARK_USER")
                .or(conf.env("USER"))
                .unwrap_or("root")
                .to_owned(),
            auth_secret: auth_secret(&conf, random)?,
            pod_template: conf
                .get(&keys::EXECUTOR_POD_TEMPLATE_FILE)?
                .map(|location| pod_template::load(&location))
                .transpose()?,
            driver_host_added: missing_host.is_some(),
            app_id,
            conf,
        })
    }
}

fn refuse_custom_steps(conf: &Conf) -> Result<(), Box<dyn Error>> {
    let classes = spec::custom_steps(conf)?;
    if classes.is_empty() {
        Ok(())
    } else {
        Err(Box::new(ApplicationError::CustomSteps {
            key: keys::EXECUTOR_POD_FEATURE_STEPS.name(),
            classes,
        }))
    }
}

/// The secret in the order in which Spark's `SecurityManager` looks for it.
fn auth_secret(conf: &Conf, random: [u8; 32]) -> Result<Option<String>, Box<dyn Error>> {
    if !conf.get(&keys::AUTHENTICATE)? {
        return Ok(None);
    }
    if let Some(secret) = conf.env(AUTH_SECRET_VARIABLE) {
        return Ok(Some(secret.to_owned()));
    }
    if let Some(secret) = conf.get(&keys::AUTHENTICATE_SECRET)? {
        return Ok(Some(secret));
    }
    let Some(path) = conf.get(&keys::AUTHENTICATE_SECRET_DRIVER_FILE)? else {
        return Ok(Some(hex(&random)));
    };
    let secret = fs::read(&path).map_err(|source| ApplicationError::SecretFile {
        key: keys::AUTHENTICATE_SECRET_DRIVER_FILE.name(),
        path,
        source,
    })?;
    Ok(Some(STANDARD.encode(secret)))
}

/// The name under which Spark makes a driver known that has no `spark.driver.host`.
pub(crate) fn local_host_name() -> String {
    env::var("SPARK_LOCAL_HOSTNAME")
        .unwrap_or_else(|_| rustix::system::uname().nodename().to_string_lossy().into_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
