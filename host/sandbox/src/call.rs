//! One call, to its end, wherever its guest runs.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use snapshot::{Digest, View};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use wasmtime::Engine;

use crate::asked::Asked;
use crate::foreign::Entry;
use crate::guest::{Guest, Repository};
use crate::json;
use crate::limits::{Limits, millis};
use crate::outcome::{Ending, LogLine, Outcome, Report, Usage};
use crate::run;
use crate::sandbox::{Place, Sandbox};
use crate::tool::{Form, Linked, Tool};
use crate::worker::{Image, Pool, Room};

/// Bytes of an input. A model writes a few thousand; a patch to look at may be a few hundred
/// thousand.
pub const INPUT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Nesting of an answer. Whoever reads it may recurse.
pub(crate) const ANSWER_DEPTH_MAX: usize = 64;

/// What a guest is called with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// What of the component is called.
    pub(crate) entry: &'a Entry,
    /// JSON.
    pub(crate) input: &'a str,
    /// What randomness follows from: the same for the same input to the same component.
    pub(crate) seed: Digest,
    /// How far it may go.
    pub(crate) limits: &'a Limits,
}

/// What is known of a guest when its call is over.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    pub(crate) fuel: u64,
    pub(crate) memory_peak: u64,
    pub(crate) log: Vec<LogLine>,
    pub(crate) log_dropped: u64,
}

impl Ran {
    /// A guest of which no more is known than its end.
    pub(crate) fn ended(ending: Ending) -> Self {
        let outcome = Outcome::Ended(ending);
        Self { outcome, fuel: 0, memory_peak: 0, log: Vec::new(), log_dropped: 0 }
    }
}

impl Sandbox {
    /// Runs one call to its end, when there is a place for it.
    ///
    /// `input` is JSON that the caller has checked against the tool's schema, at most
    /// [`INPUT_BYTES_MAX`]. Limits above [`Limits::MAX`] count as that. Dropping the future, or
    /// cancelling, ends the guest at its next yield; cancelling still gives a report.
    pub async fn call(
        &self,
        tool: &Tool,
        input: &str,
        view: Arc<View>,
        limits: &Limits,
        cancel: &CancellationToken,
    ) -> Report {
        self.call_with(tool, input, view, limits, cancel, seed(tool, input)).await
    }

    /// The same call with other randomness, told apart by `which`: what a tool answers should not
    /// depend on it. For trying a tool out, never for an answer that is used.
    pub async fn call_reseeded(
        &self,
        tool: &Tool,
        input: &str,
        view: Arc<View>,
        limits: &Limits,
        which: u64,
    ) -> Report {
        let (digest, which) = (tool.digest(), which.to_le_bytes());
        let parts = [digest.as_bytes(), input.as_bytes(), &which[..]];
        let seed = Digest::derive("stepwell other randomness of a call", &parts);
        self.call_with(tool, input, view, limits, &CancellationToken::new(), seed).await
    }

    async fn call_with(
        &self,
        tool: &Tool,
        input: &str,
        view: Arc<View>,
        limits: &Limits,
        cancel: &CancellationToken,
        seed: Digest,
    ) -> Report {
        let limits = limits.clamped();
        let mut asked = Asked::new(view, Arc::clone(&self.walks), &limits);
        let place = tokio::select! {
            biased;
            () = cancel.cancelled() => {
                return report(Ran::ended(Ending::Cancelled), asked, Duration::ZERO);
            }
            place = self.places.acquire() => place.expect("nobody closes the places"),
        };
        let (ran, wall) = if input.len() > INPUT_BYTES_MAX {
            let ending = Ending::BadInput { limit: INPUT_BYTES_MAX as u64 };
            (Ran::ended(ending), Duration::ZERO)
        } else {
            match (&self.place, &tool.form) {
                (Place::Here(usual), Form::Here(local)) => {
                    match local.with_stack(usual, limits.stack_bytes) {
                        Ok((engine, linked)) => {
                            let call = Call { entry: &tool.entry, input, seed, limits: &limits };
                            let ran;
                            (asked, ran) = here(&engine, &linked, &call, asked, cancel).await;
                            ran
                        }
                        Err(what) => (Ran::ended(Ending::WorkerLost { what }), Duration::ZERO),
                    }
                }
                (Place::Apart(apart), Form::Apart(image)) => {
                    let call = Call { entry: &tool.entry, input, seed, limits: &limits };
                    apart_from_here(&apart.pool, image, &call, &mut asked, cancel).await
                }
                (Place::Here(_), Form::Apart(_)) | (Place::Apart(_), Form::Here(_)) => {
                    let what = "the tool was loaded by another sandbox".to_owned();
                    (Ran::ended(Ending::WorkerLost { what }), Duration::ZERO)
                }
            }
        };
        drop(place);
        report(ran, asked, wall)
    }
}

fn seed(tool: &Tool, input: &str) -> Digest {
    let (_, interface, name) = tool.entry.to_words();
    let digest = tool.digest();
    let mut parts = vec![&digest.as_bytes()[..], input.as_bytes()];
    // One component, and functions that have nothing to do with each other.
    if !name.is_empty() {
        parts.extend([interface.as_bytes(), name.as_bytes()]);
    }
    Digest::derive("stepwell randomness of a call", &parts)
}

/// Runs the guest in this process.
async fn here(
    engine: &Engine,
    linked: &Linked,
    call: &Call<'_>,
    asked: Asked,
    cancel: &CancellationToken,
) -> (Asked, (Ran, Duration)) {
    let Call { entry, input: _, seed, limits } = *call;
    let guest = Guest::new(Repository::Here(asked), seed, limits);
    let mut store = run::store(engine, guest, entry, limits);
    let started = Instant::now();
    let entered = run::enter(&mut store, linked, call);
    let timed = until(started + limits.wall, cancel, entered).await;
    let outcome = match timed {
        Ok(said) => run::outcome(said, &store, limits),
        Err(interrupted) => Outcome::Ended(interrupted.ending(limits)),
    };
    let wall = started.elapsed();
    let fuel = run::fuel(&store, limits);
    let (ran, repository) = store.into_data().finish(outcome, fuel);
    match repository {
        Repository::Here(asked) => (asked, (ran, wall)),
        Repository::There(_) => unreachable!("it was made here, ten lines above"),
    }
}

/// Lets a worker run the guest.
async fn apart_from_here(
    pool: &Pool,
    image: &Arc<Image>,
    call: &Call<'_>,
    asked: &mut Asked,
    cancel: &CancellationToken,
) -> (Ran, Duration) {
    let worker = tokio::select! {
        biased;
        () = cancel.cancelled() => return (Ran::ended(Ending::Cancelled), Duration::ZERO),
        worker = pool.take(image, Room::of(call.limits)) => worker,
    };
    let started = Instant::now();
    let ran = match worker {
        Ok(worker) => pool.run(worker, call, asked, cancel).await,
        Err(lost) => Ran::ended(Ending::WorkerLost { what: lost.to_string() }),
    };
    (ran, started.elapsed())
}

/// Why somebody was not waited for any longer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Interrupted {
    Cancelled,
    Late,
}

impl Interrupted {
    pub(crate) fn ending(self, limits: &Limits) -> Ending {
        match self {
            Self::Cancelled => Ending::Cancelled,
            Self::Late => Ending::OutOfTime { limit_ms: millis(limits.wall) },
        }
    }
}

/// Polls `run` until it is done, cancelled, or late. A guest yields every few microseconds, so
/// this looks that often; the timer is for a guest that waits, and most never do. Returning drops
/// `run`, and with it the guest's stack.
pub(crate) async fn until<T>(
    deadline: Instant,
    cancel: &CancellationToken,
    run: impl Future<Output = T>,
) -> Result<T, Interrupted> {
    let mut run = pin!(run);
    let mut late = pin!(sleep_until(deadline));
    let mut cancelled = pin!(cancel.cancelled());
    poll_fn(|cx| {
        if cancelled.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(Interrupted::Cancelled));
        }
        // The timer alone would be late: a guest that always yields keeps its thread busy.
        if Instant::now() >= deadline {
            return Poll::Ready(Err(Interrupted::Late));
        }
        if let Poll::Ready(done) = run.as_mut().poll(cx) {
            return Poll::Ready(Ok(done));
        }
        late.as_mut().poll(cx).map(|()| Err(Interrupted::Late))
    })
    .await
}

/// The outcome, if the guest's answer can be used.
fn checked(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Answered(json) => match json::check(&json, ANSWER_DEPTH_MAX) {
            Ok(()) => Outcome::Answered(json),
            Err(why) => Outcome::Ended(Ending::BadAnswer { why }),
        },
        Outcome::Refused { .. } | Outcome::Ended(_) => outcome,
    }
}

fn report(ran: Ran, asked: Asked, wall: Duration) -> Report {
    let Ran { outcome, fuel, memory_peak, log, log_dropped } = ran;
    let outcome = checked(outcome);
    let output_bytes = match &outcome {
        Outcome::Answered(json) => json.len() as u64,
        Outcome::Refused { message } => message.len() as u64,
        Outcome::Ended(_) => 0,
    };
    let usage = Usage {
        fuel,
        wall_us: u64::try_from(wall.as_micros()).unwrap_or(u64::MAX),
        memory_peak,
        host_calls: asked.record.calls(),
        read_bytes: asked.record.read_bytes(),
        output_bytes,
    };
    Report {
        outcome,
        usage,
        read_failed: asked.record.failed(),
        observations: asked.record.into_observations(),
        log,
        log_dropped,
    }
}
