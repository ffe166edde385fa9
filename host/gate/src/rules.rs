//! What a step's author allows a patch to touch. There is no "unlimited", and what runs in
//! other people's pipelines is protected unless it is named.

mod canonical;
mod own;
mod protected;
mod published;
mod spec;

use std::sync::LazyLock;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::gates::Secrets;
use crate::name::fold;
use protected::{DECIDING, MANIFESTS, OTHER_SOURCES};

pub use own::{OWN_GATES_MAX, OwnGate, OwnGateError, OwnGateName};
pub use published::{PUBLISHED_BYTES_MAX, Published, PublishedError};
pub use spec::{DependencySpec, RuleSpec, Then, ThenSpec};

/// Most patterns, or licences, of each kind. More is a list nobody reviews.
const PATTERNS_MAX: usize = 256;

/// Longest pattern, in bytes: as long as a path.
const PATTERN_BYTES_MAX: usize = 1_024;

/// What is protected in every step, over folded names. Compiled when a patch first asks, and once for
/// all runs of a process: it takes a millisecond, and tens of kilobytes.
static PROTECTED: LazyLock<GlobSet> = LazyLock::new(|| built_in(&[DECIDING, MANIFESTS]));

/// Files through which dependencies come in, over folded names.
static SOURCES: LazyLock<GlobSet> = LazyLock::new(|| built_in(&[MANIFESTS, OTHER_SOURCES]));

/// Rules that can be applied.
#[derive(Debug, Clone)]
pub struct Rules {
    pub(crate) spec: RuleSpec,
    // What the step protects beside what is protected everywhere, over folded names.
    protected: GlobSet,
    allowed: GlobSet,
    pub(crate) secrets: Secrets,
    pub(crate) published: Published,
    own: Vec<OwnGate>,
}

/// Why rules cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// A pattern that cannot be read.
    #[error("the pattern `{}` cannot be used: {why}", pattern.escape_debug())]
    BadPattern {
        /// As given.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// Too many patterns.
    #[error("{found} patterns, the most is {PATTERNS_MAX}; use wider ones")]
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// A licence that is not on the SPDX list, so that no package could ever match it.
    #[error("`{}` is no identifier of the SPDX licence list", licence.escape_debug())]
    BadLicence {
        /// As given.
        licence: String,
    },
    /// A licence that is both allowed and denied.
    #[error("the licence `{}` is both allowed and denied", licence.escape_debug())]
    Contradiction {
        /// Which.
        licence: String,
    },
}

impl Rules {
    /// Rules from what an author wrote, with the built-in protections. They know no secret yet:
    /// see [`Rules::knowing`].
    ///
    /// # Errors
    ///
    /// Fails on a pattern or a licence that cannot be used, and on too many of them.
    pub fn new(spec: &RuleSpec) -> Result<Self, RulesError> {
        check_licences(&spec.dependencies)?;
        Ok(Self {
            spec: spec.clone(),
            protected: set(bounded(&spec.protected)?.iter().map(|pattern| fold(pattern)))?,
            allowed: set(bounded(&spec.allowed)?.iter().cloned())?,
            secrets: Secrets::default(),
            published: Published::default(),
            own: Vec::new(),
        })
    }

    /// The same rules, which also look for values that the host holds.
    #[must_use]
    pub fn knowing(self, secrets: Secrets) -> Self {
        Self { secrets, ..self }
    }

    /// The same rules, which also know when versions were published.
    #[must_use]
    pub fn dating(self, published: Published) -> Self {
        Self { published, ..self }
    }

    /// The same rules, with gates of the step's own: in the order in which they speak.
    #[must_use]
    pub fn with_own(self, own: Vec<OwnGate>) -> Self {
        Self { own, ..self }
    }

    /// The step's own gates, in the order in which they speak.
    #[must_use]
    pub fn own(&self) -> &[OwnGate] {
        &self.own
    }

    /// The values that these rules look for.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Whether a path may only be touched by a person.
    #[must_use]
    pub fn protects(&self, path: &str) -> bool {
        let folded = fold(path);
        let protected = PROTECTED.is_match(&folded) || self.protected.is_match(&folded);
        protected && !self.allowed.is_match(path)
    }

    /// Whether dependencies may change with a file of that path: a manifest, a lock file, a
    /// workflow, a container file.
    #[must_use]
    pub fn is_source_of_dependencies(&self, path: &str) -> bool {
        SOURCES.is_match(fold(path))
    }
}

fn check_licences(spec: &DependencySpec) -> Result<(), RulesError> {
    let allowed = bounded(&spec.licences_allowed)?;
    for licence in allowed.iter().chain(bounded(&spec.licences_denied)?) {
        if spdx::license_id(licence).is_none_or(|id| id.name != licence) {
            return Err(RulesError::BadLicence { licence: licence.clone() });
        }
    }
    match allowed.iter().find(|licence| spec.licences_denied.contains(licence)) {
        Some(licence) => Err(RulesError::Contradiction { licence: licence.clone() }),
        None => Ok(()),
    }
}

fn bounded(patterns: &[String]) -> Result<&[String], RulesError> {
    let found = patterns.len();
    if found > PATTERNS_MAX { Err(RulesError::TooMany { found }) } else { Ok(patterns) }
}

fn built_in(lists: &[&[&str]]) -> GlobSet {
    let patterns = lists.iter().flat_map(|list| list.iter()).map(|pattern| fold(pattern));
    set(patterns).expect("tests ask for paths of each list")
}

fn set(patterns: impl Iterator<Item = String>) -> Result<GlobSet, RulesError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let bad = |why: String| RulesError::BadPattern { pattern: pattern.clone(), why };
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(bad(format!("it is longer than {PATTERN_BYTES_MAX} bytes")));
        }
        let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
        set.add(glob.map_err(|err| bad(err.kind().to_string()))?);
    }
    set.build().map_err(|err| RulesError::BadPattern {
        pattern: err.glob().unwrap_or_default().to_owned(),
        why: err.kind().to_string(),
    })
}

#[cfg(test)]
mod tests;
