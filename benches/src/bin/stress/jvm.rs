//! JVMs that answer lines with lines, and what they take of the machine.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use stoker_benches::results::Who;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_mins(2);
/// The heap of a driver, all of it touched at the start: what the process takes besides is not of the heap.
const HEAP: &str = "1g";

/// Where the programs are.
pub(crate) struct Programs {
    /// Stock Spark's distribution.
    pub(crate) stock: PathBuf,
    /// The one with Stoker in it.
    pub(crate) stoker: PathBuf,
    /// The compiled classes of `benches/java`; beside them `bench.jar`, with the same.
    pub(crate) classes: PathBuf,
    /// `log4j2.properties`, not in a directory of Spark's configuration: stock Spark reads all of that for each pod.
    pub(crate) logging: PathBuf,
}

impl Programs {
    pub(crate) fn from_env() -> Self {
        let path = |name: &str| -> PathBuf {
            std::env::var_os(name)
                .unwrap_or_else(|| panic!("{name} is not set: run `make bench`"))
                .into()
        };
        Self {
            stock: path("STOCK_SPARK_HOME"),
            stoker: path("STOKER_DIST"),
            classes: path("BENCH_CLASSES"),
            logging: Path::new(env!("CARGO_MANIFEST_DIR")).join("java/log4j2.properties"),
        }
    }

    /// A class of ours or of the benchmarks with the jars of a distribution.
    pub(crate) fn java(&self, home: &Path, class: &str) -> Command {
        let java = std::env::var("JAVA_HOME").map_or("java".into(), |home| Path::new(&home).join("bin/java"));
        let mut command = Command::new(java);
        let jars = home.join("jars/*");
        let path = std::env::join_paths([self.classes.as_path(), &jars]).expect("paths without a colon");
        command.arg("-cp").arg(path).arg(class);
        command
    }

    /// Spark's driver in client mode, with these properties.
    fn driver(&self, who: Who, properties: &BTreeMap<String, String>) -> Command {
        let home = if who.is_stock() { &self.stock } else { &self.stoker };
        let mut command = Command::new(home.join("bin/spark-submit"));
        command.args(["--deploy-mode", "client", "--class", "BenchDriver"]);
        let logging = self.logging.display();
        let options = format!("-Xms{HEAP} -XX:+AlwaysPreTouch -Dlog4j2.configurationFile=file:{logging}");
        command.args(["--driver-memory", HEAP, "--driver-java-options", &options]);
        for (key, value) in properties {
            command.arg("--conf").arg(format!("{key}={value}"));
        }
        command.arg(self.classes.with_file_name("bench.jar"));
        command
            .env("SPARK_HOME", home)
            .env_remove("SPARK_CONF_DIR")
            .env("KUBECONFIG", "/dev/null");
        command
    }
}

/// A running JVM; ends with the value.
pub(crate) struct Jvm {
    process: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    log: PathBuf,
}

impl Jvm {
    /// Starts a JVM that logs there, and waits for its first line where there is something to be said to it.
    pub(crate) fn start(mut command: Command, log: &Path, first: Option<&str>) -> Self {
        let errors = File::create(log).expect("a log");
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("a JVM starts");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut jvm = Self {
            input: process.stdin.take(),
            process,
            lines,
            log: log.to_owned(),
        };
        if let Some(line) = first {
            jvm.write(line);
        }
        jvm.answer("started");
        jvm
    }

    /// Starts a driver with these properties.
    pub(crate) fn driver(
        programs: &Programs,
        who: Who,
        properties: &BTreeMap<String, String>,
        log: &Path,
    ) -> Self {
        Self::start(programs.driver(who, properties), log, None)
    }

    /// Says a line; the answer.
    pub(crate) fn say(&mut self, line: &str) -> String {
        self.write(line);
        self.answer("done")
    }

    /// Bytes of the driver's objects that are reachable.
    pub(crate) fn heap(&mut self) -> f64 {
        let answer = self.say("heap");
        let bytes = answer.strip_prefix("done ").and_then(|bytes| bytes.parse().ok());
        bytes.expect("the bytes of the heap")
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log")
    }

    /// Ends it in order.
    pub(crate) fn stop(mut self) {
        self.input = None;
        let status = self.process.wait().expect("the JVM ends");
        assert!(status.success(), "{status}; see {}", self.end_of_log());
    }

    fn write(&mut self, line: &str) {
        let input = self.input.as_mut().expect("open until the end");
        let written = writeln!(input, "{line}").and_then(|()| input.flush());
        assert!(written.is_ok(), "the JVM has ended: {}", self.end_of_log());
    }

    /// The next line that has this word.
    fn answer(&self, word: &str) -> String {
        loop {
            match self.lines.recv_timeout(ANSWER) {
                Ok(line) if line.contains(word) => return line,
                Ok(_) => {}
                Err(error) => panic!("{error}: {}", self.end_of_log()),
            }
        }
    }

    /// The last lines of its log.
    pub(crate) fn end_of_log(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().rev().take(40).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Jvm {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Seconds of the processor that a process has had.
pub(crate) fn processor_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a running process");
    let ticks = ticks(&stat).expect("utime and stime");
    // The tick of /proc is a hundredth of a second on every Linux.
    f64::from(ticks) / 100.0
}

fn ticks(stat: &str) -> Option<u32> {
    // The name in brackets may have anything in it.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<u32>().ok();
    Some(next()? + next()?)
}

/// Bytes of memory that a process has for itself, with no file behind them.
pub(crate) fn resident_bytes(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a running process");
    let kib = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = kib.and_then(|kib| kib.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.expect("RssAnon") * 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_those_of_user_and_system() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 9 9 20 0";
        assert_eq!(ticks(stat), Some(200));
        assert_eq!(ticks("nonsense"), None);
    }

    #[test]
    fn a_process_has_memory() {
        assert!(resident_bytes(std::process::id()) > 0.0);
    }
}
