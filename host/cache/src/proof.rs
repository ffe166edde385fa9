//! Who vouches for a record. One signature is made for all records of a run, over the root of
//! their Merkle tree (RFC 9162, section 2.1, with BLAKE3); each record carries the way from its
//! leaf to that root.

use keys::{PublicKey, Signature, Signer};
use serde::{Deserialize, Serialize};
use snapshot::Digest;

use crate::Record;

/// Records under one signature. A run makes a few dozen.
pub const LEAVES_MAX: usize = 10_000;

/// The steps from a leaf to the root of the largest tree, and some to spare.
const PATH_MAX: usize = 20;

/// The name of a run under a signature.
const RUN_BYTES_MAX: usize = 128;

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
    pub signature: Signature,
}

impl Proof {
    /// Signs the records of a run, at most [`LEAVES_MAX`] of them; those beyond have no proof.
    pub fn of_run(signer: &Signer, run: &str, records: &[Record]) -> Vec<Self> {
        let leaves: Vec<Digest> = records.iter().take(LEAVES_MAX).map(leaf).collect();
        if leaves.is_empty() {
            return Vec::new();
        }
        let run = run[..run.floor_char_boundary(RUN_BYTES_MAX)].to_owned();
        let count = leaves.len() as u64;
        let statement = statement(root(&leaves), count, &run);
        let signature = signer.sign(statement.as_bytes());
        let proof = |at: usize| Self {
            signer: signer.public(),
            run: run.clone(),
            leaf: at as u64,
            leaves: count,
            path: path(&leaves, at),
            signature,
        };
        (0..leaves.len()).map(proof).collect()
    }

    /// Whether its signer signed this very record. Whether the signer is trusted is another
    /// question.
    pub fn holds_for(&self, record: &Record) -> bool {
        if self.run.len() > RUN_BYTES_MAX || self.path.len() > PATH_MAX {
            return false;
        }
        let Some(root) = self.root_above(leaf(record)) else { return false };
        let statement = statement(root, self.leaves, &self.run);
        self.signer.signed(statement.as_bytes(), &self.signature)
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
