//! The native methods in a JVM with `-Xcheck:jni`, against the fake engine: one JVM for each case of
//! `tests/java/Boundary.java`. Needs a JDK: `$JAVA_HOME/bin` or the path has `javac` and `java`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use tempfile::TempDir;

/// The Java side, compiled once for all cases: the classes that Stoker ships, and those of the tests.
static CLASSES: LazyLock<PathBuf> = LazyLock::new(compile);

fn tool(name: &str) -> Command {
    match env::var_os("JAVA_HOME") {
        Some(home) => Command::new(Path::new(&home).join("bin").join(name)),
        None => Command::new(name),
    }
}

fn compile() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let spark = package.join("../java/src/main/java/io/stoker/spark");
    let classes = Path::new(env!("CARGO_TARGET_TMPDIR")).join("boundary-classes");
    std::fs::create_dir_all(&classes).unwrap();
    let output = tool("javac")
        .args([
            "--release",
            "17",
            "-encoding",
            "UTF-8",
            "-Xlint:all",
            "-Werror",
            "-d",
        ])
        .arg(&classes)
        .args([spark.join("Native.java"), spark.join("AllocatorException.java")])
        .args(
            ["Boundary", "Checks", "Loader", "Metrics", "Server"]
                .map(|name| package.join(format!("tests/java/{name}.java"))),
        )
        .output()
        .expect("javac starts: these tests need a JDK, in JAVA_HOME or on the path");
    assert!(output.status.success(), "javac: {}", text(&output));
    classes
}

/// The library that cargo has built beside this test.
fn library() -> PathBuf {
    let test = env::current_exe().unwrap();
    let library = test.with_file_name("libstoker_jni.so");
    assert!(library.exists(), "{} is not built", library.display());
    library
}

fn text(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Runs a case in a JVM of its own.
fn run(case: &str) -> Output {
    // Crash reports go there instead of into the sources.
    let directory = TempDir::new().unwrap();
    let output = tool("java")
        .args(["-Xcheck:jni", "-Xmx64m", "-ea", "-Dfile.encoding=UTF-8", "-cp"])
        .arg(&*CLASSES)
        .args(["Boundary", case])
        .arg(library())
        .current_dir(directory.path())
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let all = text(&output);
    for trouble in [
        "WARNING in native method",
        "FATAL ERROR",
        "WARNING: JNI",
        "fatal error",
    ] {
        assert!(!all.contains(trouble), "{case}: {all}");
    }
    output
}

fn passes(case: &str) {
    let output = run(case);
    assert!(output.status.success(), "{case}: {}", text(&output));
    assert!(
        text(&output).contains(&format!("passed {case}")),
        "{case}: {}",
        text(&output)
    );
}

#[test]
fn versions_are_shaken_hands_on() {
    passes("handshake");
}

#[test]
fn every_call_arrives_and_its_notices_come_back() {
    passes("calls");
}

#[test]
fn a_panic_is_an_exception_and_the_jvm_lives_on() {
    passes("panics");
}

#[test]
fn failures_have_their_kind() {
    passes("failures");
}

#[test]
fn stale_handles_are_refused_and_stopping_twice_does_nothing() {
    passes("staleHandles");
}

#[test]
fn stop_wakes_a_thread_that_waits_for_notices() {
    passes("closeWakes");
}

#[test]
fn bad_messages_are_refused() {
    passes("badMessages");
}

#[test]
fn bad_arguments_are_refused() {
    passes("badArguments");
}

#[test]
fn texts_beyond_ascii_arrive() {
    passes("unicode");
}

#[test]
fn many_threads_call_at_once() {
    passes("threads");
}

#[test]
fn a_second_class_loader_is_refused() {
    passes("secondLoader");
}

#[test]
fn the_exception_is_found_in_the_class_loader_of_the_native_methods() {
    passes("ownLoader");
}

#[test]
fn a_configuration_that_cannot_be_used_is_refused() {
    passes("refusedConfigurations");
}

#[test]
fn an_api_server_that_does_not_answer_is_a_retryable_failure() {
    passes("noApiServer");
}

#[test]
fn pods_are_customised_by_whoever_answers() {
    passes("customSteps");
}

#[test]
fn a_jvm_ends_by_itself_while_an_allocator_starts() {
    passes("returnWhileStarting");
}

#[test]
fn metrics_are_numbers_by_name() {
    passes("metrics");
}

#[test]
fn log_lines_have_levels_and_fields() {
    passes("logs");
}

#[test]
fn log_lines_that_are_dropped_are_counted() {
    passes("logOverflow");
}

#[test]
fn a_jvm_that_stops_nothing_ends_by_itself() {
    passes("returnFromMain");
}

#[test]
fn a_jvm_exits_while_threads_wait_in_native_code() {
    let output = run("exitWhileBlocked");
    assert_eq!(output.status.code(), Some(7), "{}", text(&output));
    assert!(
        text(&output).contains("passed exitWhileBlocked"),
        "{}",
        text(&output)
    );
}

#[test]
fn a_shutdown_hook_can_stop() {
    let output = run("exitWithHook");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("stopped in the hook"), "{}", text(&output));
}

/// The JVM's process sees the native methods and nothing else: no symbol of ours can take the place of another
/// library's, such as an allocator's.
#[test]
fn only_native_methods_are_exported() {
    let output = Command::new("nm")
        .args(["-D", "--defined-only", "-j"])
        .arg(library())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let symbols = String::from_utf8(output.stdout).unwrap();
    let (natives, others): (Vec<_>, Vec<_>) = symbols
        .lines()
        .partition(|name| name.starts_with("Java_io_stoker_spark_Native_"));
    assert_eq!(others, ["JNI_OnLoad"]);
    assert_eq!(natives.len(), 18);
}
