//! What can be said on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args as ClapArgs, Parser, Subcommand};

use crate::wiring::trouble::{FailPoint, KillPoint};

mod authoring;
mod cache;
mod elsewhere;
mod leaving;
mod mcp;
mod reading;

pub(crate) use authoring::*;
pub(crate) use cache::{
    AgainArgs, CacheAuditArgs, CacheClearArgs, CacheCommand, CacheGcArgs, CacheKeyArgs,
    CachePromoteArgs, CachePullArgs, CachePushArgs, CacheShowArgs, CacheStatArgs, CacheVerifyArgs,
    CacheWhyArgs, ContextArgs, SharingArgs,
};
pub(crate) use elsewhere::*;
pub(crate) use leaving::{ApplyArgs, ApproveArgs, GateArgs, GateFormat};
pub(crate) use mcp::{HttpArgs, McpArgs};
pub(crate) use reading::{
    DiffArgs, ExplainArgs, ExportArgs, ExportFormat, Hunk, OfRun, ReplayArgs, ShowArgs, StatsArgs,
    StatsBy, VerifyArgs,
};

/// Runs an AI step of a CI pipeline as a streaming, budgeted, resumable session.
///
/// Begin with `stepwell init` in a repository, then `stepwell run`. Without a key the offline
/// analyst answers: a deterministic triage that needs no model and no network.
#[derive(Debug, Parser)]
#[command(name = "stepwell", version, max_term_width = 100)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What `stepwell` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a commented step file that fits this repository.
    Init(InitArgs),
    /// Run a step, or go on with one that was interrupted.
    Run(RunArgs),
    /// Go on with a run that was cut off, by its name.
    Resume(ResumeArgs),
    /// List the runs that are kept, and what going on with each would save.
    Runs(RunsArgs),
    /// Let a patch pass a gate that asks for a person.
    Approve(ApproveArgs),
    /// Hold a patch against the gates, without a run.
    Gate(GateArgs),
    /// Bring what a run left to the working tree, to a branch, or to a pull request.
    Apply(ApplyArgs),
    /// Show a run: what it found, did and took.
    Show(ShowArgs),
    /// Say why a change was made, or what led to a decision.
    Explain(ExplainArgs),
    /// Say what differs between two runs, and from where on.
    Diff(DiffArgs),
    /// Make every decision and every tool call of a run again, offline, and compare.
    Replay(ReplayArgs),
    /// Check that a trace, and what lies beside it, is what was written.
    Verify(VerifyArgs),
    /// Say what many runs came to: endings, money, time, cache.
    Stats(StatsArgs),
    /// Tell a run to another program: SARIF, JUnit, OpenTelemetry…
    Export(ExportArgs),
    /// Check a step file and say what it comes to.
    Validate(ValidateArgs),
    /// Print the JSON Schema of a file format.
    Schema(SchemaArgs),
    /// Serve a model that is none, for tests and demos.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Use the tools without a model.
    #[command(subcommand)]
    Tool(ToolCommand),
    /// Serve the tools to a client of the Model Context Protocol, over standard input and output.
    Mcp(McpArgs),
    /// Build what a step tells the model before it asks, without a model.
    Context(ContextArgs),
    /// Look into the cache of tool outputs, keep it in order, and share it.
    #[command(subcommand)]
    Cache(CacheCommand),
    /// See what was spent, and set caps for all runs.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Say what this machine puts around a tool, and try to get out.
    Doctor(DoctorArgs),
}

/// Where the repository is.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct RepoArgs {
    /// The repository, or any directory.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// Write over a step file that is there.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Where machines share runs.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct StoreArgs {
    /// Where machines share runs, as `s3://bucket/prefix?region=eu-west-1` or `fs:///srv/runs`: what
    /// one leaves unfinished another goes on with. Default: STEPWELL_STORE. docs/store.md has the
    /// services.
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
}

/// Who shows the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Ci {
    /// Lines, and nothing else: Jenkins, a file.
    #[value(alias = "jenkins")]
    Plain,
    /// GitHub Actions, Gitea, Forgejo.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Buildkite.
    Buildkite,
    /// Azure Pipelines.
    Azure,
    /// TeamCity.
    Teamcity,
}

const RUN_EXAMPLES: &str = "Examples:
  stepwell run                           the step of this repository, offline or with its model
  stepwell run --base origin/main        compared with, and read from, the branch to merge into
  stepwell run --store fs:///srv/runs    another machine goes on with it, by the same command";

#[derive(Debug, Default, ClapArgs)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    /// The step file; `.stepwell/step.toml` of the repository without one.
    #[arg(value_name = "STEP.toml")]
    pub(crate) step: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// What the step is compared with, and where its file is read from. Default: where the branch
    /// left the remote's main branch, else the commit before the last.
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,
    /// What the step is about. Default: the working tree as it is.
    #[arg(long, value_name = "REV")]
    pub(crate) head: Option<String>,
    /// Where the artifacts go. Default: `.stepwell/out` of the repository.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Who answers: `offline`, `script:FILE` or `openai`. Default: `openai` where the step names
    /// a model and its key is set, else `offline`.
    #[arg(long, value_name = "WHO")]
    pub(crate) provider: Option<Provider>,
    /// Print `result.json` on standard output, too.
    #[arg(long)]
    pub(crate) json: bool,
    /// Forget an unfinished run instead of going on with it.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// The books that spending is entered in: a file, or a `postgres://` URL that several machines
    /// share. Default: STEPWELL_LEDGER, else a file of the user's where the model costs money.
    #[arg(long, value_name = "PLACE")]
    pub(crate) ledger: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Let a value check of the step pass that asked for approval.
    #[arg(long, value_name = "CHECK")]
    pub(crate) approve: Vec<String>,
    /// A file of an approval, as `stepwell approve --out` writes it; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Vec<PathBuf>,
    /// When the pipeline ends this job, such as `25m` from now: the run ends before, with its
    /// artifacts. Default: what the pipeline says, where it does (GitLab).
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) deadline: Option<std::time::Duration>,
    /// Take the step file from the working tree even where the base commit has one.
    #[arg(long)]
    pub(crate) step_from_head: bool,
    /// Run every tool call, and keep no output.
    #[arg(long)]
    pub(crate) no_cache: bool,
    #[command(flatten)]
    pub(crate) sharing: SharingArgs,
    /// Refuse to run where any wall around the tools is missing; `stepwell doctor` lists them.
    #[arg(long)]
    pub(crate) require_isolation: bool,
    /// Who shows the log: lines are folded and marked as it reads them, and GitHub, GitLab and
    /// Azure get values for the next steps. Default: as the environment says.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) ci: Option<Ci>,
    /// Say nothing on standard error but problems.
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Die as by `kill -9`, to see what a run survives: the same command without this goes on from
    /// there. `append:N` is when the Nth record is written (`append:N:BYTES` when so much of it
    /// is), `sync:N:before` and `sync:N:after` when the journal is brought to the disk, `frame:N`
    /// when a frame of our own model's server arrives.
    #[arg(long, value_name = "POINT")]
    pub(crate) kill_at: Option<KillPoint>,
    /// Let the journal's disk fail: `append:N:full`, `append:N:io`, `sync:N:full`, `sync:N:io`.
    #[arg(long, value_name = "POINT")]
    pub(crate) fail_at: Option<FailPoint>,
}

const RESUME_EXAMPLES: &str = "Examples:
  stepwell resume 3f2a                          the run of this machine whose name begins so
  stepwell resume 3f2a --store fs:///srv/runs   a run that another machine began
  stepwell resume 3f2a --approve big-patch      past a value check that asks

It goes on with what the run was begun with: the same step file, base, head, provider and places.
Of a run that only the store has, this machine and this command line say what the base, the head and
the places are. Where something differs it says what, and begins nothing.";

#[derive(Debug, ClapArgs)]
#[command(after_help = RESUME_EXAMPLES)]
pub(crate) struct ResumeArgs {
    /// The run's name, or how it begins: `stepwell runs` lists them.
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// What the step is compared with, and where its file is read from. Default: that of the
    /// beginning; of a run that only the store has, as for `run`: whoever writes to it does not choose.
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,
    /// What the step is about. Default: that of the beginning; of a run that only the store has, the
    /// working tree.
    #[arg(long, value_name = "REV")]
    pub(crate) head: Option<String>,
    /// The books that spending is entered in. Default: those that the run was begun with, whatever
    /// STEPWELL_LEDGER says; of a run that only the store has, as for `run`.
    #[arg(long, value_name = "PLACE")]
    pub(crate) ledger: Option<String>,
    /// Let a value check of the step pass that asked for approval.
    #[arg(long, value_name = "CHECK")]
    pub(crate) approve: Vec<String>,
    /// A file of an approval, as `stepwell approve --out` writes it; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Vec<PathBuf>,
    /// When the pipeline ends this job, such as `25m` from now. Default: what the pipeline says.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) deadline: Option<std::time::Duration>,
    /// Refuse to go on where any wall around the tools is missing. So does a run that was begun
    /// with this.
    #[arg(long)]
    pub(crate) require_isolation: bool,
    /// Print `result.json` on standard output, too.
    #[arg(long)]
    pub(crate) json: bool,
    /// Who shows the log: lines are folded and marked as it reads them, and GitHub, GitLab and
    /// Azure get values for the next steps. Default: as the environment says.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) ci: Option<Ci>,
    /// Say nothing on standard error but problems.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

const RUNS_EXAMPLES: &str = "Examples:
  stepwell runs                          those of this repository, the last one worked on first
  stepwell runs --store fs:///srv/runs   those that other machines left there, too
  stepwell runs --json | jq '.[] | select(.open) | .run'";

#[derive(Debug, ClapArgs)]
#[command(after_help = RUNS_EXAMPLES)]
pub(crate) struct RunsArgs {
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ValidateArgs {
    /// The step file; `.stepwell/step.toml` without one.
    #[arg(value_name = "STEP.toml")]
    pub(crate) step: Option<PathBuf>,
    /// Print what it comes to as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SchemaArgs {
    /// Which format.
    #[arg(value_enum)]
    pub(crate) format: Format,
}

/// A file format that has a schema.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Format {
    /// The step file.
    Step,
    /// A line of `trace.jsonl`.
    Events,
    /// `result.json`.
    Result,
    /// `accounting.json`.
    Accounting,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Serve the Responses protocol over WebSocket: a script, or the offline analyst.
    Serve(ServeArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ServeArgs {
    /// What the model says, turn by turn; without one the offline analyst answers.
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one. An address beyond this machine serves strangers.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Offer no WebSocket: who asks for one is told to use HTTP.
    #[arg(long)]
    pub(crate) http_only: bool,
    /// Connections that are served at the same time; more wait.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) connections: usize,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ToolCommand {
    /// List the tools.
    List(ToolListArgs),
    /// Show what a tool is for and what it takes.
    Describe(ToolDescribeArgs),
    /// Call a tool and print its answer.
    Call(ToolCallArgs),
    #[command(flatten)]
    Author(AuthorCommand),
    #[command(flatten)]
    Elsewhere(ElsewhereCommand),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ToolListArgs {
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// A component of your own, besides the ones that are built in.
    #[arg(long, value_name = "FILE.wasm")]
    pub(crate) component: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ToolDescribeArgs {
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// The tool's name.
    pub(crate) name: String,
    /// A component of your own, besides the ones that are built in.
    #[arg(long, value_name = "FILE.wasm")]
    pub(crate) component: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ToolCallArgs {
    /// The tool's name.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) on: CallArgs,
    /// A component of your own, besides the ones that are built in.
    #[arg(long, value_name = "FILE.wasm")]
    pub(crate) component: Vec<PathBuf>,
    /// Do not use the cache.
    #[arg(long)]
    pub(crate) no_cache: bool,
    #[command(flatten)]
    pub(crate) sharing: SharingArgs,
    /// Print how the call went as JSON, with the answer in it.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A call, and what it is made on.
#[derive(Debug, ClapArgs)]
pub(crate) struct CallArgs {
    /// The arguments, as JSON.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub(crate) args: String,
    #[command(flatten)]
    pub(crate) on: CallOn,
}

/// What a call is made on.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct CallOn {
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// A revision instead of the working tree.
    #[arg(long, value_name = "REV")]
    pub(crate) rev: Option<String>,
    /// What it is compared with. Default as for `run`.
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Show what was spent and what is set aside.
    Show(LedgerShowArgs),
    /// Show the reservations that nobody settled, and who left them.
    Open(LedgerOpenArgs),
    /// Set, list and remove caps.
    #[command(subcommand)]
    Cap(LedgerCapCommand),
    /// Add requests up that are older than 90 days.
    Prune(LedgerPruneArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCapCommand {
    /// Set what scopes may cost, each of them.
    Set(LedgerCapSetArgs),
    /// List the caps.
    List(LedgerCapListArgs),
    /// Remove a cap.
    Remove(LedgerCapRemoveArgs),
}

/// Where the ledger is.
#[derive(Debug, ClapArgs)]
pub(crate) struct LedgerPlaceArgs {
    /// A file, or a `postgres://` URL. Default: STEPWELL_LEDGER, else `stepwell/ledger.sqlite` in
    /// the user's directory for state.
    #[arg(long, value_name = "PLACE")]
    pub(crate) ledger: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LedgerShowArgs {
    #[command(flatten)]
    pub(crate) place: LedgerPlaceArgs,
    /// What to add up by: `repository`, `step`, `pull-request`, `branch`, `workflow`, `day`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "repository")]
    pub(crate) by: Vec<ledger::Dimension>,
    /// Only requests of such scopes, as `repository:acme/*`.
    #[arg(long, value_name = "SCOPES")]
    pub(crate) only: Vec<ledger::Pattern>,
    /// From this day on, as `2026-11-24`.
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<ledger::Day>,
    /// Up to this day.
    #[arg(long, value_name = "DAY")]
    pub(crate) until: Option<ledger::Day>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LedgerOpenArgs {
    #[command(flatten)]
    pub(crate) place: LedgerPlaceArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LedgerPruneArgs {
    #[command(flatten)]
    pub(crate) place: LedgerPlaceArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LedgerCapSetArgs {
    #[command(flatten)]
    pub(crate) place: LedgerPlaceArgs,
    /// Whose cap it is: `pull-request:acme/shop#17`, or with a `*` at the end each that begins so.
    #[arg(value_name = "SCOPES")]
    pub(crate) scopes: ledger::Pattern,
    /// Dollars, as `5.00`.
    #[arg(value_name = "DOLLARS")]
    pub(crate) amount: ledger::MicroDollars,
    /// `total`, or `day` for a cap that begins anew each day (UTC).
    #[arg(long, value_name = "TIME", default_value = "total")]
    pub(crate) per: ledger::Period,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LedgerCapListArgs {
    #[command(flatten)]
    pub(crate) place: LedgerPlaceArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LedgerCapRemoveArgs {
    #[command(flatten)]
    pub(crate) place: LedgerPlaceArgs,
    /// Whose cap it was, as `cap list` shows it.
    #[arg(value_name = "SCOPES")]
    pub(crate) scopes: ledger::Pattern,
    /// `total` or `day`.
    #[arg(long, value_name = "TIME", default_value = "total")]
    pub(crate) per: ledger::Period,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DoctorArgs {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Provider {
    /// The analyst that needs no model.
    Offline,
    /// A recorded model.
    Script(PathBuf),
    /// A model behind the Responses API.
    OpenAi,
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("script", file)) if !file.is_empty() => Ok(Self::Script(file.into())),
            None if text == "offline" => Ok(Self::Offline),
            None if text == "openai" => Ok(Self::OpenAi),
            Some(_) | None => Err("write `offline`, `script:FILE` or `openai`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_provider_is_named_or_refused() {
        assert_eq!("offline".parse(), Ok(Provider::Offline));
        assert_eq!("script:a:b".parse(), Ok(Provider::Script("a:b".into())));
        assert!("script:".parse::<Provider>().is_err());
        assert!("magic".parse::<Provider>().is_err());
    }
}
