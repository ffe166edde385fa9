//! How things lie in a store that is shared: JSON under names of ours, and bare bytes under their
//! digest. All of it is read as a stranger's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use snapshot::Digest;
use store::Name;

use crate::call::Identity;
use crate::{Proof, Record};

/// An output up to this size lies in its record, which saves a round trip.
pub(super) const INLINE_OUTPUT_BYTES_MAX: usize = 64 << 10;

/// The text of a question set up to this size lies in the list of its call.
pub(super) const INLINE_SET_BYTES_MAX: usize = 16 << 10;

/// Ways of asking that a list has; as many as the index keeps.
pub(super) const WAYS_MAX: usize = 8;

/// A list or a record that is larger was not written by us.
const JSON_BYTES_MAX: usize = 1 << 20;

/// How a call has asked, the last way first.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct CallList {
    pub(super) ways: Vec<Way>,
}

/// One way, and a record that vouches for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Way {
    /// The text of the question set, where it is short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) questions: Option<String>,
    pub(super) record: Record,
    pub(super) proof: Proof,
}

/// A record as it is shared.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct SharedRecord {
    pub(super) record: Record,
    pub(super) proof: Proof,
    /// What makes its call this call, for those who run it again.
    pub(super) identity: Identity,
    /// The output in base64, where it is short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) output: Option<String>,
}

impl SharedRecord {
    /// The output that lies in the record, if it is the one.
    pub(super) fn inline_output(&self) -> Option<Vec<u8>> {
        let bytes = BASE64.decode(self.output.as_ref()?).ok()?;
        (Digest::of(&bytes) == self.record.output).then_some(bytes)
    }
}

pub(super) fn inline(output: &[u8]) -> Option<String> {
    (output.len() <= INLINE_OUTPUT_BYTES_MAX).then(|| BASE64.encode(output))
}

/// What `bytes` say, if they could have been written by us.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    if bytes.len() > JSON_BYTES_MAX {
        return None;
    }
    serde_json::from_slice(bytes).ok()
}

pub(super) fn write(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("it is plain data")
}

pub(super) fn call_name(call: Digest) -> Name {
    name("call", call)
}

pub(super) fn record_name(observed: Digest) -> Name {
    name("rec", observed)
}

pub(super) fn blob_name(digest: Digest) -> Name {
    name("cas", digest)
}

/// Where all records lie.
pub(super) fn records() -> Name {
    Name::new("v1/rec").expect("it is one")
}

/// The key of the record that lies under `name`.
pub(super) fn record_of(name: &Name) -> Option<Digest> {
    name.as_str().rsplit('/').next()?.parse().ok()
}

/// Two digits make a folder, so that none holds too many.
fn name(kind: &str, digest: Digest) -> Name {
    let hex = digest.to_string();
    Name::new(format!("v1/{kind}/{}/{hex}", &hex[..2])).expect("digits make a name")
}
