//! The environment of the executor container, in the order that decides: of two variables with the same name the
//! later one counts.

use serde_json::{Value, json};

use super::{Request, SpecError, command_line, recovery};
use crate::conf::{Conf, keys};
use crate::spec::ids::substitute;
use crate::spec::profile::ExecutorResources;
use crate::spec::{AUTH_SECRET_VARIABLE, CONF_DIR};

const EXECUTOR_DIRS: &str = "SPARK_EXECUTOR_DIRS";

/// Whether `spark.executorEnv.<name>` is passed on; the others are left out with a warning.
fn is_valid_name(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    !name.is_empty() && name.chars().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// What of the user's environment is left out.
pub(super) fn warnings(conf: &Conf) -> impl Iterator<Item = String> {
    conf.prefixed(&keys::EXECUTOR_ENV_PREFIX)
        .filter(|(name, _)| !is_valid_name(name))
        .map(|(name, _)| {
            format!(
                "Invalid key: spark.executorEnv.{name}, a valid environment variable name must consist of \
                 alphabetic characters, digits, '_', '-', or '.', and must not start with a digit; left out"
            )
        })
}

/// The variables of the step.
pub(super) fn variables(
    request: &Request<'_>,
    resources: &ExecutorResources,
    driver_url: &str,
) -> Result<Vec<Value>, SpecError> {
    let Request {
        conf,
        context,
        profile,
        executor,
    } = request;
    let executor_id = executor.id();
    let app_id = context.app_id.as_str();
    let mut env = Env::default();
    env.add("SPARK_USER", &context.spark_user);
    env.add("SPARK_DRIVER_URL", driver_url);
    let cores = recovery::cores(conf)?.unwrap_or_else(|| resources.cores.to_string());
    env.add("SPARK_EXECUTOR_CORES", cores);
    env.add("SPARK_EXECUTOR_MEMORY", format!("{}m", resources.memory));
    env.add("SPARK_APPLICATION_ID", app_id);
    env.add("SPARK_CONF_DIR", CONF_DIR);
    env.add("SPARK_EXECUTOR_ID", &executor_id);
    env.add("SPARK_RESOURCE_PROFILE_ID", profile.id.to_string());
    if conf.version().is_at_least(4, 0, 0) && conf.get(&keys::UI_CUSTOM_EXECUTOR_LOG_URL)?.is_some() {
        env.add("SPARK_EXECUTOR_ATTRIBUTE_APP_ID", app_id);
        env.add("SPARK_EXECUTOR_ATTRIBUTE_EXECUTOR_ID", &executor_id);
    }
    for (name, value) in conf
        .prefixed(&keys::EXECUTOR_ENV_PREFIX)
        .filter(|(name, _)| is_valid_name(name))
    {
        if name == EXECUTOR_DIRS {
            // Here the placeholders are the names of other variables.
            let dirs = value.replace("SPARK_APPLICATION_ID", app_id);
            env.add(name, dirs.replace("SPARK_EXECUTOR_ID", &executor_id));
        } else {
            env.add(name, value);
        }
    }
    if let Some(secret) = &context.auth_secret
        && conf.get(&keys::AUTHENTICATE_SECRET_EXECUTOR_FILE)?.is_none()
    {
        env.add(AUTH_SECRET_VARIABLE, secret.reveal());
    }
    if let Some(class_path) = conf.get(&keys::EXECUTOR_CLASS_PATH)? {
        env.add("SPARK_CLASSPATH", class_path);
    }
    if conf.version().is_at_least(4, 2, 0)
        && let Some(library_path) = conf.get(&keys::EXECUTOR_LIBRARY_PATH)?
    {
        env.add("SPARK_EXECUTOR_LIBRARY_PATH", library_path);
    }
    for (index, option) in java_options(conf, app_id, &executor_id)?.iter().enumerate() {
        env.add(&format!("SPARK_JAVA_OPT_{index}"), option);
    }
    env.add_field("SPARK_EXECUTOR_POD_IP", "status.podIP");
    env.add_field("SPARK_EXECUTOR_POD_NAME", "metadata.name");
    Ok(env.0)
}

#[derive(Default)]
struct Env(Vec<Value>);

impl Env {
    fn add(&mut self, name: &str, value: impl AsRef<str>) {
        self.0.push(json!({"name": name, "value": value.as_ref()}));
    }

    fn add_field(&mut self, name: &str, path: &str) {
        self.0.push(json!({
            "name": name,
            "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}},
        }));
    }
}

/// The user's options, then the settings that an executor needs before it can ask the driver for the others.
fn java_options(conf: &Conf, app_id: &str, executor_id: &str) -> Result<Vec<String>, SpecError> {
    let mut options = match conf.get(&keys::EXECUTOR_JAVA_OPTIONS)? {
        Some(text) => command_line::split(&substitute(&text, app_id, executor_id)),
        None => Vec::new(),
    };
    // Spark 4.0 can encrypt with TLS what executors and the driver say to each other.
    let with_ssl = conf.version().is_at_least(4, 0, 0);
    let startup = conf
        .iter()
        .filter(|(key, _)| is_startup_key(key) && (with_ssl || !key.starts_with("spark.ssl")));
    options.extend(startup.map(|(key, value)| format!("-D{key}={value}")));
    Ok(options)
}

fn is_startup_key(key: &str) -> bool {
    (key.starts_with("spark.auth") && key != "spark.authenticate.secret")
        || key.starts_with("spark.rpc")
        || key.starts_with("spark.network")
        || (key.starts_with("spark.ssl") && !key.contains("Password"))
        || (key.starts_with("spark.") && key.rsplit('.').next() == Some("port"))
        || key.starts_with("spark.port.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables() {
        for good in ["A", "_a", "a.b-c9", "-x", ".x"] {
            assert!(is_valid_name(good), "{good}");
        }
        for bad in ["", "9a", "a b", "ä", "a=b"] {
            assert!(!is_valid_name(bad), "{bad}");
        }
    }

    #[test]
    fn executors_start_with_what_connects_them() {
        for key in [
            "spark.authenticate",
            "spark.authenticate.secret.file",
            "spark.rpc.io.threads",
            "spark.network.timeout",
            "spark.ssl.enabled",
            "spark.driver.port",
            "spark.port.maxRetries",
        ] {
            assert!(is_startup_key(key), "{key}");
        }
        for key in [
            "spark.authenticate.secret",
            "spark.ssl.keyPassword",
            "spark.app.name",
            "x.port",
            "spark.report",
        ] {
            assert!(!is_startup_key(key), "{key}");
        }
    }
}
