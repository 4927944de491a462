//! Stock Spark in a JVM that builds one case per line.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Condvar, Mutex};

use serde_json::Value;
use stoker_core::conf::SparkVersion;

use crate::case::Case;
use crate::directory;

/// JVMs at the same time; each takes a core while it warms up.
static FREE: (Mutex<usize>, Condvar) = (Mutex::new(2), Condvar::new());

/// A JVM with the jars of one Spark version.
pub(crate) struct Stock {
    version: SparkVersion,
    user: String,
    jvm: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    log: tempfile::NamedTempFile,
}

impl Stock {
    /// Starts a JVM, as soon as less than two are running.
    pub(crate) fn start(version: &str) -> Stock {
        let jars = std::env::var("STOKER_SPARK_JARS").expect(
            "STOKER_SPARK_JARS is not set: this test compares with stock Spark; run `make spark-jars` and set it to \
             the directory with one directory per version (~/.cache/stoker/spark-jars)",
        );
        let jars = Path::new(&jars).join(version);
        assert!(
            jars.join(".complete").is_file(),
            "{} is not there: run scripts/spark-jars.sh {version}",
            jars.display()
        );
        acquire();
        let java = std::env::var("JAVA_HOME").map_or("java".into(), |home| Path::new(&home).join("bin/java"));
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut jvm = Command::new(java)
            .args([
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx512m",
            ])
            .arg(format!(
                "-Dlog4j2.configurationFile={}",
                directory().join("log4j2.properties").display()
            ))
            .arg("-cp")
            .arg(jars.join("*"))
            .arg(directory().join("StockPods.java"))
            .arg(directory())
            .env("SPARK_USER", "somebody")
            // File names and files are read with the encoding of the locale.
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log.path()).unwrap())
            .spawn()
            .expect("Java starts");
        let mut stock = Stock {
            version: version.parse().unwrap(),
            user: String::new(),
            input: jvm.stdin.take(),
            output: BufReader::new(jvm.stdout.take().unwrap()),
            jvm,
            log,
        };
        let hello = stock.read();
        assert_eq!(
            hello["version"],
            version,
            "version of the jars in {}",
            jars.display()
        );
        hello["user"].as_str().unwrap().clone_into(&mut stock.user);
        stock
    }

    pub(crate) fn version(&self) -> &SparkVersion {
        &self.version
    }

    /// The user that the executors of stock act as.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// What stock builds: `prefix`, `pod`, `resources` and `configMap`, or `error`.
    pub(crate) fn build(&mut self, case: &Case) -> Value {
        let input = self.input.as_mut().unwrap();
        if writeln!(input, "{}", case.line()).is_err() {
            self.died();
        }
        self.read()
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(1..) => serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}")),
            _ => self.died(),
        }
    }

    fn died(&mut self) -> ! {
        let log = std::fs::read_to_string(self.log.path()).unwrap();
        panic!("StockPods of Spark {} ended:\n{log}", self.version)
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        self.input.take();
        let _ended = self.jvm.wait();
        let (free, freed) = &FREE;
        *free.lock().unwrap() += 1;
        freed.notify_one();
    }
}

fn acquire() {
    let (free, freed) = &FREE;
    let mut free = freed.wait_while(free.lock().unwrap(), |free| *free == 0).unwrap();
    *free -= 1;
}
