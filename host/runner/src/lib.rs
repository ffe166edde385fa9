//! Carries out what a session asks: talks to the model, runs tools through the cache, runs the
//! step's tests, writes everything down, and leaves the artifacts.
//!
//! Reading order: [`run`] (the loop), `run/resume` (where it begins), `journal` (what is
//! written down), `model` (the task that talks to the model), `tools` (the door to tools),
//! `scratch` (the tree of the step's own tests), `verify` (their command), `artifacts` and `report` (what is left).
//!
//! This crate must not know the terminal, the environment, the arguments, or that tools are WASM.

mod artifacts;
mod carrier;
mod changes;
mod context;
mod dependencies;
mod disk;
mod explain;
mod journal;
mod lease;
mod ledger;
mod model;
mod numbers;
mod offer;
mod operator;
mod outlet;
mod outputs;
mod own_gates;
mod patches;
mod plan;
mod replay;
mod report;
mod run;
mod runs;
mod sampling;
mod sarif;
mod scratch;
mod sink;
mod text;
mod tools;
mod verify;

pub use artifacts::ArtifactError;
pub use carrier::Carrier;
pub use changes::{DESCRIPTION as CHANGED_FILES_DESCRIPTION, schema as changed_files_schema};
pub use context::{ContextCalled, ContextPack, context_pack};
pub use disk::{JournalFile, Machine, ThisMachine};
pub use explain::explain;
pub use journal::{Journal, JournalError};
pub use lease::LeaseError;
pub use ledger::{Charge, Entry, Later, LedgerRefusal, RunLedger};
pub use numbers::{bytes, count};
pub use offer::tool_spec;
pub use operator::{Notice, Operator, Platform, Standing};
pub use outlet::{Intake, Outlet, Shown};
pub use own_gates::{GateInfo, check_settings};
pub use patches::{Judged, Passed, judge_patch, verdicts};
pub use plan::{
    BeginningFile, FirstUse, HEAD_PART, ModelPlan, ResumeCommand, RunKey, RunPlan, TestCommand,
    TestLimits, Tree, Way,
};
pub use replay::{Divergence, Recalled, Refolded, recall, refold};
pub use report::markdown;
pub use run::{Ended, RunError, run};
pub use runs::{
    KeptRun, KeptState, Reusable, carried_journal, carried_run, carried_runs, is_run_name,
    kept_runs,
};
pub use sampling::{Sampling, ToolLines};
pub use sarif::sarif;
pub use scratch::SHOWN_TREES;
pub use sink::Sink;
pub use text::Plain;
pub use tools::{
    BadTool, CHANGED_FILES, Called, Execution, Shared, ToolExecutor, ToolInfo, Toolbox, Trees,
};
pub use verify::{Bubblewrap, Confine, Confined, Reach, Room};
