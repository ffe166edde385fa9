//! What may leave a step: a patch, read strictly, judged by rules.
//!
//! The stages are types, so that none can be skipped: a text becomes a [`Patch`]
//! ([`Patch::parse`]), a patch becomes a [`ValidPatch`] ([`Patch::validate`]), and only a valid
//! one is judged ([`judge`]) or applied ([`apply`]). Everything is a pure function: whoever
//! calls brings the files and takes the result.
//!
//! Reading order: `patch` (what a change can be), `parse` (the one reader), `name` and `valid`
//! (which names are refused), `apply`, then `rules`, `judge` and the gates one by one (`gates`).
//!
//! This crate must not know who proposed a patch, git, or the file system.

mod patch;

mod apply;
mod gates;
mod judge;
mod name;
mod parse;
mod rules;
mod valid;

pub use apply::{Applied, ApplyError, Difference, Moved, Read, apply};
pub use gates::{
    ChangeKind, Dependencies, DependencyChange, Form, GateName, Leak, LicenceFact, Secrets,
    SecretsError, TestNumbers, TestRun, judge_dependencies, judge_tests,
};
pub use judge::{Judgement, Place, Ruling, Verdict, judge};
pub use name::NameProblem;
pub use parse::{FILES_MAX, HUNKS_MAX, LINES_MAX, PATCH_BYTES_MAX, PatchError, PatchProblem};
pub use patch::{FileChange, Hunk, Line, Patch};
pub use rules::{DependencySpec, RuleSpec, Rules, RulesError, Then, ThenSpec};
pub use valid::{InvalidPatch, PathProblem, ValidPatch};
