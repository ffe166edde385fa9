//! Approvals of this machine and of a command line: whose count, and where they lie.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use apply::{APPROVAL_BYTES_MAX, ApprovalFile};
use keys::{PublicKey, Signer};

use crate::problem::{LeavingProblem, Problem};
use crate::signing;

/// Approvals of one run that are read: more than a step has gates.
const FILES_MAX: usize = 64;

/// Who must sign: none where nobody is named, and whoever can write here approves.
pub(crate) fn approvers() -> Result<Option<BTreeSet<PublicKey>>, Problem> {
    signing::listed("STEPWELL_APPROVERS")
}

/// Who signs here, where anybody does.
pub(crate) fn signer() -> Result<Option<Signer>, Problem> {
    signing::signer("STEPWELL_APPROVAL_KEY")
}

/// Who approves, unless it is said: the user of this machine, or of the pipeline.
pub(crate) fn approver() -> String {
    let names = ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILDKITE_UNBLOCKER", "USER"];
    names.iter().find_map(|name| signing::variable(name)).unwrap_or_else(|| "somebody".to_owned())
}

/// Where the approvals of a run lie.
pub(crate) fn place(run_dir: &Path) -> PathBuf {
    run_dir.join("approvals")
}

/// The approvals that lie beside a run, and those that are named. One that is named must count; one
/// that lies there and does not is passed over, with a word.
pub(crate) fn all(run_dir: &Path, named: &[PathBuf]) -> Result<Vec<ApprovalFile>, Problem> {
    let approvers = approvers()?;
    let mut found = Vec::new();
    for path in beside(run_dir)? {
        match read(&path, approvers.as_ref()) {
            Ok(file) => found.push(file),
            Err(problem) => crate::problem::complain(&problem),
        }
    }
    for path in named.iter().take(FILES_MAX) {
        found.push(read(path, approvers.as_ref())?);
    }
    Ok(found)
}

fn beside(run_dir: &Path) -> Result<Vec<PathBuf>, Problem> {
    let dir = place(run_dir);
    let entries = match fs::read_dir(&dir) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| Problem::File { what: "read", path: dir, source })?,
    };
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).take(FILES_MAX).collect();
    paths.sort();
    Ok(paths)
}

fn read(path: &Path, approvers: Option<&BTreeSet<PublicKey>>) -> Result<ApprovalFile, Problem> {
    let unreadable =
        |source| Problem::File { what: "read the approval", path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(APPROVAL_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let counts = ApprovalFile::read(&bytes, approvers);
    Ok(counts.map_err(|source| LeavingProblem::Approval { path: path.to_owned(), source })?)
}
