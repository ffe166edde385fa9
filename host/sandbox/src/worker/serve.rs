//! Inside a worker, from its first line to its last.

use std::pin::pin;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use wasmtime::{Engine, PoolingAllocationConfig};

use super::line::{Broken, Line};
use super::message::{Start, Task, ToHost, ToWorker};
use super::wall::{self, Landlock, Purpose, Wall, Walls};
use crate::call::{Call, Interrupted, Ran};
use crate::compiled;
use crate::engine::Wasm;
use crate::guest::{Guest, Repository};
use crate::outcome::Outcome;
use crate::run;
use crate::sandbox::{Allocator, SandboxError};
use crate::tool::{self, Linked, LoadError};

/// Time between two looks at the line while a guest computes.
const LOOK: Duration = Duration::from_millis(1);

/// The line, for the loop and for the guest that asks.
type Shared = Arc<Mutex<Line>>;

/// What a process that was started as a worker does, instead of everything else: call it before
/// anything is opened and before any thread is started.
pub fn serve() -> ExitCode {
    let walls = wall::at_birth();
    // A panic's words have nowhere to go, and its message may be a guest's.
    std::panic::set_hook(Box::new(|_| {}));
    match work(walls) {
        Ok(()) | Err(Broken::Closed) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn work(walls: Vec<Wall>) -> Result<(), Broken> {
    let mut line = Line::default();
    let (start, code) = line.receive_first()?;
    if !is_child_of(start.parent) {
        return Err(Broken::Closed);
    }
    if let Some(code) = code {
        rustix::stdio::dup2_stdout(code)?;
    }
    match start.task {
        Task::Guest => guests(line, &start, walls),
        Task::Compile => compile(line, walls),
        Task::Probe => probe(line, &start, walls).map(drop),
        Task::Trial(trial) => {
            let mut line = probe(line, &start, walls)?;
            let tried = trial.attempt(start.parent);
            line.send(&ToHost::Tried(tried))
        }
    }
}

/// Whether the process that started this one is still there; from then on its end is ours.
fn is_child_of(parent: u32) -> bool {
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    now.is_some_and(|now| u32::try_from(now) == Ok(parent))
}

/// Carries out calls until nobody has any more.
fn guests(mut line: Line, start: &Start, mut walls: Vec<Wall>) -> Result<(), Broken> {
    let loaded = engine(start).and_then(|(wasm, landlock)| {
        // Nothing vouches for the code but the directory that it was kept in.
        let linked = link(&wasm)?;
        Ok((wasm, landlock, linked))
    });
    let (wasm, landlock, linked) = match loaded {
        Ok(loaded) => loaded,
        Err(what) => return line.send(&ToHost::Failed(what)),
    };
    walls.extend(wall::around(guests_of(start), landlock));
    line.send(&ToHost::Ready(Walls { memory: wasm.memory.clone(), walls }))?;
    let line: Shared = Arc::new(Mutex::new(line));
    loop {
        let message = held(&line).receive()?;
        match message {
            ToWorker::Call { entry, input, seed, limits } => {
                let asked = Call { entry: &entry, input: &input, seed, limits: &limits };
                let ran = call(&wasm, &linked, &line, &asked);
                held(&line).send(&ToHost::Done(ran))?;
            }
            // It came when the call was over.
            ToWorker::Stop => {}
            ToWorker::Start(_) | ToWorker::Component(_) | ToWorker::Told(_) => {
                return Err(super::frame::Garbled.into());
            }
        }
    }
}

fn guests_of(start: &Start) -> Purpose {
    Purpose::Guests { memory_bytes: start.room.memory_bytes }
}

/// The engine, and the wall that can stand before code is loaded into it.
fn engine(start: &Start) -> Result<(Wasm, Landlock), String> {
    let allocator = if start.pool { Allocator::Pool } else { Allocator::OnDemand };
    let wasm = Wasm::new(allocator, 1, start.room.stack_bytes)
        .map_err(|SandboxError::Engine(why)| why.to_string())?;
    // Both open or map something the first time.
    Engine::tls_eager_initialize();
    PoolingAllocationConfig::is_pagemap_scan_available();
    Ok((wasm, wall::landlock()))
}

fn link(wasm: &Wasm) -> Result<Linked, String> {
    let component = compiled::sent(&wasm.engine).map_err(|err| format!("{err:#}"))?;
    tool::link(wasm, &component).map_err(|unfitting| LoadError::from(unfitting).to_string())
}

fn held(line: &Shared) -> std::sync::MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One call. The guest gives way every few microseconds; then the clock is looked at, and now
/// and then the line.
fn call(wasm: &Wasm, linked: &Linked, line: &Shared, call: &Call<'_>) -> Ran {
    let Call { entry, input: _, seed, limits } = *call;
    let guest = Guest::new(Repository::There(Arc::clone(line)), seed, limits);
    let mut store = run::store(&wasm.engine, guest, entry, limits);
    let deadline = Instant::now() + limits.wall;
    let outcome = match drive(line, deadline, run::enter(&mut store, linked, call)) {
        Ok(said) => run::outcome(said, &store, limits),
        Err(interrupted) => Outcome::Ended(interrupted.ending(limits)),
    };
    let fuel = run::fuel(&store, limits);
    store.into_data().finish(outcome, fuel).0
}

fn drive<T>(
    line: &Shared,
    deadline: Instant,
    run: impl Future<Output = T>,
) -> Result<T, Interrupted> {
    let mut run = pin!(run);
    let mut context = Context::from_waker(Waker::noop());
    let mut looked = Instant::now();
    loop {
        // Nothing in a worker waits but by blocking: what is not ready gave way, and goes on.
        if let Poll::Ready(done) = run.as_mut().poll(&mut context) {
            return Ok(done);
        }
        let now = Instant::now();
        if now >= deadline {
            return Err(Interrupted::Late);
        }
        if now.duration_since(looked) >= LOOK {
            looked = now;
            if held(line).has_come() {
                return Err(Interrupted::Cancelled);
            }
        }
    }
}

/// Says which walls stand around a worker without a guest.
fn probe(mut line: Line, start: &Start, mut walls: Vec<Wall>) -> Result<Line, Broken> {
    match engine(start) {
        Ok((wasm, landlock)) => {
            walls.extend(wall::around(guests_of(start), landlock));
            line.send(&ToHost::Ready(Walls { memory: wasm.memory, walls }))?;
            Ok(line)
        }
        Err(what) => {
            line.send(&ToHost::Failed(what))?;
            Err(Broken::Closed)
        }
    }
}

/// Compiles one component, and is over. It is given none before it stands behind its walls.
fn compile(mut line: Line, mut walls: Vec<Wall>) -> Result<(), Broken> {
    // The settings of the engine decide what code is made; where memory comes from and how much
    // stack there is do not.
    let wasm = match Wasm::new(Allocator::OnDemand, 1, 0) {
        Ok(wasm) => wasm,
        Err(SandboxError::Engine(why)) => return line.send(&ToHost::Failed(why.to_string())),
    };
    let landlock = wall::landlock();
    walls.extend(wall::around(Purpose::Compile, landlock));
    line.send(&ToHost::Ready(Walls { memory: wasm.memory.clone(), walls }))?;
    let ToWorker::Component(bytes) = line.receive()? else {
        return Err(super::frame::Garbled.into());
    };
    let said = match tool::compile(&wasm, &bytes) {
        Ok(code) => match compiled::hand_over(&code) {
            Ok(()) => ToHost::Compiled,
            Err(err) => ToHost::Failed(format!("the code cannot be handed over: {err}")),
        },
        Err(unfitting) => ToHost::Unfitting(unfitting),
    };
    line.send(&said)
}
