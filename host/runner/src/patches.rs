//! What the gates make of a patch: parsed, validated, applied in memory, judged.

use std::collections::BTreeMap;

use gate::{FileChange, Patch, Rules, ValidPatch};
use session::event::Input;
use session::{CallId, PatchFile, Verdict};
use snapshot::{Digest, FileContent, RepoPath, Snapshot};

/// A patch that may leave.
#[derive(Debug, Clone)]
pub(crate) struct Passed {
    /// In canonical form.
    pub(crate) diff: String,
    /// What it makes of the files; none for those that go.
    pub(crate) files: BTreeMap<RepoPath, Option<FileContent>>,
}

/// What the rules hear of a patch, and the patch itself if it may leave.
pub(crate) struct Judged {
    pub(crate) input: Input,
    pub(crate) passed: Option<Passed>,
}

/// Looks at a patch as the model wrote it.
pub(crate) fn judge(call: CallId, text: &str, head: &Snapshot, rules: &Rules) -> Judged {
    let patch = match Patch::parse(text) {
        Ok(patch) => patch,
        Err(err) => {
            let judgement = gate::Judgement::from(&err);
            return refused(call, format!("the patch cannot be read: {err}"), None, &judgement);
        }
    };
    let diff = patch.to_diff();
    let digest = Digest::of(diff.as_bytes());
    let valid = match patch.validate() {
        Ok(valid) => valid,
        Err(err) => {
            let judgement = gate::Judgement::from(&err);
            return refused(call, err.to_string(), Some(digest), &judgement);
        }
    };
    let judgement = gate::judge(&valid, rules);
    if !judgement.passed() {
        let said: Vec<&str> =
            judgement.verdicts.iter().filter(|v| !v.passed).map(|v| v.because.as_str()).collect();
        return refused(
            call,
            format!("the gates refuse it: {}", said.join("; ")),
            Some(digest),
            &judgement,
        );
    }
    match apply(&valid, head) {
        Ok(files) => {
            let input = Input::PatchJudged {
                call,
                problem: None,
                digest: Some(digest.to_string()),
                files: touched(&valid),
                verdicts: verdicts(&judgement),
            };
            Judged { input, passed: Some(Passed { diff, files }) }
        }
        Err(problem) => refused(call, problem, Some(digest), &judgement),
    }
}

fn refused(
    call: CallId,
    problem: String,
    digest: Option<Digest>,
    judgement: &gate::Judgement,
) -> Judged {
    let input = Input::PatchJudged {
        call,
        problem: Some(problem),
        digest: digest.map(|digest| digest.to_string()),
        files: Vec::new(),
        verdicts: verdicts(judgement),
    };
    Judged { input, passed: None }
}

fn apply(
    patch: &ValidPatch,
    head: &Snapshot,
) -> Result<BTreeMap<RepoPath, Option<FileContent>>, String> {
    let read = |path: &str| {
        let path = RepoPath::parse(path).map_err(|err| err.to_string())?;
        match head.read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(snapshot::ReadError::NotFound) => Ok(None),
            Err(err) => Err(err.to_string()),
        }
    };
    let applied = gate::apply(patch, &read).map_err(|err| err.to_string())?;
    let mut files = BTreeMap::new();
    for (path, bytes) in applied.files {
        let path = RepoPath::parse(&path).map_err(|err| format!("`{path}`: {err}"))?;
        let executable = head.stat(&path).is_ok_and(|found| found.executable);
        files.insert(path, bytes.map(|bytes| FileContent { bytes, executable }));
    }
    Ok(files)
}

fn verdicts(judgement: &gate::Judgement) -> Vec<Verdict> {
    let verdict = |verdict: &gate::Verdict| Verdict {
        gate: verdict.gate.to_string(),
        passed: verdict.passed,
        because: verdict.because.clone(),
        paths: verdict.paths.clone(),
    };
    judgement.verdicts.iter().map(verdict).collect()
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
