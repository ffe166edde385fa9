//! What is left of a cache when a process that writes to it is killed, or fails, at each of its
//! system calls: never a wrong answer, never an error where a miss would do, and the next store
//! heals it. And two hundred processes at once.
//!
//! The system calls are stopped by `strace`; this program is both who traces and who is traced, so
//! it has no harness. Where there is no `strace` it says so loudly and passes.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test talks to its reader")]
#![expect(clippy::disallowed_methods, reason = "it takes processes to be killed")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use cache::{Cache, Call, Identity, Lookup, MachineKey, Options, Output, Stored};
use snapshot::{Digest, Grant, Question, Snapshot, Tree, View};
use tempfile::TempDir;

/// What a process is told to do, and where.
const ROLE: &str = "CACHE_CRASH_ROLE";
const PLACE: &str = "CACHE_CRASH_PLACE";

/// The calls by which a store reaches a disk. All of a kind are stopped in turn.
const CALLS: [&str; 17] = [
    "openat",
    "mkdir",
    "write",
    "pwrite64",
    "rename",
    "renameat",
    "renameat2",
    "linkat",
    "unlink",
    "fchmod",
    "ftruncate",
    "fallocate",
    "fdatasync",
    "fsync",
    "flock",
    "fcntl",
    "pread64",
];

/// How a call fails that does: once, or from then on.
const ERRORS: [(&str, &str); 4] = [("ENOSPC", ""), ("ENOSPC", "+"), ("EIO", ""), ("EIO", "+")];

/// Calls that need no room on a disk.
const ROOMLESS: [&str; 4] = ["pread64", "flock", "fcntl", "unlink"];

/// Of calls that are made often, each is killed that writes, and every so many of the others; every
/// so many fail.
const LOCKS_APART: usize = 7;
const FAILURES_APART: usize = 5;

/// Stores that are stopped at one time.
const AT_ONCE: usize = 2;

/// Processes at once on one directory, and the calls that each makes.
const PROCESSES: usize = 200;
const CALLS_EACH: usize = 6;
const CALLS_AMONG_THEM: usize = 20;

/// A store that failed, and said so.
const FAILED: u8 = 3;
type Failed = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match env::var(ROLE).as_deref() {
        Ok("store") => return store(&World::given()),
        Ok("hammer") => return hammer(&World::given()),
        Ok(_) | Err(_) => {}
    }
    if !is_wanted() {
        return ExitCode::SUCCESS;
    }
    many_processes();
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        eprintln!("SKIPPED LOUDLY: no strace here, so no system call was stopped");
        return ExitCode::SUCCESS;
    }
    let faults = planned();
    let next = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    fault.happen();
                }
            });
        }
    });
    println!("crash: {} stores were killed or failed, none left a wrong answer", faults.len());
    ExitCode::SUCCESS
}

/// The arguments are a harness's: names to look for, or the wish for a list.
fn is_wanted() -> bool {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let mut names = arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
    let lists = arguments.iter().any(|argument| argument == "--list");
    !lists && (names.peek().is_none() || names.any(|name| "crash".contains(name.as_str())))
}

/// A repository, a cache and a machine's key, in one directory.
struct World {
    root: PathBuf,
    _own: Option<TempDir>,
}

impl World {
    fn new() -> Self {
        // In memory where that can be: nothing here depends on how slow a disk is.
        let memory = Path::new("/dev/shm");
        let own = match tempfile::tempdir_in(memory) {
            Ok(own) => own,
            Err(_) => tempfile::tempdir().unwrap(),
        };
        let world = Self { root: own.path().to_owned(), _own: Some(own) };
        fs::create_dir(world.root.join("repository")).unwrap();
        fs::write(world.root.join("repository/a"), "1").unwrap();
        drop(world.open().unwrap());
        fs::remove_dir_all(world.root.join("cache")).unwrap();
        world
    }

    /// One in which something is kept, or not.
    fn prepared(start: &str) -> Self {
        let world = Self::new();
        if start == "used" {
            keep(&world.open().unwrap(), &world, "other").unwrap();
        }
        world
    }

    /// The one that the parent has made.
    fn given() -> Self {
        let root = env::var(PLACE).unwrap();
        Self { root: Path::new(&root).to_owned(), _own: None }
    }

    fn open(&self) -> Result<Cache, Failed> {
        let key = MachineKey::at(&self.root.join("machine.key"))?;
        Ok(Cache::open(&self.root.join("cache"), Options::new(key))?)
    }

    fn view(&self) -> Result<View, Failed> {
        let snapshot = Snapshot::directory(&self.root.join("repository"))?;
        Ok(View::new(snapshot, None, Grant::everything()))
    }

    /// A process of this program, under `strace` if it is told how.
    fn process(&self, role: &str, strace: &[&str]) -> Command {
        let this = env::current_exe().unwrap();
        let mut command = match strace {
            [] => Command::new(this),
            arguments => {
                let mut command = Command::new("strace");
                command.args(["-f", "-qq"]).args(arguments).arg(this);
                command
            }
        };
        command.env(ROLE, role).env(PLACE, &self.root).env("RUST_BACKTRACE", "0");
        // What is looked for in vain by the loader is not the store's.
        command.env_remove("LD_LIBRARY_PATH");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

fn call(tool: &str) -> Call {
    let nothing = Digest::of(b"");
    Call::new(Identity {
        component: nothing,
        world: String::new(),
        tool: tool.to_owned(),
        schema: nothing,
        args: serde_json::Value::Null,
        grant: nothing,
        profile: nothing,
        salt: String::new(),
    })
    .unwrap()
}

fn output(tool: &str) -> Vec<u8> {
    format!("the output of {tool} ").repeat(200).into_bytes()
}

fn keep(cache: &Cache, world: &World, tool: &str) -> Result<Stored, Failed> {
    let question = Question::Content { tree: Tree::Head, path: "a".to_owned() };
    let digest = world.view()?.answer_digest(&question);
    let observed = [(question, digest)];
    Ok(cache.store(&call(tool), &observed, Output::Answer, &output(tool), 1_000_000)?)
}

/// Whether it is found; what is found must be right.
fn found(cache: &Cache, world: &World, tool: &str, when: &str) -> bool {
    match cache.lookup(&call(tool), &world.view().unwrap()) {
        Lookup::Hit(hit) => {
            assert!(hit.output == output(tool), "{when}: a wrong answer");
            true
        }
        Lookup::Miss(_) => false,
    }
}

/// A process that stores one output.
fn store(world: &World) -> ExitCode {
    let stored = world.open().and_then(|cache| keep(&cache, world, "tool"));
    match stored {
        Ok(Stored::New | Stored::Known) => ExitCode::SUCCESS,
        Ok(other) => panic!("{other:?}"),
        Err(_) => ExitCode::from(FAILED),
    }
}

/// One store that is stopped at one of its calls.
struct Fault {
    /// On a cache that is new, or one that holds something.
    start: &'static str,
    call: &'static str,
    /// As `strace` is told.
    inject: String,
}

/// All that happen.
fn planned() -> Vec<Fault> {
    let mut faults = Vec::new();
    for start in ["fresh", "used"] {
        for (call, count) in counted(start) {
            let mut add = |how: &str, number: usize, lasting: &str| {
                let inject = format!("inject={call}:{how}:when={number}{lasting}");
                faults.push(Fault { start, call, inject });
            };
            let apart = if call == "fcntl" { LOCKS_APART } else { 1 };
            (1..=count).step_by(apart).for_each(|number| add("signal=KILL", number, ""));
            for (error, lasting) in ERRORS {
                if start == "fresh" || (error == "ENOSPC" && ROOMLESS.contains(&call)) {
                    continue;
                }
                let how = format!("error={error}");
                let numbers = (1..=count).step_by(FAILURES_APART.min(count.div_ceil(3)));
                numbers.for_each(|number| add(&how, number, lasting));
            }
        }
    }
    faults
}

impl Fault {
    fn happen(&self) {
        let Self { start, call, inject } = self;
        let world = World::prepared(start);
        let trace = format!("trace={call}");
        let arguments = ["-o", "/dev/null", "-e", &trace, "-e", inject];
        let status = world.process("store", &arguments).status().unwrap();
        let when = format!("{start}: {inject}");
        assert_ne!(status.code(), Some(101), "{when}: it panicked");
        is_whole(&world, start, &when);
    }
}

/// How often a store makes each call.
fn counted(start: &str) -> BTreeMap<&'static str, usize> {
    let world = World::prepared(start);
    let log = world.root.join("log");
    let trace = format!("trace={}", CALLS.join(","));
    let arguments = ["-o", log.to_str().unwrap(), "-e", &trace];
    assert!(world.process("store", &arguments).status().unwrap().success());
    let log = fs::read_to_string(log).unwrap();
    let mut counts = BTreeMap::new();
    for line in log.lines() {
        if let Some(name) = CALLS.into_iter().find(|name| line.contains(&format!(" {name}("))) {
            *counts.entry(name).or_default() += 1;
        }
    }
    counts
}

/// Nothing is wrong, and what is stored next is found.
fn is_whole(world: &World, start: &str, when: &str) {
    let cache = world.open().unwrap_or_else(|err| panic!("{when}: {err}"));
    found(&cache, world, "tool", when);
    let was_there = found(&cache, world, "other", when);
    // An index that cannot be read again and again is given up.
    let is_unreadable = when.contains("pread64:error=EIO") && when.ends_with('+');
    assert!(start == "fresh" || was_there || is_unreadable, "{when}: what was kept is lost");
    for tool in ["tool", "other"] {
        let stored = keep(&cache, world, tool);
        assert!(matches!(stored, Ok(Stored::New | Stored::Known)), "{when}: {stored:?}");
        assert!(found(&cache, world, tool, when), "{when}: {tool} is not found after a store");
    }
    assert_eq!(cache.verify().unwrap().damaged, 0, "{when}");
}

/// A process that looks up and stores what all others do, too.
fn hammer(world: &World) -> ExitCode {
    let cache = world.open().unwrap();
    let first = std::process::id() as usize;
    for number in (first..first + CALLS_EACH).map(|number| number % CALLS_AMONG_THEM) {
        let tool = format!("tool {number}");
        if !found(&cache, world, &tool, "hammering") {
            let stored = keep(&cache, world, &tool).unwrap();
            assert!(matches!(stored, Stored::New | Stored::Known), "{stored:?}");
        }
    }
    ExitCode::SUCCESS
}

fn many_processes() {
    let world = World::new();
    let start = |_| world.process("hammer", &[]).spawn().unwrap();
    let processes: Vec<_> = (0..PROCESSES).map(start).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success(), "one of many failed");
    }
    let cache = world.open().unwrap();
    assert_eq!(cache.stat().unwrap().entries, CALLS_AMONG_THEM as u64);
    assert_eq!(cache.verify().unwrap().sound, CALLS_AMONG_THEM as u64);
    println!("crash: {PROCESSES} processes shared a directory");
}
