//! A use of a tool: who asked, for what, and what came of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a call comes from.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The step asked before the model did.
    Context,
    /// The model, in this turn (counted from 1).
    Turn(u32),
    /// The host, to read what the tests said; counted from 1, 1 being the tests before where the
    /// step runs them.
    Tests(u32),
}

/// One call of a run: where it comes from, and its place there, counted from 0.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CallId {
    /// Where it comes from.
    pub origin: Origin,
    /// Its place there.
    pub index: u32,
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.index + 1;
        match self.origin {
            Origin::Context => write!(f, "context.{place}"),
            Origin::Turn(turn) => write!(f, "turn{turn}.{place}"),
            Origin::Tests(round) => write!(f, "tests{round}.{place}"),
        }
    }
}

/// A call as the model made it.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ModelCall {
    /// The provider's id, which the output must carry.
    pub call_id: String,
    /// The tool's name, as the model wrote it.
    pub tool: String,
    /// Its arguments, as the model wrote them: JSON, if all is well.
    pub arguments: String,
}

/// A call that somebody must carry out.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Call {
    /// Which call of the run.
    pub id: CallId,
    /// The tool's name.
    pub tool: String,
    /// Its arguments: JSON, if the model was careful.
    pub arguments: String,
}

/// Where an answer came from.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The tool ran.
    Fresh,
    /// The cache had it.
    Cache,
    /// The host answered without a tool.
    Host,
}

/// What came of a call. A tool that misbehaves is an answer too: the model reads why.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Answer {
    /// The tool answered.
    Answered {
        /// Its output, JSON.
        output: String,
    },
    /// The tool, or the door before it, said no.
    Refused {
        /// Why, and what would work.
        message: String,
    },
    /// The host ended the tool.
    Ended {
        /// The ending's stable name.
        ending: String,
        /// What the model reads.
        message: String,
    },
}

impl Answer {
    /// Whether the tool answered.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Answered { .. })
    }

    /// What the conversation gets: the output, or a JSON object with an `error`.
    pub fn for_model(&self) -> String {
        match self {
            Self::Answered { output } => output.clone(),
            Self::Refused { message } | Self::Ended { message, .. } => {
                serde_json::json!({ "error": message }).to_string()
            }
        }
    }
}

/// The tools that the host itself answers, because they change where the step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostTool {
    /// Takes the analysis: findings and next steps.
    SubmitAnalysis,
    /// Takes a patch: a unified diff.
    ProposePatch,
}

impl HostTool {
    /// The tool of that name, if the host has it.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "submit_analysis" => Some(Self::SubmitAnalysis),
            "propose_patch" => Some(Self::ProposePatch),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::SubmitAnalysis => "submit_analysis",
            Self::ProposePatch => "propose_patch",
        }
    }
}
