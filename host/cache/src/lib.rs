//! Outputs of tool calls, kept by what the calls observed.
//!
//! A [`CallKey`] says what was called. Under it stand sets of questions that such calls have asked
//! of the repository; asked again of the repository as it is now, they give the key under which
//! the output is kept. So a hit is exact whatever else has changed, and a miss can say which
//! answer is another one ([`Why`]).
//!
//! Outputs are plain files under their digest, checked whenever they are read; the index is one
//! SQLite file. Neither is believed: whatever is wrong with them is a miss, and the next store
//! heals it.
//!
//! Reading order: [`CallKey`], [`Cache::lookup`], [`Cache::store`], then `index` and `blobs`.
//!
//! This crate must not know steps or wasmtime.

mod blobs;
mod cache;
mod error;
mod evict;
mod index;
mod key;
mod observed;
mod outcome;

pub use cache::{Cache, Options};
pub use error::CacheError;
pub use key::{BadArguments, CallIdentity, CallKey, canonical};
pub use outcome::{Hit, Lookup, Output, Refused, Start, Stat, Stored, Why};

#[cfg(test)]
mod tests;
