//! The committed inputs, which are seeds of the fuzzer and what it has once found.

use std::fs;
use std::path::Path;

use stoker_fuzz::TARGETS;

#[test]
fn no_committed_input_makes_a_target_panic() {
    for (name, target) in TARGETS {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let inputs: Vec<_> = fs::read_dir(&directory)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| fs::read(entry.path()).ok())
            .collect();
        assert!(inputs.len() >= 5, "{name} has only {} inputs", inputs.len());
        for input in inputs {
            target(&input);
        }
    }
}
