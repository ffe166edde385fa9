//! Whether a store is worth asking. One that is slow or dead costs its share of a lookup a few
//! times, and is then left alone for the rest of the run.

use std::sync::Mutex;
use std::time::Duration;

use store::StoreError;
use tokio::time::{Instant, timeout};

use crate::cache::lock;

/// Failures after which a store is left alone.
const FAILURES_MAX: u32 = 2;

/// Things said to the operator; more of the same say nothing new.
const SAID_MAX: usize = 16;

/// A run takes so many round trips' time at least, or its output is not asked for.
const ROUND_TRIPS: u32 = 3;

/// How asking has gone so far.
#[derive(Debug, Default)]
pub(super) struct Health {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    is_off: bool,
    /// A round trip, on a moving average.
    round_trip: Option<Duration>,
    unsaid: Vec<String>,
}

/// What one lookup may still wait for stores.
#[derive(Debug)]
pub(super) struct Allowance(pub(super) Duration);

/// The store did not answer.
#[derive(Debug)]
pub(super) struct Silent;

impl Health {
    pub(super) fn is_off(&self) -> bool {
        lock(&self.state).is_off
    }

    /// Whether asking costs less than a run that takes `expected`, as far as is known.
    pub(super) fn is_worth(&self, expected: Option<Duration>) -> bool {
        match (lock(&self.state).round_trip, expected) {
            (Some(round_trip), Some(expected)) => expected > round_trip * ROUND_TRIPS,
            (None, _) | (_, None) => true,
        }
    }

    /// What the operator should read, once.
    pub(super) fn unsaid(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.state).unsaid)
    }

    pub(super) fn say(&self, said: String) {
        let mut state = lock(&self.state);
        if state.unsaid.len() < SAID_MAX {
            state.unsaid.push(said);
        }
    }

    /// Waits for an answer of the store `shown`, as long as the allowance lasts.
    pub(super) async fn ask<T>(
        &self,
        shown: &str,
        allowance: &mut Allowance,
        asking: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Silent> {
        // Who is given no time has not failed.
        if allowance.0.is_zero() {
            return Err(Silent);
        }
        let began = Instant::now();
        let answer = timeout(allowance.0, asking).await;
        let taken = began.elapsed();
        allowance.0 = allowance.0.saturating_sub(taken);
        match answer {
            Ok(Ok(answer)) => {
                self.note_round_trip(taken);
                Ok(answer)
            }
            Ok(Err(err)) => Err(self.note_failure(shown, &err.to_string())),
            Err(_elapsed) => Err(self.note_failure(shown, "it did not answer in time")),
        }
    }

    fn note_round_trip(&self, taken: Duration) {
        let mut state = lock(&self.state);
        state.failures = 0;
        state.round_trip = Some(match state.round_trip {
            None => taken,
            Some(before) => (before * 7 + taken) / 8,
        });
    }

    fn note_failure(&self, shown: &str, why: &str) -> Silent {
        let mut state = lock(&self.state);
        state.failures += 1;
        if state.failures >= FAILURES_MAX && !state.is_off {
            state.is_off = true;
            drop(state);
            self.say(format!("the shared cache {shown} is left alone for this run: {why}"));
        }
        Silent
    }
}
