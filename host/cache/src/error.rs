//! Why the cache could not do its work. A caller can always go on without it.

use std::io;
use std::path::PathBuf;

/// An operating failure. Damage is none: it is healed, and seen as a miss.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A file of the cache cannot be made, moved or written.
    #[error("cannot use the cache file `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The index cannot be used, although it is not damaged.
    #[error("cannot use the cache's index")]
    Index(#[source] rusqlite::Error),
    /// Another process holds the lock for longer than opening takes.
    #[error("another process keeps the cache `{}` locked", path.display())]
    Locked {
        /// The lock's file.
        path: PathBuf,
    },
}

impl CacheError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }
}
