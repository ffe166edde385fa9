//! Problems of what leaves a step.

use std::path::PathBuf;

use apply::{
    ApprovalProblem, BranchError, DeliveryError, FilesError, NotAsked, Refusal, WorktreeError,
};

use crate::exit;

/// Why a delivery is not applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeavingProblem {
    /// The artifacts do not hold together.
    #[error("the artifacts in `{}` cannot be used", dir.display())]
    Delivery { dir: PathBuf, source: DeliveryError },
    /// They are of another run.
    #[error("the artifacts in `{}` are of the run {found}, not of {asked}", dir.display())]
    OtherRun { dir: PathBuf, found: String, asked: String },
    /// They may not leave.
    #[error("the patch is not applied")]
    Refused(#[source] Refusal),
    /// A file of an approval that does not count.
    #[error("the approval `{}` does not count", path.display())]
    Approval { path: PathBuf, source: ApprovalProblem },
    /// Somebody says so who would have to sign it.
    #[error("STEPWELL_APPROVERS says who approves, so saying it here counts for nothing")]
    MustBeSigned,
    /// There is nothing to approve.
    #[error("there is nothing to approve in the run {run}")]
    NotAsked { run: String, source: NotAsked },
    /// Another gate asks.
    #[error("the run {run} waits at the gate `{asks}`, not at `{named}`")]
    OtherGate { run: String, asks: String, named: String },
    /// They cannot be written.
    #[error("the working tree is not what it should be")]
    Worktree(#[from] WorktreeError),
    /// There is no commit.
    #[error("the patch cannot be committed")]
    Branch(#[from] BranchError),
    /// There are no files.
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl LeavingProblem {
    /// What to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        let text = match self {
            Self::Delivery { source: DeliveryError::Unreadable { .. }, .. } => {
                "`stepwell run` leaves them; `--from` names another place"
            }
            Self::Delivery { source: DeliveryError::NotOver, .. } => {
                "`stepwell run` goes on with the run, and leaves them at its end"
            }
            Self::Delivery { source: DeliveryError::NoPatch { .. }, .. } => {
                "there is nothing to apply; `report.md` says what was found"
            }
            Self::Delivery { .. } => {
                "somebody changed them since the run left them: run the step again"
            }
            Self::Approval { source: ApprovalProblem::NotSigned, .. } => {
                "STEPWELL_APPROVERS names who approves; `stepwell approve` signs with STEPWELL_APPROVAL_KEY"
            }
            Self::Approval { .. } => "let somebody approve it again",
            Self::MustBeSigned => {
                "let one of them run `stepwell approve`, and pass the file with `--approval`"
            }
            Self::NotAsked { .. } => "`stepwell runs` says where each run stands",
            Self::OtherGate { asks, .. } => return Some(format!("name it: `--gate {asks}`")),
            Self::OtherRun { .. } => "name that run, or another directory with `--from`",
            Self::Refused(refusal) => return refused_help(refusal),
            Self::Branch(BranchError::Taken { .. }) => "name another branch",
            Self::Branch(BranchError::BadName(_)) => "name it like `fix/slots`",
            Self::Branch(BranchError::NoCommit) => {
                "commit something first, or leave `--branch` out"
            }
            Self::Branch(BranchError::NoGit(_)) => "install git, or leave `--branch` out",
            Self::Worktree(_) | Self::Branch(BranchError::Git { .. }) | Self::Files(_) => {
                return None;
            }
        };
        Some(text.to_owned())
    }

    /// Which exit code it is.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            // Nobody changed anything: there is nothing to apply.
            Self::Delivery {
                source: DeliveryError::Unreadable { .. } | DeliveryError::NoPatch { .. },
                ..
            }
            | Self::OtherRun { .. }
            | Self::Branch(_) => exit::USAGE,
            Self::Delivery { .. } => exit::UNTRUSTED,
            Self::Refused(Refusal::NotDone(reason)) => exit::of_stop(reason),
            Self::Refused(Refusal::HeadChanged { .. }) => exit::JOURNAL,
            Self::Refused(Refusal::NotApproved { .. }) => exit::APPROVAL,
            Self::Approval { .. } => exit::USAGE,
            Self::MustBeSigned | Self::NotAsked { .. } | Self::OtherGate { .. } => exit::USAGE,
            Self::Refused(_) => exit::REFUSED,
            Self::Worktree(_) | Self::Files(_) => exit::INTERNAL,
        }
    }
}

fn refused_help(refusal: &Refusal) -> Option<String> {
    match refusal {
        Refusal::NotDone(reason) => {
            Some(format!("`--accept {}` takes its patch all the same", reason.id()))
        }
        Refusal::HeadChanged { .. } => Some(
            "check out what the run was about, without changes of your own, or run the step again"
                .to_owned(),
        ),
        Refusal::NotApproved { gate, .. } => Some(format!(
            "`stepwell approve RUN --gate {gate}` writes an approval, `--approval` takes its file, and \
             `--approve {gate}` says it here"
        )),
        Refusal::Gates(_) => Some(
            "the gates are those of the base's step file; `stepwell validate` shows them"
                .to_owned(),
        ),
        Refusal::Apply(_) | Refusal::BadName { .. } | Refusal::Tree(_) => None,
    }
}
