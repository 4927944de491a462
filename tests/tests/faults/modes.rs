//! The fault modes.

use std::time::Duration;

use stoker_tests::fault_proxy::{EventFault, Fault, Refusal, Schedule, Script, Verb};

/// How faults of a mode show while executors are made, lost and released.
pub(crate) struct Mode {
    pub(crate) name: &'static str,
    pub(crate) allocating: Script,
    pub(crate) losing: Script,
    pub(crate) releasing: Script,
    pub(crate) properties: Vec<(&'static str, &'static str)>,
    /// How many creates may have no pod to show for.
    pub(crate) creates_in_vain: usize,
}

impl Mode {
    /// The same goes wrong all the time.
    fn new(name: &'static str, script: &Script) -> Self {
        Self {
            name,
            allocating: script.clone(),
            losing: script.clone(),
            releasing: script.clone(),
            properties: Vec::new(),
            creates_in_vain: 0,
        }
    }

    fn losing(self, losing: Script) -> Self {
        Self { losing, ..self }
    }

    fn releasing(self, releasing: Script) -> Self {
        Self { releasing, ..self }
    }

    fn property(mut self, key: &'static str, value: &'static str) -> Self {
        self.properties.push((key, value));
        self
    }

    fn in_vain(self, creates_in_vain: usize) -> Self {
        Self {
            creates_in_vain,
            ..self
        }
    }
}

/// One wave of as many creates as may be in flight at most, and the probes after it, in each part.
const STORM_WAVES: usize = 2 * (128 + 20);
/// All verbs but the watch.
const CALLS: [Verb; 7] = [
    Verb::Get,
    Verb::List,
    Verb::Continue,
    Verb::Create,
    Verb::Update,
    Verb::Delete,
    Verb::DeleteCollection,
];

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The slow ones first, so that they do not run alone at the end.
pub(crate) fn all() -> Vec<Mode> {
    let mut modes = outages();
    modes.extend(answers());
    modes.extend(connections());
    modes.extend(watches());
    modes.extend(latencies());
    modes
}

fn latencies() -> Vec<Mode> {
    vec![
        Mode::new(
            "latency",
            &Script::new()
                .on(
                    &[Verb::Create, Verb::Update],
                    Schedule::always(),
                    Fault::Latency(millis(300), millis(300)),
                )
                .on(
                    &[Verb::Get, Verb::Watch, Verb::WatchList],
                    Schedule::always(),
                    Fault::Latency(millis(150), millis(150)),
                )
                .on(
                    &[Verb::List, Verb::DeleteCollection],
                    Schedule::always(),
                    Fault::Latency(millis(600), millis(600)),
                ),
        ),
        Mode::new(
            "latency-jittered",
            &Script::new()
                .on(
                    &Verb::ALL,
                    Schedule::always(),
                    Fault::Latency(millis(0), millis(500)),
                )
                .on(
                    &CALLS,
                    Schedule::always(),
                    Fault::LateAnswer(millis(0), millis(500)),
                ),
        ),
        // The watch shows the pod long before the answer to its create comes.
        Mode::new(
            "late-answers",
            &Script::new().on(
                &CALLS,
                Schedule::always(),
                Fault::LateAnswer(millis(1500), millis(2000)),
            ),
        ),
        Mode::new(
            "late-events",
            &Script::new().on_events(Schedule::always(), EventFault::Latency(millis(0), millis(20))),
        ),
        Mode::new(
            "duplicated-events",
            &Script::new().on_events(Schedule::always(), EventFault::Duplicate),
        ),
    ]
}

/// A storm refuses every call for some seconds, once 40 pods are made, then from the first loss on.
fn storm(name: &'static str, refusal: Refusal) -> Mode {
    let refuse = |schedule| Script::new().on(&Verb::ALL, schedule, Fault::Refuse(refusal));
    Mode::new(name, &refuse(Schedule::always().after(45).lasting(seconds(5))))
        .losing(refuse(Schedule::always().lasting(seconds(5))))
        .releasing(refuse(Schedule::always().lasting(millis(1500))))
        .in_vain(STORM_WAVES)
}

/// Some calls go wrong. Few are made while executors are lost: the third and each fifth after it.
fn some(name: &'static str, fault: Fault) -> Mode {
    let often = Script::new().on(&CALLS, Schedule::always().after(2).every(5), fault.clone());
    let seldom = Script::new().on(&CALLS, Schedule::always().share(0.06), fault);
    Mode::new(name, &seldom).losing(often)
}

fn answers() -> Vec<Mode> {
    let refusal = |code, retry_after, reason, message| Refusal {
        code,
        retry_after,
        reason,
        message,
    };
    let gateway = refusal(504, None, None, "upstream request timeout");
    vec![
        some("504-though-applied", Fault::RefuseAfter(gateway)),
        storm(
            "429-retry-after",
            refusal(
                429,
                Some(2),
                Some("TooManyRequests"),
                "injected: too many requests",
            ),
        ),
        storm(
            "429-no-retry-after",
            refusal(429, None, Some("TooManyRequests"), "injected: too many requests"),
        ),
        // What the filter of --max-requests-inflight says.
        storm(
            "429-plain-text",
            refusal(429, Some(1), None, "Too many requests, please try again later."),
        ),
        storm(
            "500",
            refusal(
                500,
                None,
                Some("InternalError"),
                "Internal error occurred: injected",
            ),
        ),
        storm("503-plain-text", refusal(503, None, None, "no healthy upstream")),
    ]
}

fn connections() -> Vec<Mode> {
    vec![
        some("answer-lost", Fault::ResetAfter),
        some("answer-truncated", Fault::Truncate),
        some("answer-garbled", Fault::Garble),
        Mode::new(
            "no-answer",
            &Script::new().on(&CALLS, Schedule::always().after(2).every(25), Fault::NoAnswer),
        )
        .property("spark.stoker.requestTimeout", "3s"),
        Mode::new(
            "everything",
            &Script::new()
                .on(
                    &Verb::ALL,
                    Schedule::always(),
                    Fault::Latency(millis(0), millis(60)),
                )
                .on(&CALLS, Schedule::always().share(0.02), Fault::ResetAfter)
                .on(&CALLS, Schedule::always().share(0.02), Fault::Truncate)
                .on(
                    &Verb::ALL,
                    Schedule::always().share(0.02),
                    Fault::Refuse(Refusal {
                        code: 429,
                        retry_after: Some(1),
                        reason: None,
                        message: "Too many requests, please try again later.",
                    }),
                )
                .on_events(Schedule::always().share(0.02), EventFault::Duplicate)
                .on_events(Schedule::always().share(0.01), EventFault::Reset)
                .on_events(Schedule::always().share(0.01), EventFault::CutLine)
                .on_events(Schedule::always().share(0.005), EventFault::Gone),
        )
        .in_vain(STORM_WAVES),
    ]
}

fn outages() -> Vec<Mode> {
    let down = |after, time| {
        Script::new().on(
            &[Verb::Create],
            Schedule::always().after(after).times(1),
            Fault::Outage(time),
        )
    };
    let silent =
        |after| Script::new().on_events(Schedule::always().after(after).times(1), EventFault::Silence);
    let reset = |times| {
        Script::new().on(
            &CALLS,
            Schedule::always().after(5).every(7).times(times),
            Fault::ResetBefore,
        )
    };
    vec![
        // Creates that were in flight may or may not have been applied.
        Mode::new("down-for-30-s", &down(60, seconds(30)))
            .losing(down(4, seconds(10)))
            .releasing(Script::new().on(&CALLS, Schedule::always().times(1), Fault::Outage(millis(1500))))
            .in_vain(2 * 128),
        // Nobody knows that the creates were not applied: they are sent again.
        Mode::new("reset-before", &reset(8)).losing(reset(2)).in_vain(10),
        // Bookmarks are missed after 80 s.
        Mode::new("watch-silent", &silent(150))
            .losing(silent(8))
            .releasing(Script::new()),
    ]
}

fn watches() -> Vec<Mode> {
    // The watch that is open when executors are lost breaks with the first events of their end.
    let cut = |name, fault: EventFault| {
        Mode::new(
            name,
            &Script::new().on_events(Schedule::always().after(20).every(45), fault.clone()),
        )
        .losing(Script::new().on_events(Schedule::always().after(8).every(30), fault))
        .releasing(Script::new())
    };
    let gone = Refusal {
        code: 410,
        retry_after: None,
        reason: Some("Expired"),
        message: "too old resource version: injected",
    };
    let gone_answer = |every: u32| {
        Script::new()
            .on_events(Schedule::always().after(10).every(every), EventFault::End)
            .on(
                &[Verb::Watch],
                Schedule::always().after(1).every(2),
                Fault::Refuse(gone),
            )
    };
    // Lists in pages come where the API server serves none at the beginning of a watch.
    let unserved = Refusal {
        code: 422,
        retry_after: None,
        reason: Some("Invalid"),
        message: "sendInitialEvents is forbidden: injected",
    };
    let slow_list = |after| {
        Script::new()
            .on_events(Schedule::always().after(after).times(2), EventFault::Gone)
            .on(&[Verb::WatchList], Schedule::always(), Fault::Refuse(unserved))
            .on(
                &[Verb::List, Verb::Continue],
                Schedule::always(),
                Fault::SlowPages(25, millis(60)),
            )
    };
    // A page after the second is refused: the snapshot of the list is too old.
    let expired = |after| {
        slow_list(after).on(
            &[Verb::Continue],
            Schedule::always().after(2).times(1),
            Fault::Refuse(gone),
        )
    };
    vec![
        cut("watch-reset", EventFault::Reset),
        cut("watch-ended", EventFault::End),
        cut("watch-line-cut", EventFault::CutLine),
        cut("watch-410-event", EventFault::Gone),
        Mode::new("watch-410-answer", &gone_answer(60)).losing(gone_answer(25)),
        Mode::new("list-slow", &slow_list(200)).losing(slow_list(5)),
        Mode::new("list-expired", &expired(200)).losing(expired(5)),
    ]
}
