//! An object as an entry of the action cache.
//!
//! The entry's standard output is `stepwell-object/1`, the object's name and its bytes, a line
//! each. Of a large object the bytes are a blob, which the entry names as its one output file.

use bazel_remote_apis::build::bazel::remote::execution::v2 as api;

use super::digest::{Digest, Function};
use crate::place::Trouble;

/// Begins what an entry says, and what its key is the digest of.
const FORMAT: &str = "stepwell-object/1\n";

/// What the one output file is called.
const FILE: &str = "object";

/// Where the bytes of an object are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// In the entry.
    Inline(Vec<u8>),
    /// Beside it.
    Blob(Digest),
}

/// Under which digest the entry of `name` stands.
pub(super) fn key(function: Function, name: &str) -> Digest {
    function.digest(format!("{FORMAT}{name}").as_bytes())
}

/// What a server keeps, in two parts: the standard output may be a blob of its own.
pub(super) fn encode(name: &str, entry: Entry) -> api::ActionResult {
    let mut stdout_raw = format!("{FORMAT}{name}\n").into_bytes();
    let output_files = match entry {
        Entry::Inline(bytes) => {
            stdout_raw.extend(bytes);
            Vec::new()
        }
        Entry::Blob(digest) => vec![api::OutputFile {
            path: FILE.to_owned(),
            digest: Some(digest.to_wire()),
            ..api::OutputFile::default()
        }],
    };
    api::ActionResult { output_files, stdout_raw, ..api::ActionResult::default() }
}

/// The entry of `name` that has these output files and this standard output.
pub(super) fn decode(
    name: &str,
    files: Vec<api::OutputFile>,
    stdout: &[u8],
) -> Result<Entry, Trouble> {
    let bad = |said: &str| Err(Trouble::Lasting(said.to_owned()));
    let Some(rest) = stdout.strip_prefix(FORMAT.as_bytes()) else {
        return bad("its entry is not one of a store");
    };
    let named = rest.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"\n"));
    let Some(bytes) = named else {
        return bad("it answers with the entry of another object");
    };
    match <[_; 1]>::try_from(files) {
        Ok([file]) if bytes.is_empty() => Digest::parse(file.digest).map(Entry::Blob),
        Err(files) if files.is_empty() => Ok(Entry::Inline(bytes.to_vec())),
        Ok(_) | Err(_) => bad("its entry has more parts than an object"),
    }
}
