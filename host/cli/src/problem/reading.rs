//! Problems with a run that is read back.

use std::path::PathBuf;

use crate::exit;

/// Why a run is not read back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadingProblem {
    /// Neither a path nor a run.
    #[error("there is no trace and no run `{named}`")]
    NoTrace { named: String },
    /// A directory without a trace.
    #[error("the directory `{}` holds no trace", dir.display())]
    NoTraceIn { dir: PathBuf },
    /// More than is read.
    #[error("`{}` has more than {most} bytes", path.display())]
    TooLarge { path: PathBuf, most: u64 },
    /// A trace that is not what was written.
    #[error("the trace `{}` is damaged", path.display())]
    Damaged { path: PathBuf, source: report::Damage },
    /// A hunk that the patch does not have.
    #[error("the patch has no hunk {number}")]
    NoHunk { number: usize, hunks: usize },
    /// A file that the patch does not change.
    #[error("the patch has no hunk in `{path}`")]
    NoHunkIn { path: String, files: Vec<String> },
    /// A record that is not told.
    #[error("there is no record {seq} among the {told} that are told")]
    NoRecord { seq: u64, told: usize },
    /// A run that made no bill of materials.
    #[error("the trace holds no bill of materials: the run did not call the tool `sbom` for one")]
    NoDependencies,
    /// A bill that is too long for a trace, and is gone.
    #[error("the bill of materials of call {call} is not beside the trace")]
    BillLost { call: String },
    /// A file beside a trace that is not what the trace speaks of.
    #[error("`{file}` beside the trace is not what the tool answered")]
    OutputChanged { file: String },
    /// A trace that does not say what the run was about.
    #[error("the trace does not say what the run was begun with, so it cannot be replayed")]
    NotBegun,
    /// An address for what is not sent.
    #[error("only `--format otlp` is sent to an endpoint")]
    NothingToSend,
    /// Nobody said where telemetry goes.
    #[error("nothing says where spans and metrics go")]
    NoCollector,
    /// One of OpenTelemetry's variables.
    #[error("the environment does not say where spans and metrics go")]
    BadCollector { source: telemetry::BadSetting },
    /// A collector did not take all of it.
    #[error("not all of it was sent: {}", said.join("; "))]
    NotSent { said: Vec<String> },
    /// Nothing was found.
    #[error("there is no trace below {}", places.join(", "))]
    NoRuns { places: Vec<String> },
}

impl ReadingProblem {
    /// What to do about it.
    pub(super) fn help(&self) -> Option<String> {
        let text = match self {
            Self::NoTrace { .. } => {
                "name a file, a directory that holds `trace.jsonl`, or a run that `stepwell runs` \
                 lists"
            }
            Self::NoTraceIn { .. } => "`stepwell run` leaves `trace.jsonl` there, or in `--out`",
            Self::TooLarge { .. } => "no run writes so much: name its `trace.jsonl`",
            Self::Damaged { .. } => {
                "`stepwell verify` says how far it holds; get it again from where it was made"
            }
            Self::NoHunk { hunks: 0, .. } => "no patch was proposed: leave `--hunk` out",
            Self::NoHunk { hunks, .. } => {
                return Some(format!("name one from 1 to {hunks}, or a file"));
            }
            Self::NoHunkIn { files, .. } if files.is_empty() => {
                "no patch was proposed: leave `--hunk` out"
            }
            Self::NoHunkIn { files, .. } => {
                let files: Vec<String> =
                    files.iter().map(|file| runner::Plain(file).to_string()).collect();
                return Some(format!("it changes {}", files.join(", ")));
            }
            Self::NoRecord { .. } => "`stepwell show --records` lists them",
            Self::NoDependencies => {
                "let the step make one: a `[[context.call]]` with `tool = \"sbom\"` in its file. Now, of \
                 the repository as it is: `stepwell tool call sbom --args '{}'`"
            }
            Self::BillLost { .. } => {
                "long outputs lie in `outputs/` beside `trace.jsonl`: keep both, or name the run that \
                 `stepwell runs` lists"
            }
            Self::OutputChanged { .. } => "get the artifacts again from where they were made",
            Self::NothingToSend => "leave `--endpoint` out, or say `--format otlp`",
            Self::NoCollector => {
                "name a collector: `--endpoint http://localhost:4318`, or \
                 OTEL_EXPORTER_OTLP_ENDPOINT; OTEL_SDK_DISABLED and OTEL_…_EXPORTER=none say not to"
            }
            Self::BadCollector { .. } => {
                "docs/observability.md lists the variables; without an endpoint none of them counts"
            }
            Self::NotSent { .. } => {
                "what was taken stays so, and the same spans may be sent again: they have the same \
                 names"
            }
            Self::NotBegun => "`stepwell show` tells what there is",
            Self::NoRuns { .. } => "name where artifacts of runs lie",
        };
        Some(text.to_owned())
    }

    /// Which exit code it is.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Damaged { .. } | Self::OutputChanged { .. } => exit::UNTRUSTED,
            Self::NotSent { .. } => exit::INTERNAL,
            Self::NoTrace { .. }
            | Self::NothingToSend
            | Self::NoCollector
            | Self::BadCollector { .. }
            | Self::NoTraceIn { .. }
            | Self::TooLarge { .. }
            | Self::NoHunk { .. }
            | Self::NoHunkIn { .. }
            | Self::NoRecord { .. }
            | Self::NoDependencies
            | Self::BillLost { .. }
            | Self::NotBegun
            | Self::NoRuns { .. } => exit::USAGE,
        }
    }
}
