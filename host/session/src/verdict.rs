//! What gates say of a patch, and what a person may say to it.

use serde::{Deserialize, Serialize};

/// What a gate decides. The order is that of severity.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// The patch may pass.
    Pass,
    /// It may pass once a person says so.
    Approval,
    /// It may not pass.
    Refuse,
}

/// Where a gate found something.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Place {
    /// The file, as in the patch.
    pub path: String,
    /// The line of the new file, counted from 1, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What is there, in a few words.
    pub what: String,
}

/// What a gate found.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verdict {
    /// The gate's name.
    pub gate: String,
    /// Whether the patch may pass it: by itself, or because a person says so.
    pub passed: bool,
    /// What the gate decides; none in what programs wrote that knew no approval. Read it with
    /// [`Verdict::ruling`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruling: Option<Ruling>,
    /// What it found, in one sentence.
    pub because: String,
    /// The paths it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// The places it is about, as far as they are listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
    /// Who let the patch pass, where a person had to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

/// What an approval of a gate counts for, and nothing else.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Binding {
    /// What the step is about: a commit, or the digest of a working tree.
    pub head: String,
    /// Digest of the patch in canonical form, in hex.
    pub patch: String,
    /// Digest of the rules that the gates went by, in hex.
    pub policy: String,
}

/// That a person lets something pass.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Approval {
    /// The name of a value check, or of a gate.
    pub check: String,
    /// Who.
    pub by: String,
    /// What it counts for; none for a value check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<Binding>,
}

impl Verdict {
    /// A verdict without places.
    pub fn new(gate: impl Into<String>, ruling: Ruling, because: impl Into<String>) -> Self {
        Self {
            gate: gate.into(),
            passed: ruling == Ruling::Pass,
            ruling: Some(ruling),
            because: because.into(),
            paths: Vec::new(),
            places: Vec::new(),
            approved_by: None,
        }
    }

    /// What the gate decides.
    pub fn ruling(&self) -> Ruling {
        match (self.ruling, self.passed) {
            (Some(ruling), _) => ruling,
            (None, true) => Ruling::Pass,
            (None, false) => Ruling::Refuse,
        }
    }

    /// Whether it waits for a person.
    pub fn asks(&self) -> bool {
        self.ruling() == Ruling::Approval && self.approved_by.is_none()
    }
}

impl Binding {
    /// What of it is not what `other` is bound to; none where the two are the same.
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        let Self { head, patch, policy } = self;
        let parts = [
            ("head", *head == other.head),
            ("patch", *patch == other.patch),
            ("policy", *policy == other.policy),
        ];
        parts.into_iter().find(|(_, same)| !same).map(|(name, _)| name)
    }
}
