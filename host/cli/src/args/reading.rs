//! What can be said of a run that is read back.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args as ClapArgs;
use keys::PublicKey;

use super::RepoArgs;

/// A run, and where to look for it by its name.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct OfRun {
    /// A trace, a directory that holds `trace.jsonl`, or a run's name, or how it begins. Default:
    /// `.stepwell/out` of the repository.
    #[arg(value_name = "RUN|TRACE")]
    pub(crate) of: Option<String>,
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
}

const SHOW_EXAMPLES: &str = "Examples:
  stepwell show                     the run that left .stepwell/out
  stepwell show 3f2a                a run of `stepwell runs`, also one that was cut off
  stepwell show out --records       with every record of out/trace.jsonl
  stepwell show --json | jq '.calls[] | {name, tool}'

`report.html` beside the trace is the same as a page.";

/// `stepwell show`.
#[derive(Debug, ClapArgs)]
#[command(after_help = SHOW_EXAMPLES)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) run: OfRun,
    /// List every record, too.
    #[arg(long)]
    pub(crate) records: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const EXPLAIN_EXAMPLES: &str = "Examples:
  stepwell explain                        each hunk of the patch, and why the run is over
  stepwell explain --hunk 2               the second hunk
  stepwell explain --hunk src/slots.py    those of a file
  stepwell explain 3f2a --decision 41     record 41, and what led to it

A model does not say what made it write a line: what is told is what the trace shows.";

/// `stepwell explain`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXPLAIN_EXAMPLES)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) run: OfRun,
    /// One hunk of the patch, counted from 1, or those of a file.
    #[arg(long, value_name = "N|PATH", conflicts_with = "decision")]
    pub(crate) hunk: Option<Hunk>,
    /// The record of this number: `stepwell show --records` lists them.
    #[arg(long, value_name = "SEQ")]
    pub(crate) decision: Option<u64>,
}

/// Which hunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hunk {
    /// One, counted from 1.
    Number(usize),
    /// Those of a file.
    Of(String),
}

impl FromStr for Hunk {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Of(text.to_owned()), Self::Number))
    }
}

const DIFF_EXAMPLES: &str = "Examples:
  stepwell diff before after        of two directories of artifacts
  stepwell diff 3f2a 81c0           of two runs of `stepwell runs`
  stepwell diff before after --json | jq .divergence

Time, where an answer came from, and the order in which calls come back do not count.";

/// `stepwell diff`.
#[derive(Debug, ClapArgs)]
#[command(after_help = DIFF_EXAMPLES)]
pub(crate) struct DiffArgs {
    /// A trace, a directory that holds `trace.jsonl`, or a run's name, or how it begins.
    #[arg(value_name = "RUN|TRACE")]
    pub(crate) left: String,
    /// The other one.
    #[arg(value_name = "RUN|TRACE")]
    pub(crate) right: String,
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const VERIFY_EXAMPLES: &str = "Examples:
  stepwell verify                       .stepwell/out: the trace, and what lies beside it
  stepwell verify out/trace.jsonl       artifacts that another job left
  stepwell verify --signer ed25519:…    only what the holder of that key signed holds

It ends with 50 where something does not hold. Who can write a whole file can write another chain,
so the chain shows damage, and no forgery: that is what a signature is for. A run that finds a key
in STEPWELL_TRACE_KEY (`stepwell cache key` makes one) leaves a signature under the end of its trace,
in trace.sig.json beside it. Whose word counts is said by `--signer`, or listed in
STEPWELL_TRACE_SIGNERS; then a trace that none of them signed does not hold. `stepwell apply` judges
a patch again before it writes it.";

/// `stepwell verify`.
#[derive(Debug, ClapArgs)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) run: OfRun,
    /// Who must have signed the trace: a public key, any one of those that are named. Default: those
    /// in STEPWELL_TRACE_SIGNERS.
    #[arg(long, value_name = "KEY")]
    pub(crate) signer: Vec<PublicKey>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const STATS_EXAMPLES: &str = "Examples:
  stepwell stats                        the runs of this repository that are kept here
  stepwell stats downloads              every trace below a directory, such as of many jobs
  stepwell stats downloads --by repository --html stats.html
  stepwell stats fs:///srv/runs         the runs of a store that machines share (docs/store.md)

A trace that is damaged is named and left out; a run that is found twice counts once.";

/// `stepwell stats`.
#[derive(Debug, ClapArgs)]
#[command(after_help = STATS_EXAMPLES)]
pub(crate) struct StatsArgs {
    /// Where traces lie: files, directories that hold `trace.jsonl` or `journal.jsonl` up to six
    /// directories down, or URLs of stores. Default: the runs that are kept here.
    #[arg(value_name = "DIR|STORE")]
    pub(crate) places: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// By what runs are told together; repository and workflow are what the pipeline called them.
    #[arg(long, value_name = "WHAT", default_value = "step")]
    pub(crate) by: StatsBy,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a page here, instead.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) html: Option<PathBuf>,
}

/// By what runs are told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum StatsBy {
    /// The step.
    Step,
    /// The repository.
    Repository,
    /// The workflow or pipeline.
    Workflow,
}

const EXPORT_EXAMPLES: &str = "Examples:
  stepwell export --format junit --out junit.xml            what the step's tests said
  stepwell export --format otlp --endpoint http://localhost:4318
  stepwell export --format prometheus --out /var/lib/node_exporter/stepwell.prom

`otlp` sends spans and metrics to a collector: to `--endpoint`, or where OpenTelemetry's own variables
say (OTEL_EXPORTER_OTLP_ENDPOINT, _PROTOCOL, _HEADERS…). `stepwell run` does so by itself where they
name an endpoint. TRACEPARENT makes the spans a part of the pipeline's trace; the pipeline's own
variables label the metrics. docs/observability.md lists spans and metrics.";

/// `stepwell export`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXPORT_EXAMPLES)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) run: OfRun,
    /// For whom.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: ExportFormat,
    /// Write it here. Default: standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Where `otlp` is sent, instead of OTEL_EXPORTER_OTLP_ENDPOINT.
    #[arg(long, value_name = "URL", conflicts_with = "out")]
    pub(crate) endpoint: Option<String>,
}

/// How a run is told to other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ExportFormat {
    /// Agent Trajectory Interchange Format 1.8.
    Atif,
    /// SARIF 2.1.0: what the gates and the analysis found.
    Sarif,
    /// JUnit XML: what the step's own tests said.
    Junit,
    /// OpenTelemetry's spans and metrics, sent to a collector.
    Otlp,
    /// OpenTelemetry's spans, as OTLP over HTTP takes them.
    OtlpJson,
    /// OpenTelemetry's metrics, the same way.
    OtlpMetricsJson,
    /// Prometheus text.
    Prometheus,
    /// CycloneDX: the bill of materials that the run made, by a call of the tool `sbom`.
    Cyclonedx,
}

const REPLAY_EXAMPLES: &str = "Examples:
  stepwell replay                              .stepwell/out, against the working tree
  stepwell replay out --head HEAD --base origin/main
  stepwell replay 3f2a --step other.toml       a run that was begun with that step file

Nothing is asked of a model, written, or run but the tools. Three things are looked at: the chain;
each decision, by telling the rules again what the run heard; each tool call, by running it again
without the cache. Name what the run was begun with: the repository as it was then, base, head, step
file. The first record that comes out otherwise is told with both sides, and ends it with 41; a trace
that is damaged with 50. The step's own tests and the gates are not run again: what they said counts.";

/// `stepwell replay`.
#[derive(Debug, ClapArgs)]
#[command(after_help = REPLAY_EXAMPLES)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) run: OfRun,
    /// What the step was compared with, and where its file was read from. Default: as for `run`.
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,
    /// What the step was about. Default: the working tree as it is.
    #[arg(long, value_name = "REV")]
    pub(crate) head: Option<String>,
    /// The step file; `.stepwell/step.toml` without one.
    #[arg(long, value_name = "STEP.toml")]
    pub(crate) step: Option<PathBuf>,
    /// Take the step file from the working tree even where the base commit has one.
    #[arg(long)]
    pub(crate) step_from_head: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
