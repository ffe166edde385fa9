//! What the gates say: one verdict each, in a fixed order. Every gate speaks, whatever the
//! others say; those that look further than the patch speak where none of the others refuses.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::gates::{
    GateName, few_files, few_lines, masks, no_secret, nothing_hidden, nothing_protected, valid,
};
use crate::{InvalidPatch, PatchError, ResolveError, Rules, TreeConflict, ValidPatch};

/// Most places of a verdict that are listed; `found` counts all of them.
const PLACES_MAX: usize = 100;

/// What a gate decides. The order is that of severity.
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Place {
    /// The file, as in the patch. Escape it before showing it.
    pub path: String,
    /// The line of the new file, counted from 1, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What is there, in a few words. Text of the patch in it is escaped; a secret is never in it.
    pub what: String,
}

/// What a gate found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verdict {
    /// The gate.
    pub gate: GateName,
    /// What it decides.
    pub ruling: Ruling,
    /// How many of what it counts are there.
    pub found: u64,
    /// The most there may be.
    pub allowed: u64,
    /// Why, in a sentence without a full stop. Text of the patch in it is escaped.
    pub because: String,
    /// The paths it is about, as in the patch. Escape them before showing them.
    pub paths: Vec<String>,
    /// The places it is about, at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
}

/// What all gates found, in the order of [`GateName`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Judgement {
    /// One of each gate that could speak.
    pub verdicts: Vec<Verdict>,
}

/// Holds a patch against rules: every gate that needs no more than the two.
///
/// A secret in a name is masked in all verdicts.
#[must_use]
pub fn judge(patch: &ValidPatch, rules: &Rules) -> Judgement {
    let mut verdicts = vec![
        valid(patch),
        few_files(patch, rules),
        few_lines(patch, rules),
        nothing_protected(patch, rules),
        nothing_hidden(patch, rules),
        no_secret(patch, rules),
    ];
    for (path, masked) in masks(patch, rules) {
        verdicts.iter_mut().for_each(|verdict| verdict.mask(path, &masked));
    }
    Judgement { verdicts }
}

impl Judgement {
    /// The worst of all rulings.
    #[must_use]
    pub fn ruling(&self) -> Ruling {
        self.verdicts.iter().map(|verdict| verdict.ruling).max().unwrap_or(Ruling::Pass)
    }

    /// The same with what one more gate found, in its place.
    #[must_use]
    pub fn with(mut self, verdict: Verdict) -> Self {
        self.verdicts.retain(|there| there.gate != verdict.gate);
        let at = self.verdicts.partition_point(|there| there.gate < verdict.gate);
        self.verdicts.insert(at, verdict);
        self
    }
}

impl Verdict {
    /// All is well.
    pub(crate) fn pass(gate: GateName, because: String) -> Self {
        let (paths, places) = (Vec::new(), Vec::new());
        Self { gate, ruling: Ruling::Pass, found: 0, allowed: 0, because, paths, places }
    }

    /// So many findings, where none is allowed.
    pub(crate) fn finding(
        gate: GateName,
        ruling: Ruling,
        found: usize,
        because: String,
        paths: Vec<String>,
    ) -> Self {
        let found = count(found);
        Self { gate, ruling, found, allowed: 0, because, paths, places: Vec::new() }
    }

    /// The same with places.
    pub(crate) fn at(self, mut places: Vec<Place>) -> Self {
        places.truncate(PLACES_MAX);
        Self { places, ..self }
    }

    fn mask(&mut self, path: &str, masked: &str) {
        self.because = self.because.replace(&path.escape_debug().to_string(), masked);
        let names = self.paths.iter_mut().chain(self.places.iter_mut().map(|at| &mut at.path));
        names.filter(|name| name.as_str() == path).for_each(|name| masked.clone_into(name));
    }
}

impl From<&PatchError> for Judgement {
    /// A text that is no patch: only one gate can speak.
    fn from(err: &PatchError) -> Self {
        Self { verdicts: vec![refused(err.to_string(), Vec::new())] }
    }
}

impl From<&InvalidPatch> for Judgement {
    /// A patch that no rules were asked about: only one gate can speak.
    fn from(err: &InvalidPatch) -> Self {
        let paths = err.complaints().iter().map(|(path, _)| path.clone()).collect();
        Self { verdicts: vec![refused(err.to_string(), paths)] }
    }
}

impl From<&ResolveError> for Judgement {
    /// A proposal that means no patch for these files: only one gate can speak.
    fn from(err: &ResolveError) -> Self {
        Self { verdicts: vec![refused(err.to_string(), Vec::new())] }
    }
}

impl From<&TreeConflict> for Judgement {
    /// A patch whose names the tree has no room for.
    fn from(err: &TreeConflict) -> Self {
        let paths = err.complaints().iter().map(|(path, _)| path.clone()).collect();
        Self { verdicts: vec![refused(err.to_string(), paths)] }
    }
}

fn refused(because: String, paths: Vec<String>) -> Verdict {
    Verdict::finding(GateName::PatchValid, Ruling::Refuse, paths.len().max(1), because, paths)
}

pub(crate) fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl fmt::Display for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Approval => "approval",
            Self::Refuse => "refuse",
        })
    }
}

#[cfg(test)]
mod tests;
