//! As a commit: made of git's own parts, so that no hook, filter or index of the checkout has a
//! say, and the working tree stays as it is.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::hold::Cleared;
use crate::message;

/// A commit that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Its name, in hex.
    pub commit: String,
    /// The branch that it is the tip of.
    pub branch: String,
    /// Whether the branch had it before.
    pub before: bool,
}

/// Why there is no commit.
#[derive(Debug, thiserror::Error)]
pub enum BranchError {
    /// There is nothing to commit on.
    #[error("there is no commit to build on")]
    NoCommit,
    /// A branch cannot have that name.
    #[error("`{0}` cannot be the name of a branch")]
    BadName(String),
    /// The branch is there, and is something else.
    #[error("the branch `{branch}` is at {tip}, which is not this patch on {head}")]
    Taken {
        /// Which.
        branch: String,
        /// Where it is.
        tip: String,
        /// What the run was about.
        head: String,
    },
    /// Git could not be started.
    #[error("git could not be started")]
    NoGit(#[source] io::Error),
    /// Git refused.
    #[error("`git {what}` failed: {said}")]
    Git {
        /// What was asked of it.
        what: String,
        /// What it said, escaped.
        said: String,
    },
}

/// Commits a cleared delivery on top of the head, as the branch `branch` of the repository in
/// `root`. A branch that is this commit already stays as it is.
///
/// # Errors
/// When git refuses, or the branch is something else.
pub fn to_branch(cleared: &Cleared, root: &Path, branch: &str) -> Result<Committed, BranchError> {
    let head = cleared.commit.clone().ok_or(BranchError::NoCommit)?;
    let reference = format!("refs/heads/{branch}");
    if git(root, &["check-ref-format", &reference], b"", None).is_err() {
        return Err(BranchError::BadName(branch.escape_debug().to_string()));
    }
    let tree = tree(cleared, root, &head)?;
    let tip = git(root, &["rev-parse", "--verify", "--quiet", &reference], b"", None).ok();
    if let Some(tip) = tip {
        let is_ours = |what: &str, expected: &str| {
            let name = format!("{tip}{what}");
            git(root, &["rev-parse", "--verify", "--quiet", &name], b"", None)
                .is_ok_and(|found| found == expected)
        };
        if is_ours("^{tree}", &tree) && is_ours("^1", &head) {
            return Ok(Committed { commit: tip, branch: branch.to_owned(), before: true });
        }
        return Err(BranchError::Taken { branch: branch.to_owned(), tip, head });
    }
    let message = message::commit(cleared);
    let commit = git(root, &["commit-tree", &tree, "-p", &head], message.as_bytes(), None)?;
    // The empty name before: it must not be there.
    git(root, &["update-ref", &reference, &commit, ""], b"", None)?;
    Ok(Committed { commit, branch: branch.to_owned(), before: false })
}

/// The tree of the head with the files of the patch, by an index of our own.
fn tree(cleared: &Cleared, root: &Path, head: &str) -> Result<String, BranchError> {
    let place = tempfile::tempdir().map_err(BranchError::NoGit)?;
    let index = place.path().join("index");
    let index = Some(index.as_path());
    git(root, &["read-tree", head], b"", index)?;
    let mut entries = Vec::new();
    for (path, content) in &cleared.files {
        let entry = match content {
            None => format!("0 {}\t{path}\0", "0".repeat(head.len())),
            Some(content) => {
                let args = ["hash-object", "-w", "--stdin", "--no-filters"];
                let blob = git(root, &args, &content.bytes, None)?;
                let mode = if content.executable { "100755" } else { "100644" };
                format!("{mode} {blob}\t{path}\0")
            }
        };
        entries.extend_from_slice(entry.as_bytes());
    }
    git(root, &["update-index", "-z", "--index-info"], &entries, index)?;
    git(root, &["write-tree"], b"", index)
}

/// Asks git; what it says, without the line's end.
fn git(
    root: &Path,
    args: &[&str],
    input: &[u8],
    index: Option<&Path>,
) -> Result<String, BranchError> {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor="]);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A variable of the pipeline must not lead it to another repository.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"] {
        command.env_remove(name);
    }
    if let Some(index) = index {
        command.env("GIT_INDEX_FILE", index);
    }
    let output = run(&mut command, input).map_err(BranchError::NoGit)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let what = args.first().map(OsStr::new).unwrap_or_default().to_string_lossy().into_owned();
    Err(BranchError::Git { what, said: text(&output.stderr).escape_debug().to_string() })
}

fn run(command: &mut Command, input: &[u8]) -> io::Result<Output> {
    let mut child = command.spawn()?;
    let stdin = child.stdin.take();
    // It answers only after it has read everything: the two cannot wait for each other.
    let fed = stdin.map_or(Ok(()), |mut stdin| stdin.write_all(input));
    let output = child.wait_with_output()?;
    match fed {
        // It did not want all of it; its status says whether that is right.
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(output),
        fed => fed.map(|()| output),
    }
}
