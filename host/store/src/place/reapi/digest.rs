//! Digests as a server of the API names them, and where a blob of one is.

use bazel_remote_apis::build::bazel::remote::execution::v2 as api;
use sha2::{Digest as _, Sha256};

use crate::OBJECT_BYTES_MAX;
use crate::place::Trouble;

/// Hexadecimal digits of a digest: both functions give 32 bytes.
const HASH_DIGITS: usize = 64;

/// What a server tells contents apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Blake3,
    Sha256,
}

/// A digest of at most [`OBJECT_BYTES_MAX`] bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digest {
    hash: String,
    pub(super) bytes: usize,
}

impl Function {
    /// Ours among those that a server announces, the faster first. A server from before there
    /// were several announces none, and has SHA-256.
    pub(super) fn announced(values: &[i32]) -> Vec<Self> {
        let known = |function: &Self| values.contains(&function.value());
        if values.is_empty() {
            return vec![Self::Sha256];
        }
        [Self::Blake3, Self::Sha256].into_iter().filter(known).collect()
    }

    /// Its number in the API.
    pub(super) fn value(self) -> i32 {
        match self {
            Self::Blake3 => api::digest_function::Value::Blake3 as i32,
            Self::Sha256 => api::digest_function::Value::Sha256 as i32,
        }
    }

    pub(super) fn digest(self, bytes: &[u8]) -> Digest {
        let hash = match self {
            Self::Blake3 => blake3::hash(bytes).to_hex().to_string(),
            Self::Sha256 => {
                Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
            }
        };
        Digest { hash, bytes: bytes.len() }
    }

    /// Where a blob is below an instance. The default function of old has no name there.
    pub(super) fn resource(self, digest: &Digest) -> String {
        let Digest { hash, bytes } = digest;
        match self {
            Self::Blake3 => format!("blobs/blake3/{hash}/{bytes}"),
            Self::Sha256 => format!("blobs/{hash}/{bytes}"),
        }
    }
}

impl Digest {
    /// One that a server sent.
    pub(super) fn parse(sent: Option<api::Digest>) -> Result<Self, Trouble> {
        let bad = |said: &str| Trouble::Lasting(format!("its entry holds {said}"));
        let sent = sent.ok_or_else(|| bad("no digest"))?;
        let digits = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        if sent.hash.len() != HASH_DIGITS || !sent.hash.bytes().all(digits) {
            return Err(bad("what is no digest"));
        }
        let bytes = usize::try_from(sent.size_bytes).map_err(|_| bad("a negative size"))?;
        if bytes > OBJECT_BYTES_MAX {
            return Err(Trouble::TooLarge);
        }
        Ok(Self { hash: sent.hash, bytes })
    }

    pub(super) fn to_wire(&self) -> api::Digest {
        let size_bytes = i64::try_from(self.bytes).expect("at most OBJECT_BYTES_MAX");
        api::Digest { hash: self.hash.clone(), size_bytes }
    }
}
