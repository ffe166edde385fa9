//! What may leave, as people write it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may leave.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Gates {
    /// The most files a patch may touch; a rename touches two. Default: 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) files_max: Option<u64>,
    /// The most lines it may add and remove together. Default: 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lines_max: Option<u64>,
    /// Globs that no patch may touch, besides the built-in ones: CI files, agent files, hooks,
    /// lock files and manifests, top-level dot-directories.
    #[serde(default)]
    pub(crate) protected: Vec<String>,
    /// Globs that a patch may touch although they are protected.
    #[serde(default)]
    pub(crate) allowed: Vec<String>,
    /// What it means when a gate finds something. `secrets` always refuses.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) then: ThenOf,
    /// What a change of dependencies means.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) dependencies: Dependencies,
    /// Gates of the step's own, at most 16, in the order in which they speak. They are asked where no
    /// other gate refuses the patch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) own: Vec<OwnGate>,
}

/// A gate that is a component: it is shown the patch and what it makes of the files, and says its
/// verdict. No model can call it.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct OwnGate {
    /// What it is called in verdicts and approvals: `a-z` first, then `a-z`, `0-9` and `-`, at most
    /// 64, and no name of a built-in gate.
    pub(crate) name: String,
    /// Its component: a file relative to the repository's root. It is read where the step file is: from
    /// the base, and not from the change under test.
    pub(crate) component: String,
    /// What it is told. The component says what it takes.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub(crate) settings: toml::Table,
    /// What it may read of the repository, as globs. Default: everything.
    #[serde(default = "super::everything")]
    pub(crate) read: Vec<String>,
}

/// What it means when a gate finds something. What is left out refuses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ThenOf {
    /// More files than `files-max`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) files_max: Option<Then>,
    /// More lines than `lines-max`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lines_max: Option<Then>,
    /// A path that is protected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) protected_paths: Option<Then>,
    /// Characters that show nothing, or turn the text around.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hidden_characters: Option<Then>,
    /// Fewer tests with the patch than without it, or more of them left out. Tests that fail always
    /// refuse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tests: Option<Then>,
}

/// What a finding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Then {
    /// A person must let the patch pass.
    Approval,
    /// The patch may not leave.
    Refuse,
}

/// What a change means that may be well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ruling {
    /// Nothing.
    Pass,
    /// A person must let the patch pass.
    Approval,
    /// The patch may not leave.
    Refuse,
}

/// What a change of dependencies means. Two bills of materials tell what changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Dependencies {
    /// A package that was not there. Default: `approval`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) new: Option<Ruling>,
    /// A package that is gone. Default: `approval`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) removed: Option<Ruling>,
    /// A newer version of a package. Default: `approval`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upgraded: Option<Ruling>,
    /// An older version of a package. Default: `approval`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) downgraded: Option<Ruling>,
    /// Other content under the same version. Default: `refuse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_changed: Option<Then>,
    /// A package that comes from elsewhere than its registry. Default: `refuse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) other_source: Option<Then>,
    /// A licence that is denied, or not among the allowed. One that nobody knows needs an approval
    /// where there are lists. Default: `refuse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) licence: Option<Then>,
    /// The licences that a new or changed package may have, as SPDX identifiers. Without any, every
    /// licence that is not denied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) licences_allowed: Vec<String>,
    /// The licences that it may not have, as SPDX identifiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) licences_denied: Vec<String>,
    /// How many days a new version must have been published. One whose date nobody knows needs an
    /// approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cooldown_days: Option<u32>,
    /// A version that is younger. Default: `refuse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) too_young: Option<Then>,
    /// A file that says when versions were published, relative to the repository's root and read where
    /// the step file is: `{"as-of": DATE, "published": {PACKAGE URL: DATE}}`. Whoever mirrors your
    /// registries writes it. A version that it does not know needs an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) published: Option<String>,
}

/// A table that says nothing is not there: what a step comes to does not depend on it.
fn is_default<T: Default + PartialEq>(table: &T) -> bool {
    *table == T::default()
}
