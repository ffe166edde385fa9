//! A place to write a run in, or to go on with a frozen one: a repository of three files, a
//! scripted model in memory, a tool that counts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use runner::{
    Carrier, Ended, Execution, JournalFile, KeptRun, Later, Machine, RunError, RunKey, RunPlan,
    TestCommand, ThisMachine, ToolExecutor, ToolInfo, Toolbox, carried_runs, kept_runs,
};
use session::budget::{Budgets, Ceiling, Money, Price};
use session::event::CallUsage;
use session::{Answer, ContextCall, Goal, Plan};
use snapshot::{Digest, Grant, Snapshot, View};
use tokio::sync::mpsc;
use wire::{ByteStream, Dial, Endpoint, InMemoryServer, Options, Script, Server};

use super::entry::Frozen;

/// When the frozen runs were worked on: some day in 2026.
const NOW_MS: u64 = 1_795_600_000_000;
/// What the runs are about.
const FILES: [(&str, &str); 3] = [
    ("a.txt", "one\n"),
    (".github/ci.yml", "one\n"),
    ("check.sh", "cat a.txt\ngrep -q two a.txt\n"),
];

pub(super) struct World {
    dir: tempfile::TempDir,
    session: Plan,
    script: String,
    place: Option<Place>,
}

impl World {
    /// Where nothing has happened yet.
    pub(super) fn empty(frozen: &Frozen, carried: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in FILES {
            let path = dir.path().join("repo").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let (session, script) = (frozen.session.clone(), frozen.script.clone());
        Self { dir, session, script, place: carried.then(Place::default) }
    }

    /// Where everything is as it was frozen.
    pub(super) fn of(frozen: &Frozen) -> Self {
        let carried = frozen.dir.join("place");
        let world = Self::empty(frozen, carried.is_dir());
        copy(&frozen.dir.join("run"), &world.run_dir());
        if let Some(place) = &world.place {
            for (name, bytes) in files(&carried) {
                place.0.lock().unwrap().insert(name, bytes);
            }
        }
        world
    }

    pub(super) fn run_dir(&self) -> PathBuf {
        self.dir.path().join("runs").join(key().run_name())
    }

    pub(super) fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// What whoever looks is told: at this machine, or where others see the run.
    pub(super) async fn kept(&self) -> Vec<KeptRun> {
        match self.carrier() {
            Some(carrier) => carried_runs(&carrier, [key().run_name()]).await,
            None => kept_runs(self.run_dir().parent().unwrap()).unwrap(),
        }
    }

    fn carrier(&self) -> Option<Arc<dyn Carrier>> {
        self.place.clone().map(|place| Arc::new(place) as Arc<dyn Carrier>)
    }

    /// One life of the process, which ends after so many records.
    pub(super) async fn run(&self, killed_after: Option<u64>) -> Result<Ended, RunError> {
        let info = ToolInfo {
            name: "count".to_owned(),
            description: "counts".to_owned(),
            schema: serde_json::json!({ "type": "object" }),
            component: Digest::of(b"count"),
            profile: Digest::of(b"none"),
            grant: Grant::everything(),
            asks: None,
        };
        let toolbox = Toolbox::new(Counting(vec![info]), None, Grant::everything());
        let (_never, signals) = mpsc::channel(1);
        let plan = self.plan(killed_after);
        Box::pin(runner::run(plan, Arc::new(toolbox), Vec::new(), false, signals)).await
    }

    fn plan(&self, killed_after: Option<u64>) -> RunPlan {
        let script = Script::parse(&self.script).unwrap();
        let server = Server::in_memory(Arc::new(script), Options::default());
        let endpoint = Endpoint::new("http://model.test/v1").unwrap();
        let tests = self.session.tests.as_ref().map(|tests| TestCommand {
            command: tests.command.clone(),
            reports: Vec::new(),
            env: [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into(),
            kept: None,
            limits: runner::TestLimits::default(),
            confine: None,
        });
        RunPlan {
            step: "frozen".to_owned(),
            resume: None,
            session: self.session.clone(),
            model: runner::ModelPlan {
                provider: "script".to_owned(),
                model: "m".to_owned(),
                endpoint: endpoint.with_dialer(Arc::new(Memory(server))),
                shown: "memory".to_owned(),
                connect: Duration::from_secs(5),
                effort: None,
                service_tier: None,
                way: runner::Way::default(),
                prompt_cache_key: "frozen".to_owned(),
            },
            rules: gate::Rules::new(&gate::RuleSpec::default()).unwrap(),
            tests,
            head: runner::Tree {
                snapshot: Snapshot::directory(&self.dir.path().join("repo")).unwrap(),
                name: "head".to_owned(),
            },
            base: None,
            run_dir: self.run_dir(),
            out_dir: self.out(),
            key: key(),
            version: "frozen".to_owned(),
            isolation: "none".to_owned(),
            trust: None,
            pipeline: None,
            answer_bytes: 65_536,
            calls_at_once: 8,
            shown: BTreeMap::new(),
            approved: Vec::new(),
            machine: Arc::new(Mortal { after: killed_after, appends: Arc::default() }),
            ledger: None,
            carrier: self.carrier(),
        }
    }

    /// Keeps what another program needs to go on: of a run that is carried, what others see.
    pub(super) fn freeze(&self, to: &Path) {
        fs::create_dir_all(to.join("run")).unwrap();
        let Some(place) = &self.place else {
            copy(&self.run_dir().join("reports"), &to.join("run/reports"));
            drop(fs::copy(self.run_dir().join("journal.jsonl"), to.join("run/journal.jsonl")));
            return;
        };
        fs::write(to.join("run/.keep"), "").unwrap();
        for (name, bytes) in &*place.0.lock().unwrap() {
            let path = to.join("place").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

fn key() -> RunKey {
    RunKey::new([("the head".to_owned(), "frozen".to_owned())])
}

/// What the rules know of a frozen run, if nothing of it is special.
pub(super) fn plan() -> Plan {
    let ceiling = Ceiling {
        time_ms: 600_000,
        idle_ms: 60_000,
        tokens: 1_000_000,
        spend: Money(1_000_000),
        calls: 20,
    };
    Plan {
        task: "look".to_owned(),
        goal: Goal::Diagnose,
        price: Price {
            input: Money(1_000_000),
            cached_input: Money(100_000),
            cache_write: None,
            output: Money(10_000_000),
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
        request_overhead_bytes: 4_000,
        first_event_ms: 60_000,
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

/// All files below `dir`, by their names from there.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            let below = files(&entry.path()).into_iter();
            found.extend(below.map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
        } else {
            found.push((name, fs::read(entry.path()).unwrap()));
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    for (name, bytes) in files(from) {
        let path = to.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[derive(Debug)]
struct Counting(Vec<ToolInfo>);

impl ToolExecutor for Counting {
    fn tools(&self) -> &[ToolInfo] {
        &self.0
    }

    async fn execute(&self, _tool: &str, arguments: &str, _view: Arc<View>) -> Execution {
        let digest = Digest::of(arguments.as_bytes()).to_string();
        let answer = Answer::Answered { output: format!("{{\"digest\":\"{digest}\"}}") };
        Execution { answer, usage: CallUsage::default(), observed: None, log: Vec::new() }
    }
}

struct Memory(InMemoryServer);

impl Dial for Memory {
    fn dial<'a>(
        &'a self,
        _host: &'a str,
        _port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn ByteStream>>> {
        let stream = self.0.connect();
        Box::pin(async move { Ok(Box::new(stream) as Box<dyn ByteStream>) })
    }
}

/// This machine at a time that stands still, whose process dies after so many records.
#[derive(Debug)]
struct Mortal {
    after: Option<u64>,
    appends: Arc<AtomicU64>,
}

impl Machine for Mortal {
    fn open(&self, path: &Path) -> io::Result<Box<dyn JournalFile>> {
        let file = ThisMachine.open(path)?;
        Ok(Box::new(MortalFile { file, after: self.after, appends: Arc::clone(&self.appends) }))
    }

    fn time_ms(&self) -> u64 {
        NOW_MS
    }
}

#[derive(Debug)]
struct MortalFile {
    file: Box<dyn JournalFile>,
    after: Option<u64>,
    appends: Arc<AtomicU64>,
}

impl JournalFile for MortalFile {
    fn read(&mut self, most: u64) -> io::Result<Vec<u8>> {
        self.file.read(most)
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.file.cut(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let before = self.appends.fetch_add(1, Ordering::Relaxed);
        if self.after.is_some_and(|after| before >= after) {
            return Err(io::Error::other("the process was killed"));
        }
        self.file.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
}

/// A place that several machines share.
#[derive(Debug, Clone, Default)]
struct Place(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Carrier for Place {
    fn get(&self, name: String) -> Later<'_, Result<Option<Vec<u8>>, String>> {
        Box::pin(async move { Ok(self.0.lock().unwrap().get(&name).cloned()) })
    }

    fn create(&self, name: String, bytes: Vec<u8>) -> Later<'_, Result<bool, String>> {
        Box::pin(async move {
            let mut kept = self.0.lock().unwrap();
            let is_new = !kept.contains_key(&name);
            kept.entry(name).or_insert(bytes);
            Ok(is_new)
        })
    }

    fn list(&self, prefix: String) -> Later<'_, Result<Vec<String>, String>> {
        Box::pin(async move {
            let kept = self.0.lock().unwrap();
            Ok(kept.keys().filter(|name| name.starts_with(&prefix)).cloned().collect())
        })
    }

    fn delete(&self, name: String) -> Later<'_, Result<(), String>> {
        Box::pin(async move {
            self.0.lock().unwrap().remove(&name);
            Ok(())
        })
    }
}
