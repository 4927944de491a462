//! The `stoker` command: the core without a JVM, for platform engineers and for tests.

mod allocate;
mod application;
mod check;
mod documents;
mod download;
mod events;
mod pod_template;
mod properties;
mod render;
mod secrets;
mod simulate;

use std::error::Error;
use std::io;
use std::iter::successors;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Allocates executors for Spark on Kubernetes, without a JVM.
#[derive(Debug, Parser)]
#[command(name = "stoker", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Allocate executors for real and hold them: one JSON event a line on stdout, until SIGTERM or the end
    /// of --for releases them.
    Allocate(allocate::Options),
    /// Say before a run what would fail: configuration, access, rights, quotas, references, admission and nodes. Nothing
    /// is created. Exit code 1 where there are errors.
    Check(check::Options),
    /// Print an executor pod as it would be created, and the volume claims that go with it:
    /// {"pod": …, "resources": […]}. What is random is made from the seed 0, so that the same files give the same
    /// output; secrets are hidden.
    Render(render::Options),
    /// Run the allocation against a simulated cluster, and print what it would cost in time and API calls. Nothing is
    /// called for real. Exit code 1 where something did not hold that always has to.
    Simulate(simulate::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    let done = match cli.command {
        Command::Allocate(options) => allocate::run(&options),
        Command::Check(options) => return check::run(&options),
        Command::Render(options) => render::run(&options),
        Command::Simulate(options) => simulate::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads has seen enough.
        Err(error) if causes(&*error).any(is_broken_pipe) => ExitCode::SUCCESS,
        Err(error) => {
            report(&*error);
            ExitCode::FAILURE
        }
    }
}

fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("STOKER_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
}

/// The error and its causes, each on a line of its own.
#[expect(clippy::print_stderr, reason = "this is where a command reports its failure")]
fn report(error: &(dyn Error + 'static)) {
    eprintln!("error: {error}");
    for cause in causes(error).skip(1) {
        eprintln!("  caused by: {cause}");
    }
}

/// Tells the user something that is no failure.
#[expect(clippy::print_stderr, reason = "stdout has the data")]
fn note(text: &str) {
    eprintln!("note: {text}");
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&error| error.source())
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let of_json = error
        .downcast_ref::<serde_json::Error>()
        .and_then(serde_json::Error::io_error_kind);
    let kind = error.downcast_ref().map(io::Error::kind).or(of_json);
    kind == Some(io::ErrorKind::BrokenPipe)
}
