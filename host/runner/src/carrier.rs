//! How a run gets to another machine: what its journal and its files are made of, in a place that
//! several machines share.

use std::fmt;

use crate::ledger::Later;

/// A place that several machines share. Names are paths of lower-case words.
pub trait Carrier: fmt::Debug + Send + Sync {
    /// What is kept under a name.
    ///
    /// # Errors
    /// What the place said, for people.
    fn get(&self, name: String) -> Later<'_, Result<Option<Vec<u8>>, String>>;

    /// Keeps bytes under a name that nothing is kept under yet; `false` where something is.
    ///
    /// # Errors
    /// What the place said, for people.
    fn create(&self, name: String, bytes: Vec<u8>) -> Later<'_, Result<bool, String>>;

    /// The names below a prefix, sorted.
    ///
    /// # Errors
    /// What the place said, for people.
    fn list(&self, prefix: String) -> Later<'_, Result<Vec<String>, String>>;

    /// Forgets what is kept under a name.
    ///
    /// # Errors
    /// What the place said, for people.
    fn delete(&self, name: String) -> Later<'_, Result<(), String>>;
}
