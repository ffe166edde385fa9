//! One seed: a step, its attempts, and everything around them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use runner::{
    Carrier, Ended, Execution, Intake, Outlet, RunError, RunKey, RunPlan, Shown, ToolExecutor,
    ToolInfo, Toolbox, Way,
};
use session::budget::{Budgets, Ceiling, Money};
use session::event::{CallUsage, Event};
use session::{Answer, ContextCall, Goal, Plan, Signal, StopReason};
use snapshot::{Digest, Grant, Snapshot, View};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use wire::{Endpoint, Options, Server};

use crate::books::SimLedger;
use crate::dice::Dice;
use crate::machine::{Death, SimMachine};
use crate::model::{Bills, Scenario, SimModel, scenarios};
use crate::network::SimNetwork;
use crate::oracle;
use crate::place::SimPlace;
use crate::tally::Tally;

/// Attempts that meet faults, at most; one more meets none.
const FAULTY_ATTEMPTS_MAX: u64 = 5;
/// Milliseconds of each work.
const WORK_MS: u64 = 60_000;
/// What all works together may take, and a little for the end.
const ATTEMPT_TIME_MAX: Duration = Duration::from_millis(4 * WORK_MS + 10_000);

/// The gates of every run. To make them costs more than a run does.
static RULES: LazyLock<gate::Rules> =
    LazyLock::new(|| gate::Rules::new(&gate::RuleSpec::default()).unwrap());

/// What happened to one seed.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    told: Arc<Mutex<Tally>>,
    aloud: bool,
}

impl Story {
    pub(crate) fn fault(&self, what: &str) {
        self.say(what);
        self.told.lock().unwrap().fault(what);
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.told.lock().unwrap()
    }

    fn say(&self, what: &str) {
        if self.aloud {
            println!("    {what}");
        }
    }
}

/// A tool whose answer follows from its arguments.
#[derive(Debug)]
struct Counting {
    infos: Vec<ToolInfo>,
    dice: Dice,
}

impl ToolExecutor for Counting {
    fn tools(&self) -> &[ToolInfo] {
        &self.infos
    }

    async fn execute(&self, _tool: &str, arguments: &str, _view: Arc<View>) -> Execution {
        sleep(Duration::from_millis(self.dice.below(500))).await;
        let digest = Digest::of(arguments.as_bytes()).to_string();
        let answer = Answer::Answered { output: format!("{{\"digest\":\"{digest}\"}}") };
        Execution { answer, usage: CallUsage::default(), observed: None, log: Vec::new() }
    }
}

/// One seed's world.
pub(crate) struct World {
    dir: tempfile::TempDir,
    dice: Dice,
    seed: u64,
    pub(crate) scenario: Scenario,
    pub(crate) story: Story,
    pub(crate) bills: Bills,
    pub(crate) ledger: SimLedger,
    machines: Vec<SimMachine>,
    place: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    carried: bool,
    /// The end of a second process that took the run over, or an error that nothing explains.
    elsewhere: Mutex<Option<Result<(usize, Ended), String>>>,
    pub(crate) budgets: Budgets,
}

/// What one attempt is up against.
#[derive(Debug, Clone, Copy)]
struct Fate {
    faults: u64,
    machine: usize,
    death: Option<Death>,
    room: Option<u64>,
    killed_after: Option<Duration>,
    cut_power: bool,
    interrupted_after: Option<Duration>,
    started_twice: bool,
    slow_sink: bool,
    stuck_sink: bool,
    clock_jumps: bool,
    way: Way,
    web_socket: bool,
    connection_age: Option<Duration>,
}

impl World {
    /// Lives through one seed; an error is a promise that was broken.
    pub(crate) fn live(seed: u64, aloud: bool) -> Result<Tally, String> {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
        let world = Self::new(seed, aloud);
        let lived = runtime.block_on(world.attempts());
        runtime.shutdown_background();
        lived.map_err(|broken| format!("seed {seed} ({}): {broken}", world.scenario.name))?;
        let tally = std::mem::take(&mut *world.story.told.lock().unwrap());
        Ok(tally)
    }

    fn new(seed: u64, aloud: bool) -> Self {
        // The disk is a simulated one; a real one would only make it wait.
        let memory = std::path::Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let dir = dir.unwrap();
        std::fs::create_dir(dir.path().join("repo")).unwrap();
        std::fs::write(dir.path().join("repo/a.txt"), "one\n").unwrap();
        let dice = Dice::new(seed, "world");
        let machine = |n: usize| SimMachine::new(Dice::new(seed, ["disk a", "disk b"][n]));
        Self {
            dir,
            seed,
            scenario: dice.pick(&scenarios()),
            story: Story { told: Arc::default(), aloud },
            bills: Bills::default(),
            ledger: SimLedger::new(dice.between(25_000, 250_000)),
            machines: vec![machine(0), machine(1)],
            place: Arc::default(),
            carried: dice.chance(40),
            elsewhere: Mutex::new(None),
            budgets: budgets(&dice),
            dice,
        }
    }

    pub(crate) fn journal(&self, machine: usize) -> PathBuf {
        self.run_dir(machine).join("journal.jsonl")
    }

    /// Whether the run may move to another machine.
    pub(crate) fn is_carried(&self) -> bool {
        self.carried
    }

    pub(crate) fn out_dir(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    fn run_dir(&self, machine: usize) -> PathBuf {
        let machine = self.dir.path().join(format!("machine-{machine}"));
        machine.join("runs").join(key().run_name())
    }

    async fn attempts(&self) -> Result<(), String> {
        let expected = self.without_faults().await?;
        let faulty = self.dice.below(FAULTY_ATTEMPTS_MAX + 1);
        let mut last = 0;
        for number in 0..=faulty {
            let fate = self.fate(number == faulty, last);
            if fate.machine != last {
                self.story.fault("moved to another machine");
            }
            last = fate.machine;
            self.story.say(&format!("attempt {number}: {fate:?}"));
            let ended = self.attempt(fate).await?;
            self.after(&fate, ended.as_ref())?;
            let elsewhere = self.elsewhere.lock().unwrap().take().transpose()?;
            let ended = ended.map(|ended| (last, ended)).into_iter().chain(elsewhere);
            for (machine, ended) in ended.chain(self.over()) {
                // The same command would begin another run.
                if ended.result.stop_reason == StopReason::Done {
                    return oracle::at_the_end(self, machine, &ended, &expected);
                }
                if number == faulty {
                    return oracle::at_the_end(self, machine, &ended, &expected);
                }
            }
            if number == faulty {
                return Err("an attempt without faults did not come to its end".to_owned());
            }
            if self.dice.chance(10) {
                self.ledger.others_spend(self.dice.below(30_000));
            }
            // The lease of a process that died runs out before the next one is started.
            sleep(Duration::from_secs(61)).await;
        }
        Ok(())
    }

    /// The end of a run that was over before its process died.
    fn over(&self) -> Option<(usize, Ended)> {
        let elsewhere = self.place.lock().unwrap().keys().any(|name| name.ends_with("/left"));
        let is_over = |machine: &usize| elsewhere || self.run_dir(*machine).join("left").exists();
        let is_done = |machine: &usize| oracle::is_done(&self.journal(*machine));
        let machine = (0..self.machines.len()).filter(is_over).find(is_done)?;
        Some((machine, oracle::left(&self.out_dir())?))
    }

    /// The promises that hold after every attempt.
    fn after(&self, fate: &Fate, ended: Option<&Ended>) -> Result<(), String> {
        if self.story.aloud {
            oracle::tell(&self.journal(fate.machine));
        }
        self.story.told.lock().unwrap().attempts += 1;
        if let Some(broken) = self.ledger.broken() {
            return Err(format!("the ledger: {broken}"));
        }
        oracle::journal(&self.journal(fate.machine), &self.budgets)?;
        match ended {
            Some(ended) => oracle::artifacts(&self.out_dir(), ended),
            None => Ok(()),
        }
    }

    /// What the same scenario comes to where nothing fails.
    async fn without_faults(&self) -> Result<String, String> {
        /// By the scenario's name: it is the same for every seed.
        static EXPECTED: Mutex<BTreeMap<&str, String>> = Mutex::new(BTreeMap::new());
        if let Some(known) = EXPECTED.lock().unwrap().get(self.scenario.name) {
            return Ok(known.clone());
        }
        let calm = Self { scenario: self.scenario.clone(), ..Self::new(0, false) };
        let plenty = Ceiling { tokens: 10_000_000, spend: Money(10_000_000), ..calm.budgets.patch };
        let budgets = same_for_all(plenty, Money(10_000_000));
        let calm = Self { budgets, ledger: SimLedger::new(100_000_000), ..calm };
        let fate = Fate::calm(0);
        let ended = calm.attempt(fate).await?.ok_or("a run without faults has no end")?;
        let result = oracle::result(&ended);
        EXPECTED.lock().unwrap().insert(self.scenario.name, result.clone());
        Ok(result)
    }

    fn fate(&self, calm: bool, last: usize) -> Fate {
        let dice = &self.dice;
        let machine = if self.carried && dice.chance(30) { 1 - last } else { last };
        if calm {
            // The server may lack a WebSocket all the same: that is no fault of it.
            let (way, web_socket) = self.way_there(true);
            return Fate { way, web_socket, ..Fate::calm(machine) };
        }
        let after = |percent: u64, most: u64| {
            dice.chance(percent).then(|| Duration::from_millis(dice.below(most)))
        };
        let death = match dice.below(10) {
            0..3 => Some(Death::Append { n: dice.between(1, 60), thousandths: dice.below(1_001) }),
            3..5 => Some(Death::Sync { n: dice.between(1, 8), done: dice.chance(50) }),
            _ => None,
        };
        let (way, web_socket) = self.way_there(false);
        Fate {
            way,
            web_socket,
            connection_age: dice.chance(15).then(|| Duration::from_millis(dice.below(15_000))),
            faults: dice.pick(&[0, 10, 30, 60]),
            machine,
            death,
            room: dice.chance(10).then(|| dice.below(40_000)),
            killed_after: after(25, 20_000),
            cut_power: dice.chance(30),
            interrupted_after: after(15, 10_000),
            started_twice: dice.chance(10),
            slow_sink: dice.chance(20),
            stuck_sink: dice.chance(10),
            clock_jumps: dice.chance(20),
        }
    }

    /// Which way the run takes to the model, and whether the server has a WebSocket. `fits`
    /// where the two must go together.
    fn way_there(&self, fits: bool) -> (Way, bool) {
        let web_socket = !self.dice.chance(10);
        let way = match self.dice.below(10) {
            0..3 => Way::Http,
            3 if web_socket || !fits => Way::WebSocket,
            _ => Way::WebSocketOrHttp,
        };
        (way, web_socket)
    }

    /// One life of the process: `None` where it died.
    async fn attempt(&self, fate: Fate) -> Result<Option<Ended>, String> {
        self.note(&fate);
        let machine = &self.machines[fate.machine];
        machine.begin(fate.death, fate.room, fate.clock_jumps);
        let part = |name: &str| Dice::new(self.seed ^ self.dice.below(u64::MAX), name);
        let (outlet, intake) = Outlet::new("console");
        let (interrupt, signals) = mpsc::channel(1);
        let running = async {
            let toolbox = Arc::new(self.toolbox(part("tools")));
            let plan = self.plan(&fate, &part);
            runner::run(plan, toolbox, vec![outlet], false, signals).await
        };
        let console = tokio::spawn(watch(intake, fate, part("console")));
        let killer = async {
            match fate.killed_after {
                Some(after) => sleep(after).await,
                None => std::future::pending().await,
            }
        };
        let second = async {
            if let Some(after) = fate.interrupted_after {
                sleep(after).await;
                // A run that is over does not listen any more.
                let _over = interrupt.send(Signal::Interrupt).await;
                self.story.fault("interrupted");
            }
            if fate.started_twice {
                sleep(Duration::from_millis(5)).await;
                self.start_twice(&fate, &part).await;
            }
            std::future::pending::<()>().await;
        };
        let began = Instant::now();
        let ended = timeout(ATTEMPT_TIME_MAX, async {
            tokio::select! {
                biased;
                () = killer => None,
                ended = running => Some(ended),
                () = second => None,
            }
        });
        let ended = ended
            .await
            .map_err(|_| format!("the attempt goes on after {} s", began.elapsed().as_secs()))?;
        console.abort();
        self.ended(fate, ended)
    }

    fn ended(
        &self,
        fate: Fate,
        ended: Option<Result<Ended, RunError>>,
    ) -> Result<Option<Ended>, String> {
        let machine = &self.machines[fate.machine];
        let ended = match ended {
            None => {
                self.story.fault("killed at a time");
                None
            }
            Some(Ok(ended)) => Some(ended),
            Some(Err(err)) => {
                self.explain(&fate, &err)?;
                None
            }
        };
        if machine.is_dead() && fate.cut_power {
            self.story.fault("power cut");
            machine.cut_power();
        }
        Ok(ended)
    }

    /// A run that ends without artifacts has a reason for it, and the model's server is none.
    fn explain(&self, fate: &Fate, err: &RunError) -> Result<(), String> {
        let said = format!("{err}: {:?}", std::error::Error::source(err));
        self.story.say(&said);
        match err {
            RunError::Journal(_) if self.machines[fate.machine].is_dead() => Ok(()),
            RunError::Journal(_) if fate.room.is_some() => Ok(()),
            RunError::TakenOver { .. } | RunError::Lease(_) if fate.started_twice => Ok(()),
            RunError::Carrier { .. } if fate.faults > 0 => Ok(()),
            _ => Err(format!("an error that nothing explains: {said}")),
        }
    }

    fn note(&self, fate: &Fate) {
        let happens = [
            ("killed at an append", matches!(fate.death, Some(Death::Append { .. }))),
            ("killed at a sync", matches!(fate.death, Some(Death::Sync { .. }))),
            ("disk full", fate.room.is_some()),
            ("slow sink", fate.slow_sink),
            ("stuck sink", fate.stuck_sink),
            ("clock jumped", fate.clock_jumps),
            ("no WebSocket", !fate.web_socket),
            ("only HTTP", fate.way == Way::Http),
            ("only WebSocket", fate.way == Way::WebSocket),
            ("connections grow old", fate.connection_age.is_some()),
        ];
        for (what, _) in happens.into_iter().filter(|(_, happens)| *happens) {
            self.story.fault(what);
        }
    }

    /// Another process takes up the run while the first is at it.
    async fn start_twice(&self, fate: &Fate, part: &impl Fn(&str) -> Dice) {
        let elsewhere = self.carried && self.dice.chance(50);
        let machine = if elsewhere { 1 - fate.machine } else { fate.machine };
        if elsewhere {
            // The first one hangs so long that its lease is gone.
            self.ledger.forget_holder();
        }
        let calm = Fate::calm(machine);
        let plan = self.plan(&calm, part);
        let (_never, signals) = mpsc::channel(1);
        let toolbox = Arc::new(self.toolbox(part("tools")));
        let second = runner::run(plan, toolbox, Vec::new(), false, signals).await;
        self.story.fault("double start");
        let said = second.as_ref().map(|ended| &ended.result.stop_reason);
        self.story.say(&format!("the second process: {said:?}"));
        let there = Fate { machine, ..*fate };
        *self.elsewhere.lock().unwrap() = match second {
            Ok(ended) => Some(Ok((machine, ended))),
            Err(err) => self.explain(&there, &err).err().map(Err),
        };
    }

    fn toolbox(&self, dice: Dice) -> Toolbox<Counting> {
        let info = ToolInfo {
            name: "count".to_owned(),
            description: "counts".to_owned(),
            schema: serde_json::json!({ "type": "object" }),
            component: Digest::of(b"count"),
            profile: Digest::of(b"none"),
            grant: Grant::everything(),
            asks: None,
        };
        Toolbox::new(Counting { infos: vec![info], dice }, None, Grant::everything())
    }

    fn plan(&self, fate: &Fate, part: &impl Fn(&str) -> Dice) -> RunPlan {
        let story = self.story.clone();
        let model = SimModel {
            scenario: self.scenario.clone(),
            bills: Arc::clone(&self.bills),
            dice: part("model"),
            faults: fate.faults,
            retires: fate.connection_age.is_some(),
            story: story.clone(),
        };
        let options = Options { web_socket: fate.web_socket, ..Options::default() };
        let connection_age_max = fate.connection_age.unwrap_or(options.connection_age_max);
        let options = Options { connection_age_max, ..options };
        let server = Arc::new(Server::in_memory(Arc::new(model), options));
        let network =
            SimNetwork { server, dice: part("network"), faults: fate.faults, story: story.clone() };
        let endpoint = Endpoint::new("http://model.test/v1").unwrap();
        let carrier = SimPlace {
            kept: Arc::clone(&self.place),
            dice: part("place"),
            faults: fate.faults,
            story: story.clone(),
        };
        let carrier: Arc<dyn Carrier> = Arc::new(carrier);
        let key = key();
        RunPlan {
            step: "test".to_owned(),
            resume: None,
            session: self.session(),
            model: runner::ModelPlan {
                provider: "script".to_owned(),
                model: "m".to_owned(),
                endpoint: endpoint.with_dialer(Arc::new(network)),
                shown: "memory".to_owned(),
                connect: Duration::from_secs(5),
                effort: None,
                service_tier: None,
                way: fate.way,
                prompt_cache_key: "test".to_owned(),
            },
            rules: RULES.clone(),
            tests: None,
            head: runner::Tree {
                snapshot: Snapshot::directory(&self.dir.path().join("repo")).unwrap(),
                name: "head".to_owned(),
            },
            base: None,
            run_dir: self.run_dir(fate.machine),
            out_dir: self.out_dir(),
            key,
            version: "test".to_owned(),
            isolation: "none".to_owned(),
            trust: None,
            pipeline: None,
            answer_bytes: 65_536,
            calls_at_once: 8,
            shown: BTreeMap::new(),
            approved: Vec::new(),
            machine: Arc::new(self.machines[fate.machine].clone()),
            ledger: Some(self.ledger.of_process(part("ledger"), fate.faults, story)),
            carrier: self.carried.then_some(carrier),
        }
    }

    fn session(&self) -> Plan {
        let patches = self.scenario.name == "patch";
        Plan {
            task: "look".to_owned(),
            goal: if patches { Goal::Patch } else { Goal::Diagnose },
            price: oracle::PRICE,
            budgets: self.budgets,
            max_output_tokens: 500,
            request_overhead_bytes: 4_000,
            first_event_ms: 10_000,
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
}

impl Fate {
    fn calm(machine: usize) -> Self {
        Self {
            faults: 0,
            machine,
            death: None,
            room: None,
            killed_after: None,
            cut_power: false,
            interrupted_after: None,
            started_twice: false,
            slow_sink: false,
            stuck_sink: false,
            clock_jumps: false,
            way: Way::default(),
            web_socket: true,
            connection_age: None,
        }
    }
}

/// What a run may spend: of the step's money each work may have a part only.
fn budgets(dice: &Dice) -> Budgets {
    let step_spend = dice.between(20_000, 200_000);
    let line = || Ceiling {
        time_ms: WORK_MS,
        idle_ms: 5_000,
        tokens: dice.between(20_000, 200_000),
        spend: Money(dice.between(step_spend / 2, step_spend)),
        calls: dice.between(30, 200),
    };
    let [analyze, patch] = [(); 2].map(|()| line());
    Budgets { analyze, patch, ..same_for_all(line(), Money(step_spend)) }
}

fn same_for_all(line: Ceiling, step_spend: Money) -> Budgets {
    Budgets { context: line, analyze: line, patch: line, verify: line, step_spend }
}

/// A console that reads what it is shown, slowly or not at all.
async fn watch(mut intake: Intake, fate: Fate, dice: Dice) {
    if fate.stuck_sink {
        return std::future::pending().await;
    }
    while let Some(shown) = intake.next().await {
        let is_record =
            matches!(shown, Shown::Record(ref record) if !matches!(record.event, Event::Noted(_)));
        if fate.slow_sink && is_record {
            sleep(Duration::from_millis(dice.below(400))).await;
        }
    }
}

fn key() -> RunKey {
    RunKey::new([("the head".to_owned(), "a".to_owned())])
}
