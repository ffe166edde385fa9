//! What a patch does to the project's dependencies. The facts come from whoever can compare the
//! two bills of materials; here they are held against the step's rules.

mod licence;

use std::fmt;

use super::{GateName, named, plain, things};
use crate::{DependencySpec, Place, Published, Rules, Ruling, Verdict};
use licence::Judged;

/// Most changes that are judged one by one; of more a person must know.
const CHANGES_MAX: usize = 1_000;

/// Most findings that the sentence tells of; the places have more.
const TOLD_MAX: usize = 3;

/// What is known of the dependencies before and after a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dependencies {
    /// No file changes that dependencies come in by: see [`Rules::is_source_of_dependencies`].
    Untouched,
    /// The two were compared.
    Compared {
        /// The changes, in a stable order.
        changes: Vec<DependencyChange>,
        /// How many more there are.
        left_out: u64,
        /// The files that change, and that dependencies come in by.
        files: Vec<String>,
    },
    /// They could not be compared.
    Unknown {
        /// Why, in a sentence without a full stop, fit for a person.
        why: String,
        /// As of [`Dependencies::Compared`].
        files: Vec<String>,
    },
}

/// What became of a package. Texts are as the lock files have them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DependencyChange {
    /// Its name, or its package URL.
    pub package: String,
    /// Whose package it is, such as `cargo` or `npm`, where the name does not say.
    pub ecosystem: Option<String>,
    /// What changed.
    pub kind: ChangeKind,
    /// Its licence.
    pub licence: LicenceFact,
    /// Where it comes from, if that is not its registry.
    pub source: Option<String>,
    /// How many days ago its version was published, where somebody knows.
    pub published_days_ago: Option<u32>,
}

/// How a package changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It was not there.
    New {
        /// Its version.
        to: String,
    },
    /// It is gone.
    Removed {
        /// Its version.
        from: String,
    },
    /// Its version is higher.
    Upgraded {
        /// The version before.
        from: String,
        /// The version now.
        to: String,
    },
    /// Its version is lower.
    Downgraded {
        /// The version before.
        from: String,
        /// The version now.
        to: String,
    },
    /// Its version is the same, and its content is not.
    ContentChanged {
        /// The version.
        version: String,
    },
    /// Its version is the same; its licence or its source is not.
    Kept {
        /// The version.
        version: String,
    },
}

/// What is known of a package's licence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LicenceFact {
    /// It is what it was.
    Unchanged,
    /// It is new or another one: an SPDX expression, or whatever the package says; none where
    /// nobody says anything.
    Is {
        /// Before.
        before: Option<String>,
        /// Now.
        after: Option<String>,
    },
}

/// A change that a rule speaks of.
struct Finding {
    ruling: Ruling,
    what: String,
}

/// Holds what is known of the dependencies against the rules.
#[must_use]
pub fn judge_dependencies(known: &Dependencies, rules: &Rules) -> Verdict {
    const GATE: GateName = GateName::Dependencies;
    let (changes, left_out, files) = match known {
        Dependencies::Untouched => {
            return Verdict::pass(GATE, "no file that dependencies come in by".to_owned());
        }
        Dependencies::Unknown { why, files } => {
            let because = format!(
                "dependencies may change with {}, and nobody can tell how: {}",
                named(files.iter().map(String::as_str)),
                plain(why)
            );
            return Verdict::finding(GATE, Ruling::Approval, files.len(), because, files.clone());
        }
        Dependencies::Compared { changes, left_out, files } => (changes, *left_out, files),
    };
    let mut findings: Vec<Finding> = changes
        .iter()
        .take(CHANGES_MAX)
        .flat_map(|change| findings(change, &rules.spec.dependencies, &rules.published))
        .collect();
    let untold = left_out.saturating_add(changes.len().saturating_sub(CHANGES_MAX) as u64);
    if untold > 0 {
        let what = format!("{untold} changes more than are looked at");
        findings.push(Finding { ruling: Ruling::Approval, what });
    }
    // The worst first, and otherwise in the order of the changes.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.ruling));
    let Some(worst) = findings.first().map(|finding| finding.ruling) else {
        let because =
            format!("{}, all as the rules allow", things(changes.len(), "changed package"));
        return Verdict::pass(GATE, because);
    };
    let because = format!("{}: {}", things(findings.len(), "dependency change"), told(&findings));
    let path = files.first().cloned().unwrap_or_default();
    let place =
        |finding: &Finding| Place { path: path.clone(), line: None, what: finding.what.clone() };
    let places = findings.iter().map(place).collect();
    Verdict::finding(GATE, worst, findings.len(), because, files.clone()).at(places)
}

fn told(findings: &[Finding]) -> String {
    let first: Vec<&str> =
        findings.iter().take(TOLD_MAX).map(|finding| finding.what.as_str()).collect();
    match findings.len().saturating_sub(TOLD_MAX) {
        0 => first.join("; "),
        more => format!("{}; and {more} more", first.join("; ")),
    }
}

/// Everything that the rules have against one change.
fn findings(
    change: &DependencyChange,
    rules: &DependencySpec,
    published: &Published,
) -> Vec<Finding> {
    let all = [
        (of_kind(change, rules), String::new()),
        of_source(change, rules),
        of_licence(change, rules),
        of_age(change, rules, published),
    ];
    let against = all.into_iter().filter(|(ruling, _)| *ruling != Ruling::Pass);
    against
        .map(|(ruling, why)| {
            let separator = if why.is_empty() { "" } else { ", " };
            Finding { ruling, what: format!("{change}{separator}{why}") }
        })
        .collect()
}

fn of_kind(change: &DependencyChange, rules: &DependencySpec) -> Ruling {
    match change.kind {
        ChangeKind::New { .. } => rules.new,
        ChangeKind::Removed { .. } => rules.removed,
        ChangeKind::Upgraded { .. } => rules.upgraded,
        ChangeKind::Downgraded { .. } => rules.downgraded,
        ChangeKind::ContentChanged { .. } => rules.content_changed.into(),
        ChangeKind::Kept { .. } => Ruling::Pass,
    }
}

fn of_source(change: &DependencyChange, rules: &DependencySpec) -> (Ruling, String) {
    match (&change.source, &change.kind) {
        (None, _) | (Some(_), ChangeKind::Removed { .. }) => (Ruling::Pass, String::new()),
        (Some(source), _) => {
            let why = format!("comes from `{}` and not from its registry", source.escape_debug());
            (rules.other_source.into(), why)
        }
    }
}

fn of_licence(change: &DependencyChange, rules: &DependencySpec) -> (Ruling, String) {
    let after = match (&change.licence, &change.kind) {
        (LicenceFact::Unchanged, _) | (_, ChangeKind::Removed { .. }) => {
            return (Ruling::Pass, String::new());
        }
        (LicenceFact::Is { after, .. }, _) => after.as_deref(),
    };
    let shown = |text: &str| format!("has the licence `{}`", text.escape_debug());
    match licence::judge(after, &rules.licences_allowed, &rules.licences_denied) {
        Judged::Fits => (Ruling::Pass, String::new()),
        Judged::Denied(text) => (rules.licence.into(), format!("{}, which is denied", shown(text))),
        Judged::NotAllowed(text) => {
            (rules.licence.into(), format!("{}, which is not among the allowed", shown(text)))
        }
        Judged::Unreadable(text) => {
            (Ruling::Approval, format!("{}, which cannot be read", shown(text)))
        }
        Judged::Unknown => (Ruling::Approval, "has no known licence".to_owned()),
    }
}

fn of_age(
    change: &DependencyChange,
    rules: &DependencySpec,
    published: &Published,
) -> (Ruling, String) {
    let version = match &change.kind {
        ChangeKind::New { to }
        | ChangeKind::Upgraded { to, .. }
        | ChangeKind::Downgraded { to, .. } => Some(to),
        ChangeKind::ContentChanged { version } => Some(version),
        ChangeKind::Removed { .. } | ChangeKind::Kept { .. } => None,
    };
    let ecosystem = change.ecosystem.as_deref().unwrap_or_default();
    let age = || published.days_ago(ecosystem, &change.package, version?);
    let age = change.published_days_ago.or_else(age);
    match (rules.cooldown_days.filter(|_| version.is_some()), age) {
        (None, _) => (Ruling::Pass, String::new()),
        (Some(least), Some(age)) if age >= least => (Ruling::Pass, String::new()),
        (Some(least), Some(age)) => {
            let days = things(usize::try_from(age).unwrap_or(usize::MAX), "day");
            let why = format!("was published {days} ago, the least is {least}");
            (rules.too_young.into(), why)
        }
        (Some(least), None) => {
            let why = format!("nobody knows whether it was published {least} days ago");
            (Ruling::Approval, why)
        }
    }
}

impl fmt::Display for DependencyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.package.escape_debug())?;
        if let Some(ecosystem) = &self.ecosystem {
            write!(f, " ({})", ecosystem.escape_debug())?;
        }
        let version = |text: &String| text.escape_debug().to_string();
        match &self.kind {
            ChangeKind::New { to } => write!(f, " {} is new", version(to)),
            ChangeKind::Removed { from } => write!(f, " {} is removed", version(from)),
            ChangeKind::Upgraded { from, to } => {
                write!(f, " is upgraded from {} to {}", version(from), version(to))
            }
            ChangeKind::Downgraded { from, to } => {
                write!(f, " is downgraded from {} to {}", version(from), version(to))
            }
            ChangeKind::ContentChanged { version: of } => {
                write!(f, " {} has other content under the same version", version(of))
            }
            ChangeKind::Kept { version: of } => write!(f, " {}", version(of)),
        }
    }
}

#[cfg(test)]
mod tests;
