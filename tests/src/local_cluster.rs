//! The local cluster of `tests/cluster` and the `stoker` command running against it.

#![expect(clippy::expect_used, clippy::panic, reason = "a fixture fails its test")]
#![expect(
    clippy::missing_panics_doc,
    reason = "all of it panics where the cluster does not do its part"
)]

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a test waits for anything: what is typical takes a tenth of it or less.
pub const DEADLINE: Duration = Duration::from_mins(2);

/// A control plane with KWOK nodes, in a directory of its own; ends with the value.
#[derive(Debug)]
pub struct LocalCluster {
    bin: PathBuf,
    dir: tempfile::TempDir,
    process: Child,
    env: BTreeMap<String, String>,
}

impl LocalCluster {
    /// Starts a cluster with this many KWOK nodes.
    pub fn start(kwok_nodes: u32) -> Self {
        let bin = PathBuf::from(required_env("STOKER_CLUSTER_BIN"));
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut process = Command::new(bin.join("stoker-cluster"))
            .args([
                "up",
                "--process-nodes",
                "0",
                "--die-with-parent",
                "--kwok-nodes",
                &kwok_nodes.to_string(),
            ])
            .arg("--dir")
            .arg(dir.path())
            .env_remove("KUBECONFIG")
            .stdout(Stdio::piped())
            .spawn()
            .expect("stoker-cluster starts");
        let stdout = BufReader::new(process.stdout.take().expect("piped"));
        let ready = stdout
            .lines()
            .map_while(Result::ok)
            .any(|line| line.trim() == "ready");
        assert!(
            ready,
            "the local cluster did not start; see {}/logs",
            dir.path().display()
        );
        let env = fs::read_to_string(dir.path().join("env")).expect("the cluster's env file");
        let env = env
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        Self {
            bin,
            dir,
            process,
            env,
        }
    }

    /// A value of the cluster's `env` file.
    pub fn env(&self, key: &str) -> &str {
        self.env
            .get(key)
            .unwrap_or_else(|| panic!("the cluster's env file has no {key}"))
    }

    /// The cluster's directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Runs kubectl as the administrator in the test namespace.
    pub fn kubectl(&self, args: &[&str], input: Option<&Value>) -> String {
        let mut command = Command::new(self.env("KUBECTL"));
        command
            .arg("--kubeconfig")
            .arg(self.dir().join("kubeconfig"))
            .args(["-n", self.env("NAMESPACE")])
            .args(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl starts");
        if let Some(input) = input {
            serde_json::to_writer(child.stdin.take().expect("piped"), input)
                .expect("kubectl reads its input");
        }
        let output = child.wait_with_output().expect("kubectl ends");
        assert!(
            output.status.success(),
            "kubectl {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The objects of a kind with these labels.
    pub fn list(&self, kind: &str, selector: &str) -> Vec<Value> {
        let list: Value =
            serde_json::from_str(&self.kubectl(&["get", kind, "-l", selector, "-o", "json"], None))
                .expect("kubectl prints JSON");
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// How often callers with this user-agent prefix made calls: (verb, resource) → count.
    pub fn calls(&self, user_agent: &str) -> BTreeMap<(String, String), u64> {
        let summary = self.audit_summary();
        let text = |call: &Value, field: &str| call[field].as_str().unwrap_or_default().to_owned();
        let mut calls = BTreeMap::new();
        for call in summary["requests"].as_array().into_iter().flatten() {
            if text(call, "userAgent").starts_with(user_agent) {
                *calls
                    .entry((text(call, "verb"), text(call, "resource")))
                    .or_default() += call["count"].as_u64().unwrap_or_default();
            }
        }
        calls
    }

    /// The pods whose names begin so and that the API server has made, by its own account.
    pub fn pods_made(&self, name_prefix: &str) -> Vec<String> {
        let summary = self.audit_summary();
        let creates = summary["podCreates"].as_array().into_iter().flatten();
        creates
            .filter(|create| create["code"] == 201)
            .filter_map(|create| create["name"].as_str())
            .filter(|name| name.starts_with(name_prefix))
            .map(ToOwned::to_owned)
            .collect()
    }

    fn audit_summary(&self) -> Value {
        let output = Command::new(self.bin.join("stoker-cluster"))
            .args(["summary", "--audit", self.env("AUDIT_LOG")])
            .output()
            .expect("stoker-cluster summary runs");
        serde_json::from_slice(&output.stdout).expect("the summary is JSON")
    }

    /// The properties of an application that runs its executors on KWOK nodes, as the driver's service account.
    pub fn properties(&self, app_id: &str) -> BTreeMap<String, String> {
        [
            ("spark.master", self.env("MASTER")),
            ("spark.app.id", app_id),
            ("spark.app.name", "cluster-test"),
            ("spark.kubernetes.namespace", self.env("NAMESPACE")),
            ("spark.kubernetes.container.image", "any"),
            ("spark.kubernetes.authenticate.caCertFile", self.env("CA_FILE")),
            (
                "spark.kubernetes.authenticate.oauthTokenFile",
                self.env("TOKEN_FILE"),
            ),
            ("spark.kubernetes.executor.podNamePrefix", app_id),
            ("spark.kubernetes.executor.request.cores", "10m"),
            ("spark.kubernetes.node.selector.stoker.io/node-kind", "kwok"),
            ("spark.executor.memory", "512m"),
            ("spark.driver.host", "127.0.0.1"),
            ("spark.driver.port", "7078"),
            ("spark.driver.bindAddress", "127.0.0.1"),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
    }
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        // It ends with its standard input and its parent as well; this is the orderly way.
        let _ = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        let _ = self.process.wait();
    }
}

/// A running `stoker allocate`.
#[derive(Debug)]
pub struct Allocate {
    process: Child,
    events: Receiver<Value>,
    seen: Vec<Value>,
    log: LogTail,
    _properties: tempfile::NamedTempFile,
}

impl Allocate {
    /// Starts `stoker allocate` for this many executors.
    pub fn start(properties: &BTreeMap<String, String>, executors: u32) -> Self {
        let (mut process, file) = spawn(properties, executors);
        let stdout = BufReader::new(process.stdout.take().expect("piped"));
        let log = LogTail::of(process.stderr.take().expect("piped"));
        let (sender, events) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(event).is_err() {
                    break;
                }
            }
        });
        Self {
            process,
            events,
            seen: Vec::new(),
            log,
            _properties: file,
        }
    }

    /// Runs `stoker allocate` to its end, where it is expected to fail.
    pub fn run(properties: &BTreeMap<String, String>, executors: u32) -> Output {
        let (process, _file) = spawn(properties, executors);
        process.wait_with_output().expect("stoker ends")
    }

    /// The next event; `Disconnected` when stoker has ended and all are told.
    pub fn next_event(&self, wait: Duration) -> Result<Value, RecvTimeoutError> {
        self.events.recv_timeout(wait)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The exit code, once it has ended.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.process.wait().expect("stoker ends").code()
    }

    /// The last lines of its log.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Waits until the events so far satisfy a condition.
    pub fn wait_for(&mut self, what: &str, condition: impl Fn(&[Value]) -> bool) -> &[Value] {
        let deadline = Instant::now() + DEADLINE;
        while !condition(&self.seen) {
            match self
                .events
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(event) => self.seen.push(event),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("waited in vain for {what}; events: {:#?}", self.seen)
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.log.finish();
                    panic!(
                        "stoker ended before {what}; events: {:#?}; {}",
                        self.seen,
                        self.log()
                    )
                }
            }
        }
        &self.seen
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.process.id().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits for the end: exit code and all events.
    pub fn wait(mut self) -> (Option<i32>, Vec<Value>) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self
                .events
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(event) => self.seen.push(event),
                Err(RecvTimeoutError::Timeout) => panic!("stoker did not end"),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let status = self.process.wait().expect("stoker ends");
        (status.code(), std::mem::take(&mut self.seen))
    }
}

impl Drop for Allocate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The last lines that a process writes, read as they come: a pipe that nobody reads would stop it.
#[derive(Debug)]
struct LogTail {
    lines: Arc<Mutex<VecDeque<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl LogTail {
    const LINES: usize = 200;

    fn of(stderr: impl Read + Send + 'static) -> Self {
        let lines = Arc::<Mutex<VecDeque<String>>>::default();
        let tail = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
                if tail.len() == Self::LINES {
                    tail.pop_front();
                }
                tail.push_back(line);
            }
        });
        Self {
            lines,
            reader: Some(reader),
        }
    }

    /// Waits until all has been read; the process has ended.
    fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader ends with the process");
        }
    }

    fn text(&self) -> String {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.make_contiguous().join("\n")
    }
}

fn spawn(properties: &BTreeMap<String, String>, executors: u32) -> (Child, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let lines: Vec<String> = properties
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    fs::write(file.path(), lines.join("\n")).expect("the properties are written");
    let process = Command::new(required_env("STOKER_BIN"))
        .args(["allocate", "--executors", &executors.to_string(), "--properties"])
        .arg(file.path())
        .env_remove("KUBECONFIG")
        .env_remove("SPARK_CONF_DIR")
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("stoker starts");
    (process, file)
}

/// Polls until a condition gives a value.
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(200));
    }
}

fn required_env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `make test-cluster`"))
}
