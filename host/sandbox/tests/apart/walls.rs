//! What a guest finds when it has broken out of the engine: nothing it could use.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sandbox::{Allocator, Config, Guests, LoadError, Program, Sandbox, Trial, Tried};

use crate::guests::{Bench, in_words, tool_bytes};

fn sandbox() -> Sandbox {
    Sandbox::new(Config { guests: crate::place(), ..Config::default() }).unwrap()
}

#[test]
fn native_code_in_a_worker_gets_nowhere() {
    let sandbox = sandbox();
    let said = Trial::ALL.map(|trial| match sandbox.attempt(trial).unwrap() {
        Tried::Refused(how) => format!("{}: {how}", trial.name()),
        Tried::Did(what) => panic!("{}: {what}", trial.name()),
    });
    insta::assert_snapshot!(said.join("\n"), @r"
    read a file: it made a system call that no guest needs
    write a file: it made a system call that no guest needs
    listen on a port: it made a system call that no guest needs
    send a datagram: it made a system call that no guest needs
    open a local socket: it made a system call that no guest needs
    run a program: it made a system call that no guest needs
    start a thread: it made a system call that no guest needs
    read the environment of the step: it made a system call that no guest needs
    signal the process of the step: it made a system call that no guest needs
    bring code of its own: it made a system call that no guest needs
    take 8 GiB of memory: it made a system call that no guest needs
    go on when its time is over: its time was over, and it was killed
    ");
}

#[test]
fn every_wall_stands_on_a_machine_that_has_them() {
    let walls = sandbox().walls().unwrap();
    assert_eq!(walls.missing(), "");
    let names: Vec<&str> = walls.walls.iter().map(|wall| wall.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "descriptors",
            "lifetime",
            "environment",
            "landlock",
            "privileges",
            "limits",
            "system calls"
        ]
    );
}

/// A sandbox whose workers are started by another program.
fn started_by(path: &str, arguments: &[&str]) -> Bench {
    let arguments = arguments.iter().copied().chain([env!("CARGO_BIN_EXE_worker")]);
    let arguments = arguments.map(Into::into).collect();
    let guests = Guests::Apart(Program { path: path.into(), arguments });
    let mut bench = Bench::new();
    bench.sandbox =
        Sandbox::new(Config { guests, allocator: Allocator::OnDemand, ..Config::default() })
            .unwrap();
    bench
}

#[tokio::test]
async fn a_missing_wall_is_named_and_refused_where_all_are_required() {
    let missing = "environment (it has 1 variables)";
    let bench = started_by("/usr/bin/env", &["KEY=1"]);
    assert_eq!(bench.sandbox.walls().unwrap().missing(), missing);
    assert!(bench.sandbox.isolation().ends_with(&format!("missing: {missing}")));
    let answers = bench.load("answers");
    assert_eq!(in_words(&bench.call(&answers, "").await), r#"answered: "ok""#);

    assert_eq!(bench.sandbox.require_walls(), Err(missing.to_owned()));
    let refused = format!("it cannot do its work: there is no {missing}");
    // Neither one that was warm, nor a new one, nor one that compiles.
    let ended = format!("ended: the process that ran it was lost: {refused}");
    assert_eq!(in_words(&bench.call(&answers, "").await), ended);
    let compiler = bench.sandbox.load(&tool_bytes("echoes"));
    assert!(matches!(&compiler, Err(LoadError::Compiler(why)) if *why == refused), "{compiler:?}");
}

/// What a guest answers must not depend on how much memory there is.
#[tokio::test]
async fn a_machine_that_runs_short_of_memory_is_no_fault_of_the_guest_and_nothing_that_it_sees() {
    let short = "ended: the machine had no memory left for it";
    for (most, guest, end) in [
        // Kilobytes: of addresses, where a memory wants 4 GiB of them; and of what is written to.
        ("-v 3000000", "answers", short),
        ("-d 150000", "answers", r#"answered: "ok""#),
        ("-d 150000", "grows-politely", short),
    ] {
        let shell = format!(r#"ulimit {most} && exec env -i "$0""#);
        let mut bench = started_by("/bin/sh", &["-c", &shell]);
        let tool = Bench::new().sandbox.load(&tool_bytes(guest)).unwrap();
        bench.limits.memory_bytes = 256 << 20;
        assert_eq!(in_words(&bench.call(&tool, "").await), end, "{most}: {guest}");
    }
}

#[test]
fn a_limit_that_was_lower_already_leaves_no_other_out() {
    // A shell says where it is in a variable.
    let bench = started_by("/bin/sh", &["-c", r#"ulimit -t 60 && exec env -i "$0""#]);
    assert_eq!(bench.sandbox.walls().unwrap().missing(), "");
}

/// The program that takes things away from the kernel, and a copy of it and the worker that
/// everybody may run.
struct Poor(tempfile::TempDir);

impl Poor {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let open = |path: &std::path::Path| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        open(dir.path());
        let programs =
            [("poor", env!("CARGO_BIN_EXE_poor")), ("worker", env!("CARGO_BIN_EXE_worker"))];
        for (name, program) in programs {
            fs::copy(program, dir.path().join(name)).unwrap();
            open(&dir.path().join(name));
        }
        Self(dir)
    }

    /// A sandbox on a machine where all of this is missing.
    fn without(&self, missing: &str) -> Bench {
        let path = self.0.path().join("poor");
        let arguments = vec![missing.into(), self.0.path().join("worker").into()];
        let guests = Guests::Apart(Program { path, arguments });
        let mut bench = Bench::new();
        let config = Config { guests, allocator: Allocator::OnDemand, ..Config::default() };
        bench.sandbox = Sandbox::new(config).unwrap();
        bench
    }
}

/// What is missing there, how guests fare, and how those who break out.
async fn on_a_machine_without(missing: &str) -> String {
    let poor = Poor::new();
    let bench = poor.without(missing);
    let gone = bench.sandbox.walls().unwrap().missing();
    let mut said = vec![format!("missing: {}", if gone.is_empty() { "nothing" } else { &gone })];
    said.push(in_words(&bench.run("answers", "").await));
    said.push(in_words(&bench.run("reads", "../../etc/passwd").await));
    said.extend(Trial::ALL.iter().map(|trial| match bench.sandbox.attempt(*trial).unwrap() {
        Tried::Refused(how) => format!("{}: {how}", trial.name()),
        Tried::Did(what) => format!("{}: DID {what}", trial.name()),
    }));
    said.join("\n")
}

#[tokio::test]
async fn without_root_and_with_namespaces_forbidden_every_wall_stands() {
    let missing =
        if rustix::process::geteuid().is_root() { "namespaces,root" } else { "namespaces" };
    insta::assert_snapshot!(on_a_machine_without(missing).await, @r#"
    missing: nothing
    answered: "ok"
    refused: d
    read a file: it made a system call that no guest needs
    write a file: it made a system call that no guest needs
    listen on a port: it made a system call that no guest needs
    send a datagram: it made a system call that no guest needs
    open a local socket: it made a system call that no guest needs
    run a program: it made a system call that no guest needs
    start a thread: it made a system call that no guest needs
    read the environment of the step: it made a system call that no guest needs
    signal the process of the step: it made a system call that no guest needs
    bring code of its own: it made a system call that no guest needs
    take 8 GiB of memory: it made a system call that no guest needs
    go on when its time is over: its time was over, and it was killed
    "#);
}

#[tokio::test]
async fn without_landlock_the_filter_holds_and_the_run_says_what_is_missing() {
    insta::assert_snapshot!(on_a_machine_without("namespaces,landlock").await, @r#"
    missing: landlock (not in this kernel)
    answered: "ok"
    refused: d
    read a file: it made a system call that no guest needs
    write a file: it made a system call that no guest needs
    listen on a port: it made a system call that no guest needs
    send a datagram: it made a system call that no guest needs
    open a local socket: it made a system call that no guest needs
    run a program: it made a system call that no guest needs
    start a thread: it made a system call that no guest needs
    read the environment of the step: it made a system call that no guest needs
    signal the process of the step: it made a system call that no guest needs
    bring code of its own: it made a system call that no guest needs
    take 8 GiB of memory: it made a system call that no guest needs
    go on when its time is over: its time was over, and it was killed
    "#);
}

#[tokio::test]
async fn without_a_filter_the_others_hold_and_the_run_says_what_is_missing() {
    insta::assert_snapshot!(on_a_machine_without("namespaces,seccomp").await, @r#"
    missing: system calls (Error calling `seccomp`: Function not implemented (os error 38))
    answered: "ok"
    refused: d
    read a file: Too many open files (os error 24)
    write a file: Too many open files (os error 24)
    listen on a port: Too many open files (os error 24)
    send a datagram: Too many open files (os error 24)
    open a local socket: Too many open files (os error 24)
    run a program: Permission denied (os error 13)
    start a thread: DID it worked
    read the environment of the step: Too many open files (os error 24)
    signal the process of the step: Operation not permitted (os error 1)
    bring code of its own: DID it worked
    take 8 GiB of memory: DID its stack has 8589934592 bytes
    go on when its time is over: its time was over, and it was killed
    "#);
}

#[tokio::test]
async fn without_both_what_the_kernel_always_had_holds_and_the_run_says_what_is_missing() {
    insta::assert_snapshot!(on_a_machine_without("namespaces,landlock,seccomp").await, @r#"
    missing: landlock (not in this kernel), system calls (Error calling `seccomp`: Function not implemented (os error 38))
    answered: "ok"
    refused: d
    read a file: Too many open files (os error 24)
    write a file: Too many open files (os error 24)
    listen on a port: Too many open files (os error 24)
    send a datagram: Too many open files (os error 24)
    open a local socket: Too many open files (os error 24)
    run a program: DID it worked
    start a thread: DID it worked
    read the environment of the step: Too many open files (os error 24)
    signal the process of the step: DID it worked
    bring code of its own: DID it worked
    take 8 GiB of memory: DID its stack has 8589934592 bytes
    go on when its time is over: its time was over, and it was killed
    "#);
}
