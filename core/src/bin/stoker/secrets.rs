//! Hides secrets in a pod that is shown to people.

use serde_json::Value;
use stoker_core::conf::{REDACTED, Redactor};
use stoker_core::spec::AUTH_SECRET_VARIABLE;

/// Replaces the values of environment variables that look like secrets, in every container; the secret of
/// `spark.authenticate` is hidden whatever the user's expression says. Of a Java option
/// `-Dkey=value` the key stays.
pub(crate) fn hide(pod: &mut Value, redactor: &Redactor) {
    for list in ["containers", "initContainers"] {
        let containers = pod.pointer_mut(&format!("/spec/{list}"));
        for container in containers.and_then(Value::as_array_mut).into_iter().flatten() {
            let env = container.get_mut("env").and_then(Value::as_array_mut);
            for variable in env.into_iter().flatten() {
                hide_variable(variable, redactor);
            }
        }
    }
}

fn hide_variable(variable: &mut Value, redactor: &Redactor) {
    let text = |field| variable.get(field).and_then(Value::as_str);
    let (Some(name), Some(value)) = (text("name"), text("value")) else {
        return;
    };
    let option = value.strip_prefix("-D").and_then(|option| option.split_once('='));
    let shown = match option {
        _ if name == AUTH_SECRET_VARIABLE => REDACTED.to_owned(),
        Some((key, value)) => format!("-D{key}={}", redactor.redact(key, value)),
        None => redactor.redact(name, value).into_owned(),
    };
    variable["value"] = shown.into();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hidden(name: &str, value: &str, expression: Option<&str>) -> String {
        let mut pod = json!({"spec": {"containers": [{"env": [{"name": name, "value": value}]}]}});
        hide(&mut pod, &Redactor::new(expression));
        pod["spec"]["containers"][0]["env"][0]["value"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn values_that_look_secret_are_hidden() {
        assert_eq!(hidden("DB_PASSWORD", "x", None), REDACTED);
        assert_eq!(hidden("OPTS", "--token=x", None), REDACTED);
        assert_eq!(
            hidden("SPARK_JAVA_OPT_0", "-Ddb.password=x=y", None),
            format!("-Ddb.password={REDACTED}")
        );
        assert_eq!(hidden("SPARK_JAVA_OPT_1", "-Da=b", None), "-Da=b");
        assert_eq!(hidden("SPARK_USER", "somebody", None), "somebody");
    }

    #[test]
    fn the_authentication_secret_is_always_hidden() {
        assert_eq!(hidden(AUTH_SECRET_VARIABLE, "x", Some("nothing")), REDACTED);
        assert_eq!(hidden("DB_PASSWORD", "x", Some("nothing")), "x");
    }

    #[test]
    fn other_containers_and_references_are_looked_at_too() {
        let mut pod = json!({"spec": {
            "initContainers": [{"name": "a", "env": [{"name": "TOKEN", "value": "x"}]}, {"name": "b"}],
            "containers": [{"env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}],
        }});
        let reference = pod["spec"]["containers"].clone();
        hide(&mut pod, &Redactor::new(None));
        assert_eq!(pod["spec"]["initContainers"][0]["env"][0]["value"], REDACTED);
        assert_eq!(pod["spec"]["containers"], reference);
    }
}
