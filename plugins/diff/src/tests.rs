//! The tool's promises, through its JSON.

mod promises;

use serde_json::{Value, json};
use stepwell::repository::Reason;
use stepwell::testing::{Question, Repository};

use crate::{CONTEXT, CONTEXT_MAX, TOKENS, TOKENS_MAX, TOKENS_MIN, TOOL};

/// A change as people make them.
fn repository() -> Repository {
    let numbers = |count: u32| (1..=count).map(|n| format!("line {n}\n")).collect::<String>();
    Repository::new()
        .base("Cargo.lock", "a 1\nb 1\n")
        .file("Cargo.lock", "a 2\nb 1\n")
        .base("README.md", "# A\n")
        .file("README.md", "# A\n")
        .base("logo.png", b"\x89PNG\r\n\x1a\n0")
        .file("logo.png", b"\x89PNG\r\n\x1a\n000")
        .base("run.sh", "echo\n")
        .file("run.sh", "echo\n")
        .executable("run.sh")
        .base("src/gone.rs", "mod gone;\n")
        .base("src/lib.rs", format!("fn first() {{\n{}}}\n", numbers(12)))
        .file(
            "src/lib.rs",
            format!("fn first() {{\n{}}}\n", numbers(12).replace("line 9\n", "9\n")),
        )
        .file("src/new.rs", "fn new() {}")
        .base("src/old/a.rs", numbers(8))
        .file("src/a.rs", numbers(9))
        .base("src/old/b.rs", "the same\n")
        .file("src/b.rs", "the same\n")
        .base("windows.txt", "a\r\nb\r\n")
        .file("windows.txt", "a\nb\n")
        .base("latin.txt", b"na\xefve\n")
        .file("latin.txt", "naïve\n")
        .file(".stepwell/verify/junit.xml", "<testsuites/>")
}

#[track_caller]
fn answer(input: &Value) -> Value {
    said(&repository(), input)
}

#[track_caller]
fn said(repository: &Repository, input: &Value) -> Value {
    paging::said(&TOOL, repository, input)
}

#[track_caller]
fn refused(repository: &Repository, input: &Value) -> String {
    paging::refused(&TOOL, repository, input)
}

/// A line for each file.
fn list(answer: &Value) -> String {
    let files = answer["files"].as_array().unwrap().iter();
    let line = |file: &Value| {
        let fields = file.as_object().unwrap().iter().filter(|(key, _)| *key != "diff");
        let fields: Vec<String> = fields.map(|(key, value)| format!("{key}={value}")).collect();
        fields.join(" ") + "\n"
    };
    files.map(line).collect()
}

#[test]
fn files_that_differ_are_listed_with_what_happened_to_them() {
    let answer = answer(&json!({ "stat": true }));
    insta::assert_snapshot!(list(&answer), @r#"
    about="lock file; name it in `path` to see its lines" added=1 path="Cargo.lock" removed=1 status="modified"
    about="windows-1252 before, utf-8 now" added=0 path="latin.txt" removed=0 status="modified"
    about="before: a PNG image of 9 bytes; now: a PNG image of 11 bytes" path="logo.png" status="modified"
    added=0 mode="+x" path="run.sh" removed=0 status="modified"
    added=1 from="src/old/a.rs" path="src/a.rs" removed=0 similarity=88 status="renamed"
    added=0 from="src/old/b.rs" path="src/b.rs" removed=0 similarity=100 status="renamed"
    added=0 path="src/gone.rs" removed=1 status="deleted"
    added=1 path="src/lib.rs" removed=1 status="modified"
    added=1 path="src/new.rs" removed=0 status="added"
    about="only the line ends changed, from crlf to lf; name it in `path` to see its lines" added=2 path="windows.txt" removed=2 status="modified"
    "#);
    assert_eq!((&answer["total"], &answer["truncated"]), (&json!(10), &json!(false)));
}

#[test]
fn lines_are_shown_as_unified_hunks() {
    let answer = answer(&json!({ "globs": ["src/"], "context": 1 }));
    let diffs = answer["files"].as_array().unwrap().iter().map(|file| {
        format!("{}\n{}", file["path"].as_str().unwrap(), file["diff"].as_str().unwrap_or_default())
    });
    insta::assert_snapshot!(diffs.collect::<String>(), @r#"
    src/a.rs
    @@ -8,1 +8,2 @@ line 7
     line 8
    +line 9
    src/b.rs
    src/gone.rs
    @@ -1,1 +0,0 @@
    -mod gone;
    src/lib.rs
    @@ -9,3 +9,3 @@ line 7
     line 8
    -line 9
    +9
     line 10
    src/new.rs
    @@ -0,0 +1,1 @@
    +fn new() {}
    \ No newline at end of file
    "#);
}

#[test]
fn what_is_hardly_worth_its_lines_is_shown_when_it_is_named() {
    let all = answer(&json!({}));
    let about = |path: &str| {
        let files = all["files"].as_array().unwrap();
        files.iter().find(|file| file["path"] == path).unwrap()["about"].clone()
    };
    insta::assert_json_snapshot!(["Cargo.lock", "windows.txt", "logo.png", "latin.txt"].map(about), @r#"
    [
      "lock file; name it in `path` to see its lines",
      "only the line ends changed, from crlf to lf; name it in `path` to see its lines",
      "before: a PNG image of 9 bytes; now: a PNG image of 11 bytes",
      "windows-1252 before, utf-8 now"
    ]
    "#);
    let named = answer(&json!({ "path": "Cargo.lock" }));
    assert_eq!(named["files"][0]["diff"], "@@ -1,2 +1,2 @@\n-a 1\n+a 2\n b 1\n");
    let named = answer(&json!({ "globs": ["windows.txt"] }));
    assert_eq!(named["files"][0]["diff"], "@@ -1,2 +1,2 @@\n-a\r\n-b\r\n+a\n+b\n");
}

#[test]
fn a_file_that_moved_is_found_by_either_of_its_paths() {
    for path in ["src/old/a.rs", "src/a.rs"] {
        let answer = answer(&json!({ "path": path }));
        assert_eq!(answer["files"][0]["from"], "src/old/a.rs", "{answer}");
        assert_eq!(
            answer["files"][0]["diff"],
            "@@ -6,3 +6,4 @@ line 5\n line 6\n line 7\n line 8\n+line 9\n"
        );
    }
}

#[test]
fn each_file_has_its_share_and_says_what_is_missing() {
    let lines = |count: u32, word: &str| {
        (0..count).map(|n| format!("{word} number {n}\n")).collect::<String>()
    };
    let repository = Repository::new()
        .base("a.rs", "")
        .file("a.rs", lines(1_000, "large"))
        .base("b.rs", "one\n")
        .file("b.rs", "two\n")
        .base("c.rs", lines(500, "gone"))
        .file("c.rs", "");
    let first = said(&repository, &json!({ "max_tokens": 1000 }));
    insta::assert_snapshot!(list(&first), @r#"
    added=1000 cut={"lines":926,"next":{"path":"a.rs","skip":74}} path="a.rs" removed=0 status="modified"
    added=1 path="b.rs" removed=1 status="modified"
    added=0 cut={"lines":422,"next":{"path":"c.rs","skip":78}} path="c.rs" removed=500 status="modified"
    "#);
    let next = &first["files"][0]["cut"]["next"];
    let second = said(&repository, next);
    let diff = second["files"][0]["diff"].as_str().unwrap();
    insta::assert_snapshot!(diff.lines().take(2).collect::<Vec<_>>().join("\n"), @"
    @@ -0,0 +75,926 @@
    +large number 74
    ");
    let beyond = said(&repository, &json!({ "path": "b.rs", "skip": 7 }));
    insta::assert_json_snapshot!(beyond["files"][0]["about"], @r#""`skip` is 7, and its diff has 2 lines""#);
}

#[test]
fn many_files_are_paged_and_the_most_interesting_have_lines() {
    let repository = (0..60).fold(Repository::new().base("z", ""), |repository, n| {
        let place = if n == 59 { "src" } else { "docs" };
        repository.file(&format!("{place}/{n:02}.md"), "some words\n".repeat(40))
    });
    let repository = repository.file("src/a.rs", "fn a() {}\n".repeat(40)).file("z", "");
    let first = said(&repository, &json!({ "max_tokens": 4000 }));
    let files = first["files"].as_array().unwrap();
    assert!(files.len() > 20 && files.len() < 61, "{}", files.len());
    let after = files.last().unwrap()["path"].clone();
    assert_eq!((&first["next"]["after"], &first["total"]), (&after, &json!(61)));
    let stat = said(&repository, &json!({ "stat": true, "max_tokens": 6000 }));
    assert_eq!(stat["files"].as_array().unwrap().len(), 61);
    let rest = said(&repository, &json!({ "after": "docs/57.md", "max_tokens": 1000 }));
    assert!(
        rest["files"][2]["path"] == "src/a.rs" && rest["files"][2]["diff"].is_string(),
        "{rest}"
    );
}

#[test]
fn a_long_line_is_cut() {
    let repository =
        Repository::new().base("a.css", "x".repeat(3_000)).file("a.css", "y".repeat(3_000));
    let answer = said(&repository, &json!({}));
    let diff = answer["files"][0]["diff"].as_str().unwrap();
    assert!(diff.contains("yyy…[2200 bytes cut]\n\\ No newline at end of file\n"), "{diff}");
}

#[test]
fn what_cannot_be_answered_says_what_would_work() {
    let without = Repository::new().file("a.rs", "");
    insta::assert_snapshot!(refused(&without, &json!({})), @"there is no base: the step has nothing to compare with, so nothing can differ; `list_files` and `read_file` show the head");
    let both = repository();
    insta::assert_snapshot!(refused(&both, &json!({ "path": "nowhere.rs" })), @"`nowhere.rs` is neither in base nor in head; `diff` with `stat` lists the files that differ");
    insta::assert_snapshot!(refused(&both, &json!({ "path": "src/old/" })), @"`src/old` is a directory: its files are `src/old/**` in `globs`");
    insta::assert_snapshot!(refused(&both, &json!({ "path": "a", "globs": ["b"] })), @"give `path` or `globs`, not both");
    insta::assert_snapshot!(refused(&both, &json!({ "skip": 3 })), @"`skip` goes with `path`: it leaves out lines of one file's diff");
    insta::assert_snapshot!(refused(&both, &json!({ "globs": ["[a"] })), @"`[a` in the base tree: the pattern cannot be used: error parsing glob '[a': unclosed character class; missing ']'");
    let hints = [
        json!({ "path": "README.md" }),
        json!({ "globs": ["*.md"] }),
        json!({ "globs": ["lib.rs"] }),
        json!({ "after": "zz" }),
    ];
    insta::assert_json_snapshot!(hints.map(|input| answer(&input)["hint"].clone()), @r#"
    [
      "`README.md` is the same in base and head",
      "nothing that matches `globs` differs",
      "`globs` match no file of base or head; a pattern is over the whole path",
      "no file that differs comes after `after`"
    ]
    "#);
    let same = Repository::new().base("a", "b").file("a", "b");
    insta::assert_json_snapshot!(said(&same, &json!({})), @r#"
    {
      "files": [],
      "hint": "base and head do not differ",
      "tokens": 23,
      "total": 0,
      "truncated": false
    }
    "#);
}

#[test]
fn a_repository_that_is_too_large_is_compared_as_far_as_a_host_allows() {
    let repository = (0..4_000).fold(Repository::new(), |repository, n| {
        let path = format!("{}/{n:04}.rs", if n % 2 == 0 { "src" } else { "tests" });
        let changed = if n >= 3_990 { "now\n" } else { "before\n" };
        repository.base(&path, "before\n").file(&path, changed)
    });
    let run = repository.call(&TOOL, r#"{"stat": true}"#);
    let answer: Value = serde_json::from_str(&run.answer.unwrap()).unwrap();
    insta::assert_snapshot!(answer["hint"].as_str().unwrap(), @"1000 files were not compared, since there are too many or they are too large (sources come first); name a part of the repository in `globs`");
    assert_eq!((&answer["total"], &answer["truncated"]), (&json!(5), &json!(true)));
    let questions: std::collections::BTreeSet<_> = run.questions.iter().collect();
    assert!(questions.len() < QUESTIONS_MAX, "{}", questions.len());
}

/// Of a call, by the host's usual limits.
const QUESTIONS_MAX: usize = 10_000;

#[test]
fn what_may_not_be_read_is_said_and_not_guessed() {
    let repository =
        repository().instead("src/lib.rs", Reason::NotGranted("src/lib.rs".to_owned()));
    let answer = said(&repository, &json!({ "globs": ["src/lib.rs"] }));
    insta::assert_json_snapshot!(answer, @r#"
    {
      "files": [],
      "hint": "files that could not be read: 1, the first: `src/lib.rs` in the base tree: the step does not let tools see this: src/lib.rs",
      "tokens": 46,
      "total": 0,
      "truncated": true
    }
    "#);
}

#[test]
fn a_part_of_the_repository_is_compared_without_the_rest() {
    let run = repository().call(&TOOL, r#"{"globs": ["src/lib.rs"]}"#);
    let others = run.questions.iter().filter(|question| match question {
        Question::Read(_, path) | Question::Executable(_, path) => path != "src/lib.rs",
        Question::Glob(..) => false,
        Question::ReadRange(..)
        | Question::Kind(..)
        | Question::Size(..)
        | Question::Stat(..)
        | Question::List(..)
        | Question::Search(..)
        | Question::Variable(_) => true,
    });
    assert_eq!(others.count(), 0, "{:?}", run.questions);
}

#[test]
fn the_model_is_told_what_is_true() {
    let limits = |name: &str| paging::limits(&TOOL, name);
    assert_eq!(limits("context"), [0, CONTEXT_MAX, CONTEXT].map(|limit| json!(limit)));
    assert_eq!(limits("max_tokens"), [TOKENS_MIN, TOKENS_MAX, TOKENS].map(|limit| json!(limit)));
    paging::examples_fit(&TOOL, &repository());
}
