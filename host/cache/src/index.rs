//! The index: which questions calls have asked, and which output belongs to which answers.
//!
//! It is one SQLite file that many processes share. What is read from it is checked (a record has
//! a seal, a set and an output have digests); when SQLite finds something wrong with it, it is left
//! behind and an empty one takes its place.

mod schema;
mod tables;

pub(crate) use schema::Index;
pub(crate) use tables::{Call, Entry, Kept, bytes_reckoned, knows_blob, shrink, stat};
