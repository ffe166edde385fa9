//! Workers, seen from the process of the step: started when they are needed or about to be, kept
//! warm, replaced when they die.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use snapshot::Digest;
use tokio::task;
use tokio_util::sync::CancellationToken;

use super::frame::{Frames, Garbled};
use super::line;
use super::message::{Room, Start, Task, ToHost, ToWorker, WORD_BYTES_MAX};
use super::places::Places;
use super::start::{Begun, Process, Program, Starter};
use super::talk::Talk;
use super::trial::{Trial, Tried};
use super::wall::{COMPILE_CPU, WORKER_CPU, Walls};
use crate::asked::Asked;
use crate::call::{Call, Ran};
use crate::compiled;
use crate::limits::Limits;
use crate::sandbox::Allocator;
use crate::tool::Unfitting;

/// Time to start a process and put its walls up. A machine that needs longer has no time left.
const START_TIME: Duration = Duration::from_secs(30);

/// Time for a trial. What is not refused by then will not be.
const TRIAL_TIME: Duration = Duration::from_millis(500);

/// Time to compile, beyond the processor time that the compiler has.
const COMPILE_SLACK: Duration = Duration::from_secs(60);

/// Processes that compile at one time: each may take 3 GiB, and a core.
const COMPILES_MAX: usize = 2;

/// The compiled code of one tool, in a file without a name that nobody can change.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) digest: Digest,
    pub(crate) file: OwnedFd,
}

/// Workers of one sandbox. The number of calls at one time bounds those that are busy.
#[derive(Debug)]
pub(crate) struct Pool {
    // Invariant: at most `idle_max`, the longest idle first.
    idle: Mutex<Vec<Worker>>,
    idle_max: usize,
    has_pool: bool,
    // Whether whoever runs guests or compiles must stand behind all walls.
    strict: AtomicBool,
    compiles: Places,
    // A process that was started before anybody knew what for.
    spare: Mutex<Option<Begun>>,
    starter: Starter,
}

/// A process that waits for something to do.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(super) process: Process,
    pub(super) stream: Arc<UnixStream>,
    pub(super) frames: Frames,
    image: Digest,
    room: Room,
    busy: Duration,
}

/// Why there is no worker, or no more of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    #[error("it cannot be started: {0}")]
    NotStarted(#[source] io::Error),
    #[error("it cannot do its work: {0}")]
    Failed(String),
    #[error("{0}")]
    Ended(String),
    #[error("it said nothing for too long")]
    Silent,
    #[error(transparent)]
    Garbled(#[from] Garbled),
}

impl Pool {
    pub(crate) fn new(program: Program, allocator: Allocator, calls_max: u32) -> Self {
        Self {
            idle: Mutex::default(),
            idle_max: calls_max as usize,
            has_pool: allocator == Allocator::Pool,
            strict: AtomicBool::new(false),
            compiles: Places::new(COMPILES_MAX),
            spare: Mutex::default(),
            starter: Starter::new(program),
        }
    }

    /// Has a process started that whoever needs one next will find there: it takes milliseconds,
    /// and beside something else they are not waited for.
    pub(crate) fn expect(&self) {
        let mut spare = held(&self.spare);
        if spare.is_none() {
            // Whoever needs it finds out why there is none.
            *spare = self.starter.begin().ok();
        }
    }

    fn begin(&self) -> Result<Begun, Lost> {
        // It may have been waiting for long, and is the first to go where memory runs short.
        let spare = held(&self.spare).take().filter(Begun::is_there);
        spare.map_or_else(|| self.starter.begin(), Ok).map_err(Lost::NotStarted)
    }

    /// From now on, a process that a wall is missing around is given no component and no call.
    pub(crate) fn require_walls(&self) {
        self.strict.store(true, Ordering::Relaxed);
        drop(std::mem::take(&mut *held(&self.idle)));
    }

    /// A worker that runs this tool with so much room: one that is idle, or a new one.
    pub(crate) async fn take(&self, image: &Arc<Image>, room: Room) -> Result<Worker, Lost> {
        while let Some(worker) = self.idle(&image.digest, room) {
            if worker.is_quiet() {
                return Ok(worker);
            }
        }
        let (begun, start) = (self.begin()?, self.start(room, Task::Guest));
        let (strict, image) = (self.strict.load(Ordering::Relaxed), Arc::clone(image));
        // It takes a millisecond or two, and other calls go on meanwhile.
        let started =
            task::spawn_blocking(move || Worker::for_guests(begun, &start, &image, strict));
        started.await.unwrap_or(Err(Lost::Silent))
    }

    /// Runs one call in it, and keeps it for the next one if it is still good.
    pub(crate) async fn run(
        &self,
        mut worker: Worker,
        call: &Call<'_>,
        asked: &mut Asked,
        cancel: &CancellationToken,
    ) -> Ran {
        let started = Instant::now();
        let Worker { process, stream, frames, .. } = worker;
        let talk = Talk::new(Arc::clone(&stream), frames, call.limits);
        match talk.call(process, call, asked, cancel).await {
            Ok((ran, process, frames)) => {
                worker = Worker { process, stream, frames, ..worker };
                worker.busy += started.elapsed();
                self.keep(worker);
                ran
            }
            Err(ending) => Ran::ended(ending),
        }
    }

    /// Which walls stand around a worker.
    pub(crate) fn probe(&self) -> Result<Walls, Lost> {
        let start = self.start(Room::default(), Task::Probe);
        Worker::start(self.begin()?, &start, None, Digest::of(b""))?.ready(false)
    }

    /// Lets a worker without a guest try something.
    pub(crate) fn attempt(&self, trial: Trial) -> Result<Tried, Lost> {
        let start = self.start(Room::default(), Task::Trial(trial));
        let mut worker = Worker::start(self.begin()?, &start, None, Digest::of(b""))?;
        worker.ready(false)?;
        match worker.receive(Instant::now() + TRIAL_TIME) {
            Ok(ToHost::Tried(tried)) => Ok(tried),
            Ok(_) => Err(Garbled.into()),
            Err(Lost::Ended(how)) => Ok(Tried::Refused(how)),
            Err(Lost::Silent) => Ok(Tried::Refused("its time was over, and it was killed".into())),
            Err(lost) => Err(lost),
        }
    }

    /// Compiles a component in a process of its own, started for that and ended after it.
    pub(crate) fn compile(&self, bytes: &[u8]) -> Result<Result<OwnedFd, Unfitting>, Lost> {
        let start = self.start(Room::default(), Task::Compile);
        let file = compiled::nameless().map_err(Lost::NotStarted)?;
        let _place = self.compiles.take();
        let deadline = Instant::now() + COMPILE_CPU + COMPILE_SLACK;
        let mut worker = Worker::start(self.begin()?, &start, Some(&file), Digest::of(b""))?;
        worker.ready(self.strict.load(Ordering::Relaxed))?;
        worker.send(&ToWorker::Component(bytes.to_vec()))?;
        match worker.receive(deadline)? {
            ToHost::Compiled => {
                // Gone before the file is closed for good, so that nobody maps it any more.
                worker.process.autopsy();
                Ok(Ok(compiled::sealed(file).map_err(Lost::NotStarted)?))
            }
            ToHost::Unfitting(unfitting) => Ok(Err(unfitting)),
            ToHost::Failed(what) => Err(Lost::Failed(what)),
            ToHost::Ready(_) | ToHost::Ask(_) | ToHost::Done(_) | ToHost::Tried(_) => {
                Err(Garbled.into())
            }
        }
    }

    fn start(&self, room: Room, task: Task) -> Start {
        Start { parent: std::process::id(), pool: self.has_pool, room, task }
    }

    fn idle(&self, image: &Digest, room: Room) -> Option<Worker> {
        let mut idle = held(&self.idle);
        let fits = |worker: &Worker| worker.image == *image && worker.room == room;
        // The one that was busy last has the most in the processor's caches.
        idle.iter().rposition(fits).map(|at| idle.remove(at))
    }

    fn keep(&self, worker: Worker) {
        // The next call may take as long as the longest, and its processor time is limited.
        if worker.busy > WORKER_CPU / 2 {
            return;
        }
        let mut idle = held(&self.idle);
        let oldest = (idle.len() >= self.idle_max).then(|| idle.remove(0));
        idle.push(worker);
        drop(idle);
        drop(oldest);
    }
}

/// Nothing is half done while one of them is held.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Before the thread that sees them to their end.
        drop(std::mem::take(&mut *held(&self.idle)));
        drop(held(&self.spare).take());
    }
}

impl Worker {
    /// Tells a process what it is for. It finds `code` as its standard output.
    fn start(
        begun: Begun,
        start: &Start,
        code: Option<&OwnedFd>,
        image: Digest,
    ) -> Result<Self, Lost> {
        let (process, stream) = begun.started().map_err(Lost::NotStarted)?;
        let (stream, frames, room) = (Arc::new(stream), Frames::default(), start.room);
        let mut worker = Self { process, stream, frames, image, room, busy: Duration::ZERO };
        let first = ToWorker::Start(*start).write().ok_or(Garbled)?;
        match line::send_first(&worker.stream, &first, code) {
            // Nothing else has been sent, and so little goes through at once.
            Ok(sent) if sent == first.len() => Ok(worker),
            Ok(_) | Err(_) => Err(worker.lost()),
        }
    }

    /// One that waits for calls behind its walls.
    fn for_guests(begun: Begun, start: &Start, image: &Image, strict: bool) -> Result<Self, Lost> {
        let mut worker = Self::start(begun, start, Some(&image.file), image.digest)?;
        worker.ready(strict)?;
        worker.stream.set_nonblocking(true).map_err(Lost::NotStarted)?;
        Ok(worker)
    }

    /// Waits until its walls stand: all of them where that is required.
    fn ready(&mut self, strict: bool) -> Result<Walls, Lost> {
        match self.receive(Instant::now() + START_TIME)? {
            ToHost::Ready(walls) if strict && !walls.missing().is_empty() => {
                Err(Lost::Failed(format!("there is no {}", walls.missing())))
            }
            ToHost::Ready(walls) => Ok(walls),
            ToHost::Failed(what) => Err(Lost::Failed(what)),
            ToHost::Ask(_)
            | ToHost::Done(_)
            | ToHost::Compiled
            | ToHost::Unfitting(_)
            | ToHost::Tried(_) => Err(Garbled.into()),
        }
    }

    fn send(&mut self, message: &ToWorker) -> Result<(), Lost> {
        let bytes = message.write().ok_or(Garbled)?;
        self.stream.set_write_timeout(Some(START_TIME)).map_err(Lost::NotStarted)?;
        match (&*self.stream).write_all(&bytes) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.lost()),
        }
    }

    fn receive(&mut self, deadline: Instant) -> Result<ToHost, Lost> {
        loop {
            if let Some(frame) = self.frames.next(WORD_BYTES_MAX)? {
                return Ok(ToHost::read(frame, &Limits::default())?);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Lost::Silent);
            }
            self.stream.set_read_timeout(Some(left)).map_err(Lost::NotStarted)?;
            match (&*self.stream).read(self.frames.room()) {
                Ok(0) => return Err(self.lost()),
                Ok(bytes) => self.frames.came(bytes),
                Err(err) if is_timeout(&err) => return Err(Lost::Silent),
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(self.lost()),
            }
        }
    }

    fn lost(&mut self) -> Lost {
        Lost::Ended(self.process.autopsy())
    }

    /// Whether it lives, and keeps silent as it should.
    fn is_quiet(&self) -> bool {
        self.frames.is_empty() && line::is_silent(&self.stream)
    }
}

fn is_timeout(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
