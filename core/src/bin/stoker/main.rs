//! The `stoker` command: the core without a JVM, for platform engineers and for tests.

mod allocate;
mod check;
mod events;
mod properties;

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
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    let done = match cli.command {
        Command::Allocate(options) => allocate::run(&options),
        Command::Check(options) => return check::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
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
        .with_writer(std::io::stderr)
        .init();
}

/// The error and its causes, each on a line of its own.
#[expect(clippy::print_stderr, reason = "this is where a command reports its failure")]
fn report(error: &(dyn std::error::Error + 'static)) {
    eprintln!("error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprintln!("  caused by: {cause}");
        source = cause.source();
    }
}
