//! The walls around a guest's process, put up by the process itself before any guest is in it.
//!
//! Nothing here needs root, user namespaces or KVM. What this kernel does not have is said, not
//! passed over: [`Walls::missing`] goes into the run's log.

use std::time::Duration;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetStatus, Scope,
};
use rustix::fs::{Mode, OFlags};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::filter;
use crate::engine::Memory;

/// The access rights that we know of. Older kernels give what they have.
const LANDLOCK: ABI = ABI::V9;

/// Memory of a worker beside its guests': the engine, messages, a large file in three copies.
const OWN_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Memory of a process that compiles. The largest component known takes 400 MB.
const COMPILE_BYTES_MAX: u64 = 3 * 1024 * 1024 * 1024;

/// Bytes of compiled code; the same as in `compiled.rs`.
const CODE_BYTES_MAX: u64 = crate::compiled::CODE_BYTES_MAX;

/// Processor time of a process that compiles. The largest component known takes 13 seconds of
/// an optimised compiler.
pub(crate) const COMPILE_CPU: Duration = Duration::from_secs(300);

/// Processor time of a worker in its life: twice the longest call, since one that has been busy
/// for one of them is not given another.
pub(crate) const WORKER_CPU: Duration = Duration::from_secs(1_260);

/// Stack of the one thread. The same as most systems give, and counted by no other limit.
const STACK_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// How readily a process is ended when memory runs short, from -1000 to 1000.
const FIRST_TO_GO: &[u8] = b"1000";

/// The version of Landlock from which on nothing is beyond its reach that ours should keep out.
const LANDLOCK_WHOLE: i32 = 6;

/// One wall between a guest and this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wall {
    /// What it is called.
    pub name: String,
    /// Whether it stands.
    pub stands: bool,
    /// What it keeps out, or why it does not stand.
    pub about: String,
}

/// The walls of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walls {
    pub(crate) memory: Memory,
    /// All of them, those that do not stand too.
    pub walls: Vec<Wall>,
}

impl Walls {
    /// Which walls are missing and why, in one line; empty when none is.
    pub fn missing(&self) -> String {
        let missing = self.walls.iter().filter(|wall| !wall.stands);
        let words: Vec<String> =
            missing.map(|wall| format!("{} ({})", wall.name, wall.about)).collect();
        words.join(", ")
    }
}

/// What a process is walled in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To run guests with so many bytes.
    Guests { memory_bytes: u64 },
    /// To compile.
    Compile,
}

/// The very first lines of a worker: nothing that its parent left behind stays, and it does not
/// outlive its parent.
pub(crate) fn at_birth() -> Vec<Wall> {
    let inherited =
        wall("descriptors", "it has its line and its code, and no others", close_inherited);
    let mut orphan = wall("lifetime", "it ends with the process that started it", || {
        said(rustix::process::set_parent_process_death_signal(Some(Signal::KILL)))
    });
    if orphan.stands {
        // Rather a guest than the step, whose state is worth more. No wall: it can be had anywhere
        // but where `/proc` is not.
        orphan.about = match be_first_to_go() {
            Ok(()) => format!("{}, and before it when memory runs short", orphan.about),
            Err(err) => format!("{}, not before it when memory is short ({err})", orphan.about),
        };
    }
    let environment = wall("environment", "empty", || {
        #[expect(clippy::disallowed_methods, reason = "to see that there is none")]
        match std::env::vars_os().count() {
            0 => Ok(()),
            count => Err(format!("it has {count} variables")),
        }
    });
    vec![inherited, orphan, environment]
}

/// Everything else, when what the process needs is open. Afterwards it can compute, and talk on
/// its line.
pub(crate) fn around(purpose: Purpose, landlock: Landlock) -> Vec<Wall> {
    let privileges = wall("privileges", "none, and none to be had", drop_privileges);
    let limits = wall("limits", "processor time, memory, files, cores", || limit(purpose));
    // Last: it forbids what the others needed.
    let calls = wall("system calls", "computing and talking on its line, nothing else", || {
        filter::install(purpose)
    });
    vec![landlock.beside(&calls), privileges, limits, calls]
}

fn be_first_to_go() -> rustix::io::Result<()> {
    let (path, flags) = ("/proc/self/oom_score_adj", OFlags::WRONLY | OFlags::CLOEXEC);
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    rustix::io::write(&file, FIRST_TO_GO).map(drop)
}

fn wall(name: &str, about: &str, build: impl FnOnce() -> Result<(), String>) -> Wall {
    let (stands, about) = match build() {
        Ok(()) => (true, about.to_owned()),
        Err(why) => (false, why),
    };
    Wall { name: name.to_owned(), stands, about }
}

fn said<T>(done: rustix::io::Result<T>) -> Result<(), String> {
    done.map(drop).map_err(|err| err.to_string())
}

#[expect(unsafe_code, reason = "nothing safe closes descriptors that nobody owns")]
fn close_inherited() -> Result<(), String> {
    // SAFETY: the first thing this process does. It has opened nothing yet, so that no
    // descriptor above the standard three belongs to anybody.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
    if closed == 0 { Ok(()) } else { Err(std::io::Error::last_os_error().to_string()) }
}

fn drop_privileges() -> Result<(), String> {
    said(rustix::thread::set_no_new_privs(true))?;
    // No other process of this user may look into it, nor does it leave its memory in a file.
    said(rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable))?;
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    said(rustix::thread::set_capabilities(None, sets))
}

fn limit(purpose: Purpose) -> Result<(), String> {
    let (memory, cpu, file) = match purpose {
        Purpose::Guests { memory_bytes } => {
            (memory_bytes.saturating_add(OWN_BYTES_MAX), WORKER_CPU, 0)
        }
        Purpose::Compile => (COMPILE_BYTES_MAX, COMPILE_CPU, CODE_BYTES_MAX),
    };
    // Not `As`: an engine reserves gibibytes that it never touches. `Data` counts what can be
    // written to.
    let limits = [
        (Resource::Data, memory),
        (Resource::Cpu, cpu.as_secs()),
        (Resource::Fsize, file),
        (Resource::Stack, STACK_BYTES_MAX),
        (Resource::Core, 0),
        (Resource::Nofile, 0),
        (Resource::Nproc, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ];
    let failed: Vec<String> = limits
        .into_iter()
        .filter_map(|(resource, most)| {
            // Whoever started us may have allowed less, for good.
            let present = rustix::process::getrlimit(resource).maximum;
            let most = Some(present.map_or(most, |present| present.min(most)));
            let limit = Rlimit { current: most, maximum: most };
            let err = rustix::process::setrlimit(resource, limit).err()?;
            Some(format!("{resource:?}: {err}"))
        })
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join(", ")) }
}

/// What came of Landlock.
#[derive(Debug)]
pub(crate) struct Landlock(Result<i32, String>);

impl Landlock {
    /// As a wall. What a version does not reach is refused by the filter of system calls, where
    /// there is one.
    fn beside(self, calls: &Wall) -> Wall {
        let name = "landlock".to_owned();
        match self.0 {
            Err(about) => Wall { name, stands: false, about },
            Ok(version) => {
                let stands = version >= LANDLOCK_WHOLE || calls.stands;
                Wall { name, stands, about: reach(version) }
            }
        }
    }
}

/// What a version of Landlock keeps out, and what it does not.
fn reach(version: i32) -> String {
    let since = [
        (3, "cutting files short"),
        (4, "ports (TCP)"),
        (6, "signals"),
        (6, "local sockets without a name in the file system"),
    ];
    let beyond: Vec<&str> =
        since.into_iter().filter(|(from, _)| version < *from).map(|(_, what)| what).collect();
    let within = match version {
        ..4 => "no file",
        4..LANDLOCK_WHOLE => "no file, no port",
        _ => "no file, no port, no process",
    };
    if beyond.is_empty() {
        return format!("{within} (version {version})");
    }
    format!("{within}; beyond version {version}: {}", beyond.join(", "))
}

/// No file but those that are open, before compiled code is loaded: where somebody has put his own
/// in the place of ours, it begins to work while it is loaded.
pub(crate) fn landlock() -> Landlock {
    Landlock(restrict())
}

/// No file, no port, no other process: a rule set that allows nothing. Says which version of it
/// stands.
fn restrict() -> Result<i32, String> {
    let say = |err: landlock::RulesetError| err.to_string();
    let rules = Ruleset::default().handle_access(AccessFs::from_all(LANDLOCK)).map_err(say)?;
    let rules = rules.handle_access(AccessNet::from_all(LANDLOCK)).map_err(say)?;
    let rules = rules.scope(Scope::from_all(LANDLOCK)).map_err(say)?;
    let status = rules.create().and_then(landlock::RulesetCreated::restrict_self).map_err(say)?;
    let version = match status.landlock {
        LandlockStatus::NotEnabled => return Err("switched off in this kernel".to_owned()),
        LandlockStatus::NotImplemented => return Err("not in this kernel".to_owned()),
        LandlockStatus::Available { effective_abi, .. } => effective_abi as i32,
    };
    match status.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(version),
        RulesetStatus::NotEnforced => Err("the kernel does not enforce it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_landlock_says_what_it_does_not_reach_and_needs_the_filter() {
        let calls = |stands| Wall { name: String::new(), stands, about: String::new() };
        let said = |version, filtered| {
            let Wall { stands, about, .. } = Landlock(Ok(version)).beside(&calls(filtered));
            format!("{} {about}", if stands { "stands:" } else { "missing:" })
        };
        insta::assert_snapshot!([
            said(1, true),
            said(3, true),
            said(4, false),
            said(5, true),
            said(6, false),
            said(9, true),
        ].join("\n"), @r"
        stands: no file; beyond version 1: cutting files short, ports (TCP), signals, local sockets without a name in the file system
        stands: no file; beyond version 3: ports (TCP), signals, local sockets without a name in the file system
        missing: no file, no port; beyond version 4: signals, local sockets without a name in the file system
        stands: no file, no port; beyond version 5: signals, local sockets without a name in the file system
        stands: no file, no port, no process (version 6)
        stands: no file, no port, no process (version 9)
        ");
        let none = Landlock(Err("not in this kernel".to_owned())).beside(&calls(true));
        assert!(!none.stands);
    }
}
