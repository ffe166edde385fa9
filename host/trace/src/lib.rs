//! Records as bytes: reads a journal or a trace, and checks its chain.
//!
//! Each line is a record that holds the digest of the line before, so that a line which was
//! changed, left out or put elsewhere shows. [`read`] is for whoever goes on with a run: every
//! record must be one that this program could have written. [`Chain`] is for readers: what a newer
//! program wrote stays as it is, and is passed over.
//!
//! This crate must not know tasks, disks or terminals.

mod chain;
mod damage;

pub use chain::{Chain, Head, Line, RECORDS_MAX, Told, Whole, digest, read};
pub use damage::{Damage, Wrong};
