//! What the fuzz targets in `../fuzz` call, and a plain test calls with their corpora: whatever bytes
//! come, a promise holds or this panics.
//!
//! This crate must not be known by any tool.
// The linter of components goes over all crates, and in a component there is no `testing`.
#![cfg(not(target_family = "wasm"))]

use diff::TOOL as DIFF;
use lockgraph::{BadPackageUrl, Format, Graph, Kind, PackageUrl, Warnings};
use serde_json::{Value, json};
use stepwell::Tool;
use stepwell::testing::Repository;
use test_summary::TOOL as TEST_SUMMARY;

/// The most tokens that the tools answer with here, where a call can say so.
const TOKENS_MAX: usize = 2_000;

/// The most bytes of any answer: what the host takes.
const ANSWER_BYTES_MAX: usize = 1_000_000;

/// The first byte says which format the others are read as. They are refused, or a graph whose
/// every line, name and package URL can be shown to anybody, and which does not change when its
/// packages are merged twice.
///
/// # Panics
///
/// When a promise is broken.
pub fn lock(bytes: &[u8]) {
    let Some((&format, bytes)) = bytes.split_first() else { return };
    let format = Format::ALL[usize::from(format) % Format::ALL.len()];
    let path = format.patterns()[0].replace('*', "a");
    let read = || {
        let mut warnings = Warnings::default();
        let graph = format.parse(&path, bytes, &mut warnings);
        (graph, warnings.into_vec())
    };
    let (graph, warnings) = read();
    assert_eq!((&graph, &warnings), (&read().0, &read().1), "read twice");
    let lines = bytes.iter().filter(|&&b| b == b'\n').count() + 1;
    let in_file = |line: u32| line >= 1 && usize::try_from(line).is_ok_and(|line| line <= lines);
    for warning in &warnings {
        assert!(!warning.reason.contains(char::is_control), "{warning:?}");
        assert!(warning.path != path || warning.line.is_none_or(in_file), "{warning:?}");
    }
    match graph {
        Ok(graph) => {
            for (_, node) in graph.nodes() {
                assert!(!node.label().contains(char::is_control), "{node:?}");
                assert!(node.places.iter().all(|place| in_file(place.line)), "{node:?}");
                match PackageUrl::parse(&node.purl) {
                    Ok(url) => assert_eq!(url.to_string(), node.purl, "{node:?}"),
                    // What is only in the repository need not belong to anybody.
                    Err(BadPackageUrl::Group) if matches!(node.kind, Kind::Member | Kind::Path) => {
                    }
                    Err(err) => panic!("{err}: {node:?}"),
                }
            }
            whole(&graph);
        }
        Err(err) => {
            assert!(!err.to_string().contains(char::is_control), "{err:?}");
            assert!(err.line().is_none_or(in_file), "{err:?}");
        }
    }
}

/// Everything is reached from the heads, and merging is done when it is done once.
fn whole(graph: &Graph) {
    let merged = graph.merged();
    assert_eq!(merged.merged(), merged, "merged twice");
    assert_eq!(Graph::union([graph, graph]), merged, "the same with itself");
    let mut seen = vec![false; graph.node_count()];
    let mut open = graph.heads();
    while let Some(id) = open.pop() {
        if !std::mem::replace(&mut seen[id.index()], true) {
            open.extend(graph.edges(id).iter().map(|edge| edge.to));
        }
    }
    assert!(seen.into_iter().all(|seen| seen), "a package that no head leads to");
}

/// The first byte says how the answer is written; the others are a report, or are said to be none.
/// An answer is bounded, and its counts agree with each other.
///
/// # Panics
///
/// When a promise is broken.
pub fn report(bytes: &[u8]) {
    let Some((&form, bytes)) = bytes.split_first() else { return };
    let form = ["json", "text", "markdown", "ctrf"][usize::from(form % 4)];
    let repository = Repository::new().file("report", bytes);
    let said = call(&TEST_SUMMARY, &repository, &json!({ "paths": ["report"], "format": form }));
    match form {
        "json" => {
            let count = |key: &str| said["summary"][key].as_u64().expect("a count");
            // An error need not be one of a test.
            let sum = count("passed").saturating_add(count("failed"));
            let sum = sum.saturating_add(count("skipped"));
            assert!(sum <= count("tests"), "{said}");
        }
        "text" => assert!(said.to_string().len() <= 4 * TOKENS_MAX, "{said}"),
        _ => {}
    }
}

/// The first byte says where the others are cut into the file in base and the one in head: it is
/// among the changes when the two differ.
///
/// # Panics
///
/// When a promise is broken.
pub fn diff(bytes: &[u8]) {
    let Some((&share, bytes)) = bytes.split_first() else { return };
    let (base, head) = bytes.split_at(bytes.len() * usize::from(share) / 255);
    let repository = Repository::new().base("a", base).file("a", head);
    let input = json!({ "max_tokens": TOKENS_MAX, "context": share % 4 });
    let said = call(&DIFF, &repository, &input);
    assert!(said.to_string().len() <= 4 * TOKENS_MAX, "{said}");
    assert_eq!(said["total"], json!(usize::from(base != head)), "{said}");
}

/// A call that has an answer, and has the same one when it is made again.
fn call(tool: &Tool, repository: &Repository, input: &Value) -> Value {
    let answer = || repository.call(tool, &input.to_string()).answer.expect("an answer");
    let said = answer();
    assert!(said.len() <= ANSWER_BYTES_MAX, "{} bytes", said.len());
    assert_eq!(said, answer(), "asked twice");
    serde_json::from_str(&said).expect("an answer is JSON")
}
