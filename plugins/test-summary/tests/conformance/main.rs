//! Reports that real runners wrote, held against counts made in another way.
//!
//! The files are not part of the repository; where they are absent a test says so and passes.
#![expect(clippy::disallowed_methods, reason = "the tests read files, the tool does not")]
#![expect(clippy::print_stderr, reason = "a skipped test must be loud")]

mod budget;
mod counts;
mod ctrf;
mod damage;
mod junit;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stepwell::testing::Repository;
use test_summary::TOOL;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/conformance");

/// All files below a folder of the data, in order.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![Path::new(DATA).join(folder)];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else {
            eprintln!("SKIPPED: nothing to read in {}", directory.display());
            return Vec::new();
        };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() { directories.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// One file of the data; none where there is no data.
fn file(path: &str) -> Option<Vec<u8>> {
    let bytes = std::fs::read(Path::new(DATA).join(path)).ok();
    if bytes.is_none() {
        assert!(!Path::new(DATA).exists(), "{path} is not among the data");
        eprintln!("SKIPPED: no {path}");
    }
    bytes
}

/// The tool's answer to one report.
fn call(bytes: &[u8], wish: &Value) -> Value {
    let mut input = json!({ "paths": ["report"] });
    for (key, value) in wish.as_object().into_iter().flatten() {
        input[key] = value.clone();
    }
    let run = Repository::new().file("report", bytes).call(&TOOL, &input.to_string());
    serde_json::from_str(&run.answer.expect("an answer")).expect("JSON")
}

fn summary(bytes: &[u8]) -> Value {
    call(bytes, &json!({}))
}

/// Tests, failed, errors, skipped.
fn numbers(answer: &Value) -> [u64; 4] {
    let numbers = &answer["summary"];
    ["tests", "failed", "errors", "skipped"].map(|key| numbers[key].as_u64().expect("a count"))
}
