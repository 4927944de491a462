//! A proxy before the API server that makes calls and watches go wrong as a script says.
//!
//! It speaks plain HTTP to the client and TLS to the API server; credentials pass through. What goes wrong is
//! decided by [`Script`] without any I/O; everything random comes from a seed.

#![expect(clippy::expect_used, reason = "a fixture fails its test")]

mod answer;
mod call;
mod counters;
mod relay;
mod schedule;
mod script;
mod serve;
mod socket;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;
use http::uri::{Authority, Scheme, Uri};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::https_client::{HttpsClient, https_client};

pub use call::{Call, Kind, Verb};
pub use counters::{Counters, Creates};
pub use schedule::Schedule;
pub use script::{Decision, EventDecision, EventFault, Fault, Refusal, Script};

/// A running proxy; ends with the value.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    upstream: HttpsClient,
    authority: Authority,
    armed: Mutex<Armed>,
    counters: Mutex<Counters>,
    /// Until when the last outage lasts.
    outage: watch::Sender<tokio::time::Instant>,
}

/// The script and where it is.
#[derive(Debug)]
struct Armed {
    script: Script,
    since: Instant,
    rng: Rng,
}

impl FaultProxy {
    /// Starts a proxy on a free port before `api_server`, `https://HOST:PORT`.
    ///
    /// # Panics
    ///
    /// When the certificate authority cannot be read or there is no port.
    pub fn start(api_server: &str, ca_file: &Path, script: Script, seed: u64) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("fault-proxy")
            .enable_all()
            .build()
            .expect("a runtime");
        let server: Uri = api_server.parse().expect("the API server's address");
        let shared = Arc::new(Shared {
            upstream: https_client(ca_file),
            authority: server.authority().expect("a host and a port").clone(),
            armed: Mutex::new(Armed {
                script,
                since: Instant::now(),
                rng: Rng::with_seed(seed),
            }),
            counters: Mutex::default(),
            outage: watch::channel(tokio::time::Instant::now()).0,
        });
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a free port");
        let address = listener.local_addr().expect("its address");
        runtime.spawn(serve::accept(Arc::clone(&shared), listener, address));
        Self {
            address,
            shared,
            _runtime: runtime,
        }
    }

    /// `http://HOST:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Replaces the script; the new one begins now. An outage goes on to its end.
    pub fn arm(&self, script: Script) {
        let mut armed = lock(&self.shared.armed);
        armed.script = script;
        armed.since = Instant::now();
    }

    /// What has happened so far.
    pub fn counters(&self) -> Counters {
        lock(&self.shared.counters).clone()
    }
}

impl Shared {
    fn decide(&self, call: Call) -> Decision {
        let decision = {
            let mut armed = lock(&self.armed);
            let Armed { script, since, rng } = &mut *armed;
            script.call(since.elapsed(), call.verb, rng)
        };
        let mut counters = lock(&self.counters);
        *counters.calls.entry(call).or_default() += 1;
        let delayed = [(decision.before, "latency"), (decision.after, "late answer")];
        let names = delayed
            .into_iter()
            .filter(|(delay, _)| *delay > Duration::ZERO)
            .map(|(_, name)| name)
            .chain(decision.fault.as_ref().map(Fault::name));
        for name in names {
            *counters.faults.entry((call.verb, name)).or_default() += 1;
        }
        decision
    }

    fn decide_event(&self) -> EventDecision {
        let decision = {
            let mut armed = lock(&self.armed);
            let Armed { script, since, rng } = &mut *armed;
            script.event(since.elapsed(), rng)
        };
        let mut counters = lock(&self.counters);
        counters.events += 1;
        let delayed = (decision.before > Duration::ZERO).then_some("latency");
        for name in delayed
            .into_iter()
            .chain(decision.fault.as_ref().map(EventFault::name))
        {
            *counters.event_faults.entry(name).or_default() += 1;
        }
        decision
    }

    fn begin_outage(&self, time: Duration) {
        self.outage.send_replace(tokio::time::Instant::now() + time);
    }

    /// The request's address at the API server.
    fn upstream_uri(&self, path_and_query: &str) -> Uri {
        Uri::builder()
            .scheme(Scheme::HTTPS)
            .authority(self.authority.clone())
            .path_and_query(path_and_query)
            .build()
            .expect("the parts of a request that was parsed")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
