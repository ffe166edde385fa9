//! Names and bytes in a place that several machines share.
//!
//! A CI runner does not come back: what it leaves for the next one goes into a [`Store`], opened by
//! URL. It reads, writes, lists and deletes whole objects, and [creates](Store::create) one only
//! where there is none: the first of several machines wins, and each of them is told.
//!
//! What a service cannot do is said ([`Capabilities`]), never pretended. Each call ends within a
//! bounded time ([`Patience`]), and one layer retries: this one.
//!
//! Reading order: [`Store`], then `address` (what a URL may say), then `place` (where bytes are).
//!
//! This crate must not know runs, caches, the terminal or the environment.

mod address;
mod error;
mod http;
mod name;
mod patience;
mod place;
mod secrets;
mod store;

pub use error::{Operation, StoreError};
pub use name::{BadName, Name};
pub use patience::Patience;
pub use store::{Capabilities, Created, Creation, ENTRIES_MAX, Entry, OBJECT_BYTES_MAX, Store};
