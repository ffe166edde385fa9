//! Holds a delivery against the repository that it is for, and against the rules of its base.

use std::collections::BTreeMap;
use std::fmt;

use gate::{ApplyError, Rules};
use session::{Approval, Binding, Ruling, StopReason, Verdict};
use snapshot::{Digest, FileContent, ReadError, RepoPath, Snapshot, SnapshotError};

use crate::delivery::Delivery;

/// The repository as it is now.
#[derive(Debug, Clone)]
pub struct Head {
    /// What is checked out: the working tree.
    pub tree: Snapshot,
    /// The commit that is checked out, in hex; none outside of git.
    pub commit: Option<String>,
}

/// A delivery that may be written, and what it makes of the files it touches.
#[derive(Debug, Clone)]
pub struct Cleared {
    pub(crate) delivery: Delivery,
    /// What the gates say of it now.
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) files: BTreeMap<RepoPath, Option<FileContent>>,
    /// What stood there before.
    pub(crate) before: BTreeMap<RepoPath, Option<Digest>>,
    pub(crate) commit: Option<String>,
}

/// Why a delivery is not written.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The run did not come to a patch that may leave.
    #[error("the run is not done: {0}")]
    NotDone(StopReason),
    /// The head is another than the run's.
    #[error("the head has changed since the run: it was {was}, and is {is}")]
    HeadChanged {
        /// What the run was about.
        was: String,
        /// What is there now.
        is: String,
    },
    /// The rules of the base refuse the patch.
    #[error("the gates refuse it: {}", Said(.0, Ruling::Refuse))]
    Gates(Vec<Verdict>),
    /// The rules of the base want a person to say so.
    #[error("the gate `{gate}` needs an approval: {}", Said(.verdicts, Ruling::Approval))]
    NotApproved {
        /// Which gate.
        gate: String,
        /// What all gates found.
        verdicts: Vec<Verdict>,
    },
    /// The patch does not fit the files.
    #[error("the patch does not apply: {0}")]
    Apply(#[from] ApplyError),
    /// A file that the patch touches has no name of a file here.
    #[error("the patch touches `{path}`: {why}")]
    BadName {
        /// Which, escaped.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The tree cannot be read.
    #[error("the working tree cannot be read: {0}")]
    Tree(#[from] SnapshotError),
}

/// What the gates say that came to a ruling.
struct Said<'a>(&'a [Verdict], Ruling);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused = self.0.iter().filter(|verdict| verdict.ruling() == self.1);
        let said: Vec<&str> = refused.map(|verdict| verdict.because.as_str()).collect();
        f.write_str(&said.join("; "))
    }
}

/// By what a delivery is let out.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The rules of the base.
    pub rules: &'a Rules,
    /// What people let pass. One that is bound to another head, patch or set of rules is void; one
    /// that is not bound is said here and now, by whoever applies.
    pub approvals: &'a [Approval],
    /// The endings besides `done` whose patch somebody takes all the same, such as `tests-failed`.
    pub accepted: &'a [String],
}

impl Terms<'_> {
    fn approve(&self, gate: &str, bound: &Binding) -> bool {
        self.approvals.iter().any(|approval| {
            let counts = approval.bound.as_ref().is_none_or(|of| of.difference(bound).is_none());
            approval.check == gate && counts
        })
    }

    /// Whether what a run ended with may be applied, as far as that is for people to say.
    fn take(&self, reason: &StopReason, bound: &Binding) -> bool {
        if let StopReason::ApprovalNeeded { check, bound: Some(_) } = reason
            && self.approve(check, bound)
        {
            return true;
        }
        *reason == StopReason::Done || self.accepted.iter().any(|id| id == reason.id())
    }
}

/// A delivery that fits what is there now, and what it makes of the files it touches.
#[derive(Debug, Clone)]
pub struct Fitting {
    delivery: Delivery,
    files: BTreeMap<RepoPath, Option<FileContent>>,
    before: BTreeMap<RepoPath, Option<Digest>>,
    commit: Option<String>,
}

/// Holds a delivery against what is there now, and applies its patch in memory.
///
/// # Errors
/// When the head is not the one that the run was about, or the patch does not fit it.
pub fn fit(delivery: Delivery, head: &Head) -> Result<Fitting, Refusal> {
    same_head(&delivery, head)?;
    let read = |path: &str| match head.tree.read(&parse(path).map_err(|err| err.to_string())?) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ReadError::NotFound) => Ok(None),
        Err(err) => Err(err.to_string()),
    };
    let applied = gate::apply(&delivery.patch, &read)?;
    let mut files = BTreeMap::new();
    let mut before = BTreeMap::new();
    for (path, bytes) in applied.files {
        let path = parse(&path)?;
        let executable = head.tree.stat(&path).is_ok_and(|found| found.executable);
        let old = head.tree.read(&path).ok().map(|bytes| Digest::of(&bytes));
        before.insert(path.clone(), old);
        files.insert(path, bytes.map(|bytes| FileContent { bytes, executable }));
    }
    Ok(Fitting { delivery, files, before, commit: head.commit.clone() })
}

impl Fitting {
    /// The delivery.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// What it makes of the files that it touches; none for those that go.
    pub fn files(&self) -> &BTreeMap<RepoPath, Option<FileContent>> {
        &self.files
    }

    /// Lets it out on these terms, with what the gates say of it now. By the rules that are here,
    /// whatever those of the run were.
    ///
    /// # Errors
    /// With the first reason not to write it.
    pub fn clear(self, verdicts: Vec<Verdict>, terms: Terms<'_>) -> Result<Cleared, Refusal> {
        let policy = Digest::of(terms.rules.canonical().as_bytes()).to_string();
        let (head, patch) = (&self.delivery.bound.head, &self.delivery.patch_digest);
        let bound = Binding { head: head.clone(), patch: patch.clone(), policy };
        let reason = &self.delivery.result.stop_reason;
        if verdicts.iter().any(|verdict| verdict.ruling() == Ruling::Refuse) {
            return Err(Refusal::Gates(verdicts));
        }
        let asks = verdicts.iter().filter(|verdict| verdict.ruling() == Ruling::Approval);
        let mut gates = asks.map(|verdict| verdict.gate.clone());
        if let Some(gate) = gates.find(|gate| !terms.approve(gate, &bound)) {
            return Err(Refusal::NotApproved { gate, verdicts });
        }
        if !terms.take(reason, &bound) {
            return Err(Refusal::NotDone(reason.clone()));
        }
        let Self { delivery, files, before, commit } = self;
        Ok(Cleared { delivery, verdicts, files, before, commit })
    }
}

fn parse(path: &str) -> Result<RepoPath, Refusal> {
    RepoPath::parse(path).map_err(|err| Refusal::BadName {
        path: path.escape_debug().to_string(),
        why: err.to_string(),
    })
}

/// A run is about a commit or about a tree; either is named by its content.
fn same_head(delivery: &Delivery, head: &Head) -> Result<(), Refusal> {
    let was = &delivery.bound.head;
    let is = match was.split_once(' ') {
        Some(("commit", _)) => {
            format!("commit {}", head.commit.as_deref().unwrap_or("none"))
        }
        Some(_) | None => format!("tree {}", head.tree.digest()?),
    };
    if *was == is { Ok(()) } else { Err(Refusal::HeadChanged { was: was.clone(), is }) }
}

impl Cleared {
    /// The delivery.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// What the gates say of it now.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// The files that it touches.
    pub fn paths(&self) -> impl Iterator<Item = &RepoPath> {
        self.files.keys()
    }
}
