//! Where a ledger is kept.

mod url;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

pub(crate) use url::Tls;
pub use url::{BadUrl, PostgresUrl};

/// Where a ledger is kept. A password in a URL is never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A SQLite file, made if it is missing.
    File(PathBuf),
    /// A PostgreSQL database.
    Postgres(Box<PostgresUrl>),
}

/// Text that names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPlace {
    /// There is nothing.
    #[error("the place of the ledger is empty")]
    Empty,
    /// A URL of something that is no ledger.
    #[error("a ledger is a file or a `postgres://` URL, not a `{scheme}://` one")]
    Scheme {
        /// What it is a URL of.
        scheme: String,
    },
    /// A URL that cannot be used.
    #[error("the PostgreSQL URL of the ledger cannot be used")]
    Url(#[from] BadUrl),
}

impl FromStr for Place {
    type Err = BadPlace;

    /// Reads a path, `sqlite:path`, `postgres://…` or `postgresql://…`.
    fn from_str(text: &str) -> Result<Self, BadPlace> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(Box::new(text.parse()?)));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        let is_scheme = |scheme: &&str| {
            scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        };
        match path.split_once("://").map(|(scheme, _)| scheme).filter(is_scheme) {
            Some(scheme) => Err(BadPlace::Scheme { scheme: scheme.to_owned() }),
            None if path.is_empty() => Err(BadPlace::Empty),
            None => Ok(Self::File(path.into())),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
