//! JSON Schema (draft 2020-12) of what a run leaves, made of the types that write it.

use schemars::{JsonSchema, schema_for};
use session::event::Record;
use session::{Accounting, RunResult};

/// The schema of a line of `trace.jsonl`.
///
/// A newer program may write events and fields that it does not have: readers skip those.
pub fn events() -> String {
    told::<Record>()
}

/// The schema of `result.json`.
pub fn result() -> String {
    told::<RunResult>()
}

/// The schema of `accounting.json`.
pub fn accounting() -> String {
    told::<Accounting>()
}

fn told<T: JsonSchema>() -> String {
    let mut text = serde_json::to_string_pretty(&schema_for!(T)).unwrap_or_default();
    text.push('\n');
    text
}
