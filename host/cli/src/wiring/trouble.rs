//! A machine and a network that go wrong where somebody says, to see what a run survives.
//!
//! The runner does not know of it: it writes to the machine and asks over the network that it is
//! given.

mod link;

use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use runner::{JournalFile, Machine, ThisMachine};
use wire::Endpoint;

/// Where the process dies as by `kill -9`. Everything is counted from 1, in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KillPoint {
    /// When a record is written to the journal: all of it, or so many of its bytes.
    Append { number: u64, bytes: Option<usize> },
    /// When the journal is brought to the disk: before that, or after it.
    Sync { number: u64, done: bool },
    /// When a WebSocket frame of the model's server has arrived, before anything is made of it.
    Frame { number: u64 },
}

/// Where the journal's disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FailPoint {
    act: Act,
    number: u64,
    failure: Failure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Append,
    Sync,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// There is no room: half of the bytes fit.
    Full,
    /// The device does not do it.
    Io,
}

impl FromStr for KillPoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let point = match parts.as_slice() {
            ["append", number] => Self::Append { number: counted(number)?, bytes: None },
            ["append", number, bytes] => {
                let bytes = bytes.parse().map_err(|_| format!("`{bytes}` is no number"))?;
                Self::Append { number: counted(number)?, bytes: Some(bytes) }
            }
            ["sync", number, "before"] => Self::Sync { number: counted(number)?, done: false },
            ["sync", number, "after"] => Self::Sync { number: counted(number)?, done: true },
            ["frame", number] => Self::Frame { number: counted(number)? },
            _ => {
                return Err(
                    "write `append:N`, `append:N:BYTES`, `sync:N:before`, `sync:N:after` or `frame:N`"
                        .to_owned(),
                );
            }
        };
        Ok(point)
    }
}

impl FromStr for FailPoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = || "write `append:N:full`, `append:N:io`, `sync:N:full` or `sync:N:io`";
        let [act, number, failure] = text.split(':').collect::<Vec<_>>()[..] else {
            return Err(usage().to_owned());
        };
        let act = match act {
            "append" => Act::Append,
            "sync" => Act::Sync,
            _ => return Err(usage().to_owned()),
        };
        let failure = match failure {
            "full" => Failure::Full,
            "io" => Failure::Io,
            _ => return Err(usage().to_owned()),
        };
        Ok(Self { act, number: counted(number)?, failure })
    }
}

fn counted(number: &str) -> Result<u64, String> {
    match number.parse() {
        Ok(number @ 1..) => Ok(number),
        Ok(0) | Err(_) => Err(format!("`{number}` does not count from 1")),
    }
}

impl Failure {
    fn error(self) -> io::Error {
        match self {
            Self::Full => rustix::io::Errno::NOSPC.into(),
            Self::Io => rustix::io::Errno::IO.into(),
        }
    }
}

/// The points of one process, and how far it has come.
#[derive(Debug)]
pub(crate) struct Trouble {
    kill: Option<KillPoint>,
    fail: Option<FailPoint>,
    appends: AtomicU64,
    syncs: AtomicU64,
    frames: AtomicU64,
}

impl Trouble {
    pub(crate) fn new(kill: Option<KillPoint>, fail: Option<FailPoint>) -> Arc<Self> {
        let (appends, syncs, frames) = Default::default();
        Arc::new(Self { kill, fail, appends, syncs, frames })
    }

    /// The machine to run on.
    pub(crate) fn machine(self: &Arc<Self>) -> Arc<dyn Machine> {
        match (self.kill, self.fail) {
            (None | Some(KillPoint::Frame { .. }), None) => Arc::new(ThisMachine),
            (_, _) => Arc::new(TroubledMachine(Arc::clone(self))),
        }
    }

    /// The endpoint to ask, whose frames are counted where one of them is a point.
    pub(crate) fn endpoint(self: &Arc<Self>, endpoint: Endpoint) -> Endpoint {
        match self.kill {
            Some(KillPoint::Frame { .. }) => {
                endpoint.with_dialer(Arc::new(link::TroubledNetwork(Arc::clone(self))))
            }
            Some(KillPoint::Append { .. } | KillPoint::Sync { .. }) | None => endpoint,
        }
    }

    /// How the disk fails at the `number`th of these, if it does.
    fn failure(&self, act: Act, number: u64) -> Option<Failure> {
        let fail = self.fail.filter(|fail| (fail.act, fail.number) == (act, number))?;
        Some(fail.failure)
    }

    fn frame(&self) {
        let number = next(&self.frames);
        if self.kill == Some(KillPoint::Frame { number }) {
            die();
        }
    }
}

fn next(count: &AtomicU64) -> u64 {
    count.fetch_add(1, Ordering::Relaxed) + 1
}

/// Ends this process as nothing can end it that could be caught.
fn die() -> ! {
    let me = rustix::process::getpid();
    // A process may kill itself. Were it not so, it must end here all the same.
    let _killed = rustix::process::kill_process(me, rustix::process::Signal::KILL);
    std::process::abort()
}

#[derive(Debug)]
struct TroubledMachine(Arc<Trouble>);

impl Machine for TroubledMachine {
    fn open(&self, path: &Path) -> io::Result<Box<dyn JournalFile>> {
        let file = ThisMachine.open(path)?;
        Ok(Box::new(TroubledFile { file, trouble: Arc::clone(&self.0) }))
    }

    fn time_ms(&self) -> u64 {
        ThisMachine.time_ms()
    }
}

#[derive(Debug)]
struct TroubledFile {
    file: Box<dyn JournalFile>,
    trouble: Arc<Trouble>,
}

impl JournalFile for TroubledFile {
    fn read(&mut self, most: u64) -> io::Result<Vec<u8>> {
        self.file.read(most)
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.file.cut(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let now = next(&self.trouble.appends);
        if let Some(failure) = self.trouble.failure(Act::Append, now) {
            if failure == Failure::Full {
                self.file.append(&bytes[..bytes.len() / 2])?;
            }
            return Err(failure.error());
        }
        match self.trouble.kill {
            Some(KillPoint::Append { number, bytes: Some(part) }) if number == now => {
                self.file.append(&bytes[..part.min(bytes.len())])?;
                die()
            }
            Some(KillPoint::Append { number, bytes: None }) if number == now => {
                self.file.append(bytes)?;
                die()
            }
            Some(_) | None => self.file.append(bytes),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let now = next(&self.trouble.syncs);
        if let Some(failure) = self.trouble.failure(Act::Sync, now) {
            return Err(failure.error());
        }
        let done = match self.trouble.kill {
            Some(KillPoint::Sync { number, done }) if number == now => Some(done),
            Some(_) | None => None,
        };
        if done == Some(false) {
            die()
        }
        self.file.sync()?;
        if done == Some(true) {
            die()
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_named_or_refused() {
        let kill = |text: &str| text.parse::<KillPoint>();
        assert_eq!(kill("append:3"), Ok(KillPoint::Append { number: 3, bytes: None }));
        assert_eq!(kill("append:3:0"), Ok(KillPoint::Append { number: 3, bytes: Some(0) }));
        assert_eq!(kill("sync:1:before"), Ok(KillPoint::Sync { number: 1, done: false }));
        assert_eq!(kill("sync:1:after"), Ok(KillPoint::Sync { number: 1, done: true }));
        assert_eq!(kill("frame:20"), Ok(KillPoint::Frame { number: 20 }));
        for wrong in ["", "append", "append:0", "append:x", "append:1:x", "sync:1", "frame:-1"] {
            assert!(kill(wrong).is_err(), "{wrong}");
        }
        let fail = |text: &str| text.parse::<FailPoint>();
        let full = FailPoint { act: Act::Append, number: 2, failure: Failure::Full };
        assert_eq!(fail("append:2:full"), Ok(full));
        let io = FailPoint { act: Act::Sync, number: 1, failure: Failure::Io };
        assert_eq!(fail("sync:1:io"), Ok(io));
        for wrong in ["append:2", "append:0:io", "frame:1:io", "sync:1:after"] {
            assert!(fail(wrong).is_err(), "{wrong}");
        }
    }
}
