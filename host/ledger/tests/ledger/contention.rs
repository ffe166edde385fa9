//! Many processes with many tasks each fight over one ledger, and some are killed: no cap is passed
//! at any moment, and nothing that was confirmed is lost.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use ledger::{
    Caps, Clock, Dimension, EntryKey, Filter, Ledger, LedgerError, MicroDollars, Moment, Period,
    RunId, Scopes, Usage,
};
use tokio::task::JoinSet;

use crate::support::*;

/// Processes, of which every other one is killed.
const PROCESSES: u64 = 6;
/// Tasks of each, with a connection of their own.
const TASKS: u64 = 4;
/// Requests of each task.
const REQUESTS: u32 = 12;
/// What a request may cost at most.
const MOST_MAX: u64 = 1_000;
/// About a third of what all would like to spend.
const CAP: u64 = 48_000;

#[test]
fn processes_that_fight_and_die_never_pass_a_cap_of_a_file() {
    fight(&World::of_a_file());
}

#[test]
fn processes_that_fight_and_die_never_pass_a_cap_of_a_server() {
    if let Some(world) = World::of_a_server() {
        fight(&world);
    }
}

fn fight(world: &World) {
    block_on(async {
        let ledger = world.open().await;
        ledger.set_cap(&cap("repository:*", Period::Total, CAP)).await.unwrap();
    });
    let is_over = AtomicBool::new(false);
    let lines = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| block_on(watch(world, &is_over)));
        let processes: Vec<_> = (0..PROCESSES).map(|number| start(world, number)).collect();
        let readers: Vec<_> = (1_usize..)
            .zip(processes)
            // How many lines are read decides when it dies, and that is nowhere in particular.
            .map(|(number, process)| {
                let lines = if number.is_multiple_of(2) { usize::MAX } else { 7 * number };
                scope.spawn(move || process.read(lines))
            })
            .collect();
        let lines: Vec<String> =
            readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect();
        is_over.store(true, Ordering::SeqCst);
        assert!(watcher.join().unwrap() > 0);
        lines
    });
    assert!(lines.iter().any(|line| line.starts_with("refused")), "the cap was never in the way");
    block_on(take_stock(world, &lines));
}

/// Looks at the sums for as long as the others fight; how often it did.
async fn watch(world: &World, is_over: &AtomicBool) -> u32 {
    let ledger = world.open().await;
    let mut looks = 0;
    while !is_over.load(Ordering::SeqCst) {
        assert_below_cap(&ledger).await;
        looks += 1;
    }
    looks
}

/// What is spent, set aside, and taken beyond that.
async fn assert_below_cap(ledger: &Ledger) -> (u64, u64, u64) {
    let lines = ledger.report(&[Dimension::Repository], &Filter::default()).await.unwrap();
    let (mut spent, mut reserved, mut excess) = (0, 0, 0);
    for line in lines {
        let totals = line.totals;
        (spent, reserved, excess) = (totals.spent.0, totals.reserved.0, totals.excess.0);
        assert!(spent + reserved <= CAP, "{spent} + {reserved}");
    }
    (spent, reserved, excess)
}

/// After the fight: what each line confirmed is there, and what was left open can be charged.
async fn take_stock(world: &World, lines: &[String]) {
    // All leases are over by then.
    let clock = Clock::by_hand(Moment(4_000_000_000_000));
    let ledger = Ledger::open_with(&world.place.parse().unwrap(), clock).await.unwrap();
    let mut confirmed = 0;
    for process in 0..PROCESSES {
        for task in 0..TASKS {
            let run = name_of(process, task);
            let heir = ledger.take_lease(&run, &"heir".parse().unwrap(), TTL).await.unwrap();
            for entry in ledger.open_entries(Some(&run)).await.unwrap() {
                ledger.settle(&heir, entry.key, Usage::Unknown).await.unwrap();
            }
            let start = format!("settled {run} ");
            for line in lines.iter().filter_map(|line| line.strip_prefix(&start)) {
                let (turn, charged) = line.split_once(' ').unwrap();
                let key = key(turn.parse().unwrap());
                let kept = ledger.settle(&heir, key, Usage::Unknown).await.unwrap();
                assert_eq!(kept.charged.0.to_string(), charged, "{run} {key}");
                assert!(kept.known);
                confirmed += kept.charged.0;
            }
        }
    }
    let (spent, reserved, excess) = assert_below_cap(&ledger).await;
    assert_eq!(reserved, 0);
    assert!(confirmed > 0 && confirmed <= spent, "{confirmed} of {spent}");
    // The sums that caps go by are those of the entries.
    let left = CAP.saturating_sub(spent + excess);
    let lease = take(&ledger, "last").await;
    let refused = reserve(&ledger, &lease, 0, left + 1).await;
    assert!(matches!(refused, Err(LedgerError::Refused(_))), "{refused:?}");
    if left > 0 {
        reserve(&ledger, &lease, 0, left).await.unwrap();
    }
}

fn name_of(process: u64, task: u64) -> RunId {
    run(&format!("{process}.{task}"))
}

/// One of the processes. It dies with its reader.
pub(crate) struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Process {
    /// Reads at most so many lines, then kills it; the lines.
    fn read(mut self, most: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        while lines.len() < most && self.lines.read_line(&mut line).unwrap() > 0 {
            // A line that was cut by death confirms nothing.
            if let Some(whole) = line.strip_suffix('\n') {
                lines.push(whole.to_owned());
            }
            line.clear();
        }
        if most == usize::MAX {
            assert!(self.child.wait().unwrap().success(), "{lines:?}");
        }
        lines
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn start(world: &World, number: u64) -> Process {
    let mut command = this_test("contention::a_process_of_the_fight");
    command.env("LEDGER_PLACE", &world.place).env("LEDGER_NUMBER", number.to_string());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    Process { child, lines }
}

/// This program again, as the process of one ignored test.
#[expect(clippy::disallowed_methods, reason = "the ledger runs nothing; its tests do")]
pub(crate) fn this_test(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture", "--quiet", "--test-threads=1"]);
    command
}

#[expect(clippy::disallowed_methods, reason = "how the process is told what it is")]
pub(crate) fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[test]
#[ignore = "a process that other tests start"]
fn a_process_of_the_fight() {
    let (Some(place), Some(number)) = (told("LEDGER_PLACE"), told("LEDGER_NUMBER")) else { return };
    let number: u64 = number.parse().unwrap();
    block_on(async {
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let ledger = Ledger::open(&place.parse().unwrap()).await.unwrap();
            tasks.spawn(spend(ledger, number, task));
        }
        tasks.join_all().await;
    });
}

async fn spend(ledger: Ledger, process: u64, task: u64) {
    let run = name_of(process, task);
    let lease = ledger.take_lease(&run, &"it".parse().unwrap(), TTL).await.unwrap();
    let mut random = process * TASKS + task + 1;
    // What the last request came to is settled with the next one, as a run does it.
    let mut over = None;
    for turn in 0..=REQUESTS {
        // Xorshift (Marsaglia): the same in every run of the test.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let most = 1 + random % MOST_MAX;
        let key = EntryKey { began: 1, turn, retry: 0 };
        // Midnight comes and goes.
        let day = if random.is_multiple_of(3) { "2026-11-24" } else { "2026-11-25" };
        let (scopes, caps) = (Scopes { day: day.parse().unwrap(), ..scopes() }, Caps::none());
        let settled = over.take();
        let all = settled.as_slice();
        let most = MicroDollars(most);
        let asked = match ledger.settle_and_reserve(&lease, all, key, &scopes, most, &caps).await {
            // Nothing was done.
            Err(LedgerError::Refused(_)) => {
                for (key, usage) in all {
                    ledger.settle(&lease, *key, *usage).await.unwrap();
                }
                ledger.reserve(&lease, key, &scopes, most, &caps).await
            }
            asked => asked,
        };
        for (key, usage) in all {
            let kept = ledger.settle(&lease, *key, *usage).await.unwrap();
            say(&format!("settled {run} {} {}", key.turn, kept.charged.0));
        }
        match asked {
            Ok(_) if random.is_multiple_of(11) || turn == REQUESTS => {
                ledger.release_entry(&lease, key).await.unwrap();
            }
            Ok(_) => over = Some((key, known(most.0 / 2 + random % most.0))),
            Err(LedgerError::Refused(_)) => say(&format!("refused {run} {turn}")),
            Err(err) => panic!("{err:?}"),
        }
    }
}

fn say(line: &str) {
    // One write, past the harness: the reader counts whole lines.
    std::io::stdout().lock().write_all(format!("{line}\n").as_bytes()).unwrap();
}
