//! What the rules need to know of a step before it begins. Nothing is left to default here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::budget::{Budgets, Price};
use crate::check::Check;

/// What a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// Findings and next steps; no patch can be proposed.
    Diagnose,
    /// Findings, and a patch where the model sees one.
    Patch,
}

/// A call the step makes before the model is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ContextCall {
    /// The tool's name.
    pub tool: String,
    /// Its arguments, JSON.
    pub arguments: String,
}

/// How the step's own tests are used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TestPlan {
    /// The program and its arguments, for the model to read.
    pub command: Vec<String>,
    /// Whether they run once without a patch, for the context.
    pub before: bool,
    /// How often the model may repair a patch whose tests fail.
    pub repair_rounds: u32,
    /// How often a command that failed with a patch runs again as it is; at most
    /// [`RETRIES_MAX`](crate::RETRIES_MAX).
    #[serde(default)]
    pub retries: u32,
    /// What it counts for when the command passes then.
    #[serde(default)]
    pub flaky: Flaky,
    /// Whether what the tests say with a patch is compared with what they said before.
    #[serde(default)]
    pub compared: bool,
    /// Whether a gate looks at what they said of a patch; not in what older programs wrote.
    #[serde(default)]
    pub judged: bool,
}

/// What tests count for that failed and then passed, and nothing was changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flaky {
    /// They failed: nobody knows which of the two is true.
    #[default]
    Fail,
    /// They passed.
    Pass,
}

/// A step as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// What the model is asked to do, in the author's words.
    pub task: String,
    /// What the step is for.
    pub goal: Goal,
    /// What the model costs.
    pub price: Price,
    /// What may be spent.
    pub budgets: Budgets,
    /// The most tokens one response may have.
    pub max_output_tokens: u64,
    /// Bytes that every request carries besides the conversation: instructions and tools.
    pub request_overhead_bytes: u64,
    /// Milliseconds from a request to the first event of its response.
    pub first_event_ms: u64,
    /// The calls before the model is asked.
    pub context: Vec<ContextCall>,
    /// The step's own tests, where it has some.
    pub tests: Option<TestPlan>,
    /// Every tool that the model may call, without the host's own two.
    pub tools: BTreeSet<String>,
    /// Whether a model answers, or the offline analyst.
    pub model_used: bool,
    /// Rules over the facts of the run; those after the first [`CHECKS_MAX`] are not looked at.
    ///
    /// [`CHECKS_MAX`]: crate::CHECKS_MAX
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Milliseconds that this attempt may take, so that it ends before its CI job is killed. Only
    /// [`Session::deadline`] looks at it: it differs between attempts, and no decision may.
    ///
    /// [`Session::deadline`]: crate::Session::deadline
    #[serde(default)]
    pub job_ms: Option<u64>,
    /// The most tokens that the model can read at once, where that is known.
    #[serde(default)]
    pub context_tokens: Option<u64>,
    /// Whether what tools return is shown between marks; not in what older programs wrote.
    #[serde(default)]
    pub data_marked: bool,
}
