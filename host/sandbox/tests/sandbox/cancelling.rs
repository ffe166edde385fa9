//! A call ends when nobody wants it any more, and never holds up the others.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use sandbox::{Config, Ending, Limits, Outcome};
use tokio::task::{JoinSet, yield_now};

use crate::Bench;
use crate::guests::in_words;

/// Never reached by fuel within a test's patience.
fn patient() -> Limits {
    Limits { fuel: Limits::MAX.fuel, wall: Limits::MAX.wall, ..Limits::default() }
}

const CANCELLED: Outcome = Outcome::Ended(Ending::Cancelled);

#[tokio::test]
async fn cancelling_ends_a_guest_that_computes() {
    // A worker that is warm begins at once.
    let bench = Bench::new().limits(Limits { fuel: 1_000, ..patient() });
    let tool = bench.load("loops");
    bench.call(&tool, "").await;
    let bench = bench.limits(patient());
    let cancel = async {
        for _ in 0..10 {
            yield_now().await;
        }
        bench.cancel.cancel();
    };
    let (report, ()) = tokio::join!(bench.call(&tool, ""), cancel);
    assert_eq!(report.outcome, CANCELLED);
    assert!(report.usage.fuel > 0, "it had begun");
}

#[tokio::test]
async fn a_call_that_waits_for_its_place_can_be_cancelled() {
    let bench = Bench::with(&Config { concurrent_calls_max: 1, ..Config::default() });
    let bench = bench.limits(patient());
    let (first, second) = (bench.load("loops"), bench.load("answers"));
    let cancel = async {
        yield_now().await;
        bench.cancel.cancel();
    };
    let (first, second, ()) = tokio::join!(bench.call(&first, ""), bench.call(&second, ""), cancel);
    assert_eq!(first.outcome, CANCELLED);
    assert_eq!(second.outcome, CANCELLED);
    assert_eq!(second.usage.fuel, 0, "it never had a place");
}

/// wasmtime 39 to 41 panicked here (CVE-2026-27195), and every deadline rests on it.
#[tokio::test]
async fn a_call_can_be_dropped_in_the_middle() {
    let bench = Bench::with(&Config { concurrent_calls_max: 1, ..Config::default() });
    let bench = bench.limits(patient()).file("a.txt", "a");
    for guest in ["loops", "loops-at-start", "reads-forever"] {
        let tool = bench.load(guest);
        for _ in 0..50 {
            tokio::select! {
                biased;
                report = bench.call(&tool, "a.txt") => panic!("{}", in_words(&report)),
                () = async { for _ in 0..3 { yield_now().await } } => {}
            }
        }
    }
    // The only place is free again, and the pool has room.
    assert_eq!(in_words(&bench.run("answers", "").await), r#"answered: "ok""#);
}

#[tokio::test]
async fn a_busy_guest_leaves_room_for_others() {
    for guest in ["loops", "logs-a-flood", "reads-forever"] {
        let limits = Limits { fuel: 50_000_000, host_calls: 2_000, ..Limits::default() };
        let bench = Bench::new().limits(limits).file("a.txt", "x".repeat(100_000));
        let (done, turns) = (Cell::new(false), Cell::new(0_u32));
        let others = async {
            while !done.get() {
                turns.set(turns.get() + 1);
                yield_now().await;
            }
        };
        let tool = bench.load(guest);
        let call = async {
            bench.call(&tool, "a.txt").await;
            done.set(true);
        };
        tokio::join!(call, others);
        assert!(turns.get() >= 20, "{guest}: others had {} turns", turns.get());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_calls_run_side_by_side_and_more_wait_their_turn() {
    for places in [8, 2] {
        let config = Config { concurrent_calls_max: places, ..Config::default() };
        let bench = Arc::new(
            Bench::with(&config)
                .limits(Limits { wall: Duration::from_secs(120), ..Limits::default() }),
        );
        let tool = Arc::new(bench.load("echoes"));
        let mut calls = JoinSet::new();
        for n in 0..8 {
            let (bench, tool) = (Arc::clone(&bench), Arc::clone(&tool));
            calls.spawn(async move {
                let input = format!("[{n}]");
                let report = bench.call(&tool, &input).await;
                assert_eq!(in_words(&report), format!("answered: {input}"));
            });
        }
        while let Some(call) = calls.join_next().await {
            call.unwrap();
        }
    }
}
