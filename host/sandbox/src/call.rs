//! One call, to its end.
//!
//! There is no error path here: what goes wrong is the guest's doing and part of the report, and
//! every ceiling is set before the guest runs its first instruction.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use snapshot::View;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use wasmtime::{Store, Trap};

use crate::bindings::exports::stepwell::tool::handler::Refusal;
use crate::engine::Sandbox;
use crate::guest::{Guest, truncate};
use crate::json;
use crate::limits::{Limits, millis};
use crate::outcome::{Ending, Outcome, Report, Stop, Usage};
use crate::tool::Tool;

/// Bytes of an input. A model writes a few thousand; a patch to look at may be a few hundred
/// thousand.
pub const INPUT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Fuel between two looks at the clock and the cancellation: 5 to 50 microseconds.
const YIELD_FUEL: u64 = 100_000;

/// Bytes a guest may hand over in one host call, at least: a line of the log that is longer is
/// cut, one that is longer than this ends the call.
const HANDOVER_BYTES: u64 = 1024 * 1024;

/// Beside the answer itself, handing it over takes a few words.
const HANDOVER_SLACK_BYTES: u64 = 4 * 1024;

/// Handles a component may hold on its own resources. Our world has none; composed components
/// have a few between them.
const HANDLES_MAX: usize = 1_024;

/// Nesting of an answer. Whoever reads it may recurse.
const ANSWER_DEPTH_MAX: usize = 64;

/// Bytes of a refusal: one or two sentences.
const REFUSAL_BYTES_MAX: usize = 4 * 1024;

/// Bytes of what the engine says of a trap; it may hold names from the component.
const TRAP_BYTES_MAX: usize = 256;

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
        let limits = limits.clamped();
        let mut store = self.store(view, &limits);
        let place = tokio::select! {
            biased;
            () = cancel.cancelled() => {
                return report(store, &limits, Duration::ZERO, Err(Ending::Cancelled));
            }
            place = self.places.acquire() => place.expect("nobody closes the places"),
        };
        let started = Instant::now();
        let end = match input.len() {
            0..=INPUT_BYTES_MAX => {
                let deadline = started + limits.wall;
                let timed = until(deadline, cancel, enter(&mut store, tool, input)).await;
                match timed {
                    Ok(Ok(said)) => answer(said, &limits),
                    Ok(Err(err)) => Err(ending(&err, &store, &limits)),
                    Err(Interrupted::Cancelled) => Err(Ending::Cancelled),
                    Err(Interrupted::Late) => {
                        Err(Ending::OutOfTime { limit_ms: millis(limits.wall) })
                    }
                }
            }
            _ => Err(Ending::BadInput { limit: INPUT_BYTES_MAX as u64 }),
        };
        let report = report(store, &limits, started.elapsed(), end);
        drop(place);
        report
    }

    fn store(&self, view: Arc<View>, limits: &Limits) -> Store<Guest> {
        let guest = Guest::new(view, Arc::clone(&self.walks), limits);
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|guest| &mut guest.ceiling);
        store.set_fuel(limits.fuel).expect("the engine counts fuel");
        store
            .fuel_async_yield_interval(Some(YIELD_FUEL))
            .expect("the engine counts fuel, and the interval is not zero");
        store.set_hostcall_fuel(handover(limits));
        store.set_max_component_handles(HANDLES_MAX);
        store
    }
}

/// Bytes a guest may hand over at once, the answer included.
fn handover(limits: &Limits) -> usize {
    let bytes = limits.output_bytes.saturating_add(HANDOVER_SLACK_BYTES).max(HANDOVER_BYTES);
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The one place where a guest runs.
async fn enter(
    store: &mut Store<Guest>,
    tool: &Tool,
    input: &str,
) -> wasmtime::Result<Result<String, Refusal>> {
    let instance = tool.linked.instantiate_async(&mut *store).await?;
    instance.stepwell_tool_handler().call_call(store, input).await
}

/// Why a guest was not polled again.
enum Interrupted {
    Cancelled,
    Late,
}

/// Polls `run` until it is done, cancelled, or late. The guest yields every [`YIELD_FUEL`], so
/// this looks that often; the timer is for a guest that waits. Returning drops `run`, and with
/// it the guest's stack.
async fn until<T>(
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
        if late.as_mut().poll(cx).is_ready() || Instant::now() >= deadline {
            return Poll::Ready(Err(Interrupted::Late));
        }
        run.as_mut().poll(cx).map(Ok)
    })
    .await
}

/// What the guest said, if it can be used.
fn answer(said: Result<String, Refusal>, limits: &Limits) -> Result<Outcome, Ending> {
    match said {
        Ok(json) if json.len() as u64 > limits.output_bytes => {
            Err(Ending::OutputTooLarge { limit: limits.output_bytes })
        }
        Ok(json) => match json::check(&json, ANSWER_DEPTH_MAX) {
            Ok(()) => Ok(Outcome::Answered(json)),
            Err(why) => Err(Ending::BadAnswer { why }),
        },
        Err(Refusal { mut message }) => {
            truncate(&mut message, REFUSAL_BYTES_MAX);
            message.shrink_to_fit();
            Ok(Outcome::Refused { message })
        }
    }
}

/// Reads wasmtime's errors; the only function that does. It asks our own ceilings first, and the
/// engine's words last.
fn ending(err: &wasmtime::Error, store: &Store<Guest>, limits: &Limits) -> Ending {
    if let Some(Stop(ending)) = err.downcast_ref() {
        return ending.clone();
    }
    match err.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Ending::OutOfFuel { limit: limits.fuel },
        _ if store.data().ceiling.was_hit() => Ending::OutOfMemory { limit: limits.memory_bytes },
        Some(trap) => Ending::Trapped { what: trap_name(*trap) },
        None if is_handover(err) => Ending::OutputTooLarge { limit: limits.output_bytes },
        None => {
            let mut what = err.root_cause().to_string();
            truncate(&mut what, TRAP_BYTES_MAX);
            Ending::Trapped { what }
        }
    }
}

fn trap_name(trap: Trap) -> String {
    let name = trap.to_string();
    name.strip_prefix("wasm trap: ").unwrap_or(&name).to_owned()
}

/// Whether the guest handed over more than [`handover`] allows. The error has no public type; a
/// test holds wasmtime to its words.
fn is_handover(err: &wasmtime::Error) -> bool {
    err.root_cause().to_string().contains("fuel allocated for hostcalls has been exhausted")
}

fn report(
    store: Store<Guest>,
    limits: &Limits,
    wall: Duration,
    end: Result<Outcome, Ending>,
) -> Report {
    let left = store.get_fuel().expect("the engine counts fuel");
    let guest = store.into_data();
    let outcome = end.unwrap_or_else(Outcome::Ended);
    let output_bytes = match &outcome {
        Outcome::Answered(json) => json.len() as u64,
        Outcome::Refused { message } => message.len() as u64,
        Outcome::Ended(_) => 0,
    };
    let usage = Usage {
        fuel: limits.fuel.saturating_sub(left),
        wall_us: u64::try_from(wall.as_micros()).unwrap_or(u64::MAX),
        memory_peak: guest.ceiling.peak(),
        host_calls: guest.record.calls(),
        read_bytes: guest.record.read_bytes(),
        output_bytes,
    };
    Report {
        outcome,
        usage,
        read_failed: guest.record.failed(),
        observations: guest.record.into_observations(),
        log: guest.log.lines,
        log_dropped: guest.log.dropped,
    }
}
