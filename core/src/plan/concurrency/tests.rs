use super::super::budget::Budget;
use super::model::{Course, Server, create};
use super::*;

const MS: Duration = Duration::from_millis(1);

/// Rounds of as many creates as the limit allows, each answered after `latency(limit)`.
fn rounds(
    concurrency: &mut Concurrency,
    now: &mut Duration,
    count: u32,
    latency: impl Fn(usize) -> Duration,
) {
    for _ in 0..count {
        let limit = concurrency.limit();
        let sent_at = *now;
        *now += latency(limit);
        for _ in 0..limit {
            concurrency.succeeded(*now, sent_at);
        }
    }
}

#[test]
fn it_doubles_from_eight_to_the_cap_however_distant_the_server_is() {
    for latency in [1, 150, 2000] {
        let (mut concurrency, mut now) = (Concurrency::new(128), Duration::ZERO);
        assert_eq!(concurrency.limit(), 8);
        rounds(&mut concurrency, &mut now, 2, |_| MS * latency);
        assert_eq!(concurrency.limit(), 32);
        rounds(&mut concurrency, &mut now, 2, |_| MS * latency);
        assert_eq!(concurrency.limit(), 128);
        rounds(&mut concurrency, &mut now, 9, |_| MS * latency);
        assert_eq!(concurrency.limit(), 128);
    }
}

#[test]
fn slow_answers_shrink_it_to_the_start_and_no_further() {
    let (mut concurrency, mut now) = (Concurrency::new(64), Duration::ZERO);
    rounds(&mut concurrency, &mut now, 5, |_| MS * 20);
    assert_eq!(concurrency.limit(), 64);
    rounds(&mut concurrency, &mut now, 3, |_| MS * 2000);
    assert!(concurrency.limit() < 64, "{}", concurrency.limit());
    rounds(&mut concurrency, &mut now, 20, |_| MS * 2000);
    assert_eq!(concurrency.limit(), 8);
    // Quick again: it grows by one with each round trip.
    rounds(&mut concurrency, &mut now, 20, |_| MS * 20);
    assert!(
        (10..=30).contains(&concurrency.limit()),
        "{}",
        concurrency.limit()
    );
}

#[test]
fn after_a_failure_it_begins_with_one_and_grows_fast_only_to_half_of_before() {
    let (mut concurrency, mut now) = (Concurrency::new(64), Duration::ZERO);
    rounds(&mut concurrency, &mut now, 5, |_| MS * 20);
    concurrency.failed(false);
    concurrency.failed(true);
    assert_eq!(concurrency.limit(), 1);
    rounds(&mut concurrency, &mut now, 5, |_| MS * 20);
    assert_eq!(concurrency.limit(), 32);
    rounds(&mut concurrency, &mut now, 3, |_| MS * 20);
    assert!(
        (33..=36).contains(&concurrency.limit()),
        "{}",
        concurrency.limit()
    );
}

#[test]
fn answers_that_vary_are_not_congestion() {
    let (mut concurrency, mut now) = (Concurrency::new(128), Duration::ZERO);
    let mut rng = fastrand::Rng::with_seed(1);
    for _ in 0..2000 {
        let sent_at = now;
        now += MS * rng.u32(1..10);
        concurrency.succeeded(now, sent_at);
    }
    assert_eq!(concurrency.limit(), 128);
}

#[test]
fn a_small_cap_holds() {
    let (mut concurrency, mut now) = (Concurrency::new(1), Duration::ZERO);
    rounds(&mut concurrency, &mut now, 5, |_| MS);
    rounds(&mut concurrency, &mut now, 5, |_| MS * 500);
    assert_eq!(concurrency.limit(), 1);
}

/// Creates of many executors, with the limit that is the default.
fn course(server: Server, seed: u64) -> Course {
    create(&mut Budget::new(128, None), server, CREATES, seed)
}

const CREATES: u32 = 5000;

#[test]
fn a_server_is_kept_busy_whatever_its_speed_and_others_wait_no_longer_than_is_bearable() {
    for service in [5, 20, 50, 200, 1000] {
        for workers in [1, 2, 8, 32, 100] {
            for distance in [1, 50, 150] {
                let server = Server {
                    workers,
                    service: MS * service,
                    distance: MS * distance,
                    ..Server::NEAR
                };
                let course = course(server, u64::from(service));
                let share = course.rate(CREATES) / server.best(128);
                let wait = course.wait;
                assert!(share > 0.85, "{share} of the best of {server:?}");
                // As many calls as there are at the start may be more than a slow server works on.
                let start = MS * service * 8 / u32::try_from(workers).unwrap();
                let bearable = (SLACK + MS * (distance + service) * 4).max(start) * 2;
                assert!(wait <= bearable, "{wait:?} in the queue of {server:?}");
            }
        }
    }
}

#[test]
fn distance_costs_less_than_a_tenth() {
    for distance in [50, 150] {
        let near = course(Server::NEAR, 1);
        let server = Server {
            distance: MS * distance,
            ..Server::NEAR
        };
        let share = course(server, 1).rate(CREATES) / near.rate(CREATES);
        assert!(share > 0.9, "{share} of the rate {distance} ms away");
    }
}

#[test]
fn the_queue_we_keep_does_not_grow_with_time() {
    let server = Server {
        workers: 1,
        service: MS * 20,
        ..Server::NEAR
    };
    let waits = [2500, 25_000, 50_000].map(|creates| {
        let mut budget = Budget::new(128, None);
        create(&mut budget, server, creates, 1).wait
    });
    assert!(waits.iter().all(|wait| *wait < SLACK * 2), "{waits:?}");
}

#[test]
fn a_server_that_has_become_slower_for_good_is_used_as_it_is() {
    let (mut concurrency, mut now) = (Concurrency::new(128), Duration::ZERO);
    rounds(&mut concurrency, &mut now, 100, |_| MS * 20);
    rounds(&mut concurrency, &mut now, 100, |_| MS * 2000);
    assert_eq!(concurrency.limit(), 8);
    rounds(&mut concurrency, &mut now, 100, |_| MS * 2000);
    assert_eq!(concurrency.limit(), 128);
}

/// Calls that come together are written together: each costs less the more there are.
#[test]
fn a_server_that_does_more_the_more_it_has_gets_enough() {
    for per_second in [100, 300, 1000] {
        let latency = |limit: usize| {
            let calls = u32::try_from(limit).unwrap() + 8;
            Duration::from_secs(1) * calls / per_second
        };
        let (mut concurrency, mut now) = (Concurrency::new(128), Duration::ZERO);
        // The first of all is alone with it.
        now += latency(1);
        concurrency.succeeded(now, Duration::ZERO);
        rounds(&mut concurrency, &mut now, 60, latency);
        let rate = |limit: f64| limit / (limit + 8.0);
        let share = rate(concurrency.limit) / rate(128.0);
        assert!(share > 0.85, "{share} of {per_second} a second");
    }
}

#[test]
fn a_server_that_refuses_is_spared_and_still_used() {
    let server = Server {
        bears: 40,
        ..Server::NEAR
    };
    let course = course(server, 1);
    let share = course.rate(CREATES) / server.best(128);
    assert!(share > 0.5, "{share} of what it can");
    assert!(course.refused < CREATES / 20, "{} refused", course.refused);
}
