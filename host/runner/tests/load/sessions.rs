//! A thousand sessions in one process. What each takes is measured by `benches/sessions`; here it
//! counts that none fails, and none loses a record.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runner::{Execution, Journal, Machine, RunPlan, ThisMachine, ToolExecutor, Toolbox};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use session::event::{CallUsage, Decision, Event, Input};
use session::{Answer, StopReason};
use tokio::sync::{Barrier, mpsc};
use tokio::task::JoinSet;
use wire::{Endpoint, Options, Script, Server};

use crate::world::{SUBMIT, dir, looks, plan, toolbox};

/// Sessions at once.
const SESSIONS: usize = 1_000;

/// Both ends of a socket, a journal and a lock for each session, and some for the rest.
const FILES: u64 = 4 * SESSIONS as u64 + 200;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sessions_at_once_all_end_done_and_their_journals_are_whole() {
    allow_files();
    let dir = dir();
    let script = format!("model = \"m\"\n{}{}{SUBMIT}", looks(1), looks(2));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = Options { connections_max: SESSIONS, ..Options::default() };
    let script = Arc::new(Script::parse(&script).unwrap());
    let server = Server::bind_with(address, script, options).unwrap();
    let endpoint = Endpoint::new(&server.base_url()).unwrap();
    // Each session stays in its first call until all of them are there: the first thousand calls
    // are of a thousand sessions.
    let (all_there, calls) = (Arc::new(Barrier::new(SESSIONS)), AtomicUsize::new(0));
    let tools = toolbox(move || {
        let is_first = calls.fetch_add(1, Ordering::Relaxed) < SESSIONS;
        let all_there = Arc::clone(&all_there);
        async move {
            if is_first {
                all_there.wait().await;
            }
            answered()
        }
    });
    let mut running = JoinSet::new();
    for number in 0..SESSIONS {
        let place = dir.path().join(number.to_string());
        fs::create_dir(&place).unwrap();
        let plan = plan(&place, endpoint.clone(), Duration::from_secs(600));
        let tools = Arc::clone(&tools);
        running.spawn(async move { Box::pin(one(plan, tools)).await });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    for number in 0..SESSIONS {
        check_journal(&plan(
            &dir.path().join(number.to_string()),
            endpoint.clone(),
            Duration::ZERO,
        ));
    }
}

fn answered() -> Execution {
    let answer = Answer::Answered { output: "{\"found\":true}".to_owned() };
    Execution { answer, usage: CallUsage::default(), observed: None, log: Vec::new() }
}

async fn one<E: ToolExecutor>(plan: RunPlan, tools: Arc<Toolbox<E>>) {
    let (_never, signals) = mpsc::channel(1);
    let ended = Box::pin(runner::run(plan, tools, Vec::new(), false, signals)).await.unwrap();
    let failure = ended.accounting.last_failure;
    assert_eq!((ended.result.stop_reason, failure), (StopReason::Done, None));
}

/// Reading a journal checks that its numbers have no gap, and its chain no break.
#[track_caller]
fn check_journal(plan: &RunPlan) {
    let machine: Arc<dyn Machine> = Arc::new(ThisMachine);
    let name = plan.key.run_name();
    let (journal, records) = Journal::open(&machine, &plan.run_dir, &name).unwrap();
    let stopped = Event::Decided(Decision::Stopped { reason: StopReason::Done });
    assert_eq!(records.last().map(|record| &record.event), Some(&stopped));
    let count = |what: fn(&Input) -> bool| {
        let is = |event: &Event| matches!(event, Event::Heard(input) if what(input));
        records.iter().filter(|record| is(&record.event)).count()
    };
    let turns = count(|input| matches!(input, Input::TurnCompleted { .. }));
    let answers = count(|input| matches!(input, Input::CallAnswered { .. }));
    assert_eq!((turns, answers), (3, 3));
    same_bytes(journal.path(), &plan.out_dir.join("trace.jsonl"));
}

#[track_caller]
fn same_bytes(one: &Path, other: &Path) {
    assert!(fs::read(one).unwrap() == fs::read(other).unwrap(), "{} differs", other.display());
}

fn allow_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < FILES) {
        let wanted = Rlimit { current: Some(FILES), maximum };
        let allowed = setrlimit(Resource::Nofile, wanted);
        allowed.expect("the machine must allow 4,200 open files (`ulimit -Hn`)");
    }
}
