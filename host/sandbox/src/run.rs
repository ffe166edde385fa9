//! One guest, from its first instruction to its last: the same in this process and in a worker.
//!
//! There is no error path here: what goes wrong is the guest's doing, and every ceiling is set
//! before the guest runs its first instruction.

use wasmtime::component::Val;
use wasmtime::{Engine, Store, Trap};

use crate::bindings::exports::stepwell::tool::handler::Refusal;
use crate::call::Call;
use crate::ceiling::is_short;
use crate::foreign::{self, Entry};
use crate::guest::{Guest, truncate};
use crate::limits::Limits;
use crate::outcome::{Ending, Outcome, Stop};
use crate::tool::Linked;

/// Fuel between two looks at the clock and the cancellation: 5 to 50 microseconds.
const YIELD_FUEL: u64 = 100_000;

/// Bytes a guest may hand over in one host call, at least: a line of the log that is longer is
/// cut, one that is longer than this ends the call.
const HANDOVER_BYTES: u64 = 1024 * 1024;

/// Beside the answer itself, handing it over takes a few words.
const HANDOVER_SLACK_BYTES: u64 = 4 * 1024;

/// Bytes of a refusal: one or two sentences.
const REFUSAL_BYTES_MAX: usize = 4 * 1024;

/// Bytes of what the engine says of a trap; it may hold names from the component.
pub(crate) const TRAP_BYTES_MAX: usize = 256;

/// What a guest said, or why the engine stopped it.
pub(crate) type Said = wasmtime::Result<Result<String, Refusal>>;

/// A store with every ceiling set.
pub(crate) fn store(engine: &Engine, guest: Guest, entry: &Entry, limits: &Limits) -> Store<Guest> {
    let mut store = Store::new(engine, guest);
    store.limiter(|guest| &mut guest.ceiling);
    store.set_fuel(limits.fuel).expect("the engine counts fuel");
    store
        .fuel_async_yield_interval(Some(YIELD_FUEL))
        .expect("the engine counts fuel, and the interval is not zero");
    let handover = match entry {
        Entry::Handler | Entry::Command => handover(limits),
        Entry::Function { .. } => handover_of_values(limits),
    };
    store.set_hostcall_fuel(usize::try_from(handover).unwrap_or(usize::MAX));
    store.set_max_component_handles(usize::try_from(limits.handles).unwrap_or(usize::MAX));
    store
}

/// Bytes a guest may hand over at once, the answer included.
pub(crate) fn handover(limits: &Limits) -> u64 {
    limits.output_bytes.saturating_add(HANDOVER_SLACK_BYTES).max(HANDOVER_BYTES)
}

/// The same for an answer of any type: the engine counts what each of its values takes here, down to
/// the bytes of a `list<u8>`.
fn handover_of_values(limits: &Limits) -> u64 {
    /// What all values of one answer may take.
    const VALUES_BYTES_MAX: u64 = 128 * 1024 * 1024;
    handover(limits).saturating_mul(size_of::<Val>() as u64).min(VALUES_BYTES_MAX)
}

/// The one place where a guest runs.
pub(crate) async fn enter(store: &mut Store<Guest>, linked: &Linked, call: &Call<'_>) -> Said {
    let Call { entry, input, seed: _, limits } = *call;
    match linked {
        Linked::Ours(ours) => {
            let instance = ours.instantiate_async(&mut *store).await?;
            instance.stepwell_tool_handler().call_call(store, input).await
        }
        Linked::Foreign(foreign) => foreign::enter(store, foreign, entry, input, limits).await,
    }
}

/// Fuel that was used.
pub(crate) fn fuel(store: &Store<Guest>, limits: &Limits) -> u64 {
    limits.fuel.saturating_sub(store.get_fuel().expect("the engine counts fuel"))
}

/// What came of it. An answer is of bounded size and otherwise as the guest gave it.
pub(crate) fn outcome(said: Said, store: &Store<Guest>, limits: &Limits) -> Outcome {
    match said {
        Ok(Ok(json)) if json.len() as u64 > limits.output_bytes => {
            Outcome::Ended(Ending::OutputTooLarge { limit: limits.output_bytes })
        }
        Ok(Ok(json)) => Outcome::Answered(json),
        Ok(Err(Refusal { message })) => refused(message),
        Err(err) => Outcome::Ended(ending(&err, store, limits)),
    }
}

/// A refusal, cut to size.
pub(crate) fn refused(mut message: String) -> Outcome {
    truncate(&mut message, REFUSAL_BYTES_MAX);
    message.shrink_to_fit();
    Outcome::Refused { message }
}

/// Reads wasmtime's errors; the only function that does. It asks our own ceilings first, and the
/// engine's words last.
fn ending(err: &wasmtime::Error, store: &Store<Guest>, limits: &Limits) -> Ending {
    if let Some(Stop(ending)) = err.downcast_ref() {
        return ending.clone();
    }
    match err.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Ending::OutOfFuel { limit: limits.fuel },
        Some(Trap::StackOverflow) => Ending::StackExhausted { limit: limits.stack_bytes },
        _ if store.data().ceiling.was_hit() => Ending::OutOfMemory { limit: limits.memory_bytes },
        Some(trap) => Ending::Trapped { what: trap_name(*trap) },
        None if is_short(err) => Ending::HostShort,
        None if says(err, HANDOVER) => Ending::OutputTooLarge { limit: limits.output_bytes },
        None if says(err, HANDLES) => Ending::TooManyHandles { limit: limits.handles },
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

/// The engine's words for more than [`handover`] allows, and for more handles than it was told.
/// The errors have no public type; tests hold wasmtime to its words.
const HANDOVER: &str = "fuel allocated for hostcalls has been exhausted";
const HANDLES: &str = "store handle limit exceeded";

fn says(err: &wasmtime::Error, words: &str) -> bool {
    err.root_cause().to_string().contains(words)
}
