//! What the second wall costs: the same calls in this process and through workers, on one processor
//! and on all, with the machine idle and busy; beside the engine alone and the start of a process.
#![expect(clippy::print_stdout, reason = "a table is what it is run for")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use benches::{
    Repository, apart, empty_tool, is_worker, one_processor, runs, runtime, sandbox, shipped,
};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use sandbox::{Limits, Outcome, Sandbox, Tool};
use tokio_util::sync::CancellationToken;
use wasmtime::component::{Component, ComponentType, Lift, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, Store};

/// What a row's calls may take together.
const TIME_MAX: Duration = Duration::from_secs(2);
/// Calls of a row: the 99th of a hundred must not be the only one.
const CALLS_MAX: usize = 5_000;
/// Calls before it counts.
const WARM_UP: usize = 20;

/// Guests of other languages, where `cargo xtask languages` has built them, and what they do.
const LANGUAGES: [(&str, &str, &str); 6] = [
    ("javascript", "reads 2 KiB", READ),
    ("python", "reads 2 KiB", READ),
    ("c", "looks at everything", "{}"),
    ("go", "looks at everything", "{}"),
    ("javascript", "looks at everything", "{}"),
    ("python", "looks at everything", "{}"),
];

/// What guests are told to read.
const READ: &str = r#"{"read":"f7.rs"}"#;

fn main() -> ExitCode {
    if is_worker() {
        return sandbox::serve();
    }
    if runs::is_measured() {
        measure();
    }
    ExitCode::SUCCESS
}

fn measure() {
    println!("workers: microseconds a call, the middle one and the 99th of a hundred");
    let (any, one) = (affinity(), one_processor());
    let kept = tempfile::tempdir().expect("a temporary directory can be made");
    for busy in [false, true] {
        for (set, place) in [(&one, "one processor"), (&any, "any processor")] {
            // Workers are started where this thread may run.
            sched_setaffinity(None, set).expect("it is a part of what there was");
            let load = busy.then(|| Load::new(set));
            println!("\n{place}, {}", if busy { "busy" } else { "idle" });
            rows(kept.path());
            cold_rows(kept.path());
            drop(load);
        }
    }
    sched_setaffinity(None, &any).expect("it is what there was");
}

fn rows(kept: &Path) {
    row("process: `true` started and waited for", || {
        let mut command = Command::new("true");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        assert!(command.status().is_ok_and(|status| status.success()));
    });
    row("engine alone: empty, fresh instance", engine_alone());
    for (place, sandbox) in [("here", sandbox(None)), ("worker", apart(None))] {
        let empty = Calls::new(&sandbox, &empty_tool(), "{}");
        row(&format!("{place}: empty"), || empty.one());
        let rust = Calls::new(&sandbox, &shipped("benches/reads_a_file"), READ);
        row(&format!("{place}: rust, reads 2 KiB"), || rust.one());
        let read = Calls::new(&sandbox, &shipped("read_file"), r#"{"path":"f7.rs"}"#);
        row(&format!("{place}: read_file of 2 KiB"), || read.one());
    }
    let sandbox = apart(Some(&kept.join("compiled")));
    for (language, what, input) in LANGUAGES {
        match std::fs::read(in_language(language)) {
            Ok(bytes) => {
                let calls = Calls::new(&sandbox, &bytes, input);
                row(&format!("worker: {language}, {what}"), || calls.one());
            }
            Err(_) => println!("SKIPPED LOUDLY: {language}: `cargo xtask languages` builds it"),
        }
    }
}

/// Where the guest in a language lies.
fn in_language(language: &str) -> PathBuf {
    benches::root().join("target/languages").join(language).with_extension("wasm")
}

/// The first call of a process, from its start to its end, with compiled code kept from the one
/// before: the program itself.
fn cold_rows(kept: &Path) {
    let Some(program) = benches::program() else { return };
    let repository = Repository::default();
    let tools = [
        ("read_file", r#"{"path":"f7.rs"}"#, None),
        ("reads_a_file", READ, Some(benches::component("benches/reads_a_file"))),
        ("observe_javascript", READ, Some(in_language("javascript"))),
        ("observe_python", READ, Some(in_language("python"))),
    ];
    for (name, input, component) in tools {
        if component.as_ref().is_some_and(|component| !component.exists()) {
            println!("SKIPPED LOUDLY: {name}: `cargo xtask languages` builds it");
            continue;
        }
        let component =
            component.iter().flat_map(|path| ["--component".as_ref(), path.as_os_str()]);
        let mut command = Command::new(&program);
        command.args(["tool", "call", name, "--no-cache", "--args", input]).args(component);
        command.current_dir(repository.dir.path()).env("STEPWELL_CACHE_DIR", kept);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        row(&format!("cold process: {name}"), || {
            assert!(command.status().is_ok_and(|status| status.success()));
        });
    }
}

/// One tool that is called again and again.
struct Calls<'a> {
    sandbox: &'a Sandbox,
    tool: Tool,
    input: &'a str,
    repository: Repository,
    runtime: tokio::runtime::Runtime,
    never: CancellationToken,
}

impl<'a> Calls<'a> {
    fn new(sandbox: &'a Sandbox, component: &[u8], input: &'a str) -> Self {
        let tool = sandbox.load(component).expect("the tool loads");
        let (repository, runtime) = (Repository::default(), runtime());
        Self { sandbox, tool, input, repository, runtime, never: CancellationToken::new() }
    }

    fn one(&self) {
        let (view, limits) = (self.repository.view(), Limits::default());
        let call = self.sandbox.call(&self.tool, self.input, view, &limits, &self.never);
        let report = self.runtime.block_on(call);
        assert!(matches!(report.outcome, Outcome::Answered(_)), "{:?}", report.outcome);
    }
}

/// What the contract has for it; the empty tool never does.
#[derive(Debug, ComponentType, Lift)]
#[component(record)]
#[expect(dead_code, reason = "the type has to name it")]
struct Refusal {
    message: String,
}

/// An empty component in a pool, with nothing of ours around it.
fn engine_alone() -> impl FnMut() {
    let mut config = Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::pooling());
    config.consume_fuel(true).concurrency_support(false).gc_support(false);
    config.wasm_gc(false).wasm_function_references(false).wasm_exceptions(false);
    let engine = Engine::new(&config).expect("the engine can be set up");
    let component = Component::from_binary(&engine, &empty_tool()).expect("the guest loads");
    let linked = Linker::new(&engine).instantiate_pre(&component).expect("it imports nothing");
    let handler = component.get_export_index(None, "stepwell:tool/handler@0.1.0");
    let call = component.get_export_index(handler.as_ref(), "call").expect("a tool has it");
    move || {
        let mut store = Store::new(&engine, ());
        store.set_fuel(1_000_000).expect("the engine counts fuel");
        let instance = linked.instantiate(&mut store).expect("there is room");
        type Answer = (Result<String, Refusal>,);
        let call = instance.get_typed_func::<(&str,), Answer>(&mut store, call);
        let call = call.expect("it is the contract's");
        black_box(call.call(&mut store, ("{}",))).expect("it answers").0.expect("it answers");
    }
}

fn row(name: &str, mut call: impl FnMut()) {
    (0..WARM_UP).for_each(|_| call());
    let (began, mut took) = (Instant::now(), Vec::new());
    while took.len() < CALLS_MAX && began.elapsed() < TIME_MAX {
        let began = Instant::now();
        call();
        took.push(began.elapsed());
    }
    took.sort();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100].as_nanos();
    let micros = |nanos: u128| format!("{}.{:01}", nanos / 1_000, nanos / 100 % 10);
    println!("{name:<40} {:>9} {:>9}  of {}", micros(at(50)), micros(at(99)), took.len());
}

fn affinity() -> CpuSet {
    sched_getaffinity(None).expect("Linux says")
}

/// A thread on each processor that never stops.
struct Load {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn new(set: &CpuSet) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let spin = |over: Arc<AtomicBool>| {
            move || {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            }
        };
        let threads = (0..set.count()).map(|_| thread::spawn(spin(Arc::clone(&over)))).collect();
        Self { over, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}
