//! Problems that the person at the other end can do something about.
//!
//! The message says what failed, in terms of what they wrote. `source` says why. `help` says
//! what to do. No variant repeats its source: [`Report`] prints the chain.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::path::PathBuf;

use runner::Plain;

use crate::{exit, say};

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// A file cannot be read or written.
    #[error("cannot {what} `{}`", path.display())]
    File { what: &'static str, path: PathBuf, source: io::Error },
    /// There is no step file.
    #[error("there is no step file `{}`", path.display())]
    NoStep { path: PathBuf },
    /// A step file that cannot be used.
    #[error("the step file `{file}` cannot be used")]
    BadStep { file: String, source: Box<crate::step::StepError> },
    /// A base without the step file, where the change under test must not bring one.
    #[error(
        "the base {base} has no step file `{path}`, and the change under test does not choose what is done with it"
    )]
    StepNotInBase { path: String, base: String },
    /// A place for artifacts that the repository has turned elsewhere.
    #[error("`{}` is a symbolic link, so what is written there would end up elsewhere", path.display())]
    OutIsLink { path: PathBuf },
    /// A step file that would be written over.
    #[error("there is a step file already: `{}`", path.display())]
    StepExists { path: PathBuf },
    /// A revision, or a directory, that cannot be opened.
    #[error("cannot open {what}")]
    Open { what: String, source: snapshot::OpenError },
    /// A tree that cannot be read.
    #[error("cannot read {what}")]
    Read { what: String, source: snapshot::SnapshotError },
    /// A head or base that was asked for where there is no git.
    #[error("`{}` is not in a git repository, so it has no revision `{revision}`", path.display())]
    NotGit { path: PathBuf, revision: String },
    /// The program was built without its tools.
    #[error("this stepwell was built without its tools")]
    NoTools,
    /// A component that cannot be used.
    #[error("the component `{name}` cannot be used")]
    BadComponent { name: String, source: sandbox::LoadError },
    /// A component that a step names outside of its repository.
    #[error("the component `{name}` does not lie in the repository")]
    ComponentOutside { name: String },
    /// A name that no ledger takes.
    #[error("the run cannot be entered in the ledger")]
    LedgerName { source: ledger::BadName },
    /// Two components of one name.
    #[error("there are two tools named `{name}`")]
    ToolTwice { name: String },
    /// No tool has that name.
    #[error("there is no tool `{name}`")]
    NoTool { name: String, nearest: Option<String> },
    /// The sandbox cannot be set up.
    #[error("the sandbox cannot be set up")]
    Sandbox(#[source] sandbox::SandboxError),
    /// A tool whose schema is none.
    #[error(transparent)]
    BadTool(#[from] runner::BadTool),
    /// The cache cannot be opened.
    #[error("cannot open the cache `{}`", path.display())]
    Cache { path: PathBuf, source: cache::CacheError },
    /// A ledger that cannot be used.
    #[error("cannot use the ledger `{place}`")]
    Ledger { place: String, source: ledger::LedgerError },
    /// A place that no ledger can be at.
    #[error("the ledger's place cannot be used")]
    BadLedger(#[source] ledger::BadPlace),
    /// There is no ledger to look at.
    #[error("there is no ledger `{}`", path.display())]
    NoLedger { path: PathBuf },
    /// A cap that is not there.
    #[error("`{scopes}` has no cap per {per}")]
    NoCap { scopes: String, per: &'static str },
    /// A script that cannot be used.
    #[error("the script `{}` cannot be used", path.display())]
    BadScript { path: PathBuf, source: wire::ScriptError },
    /// A server that cannot be started.
    #[error("cannot listen on `{address}`")]
    Listen { address: String, source: io::Error },
    /// The model's address is none.
    #[error("the model's address cannot be used")]
    Endpoint(#[source] wire::EndpointError),
    /// The model's key is not set.
    #[error("the environment variable `{name}` is not set, and the model needs a key")]
    NoKey { name: String },
    /// A header's value is not set.
    #[error(
        "the environment variable `{name}` is not set, and the model's header `{header}` needs it"
    )]
    NoHeader { name: String, header: String },
    /// The step's certificates are not there.
    #[error("there is no file `{name}` of certificates in {tree}")]
    NoCaFile { name: String, tree: String },
    /// Certificates that cannot be used.
    #[error("the certificates in {places} cannot be used")]
    BadRoots { places: String, source: wire::RootsError },
    /// The step names no model.
    #[error("the step names no model")]
    NoModel,
    /// A call that was refused before it ran.
    #[error("{message}")]
    BadCall { message: String },
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
    /// Books that the run was not begun with.
    #[error("the spending of this run is entered in `{place}`")]
    OtherLedger { place: String },
    /// A run that could not be carried on.
    #[error("the run cannot go on")]
    Run(#[source] runner::RunError),
    /// The machine gives no threads or signals.
    #[error("cannot start")]
    Start(#[source] io::Error),
}

impl Problem {
    /// What to do about it.
    fn help(&self) -> Option<String> {
        let text = match self {
            Self::NoStep { .. } => "write one with `stepwell init`, or name the one to run".to_owned(),
            Self::BadStep { source, .. } => return source.help(),
            Self::StepNotInBase { .. } => {
                "add the step file to the base first, name another base with `--base`, or take the change's \
                 own with `--step-from-head` if you trust it"
                    .to_owned()
            }
            Self::OutIsLink { .. } => "name another directory with `--out`".to_owned(),
            Self::StepExists { .. } => "`stepwell init --force` writes over it".to_owned(),
            Self::Open { .. } => {
                "name a revision that `git rev-parse` knows; a shallow clone may lack it".to_owned()
            }
            Self::NotGit { .. } => "leave `--head` and `--base` out".to_owned(),
            Self::NoTools => {
                "run `cargo xtask components`, then build stepwell again".to_owned()
            }
            Self::BadComponent { .. } => {
                "build it against the world `stepwell:tool` of wit/, as docs/writing-a-tool.md shows"
                    .to_owned()
            }
            Self::ComponentOutside { .. } => {
                "name a file below the repository's root in `tools.component`".to_owned()
            }
            Self::LedgerName { .. } => {
                "names in the ledger are those of the step, the repository and the branch".to_owned()
            }
            Self::ToolTwice { .. } => "give one of them another name".to_owned(),
            Self::NoTool { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::NoTool { nearest: None, .. } => "`stepwell tool list` names them".to_owned(),
            Self::Cache { .. } => {
                "name a directory of your own in STEPWELL_CACHE_DIR, or run with `--no-cache`".to_owned()
            }
            Self::Ledger { source, .. } => return ledger_help(source).map(str::to_owned),
            Self::BadLedger(_) => {
                "name a file, or `postgres://user:password@host/database`".to_owned()
            }
            Self::NoLedger { .. } => {
                "`stepwell ledger cap set` makes it; `--ledger` names another".to_owned()
            }
            Self::NoCap { .. } => "`stepwell ledger cap list` names them".to_owned(),
            Self::BadScript { .. } => "examples/failing-test/model.toml shows one".to_owned(),
            Self::Endpoint(_) => "look at `model.base-url` of the step file".to_owned(),
            Self::NoKey { name } => {
                format!("set `{name}`, or run with `--provider offline`, which needs no key")
            }
            Self::NoHeader { name, .. } => format!("set `{name}`, or take the header out"),
            Self::NoCaFile { .. } => {
                "commit it there, or name a file of this machine in STEPWELL_CA_FILE".to_owned()
            }
            Self::BadRoots { .. } => {
                "look at `model.ca-file` of the step file, STEPWELL_CA_FILE and SSL_CERT_FILE".to_owned()
            }
            Self::NoModel => {
                "add a `[model]` table to the step file (`stepwell init` writes one as a comment), or \
                 run with `--provider offline`"
                    .to_owned()
            }
            Self::Store { source } => {
                let usual = "docs/store.md has the forms of a URL and the credentials of each service";
                return Some(source.help().unwrap_or(usual).to_owned());
            }
            Self::StoreWithoutList { .. } => {
                "name a directory, an S3, a Redis… : docs/store.md says which can list".to_owned()
            }
            Self::NoRun { among, .. } if among.is_empty() => {
                "no run is kept here; `--store` names where other machines keep theirs".to_owned()
            }
            Self::NoRun { .. } => "`stepwell runs` lists them".to_owned(),
            Self::ManyRuns { .. } => "name more of it".to_owned(),
            Self::RunOver { .. } | Self::RunGone { .. } => {
                "`stepwell run` begins it anew; its artifacts are where it left them".to_owned()
            }
            Self::NoCommand { .. } | Self::BadCommand { .. } => {
                "run the command again that began it: it goes on from there".to_owned()
            }
            Self::Changed { .. } => {
                "put back what changed, or use `stepwell run`: it begins a run of its own, with what \
                 does not depend on the change"
                    .to_owned()
            }
            Self::OtherLedger { .. } => {
                "name it again, password included, with `--ledger` or STEPWELL_LEDGER".to_owned()
            }
            Self::StoreSaid { .. } | Self::Run(runner::RunError::Carrier { .. }) => {
                "see whether the store can be reached; without `--store` the run stays on this machine"
                    .to_owned()
            }
            Self::Run(runner::RunError::Diverged { .. } | runner::RunError::Journal(_)) => {
                "`stepwell run --fresh` forgets this run and starts over".to_owned()
            }
            Self::Run(runner::RunError::Lease(_) | runner::RunError::TakenOver { .. }) => {
                "wait for the other process, or end it".to_owned()
            }
            Self::File { .. }
            | Self::Read { .. }
            | Self::Sandbox(_)
            | Self::BadTool(_)
            | Self::Listen { .. }
            | Self::BadCall { .. }
            | Self::Run(_)
            | Self::Start(_) => return None,
        };
        Some(text)
    }

    /// Which exit code it is.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Run(runner::RunError::Diverged { .. } | runner::RunError::Journal(_)) => {
                exit::JOURNAL
            }
            Self::Changed { .. } | Self::BadCommand { .. } => exit::JOURNAL,
            Self::Store { source } if !is_about_words(source) => exit::INTERNAL,
            Self::StoreSaid { .. }
            | Self::Run(_)
            | Self::Sandbox(_)
            | Self::Start(_)
            | Self::BadTool(_) => exit::INTERNAL,
            Self::File { .. }
            | Self::NoStep { .. }
            | Self::BadStep { .. }
            | Self::StepExists { .. }
            | Self::StepNotInBase { .. }
            | Self::OutIsLink { .. }
            | Self::Open { .. }
            | Self::Read { .. }
            | Self::NotGit { .. }
            | Self::NoTools
            | Self::BadComponent { .. }
            | Self::ComponentOutside { .. }
            | Self::LedgerName { .. }
            | Self::ToolTwice { .. }
            | Self::NoTool { .. }
            | Self::Cache { .. }
            | Self::Ledger { .. }
            | Self::BadLedger(_)
            | Self::NoLedger { .. }
            | Self::NoCap { .. }
            | Self::BadScript { .. }
            | Self::Listen { .. }
            | Self::Endpoint(_)
            | Self::NoKey { .. }
            | Self::NoHeader { .. }
            | Self::NoCaFile { .. }
            | Self::BadRoots { .. }
            | Self::NoModel
            | Self::Store { .. }
            | Self::StoreWithoutList { .. }
            | Self::NoRun { .. }
            | Self::ManyRuns { .. }
            | Self::RunOver { .. }
            | Self::RunGone { .. }
            | Self::NoCommand { .. }
            | Self::OtherLedger { .. }
            | Self::BadCall { .. } => exit::USAGE,
        }
    }
}

/// Whether what was written is wrong, and not the service.
fn is_about_words(err: &store::StoreError) -> bool {
    use store::StoreError;
    matches!(err, StoreError::BadUrl { .. } | StoreError::NoCredentials { .. })
}

/// What to do about a ledger.
fn ledger_help(err: &ledger::LedgerError) -> Option<&'static str> {
    use ledger::LedgerError;
    if let LedgerError::NewerSchema { .. } = err {
        Some("use the version of stepwell that the others use")
    } else if let LedgerError::NotALedger { .. } | LedgerError::Damaged(_) = err {
        Some("nothing was changed; name another ledger with `--ledger`, or restore this one")
    } else if let LedgerError::TooManyLines { .. } = err {
        Some("narrow it with `--only`, `--since` or `--until`")
    } else if let LedgerError::Busy(_) = err {
        Some("try again, or give many machines one PostgreSQL ledger instead of a shared file")
    } else {
        None
    }
}

/// Shows a problem with its causes and its help, one a line.
pub(crate) struct Report<'a>(pub(crate) &'a Problem);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", Plain(&self.0.to_string()))?;
        let mut cause = self.0.source();
        while let Some(err) = cause {
            for (number, line) in err.to_string().lines().enumerate() {
                writeln!(f, "{}{}", if number == 0 { "  because: " } else { "    " }, Plain(line))?;
            }
            cause = err.source();
        }
        match self.0.help() {
            Some(help) => writeln!(f, "  help: {help}"),
            None => Ok(()),
        }
    }
}

/// Tells a problem on standard error.
pub(crate) fn complain(problem: &Problem) {
    say::line(Report(problem).to_string().trim_end());
}
