//! `stoker allocate`: allocates for real and holds.

use std::error::Error;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{future, io, thread};

use stoker_core::plan::{Notice, ProfileId};
use stoker_core::shell::{Allocator, NoticeFilter, Settings};
use stoker_core::spec::ResourceProfile;
use tokio::signal::unix::{SignalKind, signal};

use crate::application::{Application, ApplicationOptions};
use crate::events::Event;

/// How long releasing everything may take at the end, beside [`RELEASE`] for each executor.
const STOP_DEADLINE: Duration = Duration::from_mins(1);
/// No JVM waits, and an API server under load deletes thirty pods a second.
const RELEASE: Duration = Duration::from_millis(50);
/// How often the loop looks whether it is to end.
const POLL: Duration = Duration::from_millis(100);

/// Options of `stoker allocate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    application: ApplicationOptions,
    /// How many executors to allocate and keep.
    #[arg(long, value_name = "N")]
    executors: u32,
    /// Kubeconfig to use instead of $KUBECONFIG and ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Application id; by default `spark.app.id`, or one that is made up.
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,
    /// Release everything and end after this time, for example 90s or 5m.
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    hold: Option<Duration>,
}

pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let Application {
        conf,
        app_id,
        spark_user,
        auth_secret,
        pod_template,
        ..
    } = Application::load(&options.application, options.app_id.as_deref(), None, random)?;
    let profile = ResourceProfile::default_from(&conf)?;
    let settings = Settings {
        spark_user,
        auth_secret,
        kubeconfig: options.kubeconfig.clone(),
        master: None,
        mounted_properties: None,
        pod_template,
        notices: NoticeFilter::All,
        app_id,
        conf,
    };
    let asked_to_end = end_on_signal_or_after(options.hold)?;
    let ended_early = async {
        while !asked_to_end() {
            tokio::time::sleep(POLL).await;
        }
    };
    let allocator = match Allocator::start_unless(&settings, ended_early) {
        Err(stoker_core::shell::StartError::Cancelled) => return Ok(()),
        started => started?,
    };
    allocator.set_profile(profile);
    allocator.set_targets(vec![(ProfileId(0), options.executors)]);
    let held = hold(&allocator, &asked_to_end);
    let report = allocator.report();
    let deadline = STOP_DEADLINE + RELEASE * options.executors;
    let left = allocator.stop(deadline);
    // What was released on the way out is still to be told.
    let rest = hold(&allocator, &|| false);
    held.and(rest)?;
    if let Some(report) = report {
        // A closed stderr is no reason to fail.
        drop(writeln!(io::stderr(), "{report}"));
    }
    if left > 0 {
        return Err(format!(
            "{left} executors were not released within {} s",
            deadline.as_secs()
        )
        .into());
    }
    Ok(())
}

/// Prints events until there are no more or `end` says so.
fn hold(allocator: &Allocator, end: &impl Fn() -> bool) -> Result<(), Box<dyn Error>> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    while !end() {
        let Some(notices) = allocator.next_notices(POLL) else {
            return Ok(());
        };
        for notice in notices {
            match notice {
                Notice::Abort { message, .. } | Notice::Fatal { message, .. } => return Err(message.into()),
                notice => {
                    if let Some(event) = Event::of(notice) {
                        serde_json::to_writer(&mut stdout, &event)?;
                        stdout.write_all(b"\n")?;
                    }
                }
            }
        }
        stdout.flush()?;
    }
    Ok(())
}

/// A flag that SIGTERM, SIGINT and the end of `hold` raise.
fn end_on_signal_or_after(hold: Option<Duration>) -> io::Result<impl Fn() -> bool> {
    static ASKED: AtomicBool = AtomicBool::new(false);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut terminate, mut interrupt) = {
        let _context = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    let over = async move {
        match hold {
            Some(hold) => tokio::time::sleep(hold).await,
            None => future::pending().await,
        }
    };
    thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {}, () = over => {} }
        });
        ASKED.store(true, Ordering::Relaxed);
    })?;
    Ok(|| ASKED.load(Ordering::Relaxed))
}
