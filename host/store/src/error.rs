//! What can go wrong with a store, in words that hold no secret.

use std::fmt;

use crate::{ENTRIES_MAX, Name, OBJECT_BYTES_MAX};

/// What was asked of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`Store::get`](crate::Store::get)
    Get,
    /// [`Store::put`](crate::Store::put)
    Put,
    /// [`Store::create`](crate::Store::create)
    Create,
    /// [`Store::list`](crate::Store::list)
    List,
    /// [`Store::delete`](crate::Store::delete)
    Delete,
}

/// Why a store did not do what it was asked.
///
/// `store` is the URL without options and credentials; a `reason` is what the service said, with
/// every secret that was used struck out, on one line and cut. It comes from outside: escape it
/// before a terminal sees it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The URL names no store.
    #[error("`{url}` is not the URL of a store: {problem}")]
    BadUrl {
        /// The URL, without what may be a secret.
        url: String,
        /// What is wrong with it.
        problem: String,
        /// What to write instead.
        help: String,
    },
    /// The service wants credentials and none were given.
    #[error("no credentials for `{store}`")]
    NoCredentials {
        /// Which store.
        store: String,
        /// Which variables to set.
        help: String,
    },
    /// No answer, or none but "later", for as long as was waited. Of a write nobody knows
    /// whether it happened: the same call again finds out.
    #[error("cannot {operation} `{name}` in `{store}`: it cannot be reached: {reason}")]
    NotReachable {
        /// Which store.
        store: String,
        /// What was asked.
        operation: Operation,
        /// Of which object.
        name: Name,
        /// What was the last trouble.
        reason: String,
    },
    /// The service knows us not, or allows it not.
    #[error("cannot {operation} `{name}` in `{store}`: the credentials do not allow it: {reason}")]
    Denied {
        /// Which store.
        store: String,
        /// What was asked.
        operation: Operation,
        /// Of which object.
        name: Name,
        /// What the service said.
        reason: String,
    },
    /// An object of more than [`OBJECT_BYTES_MAX`] bytes, or than its service takes.
    #[error(
        "`{name}` is larger than an object of its store may be: {OBJECT_BYTES_MAX} bytes, or what \
         the service takes"
    )]
    TooLarge {
        /// Which object.
        name: Name,
    },
    /// A listing of more than [`ENTRIES_MAX`] entries.
    #[error("more than {ENTRIES_MAX} objects below `{prefix}` in `{store}`")]
    TooMany {
        /// Which store.
        store: String,
        /// Below which name.
        prefix: Name,
    },
    /// The service has no such operation ([`Capabilities`](crate::Capabilities) say so before).
    #[error("cannot {operation} `{name}` in `{store}`: the service has no such operation")]
    Unsupported {
        /// Which store.
        store: String,
        /// What was asked.
        operation: Operation,
        /// Of which object.
        name: Name,
    },
    /// The service answered, with something else than what was asked, and will again.
    #[error("cannot {operation} `{name}` in `{store}`: {reason}")]
    Failed {
        /// Which store.
        store: String,
        /// What was asked.
        operation: Operation,
        /// Of which object.
        name: Name,
        /// What the service said.
        reason: String,
    },
}

impl StoreError {
    /// What a person can do about it, where that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::BadUrl { help, .. } | Self::NoCredentials { help, .. } => Some(help),
            Self::NotReachable { .. }
            | Self::Denied { .. }
            | Self::TooLarge { .. }
            | Self::TooMany { .. }
            | Self::Unsupported { .. }
            | Self::Failed { .. } => None,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Create => "create",
            Self::List => "list",
            Self::Delete => "delete",
        })
    }
}
