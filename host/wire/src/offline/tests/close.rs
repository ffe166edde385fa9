//! Failures tied to the change around them, and runs of the tests that left little to read.

use serde_json::{Value, json};

use super::{Conversation, TOOLS, conversation, play, used};
use crate::offline::facts::Facts;
use crate::offline::look;
use crate::offline::seen::Seen;

/// One failure of a test at a line, in a project of which `diff` is the change.
struct Project {
    test: (&'static str, u64, &'static str),
    changed: Vec<(&'static str, Vec<(u64, u64)>)>,
    diff: &'static str,
    files: Vec<(&'static str, String)>,
    rerun: &'static [&'static str],
}

impl Project {
    fn answer(&self, tool: &str, arguments: &Value) -> String {
        let file = |(path, hunks): &(&str, Vec<(u64, u64)>)| {
            let hunk = |(start, lines): &(u64, u64)| json!({ "start": start, "lines": lines });
            let hunks: Vec<Value> = hunks.iter().map(hunk).collect();
            json!({ "path": path, "status": "modified", "added": 1, "removed": 1, "hunks": hunks })
        };
        let (path, line, name) = self.test;
        let answer = match tool {
            "test_summary" => json!({
                "verdict": "failed",
                "summary": { "tests": 1, "passed": 0, "failed": 1, "errors": 0, "skipped": 0 },
                "reports": [{}],
                "failures": [{
                    "id": name, "suite": "", "name": name, "file": path, "line": line,
                    "message": "assertion `left == right` failed", "trace": []
                }],
                "rerun": self.rerun,
            }),
            "changed_files" => {
                let files: Vec<Value> = self.changed.iter().map(file).collect();
                json!({ "base": "main", "files": files, "diff": self.diff })
            }
            "read_file" => return read(&self.files, arguments).to_string(),
            _ => json!({ "error": "not here" }),
        };
        answer.to_string()
    }
}

/// What `read_file` says of one of `files`.
fn read(files: &[(&str, String)], arguments: &Value) -> Value {
    let Some((path, text)) = files.iter().find(|(path, _)| arguments["path"] == *path) else {
        return json!({ "error": "no such file" });
    };
    let lines: Vec<&str> = text.lines().collect();
    let index = |key: &str| arguments[key].as_u64().map(|line| usize::try_from(line).unwrap());
    let first = index("start_line").unwrap_or(1);
    let mut last = index("end_line").unwrap_or(lines.len()).min(lines.len());
    if let Some(room) = index("max_bytes").filter(|room| *room < text.len()) {
        last = text[..room].lines().count();
    }
    let shown = lines.get(first - 1..last).unwrap_or_default().join("\n");
    json!({
        "path": path, "start_line": first, "text": shown, "total_lines": lines.len(),
        "total_bytes": text.len(), "truncated": last < lines.len()
    })
}

const TOOLS_WITHOUT_PACKAGES: [&str; 3] = ["test_summary", "changed_files", "read_file"];

/// What is said of the suspects, and every next step.
fn tied(project: &Project) -> String {
    let said = play(conversation(&TOOLS_WITHOUT_PACKAGES), &|tool, arguments| {
        project.answer(tool, arguments)
    });
    let steps = said.split_once("Next steps:").map_or("", |(_, steps)| steps.trim_start());
    let is_told = |line: &&str| line.starts_with("- warning") || line.contains("tie");
    let warnings: Vec<&str> = said.lines().filter(is_told).collect();
    format!("{}\n{steps}", warnings.join("\n"))
}

/// The monorepo in which `rs::double` was broken, `above` lines below its first line.
fn monorepo(diff: &'static str, start: u64, above: usize) -> Project {
    let math = format!(
        "pub fn triple(x: i32) -> i32 {{\n    x * 3 + 0\n}}\n\npub fn double(x: i32) -> i32 {{\n{}    x * 3\n}}\n",
        "    // Doubles.\n".repeat(above)
    );
    let test = "#[test]\nfn adds() {\n    assert_eq!(rs::triple(1), 3);\n}\n\n\
                #[test]\nfn doubles() {\n    assert_eq!(rs::double(4), 8);\n}\n";
    Project {
        test: ("svc/rs/tests/t.rs", 8, "doubles"),
        changed: vec![
            ("svc/rs/src/math.rs", vec![(2, 1), (start, 1)]),
            ("svc/go/sum.go", vec![(1, 1)]),
        ],
        diff,
        files: vec![("svc/rs/src/math.rs", math), ("svc/rs/tests/t.rs", test.to_owned())],
        rerun: &["cargo test -- --exact doubles"],
    }
}

#[test]
fn a_change_within_a_function_is_tied_to_the_test_that_calls_it() {
    let diff = "--- a/svc/rs/src/math.rs\n+++ b/svc/rs/src/math.rs\n@@ -1,7 +1,7 @@\n \
                pub fn triple(x: i32) -> i32 {\n-    x * 3\n+    x * 3 + 0\n }\n \n \
                pub fn double(x: i32) -> i32 {\n-    x * 2\n+    x * 3\n }\n";
    insta::assert_snapshot!(tied(&monorepo(diff, 6, 0)), @"
    2: This is a deterministic triage; no model was used. 1 test in 1 report: 0 passed, 1 failed. Against `main`, 2 files changed (+2 −2 lines). The change with the strongest tie to a failure is `svc/rs/src/math.rs` (medium confidence). Whether these tests passed before the change is not known.
    - warning: the change in `svc/rs/src/math.rs` has ties to 1 failure (its change in line 6 is about `double`, which `doubles` mentions)
    - run `cargo test -- --exact doubles`
    - open `svc/rs/tests/t.rs:8`, where `doubles` fails
    - review the change in `svc/rs/src/math.rs`, around line 6
    - for a reading of the code itself, run the step with a model
    ");
}

#[test]
fn a_function_that_begins_above_the_diff_is_read_from_the_file() {
    let diff = "--- a/svc/rs/src/math.rs\n+++ b/svc/rs/src/math.rs\n@@ -22,5 +22,5 @@\n \
                \u{20}   // Doubles.\n     // Doubles.\n     // Doubles.\n-    x * 2\n+    x * 3\n }\n";
    insta::assert_snapshot!(tied(&monorepo(diff, 25, 19)), @"
    2: This is a deterministic triage; no model was used. 1 test in 1 report: 0 passed, 1 failed. Against `main`, 2 files changed (+2 −2 lines). The change with the strongest tie to a failure is `svc/rs/src/math.rs` (medium confidence). Whether these tests passed before the change is not known.
    - warning: the change in `svc/rs/src/math.rs` has ties to 1 failure (its change in line 25 is about `double`, which `doubles` mentions)
    - run `cargo test -- --exact doubles`
    - open `svc/rs/tests/t.rs:8`, where `doubles` fails
    - review the change in `svc/rs/src/math.rs`, around line 25
    - for a reading of the code itself, run the step with a model
    ");
}

#[test]
fn each_language_says_in_its_way_what_a_change_lies_within() {
    let cases = [
        (
            "a.py",
            "class Cart:\n    def total(self):\n        x = 1\n        return x\n",
            4,
            "total",
        ),
        ("a.go", "func (c *Cart) Total(x int) int {\n\treturn 1\n}\n", 2, "Total"),
        ("a.ts", "export const total = (x: number) => {\n  return 1;\n};\n", 2, "total"),
        (
            "a.js",
            "class Cart {\n  total(x) {\n    if (x) {\n      return 1;\n    }\n  }\n}\n",
            4,
            "total",
        ),
        (
            "A.java",
            "class Cart {\n  public static int total(int x) {\n    return 1;\n  }\n}\n",
            3,
            "total",
        ),
        ("a.rb", "class Cart\n  def self.total(x)\n    1\n  end\nend\n", 3, "total"),
        (
            "a.rs",
            "impl<T: Any> Sum for cart::Cart<T>\nwhere\n    T: Copy,\n{\n    const A: u8 = 1;\n}\n",
            5,
            "Cart",
        ),
        (
            "a.rs",
            "fn total(\n    x: u8,\n) -> u8 {\n    // The class of it.\n    x\n}\n",
            5,
            "total",
        ),
        ("a.c", "static int total(int x)\n{\n    return 1;\n}\n", 3, "-"),
        ("a.py", "def total():\n    pass\n\nLIMIT = 1\n", 4, "-"),
    ];
    for (path, text, line, expected) in cases {
        let mut asked = conversation(&["changed_files", "read_file"]);
        let hunks = [json!({ "start": line, "lines": 1 })];
        let changes = json!({ "base": "b", "files": [{ "path": path, "hunks": hunks }] });
        used(&mut asked, "changed_files", &json!({}), changes.to_string());
        let source = json!({ "path": path, "start_line": 1, "text": text });
        used(&mut asked, "read_file", &json!({ "path": path }), source.to_string());
        let facts = Facts::of(&Seen::of(&asked));
        let about = &facts.changes.as_ref().unwrap().files[0].about;
        let innermost = about.iter().max_by_key(|(_, about)| about.indent);
        assert_eq!(innermost.map_or("-", |(name, _)| name), expected, "{path}: {text}");
    }
}

#[test]
fn without_a_tie_the_changed_source_of_the_package_is_named_as_no_more_than_that() {
    let mut project = monorepo("", 6, 0);
    project.files.remove(0);
    insta::assert_snapshot!(tied(&project), @"
    2: This is a deterministic triage; no model was used. 1 test in 1 report: 0 passed, 1 failed. Against `main`, 2 files changed (+2 −2 lines). No changed file could be tied to a failure by trace, place or name; `svc/rs/src/math.rs` is changed source of the same package (low confidence). Whether these tests passed before the change is not known.
    - warning: `svc/rs/src/math.rs` changed, in the package of 1 failure (it is source of the same package as `doubles` (`svc/rs`); nothing else ties them)
    - run `cargo test -- --exact doubles`
    - open `svc/rs/tests/t.rs:8`, where `doubles` fails
    - review the change in `svc/rs/src/math.rs`, around line 2
    - for a reading of the code itself, run the step with a model
    ");
}

#[test]
fn cargo_is_not_suggested_for_what_is_not_rust_nor_are_our_own_files() {
    let project = Project {
        test: ("web/sum.test.ts", 3, "sums"),
        changed: vec![(".stepwell/sums.ts", vec![(1, 1)]), ("svc/rs/src/math.rs", vec![(2, 1)])],
        diff: "",
        files: vec![],
        rerun: &["cargo test -- --exact sums", "npx jest sums"],
    };
    insta::assert_snapshot!(tied(&project), @"
    2: This is a deterministic triage; no model was used. 1 test in 1 report: 0 passed, 1 failed. Against `main`, 1 file changed (+1 −1 lines). No changed file could be tied to a failure by trace, place or name. Whether these tests passed before the change is not known.
    - run `npx jest sums`
    - for a reading of the code itself, run the step with a model
    ");
}

#[test]
fn no_more_than_five_changed_files_are_read() {
    let project = Project {
        test: ("svc/rs/tests/t.rs", 8, "doubles"),
        changed: ["a", "b", "c", "d", "e", "f", "g"]
            .map(|name| {
                (&*format!("z/{name}.rs").leak(), vec![(u64::MAX, u64::MAX), (900, 9), (1, 1)])
            })
            .to_vec(),
        diff: "",
        files: vec![],
        rerun: &[],
    };
    let mut asked = conversation(&TOOLS_WITHOUT_PACKAGES);
    for tool in ["test_summary", "changed_files"] {
        used(&mut asked, tool, &json!({}), project.answer(tool, &json!({})));
    }
    let seen = Seen::of(&asked);
    let asks = look::next(&seen, &Facts::of(&seen));
    let paths: Vec<String> = asks.iter().map(|ask| ask.arguments.to_string()).collect();
    insta::assert_snapshot!(paths.join("\n"), @r#"
    {"end_line":28,"path":"svc/rs/tests/t.rs","start_line":1}
    {"end_line":600,"path":"z/a.rs","start_line":1}
    {"end_line":600,"path":"z/b.rs","start_line":1}
    {"end_line":600,"path":"z/c.rs","start_line":1}
    {"end_line":600,"path":"z/d.rs","start_line":1}
    {"end_line":600,"path":"z/e.rs","start_line":1}
    "#);
}

/// A step that ran the tests itself.
fn after_run(run: &Value) -> Conversation {
    let mut asked = conversation(&TOOLS);
    used(&mut asked, "project_tests", &json!({}), run.to_string());
    used(
        &mut asked,
        "changed_files",
        &json!({}),
        json!({ "base": "main", "files": [] }).to_string(),
    );
    used(&mut asked, "dependency_graph", &json!({}), json!({ "error": "none" }).to_string());
    let changes = json!({ "query": "changes" });
    used(&mut asked, "dependency_graph", &changes, json!({ "error": "none" }).to_string());
    asked
}

fn run(exit_code: Option<u8>, command: &[&str]) -> Value {
    json!({
        "passed": exit_code == Some(0), "exit_code": exit_code, "started": true, "timed_out": false,
        "command": command, "reports": [".stepwell/verify/before/output.txt"]
    })
}

fn played(asked: Conversation, output: &str) -> String {
    let answer = |tool: &str, arguments: &Value| match tool {
        "test_summary" => {
            json!({ "verdict": "no-report", "reports": [], "failures": [] }).to_string()
        }
        _ => read(&[(".stepwell/verify/before/output.txt", output.to_owned())], arguments)
            .to_string(),
    };
    play(asked, &answer)
}

#[test]
fn the_end_of_an_output_that_was_not_understood_is_shown() {
    let output: String = (1..=400).map(|n| format!("line {n} of the output\n")).collect();
    let asked = after_run(&run(Some(3), &["make", "check all", "A=1"]));
    insta::assert_snapshot!(played(asked, &output), @r#"
    0: Looking at tests, changes and dependencies. No model is used: this is a deterministic triage.
    0: test_summary {}
    1: read_file {"max_bytes":4096,"path":".stepwell/verify/before/output.txt"}
    2: read_file {"end_line":400,"path":".stepwell/verify/before/output.txt","start_line":381}
    3: submit_analysis
    This is a deterministic triage; no model was used. No test report was found. The test command `make 'check all' A=1` failed (exit 3). Against `main`, 0 files changed (+0 −0 lines).
    - error (high) the test command failed (exit 3), and its output was not understood
        the command is `make 'check all' A=1`; its output ends with: line 381 of the output | line 382 of the output | line 383 of the output | line 384 of the output | line 385 of the output | line 386 of the output | line 387 of the output | line 388 of the output | line 389 of the output | line 390 of the output | line 391 of the output | line 392 of the output | line 393 of the output | line 394 of the output | line 395 of the output | line 396 of the output | line 397 of the output | line 398 of the output | line 399 of the output | line 400 of the output
        file: ".stepwell/verify/before/output.txt"
    - note (high) tools gave no usable answer
        `dependency_graph: none`
    > look at the output of the test command in `.stepwell/verify/before/output.txt`
    > run `make 'check all' A=1`
    4: The analysis is submitted. It is a deterministic triage: no model was used, and no patch is proposed.
    - the test command failed (exit 3), and its output was not understood
    - tools gave no usable answer
    "#);
}

#[test]
fn a_run_says_how_it_ended_and_nobody_is_told_to_run_the_tests() {
    let mut late = run(None, &["make"]);
    late["timed_out"] = true.into();
    let mut absent = run(None, &["it's"]);
    absent["started"] = false.into();
    absent["reports"] = json!([]);
    let mut said = String::new();
    for run in [late, absent, run(None, &["make"]), run(Some(0), &["make"])] {
        said.push_str(&played(after_run(&run), "a\n\nb\n"));
        said.push('\n');
    }
    assert!(!said.contains("before this step"), "{said}");
    insta::assert_snapshot!(said, @r#"
    0: Looking at tests, changes and dependencies. No model is used: this is a deterministic triage.
    0: test_summary {}
    1: read_file {"max_bytes":4096,"path":".stepwell/verify/before/output.txt"}
    2: submit_analysis
    This is a deterministic triage; no model was used. No test report was found. The test command `make` ran out of time. Against `main`, 0 files changed (+0 −0 lines).
    - error (high) the test command ran out of time
        the command is `make`; its output ends with: a | b
        file: ".stepwell/verify/before/output.txt"
    - note (high) tools gave no usable answer
        `dependency_graph: none`
    > look in `.stepwell/verify/before/output.txt` at what the test command did until its time ran out
    > run `make`
    3: The analysis is submitted. It is a deterministic triage: no model was used, and no patch is proposed.
    - the test command ran out of time
    - tools gave no usable answer

    0: Looking at tests, changes and dependencies. No model is used: this is a deterministic triage.
    0: test_summary {}
    1: submit_analysis
    This is a deterministic triage; no model was used. No test report was found. The test command could not be started. Against `main`, 0 files changed (+0 −0 lines).
    - error (high) the test command could not be started
        the command is the one that the step sets; it left no output to read
    - note (high) tools gave no usable answer
        `dependency_graph: none`
    > see that the test command of the step's `[verify]` can be started where the step runs
    2: The analysis is submitted. It is a deterministic triage: no model was used, and no patch is proposed.
    - the test command could not be started
    - tools gave no usable answer

    0: Looking at tests, changes and dependencies. No model is used: this is a deterministic triage.
    0: test_summary {}
    1: read_file {"max_bytes":4096,"path":".stepwell/verify/before/output.txt"}
    2: submit_analysis
    This is a deterministic triage; no model was used. No test report was found. The test command `make` failed (it was ended from outside). Against `main`, 0 files changed (+0 −0 lines).
    - error (high) the test command failed (it was ended from outside), and its output was not understood
        the command is `make`; its output ends with: a | b
        file: ".stepwell/verify/before/output.txt"
    - note (high) tools gave no usable answer
        `dependency_graph: none`
    > look at the output of the test command in `.stepwell/verify/before/output.txt`
    > run `make`
    3: The analysis is submitted. It is a deterministic triage: no model was used, and no patch is proposed.
    - the test command failed (it was ended from outside), and its output was not understood
    - tools gave no usable answer

    0: Looking at tests, changes and dependencies. No model is used: this is a deterministic triage.
    0: test_summary {}
    1: submit_analysis
    This is a deterministic triage; no model was used. No test report was found. The test command `make` passed. Against `main`, 0 files changed (+0 −0 lines).
    - note (high) tools gave no usable answer
        `dependency_graph: none`
    2: The analysis is submitted. It is a deterministic triage: no model was used, and no patch is proposed.
    - tools gave no usable answer
    "#);
}

#[test]
fn the_command_of_the_step_is_the_one_to_run_again() {
    let project = monorepo("", 6, 0);
    let mut asked = conversation(&TOOLS_WITHOUT_PACKAGES);
    used(&mut asked, "project_tests", &json!({}), run(Some(1), &["make", "test"]).to_string());
    let said = play(asked, &|tool, arguments| project.answer(tool, arguments));
    assert!(said.contains("- run `make test`\n"), "{said}");
    assert!(!said.contains("cargo test") && !said.contains("not understood"), "{said}");
}

#[test]
fn a_build_that_fails_is_said_once_and_a_lock_file_that_is_lost_is_a_warning() {
    let answer = |tool: &str, arguments: &Value| {
        match (tool, arguments["query"].as_str()) {
        ("test_summary", _) => json!({
            "verdict": "error", "reports": [{}],
            "failures": [{
                "id": "x", "suite": "rustc", "name": "error[E0425]: no `x`", "kind": "error",
                "message": "error[E0425]: no `x`", "file": "src/lib.rs", "line": 3
            }],
        })
        .to_string(),
        ("dependency_graph", None | Some("summary")) => json!({
            "lockfiles": [], "packages": 0,
            "warnings": [
                { "path": "Cargo.lock", "line": 4, "reason": "not TOML" },
                { "path": "x/package-lock.json", "reason": "left out because it lies under `x`; ask for it" }
            ]
        })
        .to_string(),
        _ => json!({ "error": "not here" }).to_string(),
    }
    };
    insta::assert_snapshot!(play(conversation(&["test_summary", "dependency_graph", "submit_analysis"]), &answer), @r#"
    0: Looking at tests, changes and dependencies. No model is used: this is a deterministic triage.
    0: test_summary {}
    0: dependency_graph {"query":"summary"}
    0: dependency_graph {"query":"changes"}
    1: submit_analysis
    This is a deterministic triage; no model was used. 0 tests in 1 report: 0 passed. What changed is not known: the step does not offer `changed_files`. 0 lock files with 0 packages.
    - error (high) the build fails: error[E0425]: no `x`
        the compiler's message, as the report has it
        file: "src/lib.rs"
        line: 3
    - warning (high) lock files could not be read completely
        `Cargo.lock: not TOML`
    - note (high) tools gave 1 warning
        `x/package-lock.json: left out because it lies under 'x'; ask for it`
    - note (high) tools gave no usable answer
        `dependency_graph: not here`
    > open `src/lib.rs:3`, where the build fails
    > for a reading of the code itself, run the step with a model
    2: The analysis is submitted. It is a deterministic triage: no model was used, and no patch is proposed.
    - the build fails: error[E0425]: no `x`
    - lock files could not be read completely
    - tools gave 1 warning
    - tools gave no usable answer
    "#);
}
