//! One engine and its settings. Every line here is part of the defence.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use snapshot::Digest;
use tokio::sync::Semaphore;
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{
    Config as Settings, Enabled, Engine, InstanceAllocationStrategy, OperatorCost,
    PoolingAllocationConfig, Strategy, WasmBacktraceDetails,
};

use crate::bindings;
use crate::ceiling::{CORE_INSTANCES_MAX, MEMORIES_MAX, TABLE_ELEMENTS_MAX, TABLES_MAX};
use crate::compiled::{Kept, Unfit};
use crate::guest::Guest;
use crate::limits::Limits;

/// The contract that tools are written against. Part of a cached answer's key.
pub const WORLD: &str = "stepwell:tool@0.1.0";

/// Calls that may run at one time. More than a machine has cores gains nothing, and each takes
/// 16 GiB of address space from a pool.
pub const CONCURRENT_CALLS_MAX: u32 = 64;

/// The engine whose fuel and floats an answer was made with. A test compares it with the lock.
const ENGINE: &str = "wasmtime 48.0.8";

/// Raised when a setting below changes in a way that a guest could observe.
const PROFILE: u64 = 1;

/// Stack of a guest. Deep recursion ends here, in a trap.
const GUEST_STACK_BYTES: usize = 1024 * 1024;

/// Stack of a guest and of the host functions it calls.
const CALL_STACK_BYTES: usize = 3 * 1024 * 1024;

/// Bytes the engine may spend on the bookkeeping of one component's instances.
const INSTANCE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Fuel for each page that memory grows: the most there is, for it costs the host microseconds.
const GROW_FUEL_PER_PAGE: u8 = u8::MAX;

/// Bytes of each memory that stay mapped between calls, where the kernel can say which were
/// touched, and where everything up to here must be cleared.
const KEEP_SCANNED_BYTES: usize = 1024 * 1024;
const KEEP_CLEARED_BYTES: usize = 64 * 1024;

/// How a [`Sandbox`] is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where compiled code is kept between runs; nowhere when not given.
    pub compiled_dir: Option<PathBuf>,
    /// Calls that run at one time, 1 to [`CONCURRENT_CALLS_MAX`]; further ones wait.
    pub concurrent_calls_max: u32,
    /// Where guests' memory comes from.
    pub allocator: Allocator,
}

/// Where guests' memory comes from. It changes how fast a call is, never what it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocator {
    /// Reserved in advance, if the machine gives us the address space; on demand otherwise.
    Pool,
    /// Mapped for each call.
    OnDemand,
}

/// Runs tools. One for a process: its engine is shared by all calls.
pub struct Sandbox {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Guest>,
    pub(crate) places: Semaphore,
    // Walks that run at one time. A walk may outlive its call, so it has a place of its own.
    pub(crate) walks: Arc<Semaphore>,
    pub(crate) kept: Option<Kept>,
    places_max: u32,
    memory: Memory,
    // Why compiled code is not kept although that was asked for.
    unfit: Option<Unfit>,
}

/// Where memory really comes from, and why.
enum Memory {
    Pool,
    OnDemand,
    NoPool(String),
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
        Self { compiled_dir: None, concurrent_calls_max: 8, allocator: Allocator::Pool }
    }
}

impl Sandbox {
    /// Starts the engine.
    ///
    /// A directory for compiled code that cannot be used is not an error: [`Sandbox::isolation`]
    /// says why, and components are compiled each time.
    ///
    /// # Errors
    ///
    /// When this machine cannot run the engine at all.
    pub fn new(config: Config) -> Result<Self, SandboxError> {
        let places_max = config.concurrent_calls_max.clamp(1, CONCURRENT_CALLS_MAX);
        let (engine, memory) = start(config.allocator, places_max)?;
        let mut linker = Linker::new(&engine);
        bindings::Tool::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest| guest)
            .map_err(engine_error)?;
        let (kept, unfit) = match config.compiled_dir.map(|dir| Kept::open(&dir)) {
            None => (None, None),
            Some(Ok(kept)) => (Some(kept), None),
            Some(Err(unfit)) => (None, Some(unfit)),
        };
        let places = Semaphore::new(places_max as usize);
        let walks = Arc::new(Semaphore::new(places_max as usize));
        Ok(Self { engine, linker, places, walks, kept, places_max, memory, unfit })
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
    /// not stand there.
    pub fn isolation(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = self.places_max;
        write!(f, "{ENGINE} in this process, {calls} calls at once, ")?;
        match &self.memory {
            Memory::Pool => f.write_str("memory from a pool")?,
            Memory::OnDemand => f.write_str("memory on demand")?,
            Memory::NoPool(why) => write!(f, "memory on demand (no pool: {why})")?,
        }
        match (&self.kept, &self.unfit) {
            (Some(kept), _) => write!(f, ", compiled code kept in `{}`", kept.dir().display())?,
            (None, Some(unfit)) => write!(f, ", compiled code not kept: {unfit}")?,
            (None, None) => f.write_str(", compiled code not kept")?,
        }
        f.write_str("; missing: a process of its own, a system call filter")
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sandbox").field(&self.to_string()).finish()
    }
}

/// The engine, with a pool if there is room for one: the attempt is the probe.
fn start(allocator: Allocator, calls: u32) -> Result<(Engine, Memory), SandboxError> {
    let on_demand = || Engine::new(&settings()).map_err(engine_error);
    match allocator {
        Allocator::OnDemand => Ok((on_demand()?, Memory::OnDemand)),
        Allocator::Pool => {
            let mut pooled = settings();
            pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(calls)));
            match Engine::new(&pooled) {
                Ok(engine) => Ok((engine, Memory::Pool)),
                Err(err) => Ok((on_demand()?, Memory::NoPool(err.root_cause().to_string()))),
            }
        }
    }
}

fn engine_error(err: wasmtime::Error) -> SandboxError {
    SandboxError::Engine(err.into_boxed_dyn_error())
}

/// What guests may be made of, and what they may cost.
fn settings() -> Settings {
    let mut settings = Settings::new();
    settings
        // Winch had escapes; Cranelift is what upstream fuzzes.
        .strategy(Strategy::Cranelift)
        // One budget that is the same everywhere. Epochs on top would cost 64 % on memory loops.
        .consume_fuel(true)
        .operator_cost(fuel_table())
        .epoch_interruption(false)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .async_stack_size(CALL_STACK_BYTES)
        .memory_init_cow(true)
        // The same bits for the same program: on every processor, in every run.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        // Each of these had holes this year, and no tool needs them. The component model's own
        // async is not even compiled in.
        .concurrency_support(false)
        .wasm_threads(false)
        .shared_memory(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .gc_support(false)
        .wasm_memory64(false)
        // A trap's name is all we use; a guest's symbols are one more thing to parse.
        .wasm_backtrace_max_frames(None)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .generate_address_map(false);
    settings
}

fn fuel_table() -> OperatorCost {
    let mut cost = OperatorCost::new();
    cost.variable.memory_grow_per_page = GROW_FUEL_PER_PAGE;
    cost
}

/// Room for `calls` calls at their largest.
fn pool(calls: u32) -> PoolingAllocationConfig {
    let memory_bytes = usize::try_from(Limits::MAX.memory_bytes).unwrap_or(usize::MAX);
    let keep = match PoolingAllocationConfig::is_pagemap_scan_available() {
        true => KEEP_SCANNED_BYTES,
        false => KEEP_CLEARED_BYTES,
    };
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls * CORE_INSTANCES_MAX)
        .total_memories(calls * MEMORIES_MAX)
        .total_tables(calls * TABLES_MAX)
        .total_stacks(calls)
        .total_gc_heaps(0)
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_memories_per_module(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_tables_per_module(TABLES_MAX)
        .max_component_instance_size(INSTANCE_BYTES_MAX)
        .max_core_instance_size(INSTANCE_BYTES_MAX)
        .max_memory_size(memory_bytes)
        .table_elements(TABLE_ELEMENTS_MAX)
        .linear_memory_keep_resident(keep)
        .table_keep_resident(keep)
        .pagemap_scan(Enabled::Auto);
    pool
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
