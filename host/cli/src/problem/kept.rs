//! Problems with runs that are kept, here or in a store.

use crate::exit;

/// Why a kept run cannot be found, read or gone on with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptProblem {
    /// A store of runs that cannot be used.
    #[error("cannot use the store of runs")]
    Store { source: Box<store::StoreError> },
    /// A store in which no run could be found again.
    #[error("`{store}` cannot list what it holds, so no run could be found in it")]
    StoreWithoutList { store: String },
    /// What the store said of the runs in it.
    #[error("cannot read the runs in the store: {what}")]
    StoreSaid { what: String },
    /// No run has a name that begins so.
    #[error("there is no run `{named}`")]
    NoRun { named: String, among: Vec<String> },
    /// Several runs have.
    #[error("several runs begin with `{named}`: {}", among.join(", "))]
    ManyRuns { named: String, among: Vec<String> },
    /// A run with nothing left to do.
    #[error("the run `{run}` is over: {reason}")]
    RunOver { run: String, reason: session::StopReason },
    /// A run that another machine has brought to its end, or that was forgotten.
    #[error("the store has nothing of the run `{run}` to go on with")]
    RunGone { run: String },
    /// A run of which nobody wrote down how it was begun.
    #[error("how the run `{run}` was begun is not written down")]
    NoCommand { run: String },
    /// What is written down cannot be.
    #[error("how the run `{run}` was begun cannot be read: {why}")]
    BadCommand { run: String, why: String },
    /// A run whose inputs are not what they were.
    #[error("the run `{run}` was begun with other inputs: {} changed since", changed.join(", "))]
    Changed { run: String, changed: Vec<String> },
    /// A run from a store, and nothing that its step file could be read from.
    #[error("the run `{run}` is from a store, and here is no base to read its step file from")]
    NoBase { run: String },
    /// A run from a store that was entered in books, and none are named here.
    #[error("the run `{run}` was begun with a ledger, and none is named here")]
    NoLedgerNamed { run: String },
    /// Books that the run was not begun with.
    #[error("the spending of this run is entered in `{place}`")]
    OtherLedger { place: String },
}

impl KeptProblem {
    /// What to do about it.
    pub(super) fn help(&self) -> String {
        let text = match self {
            Self::Store { source } if is_too_much(source) => {
                "the whole name of a run needs no list: `stepwell resume RUN`; docs/store.md says how \
                 old runs are deleted"
            }
            Self::Store { source } => {
                let usual =
                    "docs/store.md has the forms of a URL and the credentials of each service";
                source.help().unwrap_or(usual)
            }
            Self::StoreWithoutList { .. } => {
                "name a directory, an S3, a Redis… : docs/store.md says which can list"
            }
            Self::NoRun { among, .. } if among.is_empty() => {
                "no run is kept here; `--store` names where other machines keep theirs"
            }
            Self::NoRun { .. } => "`stepwell runs` lists them",
            Self::ManyRuns { .. } => "name more of it",
            Self::RunOver { .. } | Self::RunGone { .. } => {
                "`stepwell run` begins it anew; its artifacts are where it left them"
            }
            Self::NoCommand { .. } | Self::BadCommand { .. } => {
                "run the command again that began it: it goes on from there"
            }
            Self::Changed { .. } => {
                "put back what changed, name the base or head that it was begun with (`--base`, \
                 `--head`), or use `stepwell run`: it begins a run of its own, with what does not \
                 depend on the change"
            }
            Self::NoBase { .. } => {
                "name a commit whose step file you trust with `--base`, in a clone of the repository"
            }
            Self::NoLedgerNamed { .. } => {
                "name the one that the machines share with `--ledger` or STEPWELL_LEDGER"
            }
            Self::OtherLedger { .. } => {
                "name it again, password included, with `--ledger` or STEPWELL_LEDGER"
            }
            Self::StoreSaid { .. } => "see whether the store can be reached",
        };
        text.to_owned()
    }

    /// Which exit code it is.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Changed { .. } | Self::BadCommand { .. } => exit::JOURNAL,
            Self::Store { source } if !is_about_words(source) => exit::INTERNAL,
            Self::StoreSaid { .. } => exit::INTERNAL,
            Self::Store { .. }
            | Self::StoreWithoutList { .. }
            | Self::NoRun { .. }
            | Self::ManyRuns { .. }
            | Self::RunOver { .. }
            | Self::RunGone { .. }
            | Self::NoCommand { .. }
            | Self::NoBase { .. }
            | Self::NoLedgerNamed { .. }
            | Self::OtherLedger { .. } => exit::USAGE,
        }
    }
}

/// Whether the store holds more than can be listed.
fn is_too_much(err: &store::StoreError) -> bool {
    matches!(err, store::StoreError::TooMany { .. })
}

/// Whether what was written is wrong, and not the service.
fn is_about_words(err: &store::StoreError) -> bool {
    use store::StoreError;
    matches!(err, StoreError::BadUrl { .. } | StoreError::NoCredentials { .. })
}
