//! Starts the processes of workers, and sees them to their end.
#![expect(clippy::disallowed_types, reason = "the one module of this crate that starts processes")]

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use super::line;

/// The program that a worker is: one that calls [`crate::serve`] first of all when it is given
/// these arguments. Usually the program that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Where it lies.
    pub path: PathBuf,
    /// What makes it a worker.
    pub arguments: Vec<OsString>,
}

/// Starts processes, from one thread that lives as long as they do: the kernel ends a worker
/// when the *thread* that started it ends.
#[derive(Debug)]
pub(crate) struct Starter {
    jobs: mpsc::Sender<Job>,
    thread: Option<JoinHandle<()>>,
}

/// A worker's process. Dropping it ends the process.
#[derive(Debug)]
pub(crate) struct Process {
    // Nothing once it has been buried.
    child: Option<Child>,
    bury: mpsc::Sender<Job>,
}

/// A process that is being started, and its line. Dropping it ends the process.
#[derive(Debug)]
pub(crate) struct Begun {
    started: mpsc::Receiver<io::Result<Process>>,
    line: UnixStream,
}

enum Job {
    Start { line: OwnedFd, started: mpsc::Sender<io::Result<Process>> },
    Bury(Child),
    Over,
}

impl Starter {
    pub(crate) fn new(program: Program) -> Self {
        let (jobs, to_do) = mpsc::channel();
        let bury = jobs.clone();
        let thread = thread::Builder::new().name("workers".to_owned());
        // Without a thread every start fails, and says so.
        let thread = thread.spawn(move || work(&program, &to_do, &bury)).ok();
        Self { jobs, thread }
    }

    /// Has a process started, without waiting until it is. It waits on its line for what it is to
    /// do.
    pub(crate) fn begin(&self) -> io::Result<Begun> {
        let (line, theirs) = UnixStream::pair()?;
        let (started, process) = mpsc::channel();
        let job = Job::Start { line: theirs.into(), started };
        self.jobs.send(job).map_err(|_| gone())?;
        Ok(Begun { started: process, line })
    }
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts workers is gone")
}

impl Begun {
    /// Whether the process waits, or is about to.
    pub(crate) fn is_there(&self) -> bool {
        line::is_silent(&self.line)
    }

    /// Waits until the process is there.
    pub(crate) fn started(self) -> io::Result<(Process, UnixStream)> {
        let process = self.started.recv().map_err(|_| gone())??;
        Ok((process, self.line))
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        // Processes hold senders, too, so that the channel would never close.
        drop(self.jobs.send(Job::Over));
        if let Some(thread) = self.thread.take() {
            // It has nothing to panic about, and it would not be ours to tell.
            drop(thread.join());
        }
    }
}

fn work(program: &Program, jobs: &mpsc::Receiver<Job>, bury: &mpsc::Sender<Job>) {
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Start { line, started } => {
                let process = |child| Process { child: Some(child), bury: bury.clone() };
                // Whoever asked may have gone; then the process comes back, and is ended.
                drop(started.send(spawn(program, line).map(process)));
            }
            Job::Bury(child) => {
                end(child);
            }
            Job::Over => break,
        }
    }
    // Whoever came back because nobody waited for it any more.
    while let Ok(job) = jobs.try_recv() {
        if let Job::Bury(child) = job {
            end(child);
        }
    }
}

fn spawn(program: &Program, line: OwnedFd) -> io::Result<Child> {
    Command::new(&program.path)
        .args(&program.arguments)
        .env_clear()
        .current_dir("/")
        // What a terminal says to the step (to stop, say) is for the step, which ends its workers.
        .process_group(0)
        .stdin(Stdio::from(line))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Ends a process that may have ended already; how it did.
fn end(mut child: Child) -> Option<ExitStatus> {
    // It fails when the process is gone.
    drop(child.kill());
    child.wait().ok()
}

impl Process {
    /// Sees the process to its end, and says how it came to it.
    pub(crate) fn autopsy(&mut self) -> String {
        let status = self.child.take().and_then(end);
        status.map_or_else(|| "nobody knows how".to_owned(), in_words)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        drop(child.kill());
        // Waiting for the end is not for whoever dropped it, unless there is nobody else.
        if let Err(mpsc::SendError(Job::Bury(child))) = self.bury.send(Job::Bury(child)) {
            end(child);
        }
    }
}

fn in_words(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(libc::SIGSYS), _) => "it made a system call that no guest needs".to_owned(),
        (Some(libc::SIGXCPU), _) => "it used more processor time than it has".to_owned(),
        (Some(libc::SIGXFSZ), _) => "it wrote more than it may".to_owned(),
        (Some(libc::SIGSEGV | libc::SIGBUS), _) => "it touched memory that is not there".to_owned(),
        (Some(libc::SIGKILL), _) => "it was killed".to_owned(),
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("it left with code {code}"),
        (None, None) => "nobody knows how".to_owned(),
    }
}
