//! One engine and its settings. Every line here is part of the defence.

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{
    Config as Settings, Enabled, Engine, InstanceAllocationStrategy, OperatorCost,
    PoolingAllocationConfig, Strategy, WasmBacktraceDetails,
};

use crate::bindings;
use crate::ceiling::{CORE_INSTANCES_MAX, MEMORIES_MAX, TABLE_ELEMENTS_MAX, TABLES_MAX};
use crate::guest::Guest;
use crate::limits::Limits;
use crate::sandbox::{Allocator, SandboxError};
use crate::wasi;

/// Stack of the host functions that a guest calls, above its own.
const HOST_STACK_BYTES: usize = 2 * 1024 * 1024;

/// Bytes the engine may spend on the bookkeeping of one component's instances.
const INSTANCE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Fuel for each page that memory grows: the most there is, for it costs the host microseconds.
const GROW_FUEL_PER_PAGE: u8 = u8::MAX;

/// Bytes of each memory that stay mapped between calls, where the kernel can say which were
/// touched, and where everything up to here must be cleared.
const KEEP_SCANNED_BYTES: usize = 1024 * 1024;
const KEEP_CLEARED_BYTES: usize = 64 * 1024;

/// An engine, and what guests can be linked to.
pub(crate) struct Wasm {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Guest>,
    pub(crate) memory: Memory,
    pub(crate) stack_bytes: u64,
}

/// Where memory really comes from, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Memory {
    Pool,
    OnDemand,
    NoPool(String),
}

impl Wasm {
    /// An engine with room for `calls` calls at one time, each with so much stack.
    pub(crate) fn new(
        allocator: Allocator,
        calls: u32,
        stack_bytes: u64,
    ) -> Result<Self, SandboxError> {
        let (engine, memory) = start(allocator, calls, stack_bytes)?;
        let mut linker = Linker::new(&engine);
        bindings::Tool::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest| guest)
            .and_then(|()| wasi::add_to_linker(&mut linker))
            .map_err(engine_error)?;
        Ok(Self { engine, linker, memory, stack_bytes })
    }
}

/// An engine that runs nothing: it says what compiled code must fit.
pub(crate) fn bare() -> Result<Engine, SandboxError> {
    Engine::new(&settings(Limits::default().stack_bytes)).map_err(engine_error)
}

/// The engine, with a pool if there is room for one: the attempt is the probe.
fn start(
    allocator: Allocator,
    calls: u32,
    stack_bytes: u64,
) -> Result<(Engine, Memory), SandboxError> {
    let on_demand = || Engine::new(&settings(stack_bytes)).map_err(engine_error);
    match allocator {
        Allocator::OnDemand => Ok((on_demand()?, Memory::OnDemand)),
        Allocator::Pool => {
            let mut pooled = settings(stack_bytes);
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
fn settings(stack_bytes: u64) -> Settings {
    let most = Limits::MAX.stack_bytes;
    // None at all is no setting; with a byte no guest gets as far as its first instruction.
    let stack = usize::try_from(stack_bytes.clamp(1, most)).unwrap_or(usize::MAX);
    let mut settings = Settings::new();
    settings
        // Winch had escapes; Cranelift is what upstream fuzzes.
        .strategy(Strategy::Cranelift)
        // One budget that is the same everywhere. Epochs on top would cost 64 % on memory loops.
        .consume_fuel(true)
        .operator_cost(fuel_table())
        .epoch_interruption(false)
        .max_wasm_stack(stack)
        .async_stack_size(stack.saturating_add(HOST_STACK_BYTES))
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
