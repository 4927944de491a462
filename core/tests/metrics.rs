//! The page on metrics.

use std::path::Path;

use stoker_core::shell::metrics::table::markdown;

#[test]
fn the_page_is_current() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    if std::env::var_os("STOKER_BLESS").is_some() {
        std::fs::write(&page, markdown()).unwrap();
    }
    let current = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        current == markdown(),
        "docs/metrics.md is stale; write it anew with: STOKER_BLESS=1 cargo test -p stoker-core --test metrics"
    );
}
