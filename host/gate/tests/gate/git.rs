//! Git agrees: what is accepted here, `git apply` makes the same bytes of. What it takes and we do
//! not is listed.

mod cases;
mod scratch;

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;

use gate::{Applied, Form, Proposal, apply};
use proptest::collection::vec;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use cases::{Case, any_case};
use scratch::{Files, Scratch};

/// Cases that go through git at once: starting it is what takes time.
const BATCH: usize = 100;

const BATCHES: u32 = 30;

/// A case that was accepted.
struct Accepted {
    /// As proposed, or in canonical form.
    read: String,
    settled: String,
    before: Files,
    after: Files,
    /// Whether a hunk was not where it said.
    moved: bool,
}

/// What is made of a proposal, and its canonical text.
fn accept(files: &Files, text: &str) -> Result<(String, Applied), String> {
    let read = |path: &str| Ok(files.get(path).cloned());
    let proposal = Proposal::parse(text).map_err(|err| err.to_string())?;
    let patch = proposal.resolve(&read).map_err(|err| err.to_string())?;
    let canonical = patch.to_diff();
    let valid = patch.validate().map_err(|err| err.to_string())?;
    let applied = apply(&valid, &read).map_err(|err| err.to_string())?;
    Ok((canonical, applied))
}

fn accepted(case: &Case, number: usize) -> Option<Accepted> {
    let folder = format!("c{number}");
    let (before, proposed) = (case.tree(&folder), case.text(&folder));
    let (canonical, applied) = accept(&before, &proposed).ok()?;
    let (mut after, moved) = (before.clone(), !applied.moved.is_empty());
    for (path, bytes) in applied.files {
        match bytes {
            Some(bytes) => after.insert(path, bytes),
            None => after.remove(&path),
        };
    }
    let settled = applied.settled.to_diff();
    // Git reads diffs only.
    let is_diff = Proposal::parse(&proposed).is_ok_and(|read| read.form() == Form::Diff);
    let read = if is_diff && number.is_multiple_of(2) { proposed } else { canonical };
    Some(Accepted { read, settled, before, after, moved })
}

type Text = fn(&Accepted) -> &str;

/// Which text git reads, and with what. Hunks without context need the argument: git cannot tell
/// them from those that must end the file.
const READINGS: [(&str, Text, &[&str]); 2] = [
    ("as it came", |case| &case.read, &["--unidiff-zero"]),
    ("settled", |case| &case.settled, &[]),
];

/// Whether git makes of these cases what we do.
fn agrees(
    scratch: &mut Scratch,
    cases: &[&Accepted],
    text: Text,
    arguments: &[&str],
) -> Result<(), String> {
    let all = |files: fn(&Accepted) -> &Files| -> Files {
        cases.iter().flat_map(|case| files(case).clone()).collect()
    };
    scratch.fill(&all(|case| &case.before));
    let mut all_texts = String::new();
    for case in cases {
        all_texts += text(case);
        all_texts += if text(case).ends_with('\n') { "" } else { "\n" };
    }
    scratch.apply(&all_texts, arguments)?;
    let (found, expected) = (scratch.files(), all(|case| &case.after));
    if *found == expected { Ok(()) } else { Err(format!("{found:?}\ninstead of\n{expected:?}")) }
}

#[test]
fn git_makes_the_same_bytes_of_what_is_accepted() {
    let scratch = RefCell::new(Scratch::new());
    let (seen, taken, moved) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let config = Config { cases: BATCHES, max_shrink_iters: 100, ..Config::default() };
    let config = Config { source_file: Some(file!()), ..config };
    TestRunner::new(config)
        .run(&vec(any_case(), BATCH), |batch| {
            let accepted: Vec<_> = batch
                .iter()
                .enumerate()
                .filter_map(|(number, case)| accepted(case, number))
                .collect();
            seen.set(seen.get() + batch.len());
            taken.set(taken.get() + accepted.len());
            moved.set(moved.get() + accepted.iter().filter(|case| case.moved).count());
            for (name, text, arguments) in READINGS {
                let all: Vec<&Accepted> = accepted.iter().collect();
                if agrees(&mut scratch.borrow_mut(), &all, text, arguments).is_ok() {
                    continue;
                }
                for case in &accepted {
                    agrees(&mut scratch.borrow_mut(), &[case], text, arguments).map_err(|why| {
                        let (text, before) = (text(case), &case.before);
                        TestCaseError::fail(format!("{name}: {why}\n{text}\nto {before:?}"))
                    })?;
                }
            }
            Ok(())
        })
        .unwrap();
    let (seen, taken, moved) = (seen.get(), taken.get(), moved.get());
    let is_worth_it = taken > seen / 5 && seen - taken > seen / 20 && moved > seen / 100;
    assert!(is_worth_it, "of {seen} {taken} were accepted, {moved} of them moved");
}

type Texts = &'static [(&'static str, &'static str)];

/// What git takes and we refuse: a title, the files, and a patch.
fn refused() -> Vec<(&'static str, Texts, String)> {
    const X: &str = "--- a/x\n+++ b/x\n";
    const AB: &[(&str, &str)] = &[("x", "a\nb\na\nb\nc\n")];
    let head = |mode: &str| {
        format!(
            "diff --git a/y b/y\nnew file mode {mode}\n--- /dev/null\n+++ b/y\n@@ -0,0 +1 @@\n+z\n"
        )
    };
    vec![
        ("the nearest of several places", AB, format!("{X}@@ -2 +2 @@\n-a\n+A\n")),
        ("a place by its new start", AB, format!("{X}@@ -1 +3 @@\n-a\n+A\n")),
        (
            "a hunk above the one before it",
            AB,
            format!("{X}@@ -5 +5 @@\n-c\n+C\n@@ -1 +1 @@\n-a\n+A\n"),
        ),
        ("new lines with nothing around them", AB, format!("{X}@@ -1,0 +2 @@\n+A\n")),
        (
            "a last line in the middle",
            AB,
            format!("{X}@@ -5 +5 @@\n-c\n\\ No newline at end of file\n+C\n"),
        ),
        (
            "a last line in other words",
            &[("x", "a")],
            format!("{X}@@ -1 +1 @@\n-a\n\\ Kein Zeilenumbruch am Dateiende.\n+C\n"),
        ),
        ("other prefixes", AB, "--- old/x\n+++ new/x\n@@ -5 +5 @@\n-c\n+C\n".to_owned()),
        ("no prefixes", AB, "--- x\n+++ x\n@@ -5 +5 @@\n-c\n+C\n".to_owned()),
        ("prose around", AB, format!("Dear all,\n{X}@@ -5 +5 @@\n-c\n+C\nYours\n")),
        ("one file twice", AB, format!("{X}@@ -5 +5 @@\n-c\n+C\n{X}@@ -5 +5 @@\n-C\n+D\n")),
        (
            "a name that git takes for a name and a time",
            &[("x", "a\n"), ("x 2026-01-01", "a\n")],
            "--- a/x 2026-01-01\n+++ b/x 2026-01-01\n@@ -1 +1 @@\n-a\n+A\n".to_owned(),
        ),
        ("an executable", &[], head("100755")),
        ("a symbolic link", &[], head("120000")),
        (
            "a change of mode",
            AB,
            "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n".to_owned(),
        ),
        (
            "a copy",
            AB,
            "diff --git a/x b/y\nsimilarity index 100%\ncopy from x\ncopy to y\n".to_owned(),
        ),
        ("a rename by case", AB, "diff --git a/x b/X\nrename from x\nrename to X\n".to_owned()),
        ("a device", &[], head("100644").replace("/y", "/aux.c")),
        ("an alias", &[], head("100644").replace("/y", "/PROGRA~1")),
        ("a name that turns text around", &[], head("100644").replace("/y", "/\u{202e}y")),
        ("a name that ends with a dot", &[], head("100644").replace("/y", "/y.")),
        (
            "names that differ by case",
            &[],
            head("100644").replace("/y", "/s") + &head("100644").replace("/y", "/S"),
        ),
        ("heads that end with CRLF", AB, "--- a/x\r\n+++ b/x\r\n@@ -5 +5 @@\n-c\n+C\n".to_owned()),
    ]
}

#[test]
fn what_git_takes_and_we_refuse_is_listed() {
    let mut scratch = Scratch::new();
    let mut list = String::new();
    for (title, files, text) in refused() {
        let files: Files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect();
        scratch.fill(&files);
        let taken = scratch.apply(&text, &["--unidiff-zero"]);
        assert_eq!(taken, Ok(()), "{title}: git refuses it, too");
        let why = accept(&files, &text).map(|_| ()).expect_err(title);
        writeln!(list, "{title}\n  {}", why.lines().next().unwrap_or_default()).unwrap();
    }
    insta::assert_snapshot!(list);
}
