//! The reference page.

use std::path::Path;

use stoker_core::conf::reference::markdown;

#[test]
fn the_page_is_current() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    if std::env::var_os("STOKER_BLESS").is_some() {
        std::fs::write(&page, markdown()).unwrap();
    }
    let current = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        current == markdown(),
        "docs/configuration.md is stale; write it anew with: STOKER_BLESS=1 cargo test -p stoker-core --test conf"
    );
}

#[test]
fn the_page_says_what_is_to_be_known() {
    let page = markdown();
    for part in [
        "| `spark.stoker.enabled` | boolean | `true` |",
        "`5`; from 4.0 `10`; from 4.2 `20`",
        "| `spark.kubernetes.executor.container.image` | text | that of `spark.kubernetes.container.image` |",
        "| `spark.kubernetes.executor.label.*` |",
        "*Without effect in Stoker: used by spark-submit.*",
        "Deprecated name: `spark.yarn.executor.memoryOverhead`.",
        "With Spark 4.1.",
        "More than 100 ms.",
        "One of `Always`, `Never`, `IfNotPresent`.",
        "secret\\|password",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        page.lines()
            .filter(|line| line.starts_with("| `"))
            .all(|line| line.replace("\\|", "").matches('|').count() == 5)
    );
}
