//! From the artifacts of a run to a repository: the only code that writes outside `.stepwell`.
//!
//! The artifacts come from a job in which a model and a stranger's code had their say, so they are
//! read like any input: sizes, chain, digests, and each file against the others
//! ([`Delivery::read`]). What they say of gates is not believed: whoever applies judges the patch
//! again, by rules of the base ([`fit`], [`Fitting::clear`]). Only a [`Cleared`] delivery is written: to the working
//! tree ([`to_working_tree`]), as a commit on a branch ([`to_branch`]), or as files for the
//! platform's own command ([`to_files`]).
//!
//! This crate must not know models, tools, the network, the environment or the terminal.

mod approval;
mod asked;
mod branch;
mod delivery;
mod files;
mod hold;
mod message;
mod signature;
mod worktree;

pub use approval::{APPROVAL_BYTES_MAX, ApprovalFile, ApprovalProblem};
pub use asked::{Asked, NotAsked};
pub use branch::{BranchError, Committed, to_branch};
pub use delivery::{Delivery, DeliveryError};
pub use files::{FilesError, Handout, to_files};
pub use hold::{Cleared, Fitting, Head, Refusal, Terms, fit};
pub use signature::{SIGNATURE, SIGNATURE_BYTES_MAX, Vouched, sign, vouched};
pub use worktree::{WorktreeError, Written, finish, to_working_tree};
