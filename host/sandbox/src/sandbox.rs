//! What a sandbox is set up with, and what it says of itself.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use snapshot::Digest;
use tokio::sync::Semaphore;
use wasmtime::Engine;

use crate::compiled::{Kept, Unfit};
use crate::engine::{self, Memory, Wasm};
use crate::limits::Limits;
use crate::worker::{Lost, Pool, Program, Trial, Tried, Walls};

/// The contract that tools are written against. Part of a cached answer's key.
pub const WORLD: &str = "stepwell:tool@0.1.0";

/// Calls that may run at one time. More than a machine has cores gains nothing, and each takes
/// 16 GiB of address space from a pool.
pub const CONCURRENT_CALLS_MAX: u32 = 64;

/// The engine whose fuel and floats an answer was made with. A test compares it with the lock.
const ENGINE: &str = "wasmtime 48.0.8";

/// Raised when a setting changes in a way that a guest could observe.
const PROFILE: u64 = 1;

/// How a [`Sandbox`] is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where compiled code is kept between runs; nowhere when not given.
    pub compiled_dir: Option<PathBuf>,
    /// Calls that run at one time, 1 to [`CONCURRENT_CALLS_MAX`]; further ones wait.
    pub concurrent_calls_max: u32,
    /// Where guests' memory comes from.
    pub allocator: Allocator,
    /// Where guests run.
    pub guests: Guests,
}

/// Where guests' memory comes from. It changes how fast a call is, never what it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocator {
    /// Reserved in advance, if the machine gives us the address space; on demand otherwise.
    Pool,
    /// Mapped for each call.
    OnDemand,
}

/// Where guests run and components are compiled. It changes what a fault of the engine would
/// cost, never what a call answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guests {
    /// In this process: for measuring, and for testing the engine alone.
    Here,
    /// In processes of their own, with nothing in them.
    Apart(Program),
}

/// Runs tools.
pub struct Sandbox {
    pub(crate) place: Place,
    pub(crate) places: Semaphore,
    // Walks that run at one time. A walk may outlive its call, so it has a place of its own.
    pub(crate) walks: Arc<Semaphore>,
    pub(crate) kept: Option<Kept>,
    places_max: u32,
    // Why compiled code is not kept although that was asked for.
    unfit: Option<Unfit>,
}

/// Where guests run.
pub(crate) enum Place {
    Here(Wasm),
    Apart(Apart),
}

/// What this process has of workers.
pub(crate) struct Apart {
    pub(crate) pool: Pool,
    // Made when code is loaded: a command that the cache answers has no use for it.
    engine: OnceLock<Result<Engine, String>>,
    // What a worker without a guest said; asked once.
    probed: OnceLock<Result<Walls, String>>,
}

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// This machine cannot run the engine.
    #[error("cannot start the WebAssembly engine")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            compiled_dir: None,
            concurrent_calls_max: 8,
            allocator: Allocator::Pool,
            guests: Guests::Here,
        }
    }
}

impl Sandbox {
    /// Starts the engine where guests run here; elsewhere it and workers are started when they
    /// are needed, or expected ([`Sandbox::expect_guest`]).
    ///
    /// A directory for compiled code that cannot be used is not an error: [`Sandbox::isolation`]
    /// says why, and components are compiled each time.
    ///
    /// # Errors
    ///
    /// When guests are to run here and this machine cannot run the engine at all.
    pub fn new(config: Config) -> Result<Self, SandboxError> {
        let places_max = config.concurrent_calls_max.clamp(1, CONCURRENT_CALLS_MAX);
        let place = match config.guests {
            Guests::Here => {
                let stack_bytes = Limits::default().stack_bytes;
                Place::Here(Wasm::new(config.allocator, places_max, stack_bytes)?)
            }
            Guests::Apart(program) => Place::Apart(Apart {
                pool: Pool::new(program, config.allocator, places_max),
                engine: OnceLock::new(),
                probed: OnceLock::new(),
            }),
        };
        let (kept, unfit) = match config.compiled_dir.map(|dir| Kept::open(&dir)) {
            None => (None, None),
            Some(Ok(kept)) => (Some(kept), None),
            Some(Err(unfit)) => (None, Some(unfit)),
        };
        let places = Semaphore::new(places_max as usize);
        let walks = Arc::new(Semaphore::new(places_max as usize));
        Ok(Self { place, places, walks, kept, places_max, unfit })
    }

    /// What an answer depends on beside the component, its input and the repository. Two
    /// sandboxes with the same profile give the same answers, on any machine.
    pub fn profile(limits: &Limits) -> Digest {
        // Of the limits, memory is the only one a guest can see and go on: all others end it.
        let memory = limits.clamped().memory_bytes.to_le_bytes();
        let parts = [WORLD.as_bytes(), ENGINE.as_bytes(), &PROFILE.to_le_bytes(), &memory];
        Digest::derive("stepwell sandbox profile", &parts)
    }

    /// One line for the run's log: what stands between a guest and this machine, and what does
    /// not stand there. Starts a worker to find out, once.
    pub fn isolation(&self) -> String {
        let calls = self.places_max;
        let (place, memory, missing) = match &self.place {
            Place::Here(wasm) => ("in this process", memory(&wasm.memory), NOTHING.to_owned()),
            Place::Apart(apart) => match apart.probe() {
                Ok(walls) => {
                    let missing = walls.missing();
                    let missing = if missing.is_empty() { "nothing".to_owned() } else { missing };
                    ("in processes of their own", memory(&walls.memory), missing)
                }
                Err(why) => {
                    let missing = format!("everything, for no worker starts: {why}");
                    ("in processes of their own", "no memory".to_owned(), missing)
                }
            },
        };
        let kept = match (&self.kept, &self.unfit) {
            (Some(kept), _) => format!("kept in `{}`", kept.dir().display()),
            (None, Some(unfit)) => format!("not kept: {unfit}"),
            (None, None) => "not kept".to_owned(),
        };
        format!(
            "{ENGINE} {place}, {calls} calls at once, {memory}, compiled code {kept}; \
             missing: {missing}"
        )
    }

    /// Begins to start a worker for the next guest, whichever it will be: what is done until that
    /// is known is then done beside it. Where guests run here there is nothing to begin.
    pub fn expect_guest(&self) {
        match &self.place {
            Place::Here(_) => {}
            Place::Apart(apart) => apart.pool.expect(),
        }
    }

    /// The walls around a guest, found out with a worker that runs none.
    ///
    /// # Errors
    ///
    /// Says why there is no worker; also when guests run in this process.
    pub fn walls(&self) -> Result<Walls, String> {
        match &self.place {
            Place::Here(_) => Err("guests run in the process that loads them".to_owned()),
            Place::Apart(apart) => apart.probe().clone(),
        }
    }

    /// From now on, runs guests only where every wall stands.
    ///
    /// # Errors
    ///
    /// Names what is missing.
    pub fn require_walls(&self) -> Result<(), String> {
        if let Place::Apart(apart) = &self.place {
            apart.pool.require_walls();
        }
        let missing = match self.walls() {
            Ok(walls) => walls.missing(),
            Err(why) => why,
        };
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// Lets a worker that runs no guest try what a guest must not be able to do.
    ///
    /// # Errors
    ///
    /// Says why there is no worker; also when guests run in this process.
    pub fn attempt(&self, trial: Trial) -> Result<Tried, String> {
        match &self.place {
            Place::Here(_) => Err("guests run in the process that loads them".to_owned()),
            Place::Apart(apart) => apart.pool.attempt(trial).map_err(|lost| lost.to_string()),
        }
    }
}

/// What is missing around a guest in this process.
const NOTHING: &str = "a process of its own, a system call filter";

impl Apart {
    /// The engine that compiled code must fit; why this machine cannot run it.
    pub(crate) fn engine(&self) -> Result<&Engine, String> {
        let start = || engine::bare().map_err(|SandboxError::Engine(why)| why.to_string());
        self.engine.get_or_init(start).as_ref().map_err(String::clone)
    }

    fn probe(&self) -> &Result<Walls, String> {
        self.probed.get_or_init(|| self.pool.probe().map_err(|lost: Lost| lost.to_string()))
    }
}

fn memory(memory: &Memory) -> String {
    match memory {
        Memory::Pool => "memory from a pool".to_owned(),
        Memory::OnDemand => "memory on demand".to_owned(),
        Memory::NoPool(why) => format!("memory on demand (no pool: {why})"),
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.place {
            Place::Here(_) => "here",
            Place::Apart(_) => "apart",
        };
        let calls = self.places_max;
        f.debug_struct("Sandbox").field("guests", &place).field("calls", &calls).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_names_the_engine_that_is_locked() {
        let (name, version) = ENGINE.split_once(' ').unwrap();
        let locked = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains(&locked), "update `ENGINE`: it is in every cached answer's key");
    }

    #[test]
    fn the_profile_changes_with_what_a_guest_can_see_and_only_with_that() {
        let usual = Limits::default();
        let faster = Limits { fuel: 1, output_bytes: 1, ..usual };
        let larger = Limits { memory_bytes: usual.memory_bytes + 1, ..usual };
        assert_eq!(Sandbox::profile(&usual), Sandbox::profile(&faster));
        assert_ne!(Sandbox::profile(&usual), Sandbox::profile(&larger));
    }
}
