//! What is wrong with a shared cache, or with what was asked of it.

use std::path::PathBuf;

use crate::exit;

/// Why outputs cannot be shared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SharingProblem {
    /// A policy that cannot be used.
    #[error("the cache policy `{}` cannot be used: {why}", path.display())]
    Policy { path: PathBuf, why: String },
    /// A store that cannot be used.
    #[error("the domain `{domain}` cannot be used")]
    Store { domain: String, source: Box<store::StoreError> },
    /// A key that is none.
    #[error("the signing key in {place} cannot be used")]
    Key { place: String, source: cache::BadKey },
    /// A domain that lists its signers, and no key to sign with.
    #[error("the domain `{domain}` is written to, and there is no key to sign with")]
    NoKey { domain: String },
    /// There is no policy.
    #[error("no cache is shared: there is no policy `{}`", path.display())]
    NoPolicy { path: PathBuf },
    /// A domain that the policy does not read.
    #[error("the policy reads no domain `{name}`")]
    NoDomain { name: String, known: Vec<String> },
    /// A policy that writes to no domain.
    #[error("the policy writes to no domain")]
    NoWrites,
    /// A key of a record that is none.
    #[error("`{digits}` is not the beginning of a key: write 4 to 64 hex digits")]
    BadDigits { digits: String },
    /// A size that is none.
    #[error("`{text}` is not a size: write bytes, or a number with KiB, MiB or GiB")]
    BadSize { text: String },
}

impl SharingProblem {
    /// What to do about it.
    pub(super) fn help(&self) -> Option<String> {
        Some(match self {
            Self::Policy { .. } => "docs/cache-operations.md shows one".to_owned(),
            Self::Store { .. } => "docs/store.md lists the forms of a URL".to_owned(),
            Self::Key { .. } => {
                "write `ed25519:` and base64, as `stepwell cache key` prints it".to_owned()
            }
            Self::NoKey { .. } => {
                "set STEPWELL_CACHE_KEY, or name a file in STEPWELL_CACHE_KEY_FILE; \
                 `stepwell cache key` makes one"
                    .to_owned()
            }
            Self::NoPolicy { .. } => {
                "write one as docs/cache-operations.md shows, or name it with `--cache-policy` or \
                 in STEPWELL_CACHE_POLICY"
                    .to_owned()
            }
            Self::NoDomain { known, .. } if known.is_empty() => {
                "add a `[[domain]]` with that name to it".to_owned()
            }
            Self::NoDomain { known, .. } => format!("it reads {}", known.join(", ")),
            Self::NoWrites => "say `write = true` in one of its domains".to_owned(),
            Self::BadDigits { .. } | Self::BadSize { .. } => return None,
        })
    }

    /// Which exit code it is.
    pub(super) fn exit_code(&self) -> u8 {
        exit::USAGE
    }
}
