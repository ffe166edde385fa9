//! What the gates make of a patch: parsed, validated, applied in memory, judged; and what they
//! make of what its tests said.

use std::collections::BTreeMap;

use gate::{
    EntryKind, FileChange, Judgement, Patch, Proposal, Rules, TestNumbers, TestRun, ValidPatch,
};
use session::event::Input;
use session::{Binding, CallId, PatchFile, Place, Ruling, TestCounts, TestsSaid, Verdict};
use snapshot::{
    Answer, Digest, FileContent, Grant, Kind, Question, ReadError, RepoPath, Snapshot, View,
};

use crate::plan::RunPlan;
use crate::tools::{ToolExecutor, Toolbox, Trees};
use crate::{dependencies, own_gates};

/// A patch that no gate refuses, and that fits the head.
#[derive(Debug, Clone)]
pub struct Passed {
    /// In canonical form.
    pub diff: String,
    /// What it makes of the files; none for those that go.
    pub files: BTreeMap<RepoPath, Option<FileContent>>,
}

/// What the gates made of a patch.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Why it may not leave, for a person and for the model; none where a gate asks at the most.
    pub problem: Option<String>,
    /// BLAKE3 of its canonical form, in hex; none where it could not be read.
    pub digest: Option<String>,
    /// What it touches; nothing where it may not leave.
    pub files: Vec<PatchFile>,
    /// What each gate found, in their order.
    pub verdicts: Vec<Verdict>,
    /// What an approval of it is bound to; none where it may not leave.
    pub bound: Option<Binding>,
    /// The patch itself; none where it may not leave.
    pub passed: Option<Passed>,
}

impl Judged {
    /// The same with what the step's own gates say, which may be that it may not leave.
    fn with(self, own: Vec<Verdict>) -> Self {
        let refuse = own.iter().filter(|verdict| verdict.ruling() == Ruling::Refuse);
        let said: Vec<String> =
            refuse.map(|verdict| format!("{}: {}", verdict.gate, verdict.because)).collect();
        let verdicts = self.verdicts.into_iter().chain(own).collect();
        if said.is_empty() {
            return Self { verdicts, ..self };
        }
        let problem = Some(format!("the gates refuse it: {}", said.join("; ")));
        let (files, bound, passed) = (Vec::new(), None, None);
        Self { problem, digest: self.digest, files, verdicts, bound, passed }
    }

    /// What the rules hear of it.
    pub(crate) fn input(self, call: CallId) -> Input {
        let Self { problem, digest, files, verdicts, bound, passed: _ } = self;
        Input::PatchJudged { call, problem, digest, files, verdicts, bound }
    }
}

/// Looks at a patch outside of a run: `text` as somebody wrote it, against `head`, whose content
/// `head_id` names. Where it may change dependencies, the tools of the toolbox are asked how; then the
/// own gates of `step` are.
pub async fn judge_patch<E: ToolExecutor>(
    text: &str,
    head: Snapshot,
    head_id: String,
    rules: Rules,
    step: &str,
    toolbox: &Toolbox<E>,
) -> Judged {
    match look(text, By { head, head_id, rules, step: step.to_owned() }) {
        Looked::Over(judged) => *judged,
        Looked::AsksTools(fitting) => fitting.ask(toolbox).await,
    }
}

/// How far the gates came that need no tool.
pub(crate) enum Looked {
    /// To the end.
    Over(Box<Judged>),
    /// To a patch that fits the head, which tools or the step's own gates have to look at.
    AsksTools(Box<Fitting>),
}

impl Looked {
    pub(crate) fn over(judged: Judged) -> Self {
        Self::Over(Box::new(judged))
    }
}

/// A patch that the first gates do not refuse, and that fits the head.
pub(crate) struct Fitting {
    valid: ValidPatch,
    digest: Digest,
    bound: Binding,
    judgement: Judgement,
    passed: Passed,
    /// Those of its files that dependencies come in by.
    sources: Vec<String>,
    by: By,
}

/// What a patch is held against.
#[derive(Debug, Clone)]
pub(crate) struct By {
    head: Snapshot,
    /// What names the head's content.
    head_id: String,
    rules: Rules,
    /// The step's name.
    step: String,
}

impl By {
    pub(crate) fn of(plan: &RunPlan) -> Self {
        let (head, head_id) = (plan.head.snapshot.clone(), plan.head_id().to_owned());
        Self { head, head_id, rules: plan.rules.clone(), step: plan.step.clone() }
    }

    /// What an approval of a patch is bound to.
    fn binding(&self, patch: &Digest) -> Binding {
        let policy = Digest::of(self.rules.canonical().as_bytes());
        Binding { head: self.head_id.clone(), patch: patch.to_string(), policy: policy.to_string() }
    }
}

/// Looks at a patch as the model wrote it.
pub(crate) fn look(text: &str, by: By) -> Looked {
    let patch = match read(text, &by.head) {
        Ok(patch) => patch,
        Err((problem, judgement)) => return Looked::over(refused(problem, None, &judgement)),
    };
    let digest = Digest::of(patch.to_diff().as_bytes());
    let valid = match patch.validate() {
        Ok(valid) => valid,
        Err(err) => {
            let judgement = Judgement::from(&err);
            return Looked::over(refused(err.to_string(), Some(digest), &judgement));
        }
    };
    if let Err(err) = gate::check_room(&valid, &|path| listed(&by.head, path)) {
        let judgement = Judgement::from(&err);
        return Looked::over(refused(err.to_string(), Some(digest), &judgement));
    }
    let judgement = gate::judge(&valid, &by.rules);
    if let Some(problem) = refusal(&judgement) {
        return Looked::over(refused(problem, Some(digest), &judgement));
    }
    let passed = match apply(&valid, &by.head) {
        Ok(passed) => passed,
        Err(problem) => return Looked::over(refused(problem, Some(digest), &judgement)),
    };
    let is_source = |path: &&str| by.rules.is_source_of_dependencies(path);
    let sources: Vec<String> = valid.paths().filter(is_source).map(str::to_owned).collect();
    // Where its hunks stand is a part of it now.
    let digest = Digest::of(passed.diff.as_bytes());
    let bound = by.binding(&digest);
    let fitting = Fitting { valid, digest, bound, judgement, passed, sources, by };
    match fitting.sources.is_empty() && fitting.by.rules.own().is_empty() {
        true => Looked::over(fitting.judge(&gate::Dependencies::Untouched)),
        false => Looked::AsksTools(Box::new(fitting)),
    }
}

impl Fitting {
    /// Lets the tools say how the dependencies differ, and the last gates speak.
    pub(crate) async fn ask<E: ToolExecutor>(self, toolbox: &Toolbox<E>) -> Judged {
        let trees = Trees {
            head: self.by.head.overlay(self.passed.files.clone()),
            base: Some(self.by.head.clone()),
            names: ("the patch".to_owned(), Some("the head".to_owned())),
        };
        let known = match self.sources.is_empty() {
            true => gate::Dependencies::Untouched,
            false => dependencies::compare(toolbox, &trees, self.sources.clone()).await,
        };
        let By { rules, step, .. } = self.by.clone();
        let judged = self.judge(&known);
        let Some(passed) = &judged.passed else { return judged };
        let own = own_gates::judge(toolbox, rules.own(), &step, &passed.diff, &trees).await;
        judged.with(own)
    }

    fn judge(self, known: &gate::Dependencies) -> Judged {
        let Self { valid, digest, bound, judgement, passed, by, .. } = self;
        let judgement = judgement.with(gate::judge_dependencies(known, &by.rules));
        if let Some(problem) = refusal(&judgement) {
            return refused(problem, Some(digest), &judgement);
        }
        Judged {
            problem: None,
            digest: Some(digest.to_string()),
            files: touched(&valid),
            verdicts: verdicts(&judgement),
            bound: Some(bound),
            passed: Some(passed),
        }
    }
}

/// What a patch that passed makes of the head: for a run that goes on, where it was judged before.
pub(crate) fn again(text: &str, head: &Snapshot) -> Option<Passed> {
    apply(&read(text, head).ok()?.validate().ok()?, head).ok()
}

/// The patch that a proposal means for this head, or why there is none, for the model and as the
/// one gate says it that can speak.
fn read(text: &str, head: &Snapshot) -> Result<Patch, (String, Judgement)> {
    let proposal = Proposal::parse(text)
        .map_err(|err| (format!("the patch cannot be read: {err}"), Judgement::from(&err)))?;
    proposal
        .resolve(&|path| content(head, path))
        .map_err(|err| (format!("the patch does not fit: {err}"), Judgement::from(&err)))
}

fn content(head: &Snapshot, path: &str) -> Result<Option<Vec<u8>>, String> {
    let path = RepoPath::parse(path).map_err(|err| err.to_string())?;
    match head.read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ReadError::NotFound) => Ok(None),
        Err(err) => Err(err.to_string()),
    }
}

/// What stands in a directory of the head.
fn listed(head: &Snapshot, path: &str) -> Result<Vec<(String, EntryKind)>, String> {
    let question = Question::List { tree: snapshot::Tree::Head, path: path.to_owned() };
    let answer = View::new(head.clone(), None, Grant::everything()).answer(&question);
    if let Answer::Denied(err) = answer {
        let is_none = matches!(err, ReadError::NotFound | ReadError::NotADirectory);
        return if is_none { Ok(Vec::new()) } else { Err(err.to_string()) };
    }
    let Answer::List(entries) = answer else { return Ok(Vec::new()) };
    let kind = |kind: Kind| match kind {
        Kind::File => EntryKind::File,
        Kind::Directory => EntryKind::Directory,
        Kind::Symlink => EntryKind::Link,
    };
    Ok(entries.into_iter().map(|entry| (entry.name, kind(entry.kind))).collect())
}

/// What the gate of the tests says of those of a patch.
pub(crate) fn judge_tests(
    ran: bool,
    before: Option<&TestsSaid>,
    after: &TestsSaid,
    rules: &Rules,
) -> Verdict {
    let before = before.map(|said| test_run(said, said.exit_code.is_some()));
    verdict(&gate::judge_tests(before.as_ref(), &test_run(after, ran), rules))
}

fn test_run(said: &TestsSaid, ran: bool) -> TestRun {
    let numbers = |counts: &TestCounts| TestNumbers {
        tests: counts.tests,
        skipped: counts.skipped,
        failing: counts.failing.clone(),
    };
    TestRun { ran, passed: said.passed, numbers: said.counts.as_ref().map(numbers) }
}

/// Why a judgement lets nothing pass, if it does not.
fn refusal(judgement: &Judgement) -> Option<String> {
    let refuse = |verdict: &&gate::Verdict| verdict.ruling == gate::Ruling::Refuse;
    let said: Vec<&str> =
        judgement.verdicts.iter().filter(refuse).map(|v| v.because.as_str()).collect();
    (!said.is_empty()).then(|| format!("the gates refuse it: {}", said.join("; ")))
}

fn refused(problem: String, digest: Option<Digest>, judgement: &Judgement) -> Judged {
    Judged {
        problem: Some(problem),
        digest: digest.map(|digest| digest.to_string()),
        files: Vec::new(),
        verdicts: verdicts(judgement),
        bound: None,
        passed: None,
    }
}

fn apply(patch: &ValidPatch, head: &Snapshot) -> Result<Passed, String> {
    let applied = gate::apply(patch, &|path| content(head, path)).map_err(|err| err.to_string())?;
    let mut files = BTreeMap::new();
    for (path, bytes) in applied.files {
        let path = RepoPath::parse(&path).map_err(|err| format!("`{path}`: {err}"))?;
        let executable = head.stat(&path).is_ok_and(|found| found.executable);
        files.insert(path, bytes.map(|bytes| FileContent { bytes, executable }));
    }
    Ok(Passed { diff: applied.settled.to_diff(), files })
}

/// A judgement in the words of the session, its journal and its artifacts.
#[must_use]
pub fn verdicts(judgement: &Judgement) -> Vec<Verdict> {
    judgement.verdicts.iter().map(verdict).collect()
}

fn verdict(found: &gate::Verdict) -> Verdict {
    let place = |place: &gate::Place| Place {
        path: place.path.clone(),
        line: place.line,
        what: place.what.clone(),
    };
    let ruling = match found.ruling {
        gate::Ruling::Pass => Ruling::Pass,
        gate::Ruling::Approval => Ruling::Approval,
        gate::Ruling::Refuse => Ruling::Refuse,
    };
    Verdict {
        paths: found.paths.clone(),
        places: found.places.iter().map(place).collect(),
        ..Verdict::new(found.gate.as_str(), ruling, found.because.clone())
    }
}

fn touched(patch: &ValidPatch) -> Vec<PatchFile> {
    patch.files().iter().map(touched_file).collect()
}

fn touched_file(change: &FileChange) -> PatchFile {
    let (path, status) = match change {
        FileChange::Add { path, .. } => (path, "added"),
        FileChange::Modify { path, .. } => (path, "modified"),
        FileChange::Delete { path, .. } => (path, "deleted"),
        FileChange::Rename { to, .. } => (to, "renamed"),
    };
    PatchFile {
        path: path.clone(),
        status: status.to_owned(),
        added: change.added() as u64,
        removed: change.removed() as u64,
    }
}
