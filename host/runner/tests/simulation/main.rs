//! The whole session under seeded faults: the rules and the runner as they are, on a clock that
//! jumps from event to event, with a network, a disk, a model's server, a ledger and a place for
//! runs that fail as the seed says.
//!
//! A seed is a run of a step in several attempts. The first ones meet faults, are killed, cut off
//! from power or interrupted; the last one meets none. Whatever happened, the promises hold, and
//! they are looked up where they show: in the journal, in what the server billed, in the ledger,
//! in the artifacts (`oracle`).
//!
//! `STEPWELL_SEEDS` says how many seeds are run, `STEPWELL_SEED` runs one and tells its story.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    clippy::large_futures,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, tells its story, looks for few kinds of many, holds a \
              whole world, and is told in the environment which one"
)]

mod books;
mod dice;
mod faults;
mod machine;
mod model;
mod network;
mod oracle;
mod place;
mod tally;
mod world;

use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tally::Tally;
use world::World;

/// Seeds of a plain `cargo test`; `cargo xtask test` runs many more of them, with
/// optimisation.
const SEEDS: u64 = 100;
/// Failing seeds that are told of.
const TOLD_MAX: usize = 5;
/// Of a hundred seeds so many must come to the result of a run without faults; the others run out
/// of money that was charged for answers nobody got. Fewer would mean that the faults are so many
/// that nothing is tested after them.
const DONE_PERCENT_MIN: u64 = 60;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_fails_nothing_is_paid_twice_and_no_promise_is_broken() {
    if let Some(seed) = number("STEPWELL_SEED") {
        let tally = World::live(seed, true).unwrap_or_else(|broken| panic!("{broken}"));
        println!("seed {seed} keeps every promise\n{tally}");
        return;
    }
    let seeds = number("STEPWELL_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let all = Mutex::new((Tally::default(), Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || all.lock().unwrap().1.len() >= TOLD_MAX {
                        break;
                    }
                    let lived = World::live(seed, false);
                    let mut all = all.lock().unwrap();
                    match lived {
                        Ok(tally) => all.0.add(&tally),
                        Err(broken) => all.1.push(broken),
                    }
                }
            });
        }
    });
    let (tally, broken) = all.into_inner().unwrap();
    println!("{tally}");
    assert!(broken.is_empty(), "{} seeds break a promise:\n{}", broken.len(), broken.join("\n"));
    assert!(tally.done * 100 >= DONE_PERCENT_MIN * tally.runs, "{tally}");
    let unseen = tally.unseen();
    assert!(unseen.is_empty(), "some faults never happened: {}\n{tally}", unseen.join(", "));
}
