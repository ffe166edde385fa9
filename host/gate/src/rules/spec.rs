//! Rules as a step's author writes them, and what is the case where nothing is written.

use serde::{Deserialize, Serialize};

use crate::Ruling;

/// What it means when a gate finds something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// A person must let the patch pass.
    Approval,
    /// The patch may not leave.
    #[default]
    Refuse,
}

impl From<Then> for Ruling {
    fn from(then: Then) -> Self {
        match then {
            Then::Approval => Self::Approval,
            Then::Refuse => Self::Refuse,
        }
    }
}

/// What a finding of each gate means. That of `secrets` cannot be lowered, and `dependencies`
/// has rules of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ThenSpec {
    /// Too many files.
    pub files_max: Then,
    /// Too many lines.
    pub lines_max: Then,
    /// A protected path.
    pub protected_paths: Then,
    /// Hidden characters.
    pub hidden_characters: Then,
    /// Tests that are gone, or left out.
    pub tests: Then,
}

/// What a change of dependencies means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DependencySpec {
    /// A package that was not there.
    pub new: Ruling,
    /// A package that is gone.
    pub removed: Ruling,
    /// A newer version.
    pub upgraded: Ruling,
    /// An older version.
    pub downgraded: Ruling,
    /// Other content under the same version.
    pub content_changed: Then,
    /// A package that comes from elsewhere than its registry.
    pub other_source: Then,
    /// A licence that is denied, or not among the allowed.
    pub licence: Then,
    /// Identifiers of the SPDX list; without any, every licence that is not denied is allowed.
    pub licences_allowed: Vec<String>,
    /// Identifiers of the SPDX list.
    pub licences_denied: Vec<String>,
    /// How many days a version must have been published; one whose date nobody knows needs an
    /// approval.
    pub cooldown_days: Option<u32>,
    /// A version that is younger.
    pub too_young: Then,
}

impl Default for DependencySpec {
    /// A person looks at what changes; what is rarely meant well is refused.
    fn default() -> Self {
        Self {
            new: Ruling::Approval,
            removed: Ruling::Approval,
            upgraded: Ruling::Approval,
            downgraded: Ruling::Approval,
            content_changed: Then::Refuse,
            other_source: Then::Refuse,
            licence: Then::Refuse,
            licences_allowed: Vec::new(),
            licences_denied: Vec::new(),
            cooldown_days: None,
            too_young: Then::Refuse,
        }
    }
}

/// Rules as a step's author writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RuleSpec {
    /// Most files a patch may touch; a rename touches two.
    pub files_max: u64,
    /// Most lines it may add and remove, together.
    pub lines_max: u64,
    /// Patterns over whole paths (`*`, `**`, `?`, `[a-z]`, `{a,b}`) that are protected besides
    /// the built-in ones.
    pub protected: Vec<String>,
    /// Patterns that lift a protection, built-in or not. They are exact about case.
    pub allowed: Vec<String>,
    /// What a finding means, by gate.
    pub then: ThenSpec,
    /// What a change of dependencies means.
    pub dependencies: DependencySpec,
}

impl Default for RuleSpec {
    /// A change that a person can review at one sitting.
    fn default() -> Self {
        Self {
            files_max: 20,
            lines_max: 500,
            protected: Vec::new(),
            allowed: Vec::new(),
            then: ThenSpec::default(),
            dependencies: DependencySpec::default(),
        }
    }
}
