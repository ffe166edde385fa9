//! What gates say, as a person and a machine read it; and which names never pass.

use super::*;
use crate::{
    FileChange, NameProblem, Patch, PathProblem, RuleSpec, TestRun, Then, ThenSpec, judge_tests,
};

fn judged(text: &str) -> Judgement {
    let spec = RuleSpec { files_max: 2, lines_max: 3, ..RuleSpec::default() };
    let rules = Rules::new(&spec).unwrap();
    match Patch::parse(text).map(Patch::validate) {
        Err(err) => Judgement::from(&err),
        Ok(Err(err)) => Judgement::from(&err),
        Ok(Ok(patch)) => judge(&patch, &rules),
    }
}

/// A judgement, one verdict a line.
fn shown(text: &str) -> String {
    let judgement = judged(text);
    let line = |verdict: &Verdict| {
        let Verdict { gate, ruling, because, .. } = verdict;
        format!("{ruling:<8} {gate}: {because}\n")
    };
    let lines: String = judgement.verdicts.iter().map(line).collect();
    format!("{lines}all: {}", judgement.ruling())
}

fn new_file(path: &str, lines: usize) -> String {
    format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{lines} @@\n{}", "+x\n".repeat(lines))
}

#[test]
fn a_small_patch_of_ordinary_files_passes() {
    insta::assert_snapshot!(shown(&(new_file("src/a.rs", 2) + &new_file("src/b.rs", 1))), @"
    pass     patch-valid: 2 files can be read, and every name is plain
    pass     files-max: 2 files, the most is 2
    pass     lines-max: 3 changed lines, the most is 3
    pass     protected-paths: no protected path
    pass     hidden-characters: no file with hidden characters
    pass     secrets: no secret that is known, or looks like one
    all: pass
    ");
}

#[test]
fn every_gate_speaks_whatever_the_others_say() {
    let text = new_file("Cargo.lock", 2)
        + &new_file(".github/workflows/x.yml", 1)
        + "diff --git a/AGENTS.md b/docs/package.json\nrename from AGENTS.md\nrename to docs/package.json\n"
        + "diff --git a/src/x.rs b/src/x.rs\n--- a/src/x.rs\n+++ b/src/x.rs\n@@ -1,2 +1,2 @@\n \u{202e}kept\n-x\n+\u{2066}y\n";
    insta::assert_snapshot!(shown(&text), @"
    pass     patch-valid: 4 files can be read, and every name is plain
    refuse   files-max: 5 files, the most is 2
    refuse   lines-max: 5 changed lines, the most is 3
    refuse   protected-paths: 4 protected paths: `Cargo.lock`, `.github/workflows/x.yml`, `AGENTS.md` and 1 more; a step may touch them only if its rules allow them by name
    refuse   hidden-characters: 1 file with hidden characters: `src/x.rs`; characters that change the direction of text, or show nothing, make code look like other code
    pass     secrets: no secret that is known, or looks like one
    all: refuse
    ");
}

#[test]
fn what_cannot_be_judged_is_refused_by_the_first_gate() {
    insta::assert_snapshot!(shown("no patch"), @"
    refuse   patch-valid: line 1: found `no patch`, expected `diff --git a/path b/path`, or `--- a/path`
    all: refuse
    ");
    insta::assert_snapshot!(shown(&new_file("../\u{202e}x", 1)), @r"
    refuse   patch-valid: `../\u{202e}x`: the name has an invisible character, or one that changes the direction of text
    all: refuse
    ");
}

#[test]
fn ceilings_hold_at_the_number_itself() {
    let lines_pass = |lines| judged(&new_file("a", lines)).verdicts[2].ruling == Ruling::Pass;
    assert_eq!([2, 3, 4].map(lines_pass), [true, true, false]);
    let files_pass = |n| {
        judged(&(0..n).map(|n| new_file(&n.to_string(), 1)).collect::<String>()).verdicts[1].ruling
            == Ruling::Pass
    };
    assert_eq!([1, 2, 3].map(files_pass), [true, true, false]);
}

#[test]
fn a_verdict_is_plain_data() {
    let json =
        serde_json::to_string_pretty(&judged(&new_file("Cargo.lock", 1)).verdicts[3]).unwrap();
    insta::assert_snapshot!(json, @r#"
    {
      "gate": "protected-paths",
      "ruling": "refuse",
      "found": 1,
      "allowed": 0,
      "because": "1 protected path: `Cargo.lock`; a step may touch them only if its rules allow them by name",
      "paths": [
        "Cargo.lock"
      ]
    }
    "#);
}

#[test]
fn a_finding_means_what_the_rules_say() {
    let asks = Then::Approval;
    let then = ThenSpec {
        files_max: asks,
        lines_max: asks,
        protected_paths: asks,
        hidden_characters: asks,
        tests: asks,
    };
    let spec = RuleSpec { files_max: 0, lines_max: 0, then, ..RuleSpec::default() };
    let text = new_file("Cargo.lock", 1).replace("+x", "+\u{e0041}x");
    let patch = Patch::parse(&text).unwrap().validate().unwrap();
    let rulings = |judgement: Judgement| {
        let all = judgement.verdicts.into_iter();
        all.map(|verdict| format!("{} {}", verdict.gate, verdict.ruling)).collect::<Vec<_>>()
    };
    let asked = judge(&patch, &Rules::new(&spec).unwrap());
    assert_eq!(asked.ruling(), Ruling::Approval);
    insta::assert_snapshot!(rulings(asked).join(", "), @"patch-valid pass, files-max approval, lines-max approval, protected-paths approval, hidden-characters approval, secrets pass");
}

#[test]
fn verdicts_stand_in_the_order_of_the_gates_whenever_they_come() {
    let rules = Rules::new(&RuleSpec::default()).unwrap();
    let ran = TestRun { ran: true, passed: true, numbers: None };
    let tests = judge_tests(None, &ran, &rules);
    let dependencies = crate::judge_dependencies(&crate::Dependencies::Untouched, &rules);
    let all = judged(&new_file("a", 1)).with(tests.clone()).with(dependencies).with(tests);
    let names: Vec<_> = all.verdicts.iter().map(|verdict| verdict.gate).collect();
    assert_eq!(names, GateName::ALL);
}

#[test]
fn a_hidden_character_is_told_with_its_line() {
    let text = "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n-b\n+b\n+\u{2066}c\n@@ -9 +10,2 @@\n z\n+\u{e0041}\n";
    let places = &judged(text).verdicts[4].places;
    let places: Vec<_> = places.iter().map(|place| (place.line, place.what.as_str())).collect();
    assert_eq!(places, [(Some(3), "the character U+2066"), (Some(11), "the character U+E0041")]);
}

/// What is said about a file of this name.
fn complaint(path: &str) -> Option<PathProblem> {
    let patch =
        Patch { files: vec![FileChange::Add { path: path.into(), content: String::new() }] };
    patch.validate().err().map(|err| err.complaints()[0].1.clone())
}

#[test]
fn names_that_mean_another_place_are_refused() {
    use NameProblem::{
        Absolute, Backslash, Colon, Control, Dots, DroppedEnd, Empty, EmptyPart, Git, Internal,
        Invisible, ShortAlias, TooLong,
    };
    let long_part = "x".repeat(256);
    let long_path = "x/".repeat(512) + "x";
    let table = [
        ("", Empty),
        ("/etc/passwd", Absolute),
        ("\\\\host\\share", Absolute),
        ("C:/x", Absolute),
        ("c:x", Absolute),
        ("a//b", EmptyPart),
        ("a/", EmptyPart),
        (".", Dots),
        ("./a", Dots),
        ("a/../b", Dots),
        ("..", Dots),
        ("a\\..\\b", Backslash),
        (".git/config", Git),
        (".GIT/config", Git),
        ("a/.git/hooks/pre-commit", Git),
        (".git", Git),
        (".git./config", Git),
        (".git . ./config", Git),
        (".git::$INDEX_ALLOCATION/config", Git),
        ("GIT~1/config", Git),
        ("git~2", Git),
        (".g\u{200c}it/config", Invisible),
        (".\u{feff}git/config", Invisible),
        ("a\u{202e}txt.exe", Invisible),
        ("a\u{2066}b", Invisible),
        ("a\u{e0041}b", Invisible),
        ("a\nb", Control),
        ("a\u{1b}[0m", Control),
        ("a\u{85}b", Control),
        (".stepwell/steps/x.toml", Internal),
        (".Stepwell/x", Internal),
        (".\u{17f}tepwell/x", Internal),
        (".stepwell./x", Internal),
        (".github./workflows/x.yml", DroppedEnd),
        ("a /b", DroppedEnd),
        ("a:stream", Absolute),
        ("ab:stream", Colon),
        ("GITHUB~1/workflows/x.yml", ShortAlias),
        ("CODEOW~1", ShortAlias),
        ("PACKAG~1.JSO", ShortAlias),
        (&long_part, TooLong),
        (&long_path, TooLong),
    ];
    for (path, problem) in table {
        assert_eq!(complaint(path), Some(PathProblem::Name(problem)), "{path:?}");
    }
}

#[test]
fn unusual_but_plain_names_are_taken() {
    for path in [
        "a",
        ".gitignore",
        "a b/c d",
        "été.txt",
        "..a",
        "a..b",
        "...x",
        "git",
        "-f",
        "a~1b",
        "日本語",
    ] {
        assert_eq!(complaint(path), None, "{path:?}");
    }
}

#[test]
fn names_that_collide_are_refused_together() {
    let complaints = |paths: &[(&str, Option<&str>)]| {
        let file = |(path, to): &(&str, Option<&str>)| match to {
            None => FileChange::Add { path: (*path).to_owned(), content: String::new() },
            Some(to) => {
                FileChange::Rename { from: (*path).to_owned(), to: (*to).to_owned(), hunks: vec![] }
            }
        };
        let patch = Patch { files: paths.iter().map(file).collect() };
        patch.validate().map_or_else(|err| err.to_string(), |_| "valid".to_owned())
    };
    let found = [
        complaints(&[("a", None), ("b", None), ("d/a", None), ("d/b", None)]),
        complaints(&[("a", None), ("a", None)]),
        complaints(&[("a", Some("a"))]),
        complaints(&[("a", Some("b")), ("b", Some("c"))]),
        complaints(&[("Readme", Some("README"))]),
        complaints(&[("src/a", None), ("Src/b", None)]),
        complaints(&[("straße", None), ("STRASSE", None)]),
        complaints(&[("a", None), ("a/b", None)]),
        complaints(&[("a/b", None), ("a", None)]),
        complaints(&[("../x", None), (".git/y", None)]),
    ];
    insta::assert_snapshot!(found.join("\n"), @"
    valid
    `a`: the path is changed twice; put all changes of a file into one
    `a`: the path is changed twice; put all changes of a file into one
    `b`: the path is changed twice; put all changes of a file into one
    `README`: the path differs from `Readme` only by case
    `Src/b`: the path differs from `src` only by case
    `STRASSE`: the path differs from `straße` only by case
    `a/b`: the path is both a file and a directory in this patch
    `a`: the path is both a file and a directory in this patch
    `../x`: the name has `.` or `..` in it; write the plain path; `.git/y`: the name leads into git's own directory
    ");
}
