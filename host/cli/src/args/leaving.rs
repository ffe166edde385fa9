//! What can be said of what leaves a step.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::RepoArgs;

const APPLY_EXAMPLES: &str = "Examples:
  stepwell apply                          the patch of .stepwell/out, to the working tree
  stepwell apply --branch fix/slots       as a commit on a branch of its own; the tree stays
  stepwell apply --from out --files pr    in another job: as files for `gh pr create`

The artifacts are not believed: their chain and digests are checked, the head must be the one that
the run was about, and the gates of the base's step file judge the patch again. In a pipeline (CI is
set) nothing is written without `--write`.";

/// `stepwell apply`.
#[derive(Debug, ClapArgs)]
#[command(after_help = APPLY_EXAMPLES)]
pub(crate) struct ApplyArgs {
    /// The run that the artifacts must be of, or how its name begins. Default: whichever they are of.
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// Where the artifacts are. Default: `.stepwell/out` of the repository.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,
    /// Whose step file has the gates. Default: as for `run`.
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,
    /// The step file; `.stepwell/step.toml` of the base without one.
    #[arg(long, value_name = "STEP.toml")]
    pub(crate) step: Option<PathBuf>,
    /// Commit the patch on top of the head, as this branch, and leave the working tree alone.
    #[arg(long, value_name = "NAME", conflicts_with = "files")]
    pub(crate) branch: Option<String>,
    /// Write files for the platform's own command (body of a pull request, annotations, keys to
    /// find what was posted before) here, and change nothing else.
    #[arg(long, value_name = "DIR")]
    pub(crate) files: Option<PathBuf>,
    /// Take the patch although the run ended so, such as `tests-not-run`; may be given several times.
    #[arg(long, value_name = "STOP-REASON")]
    pub(crate) accept: Vec<String>,
    /// A file of an approval, as `stepwell approve --out` writes it; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Vec<PathBuf>,
    /// Let the patch pass a gate that asks for a person, who is you: where the platform has asked
    /// one before this job began. Not where STEPWELL_APPROVERS says who signs.
    #[arg(long, value_name = "GATE")]
    pub(crate) approve: Vec<String>,
    /// Write, also in a pipeline.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) write: bool,
    /// Only say what would be written.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const APPROVE_EXAMPLES: &str = "Examples:
  stepwell approve 3f2a --gate dependencies          then `stepwell run` goes on where it stood
  stepwell approve 3f2a --gate dependencies --from out --out approval.json
                                                     of another job's artifacts, for another job

An approval counts for this head, this patch and these rules, and for nothing else. It is signed where
STEPWELL_APPROVAL_KEY holds a key (`stepwell cache key` makes one); where STEPWELL_APPROVERS lists public
keys, only what one of them signed counts.";

/// `stepwell approve`.
#[derive(Debug, ClapArgs)]
#[command(after_help = APPROVE_EXAMPLES)]
pub(crate) struct ApproveArgs {
    /// The run's name, or how it begins: `stepwell runs` lists them.
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// The gate that asks.
    #[arg(long, value_name = "NAME")]
    pub(crate) gate: String,
    /// Who approves. Default: the user of this machine, or of the pipeline.
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
    /// Artifacts of the run, where this machine does not have it.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,
    /// Write the approval here, for another machine. Default: beside the run.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const GATE_EXAMPLES: &str = "Examples:
  stepwell gate change.diff                 what each gate says, by the base's step file
  git diff main | stepwell gate -           of standard input
  stepwell gate change.diff --explain       with the rules, and why each is there
  stepwell gate change.diff --format sarif  for code scanning";

/// `stepwell gate`.
#[derive(Debug, ClapArgs)]
#[command(after_help = GATE_EXAMPLES)]
pub(crate) struct GateArgs {
    /// The patch, or `-` for standard input.
    #[arg(value_name = "PATCH")]
    pub(crate) patch: PathBuf,
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// What the patch is for. Default: the working tree as it is.
    #[arg(long, value_name = "REV")]
    pub(crate) head: Option<String>,
    /// Whose step file has the gates. Default: as for `run`.
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,
    /// The step file; `.stepwell/step.toml` of the base without one.
    #[arg(long, value_name = "STEP.toml")]
    pub(crate) step: Option<PathBuf>,
    /// Say which rules there are, and why each decides as it does.
    #[arg(long)]
    pub(crate) explain: bool,
    /// How it is told.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: GateFormat,
    /// The same as `--format json`.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How verdicts are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum GateFormat {
    /// For a terminal.
    Text,
    /// For a script.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// For a comment or a summary.
    Markdown,
}
