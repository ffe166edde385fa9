//! What may leave a step: a patch, read strictly, judged by rules.
//!
//! The stages are types, so that none can be skipped: a text becomes a [`Proposal`]
//! ([`Proposal::parse`]), with the files a [`Patch`] ([`Proposal::resolve`]; a diff alone becomes
//! one by [`Patch::parse`]), a patch becomes a [`ValidPatch`] ([`Patch::validate`]), and only a
//! valid one is judged ([`judge`]), held against a tree ([`check_room`]) or applied ([`apply`]).
//! Everything is a pure function: whoever calls brings the files and takes the result.
//!
//! Reading order: `patch` (what a change can be), `parse` (the one reader of diffs), `proposal`
//! (the other forms), `name`, `valid` and `tree` (which names are refused), `apply`, then `rules`,
//! `judge` and the gates one by one (`gates`).
//!
//! This crate must not know who proposed a patch, git, or the file system.

mod patch;

mod apply;
pub mod fuzzing;
mod gates;
mod judge;
mod name;
mod parse;
mod proposal;
mod rules;
mod tree;
mod valid;

pub use apply::{Applied, ApplyError, Difference, Miss, Moved, Read, apply};
pub use gates::{
    ChangeKind, Dependencies, DependencyChange, Form as SecretForm, GateName, Leak, LicenceFact,
    NumberedLine, Secrets, SecretsError, TestNumbers, TestRun, judge_dependencies, judge_tests,
};
pub use judge::{Judgement, Place, Ruling, Verdict, judge};
pub use name::NameProblem;
pub use parse::{FILES_MAX, HUNKS_MAX, LINES_MAX, PATCH_BYTES_MAX, PatchError, PatchProblem};
pub use patch::{FileChange, Hunk, Line, Patch};
pub use proposal::{Form, PieceProblem, Proposal, ResolveError};
pub use rules::{
    DependencySpec, OWN_GATES_MAX, OwnGate, OwnGateError, OwnGateName, PUBLISHED_BYTES_MAX,
    Published, PublishedError, RuleSpec, Rules, RulesError, Then, ThenSpec,
};
pub use tree::{EntryKind, List, TreeConflict, TreeProblem, check_room};
pub use valid::{InvalidPatch, PathProblem, ValidPatch};
