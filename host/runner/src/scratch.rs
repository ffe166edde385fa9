//! The tree in which the step's own tests run: a copy of the snapshot, outside of it, without
//! secrets in its environment.
//!
//! The command is the one thing of a repository that runs outside a component. It is named by
//! the step, not by the model, and no shell reads it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use session::event::TestsEnding;
use snapshot::{
    Answer, ChangeStatus, FileContent, GlobQuery, Grant, Question, RepoPath, Snapshot,
    SnapshotError, View,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::Command;

use crate::plan::TestCommand;

/// Where the tools see the reports of the step's own tests, by round.
pub(crate) const SHOWN_REPORTS: &str = ".stepwell/verify/";

/// Where tools find the trees that a step grants them beside the repository.
pub const SHOWN_TREES: &str = ".stepwell/trees/";
/// Bytes of the command's output that are kept at its beginning and at its end: compile errors
/// stand at the one, results at the other.
const OUTPUT_HEAD_MAX: usize = 1024 * 1024;
const OUTPUT_TAIL_MAX: usize = 3 * 1024 * 1024;
/// Reports that are kept of one run of the tests.
const REPORTS_MAX: usize = 200;
/// Bytes of one report.
const REPORT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long the output may stay open after the command ended: a process that left the group.
const DRAIN: Duration = Duration::from_millis(500);

/// What a run of the tests left.
#[derive(Debug)]
pub(crate) struct TestsRun {
    pub(crate) ending: TestsEnding,
    /// By path, as the tools will see them.
    pub(crate) reports: Vec<(String, Vec<u8>)>,
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

/// Runs the tests of `tree` in `dir`. The caller bounds the time: dropping the future kills the
/// command and all its children.
pub(crate) async fn run_tests(
    tests: TestCommand,
    tree: Snapshot,
    dir: PathBuf,
    round: u32,
) -> TestsRun {
    let prepared = {
        let (tree, dir, patterns) = (tree, dir.clone(), tests.reports.clone());
        tokio::task::spawn_blocking(move || {
            bring_to(&tree, &dir)?;
            Ok::<_, SnapshotError>(found_reports(&dir, &patterns))
        })
    };
    let stale = match prepared.await {
        Ok(Ok(stale)) => stale,
        Ok(Err(err)) => return not_started(format!("the scratch tree could not be made: {err}")),
        Err(err) => return not_started(format!("the scratch tree could not be made: {err}")),
    };
    let (ending, output) = match execute(&tests, &dir).await {
        Ok(ended) => ended,
        Err(err) => {
            let program = tests.command.first().map(String::as_str).unwrap_or_default();
            return not_started(format!("`{program}` could not be started: {err}"));
        }
    };
    let found = found_reports(&dir, &tests.reports);
    let place = |path: &str| format!("{SHOWN_REPORTS}{round}/{path}");
    let fresh = found.into_iter().filter(|(path, bytes)| stale.get(path) != Some(bytes));
    let mut reports: Vec<_> = fresh.map(|(path, bytes)| (place(&path), bytes)).collect();
    let mut cut = None;
    if reports.is_empty() {
        cut = output.cut();
        reports.push((place("output.txt"), output.into_bytes()));
    }
    TestsRun { ending, reports, cut, warning: None }
}

fn not_started(why: String) -> TestsRun {
    let (reports, warning) = (Vec::new(), Some(why));
    TestsRun { ending: TestsEnding::NotStarted, reports, cut: None, warning }
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

async fn execute(tests: &TestCommand, dir: &Path) -> std::io::Result<(TestsEnding, Kept)> {
    let (output, write) = std::io::pipe()?;
    let mut output = pipe::Receiver::from_owned_fd(output.into())?;
    let [program, arguments @ ..] = tests.command.as_slice() else {
        return Err(std::io::Error::other("the command is empty"));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .envs(&tests.env)
        .stdin(Stdio::null())
        .stdout(write.try_clone()?)
        .stderr(write)
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    // The command's own copies of the pipe: it must end when the children do.
    drop(command);
    let group = Group(child.id());
    let mut kept = Kept::default();
    let mut chunk = vec![0; 64 * 1024];
    let status = loop {
        tokio::select! {
            biased;
            read = output.read(&mut chunk) => match read {
                Ok(0) | Err(_) => break child.wait().await?,
                Ok(n) => kept.push(&chunk[..n]),
            },
            status = child.wait() => break status?,
        }
    };
    drop(group);
    let drained = tokio::time::timeout(DRAIN, async {
        while let Ok(n) = output.read(&mut chunk).await {
            if n == 0 {
                break;
            }
            kept.push(&chunk[..n]);
        }
    });
    let _open = drained.await;
    Ok((TestsEnding::Exited { code: status.code() }, kept))
}

/// A process group that does not outlive this value.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let id =
            self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            // An error means that nobody of the group is left.
            let _gone = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

/// The beginning and the end of an output.
#[derive(Default)]
struct Kept {
    head: Vec<u8>,
    tail: std::collections::VecDeque<u8>,
    dropped: usize,
}

impl Kept {
    fn push(&mut self, mut bytes: &[u8]) {
        let room = OUTPUT_HEAD_MAX - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        bytes = rest;
        self.tail.extend(bytes);
        let over = self.tail.len().saturating_sub(OUTPUT_TAIL_MAX);
        self.tail.drain(..over);
        self.dropped += over;
    }

    /// What was left out of it, if anything was.
    fn cut(&self) -> Option<Cut> {
        let shown = (self.head.len() + self.tail.len()) as u64;
        let dropped = self.dropped as u64;
        (dropped > 0).then_some(Cut { bytes: shown + dropped, shown })
    }

    fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.head;
        if self.dropped > 0 {
            let note = format!("\n[{} bytes of output left out here]\n", self.dropped);
            bytes.extend_from_slice(note.as_bytes());
        }
        bytes.extend(self.tail);
        bytes
    }
}

#[cfg(test)]
mod tests;
