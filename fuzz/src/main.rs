//! Feeds one target, which `STOKER_FUZZ_TARGET` names, with what libFuzzer finds to reach more code.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use stoker_fuzz::{TARGETS, Target};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("STOKER_FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    assert!(found.is_some(), "STOKER_FUZZ_TARGET names no target");
    found.map_or(stoker_fuzz::properties, |(_, target)| *target)
});

fuzz_target!(|data: &[u8]| TARGET(data));
