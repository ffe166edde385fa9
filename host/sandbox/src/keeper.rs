//! The process that keeps the step's own tests: it starts the command, and leaves nothing of it
//! behind, however the command or the step ends.
//!
//! Its standard input is its line to the step. When that closes, because the step wants it or is
//! no more, the command is killed. Whatever leaves the command's group, or its parents, becomes
//! this process's own child, and is killed at the end.
#![expect(clippy::disallowed_types, reason = "the command is no guest: it is started as it is")]

use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;

use landlock::{
    ABI, Access, AccessFs, LandlockStatus, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetStatus, Scope, path_beneath_rules,
};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal, WaitOptions, WaitStatus};
use serde::{Deserialize, Serialize};

/// The access rights that we know of. Older kernels give what they have.
const LANDLOCK: ABI = ABI::V9;

/// How often what is left of a command is looked for and killed: who starts processes faster than
/// that is left to the group's end and the machine.
const ROUNDS_MAX: u32 = 10_000;

/// What a keeper ends with that could not start the command, or lost sight of it.
const NOT_KEPT: u8 = 125;

/// What a keeper is to do. In JSON, it is the argument that a keeper gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Orders {
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// What the command may reach, where Landlock is to see to that.
    pub reach: Option<TestsReach>,
    /// The most bytes of one file that the command writes.
    pub file_bytes_max: u64,
}

/// The files that a command may reach behind Landlock. What is not there is passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TestsReach {
    /// What it may read and run, with all that is below it.
    pub read: Vec<PathBuf>,
    /// What it may write, too.
    pub write: Vec<PathBuf>,
}

/// What a process that was started as a keeper does, instead of everything else: `orders` are its
/// argument. It ends as the command did; what it could not do it says on its line.
pub fn keep(orders: &str) -> ExitCode {
    let kept = serde_json::from_str(orders)
        .map_err(|err| format!("the keeper's orders cannot be read: {err}"))
        .and_then(|orders| begin(&orders));
    match kept {
        Ok(child) => end_as(see_to_end(child)),
        Err(why) => {
            // Where nobody listens, nobody waits either.
            let _heard = rustix::io::write(rustix::stdio::stdin(), why.as_bytes());
            ExitCode::from(NOT_KEPT)
        }
    }
}

/// Which version of Landlock this machine has for a command; why none, otherwise.
///
/// # Errors
/// In words for people.
pub fn tests_landlock() -> Result<i32, String> {
    let nothing = TestsReach { read: Vec::new(), write: Vec::new() };
    // What a thread gives up is gone with it.
    let tried = thread::spawn(move || restrict(&nothing)).join();
    tried.unwrap_or_else(|_| Err("the trial failed".to_owned()))
}

/// Starts the command, and the thread that hears when nobody waits for it any more.
fn begin(orders: &Orders) -> Result<Pid, String> {
    let say = |err: Errno| err.to_string();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).map_err(say)?;
    let limits = [(Resource::Fsize, orders.file_bytes_max), (Resource::Core, 0)];
    for (resource, most) in limits {
        let present = rustix::process::getrlimit(resource).maximum;
        let most = Some(present.map_or(most, |present| present.min(most)));
        let limit = Rlimit { current: most, maximum: most };
        rustix::process::setrlimit(resource, limit).map_err(say)?;
    }
    let child = start(orders.clone())?;
    thread::spawn(move || {
        until_line_closes();
        kill_command(child);
    });
    Ok(child)
}

/// Starts the command from a thread that gave up what the command is not to have. It stays, since
/// a child may want to end with it.
fn start(orders: Orders) -> Result<Pid, String> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let started = orders.reach.as_ref().map_or(Ok(0), restrict).and_then(|_| spawn(&orders));
        if tell.send(started).is_ok() {
            loop {
                thread::park();
            }
        }
    });
    told.recv().unwrap_or_else(|_| Err("the thread that starts the command is gone".to_owned()))
}

fn spawn(orders: &Orders) -> Result<Pid, String> {
    let [program, arguments @ ..] = orders.command.as_slice() else {
        return Err("the command is empty".to_owned());
    };
    let child = Command::new(program).args(arguments).stdin(Stdio::null()).process_group(0).spawn();
    let child = child.map_err(|err| err.to_string())?;
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| "the command has no number".to_owned())
}

/// Nothing but `reach` for this thread and what it starts. Says which version of Landlock does it.
fn restrict(reach: &TestsReach) -> Result<i32, String> {
    let say = |err: landlock::RulesetError| err.to_string();
    let all = AccessFs::from_all(LANDLOCK);
    let rules = Ruleset::default().handle_access(all).map_err(say)?;
    let rules = rules.scope(Scope::from_all(LANDLOCK)).map_err(say)?;
    let read = path_beneath_rules(&reach.read, AccessFs::from_read(LANDLOCK));
    let write = path_beneath_rules(&reach.write, all);
    let rules = rules.create().map_err(say)?;
    let rules = rules.add_rules(read).and_then(|rules| rules.add_rules(write)).map_err(say)?;
    let status = rules.restrict_self().map_err(say)?;
    let version = match status.landlock {
        LandlockStatus::NotEnabled => return Err("Landlock is switched off".to_owned()),
        LandlockStatus::NotImplemented => return Err("this kernel has no Landlock".to_owned()),
        LandlockStatus::Available { effective_abi, .. } => effective_abi as i32,
    };
    match status.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(version),
        RulesetStatus::NotEnforced => Err("the kernel does not enforce Landlock".to_owned()),
    }
}

fn until_line_closes() {
    let mut word = [0; 64];
    loop {
        match rustix::io::read(rustix::stdio::stdin(), &mut word) {
            Ok(1..) | Err(Errno::INTR) => {}
            Ok(0) | Err(_) => return,
        }
    }
}

/// Kills the command, and no other process that has its number by now.
fn kill_command(child: Pid) {
    let killed = rustix::process::pidfd_open(child, PidfdFlags::empty())
        .and_then(|child| rustix::process::pidfd_send_signal(child.as_fd(), Signal::KILL));
    if killed == Err(Errno::NOSYS) {
        // Only main reaps, and it does nothing but wait for this one.
        let _gone = rustix::process::kill_process(child, Signal::KILL);
    }
}

/// Waits for the command, and then ends all that it left.
fn see_to_end(child: Pid) -> Option<WaitStatus> {
    let status = loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == child => break Some(status),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => break None,
        }
    };
    let _gone = rustix::process::kill_process_group(child, Signal::KILL);
    for _ in 0..ROUNDS_MAX {
        for orphan in children() {
            // Nobody but this thread reaps it, so the number is still its own.
            let _gone = rustix::process::kill_process(orphan, Signal::KILL);
        }
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => break,
        }
    }
    status
}

/// The processes whose parent this one is.
#[expect(clippy::disallowed_methods, reason = "the kernel's own files, and no guest in sight")]
fn children() -> Vec<Pid> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<i32>().ok();
    let is_child = |pid: &i32| {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
        // `PID (NAME) STATE PARENT …`: a name may hold anything.
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        after_name.split_whitespace().nth(1) == Some(own.to_string().as_str())
    };
    entries.filter_map(number).filter(is_child).filter_map(Pid::from_raw).collect()
}

/// Ends this process as the command ended.
fn end_as(status: Option<WaitStatus>) -> ExitCode {
    let Some(status) = status else { return ExitCode::from(NOT_KEPT) };
    if let Some(signal) = status.terminating_signal().and_then(Signal::from_named_raw) {
        let _sent = rustix::process::kill_process(rustix::process::getpid(), signal);
    }
    let code = status.exit_status().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(NOT_KEPT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_as_they_were_written() {
        let reach = TestsReach { read: vec!["/usr".into()], write: vec!["/tmp".into()] };
        let command = vec!["a b".to_owned(), "\"\n".to_owned()];
        let orders = Orders { command, reach: Some(reach), file_bytes_max: 3 };
        let text = serde_json::to_string(&orders).unwrap();
        assert_eq!(serde_json::from_str::<Orders>(&text).unwrap(), orders);
    }
}
