//! A repository as an immutable view with a digest: a working directory, a git commit read
//! straight from the object database, or a proposed patch laid over either.
//!
//! It answers [`Question`]s through a [`View`], and each [`Answer`] has a digest that is the same
//! for the same tree however it is stored. This is the only code that opens a path chosen by
//! somebody else: `source::beneath` opens names beneath a root through no link at all, and
//! `resolve` follows links by our own rules, so a directory cannot do what a commit cannot.
//!
//! Reading order: [`Question`] and [`Answer`] (the words of `wit/tool.wit`), [`View`] (who may ask
//! what), [`Snapshot`], then `source`, `resolve`, `walk`.
//!
//! This crate must not know tools, caches or tokio, and it runs no program.

mod ask;
mod change;
mod copy;
mod digest;
mod error;
mod grant;
mod memo;
mod path;
mod pattern;
mod question;
mod repository;
mod resolve;
mod search;
mod snapshot;
mod source;
mod stats;
mod told;
mod view;
mod walk;

pub use change::{Change, ChangeStatus, changes};
pub use copy::{apply_overlay, materialize, replace_files};
pub use digest::{BadDigest, Digest};
pub use error::{OpenError, SnapshotError};
pub use grant::Grant;
pub use path::{BadPath, RepoPath};
pub use pattern::BadPattern;
pub use question::{
    Answer, Entry, Found, GlobQuery, Kind, LineMatch, Matches, Metadata, Question, ReadError,
    SearchQuery, Tree,
};
pub use repository::{CommitId, Heads, Repository};
pub use snapshot::{FileContent, FileEntry, Snapshot};
pub use stats::{Clock, StatCache};
pub use view::View;

#[cfg(test)]
mod tests;
