//! What a run shares with others, its store and its ledger, when they are slow, damaged or not
//! heard out; on a clock that jumps.

use std::sync::Mutex;

use futures_util::future::BoxFuture;
use wire::{ByteStream, Dial, InMemoryServer, Options};

use super::*;

/// The way to a server in memory.
struct Near(InMemoryServer);

impl Dial for Near {
    fn dial<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Box<dyn ByteStream>>> {
        Box::pin(async { Ok(Box::new(self.0.connect()) as Box<dyn ByteStream>) })
    }
}

fn near(script: &str) -> Endpoint {
    let script = Script::parse(&format!("model = \"m\"\n{script}")).unwrap();
    let server = Server::in_memory(Arc::new(script), Options::default());
    Endpoint::new("http://model.test/v1").unwrap().with_dialer(Arc::new(Near(server)))
}

/// A store that takes its time to keep something, or does not.
#[derive(Debug, Default)]
struct Place {
    kept: Mutex<BTreeMap<String, Vec<u8>>>,
    takes: Duration,
    is_full: bool,
}

impl Carrier for Place {
    fn get(&self, name: String) -> Later<'_, Result<Option<Vec<u8>>, String>> {
        Box::pin(async move { Ok(self.kept.lock().unwrap().get(&name).cloned()) })
    }

    fn create(&self, name: String, bytes: Vec<u8>) -> Later<'_, Result<bool, String>> {
        Box::pin(async move {
            tokio::time::sleep(self.takes).await;
            if self.is_full {
                return Err("it is full".to_owned());
            }
            let mut kept = self.kept.lock().unwrap();
            let is_new = !kept.contains_key(&name);
            kept.entry(name).or_insert(bytes);
            Ok(is_new)
        })
    }

    fn list(&self, prefix: String) -> Later<'_, Result<Vec<String>, String>> {
        let kept = self.kept.lock().unwrap();
        let names = kept.keys().filter(|name| name.starts_with(&prefix)).cloned().collect();
        Box::pin(async move { Ok(names) })
    }

    fn delete(&self, name: String) -> Later<'_, Result<(), String>> {
        self.kept.lock().unwrap().remove(&name);
        Box::pin(async { Ok(()) })
    }
}

/// A ledger that writes down what it is told.
#[derive(Debug, Default)]
struct Told {
    open: Option<Entry>,
    open_fails: bool,
    takes: Duration,
    said: Mutex<Vec<String>>,
}

impl Told {
    fn say<T: Send + 'static>(&self, what: String, answer: T) -> Later<'_, T> {
        self.said.lock().unwrap().push(what);
        Box::pin(async { answer })
    }
}

fn named(what: &str, Entry { account, turn, try_number }: Entry) -> String {
    format!("{what} {account}/{turn}/{try_number}")
}

impl RunLedger for Told {
    fn begin(&self) -> Later<'_, Result<u64, LedgerRefusal>> {
        Box::pin(async {
            tokio::time::sleep(self.takes).await;
            Ok(7)
        })
    }

    fn open_entries(&self) -> Later<'_, Result<Vec<Entry>, LedgerRefusal>> {
        let open = match self.open_fails {
            true => Err(LedgerRefusal::Failed("locked".to_owned())),
            false => Ok(self.open.into_iter().collect()),
        };
        Box::pin(async { open })
    }

    fn reserve(&self, entry: Entry, _: Money) -> Later<'_, Result<(), LedgerRefusal>> {
        self.say(named("reserve", entry), Ok(()))
    }

    fn settle(&self, entry: Entry, _: Charge) -> Later<'_, Result<(), LedgerRefusal>> {
        self.say(named("settle", entry), Ok(()))
    }

    fn release(&self, entry: Entry) -> Later<'_, Result<(), LedgerRefusal>> {
        self.say(named("release", entry), Ok(()))
    }

    fn end(&self) -> Later<'_, ()> {
        self.say("end".to_owned(), ())
    }
}

async fn ends(world: &World, plan: RunPlan) -> Result<Ended, RunError> {
    let (_never, signals) = mpsc::channel(1);
    world.run_plan(plan, signals).await.0
}

/// Runs the plan with this ledger, which is stopped after a minute; what the ledger was told.
async fn told(
    world: &World,
    mut plan: RunPlan,
    told: Told,
) -> (Result<Ended, RunError>, Vec<String>) {
    let ledger = Arc::new(told);
    plan.ledger = Some(Arc::clone(&ledger) as Arc<dyn RunLedger>);
    let (send, signals) = mpsc::channel(1);
    let stop = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        // A run that is over does not listen.
        let _over = send.send(Signal::Terminate).await;
    };
    let ((ended, _), ()) = tokio::join!(world.run_plan(plan, signals), stop);
    let said = ledger.said.lock().unwrap().clone();
    (ended, said)
}

fn journal(plan: &RunPlan) -> String {
    std::fs::read_to_string(plan.run_dir.join("journal.jsonl")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_ledger_is_told_nothing_by_a_run_whose_store_was_not_heard_out() {
    let world = World::new();
    let plan = || world.plan(near(SUBMIT), "a");
    let full = Arc::new(Place { is_full: true, ..Place::default() });
    let first = RunPlan { carrier: Some(full), ..plan() };
    let (ended, said) = told(&world, first, Told::default()).await;
    let ended = ended.unwrap();
    assert_eq!(ended.result.stop_reason, StopReason::LedgerFailed);
    assert_eq!(ended.accounting.charged_at_most, 0, "nothing left");
    assert_eq!(said, ["reserve 7/1/1", "release 7/1/1", "end"]);

    // What another machine set aside, and maybe sent.
    let open =
        || Told { open: Some(Entry { account: 7, turn: 3, try_number: 1 }), ..Told::default() };
    let stopped = RunPlan { carrier: Some(Arc::new(Stuck)), ..plan() };
    let (ended, said) = told(&world, stopped, open()).await;
    let reason = ended.unwrap().result.stop_reason;
    assert_eq!(reason, StopReason::Cancelled { signal: Signal::Terminate });
    assert_eq!(said, ["end"]);

    let heard = RunPlan { carrier: Some(Arc::new(Place::default())), ..plan() };
    let (ended, said) = told(&world, heard, open()).await;
    assert_eq!(ended.unwrap().result.stop_reason, StopReason::Done);
    assert!(said.contains(&"release 7/3/1".to_owned()), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_does_not_say_what_is_open_gets_its_lease_back_at_once() {
    let world = World::new();
    let ledger = Told { open_fails: true, ..Told::default() };
    let (_, said) = told(&world, world.plan(near(SUBMIT), "a"), ledger).await;
    assert_eq!(said[0], "end");
}

#[tokio::test(start_paused = true)]
async fn the_time_that_a_store_takes_is_not_the_models() {
    let check = async |takes: u64, work_ms: u64| {
        let world = World::new();
        let mut plan = world.plan(near(SUBMIT), "a");
        plan.session.budgets.analyze.time_ms = work_ms;
        let takes = Duration::from_secs(takes);
        plan.carrier = Some(Arc::new(Place { takes, ..Place::default() }));
        let ended = ends(&world, plan).await.unwrap();
        (ended.result.stop_reason, ended.accounting.charged_at_most)
    };
    assert_eq!(check(70, 1_000_000).await, (StopReason::Done, 0));
    // The work's time goes on.
    assert_eq!(check(70, 30_000).await.0.id(), "time-budget");
}

#[tokio::test(start_paused = true)]
async fn what_a_store_holds_takes_the_place_of_a_journal_only_if_it_is_one() {
    let world = World::new();
    let place = Arc::new(Place::default());
    let plan = || {
        let plan = world.plan(near("[[turn]]\nsay = \" \"\n"), "a");
        RunPlan { carrier: Some(Arc::clone(&place) as Arc<dyn Carrier>), ..plan }
    };
    ends(&world, plan()).await.unwrap();
    let before = journal(&plan());
    let first = format!("{}/g0000/journal/0000000000", plan().key.run_name());
    let mut lost = place.kept.lock().unwrap().remove(&first);
    assert!(lost.take().is_some());
    let ended = ends(&world, plan()).await;
    assert!(matches!(&ended, Err(RunError::Carrier { what }) if what.contains("left alone")));
    assert_eq!(journal(&plan()), before);
    assert!(!plan().run_dir.join("journal.diverged.jsonl").exists());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_says_too_much_or_nothing_ends_the_run() {
    let check = async |carrier: Arc<dyn Carrier>, expected: &str| {
        let world = World::new();
        let plan = RunPlan { carrier: Some(carrier), ..world.plan(near(SUBMIT), "a") };
        let ended = ends(&world, plan).await;
        let said = matches!(&ended, Err(RunError::Carrier { what }) if what.contains(expected));
        assert!(said, "{ended:?}");
    };
    check(Arc::new(Stuck), "more than 300 s").await;
    let run = World::new().plan(near(SUBMIT), "a").key.run_name();
    let holding = |names: Vec<String>| {
        let kept = names.into_iter().map(|name| (format!("{run}/{name}"), Vec::new())).collect();
        Arc::new(Place { kept: Mutex::new(kept), ..Place::default() })
    };
    check(holding(vec!["g9999/left".to_owned()]), "9999 times").await;
    let files = (0..5_000).map(|number| format!("g0000/files/{number}")).collect();
    check(holding(files), "4096 files").await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_elsewhere_is_begun_anew_and_not_gone_on_with() {
    let place = Arc::new(Place::default());
    let plan = |world: &World| {
        let plan = world.plan(near(&format!("{COUNT}{SUBMIT}")), "a");
        RunPlan { carrier: Some(Arc::clone(&place) as Arc<dyn Carrier>), ..plan }
    };
    let other = World::new();
    ends(&other, plan(&other)).await.unwrap();
    let whole = journal(&plan(&other));
    let with = async |lines: usize| {
        let here = World::new();
        let plan = plan(&here);
        std::fs::create_dir_all(&plan.run_dir).unwrap();
        let old: String = whole.split_inclusive('\n').take(lines).collect();
        std::fs::write(plan.run_dir.join("journal.jsonl"), &old).unwrap();
        let previous = plan.run_dir.join("journal.previous.jsonl");
        let ended = ends(&here, plan).await.unwrap();
        assert_eq!(ended.result.stop_reason, StopReason::Done);
        let aside = std::fs::read_to_string(previous).ok();
        assert!(aside.is_none_or(|aside| aside == old));
        (ended.accounting.attempts, ended.accounting.resumed_turns)
    };
    let lines = whole.lines().count();
    // Only its artifacts were missing here.
    assert_eq!(with(lines).await, (2, 2));
    assert_eq!(with(lines - 1).await, (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_job_is_under_way_while_its_ledger_is_waited_for() {
    let world = World::new();
    let silence = "[[turn]]\nsay = \"hello\"\nfault = { kind = \"silence\" }\n";
    let mut plan = world.plan(near(silence), "a");
    plan.session.job_ms = Some(18_000);
    let began = Instant::now();
    let ledger = Told { takes: Duration::from_secs(15), ..Told::default() };
    plan.ledger = Some(Arc::new(ledger));
    let ended = ends(&world, plan).await.unwrap();
    assert_eq!(ended.result.stop_reason, StopReason::JobDeadline);
    assert!(began.elapsed() < Duration::from_secs(22), "{:?}", began.elapsed());
}
