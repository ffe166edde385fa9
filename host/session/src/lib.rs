//! The rules of one AI step, and nothing else.
//!
//! A [`Session`] is told what happened ([`Input`]) and when, and answers what to do about it
//! ([`Effect`]). It never waits, never reads a clock, never opens a file: the runner does those
//! things and reports back. So a step is a pure function of its inputs, and any run can be
//! replayed, cut short, or stretched in a test.
//!
//! Reading order: [`Session::handle`], then `state` (where a step can stand), then [`budget`]
//! (what it may spend) and [`price`] (what things cost), then [`event`] (what it tells the world).
//!
//! This crate must not depend on tokio, wasmtime, the provider's JSON, or the file system.

mod call;
mod check;
mod data;
mod effect;
mod outcome;
mod pipeline;
mod plan;
mod session;
mod state;
mod stop;
mod tested;
mod trust;
mod verdict;

pub mod budget;
pub mod event;
pub mod price;
pub mod prompt;

pub use call::{Answer, Call, CallId, HostTool, ModelCall, Origin, Source};
pub use check::{Action, CHECKS_MAX, CONDITIONS_MAX, Check, Condition, Op, Quantity};
pub use effect::{Ask, Effect, EffectClass, Item};
pub use event::{Deadline, Input};
pub use outcome::{
    Accounting, Analysis, Confidence, Finding, Missed, Need, NeedKind, Outcome, PatchFile,
    QueuePeak, RunResult, Severity, TestCounts,
};
pub use pipeline::{PIPELINE_NAME_BYTES_MAX, Pipeline};
pub use plan::{ContextCall, Flaky, Goal, Plan, TestPlan};
pub use session::{RETRIES_MAX, Session};
pub use state::Phase;
pub use stop::{FailureClass, Signal, StopReason};
pub use tested::{TestNames, TestsCompared, TestsSaid};
pub use trust::{Capability, Trust};
pub use verdict::{Approval, Binding, Place, Ruling, Verdict};
