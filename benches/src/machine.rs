//! The machine on which it was measured.

use std::fs;

/// Processors, memory and kernel, as Linux names them.
pub fn describe() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    description(&read("/proc/cpuinfo"), &read("/proc/meminfo"), kernel.trim())
}

fn description(processors: &str, memory: &str, kernel: &str) -> String {
    let models: Vec<&str> = processors
        .lines()
        .filter_map(|line| value(line, "model name"))
        .collect();
    let model = models.first().copied().unwrap_or("unknown processor");
    let kib = memory.lines().find_map(|line| value(line, "MemTotal"));
    let kib = kib.and_then(|kib| kib.trim_end_matches(" kB").parse::<u64>().ok());
    let gib = kib.unwrap_or_default() / (1024 * 1024);
    format!("{} × {model}, {gib} GiB, Linux {kernel}", models.len())
}

fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (name, value) = line.split_once(':')?;
    (name.trim() == key).then(|| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_its_processors_memory_and_kernel() {
        let processors = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n\nprocessor\t: 1\nmodel name\t: Some CPU @ 2 GHz\n";
        let memory = "MemTotal:       16777216 kB\nMemFree: 1 kB\n";
        assert_eq!(
            description(processors, memory, "6.1"),
            "2 × Some CPU @ 2 GHz, 16 GiB, Linux 6.1"
        );
        assert_eq!(description("", "", ""), "0 × unknown processor, 0 GiB, Linux ");
    }
}
