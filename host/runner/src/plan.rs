//! Everything a run needs, decided before it begins.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use session::{Approval, StopReason, Trust};
use snapshot::{Digest, FileContent, RepoPath, Snapshot};

use crate::carrier::Carrier;
use crate::disk::Machine;
use crate::ledger::RunLedger;
use crate::verify::Confine;

/// A step that is ready to run.
#[derive(Debug)]
pub struct RunPlan {
    /// The step's name.
    pub step: String,
    /// How a person goes on with the run, where that has a command.
    pub resume: Option<ResumeCommand>,
    /// What the rules need to know.
    pub session: session::Plan,
    /// Who answers.
    pub model: ModelPlan,
    /// What may leave.
    pub rules: gate::Rules,
    /// The step's own tests, where it has some.
    pub tests: Option<TestCommand>,
    /// What the step is about.
    pub head: Tree,
    /// What it is compared with.
    pub base: Option<Tree>,
    /// What tools see of the head beside what is in it, below [`SHOWN_TREES`](crate::SHOWN_TREES).
    pub shown: BTreeMap<RepoPath, Option<FileContent>>,
    /// Where the run keeps its journal. One directory a run, made by the runner.
    pub run_dir: PathBuf,
    /// Where the artifacts go.
    pub out_dir: PathBuf,
    /// What the run depends on.
    pub key: RunKey,
    /// The program's version.
    pub version: String,
    /// What guards the tools, in one line.
    pub isolation: String,
    /// Whose change the run is about, where that is known.
    pub trust: Option<Trust>,
    /// Where the run takes place, for whoever counts runs.
    pub pipeline: Option<session::Pipeline>,
    /// Bytes of one answer that the conversation gets; the rest is cut.
    pub answer_bytes: usize,
    /// Tool calls that are carried out at the same time, or whose answers wait for the loop; the
    /// others wait. An answer that waits has been cut to `answer_bytes`. None counts as one.
    pub calls_at_once: u32,
    /// What a human lets pass: value checks, and patches at gates.
    pub approved: Vec<Approval>,
    /// What the journal is written to.
    pub machine: Arc<dyn Machine>,
    /// What others spend beside this run, where somebody keeps books.
    pub ledger: Option<Arc<dyn RunLedger>>,
    /// How the run gets to other machines, where it is to.
    pub carrier: Option<Arc<dyn Carrier>>,
}

/// The part of a run's key that names what the step is about: a commit, or the digest of a working
/// tree.
pub const HEAD_PART: &str = "the head";

impl RunPlan {
    /// What names the content of the head; its name for people, where the key does not say.
    pub(crate) fn head_id(&self) -> &str {
        self.key.parts().get(HEAD_PART).unwrap_or(&self.head.name)
    }
}

/// What a person types to go on with a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeCommand {
    /// The command.
    pub command: String,
    /// What stands between it and the name of a check that asks for approval.
    pub approve: String,
    /// The command that lets a patch pass a gate, up to the gate's name. [`ResumeCommand::command`]
    /// goes on after it.
    pub approve_gate: String,
    /// What the command reads of how the run was begun. It is kept beside the journal, by whoever
    /// has the run.
    pub begun: Option<BeginningFile>,
}

/// A file that says how a run was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeginningFile {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl ResumeCommand {
    /// The command that goes on after a stop for `reason`; none where nothing does.
    pub(crate) fn after(&self, reason: &StopReason) -> Option<String> {
        let Self { command, approve, approve_gate, .. } = self;
        let StopReason::ApprovalNeeded { check, bound } = reason else {
            return reason.is_open().then(|| command.clone());
        };
        Some(match bound {
            None => format!("{command} {approve} {check}"),
            Some(_) => format!("{approve_gate} {check}"),
        })
    }
}

/// A state of the repository, and what people call it.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The files.
    pub snapshot: Snapshot,
    /// A revision, or `the working tree`.
    pub name: String,
}

/// Which ways to the model there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Way {
    /// A WebSocket; where a server has none, HTTP from then on.
    #[default]
    WebSocketOrHttp,
    /// Only a WebSocket.
    WebSocket,
    /// Only HTTP, with the whole conversation each time.
    Http,
}

/// Who answers, and where.
#[derive(Debug, Clone)]
pub struct ModelPlan {
    /// `offline`, `script` or `openai`.
    pub provider: String,
    /// The model's name.
    pub model: String,
    /// Where it is.
    pub endpoint: wire::Endpoint,
    /// What people read of where it is.
    pub shown: String,
    /// How long a connection may take.
    pub connect: Duration,
    /// How hard the model thinks, where the step says so.
    pub effort: Option<String>,
    /// How requests are to be served and billed, where that is said.
    pub service_tier: Option<String>,
    /// How to get there.
    pub way: Way,
    /// Requests with the same key share the provider's prompt cache where they begin alike.
    pub prompt_cache_key: String,
}

/// The step's own tests.
#[derive(Debug, Clone)]
pub struct TestCommand {
    /// The program and its arguments; no shell reads them. Never empty.
    pub command: Vec<String>,
    /// Which files the command leaves as reports.
    pub reports: Vec<String>,
    /// The whole environment of the command.
    pub env: BTreeMap<String, String>,
    /// Where a run is kept for a day, for tests of which the step says that the same files give the
    /// same result. Never a folder that the command can write to.
    pub kept: Option<PathBuf>,
    /// How far it may go.
    pub limits: TestLimits,
    /// Who puts walls around it, where somebody does. Without, its group of processes is all that
    /// holds it.
    pub confine: Option<Arc<dyn Confine>>,
}

/// How far a test command may go; its time is the work's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestLimits {
    /// Bytes of output. What is kept of them is less.
    pub output_bytes: u64,
    /// Bytes on the disk: of the tree with what a build leaves there, and of what is written
    /// elsewhere, each.
    pub disk_bytes: u64,
}

impl Default for TestLimits {
    /// What the largest build that is known leaves, and a log that nobody reads any more.
    fn default() -> Self {
        Self { output_bytes: 1024 * 1024 * 1024, disk_bytes: 32 * 1024 * 1024 * 1024 }
    }
}

/// Where a part of a run's key first tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FirstUse {
    /// In what the tools and the model answer: from the first record on.
    Answers,
    /// In what the rules decide, and when: budgets, checks.
    Rules,
    /// In what the gates find.
    Gates,
    /// In what the step's own tests say.
    Tests,
}

/// What a run depends on: a run goes on only where all of it is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunKey {
    parts: BTreeMap<String, String>,
    /// Where a part first tells, for those that do not from the first record on.
    late: BTreeMap<String, FirstUse>,
}

impl RunKey {
    /// A key of named parts: names for people, values that differ when the parts do.
    pub fn new(parts: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { parts: parts.into_iter().collect(), late: BTreeMap::new() }
    }

    /// The same key with a part that first tells there.
    #[must_use]
    pub fn with(mut self, name: &str, value: String, first: FirstUse) -> Self {
        self.parts.insert(name.to_owned(), value);
        self.late.insert(name.to_owned(), first);
        self
    }

    /// Where the part of that name first tells.
    pub(crate) fn first_use(&self, name: &str) -> FirstUse {
        self.late.get(name).copied().unwrap_or(FirstUse::Answers)
    }

    /// Digest of all parts.
    pub fn digest(&self) -> Digest {
        let parts: Vec<&[u8]> = self
            .parts
            .iter()
            .flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()])
            .collect();
        Digest::derive("stepwell 2026-11 run key v1", &parts)
    }

    /// The run's name: short, and the same for the same key.
    pub fn run_name(&self) -> String {
        self.digest().to_string()[..16].to_owned()
    }

    /// The parts, by name.
    pub fn parts(&self) -> &BTreeMap<String, String> {
        &self.parts
    }

    /// The names of the parts that differ.
    pub fn differences(&self, other: &BTreeMap<String, String>) -> Vec<String> {
        let names = self.parts.keys().chain(other.keys().filter(|k| !self.parts.contains_key(*k)));
        names.filter(|name| self.parts.get(*name) != other.get(*name)).cloned().collect()
    }
}
