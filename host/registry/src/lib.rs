//! Where tools come from: references, the lock that pins them, and bytes that are what it says.
//!
//! A tool of somebody else's is named once by a [`Reference`]: a file of the repository, a file on the
//! web, or an artifact in an OCI registry. What was found there is written into the [`Lock`] by its
//! SHA-256, and from then on only those bytes count, wherever they come from: the [`Shelf`] of this
//! machine, or a server that is not believed a word. Every answer has a largest size and a latest
//! time, and a redirect to another host is followed only to hosts that somebody named.
//!
//! Reading order: [`Reference`], [`Lock`], [`Shelf`], then [`Fetcher`].
//!
//! This crate must not know components, steps, the terminal or the environment.

mod auth;
mod digest;
mod error;
mod fetch;
mod lock;
mod oci;
mod push;
mod reference;
mod shelf;
mod signature;
mod web;

pub use digest::{BadSha256, Sha256};
pub use error::FetchError;
pub use fetch::{FETCH_TIME_MAX, Fetched, Fetcher, Progress};
pub use lock::{Asks, LOCK_BYTES_MAX, LOCK_FILE, Lock, LockError, Locked, TOOLS_MAX};
pub use oci::MANIFEST_BYTES_MAX;
pub use push::{Artifact, Pushed};
pub use reference::{BadReference, OciReference, Reference, Version, WebReference};
pub use shelf::Shelf;
pub use signature::{SIGNATURES_MAX, ToolSignature, sign, signed_by};
