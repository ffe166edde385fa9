//! Tools that answer with anything at all: the analyst ends, in bounds, with plain words.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Conversation, TOOLS, conversation, play, used};

/// Every key that an answer is asked for.
const KEYS: &[&str] = &[
    "verdict",
    "summary",
    "tests",
    "failed",
    "failures",
    "reports",
    "rerun",
    "warnings",
    "name",
    "id",
    "suite",
    "message",
    "file",
    "line",
    "trace",
    "files",
    "base",
    "path",
    "status",
    "added",
    "removed",
    "hunks",
    "start",
    "lines",
    "diff",
    "lockfiles",
    "packages",
    "duplicates",
    "versions",
    "base_present",
    "changed",
    "from",
    "to",
    "version",
    "lockfile",
    "matches",
    "text",
    "start_line",
    "error",
    "passed",
    "started",
    "timed_out",
    "exit_code",
    "command",
    "total_lines",
    "total_bytes",
    "truncated",
];

/// Texts that mean something in an answer, or try to.
const TEXTS: &[&str] = &[
    "failed",
    "src/a.rs",
    "../../etc/passwd",
    "/abs/src/a.rs",
    "src/a.rs:7:1",
    "tests::a_test",
    "a\u{202e}b\u{1b}[31m",
    "--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1 +1 @@ fn a_test() {\n+fn other() {}\n",
    "",
    "::error::x\n",
];

/// JSON of the shapes that the tools have, and of all that they have not.
fn any_answer() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_u64..9).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::sample::select(TEXTS).prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 120, 8, |inner| {
        let key = proptest::sample::select(KEYS);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..10).prop_map(|map| map
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

/// What nobody may find in an analysis.
fn is_unprintable(c: char) -> bool {
    (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c)
}

#[track_caller]
fn check_ends_well(tools: &[&str], answer: &dyn Fn(&str, &Value) -> String) {
    check_conversation(conversation(tools), tools, answer);
}

#[track_caller]
fn check_conversation(
    asked: Conversation,
    tools: &[&str],
    answer: &dyn Fn(&str, &Value) -> String,
) {
    let said = play(asked, answer);
    assert!(said.len() < 100_000, "{} bytes", said.len());
    assert!(!said.contains(is_unprintable), "{said:?}");
    assert!(said.contains("no model was used"), "{said}");
    for line in said.lines().filter(|line| line.contains(" {\"")) {
        assert!(tools.iter().any(|tool| line.contains(tool)), "not offered: {line}");
        assert!(!line.contains("..") && !line.contains("\"/"), "not a plain path: {line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever the tools say: it ends, in bounds, with printable words and offered tools.
    #[test]
    fn no_answer_of_a_tool_can_disturb_it(
        answers in proptest::collection::vec(any_answer(), 4..8),
        tools in proptest::sample::subsequence(TOOLS.to_vec(), 0..=TOOLS.len()),
    ) {
        let answer = |tool: &str, arguments: &Value| {
            let number = tool.len() + arguments.to_string().len();
            answers[number % answers.len()].to_string()
        };
        check_ends_well(&tools, &answer);
    }

    /// Nor can what the host says of its own run of the tests.
    #[test]
    fn no_run_of_the_tests_can_disturb_it(
        run in any_answer(),
        answers in proptest::collection::vec(any_answer(), 4..8),
        bits in any::<(bool, bool, bool)>(),
    ) {
        let mut run = run.as_object().cloned().unwrap_or_default();
        let flags = [("passed", bits.0), ("started", bits.1), ("timed_out", bits.2)];
        run.extend(flags.map(|(key, flag)| (key.to_owned(), flag.into())));
        run.insert("reports".to_owned(), json!(["../x", "out.txt"]));
        let run = Value::Object(run);
        let mut asked = conversation(&TOOLS);
        used(&mut asked, "project_tests", &json!({}), run.to_string());
        let answer = |tool: &str, arguments: &Value| {
            let number = tool.len() + arguments.to_string().len();
            answers[number % answers.len()].to_string()
        };
        check_conversation(asked, &TOOLS, &answer);
    }
}

#[test]
fn answers_that_are_huge_deep_or_no_json_are_reported_as_such() {
    let deep = "[".repeat(100_000);
    let huge = format!("{{\"verdict\":\"{}\"}}", "x".repeat(5 << 20));
    let failure = json!({
        "id": "t",
        "name": "n".repeat(50_000),
        "message": "m".repeat(50_000),
        "file": "f".repeat(50_000),
        "line": u64::MAX,
        "trace": vec!["a.rs:1"; 20_000]
    });
    let many = json!({ "verdict": "failed", "summary": {}, "failures": vec![failure; 10] });
    let path = |n: u32| {
        let hunks = [json!({ "start": u64::MAX, "lines": u64::MAX })];
        let path = format!("src/{n}.rs");
        json!({ "path": path, "added": u64::MAX, "removed": u64::MAX, "hunks": hunks })
    };
    let paths: Vec<Value> = (0..8_000).map(path).collect();
    let wide = json!({ "base": "b", "files": paths });
    for answer in
        [deep, huge, many.to_string(), wide.to_string(), "\u{0}".to_owned(), String::new()]
    {
        check_ends_well(&TOOLS, &|_, _| answer.clone());
    }
}
