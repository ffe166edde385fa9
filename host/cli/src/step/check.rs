//! Value checks as people write them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rule over the facts of the run: when it is not worth going on, or a human should know.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Check {
    /// The check's name, for the log and for who approves: letters, digits, `-` and `_`, at most 64.
    pub(crate) name: String,
    /// What must be the case, all of it at once; at most 8.
    pub(crate) when: Vec<Condition>,
    /// What happens then, once a run: `stop` ends it, `ask` ends it until a human approves, `warn`
    /// says so in the log.
    pub(crate) then: Action,
}

/// What a check does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    /// The run is over.
    Stop,
    /// The run ends until a human approves.
    Ask,
    /// The log says so.
    Warn,
}

/// One thing that must be the case.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Condition {
    /// What is looked at. Times (`time`, `work-time`, `since-progress`) are of one attempt; progress is
    /// a new phase, an analysis, a judged patch; the patch is the last one, let out or not.
    pub(crate) fact: Fact,
    /// How it is compared.
    #[serde(default = "at_least")]
    pub(crate) op: Op,
    /// With what: a time like `"5m"`, dollars for `spend`, `true` or `false`, the name of a phase,
    /// otherwise a whole number.
    pub(crate) value: Value,
}

fn at_least() -> Op {
    Op::AtLeast
}

/// What a condition looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fact {
    /// Time of this attempt.
    Time,
    /// Time of this attempt in the current work.
    WorkTime,
    /// Time since the step last got on.
    SinceProgress,
    /// Responses of the model.
    Turns,
    /// Responses since the step last got on.
    TurnsSinceProgress,
    /// Tool calls.
    Calls,
    /// Dollars.
    Spend,
    /// Tokens both ways.
    Tokens,
    /// Files that the last patch touches.
    PatchFiles,
    /// Lines that it adds and removes.
    PatchLines,
    /// Patches judged.
    PatchTries,
    /// Rounds of the project's own tests with a patch.
    TestRounds,
    /// Whether the analysis names a test.
    NamesFailingTest,
    /// How far the step has come.
    Phase,
}

/// How a fact is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Op {
    /// As much, or more.
    AtLeast,
    /// As much, or less.
    AtMost,
    /// Exactly that.
    Is,
}

/// What a fact is compared with.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Value {
    /// Yes or no.
    Flag(bool),
    /// How many.
    Whole(u64),
    /// How many dollars.
    Dollars(f64),
    /// A time, or a name.
    Text(String),
}
