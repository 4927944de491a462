//! Creates per second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use stoker_benches::results::{Figures, Key, Who};
use stoker_tests::local_cluster::{Allocate, DEADLINE};

use crate::audit::{self, Audit};
use crate::field::{Field, app, by_way_of, pods_of, tune};
use crate::jvm::processor_seconds;
use crate::raw;
use crate::relay::Relay;

/// Numbers of connections of which the raw API server gets the best.
const CONNECTIONS: [u32; 5] = [8, 16, 32, 64, 128];
/// Creates to find that out with.
const TRIAL: u32 = 500;
/// Stock Spark is stopped after so long: its rate does not change any more.
const STOCK_WINDOW: Duration = Duration::from_mins(1);
/// How long stock's driver and first executor may take.
const STOCK_START: Duration = Duration::from_mins(2);
/// Whoever makes too many has made them by then.
const AFTER: Duration = Duration::from_secs(2);

pub(super) fn measure(field: &Field, key: &Key) -> Figures {
    let app = app(key);
    let mut figures = match key.case.who {
        Who::Raw => {
            let connections = best_connections(field);
            let mut figures = raw(field, &app, key.case.executors, connections);
            figures.insert("connections".to_owned(), f64::from(connections));
            figures
        }
        Who::Stoker => stoker(field, &app, key),
        Who::Stock | Who::StockTuned => stock(field, &app, key),
    };
    figures.insert("wanted".to_owned(), f64::from(key.case.executors));
    field.clear(&app);
    figures
}

fn best_connections(field: &Field) -> u32 {
    let try_out = |connections| {
        let app = format!("trial-{connections}");
        let rate = raw(field, &app, TRIAL, connections)["rate"];
        field.clear(&app);
        eprintln!("    raw API server, {connections} connections: {rate:.0} creates per second");
        (rate, connections)
    };
    let best = || {
        // The first creates of a cluster are slow, whoever makes them.
        try_out(CONNECTIONS[1]);
        // Up and down: what changes meanwhile is for none of them alone.
        let up = CONNECTIONS.map(try_out);
        let down = CONNECTIONS.into_iter().rev().map(try_out);
        let best = up.into_iter().chain(down).max_by(|a, b| a.0.total_cmp(&b.0));
        best.map_or(CONNECTIONS[0], |(_, connections)| connections)
    };
    *field.connections.get_or_init(best)
}

pub(super) fn raw(field: &Field, app: &str, executors: u32, connections: u32) -> Figures {
    let bodies = raw::bodies(&field.cluster.properties(app), app, executors);
    let audit = field.audit();
    let api = Arc::clone(&field.api);
    let before = processor_seconds(std::process::id());
    field.runtime.block_on(raw::post(api, bodies, connections, app));
    let cpu = processor_seconds(std::process::id()) - before;
    made(&audit, app, cpu)
}

/// The way to the API server that is as long as the case has it; it lasts as long as this.
fn relayed(field: &Field, key: &Key, properties: &mut BTreeMap<String, String>) -> Option<Relay> {
    let latency = Duration::from_millis(key.case.latency?.into());
    let relay = field.relay(latency);
    by_way_of(properties, &relay);
    Some(relay)
}

fn stoker(field: &Field, app: &str, key: &Key) -> Figures {
    let mut properties = field.cluster.properties(app);
    let _relay = relayed(field, key, &mut properties);
    let audit = field.audit();
    let stoker = Allocate::start(&properties, key.case.executors);
    await_created(&stoker, key.case.executors);
    thread::sleep(AFTER);
    let figures = made(&audit, app, processor_seconds(stoker.id()));
    // Killed, not asked to end: releasing thousands is no part of this.
    drop(stoker);
    figures
}

/// Waits until so many executors are made.
pub(super) fn await_created(stoker: &Allocate, executors: u32) {
    let mut created = 0;
    while created < executors {
        match stoker.next_event(DEADLINE) {
            Ok(event) => created += u32::from(event["event"] == "created"),
            Err(error) => panic!("{created} of {executors} executors: {error}; {}", stoker.log()),
        }
    }
}

fn stock(field: &Field, app: &str, key: &Key) -> Figures {
    let executors = key.case.executors;
    let mut properties = field.cluster.properties(app);
    tune(key.case.who, &mut properties, executors);
    let _relay = relayed(field, key, &mut properties);
    let follow = field.follow(app);
    let audit = field.audit();
    let driver = field.driver(key.case.who, app, properties, executors);
    assert!(
        follow.wait(STOCK_START, |seen| seen.live() > 0),
        "stock Spark made no executors: {}",
        driver.end_of_log()
    );
    let began = Instant::now();
    if follow.wait(STOCK_WINDOW, |seen| seen.live() >= executors as usize) {
        // It may still make more.
        thread::sleep(AFTER.min(STOCK_WINDOW.saturating_sub(began.elapsed())));
    }
    made(&audit, app, processor_seconds(driver.id()))
}

/// What was made, and what its maker took of the processor for it.
fn made(audit: &Audit, app: &str, cpu: f64) -> Figures {
    let mut figures = audit::creates(&audit.calls(), &pods_of(app));
    figures.insert("cpu_s".to_owned(), cpu);
    figures
}
