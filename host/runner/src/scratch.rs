//! The tree in which the step's own tests run: a copy of the snapshot, outside of it, without
//! secrets in its environment.
//!
//! The command is the one thing of a repository that runs outside a component. It is named by
//! the step, not by the model, and no shell reads it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use session::event::{TestsEnding, TestsFacts};
use session::{CallId, Origin};
use snapshot::{
    Answer, ChangeStatus, Digest, FileContent, GlobQuery, Grant, Question, RepoPath, Snapshot,
    SnapshotError, View,
};

use crate::outputs::Outputs;
use crate::plan::TestCommand;
use crate::verify::{Kept, KeptRun, KeptRuns, Ran, execute};

/// Where the tools see the reports of the step's own tests, by round.
pub(crate) const SHOWN_REPORTS: &str = ".stepwell/verify/";

/// Where tools find the trees that a step grants them beside the repository.
pub const SHOWN_TREES: &str = ".stepwell/trees/";
/// Reports that are kept of one run of the tests.
const REPORTS_MAX: usize = 200;
/// Bytes of one report.
const REPORT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What a run of the tests left.
#[derive(Debug)]
pub(crate) struct TestsRun {
    pub(crate) ending: TestsEnding,
    /// By path, as the tools will see them.
    pub(crate) reports: Vec<(String, Vec<u8>)>,
    /// What readers may want to know of it, where it ran.
    pub(crate) facts: Option<TestsFacts>,
    /// What was left out of the output, where that is the report.
    pub(crate) cut: Option<Cut>,
    /// What a person should know.
    pub(crate) warning: Option<String>,
}

/// An output that is longer than what is kept of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) bytes: u64,
    pub(crate) shown: u64,
}

/// Removes what an earlier attempt left in `dir`; links in it are not followed.
pub(crate) fn clear(dir: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => Err(err),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Where and how often the tests run.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The folder for the tree and what is written beside it.
    pub(crate) dir: PathBuf,
    /// Where the output goes as it grows.
    pub(crate) outputs: Arc<Outputs>,
    /// 0 without a patch, then counted from 1.
    pub(crate) round: u32,
    /// How often the round's command has run before.
    pub(crate) again: u32,
}

impl Place {
    fn tree(&self) -> PathBuf {
        self.dir.join("tree")
    }

    fn private(&self) -> PathBuf {
        self.dir.join("private")
    }

    /// Where tools see what stands at `path` in the tree.
    fn shown(&self, path: &str) -> String {
        let Self { round, again, .. } = self;
        match again {
            0 => format!("{SHOWN_REPORTS}{round}/{path}"),
            _ => format!("{SHOWN_REPORTS}{round}.{}/{path}", again + 1),
        }
    }

    fn call(&self) -> CallId {
        CallId { origin: Origin::Tests(self.round), index: self.again }
    }
}

/// Runs the tests of `tree` at `place`. The caller bounds the time: dropping the future kills the
/// command and all its children.
pub(crate) async fn run_tests(tests: TestCommand, tree: Snapshot, place: Place) -> TestsRun {
    let prepared = {
        let (tree, place, patterns) = (tree.clone(), place.clone(), tests.reports.clone());
        tokio::task::spawn_blocking(move || prepare(&tree, &place, &patterns))
    };
    let stale = match prepared.await {
        Ok(Ok(stale)) => stale,
        Ok(Err(err)) => return not_started(format!("the scratch tree could not be made: {err}")),
        Err(err) => return not_started(format!("the scratch tree could not be made: {err}")),
    };
    let key = key(&tests, &tree).filter(|_| place.again == 0);
    if let Some(run) = key.and_then(|key| kept_runs(&tests)?.get(key, SystemTime::now())) {
        return said_before(&tests, &tree, &place, run);
    }
    let dir = place.tree();
    let kept = Kept::streaming(place.outputs.stream(place.call()));
    let Ran { ending, mut kept } = match execute(&tests, &dir, &place.private(), kept).await {
        Ok(ran) => ran,
        Err(err) => {
            let program = tests.command.first().map(String::as_str).unwrap_or_default();
            return not_started(format!("`{program}` could not be started: {err}"));
        }
    };
    let facts = facts(&tests, &place, &mut kept);
    let found = found_reports(&dir, &tests.reports);
    let fresh = found.into_iter().filter(|(path, bytes)| stale.get(path) != Some(bytes));
    let mut reports: Vec<_> = fresh.collect();
    let mut cut = None;
    if reports.is_empty() {
        cut = kept.cut();
        reports.push(("output.txt".to_owned(), kept.into_bytes()));
    }
    let run = KeptRun { ending, reports };
    let keeps = key.zip(kept_runs(&tests));
    let failed = keeps.and_then(|(key, runs)| runs.put(key, &run, SystemTime::now()).err());
    let warning = failed.map(|err| format!("what the tests said is not kept: {err}"));
    TestsRun { cut, warning, ..told(&tests, &tree, &place, run, facts) }
}

/// Where runs are kept, for tests that always say the same.
fn kept_runs(tests: &TestCommand) -> Option<KeptRuns<'_>> {
    tests.kept.as_deref().map(KeptRuns)
}

/// What a run is kept by: all that its result can depend on, as far as the step knows.
fn key(tests: &TestCommand, tree: &Snapshot) -> Option<Digest> {
    kept_runs(tests)?;
    let what = serde_json::json!({
        "tree": tree.digest().ok()?.to_string(),
        "command": tests.command,
        "environment": tests.env,
        "reports": tests.reports,
        "isolation": tests.confine.as_ref().map(|confine| confine.about()),
    });
    Some(Digest::derive("stepwell 2026-11 kept tests v1", &[what.to_string().as_bytes()]))
}

/// What a run came to that was kept.
fn said_before(tests: &TestCommand, tree: &Snapshot, place: &Place, run: KeptRun) -> TestsRun {
    told(tests, tree, place, run, TestsFacts::default())
}

/// A run as the rules and the tools are told of it.
fn told(
    tests: &TestCommand,
    tree: &Snapshot,
    place: &Place,
    run: KeptRun,
    facts: TestsFacts,
) -> TestsRun {
    let KeptRun { ending, reports } = run;
    let reports: Vec<_> =
        reports.into_iter().map(|(path, bytes)| (place.shown(&path), bytes)).collect();
    let digest = digest(tests, tree, ending, &reports).ok();
    let facts = Some(TestsFacts { digest, ..facts });
    TestsRun { ending, reports, facts, cut: None, warning: None }
}

/// Brings the tree to what is to be tested, with no report in it but its own: those.
fn prepare(
    tree: &Snapshot,
    place: &Place,
    patterns: &[String],
) -> Result<BTreeMap<String, Vec<u8>>, SnapshotError> {
    let dir = place.tree();
    let unwritable = |err: std::io::Error| SnapshotError::Unwritable {
        path: RepoPath::root(),
        reason: err.to_string(),
    };
    fs::create_dir_all(place.private()).map_err(unwritable)?;
    bring_to(tree, &dir)?;
    let mut reports = found_reports(&dir, patterns);
    let of_earlier_runs: BTreeMap<RepoPath, Option<FileContent>> = reports
        .keys()
        .filter_map(|path| RepoPath::parse(path).ok())
        .filter(|path| tree.stat(path).is_err())
        .map(|path| (path, None))
        .collect();
    reports.retain(|path, _| {
        RepoPath::parse(path).is_ok_and(|path| !of_earlier_runs.contains_key(&path))
    });
    snapshot::apply_overlay(&of_earlier_runs, &dir)?;
    Ok(reports)
}

/// What readers may want to know of the run.
fn facts(tests: &TestCommand, place: &Place, kept: &mut Kept) -> TestsFacts {
    let streamed = kept.end_stream().map(|stream| place.outputs.streamed(stream));
    let (file, kept_bytes) = streamed.unzip();
    let none = || "nothing but its own group of processes".to_owned();
    TestsFacts {
        isolation: Some(tests.confine.as_ref().map_or_else(none, |confine| confine.about())),
        output_bytes: kept.total(),
        kept: file,
        kept_bytes: kept_bytes.unwrap_or(0),
        digest: None,
    }
}

/// What ran and what came of it, in one digest.
fn digest(
    tests: &TestCommand,
    tree: &Snapshot,
    ending: TestsEnding,
    reports: &[(String, Vec<u8>)],
) -> Result<String, SnapshotError> {
    let reports: Vec<_> =
        reports.iter().map(|(path, bytes)| (path, Digest::of(bytes).to_string())).collect();
    let what = serde_json::json!({
        "tree": tree.digest()?.to_string(),
        "command": tests.command,
        "environment": tests.env,
        "ending": ending,
        "reports": reports,
    });
    Ok(Digest::derive("stepwell 2026-11 tests v1", &[what.to_string().as_bytes()]).to_string())
}

fn not_started(why: String) -> TestsRun {
    TestsRun {
        ending: TestsEnding::NotStarted,
        reports: Vec::new(),
        facts: None,
        cut: None,
        warning: Some(why),
    }
}

/// Makes the files of `dir` those of `tree`. What a build left beside them stays, so that the
/// next build is short; what it changed in them is put back.
fn bring_to(tree: &Snapshot, dir: &Path) -> Result<(), SnapshotError> {
    if !dir.exists() {
        let unwritable = |err: std::io::Error| SnapshotError::Unwritable {
            path: RepoPath::root(),
            reason: err.to_string(),
        };
        fs::create_dir_all(dir).map_err(unwritable)?;
        return snapshot::materialize(tree, dir);
    }
    let Ok(now) = Snapshot::directory(dir) else { return Ok(()) };
    let mut overlay = BTreeMap::new();
    for change in snapshot::changes(&now, tree)? {
        let content = match change.status {
            ChangeStatus::Added | ChangeStatus::Modified => match tree.read(&change.path) {
                Ok(bytes) => {
                    let executable = tree.stat(&change.path).is_ok_and(|found| found.executable);
                    Some(FileContent { bytes, executable })
                }
                // A link, which no patch may touch.
                Err(_) => continue,
            },
            ChangeStatus::Deleted => None,
        };
        overlay.insert(change.path, content);
    }
    snapshot::apply_overlay(&overlay, dir)
}

/// The reports that stand in `dir`, by path.
fn found_reports(dir: &Path, patterns: &[String]) -> BTreeMap<String, Vec<u8>> {
    let Ok(tree) = Snapshot::directory(dir) else { return BTreeMap::new() };
    if patterns.is_empty() {
        return BTreeMap::new();
    }
    let view = View::new(tree.clone(), None, Grant::everything());
    let query = GlobQuery {
        patterns: patterns.to_vec(),
        include_ignored: true,
        max_paths: u32::try_from(REPORTS_MAX).unwrap_or(u32::MAX),
    };
    let answer = view.answer(&Question::Glob { tree: snapshot::Tree::Head, query });
    let Answer::Glob(found) = &answer else { return BTreeMap::new() };
    let read = |path: &String| {
        let bytes = tree.read(&RepoPath::parse(path).ok()?).ok()?;
        (bytes.len() <= REPORT_BYTES_MAX).then(|| (path.clone(), bytes))
    };
    found.paths.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests;
