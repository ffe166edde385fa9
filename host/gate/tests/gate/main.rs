//! The gate from outside: what a stranger's text may become, and that git agrees.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod corpora;
mod git;
mod hostile;
mod proposals;
mod room;
mod tree;
