//! Problems that the person at the other end can do something about.
//!
//! The message says what failed, in terms of what they wrote. `source` says why. `help` says
//! what to do. No variant repeats its source: [`Report`] prints the chain.

mod authoring;
mod elsewhere;
mod kept;
mod leaving;
mod reading;
mod sharing;

use std::error::Error as _;
use std::fmt;
use std::io;
use std::path::PathBuf;

use runner::Plain;
use sandbox::LoadError;

use crate::pipeline::whose::Whose;
use crate::{exit, say};
pub(crate) use authoring::AuthoringProblem;
pub(crate) use elsewhere::LockProblem;
pub(crate) use kept::KeptProblem;
pub(crate) use leaving::LeavingProblem;
pub(crate) use reading::ReadingProblem;
pub(crate) use sharing::SharingProblem;

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
    /// Something that whoever made the change may not choose.
    #[error("{what} is not taken from a stranger")]
    Untrusted { what: &'static str, whose: Whose },
    /// A component that only the change under test has.
    #[error("the base has no component `{name}`, and a stranger's change does not bring one")]
    ComponentNotInBase { name: String },
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
    /// A gate that a step names among its tools.
    #[error("`{name}` is a gate, and no tool that a model can call")]
    GateIsNoTool { name: String },
    /// Two components of one name.
    #[error("there are two tools named `{name}`")]
    ToolTwice { name: String },
    /// A tool and a step that do not agree on what it may see.
    #[error("the tool `{name}` cannot be granted that: {why}")]
    ToolGrants { name: String, why: String },
    /// A tree beside the repository that is not what the step grants.
    #[error("the tree `{name}` cannot be granted: {why}")]
    Tree { name: String, why: String },
    /// A machine that cannot keep a tool in.
    #[error("this machine does not put every wall around a tool: missing are {missing}")]
    Isolation { missing: String },
    /// The step requires walls around its tests, and this machine has none that keep enough out.
    #[error("the step requires walls around its tests, and this machine has {found}")]
    TestsUnguarded { found: String },
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
    /// Secrets of this machine that cannot be looked for in what leaves.
    #[error("what leaves cannot be searched for this machine's secrets")]
    Secrets(#[source] gate::SecretsError),
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
    BadRoots { places: String, source: egress::RootsError },
    /// The step names no model.
    #[error("the step names no model")]
    NoModel,
    /// A call that was refused before it ran.
    #[error("{message}")]
    BadCall { message: String },
    /// A kept run, or a place of such, that cannot be used.
    #[error(transparent)]
    Kept(#[from] KeptProblem),
    /// A shared cache that cannot be used.
    #[error(transparent)]
    Sharing(#[from] SharingProblem),
    /// A tool that is not begun, built or tried.
    #[error(transparent)]
    Authoring(#[from] AuthoringProblem),
    /// A tool of the lock that is not to be had, or not to be used.
    #[error(transparent)]
    Lock(Box<LockProblem>),
    /// A run that cannot be read back.
    #[error(transparent)]
    Reading(#[from] ReadingProblem),
    /// A delivery that is not applied.
    #[error(transparent)]
    Leaving(Box<LeavingProblem>),
    /// A run that could not be carried on.
    #[error("the run cannot go on")]
    Run(#[source] runner::RunError),
    /// A client that could not be served.
    #[error("the client cannot be served: {why}")]
    Client { why: String },
    /// A server that anybody could come to.
    #[error("{address} can be reached from elsewhere, and whoever comes could read the repository")]
    OpenDoor { address: std::net::SocketAddr },
    /// A token that keeps nobody out.
    #[error("{name} holds no token of at least {least} bytes")]
    BadToken { name: String, least: usize },
    /// The machine gives no threads or signals.
    #[error("cannot start")]
    Start(#[source] io::Error),
}

impl From<LeavingProblem> for Problem {
    fn from(problem: LeavingProblem) -> Self {
        Self::Leaving(Box::new(problem))
    }
}

impl From<LockProblem> for Problem {
    fn from(problem: LockProblem) -> Self {
        Self::Lock(Box::new(problem))
    }
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
            Self::Untrusted { whose, .. } => {
                format!("{}; `stepwell run` takes the base's", whose.because)
            }
            Self::OutIsLink { .. } => "name another directory with `--out`".to_owned(),
            Self::StepExists { .. } => "`stepwell init --force` writes over it".to_owned(),
            Self::Open { .. } => {
                "name a revision that `git rev-parse` knows; a shallow clone may lack it".to_owned()
            }
            Self::NotGit { .. } => "leave `--head` and `--base` out".to_owned(),
            Self::LedgerName { .. } => {
                "names in the ledger are those of the step, the repository and the branch".to_owned()
            }
            Self::Isolation { .. } => ISOLATION_HELP.to_owned(),
            Self::TestsUnguarded { .. } => TESTS_HELP.to_owned(),
            Self::Cache { .. } => {
                "name a directory of your own in STEPWELL_CACHE_DIR, or run with `--no-cache`".to_owned()
            }
            Self::BadScript { .. } => "examples/failing-test/model.toml shows one".to_owned(),
            Self::Endpoint(_)
            | Self::NoKey { .. }
            | Self::NoHeader { .. }
            | Self::NoCaFile { .. }
            | Self::BadRoots { .. }
            | Self::NoModel => return self.model_help(),
            Self::NoTools
            | Self::BadComponent { .. }
            | Self::ComponentOutside { .. }
            | Self::ComponentNotInBase { .. }
            | Self::ToolTwice { .. }
            | Self::GateIsNoTool { .. }
            | Self::Tree { .. }
            | Self::ToolGrants { .. }
            | Self::NoTool { .. }
            | Self::Ledger { .. }
            | Self::BadLedger(_)
            | Self::NoLedger { .. }
            | Self::NoCap { .. } => return self.place_help(),
            Self::Secrets(_) => "unset variables that the step does not need".to_owned(),
            Self::Authoring(problem) => return Some(problem.help()),
            Self::Kept(problem) => return Some(problem.help()),
            Self::Lock(problem) => return problem.help(),
            Self::Leaving(problem) => return problem.help(),
            Self::Reading(problem) => return problem.help(),
            Self::Sharing(problem) => return problem.help(),
            Self::Run(source) => return run_help(source).map(str::to_owned),
            Self::File { .. }
            | Self::Read { .. }
            | Self::Sandbox(_)
            | Self::BadTool(_)
            | Self::Listen { .. }
            | Self::BadCall { .. }
            | Self::Client { .. }
            | Self::BadToken { .. }
            | Self::Start(_) => return None,
            Self::OpenDoor { .. } => {
                "name the variable that holds a token with `--token-env`, or serve 127.0.0.1".into()
            }
        };
        Some(text)
    }

    /// What to do about a tool, or about books, that are not as somebody named them.
    fn place_help(&self) -> Option<String> {
        let text = if let Self::NoTool { nearest: Some(nearest), .. } = self {
            return Some(format!("did you mean `{nearest}`?"));
        } else if let Self::NoTool { nearest: None, .. } = self {
            "`stepwell tool list` names them"
        } else if let Self::NoTools = self {
            "run `cargo xtask components`, then build stepwell again"
        } else if let Self::BadComponent { source: LoadError::Missing { imports }, .. } = self
            && imports.iter().any(|import| import.starts_with("wasi:http"))
        {
            "a tool has no network: build it without `wasi:http` (`componentize-js --disable http`)"
        } else if let Self::BadComponent { source: LoadError::Foreign(_), .. } = self {
            "docs/tool-authors.md says which components are tools as they are"
        } else if let Self::BadComponent { .. } = self {
            "build it against the world `stepwell:tool` of wit/, as docs/tool-authors.md shows"
        } else if let Self::ComponentOutside { .. } = self {
            "name a file below the repository's root in `tools.component`"
        } else if let Self::ComponentNotInBase { .. } = self {
            "commit it to the base, or run the step where the change is trusted"
        } else if let Self::ToolTwice { .. } = self {
            "give one of them another name"
        } else if let Self::GateIsNoTool { .. } = self {
            "name it under `[[gates.own]]` of the step file"
        } else if let Self::Tree { .. } = self {
            "look at what is there, and write its digest into `tools.trees` if you mean it"
        } else if let Self::ToolGrants { .. } = self {
            "`stepwell tool list --json` shows what a tool asks for; its maker writes that down"
        } else if let Self::Ledger { source, .. } = self {
            return ledger_help(source).map(str::to_owned);
        } else if let Self::BadLedger(_) = self {
            "name a file, or `postgres://user:password@host/database`"
        } else if let Self::NoLedger { .. } = self {
            "`stepwell ledger cap set` makes it; `--ledger` names another"
        } else if let Self::NoCap { .. } = self {
            "`stepwell ledger cap list` names them"
        } else {
            return None;
        };
        Some(text.to_owned())
    }

    /// What to do about a model that cannot be reached as the step file says.
    fn model_help(&self) -> Option<String> {
        let text = if let Self::Endpoint(_) = self {
            "look at `model.base-url` of the step file"
        } else if let Self::NoKey { name } = self {
            return Some(format!(
                "set `{name}`, or run with `--provider offline`, which needs no key"
            ));
        } else if let Self::NoHeader { name, .. } = self {
            return Some(format!("set `{name}`, or take the header out"));
        } else if let Self::NoCaFile { .. } = self {
            "commit it there, or name a file of this machine in STEPWELL_CA_FILE"
        } else if let Self::BadRoots { .. } = self {
            "look at `model.ca-file` of the step file, STEPWELL_CA_FILE and SSL_CERT_FILE"
        } else if let Self::NoModel = self {
            "add a `[model]` table to the step file (`stepwell init` writes one as a comment), or \
             run with `--provider offline`"
        } else {
            return None;
        };
        Some(text.to_owned())
    }

    /// Which exit code it is.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Run(runner::RunError::Diverged { .. } | runner::RunError::Journal(_)) => {
                exit::JOURNAL
            }
            Self::Authoring(problem) => problem.exit_code(),
            Self::Kept(problem) => problem.exit_code(),
            Self::Leaving(problem) => problem.exit_code(),
            Self::Lock(problem) => problem.exit_code(),
            Self::Reading(problem) => problem.exit_code(),
            Self::Sharing(problem) => problem.exit_code(),
            Self::Untrusted { .. } | Self::ComponentNotInBase { .. } => exit::UNTRUSTED,
            Self::Client { .. }
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
            | Self::GateIsNoTool { .. }
            | Self::ToolGrants { .. }
            | Self::Tree { .. }
            | Self::Isolation { .. }
            | Self::TestsUnguarded { .. }
            | Self::NoTool { .. }
            | Self::Cache { .. }
            | Self::Ledger { .. }
            | Self::BadLedger(_)
            | Self::NoLedger { .. }
            | Self::NoCap { .. }
            | Self::BadScript { .. }
            | Self::Listen { .. }
            | Self::OpenDoor { .. }
            | Self::BadToken { .. }
            | Self::Endpoint(_)
            | Self::Secrets(_)
            | Self::NoKey { .. }
            | Self::NoHeader { .. }
            | Self::NoCaFile { .. }
            | Self::BadRoots { .. }
            | Self::NoModel
            | Self::BadCall { .. } => exit::USAGE,
        }
    }
}

/// What to do about a run that cannot go on.
fn run_help(err: &runner::RunError) -> Option<&'static str> {
    use runner::RunError;
    if let RunError::Journal(runner::JournalError::Io { .. }) = err {
        Some("nothing is lost: make the disk usable, and the same command goes on from here")
    } else if let RunError::Diverged { .. } | RunError::Journal(_) = err {
        Some("`stepwell run --fresh` forgets this run and starts over")
    } else if let RunError::Lease(_) | RunError::TakenOver { .. } = err {
        Some("wait for the other process, or end it")
    } else if let RunError::Carrier { .. } = err {
        Some(
            "see whether the store can be reached; without `--store` the run stays on this machine",
        )
    } else {
        None
    }
}

/// What to do about a machine that cannot keep a tool in.
const ISOLATION_HELP: &str = "`stepwell doctor` says what this machine gives; without \
                              `--require-isolation` the run goes on and says what is missing";

/// What to do about a machine that cannot keep a step's own tests in.
const TESTS_HELP: &str = "install bubblewrap (`bwrap`) where unprivileged user namespaces are \
                          allowed; with `sandbox = \"auto\"` the tests run behind what there is";

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
