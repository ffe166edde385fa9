//! Whole runs, with tools of the test's own and a model that plays a script.

mod gates;
mod inherit;
mod sharing;
mod writer;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

use session::budget::{Budgets, Ceiling, Money, Price};
use session::event::{CallUsage, Decision};
use session::{Answer, ContextCall, Goal, Outcome, Phase};
use snapshot::{Digest, Grant, Snapshot, View};
use wire::{Endpoint, Script, Server};

use super::*;
use crate::carrier::Carrier;
use crate::ledger::{Charge, Entry, Later, LedgerRefusal, RunLedger};
use crate::plan::{ModelPlan, RunKey, Tree};
use crate::sink::Sink;
use crate::tools::{Execution, ToolInfo};

/// One tool, which counts how often it runs.
#[derive(Debug)]
struct Counting {
    infos: Vec<ToolInfo>,
    ran: Arc<AtomicU32>,
}

impl ToolExecutor for Counting {
    fn tools(&self) -> &[ToolInfo] {
        &self.infos
    }

    async fn execute(&self, _tool: &str, _arguments: &str, _view: Arc<View>) -> Execution {
        let number = self.ran.fetch_add(1, Ordering::SeqCst);
        let answer = Answer::Answered { output: format!("{{\"n\":{number}}}") };
        Execution { answer, usage: CallUsage::default(), observed: None, log: Vec::new() }
    }
}

/// A place for runs, and what they share.
struct World {
    dir: tempfile::TempDir,
    ran: Arc<AtomicU32>,
}

/// A sink that keeps what it is told.
struct Kept(Arc<std::sync::Mutex<Vec<Record>>>);

impl Sink for Kept {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.0.lock().unwrap().push(record.clone());
        Ok(())
    }
}

/// A step that looks, and may call one tool.
fn rules() -> session::Plan {
    let ceiling = Ceiling {
        time_ms: 20_000,
        idle_ms: 20_000,
        tokens: 1_000_000,
        spend: Money(1_000_000),
        calls: 10,
    };
    session::Plan {
        task: "look".to_owned(),
        goal: Goal::Diagnose,
        price: Price {
            input: Money(1),
            cached_input: Money(1),
            cache_write: None,
            output: Money(1),
            long: None,
        },
        budgets: Budgets {
            context: ceiling,
            analyze: ceiling,
            patch: ceiling,
            verify: ceiling,
            step_spend: Money(1_000_000),
        },
        max_output_tokens: 500,
        request_overhead_bytes: 1_000,
        first_event_ms: 20_000,
        context: vec![ContextCall { tool: "count".into(), arguments: "{}".into() }],
        tests: None,
        tools: ["count".to_owned()].into(),
        model_used: true,
        checks: Vec::new(),
        job_ms: None,
        context_tokens: None,
        data_marked: true,
    }
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("repo")).unwrap();
        std::fs::write(dir.path().join("repo/a.txt"), "one\n").unwrap();
        Self { dir, ran: Arc::default() }
    }

    fn plan(&self, endpoint: Endpoint, head: &str) -> RunPlan {
        let key = RunKey::new([("the head".to_owned(), head.to_owned())]);
        RunPlan {
            step: "test".to_owned(),
            resume: None,
            session: rules(),
            model: ModelPlan {
                provider: "script".to_owned(),
                model: "m".to_owned(),
                endpoint,
                shown: "loopback".to_owned(),
                connect: Duration::from_secs(5),
                effort: None,
                service_tier: None,
                way: crate::plan::Way::default(),
                prompt_cache_key: "test".to_owned(),
            },
            rules: gate::Rules::new(&gate::RuleSpec::default()).unwrap(),
            tests: None,
            head: self.head(),
            base: None,
            run_dir: self.dir.path().join("runs").join(key.run_name()),
            out_dir: self.dir.path().join("out"),
            key,
            version: "test".to_owned(),
            isolation: "none".to_owned(),
            trust: None,
            pipeline: None,
            answer_bytes: 65_536,
            calls_at_once: 8,
            shown: BTreeMap::new(),
            approved: Vec::new(),
            machine: Arc::new(crate::disk::ThisMachine),
            ledger: None,
            carrier: None,
        }
    }

    fn head(&self) -> Tree {
        let snapshot = Snapshot::directory(&self.dir.path().join("repo")).unwrap();
        Tree { snapshot, name: "head".to_owned() }
    }

    /// Runs the step with this script; what came of it, and what was written down.
    async fn run(&self, script: &str, head: &str) -> (Result<Ended, RunError>, Vec<Record>) {
        let script = Script::parse(&format!("model = \"m\"\n{script}")).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::bind(address, Arc::new(script)).unwrap();
        let plan = self.plan(Endpoint::new(&server.base_url()).unwrap(), head);
        let (_never, signals) = mpsc::channel(1);
        self.run_plan(plan, signals).await
    }

    async fn run_plan(
        &self,
        plan: RunPlan,
        signals: mpsc::Receiver<Signal>,
    ) -> (Result<Ended, RunError>, Vec<Record>) {
        let info = ToolInfo {
            name: "count".to_owned(),
            description: "counts".to_owned(),
            schema: serde_json::json!({ "type": "object" }),
            component: Digest::of(b"count"),
            profile: Digest::of(b"none"),
            grant: Grant::everything(),
            asks: None,
        };
        let tools = Counting { infos: vec![info], ran: Arc::clone(&self.ran) };
        let toolbox = Arc::new(Toolbox::new(tools, None, Grant::everything()));
        let kept = Arc::default();
        let outlets =
            vec![Outlet::to("kept", crate::Sampling::default(), Box::new(Kept(Arc::clone(&kept))))];
        let ended = Box::pin(run(plan, toolbox, outlets, false, signals)).await;
        let records = kept.lock().unwrap().clone();
        (ended, records)
    }
}

fn requests(records: &[Record]) -> usize {
    let is_request =
        |record: &&Record| matches!(record.event, Event::Heard(Input::TurnRequested { .. }));
    records.iter().filter(is_request).count()
}

fn warnings(records: &[Record]) -> Vec<String> {
    let warning = |record: &Record| match &record.event {
        Event::Noted(Note::Warned { what }) => Some(what.clone()),
        Event::Noted(_) | Event::Heard(_) | Event::Decided(_) => None,
    };
    records.iter().filter_map(warning).collect()
}

const SUBMIT: &str = "[[turn]]\n[[turn.call]]\ntool = \"submit_analysis\"\n[turn.call.arguments]\n\
                      summary = \"s\"\nfindings = []\nnext_steps = []\n";
const COUNT: &str = "[[turn]]\n[[turn.call]]\ntool = \"count\"\narguments = {}\n";

#[tokio::test]
async fn a_call_of_a_response_that_never_completes_is_only_discarded_work() {
    let world = World::new();
    // The call is whole after six events; the response completes two later.
    let fault = "fault = { kind = \"close\", after-events = 6, code = 1011 }\n";
    let script =
        format!("{}{SUBMIT}", COUNT.replacen("[[turn]]\n", &format!("[[turn]]\n{fault}"), 1));
    let (ended, records) = world.run(&script, "a").await;
    assert_eq!(ended.unwrap().result.stop_reason, StopReason::Done);
    let early = records
        .iter()
        .filter(|record| matches!(record.event, Event::Heard(Input::CallReceived { turn: 1, .. })));
    assert_eq!(early.count(), 2, "once for each try");
    // Once for the context, once for each try of the turn at the most.
    assert!((2..=3).contains(&world.ran.load(Ordering::SeqCst)));
    assert_eq!(requests(&records), 3);
}

#[tokio::test]
async fn a_link_that_is_lost_between_two_turns_costs_no_turn() {
    let world = World::new();
    let drop = "fault = { kind = \"drop\", after-events = 1000 }\n";
    let script =
        format!("{}{SUBMIT}", COUNT.replacen("[[turn]]\n", &format!("[[turn]]\n{drop}"), 1));
    let (ended, records) = world.run(&script, "a").await;
    let ended = ended.unwrap();
    assert_eq!(ended.result.outcome, Outcome::Diagnosis);
    assert_eq!(ended.accounting.links, 2);
    assert_eq!(ended.accounting.charged_at_most, 0);
    assert_eq!(requests(&records), 2);
}

#[tokio::test]
async fn a_server_that_takes_more_than_the_budget_is_told_so_and_ends_the_run() {
    let world = World::new();
    let turn =
        COUNT.replacen("[[turn]]\n", "[[turn]]\nusage = { input = 3000000, output = 10 }\n", 1);
    let script = Script::parse(&format!("model = \"m\"\n{turn}{SUBMIT}")).unwrap();
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), Arc::new(script)).unwrap();
    let mut plan = world.plan(Endpoint::new(&server.base_url()).unwrap(), "a");
    let dollar = Money(1_000_000);
    plan.session.price =
        Price { input: dollar, cached_input: dollar, output: dollar, ..Price::default() };
    let (_never, signals) = mpsc::channel(1);
    let (ended, records) = world.run_plan(plan, signals).await;
    let ended = ended.unwrap();
    assert_eq!(ended.result.stop_reason.id(), "spend-budget");
    // A dollar was the budget; the other two are gone all the same.
    assert_eq!(ended.accounting.total.spend, dollar);
    assert_eq!(ended.accounting.excess, Money(2_000_010));
    assert_eq!(requests(&records), 1);
}

#[tokio::test]
async fn what_was_concluded_stays_concluded_and_is_not_paid_again() {
    let world = World::new();
    let script = "[[turn]]\nsay = \" \"\n";
    let (first, records) = world.run(script, "a").await;
    let first = first.unwrap();
    assert_eq!(first.result.stop_reason, StopReason::NoUsefulResult);
    assert_eq!(requests(&records), 1);
    let (second, records) = world.run(script, "a").await;
    let second = second.unwrap();
    assert_eq!(second.result, first.result);
    assert_eq!((second.accounting.attempts, second.accounting.resumed_turns), (2, 1));
    assert_eq!(second.accounting.total, first.accounting.total);
    assert_eq!(requests(&records), 0);
}

#[tokio::test]
async fn another_head_is_another_run_and_says_so() {
    let world = World::new();
    world.run(SUBMIT, "a").await.0.unwrap();
    let (ended, records) = world.run(SUBMIT, "b").await;
    assert_eq!(ended.unwrap().accounting.attempts, 1);
    assert_eq!(warnings(&records), ["starting fresh: other than in the last run are the head"]);
}

#[tokio::test]
async fn a_journal_that_decides_otherwise_is_not_gone_on_with() {
    let world = World::new();
    let plan = world.plan(Endpoint::new("http://127.0.0.1:1/v1").unwrap(), "a");
    std::fs::create_dir_all(&plan.run_dir).unwrap();
    let name = plan.key.run_name();
    let (mut journal, _) = Journal::open(&plan.machine, &plan.run_dir, &name).unwrap();
    journal.begin_attempt();
    let begun = Input::AttemptStarted { attempt: 1 };
    journal.append(Phase::Init, Event::Heard(begun)).unwrap();
    let forged = Decision::PhaseEntered { phase: Phase::Done };
    journal.append(Phase::Init, Event::Decided(forged)).unwrap();
    drop(journal);
    let (ended, _) = world.run(SUBMIT, "a").await;
    assert!(matches!(ended, Err(RunError::Diverged { seq: 1, .. })), "{ended:?}");
}

#[tokio::test]
async fn only_so_many_runs_are_kept() {
    let world = World::new();
    for number in 0..resume::RUNS_KEPT_MAX + 3 {
        world.run(SUBMIT, &number.to_string()).await.0.unwrap();
    }
    let runs = std::fs::read_dir(world.dir.path().join("runs")).unwrap().flatten();
    let runs = runs.filter(|entry| entry.path().is_dir()).count();
    assert_eq!(runs, resume::RUNS_KEPT_MAX);
}

/// Never answers.
#[derive(Debug)]
struct Stuck;

impl RunLedger for Stuck {
    fn begin(&self) -> Later<'_, Result<u64, LedgerRefusal>> {
        Box::pin(std::future::pending())
    }

    fn open_entries(&self) -> Later<'_, Result<Vec<Entry>, LedgerRefusal>> {
        Box::pin(std::future::pending())
    }

    fn reserve(&self, _: Entry, _: Money) -> Later<'_, Result<(), LedgerRefusal>> {
        Box::pin(std::future::pending())
    }

    fn settle(&self, _: Entry, _: Charge) -> Later<'_, Result<(), LedgerRefusal>> {
        Box::pin(std::future::pending())
    }

    fn release(&self, _: Entry) -> Later<'_, Result<(), LedgerRefusal>> {
        Box::pin(std::future::pending())
    }

    fn end(&self) -> Later<'_, ()> {
        Box::pin(std::future::pending())
    }
}

impl Carrier for Stuck {
    fn get(&self, _: String) -> Later<'_, Result<Option<Vec<u8>>, String>> {
        Box::pin(std::future::pending())
    }

    fn create(&self, _: String, _: Vec<u8>) -> Later<'_, Result<bool, String>> {
        Box::pin(std::future::pending())
    }

    fn list(&self, _: String) -> Later<'_, Result<Vec<String>, String>> {
        Box::pin(std::future::pending())
    }

    fn delete(&self, _: String) -> Later<'_, Result<(), String>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_a_run_whose_ledger_and_store_do_not_answer() {
    let check = async |ledger: Option<Arc<dyn RunLedger>>, carrier: Option<Arc<dyn Carrier>>| {
        let world = World::new();
        let mut plan = world.plan(Endpoint::new("http://127.0.0.1:1/v1").unwrap(), "a");
        plan.ledger = ledger;
        plan.carrier = carrier;
        let (send, signals) = mpsc::channel(1);
        let began = tokio::time::Instant::now();
        let stopped = async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            send.send(Signal::Terminate).await.unwrap();
        };
        let ((ended, records), ()) = tokio::join!(world.run_plan(plan, signals), stopped);
        let reason = ended.unwrap().result.stop_reason;
        assert_eq!(reason, StopReason::Cancelled { signal: Signal::Terminate });
        assert_eq!(requests(&records), 0);
        assert!(world.dir.path().join("out/result.json").exists());
        assert!(began.elapsed() < Duration::from_secs(65), "{:?}", began.elapsed());
    };
    check(Some(Arc::new(Stuck)), None).await;
    check(None, Some(Arc::new(Stuck))).await;
    check(Some(Arc::new(Stuck)), Some(Arc::new(Stuck))).await;
}

#[tokio::test]
async fn a_run_that_was_stopped_before_it_began_goes_on_like_any_other() {
    let world = World::new();
    let plan = world.plan(Endpoint::new("http://127.0.0.1:1/v1").unwrap(), "a");
    let (send, signals) = mpsc::channel(1);
    send.send(Signal::Interrupt).await.unwrap();
    let (stopped, _) = world.run_plan(plan, signals).await;
    let reason = stopped.unwrap().result.stop_reason;
    assert_eq!(reason, StopReason::Cancelled { signal: Signal::Interrupt });
    let (ended, _) = world.run(SUBMIT, "a").await;
    assert_eq!(ended.unwrap().result.stop_reason, StopReason::Done);
}

#[tokio::test]
async fn a_response_that_had_begun_is_charged_whatever_it_ends_with() {
    let check = async |faults: &str| {
        let fault = format!("[[turn]]\nfault = [{faults}]\n");
        let script = SUBMIT.replacen("[[turn]]\n", &fault, 1);
        let (ended, records) = World::new().run(&script, "a").await;
        let charged_at_most = ended.unwrap().accounting.charged_at_most;
        assert_eq!((charged_at_most, requests(&records)), (1, 2), "{faults}");
    };
    for code in ["previous_response_not_found", "websocket_connection_limit_reached"] {
        let failed = format!("{{ kind = \"failed\", code = \"{code}\", after-events");
        check(&format!("{failed} = 3 }}")).await;
        // Of the response there is only `response.in_progress`.
        check(&format!("{{ kind = \"omit\" }}, {failed} = 1 }}")).await;
    }
}

#[tokio::test]
async fn a_run_that_is_over_as_soon_as_it_is_taken_up_hears_nothing_more() {
    let world = World::new();
    world.run("[[turn]]\nsay = \" \"\n", "a").await.0.unwrap();
    let plan = world.plan(Endpoint::new("http://127.0.0.1:1/v1").unwrap(), "a");
    let (send, signals) = mpsc::channel(1);
    send.send(Signal::Interrupt).await.unwrap();
    let (ended, records) = world.run_plan(plan, signals).await;
    let reason = ended.unwrap().result.stop_reason;
    assert_eq!(reason, StopReason::NoUsefulResult);
    let last = records.last().map(|record| record.event.clone());
    assert_eq!(last, Some(Event::Decided(Decision::Stopped { reason })));
}

/// A place that looks, whenever something is kept there, whether a file is on this machine.
#[derive(Debug)]
struct Looking {
    file: PathBuf,
    seen: std::sync::Mutex<Vec<(String, bool)>>,
}

impl Carrier for Looking {
    fn get(&self, _: String) -> Later<'_, Result<Option<Vec<u8>>, String>> {
        Box::pin(async { Ok(None) })
    }

    fn create(&self, name: String, _: Vec<u8>) -> Later<'_, Result<bool, String>> {
        self.seen.lock().unwrap().push((name, self.file.exists()));
        Box::pin(async { Ok(true) })
    }

    fn list(&self, _: String) -> Later<'_, Result<Vec<String>, String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn delete(&self, _: String) -> Later<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn other_machines_hear_that_a_run_is_over_when_its_artifacts_are_left() {
    let world = World::new();
    let script = Script::parse(&format!("model = \"m\"\n{SUBMIT}")).unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::bind(address, Arc::new(script)).unwrap();
    let mut plan = world.plan(Endpoint::new(&server.base_url()).unwrap(), "a");
    let file = world.dir.path().join("out/result.json");
    let place = Arc::new(Looking { file, seen: std::sync::Mutex::default() });
    plan.carrier = Some(Arc::clone(&place) as Arc<dyn Carrier>);
    let (_never, signals) = mpsc::channel(1);
    world.run_plan(plan, signals).await.0.unwrap();
    let seen = place.seen.lock().unwrap();
    let (last, before) = seen.split_last().unwrap();
    assert!(last.0.ends_with("/left") && last.1, "{seen:?}");
    assert!(before.iter().all(|(name, _)| name.contains("/journal/")), "{seen:?}");
}
