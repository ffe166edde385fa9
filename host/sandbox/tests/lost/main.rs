//! Workers that die, hang or lose their parent. Alone in its process, so that the processes it
//! finds below itself are its own.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test may fail, and looks at processes"
)]

#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../sandbox/guests.rs"]
mod guests;

use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use guests::{Bench, in_words};
use rustix::process::{Pid, Signal, getpgid, kill_process};
use sandbox::{Config, Guests, Limits, Program, Report, Sandbox};

const WORKER: &str = env!("CARGO_BIN_EXE_worker");

fn place() -> Guests {
    Guests::Apart(Program { path: WORKER.into(), arguments: Vec::new() })
}

/// Workers that ask without end, and do not hear that they should stop.
fn flooding() -> Config {
    let program = Program { path: WORKER.into(), arguments: vec!["flood".into()] };
    Config { guests: Guests::Apart(program), ..Config::default() }
}

/// The processes below this one that are still running.
fn workers() -> Vec<Pid> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let children = tasks.flatten().map(|task| task.path().join("children"));
    // A thread may end while it is looked at.
    let listed: Vec<String> = children.filter_map(|path| fs::read_to_string(path).ok()).collect();
    let pids = listed.iter().flat_map(|pids| pids.split_whitespace());
    pids.filter_map(|pid| pid.parse().ok().and_then(Pid::from_raw)).filter(is_running).collect()
}

fn is_running(pid: &Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// The end of a call whose guest is sent a signal in the middle of its work.
async fn struck(call: impl Future<Output = Report>, signal: Signal) -> String {
    tokio::select! {
        report = call => in_words(&report),
        never = strike(signal) => never,
    }
}

/// Waits until one guest is at work, and sends its process a signal.
async fn strike(signal: Signal) -> String {
    loop {
        // The process of a compiler is gone by then: tools are loaded before.
        if let [worker] = workers()[..] {
            let used = fs::read_to_string(format!("/proc/{}/stat", worker.as_raw_nonzero()));
            // The fourteenth field: ticks of the processor's time.
            let ticks = used.ok().and_then(|stat| stat.split(' ').nth(13)?.parse::<u64>().ok());
            if ticks.is_some_and(|ticks| ticks > 5) {
                kill_process(worker, signal).unwrap();
                return std::future::pending().await;
            }
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_worker_that_dies_or_hangs_costs_one_call_and_is_replaced() {
    let patient = Limits { fuel: Limits::MAX.fuel, wall: Limits::MAX.wall, ..Limits::default() };
    let bench = Bench::new().limits(patient);
    let (loops, answers) = (bench.load("loops"), bench.load("answers"));

    // In the middle of a call.
    assert_eq!(
        struck(bench.call(&loops, ""), Signal::KILL).await,
        "ended: the process that ran it was lost: it was killed"
    );
    assert_eq!(
        struck(bench.call(&loops, ""), Signal::SYS).await,
        "ended: the process that ran it was lost: it made a system call that no guest needs"
    );

    // Between two calls.
    assert_eq!(in_words(&bench.call(&answers, "").await), r#"answered: "ok""#);
    let [idle] = workers()[..] else { panic!("{:?}", workers()) };
    assert_eq!(getpgid(Some(idle)), Ok(idle), "a terminal's signals are not for it");
    let score = fs::read_to_string(format!("/proc/{}/oom_score_adj", idle.as_raw_nonzero()));
    assert_eq!(score.unwrap().trim(), "1000", "it goes before the step when memory runs short");
    kill_process(idle, Signal::KILL).unwrap();
    while is_running(&idle) {
        std::thread::yield_now();
    }
    assert_eq!(in_words(&bench.call(&answers, "").await), r#"answered: "ok""#);

    // One that does not even hear that its time is over.
    drop(bench);
    assert_eq!(workers(), []);
    let hasty = Limits { wall: Duration::from_secs(3), ..patient };
    let bench = Bench::new().limits(hasty);
    let loops = bench.load("loops");
    assert_eq!(
        struck(bench.call(&loops, ""), Signal::STOP).await,
        "ended: out of time: it took longer than the limit of 3000 ms"
    );
    drop(bench);
    assert_eq!(workers(), [], "nothing is left behind");

    a_worker_that_dies_before_it_is_needed_costs_nothing().await;
    assert_eq!(workers(), [], "nothing is left behind");

    a_worker_that_asks_without_end_is_ended().await;
    assert_eq!(workers(), [], "nothing is left behind");

    a_worker_does_not_outlive_whoever_started_it();
}

/// One that was started before anybody knew what for.
async fn a_worker_that_dies_before_it_is_needed_costs_nothing() {
    let bench = Bench::new();
    let answers = bench.load("answers");
    assert_eq!(workers(), []);
    for kill in [true, false] {
        let there = workers();
        bench.sandbox.expect_guest();
        bench.sandbox.expect_guest();
        let spare = loop {
            if let [spare] =
                workers().into_iter().filter(|pid| !there.contains(pid)).collect::<Vec<_>>()[..]
            {
                break spare;
            }
            tokio::task::yield_now().await;
        };
        if kill {
            kill_process(spare, Signal::KILL).unwrap();
            while is_running(&spare) {
                tokio::task::yield_now().await;
            }
            assert_eq!(in_words(&bench.call(&answers, "").await), r#"answered: "ok""#);
        }
    }
    assert_eq!(workers().len(), 2, "one that has answered, and one that waits");
}

/// Whatever it is told to stop for.
async fn a_worker_that_asks_without_end_is_ended() {
    let wall = Duration::from_millis(50);
    let brief = Limits { wall, host_calls: Limits::MAX.host_calls, ..Limits::default() };
    let few = Limits { host_calls: 3, ..Limits::default() };
    for (limits, end) in [
        (brief, "ended: out of time: it took longer than the limit of 50 ms"),
        (few, "ended: it asked the repository more often than the limit of 3 times"),
    ] {
        let mut bench = Bench::new().limits(limits);
        bench.sandbox = Sandbox::new(flooding()).unwrap();
        assert_eq!(in_words(&bench.run("answers", "").await), end);
    }
}

/// The kernel ends it even where it hears nothing: its line stays open here.
fn a_worker_does_not_outlive_whoever_started_it() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let parent = std::thread::spawn(move || {
        let worker = Command::new(WORKER)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .unwrap();
        let status = format!("/proc/{}/status", worker.id());
        // It waits for its first word once it has said whom it must not outlive.
        while !fs::read_to_string(&status).unwrap().contains("State:\tS") {
            std::thread::yield_now();
        }
        worker
    });
    let mut worker = parent.join().unwrap();
    let status = worker.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
    // Ours is the last end of the line.
    assert_eq!(ours.read(&mut [0]).unwrap(), 0);
}
