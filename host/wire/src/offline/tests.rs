//! Whole conversations with the analyst, as a host would have them.

mod close;
mod hostile;
mod served;

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::*;
use crate::request::ToolSpec;
use crate::server::ConversationItem;

/// Turns after which a conversation with the analyst must be over.
const TURNS_MAX: usize = 6;

/// Every tool that a host may offer.
const TOOLS: [&str; 7] = [
    "test_summary",
    "changed_files",
    "dependency_graph",
    "search_text",
    "read_file",
    "list_files",
    SUBMIT,
];

fn conversation(tools: &[&str]) -> Conversation {
    let tool = |name: &&str| ToolSpec {
        name: (*name).to_owned(),
        description: String::new(),
        parameters: json!({}),
        strict: false,
    };
    Conversation {
        tools: tools.iter().map(tool).collect(),
        items: vec![message("user", "Triage this change.")],
        ..Conversation::default()
    }
}

fn message(role: &str, text: &str) -> ConversationItem {
    ConversationItem::Message { role: role.to_owned(), text: text.to_owned() }
}

/// What the search for lines answers, each in a file of its own.
fn found(lines: &[(&str, u64, &str)]) -> Value {
    let file = |(path, line, text): &(&str, u64, &str)| json!({ "path": path, "matches": [{ "line": line, "text": text }] });
    json!({ "files": lines.iter().map(file).collect::<Vec<Value>>() })
}

/// Adds a call and its output.
fn used(asked: &mut Conversation, tool: &str, arguments: &Value, output: String) {
    let call_id = format!("call_{}", asked.items.len());
    asked.items.push(ConversationItem::Call {
        item_id: None,
        call_id: call_id.clone(),
        name: tool.to_owned(),
        arguments: arguments.to_string(),
    });
    asked.items.push(ConversationItem::CallOutput { call_id, output });
}

/// Asks for a turn, twice: the same conversation must get the same reply.
fn reply(asked: &Conversation) -> Vec<ReplyPart> {
    let reply = Analyst.respond(asked);
    assert_eq!(Analyst.respond(&asked.clone()), reply, "the analyst remembers something");
    reply.parts
}

/// An analysis as a person would note it, checked for what its schema demands.
fn submitted(analysis: &Value) -> String {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut said = text(&analysis["summary"]);
    for finding in analysis["findings"].as_array().unwrap() {
        let [severity, confidence, title, evidence] =
            ["severity", "confidence", "title", "evidence"].map(|key| text(&finding[key]));
        write!(said, "\n- {severity} ({confidence}) {title}\n    {evidence}").unwrap();
        for key in ["file", "line", "test"] {
            if let Some(value) = finding.get(key) {
                write!(said, "\n    {key}: {value}").unwrap();
            }
        }
    }
    for step in analysis["next_steps"].as_array().unwrap() {
        write!(said, "\n> {}", text(step)).unwrap();
    }
    said
}

/// Plays a conversation to its end, with `answer` in the place of the tools; what the analyst
/// said and called, one a line.
fn play(mut asked: Conversation, answer: &dyn Fn(&str, &Value) -> String) -> String {
    let mut said = String::new();
    for turn in 0..TURNS_MAX {
        let mut calls = Vec::new();
        for part in reply(&asked) {
            match part {
                ReplyPart::Text(text) => {
                    writeln!(said, "{turn}: {text}").unwrap();
                    asked.items.push(message("assistant", &text));
                }
                ReplyPart::Call { name, arguments } if name == SUBMIT => {
                    writeln!(said, "{turn}: {name}\n{}", submitted(&arguments)).unwrap();
                    calls.push((name, arguments, json!({ "taken": true }).to_string()));
                }
                ReplyPart::Call { name, arguments } => {
                    writeln!(said, "{turn}: {name} {arguments}").unwrap();
                    let output = answer(&name, &arguments);
                    calls.push((name, arguments, output));
                }
            }
        }
        if calls.is_empty() {
            return said;
        }
        calls
            .into_iter()
            .for_each(|(name, arguments, output)| used(&mut asked, &name, &arguments, output));
        asked.turn += 1;
    }
    panic!("the conversation does not end:\n{said}");
}

/// The tools over a small Rust project in which a change broke two tests.
fn broken_project(tool: &str, arguments: &Value) -> String {
    let changed = |path: &str, start: u64, lines: u64| {
        let hunks = [json!({ "start": start, "lines": lines })];
        json!({ "path": path, "status": "modified", "added": lines, "removed": lines, "hunks": hunks })
    };
    let answer = match (tool, arguments["query"].as_str(), arguments["path"].as_str()) {
        ("test_summary", ..) => json!({
            "verdict": "failed",
            "summary": { "tests": 12, "passed": 9, "failed": 2, "errors": 0, "skipped": 1 },
            "reports": [{ "path": "target/junit.xml", "format": "junit", "tests": 12, "failed": 2 }],
            "failures": [
                {
                    "id": "shop::cart cart::tests::an_empty_cart_costs_nothing",
                    "suite": "shop",
                    "name": "cart::tests::an_empty_cart_costs_nothing",
                    "file": null, "line": null, "kind": "failure",
                    "message": "attempt to divide by zero",
                    "trace": [
                        "/rustc/59807616/library/core/src/panicking.rs:60:5",
                        { "file": "src/price.rs", "line": 8, "function": "shop::price::average" },
                        { "file": "src/cart.rs", "line": 31 }
                    ]
                },
                {
                    "id": "api total_is_rounded", "suite": "api", "name": "total_is_rounded",
                    "file": "tests/api.rs", "line": 14, "kind": "failure",
                    "message": "assertion failed: left == right", "expected": "10", "actual": "9",
                    "trace": []
                },
            ],
            "rerun": [
                "cargo test -p shop cart::tests::an_empty_cart_costs_nothing",
                "cargo test x; rm -rf /"
            ],
            "warnings": []
        }),
        ("changed_files", ..) => json!({
            "base": "main@1a2b3c4", "head": "working tree", "truncated": false,
            "files": [changed("README.md", 3, 1), changed("src/price.rs", 7, 2), changed("src/rounding.rs", 2, 1)],
            "diff": "--- a/src/price.rs\n+++ b/src/price.rs\n\
                     @@ -7,2 +7,2 @@ pub fn average(all: &[u32]) -> u32 {\n-    old\n+    new\n\
                     --- a/src/rounding.rs\n+++ b/src/rounding.rs\n@@ -1,3 +1,3 @@\n //! Rounds.\n\
                     -pub fn round_total(x: f64) -> u64 {\n+pub fn round_total(x: f64) -> u32 {\n"
        }),
        ("dependency_graph", Some("changes"), _) => json!({
            "base_present": true, "added": [], "removed": [],
            "changed": [{ "name": "serde", "from": "1.0.1", "to": "1.0.2", "lockfile": "Cargo.lock" }],
            "warnings": []
        }),
        ("dependency_graph", ..) => json!({
            "lockfiles": [{ "path": "Cargo.lock", "ecosystem": "cargo", "packages": 40 }],
            "packages": 40, "duplicates": [{ "name": "syn", "versions": ["1.0.0", "2.0.0"] }], "warnings": []
        }),
        ("read_file", _, Some(path)) => {
            let lines = |first: u64| {
                (first..first + 41).map(|line| match (path, line) {
                    ("src/price.rs", 8) => {
                        "    all.iter().sum::<u32>() / all.len() as u32\n".to_owned()
                    }
                    ("tests/api.rs", 14) => {
                        "    assert_eq!(shop::round_total(9.5), 10);\n".to_owned()
                    }
                    _ => format!("    // line {line}\n"),
                })
            };
            let first = arguments["start_line"].as_u64().unwrap();
            json!({ "path": path, "start_line": first, "text": lines(first).collect::<String>() })
        }
        _ => json!({ "error": "no such tool" }),
    };
    answer.to_string()
}

#[test]
fn a_broken_change_is_traced_to_its_lines() {
    insta::assert_snapshot!(play(conversation(&TOOLS), &broken_project), @r#"
    0: Looking at tests, changes and dependencies. No model is used: this is a deterministic triage.
    0: test_summary {}
    0: changed_files {}
    0: dependency_graph {"query":"summary"}
    0: dependency_graph {"query":"changes"}
    1: read_file {"end_line":28,"path":"src/price.rs","start_line":1}
    1: read_file {"end_line":34,"path":"tests/api.rs","start_line":1}
    2: submit_analysis
    This is a deterministic triage; no model was used. 12 tests in 1 report: 9 passed, 2 failed, 1 skipped. Against `main@1a2b3c4`, 3 files changed (+4 −4 lines). 1 lock file with 40 packages, 1 change against the base. The change with the strongest tie to a failure is `src/price.rs` (high confidence). Whether these tests passed before the change is not known.
    - error (high) `cart::tests::an_empty_cart_costs_nothing` fails: attempt to divide by zero
        message: attempt to divide by zero; the line says `all.iter().sum::<u32>() / all.len() as u32`
        file: "src/price.rs"
        line: 8
        test: "cart::tests::an_empty_cart_costs_nothing"
    - error (high) `total_is_rounded` fails: assertion failed: left == right
        message: assertion failed: left == right; expected `10`, got `9`; the line says `assert_eq!(shop::round_total(9.5), 10);`
        file: "tests/api.rs"
        line: 14
        test: "total_is_rounded"
    - warning (high) the change in `src/price.rs` has ties to 1 failure
        the trace of `cart::tests::an_empty_cart_costs_nothing` goes through line 8, which changed; its change in line 7 is about `average`, which the message or trace of `cart::tests::an_empty_cart_costs_nothing` names
        file: "src/price.rs"
        line: 8
    - warning (medium) the change in `src/rounding.rs` has ties to 1 failure
        its change in line 2 is about `round_total`, which `total_is_rounded` mentions
        file: "src/rounding.rs"
        line: 2
    - warning (low) 1 dependency change
        nothing ties them to the failures but the time: `serde 1.0.1 → 1.0.2`
        file: "Cargo.lock"
    - note (high) 1 package in several versions
        `syn 1.0.0, 2.0.0`
    > run `cargo test -p shop cart::tests::an_empty_cart_costs_nothing`
    > open `src/price.rs:8`, where `cart::tests::an_empty_cart_costs_nothing` fails
    > open `tests/api.rs:14`, where `total_is_rounded` fails
    > review the change in `src/price.rs`, around line 8
    > review the change in `src/rounding.rs`, around line 2
    > for a reading of the code itself, run the step with a model
    3: The analysis is submitted. It is a deterministic triage: no model was used, and no patch is proposed.
    - `cart::tests::an_empty_cart_costs_nothing` fails: attempt to divide by zero
    - `total_is_rounded` fails: assertion failed: left == right
    - the change in `src/price.rs` has ties to 1 failure
    - the change in `src/rounding.rs` has ties to 1 failure
    - 1 dependency change
    - and 1 more
    "#);
}

#[test]
fn what_the_host_has_asked_already_is_not_asked_again() {
    let mut asked = conversation(&TOOLS);
    for (tool, arguments) in [
        ("test_summary", json!({ "paths": ["target/**/junit.xml"] })),
        ("changed_files", json!({})),
        ("dependency_graph", json!({})),
        ("dependency_graph", json!({ "query": "changes" })),
    ] {
        let output = broken_project(tool, &arguments);
        used(&mut asked, tool, &arguments, output);
    }
    let said = play(asked, &broken_project);
    let calls: String = said.lines().take(4).map(|line| format!("{line}\n")).collect();
    insta::assert_snapshot!(calls, @r#"
    0: Looking at tests, changes and dependencies. No model is used: this is a deterministic triage.
    0: read_file {"end_line":28,"path":"src/price.rs","start_line":1}
    0: read_file {"end_line":34,"path":"tests/api.rs","start_line":1}
    1: submit_analysis
    "#);
}

#[test]
fn a_test_without_a_place_is_searched_for() {
    let answer = |tool: &str, arguments: &Value| {
        let changed = |path: &str, start: u64| {
            let hunks = [json!({ "start": start, "lines": 3 })];
            json!({ "path": path, "status": "modified", "added": 3, "removed": 0, "hunks": hunks })
        };
        let answer = match tool {
            "test_summary" => json!({
                "verdict": "failed",
                "summary": { "tests": 1, "passed": 0, "failed": 1, "errors": 0, "skipped": 0 },
                "reports": [{}],
                "failures": [{
                    "id": "t",
                    "suite": "tests.test_cart",
                    "name": "tests.test_cart::test_total[eur-2]",
                    "message": "KeyError: 'vat'",
                    "trace": []
                }],
            }),
            "search_text" => found(&[
                ("docs/tests.md", 2, "test_total checks totals"),
                ("tests/test_cart.py", 9, "def test_total(currency):"),
            ]),
            "read_file" => {
                let text =
                    "\n".repeat(8) + "def test_total(currency):\n    assert total(currency)\n";
                json!({ "path": arguments["path"], "start_line": 1, "text": text })
            }
            "changed_files" => {
                let files = [changed("shop/cart.py", 40), changed("shop/mail.py", 1)];
                json!({ "base": "main", "files": files, "diff": "" })
            }
            _ => json!({ "error": "not here" }),
        };
        answer.to_string()
    };
    let tools = ["test_summary", "changed_files", "search_text", "read_file"];
    insta::assert_snapshot!(play(conversation(&tools), &answer), @r#"
    0: Looking at tests, changes and dependencies. No model is used: this is a deterministic triage.
    0: test_summary {}
    0: changed_files {}
    1: search_text {"literal":true,"max_matches":10,"pattern":"test_total"}
    1: read_file {"end_line":43,"path":"shop/cart.py","start_line":1}
    1: read_file {"end_line":4,"path":"shop/mail.py","start_line":1}
    2: read_file {"end_line":29,"path":"tests/test_cart.py","start_line":1}
    3: This is a deterministic triage; no model was used. 1 test in 1 report: 0 passed, 1 failed. Against `main`, 2 files changed (+6 −0 lines). The change with the strongest tie to a failure is `shop/cart.py` (low confidence). Whether these tests passed before the change is not known.

    Findings:
    - error: `tests.test_cart::test_total[eur-2]` fails: KeyError: 'vat' (message: KeyError: 'vat'; the line says `def test_total(currency):`)
    - warning: the change in `shop/cart.py` has ties to 1 failure (it is named like `tests.test_cart::test_total[eur-2]`)

    Next steps:
    - run `pytest tests/test_cart.py -k test_total`
    - open `tests/test_cart.py:9`, where `tests.test_cart::test_total[eur-2]` fails
    - review the change in `shop/cart.py`, around line 40
    - for a reading of the code itself, run the step with a model
    "#);
}

#[test]
fn a_file_that_cannot_be_read_is_searched_for() {
    let answer = |tool: &str, arguments: &Value| {
        let there = "pkg/tests/test_sum.py";
        let answer = match (tool, arguments["path"].as_str()) {
            ("test_summary", _) => json!({
                "verdict": "failed",
                "failures": [{
                    "id": "t", "name": "test_sum", "message": "3 != 4",
                    "file": "test_sum.py", "line": 7
                }],
            }),
            ("search_text", _) => {
                found(&[("old/sum.py", 1, "def test_sum():"), (there, 5, "def test_sum():")])
            }
            ("read_file", Some(path)) if path == there => {
                json!({ "path": there, "start_line": 6, "text": "x = 3\nassert x == 4\n" })
            }
            _ => json!({ "error": "not found" }),
        };
        answer.to_string()
    };
    let said = play(conversation(&["test_summary", "read_file", "search_text"]), &answer);
    insta::assert_snapshot!(said, @r#"
    0: Looking at tests, changes and dependencies. No model is used: this is a deterministic triage.
    0: test_summary {}
    1: read_file {"end_line":27,"path":"test_sum.py","start_line":1}
    2: search_text {"literal":true,"max_matches":10,"pattern":"test_sum"}
    3: read_file {"end_line":27,"path":"pkg/tests/test_sum.py","start_line":1}
    4: This is a deterministic triage; no model was used. The verdict on the tests is `failed`, without counts. What changed is not known: the step does not offer `changed_files`.

    Findings:
    - error: `test_sum` fails: 3 != 4 (message: 3 != 4; the line says `assert x == 4`)

    Next steps:
    - run `pytest pkg/tests/test_sum.py -k test_sum`
    - open `pkg/tests/test_sum.py:7`, where `test_sum` fails
    - for a reading of the code itself, run the step with a model
    "#);
}

#[test]
fn without_failures_it_says_what_is_risky() {
    let answer = |tool: &str, arguments: &Value| {
        let changed = |path: &str, status: &str, added: u64, removed: u64| {
            let counts = (added, removed);
            json!({ "path": path, "status": status, "added": counts.0, "removed": counts.1 })
        };
        let answer = match (tool, arguments["query"].as_str()) {
            ("test_summary", _) => json!({
                "verdict": "passed",
                "summary": { "tests": 3, "passed": 3, "failed": 0, "errors": 0, "skipped": 0 },
                "reports": [{}, {}],
                "failures": [],
                "warnings": [{ "path": "a.xml", "reason": "cut off at line 3" }],
            }),
            ("changed_files", _) => {
                let files = [
                    changed("src/big.rs", "added", 900, 0),
                    changed("tests/old.rs", "deleted", 0, 50),
                    changed(".github/workflows/ci.yml", "modified", 1, 1),
                ];
                json!({ "base": "main", "truncated": true, "diff": "", "files": files })
            }
            ("dependency_graph", Some("changes")) => json!({
                "base_present": true,
                "added": [{ "name": "left-pad", "version": "1.0.0", "lockfile": "package-lock.json" }],
            }),
            _ => json!({ "lockfiles": [{ "path": "package-lock.json" }], "packages": 1 }),
        };
        answer.to_string()
    };
    insta::assert_snapshot!(play(conversation(&TOOLS), &answer), @r#"
    0: Looking at tests, changes and dependencies. No model is used: this is a deterministic triage.
    0: test_summary {}
    0: changed_files {}
    0: dependency_graph {"query":"summary"}
    0: dependency_graph {"query":"changes"}
    1: submit_analysis
    This is a deterministic triage; no model was used. 3 tests in 2 reports: 3 passed. Against `main`, 3 files changed (+901 −51 lines; the list is cut). 1 lock file with 1 package, 1 change against the base.
    - note (high) 1 dependency change
        `+ left-pad 1.0.0`
        file: "package-lock.json"
    - warning (high) tests were deleted
        a test that is gone cannot fail: `tests/old.rs`
        file: "tests/old.rs"
    - warning (high) pipeline files changed
        they decide what runs, and with which rights: `.github/workflows/ci.yml`
        file: ".github/workflows/ci.yml"
    - note (high) large changes
        changes of more lines than are reviewed with care at one sitting: `src/big.rs`
        file: "src/big.rs"
    - note (high) code changed and no test file did
        tests may lie in the same files: `src/big.rs`
        file: "src/big.rs"
    - note (high) tools gave 1 warning
        `a.xml: cut off at line 3`
    > review `src/big.rs` (+900 −0 lines)
    > review `tests/old.rs` (+0 −50 lines)
    > review `.github/workflows/ci.yml` (+1 −1 lines)
    2: The analysis is submitted. It is a deterministic triage: no model was used, and no patch is proposed.
    - 1 dependency change
    - tests were deleted
    - pipeline files changed
    - large changes
    - code changed and no test file did
    - and 1 more
    "#);
}

#[test]
fn what_is_not_known_is_said_to_be_not_known() {
    let answer = |tool: &str, _: &Value| match tool {
        "test_summary" => {
            json!({ "verdict": "no-report", "summary": {}, "reports": [], "failures": [] })
                .to_string()
        }
        "changed_files" => json!({ "base": null, "head": "working tree", "files": [] }).to_string(),
        _ => "Segmentation fault".to_owned(),
    };
    insta::assert_snapshot!(play(conversation(&TOOLS), &answer), @r#"
    0: Looking at tests, changes and dependencies. No model is used: this is a deterministic triage.
    0: test_summary {}
    0: changed_files {}
    0: dependency_graph {"query":"summary"}
    0: dependency_graph {"query":"changes"}
    1: submit_analysis
    This is a deterministic triage; no model was used. No test report was found. There is no base to compare with, so what changed is not known.
    - note (high) tools gave no usable answer
        `dependency_graph: its output is not a JSON object: 'Segmentation fault'`
    > keep a JUnit report from CI before this step, or set `before = true` in the step's `[verify]`: then there are test results to read
    > give the step a base to compare with, so that it can say what changed
    2: The analysis is submitted. It is a deterministic triage: no model was used, and no patch is proposed.
    - tools gave no usable answer
    "#);
}

#[test]
fn where_nothing_answers_it_looks_for_files_and_says_so() {
    let answer = |tool: &str, _: &Value| match tool {
        "list_files" => {
            json!({ "files": ["README.md", "src/main.rs"], "truncated": false }).to_string()
        }
        _ => json!({ "error": "out of time" }).to_string(),
    };
    insta::assert_snapshot!(play(conversation(&TOOLS), &answer), @r#"
    0: Looking at tests, changes and dependencies. No model is used: this is a deterministic triage.
    0: test_summary {}
    0: changed_files {}
    0: dependency_graph {"query":"summary"}
    0: dependency_graph {"query":"changes"}
    1: list_files {"max":100,"patterns":["README*","*.toml","*.json","*.md","Makefile","src/**"]}
    2: submit_analysis
    This is a deterministic triage; no model was used. Nothing is known about tests: `test_summary` gave no usable answer (out of time). What changed is not known: `changed_files` gave no usable answer (out of time).
    - note (high) tools gave no usable answer
        `test_summary: out of time`, `changed_files: out of time`, `dependency_graph: out of time`
    - note (high) no tool could say anything about tests, changes or dependencies
        files that are there: `README.md`, `src/main.rs`
    > look up in the trace why `test_summary` gave no usable answer
    3: The analysis is submitted. It is a deterministic triage: no model was used, and no patch is proposed.
    - tools gave no usable answer
    - no tool could say anything about tests, changes or dependencies
    "#);
}

#[test]
fn without_tools_it_says_that_it_knows_nothing() {
    insta::assert_snapshot!(play(conversation(&[]), &|_, _| String::new()), @"0: This is a deterministic triage; no model was used. Nothing is known about tests: the step does not offer `test_summary`. What changed is not known: the step does not offer `changed_files`.");
}

#[test]
fn asked_for_an_end_it_submits_what_it_has() {
    let mut asked = conversation(&TOOLS);
    used(&mut asked, "test_summary", &json!({}), broken_project("test_summary", &json!({})));
    assert!(matches!(reply(&asked).as_slice(), [ReplyPart::Text(_), ReplyPart::Call { .. }, ..]));
    asked.items.push(message("user", "The budget is nearly used up."));
    let parts = reply(&asked);
    assert!(
        matches!(parts.as_slice(), [ReplyPart::Call { name, .. }] if name == SUBMIT),
        "{parts:?}"
    );
}

#[test]
fn a_refused_submission_is_not_repeated() {
    let mut asked = conversation(&TOOLS);
    used(&mut asked, SUBMIT, &json!({}), json!({ "error": "no `summary`" }).to_string());
    let parts = reply(&asked);
    let [ReplyPart::Text(text)] = parts.as_slice() else { panic!("{parts:?}") };
    assert!(text.starts_with("The host did not take the analysis: no `summary`."), "{text}");
}
