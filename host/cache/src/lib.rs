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
//! Other machines' outputs are believed for a signature ([`Trust`]), and found in a [`Remote`].
//!
//! Reading order: [`Call`], [`Cache::lookup`], [`Cache::store`], [`Cache::find`], then `index`,
//! `blobs` and `remote`.
//!
//! This crate must not know steps or wasmtime.

mod blobs;
mod cache;
mod call;
mod clock;
mod error;
mod evict;
mod find;
mod flight;
mod index;
mod machine;
mod observed;
mod outcome;
mod proof;
mod record;
mod remote;
mod testimony;
mod trust;
mod upkeep;

pub use cache::{Cache, Options};
pub use call::{BadArguments, Call, CallKey, Identity, canonical};
pub use error::CacheError;
pub use find::Found;
pub use flight::Flight;
pub use keys::{BadKey, PublicKey, Signer};
pub use machine::MachineKey;
pub use outcome::{Changed, Hit, Lookup, Output, Refused, Start, Stat, Stored, ToolStat, Why};
pub use proof::{LEAVES_MAX, Proof};
pub use record::Record;
pub use remote::{Domain, LOOKUP_WAIT, PUBLISH_WAIT, Published, Remote, Visited, Visitor};
pub use testimony::Testimony;
pub use trust::{Origin, Revoked, Signers, Trust};
pub use upkeep::{Shown, Verified};

#[cfg(test)]
mod tests;
