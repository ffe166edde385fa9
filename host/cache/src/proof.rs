//! Who vouches for a record. One signature is made for all records of a run, over the root of
//! their Merkle tree (RFC 9162, section 2.1, with BLAKE3); each record carries the way from its
//! leaf to that root.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use snapshot::Digest;

use crate::Record;

/// Records under one signature. A run makes a few dozen.
pub const LEAVES_MAX: usize = 10_000;

/// The steps from a leaf to the root of the largest tree, and some to spare.
const PATH_MAX: usize = 20;

/// The name of a run under a signature.
const RUN_BYTES_MAX: usize = 128;

/// How keys are written: with the algorithm, because there will be another one day.
const ED25519_PREFIX: &str = "ed25519:";

const SEED_BYTES: usize = 32;

/// The public half of a signer's key, as `ed25519:` and base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// Signs records.
pub struct Signer {
    keys: Ed25519KeyPair,
}

/// Why a text is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not a key: write `ed25519:` and 32 bytes in base64")]
pub struct BadKey;

/// That a signer vouched for a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Proof {
    /// Who signed.
    pub signer: PublicKey,
    /// The run whose records were signed.
    pub run: String,
    /// The place of the record among them, from 0.
    pub leaf: u64,
    /// How many they are.
    pub leaves: u64,
    /// The way from the record to the root: the other digest of each pair.
    pub path: Vec<Digest>,
    /// The signature under the root, the number of records and the run.
    #[serde(serialize_with = "signature_out", deserialize_with = "signature_in")]
    pub signature: [u8; 64],
}

impl Signer {
    /// A new key, as text to be kept secret, and its signer.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn generate() -> Result<(String, Self), std::io::Error> {
        let mut seed = [0; SEED_BYTES];
        getrandom::fill(&mut seed).map_err(|err| std::io::Error::other(err.to_string()))?;
        let signer = Self::of_seed(&seed).map_err(std::io::Error::other)?;
        Ok((format!("{ED25519_PREFIX}{}", BASE64.encode(seed)), signer))
    }

    /// The signer whose key is `text`.
    ///
    /// # Errors
    ///
    /// When it is not a key. The error does not repeat it.
    pub fn of_text(text: &str) -> Result<Self, BadKey> {
        Self::of_seed(&decode::<SEED_BYTES>(text)?)
    }

    fn of_seed(seed: &[u8; SEED_BYTES]) -> Result<Self, BadKey> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(|keys| Self { keys }).map_err(|_| BadKey)
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.keys.public_key().as_ref());
        PublicKey(bytes)
    }

    /// Signs the records of a run, at most [`LEAVES_MAX`] of them; those beyond have no proof.
    pub fn sign(&self, run: &str, records: &[Record]) -> Vec<Proof> {
        let leaves: Vec<Digest> = records.iter().take(LEAVES_MAX).map(leaf).collect();
        if leaves.is_empty() {
            return Vec::new();
        }
        let run = run[..run.floor_char_boundary(RUN_BYTES_MAX)].to_owned();
        let count = leaves.len() as u64;
        let statement = statement(root(&leaves), count, &run);
        let mut signature = [0; 64];
        signature.copy_from_slice(self.keys.sign(statement.as_bytes()).as_ref());
        let proof = |at: usize| Proof {
            signer: self.public(),
            run: run.clone(),
            leaf: at as u64,
            leaves: count,
            path: path(&leaves, at),
            signature,
        };
        (0..leaves.len()).map(proof).collect()
    }
}

impl Proof {
    /// Whether its signer signed this very record. Whether the signer is trusted is another
    /// question.
    pub fn holds_for(&self, record: &Record) -> bool {
        if self.run.len() > RUN_BYTES_MAX || self.path.len() > PATH_MAX {
            return false;
        }
        let Some(root) = self.root_above(leaf(record)) else { return false };
        let statement = statement(root, self.leaves, &self.run);
        let key = UnparsedPublicKey::new(&ED25519, &self.signer.0);
        key.verify(statement.as_bytes(), &self.signature).is_ok()
    }

    /// The root that the path leads to from `leaf` (RFC 9162, section 2.1.3.2).
    fn root_above(&self, leaf: Digest) -> Option<Digest> {
        if self.leaf >= self.leaves || self.leaves > LEAVES_MAX as u64 {
            return None;
        }
        let (mut place, mut last, mut above) = (self.leaf, self.leaves - 1, leaf);
        for other in &self.path {
            if last == 0 {
                return None;
            }
            if place & 1 == 1 || place == last {
                above = node(*other, above);
                while place & 1 == 0 && place != 0 {
                    place >>= 1;
                    last >>= 1;
                }
            } else {
                above = node(above, *other);
            }
            place >>= 1;
            last >>= 1;
        }
        (last == 0).then_some(above)
    }
}

fn leaf(record: &Record) -> Digest {
    Digest::derive("stepwell 2026-11 leaf v1", &[record.digest().as_bytes()])
}

fn node(left: Digest, right: Digest) -> Digest {
    Digest::derive("stepwell 2026-11 node v1", &[left.as_bytes(), right.as_bytes()])
}

fn statement(root: Digest, leaves: u64, run: &str) -> Digest {
    let parts: [&[u8]; 3] = [root.as_bytes(), &leaves.to_le_bytes(), run.as_bytes()];
    Digest::derive("stepwell 2026-11 signed root v1", &parts)
}

/// The root of a tree that is not empty.
fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [leaf] => *leaf,
        leaves => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(root(left), root(right))
        }
    }
}

/// The other digest of each pair, from the leaf at `at` up.
fn path(leaves: &[Digest], at: usize) -> Vec<Digest> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut below, other) = if at < left.len() {
        (path(left, at), root(right))
    } else {
        (path(right, at - left.len()), root(left))
    };
    below.push(other);
    below
}

/// The largest power of two that is less than `count`, which is at least 2.
fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}

fn decode<const N: usize>(text: &str) -> Result<[u8; N], BadKey> {
    let encoded = text.trim().strip_prefix(ED25519_PREFIX).ok_or(BadKey)?;
    BASE64.decode(encoded).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(BadKey)
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ED25519_PREFIX}{}", BASE64.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        decode(text).map(Self)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Shows whose it is, never the key.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.public()).finish()
    }
}

fn signature_out<S: Serializer>(signature: &[u8; 64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64.encode(signature))
}

fn signature_in<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 64], D::Error> {
    let bytes = BASE64.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
    bytes.try_into().map_err(|_| D::Error::custom("a signature has 64 bytes"))
}
