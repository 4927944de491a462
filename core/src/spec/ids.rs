//! Placeholders for the ids of application and executor.

/// Replaces `{{APP_ID}}` and `{{EXECUTOR_ID}}`.
pub(super) fn substitute(text: &str, app_id: &str, executor_id: &str) -> String {
    text.replace("{{APP_ID}}", app_id)
        .replace("{{EXECUTOR_ID}}", executor_id)
}
