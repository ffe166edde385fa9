//! What a guest must not be able to do even with the worker's native code at its command, tried
//! by the worker's own native code, behind the same walls, with no guest in the process.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "to see that none of it works"
)]

use std::fs;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::process::Command;

use crate::engine::Wasm;
use crate::sandbox::Allocator;

/// Bytes that a greedy worker asks for: more than any limit allows.
const GREEDY_BYTES: usize = 8 * 1024 * 1024 * 1024;

/// Bytes of a page, or of a part of one.
const PAGE_BYTES: usize = 4_096;

/// From the place of a call on the stack to what no further call uses. The kernel maps twice as
/// much from the beginning.
const UNUSED_BYTES: usize = 64 * 1024;

/// Something that must fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// Reading a file that everybody may read.
    ReadFile,
    /// Writing a file where everybody may write.
    WriteFile,
    /// Listening on a port.
    Listen,
    /// Sending a datagram.
    SendDatagram,
    /// Listening on a socket without a place in the file system.
    LocalSocket,
    /// Running a program.
    RunProgram,
    /// Another thread.
    StartThread,
    /// Reading the environment of the process that started it, where the key is.
    ReadParentsEnvironment,
    /// A signal to the process that started it.
    SignalParent,
    /// Making bytes executable.
    NewCode,
    /// More memory than anybody grants.
    TakeMemory,
    /// Going on when the time is over.
    GoOnForever,
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// It worked: a wall has a hole.
    Did(String),
    /// It was refused, or the process was ended for trying; how.
    Refused(String),
}

impl Trial {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::ReadFile,
        Self::WriteFile,
        Self::Listen,
        Self::SendDatagram,
        Self::LocalSocket,
        Self::RunProgram,
        Self::StartThread,
        Self::ReadParentsEnvironment,
        Self::SignalParent,
        Self::NewCode,
        Self::TakeMemory,
        Self::GoOnForever,
    ];

    /// What is tried, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadFile => "read a file",
            Self::WriteFile => "write a file",
            Self::Listen => "listen on a port",
            Self::SendDatagram => "send a datagram",
            Self::LocalSocket => "open a local socket",
            Self::RunProgram => "run a program",
            Self::StartThread => "start a thread",
            Self::ReadParentsEnvironment => "read the environment of the step",
            Self::SignalParent => "signal the process of the step",
            Self::NewCode => "bring code of its own",
            Self::TakeMemory => "take 8 GiB of memory",
            Self::GoOnForever => "go on when its time is over",
        }
    }

    pub(crate) fn number(self) -> u8 {
        let at = Self::ALL.iter().position(|&trial| trial == self);
        at.and_then(|at| u8::try_from(at).ok()).expect("all of them are a dozen")
    }

    pub(crate) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Tries it. That may be the last thing this process does.
    pub(super) fn attempt(self, parent: u32) -> Tried {
        match self {
            Self::ReadFile => tried(fs::read("/etc/passwd")),
            Self::WriteFile => tried(fs::write("/tmp/stepwell-trial", "out")),
            Self::Listen => tried(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))),
            Self::SendDatagram => tried(
                UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
                    .and_then(|socket| socket.send_to(b"out", (Ipv4Addr::LOCALHOST, 9))),
            ),
            Self::LocalSocket => tried(UnixListener::bind("/tmp/stepwell-trial.socket")),
            Self::RunProgram => tried(Command::new("/bin/true").status()),
            Self::StartThread => {
                tried(std::thread::Builder::new().spawn(|| 1).map(|thread| thread.join().is_ok()))
            }
            Self::ReadParentsEnvironment => {
                tried(fs::read(format!("/proc/{parent}/environ")).map(|bytes| bytes.len()))
            }
            Self::SignalParent => signal(parent),
            Self::NewCode => new_code(),
            Self::TakeMemory => take_memory(),
            Self::GoOnForever => loop {
                std::hint::spin_loop();
            },
        }
    }
}

fn tried<T: std::fmt::Debug>(done: std::io::Result<T>) -> Tried {
    match done {
        Ok(_) => Tried::Did("it worked".to_owned()),
        Err(err) => Tried::Refused(err.to_string()),
    }
}

fn signal(parent: u32) -> Tried {
    let pid = i32::try_from(parent).ok().and_then(rustix::process::Pid::from_raw);
    let Some(pid) = pid else { return Tried::Refused("it has no parent".to_owned()) };
    tried(rustix::process::kill_process(pid, rustix::process::Signal::WINCH).map_err(Into::into))
}

/// A component of one empty function: the engine compiles it and makes the result executable.
fn new_code() -> Tried {
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0\x01\x18\0asm\x01\0\0\0\
        \x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x04\x01\x02\0\x0b";
    let Ok(wasm) = Wasm::new(Allocator::OnDemand, 1, 0) else {
        return Tried::Refused("no engine".to_owned());
    };
    match wasmtime::component::Component::from_binary(&wasm.engine, COMPONENT) {
        Ok(_) => Tried::Did("it worked".to_owned()),
        Err(err) => Tried::Refused(format!("{err:#}")),
    }
}

fn take_memory() -> Tried {
    match heap() {
        Tried::Refused(why) => match stacks() {
            Some(did) => Tried::Did(did),
            None => Tried::Refused(why),
        },
        did @ Tried::Did(_) => did,
    }
}

fn heap() -> Tried {
    let mut bytes: Vec<u8> = Vec::new();
    match bytes.try_reserve_exact(GREEDY_BYTES) {
        Ok(()) => {
            bytes.resize(GREEDY_BYTES, 1);
            Tried::Did(format!("it has {} bytes", bytes.len()))
        }
        Err(err) => Tried::Refused(err.to_string()),
    }
}

/// Memory that the limit does not count: the process's own stack, made larger, and another one.
#[expect(unsafe_code, reason = "nothing safe asks for such memory")]
fn stacks() -> Option<String> {
    let local = 0_u8;
    let here = std::ptr::from_ref(std::hint::black_box(&local)).addr();
    let page = std::ptr::without_provenance_mut((here - UNUSED_BYTES) & !(PAGE_BYTES - 1));
    // SAFETY: a page of the stack that nobody uses. It is gone if the call does what it must not
    // do, and what is called before that is said does not reach as far.
    let moved = unsafe { libc::mremap(page, PAGE_BYTES, GREEDY_BYTES, libc::MREMAP_MAYMOVE) };
    if moved != libc::MAP_FAILED {
        return Some(format!("its stack has {GREEDY_BYTES} bytes"));
    }
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_GROWSDOWN;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping, at a place of the kernel's choice.
    let mapped = unsafe { libc::mmap(std::ptr::null_mut(), GREEDY_BYTES, access, flags, -1, 0) };
    (mapped != libc::MAP_FAILED).then(|| format!("another stack has {GREEDY_BYTES} bytes"))
}
