//! What is told of a trace: of those that earlier programs wrote, of a large one, of a hostile one.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]
#![expect(clippy::print_stderr, reason = "a test that is left out, and what was measured, is said")]

mod browser;
mod builder;
mod exports;
mod pages;
mod reading;
mod runs;

use std::fs;
use std::path::PathBuf;

/// The runs that earlier programs wrote.
const CORPUS: [&str; 5] = ["budget", "done", "killed", "repairs", "wrap-up"];

/// A file of the corpus.
fn corpus(run: &str, file: &str) -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../runner/tests/corpus/schema-1");
    fs::read_to_string(root.join(run).join(file)).unwrap().into_bytes()
}

/// The journal of a run of the corpus.
fn journal(run: &str) -> Vec<u8> {
    corpus(run, "run/journal.jsonl")
}
