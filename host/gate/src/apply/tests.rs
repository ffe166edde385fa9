//! That a patch does to files what it says, or says why not.

use proptest::prelude::*;
use similar::{Algorithm, Change, ChangeTag, DiffOp};

use super::*;
use crate::Line;

type Files = BTreeMap<&'static str, &'static str>;

#[track_caller]
fn valid(text: &str) -> ValidPatch {
    let patch = Patch::parse(text).unwrap_or_else(|err| panic!("{err}\n{text}"));
    patch.validate().unwrap_or_else(|err| panic!("{err}\n{text}"))
}

fn apply_to(files: &Files, text: &str) -> Result<Applied, ApplyError> {
    apply(&valid(text), &|path| Ok(files.get(path).map(|text| text.as_bytes().to_vec())))
}

/// What the files hold afterwards, and which hunks moved.
#[track_caller]
fn check(files: &Files, text: &str, expected: &[(&str, Option<&str>)], moved: &[(usize, usize)]) {
    let applied = apply_to(files, text).unwrap_or_else(|err| panic!("{err}\n{text}"));
    let found: Vec<_> = applied
        .files
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_deref().map(|b| str::from_utf8(b).unwrap())))
        .collect();
    assert_eq!(found, expected, "{text}");
    let places: Vec<_> = applied.moved.iter().map(|moved| (moved.stated, moved.found)).collect();
    assert_eq!(places, moved, "{text}");
}

#[test]
fn a_patch_does_what_it_says() {
    let files = Files::from([("x", "a\nb\nc\nd"), ("dos", "a\r\nb\r\n"), ("empty", "")]);
    let head = "--- a/x\n+++ b/x\n";
    check(
        &files,
        &format!("{head}@@ -1,2 +1,2 @@\n a\n-b\n+B\n"),
        &[("x", Some("a\nB\nc\nd"))],
        &[],
    );
    check(
        &files,
        &format!("{head}@@ -3,2 +3,3 @@\n c\n-d\n\\ No newline at end of file\n+d\n+e\n"),
        &[("x", Some("a\nb\nc\nd\ne\n"))],
        &[],
    );
    check(
        &files,
        &format!("{head}@@ -1 +0,0 @@\n-a\n@@ -3 +2,2 @@\n c\n+C\n"),
        &[("x", Some("b\nc\nC\nd"))],
        &[],
    );
    check(
        &files,
        "--- a/dos\n+++ b/dos\n@@ -2 +2 @@\n-b\r\n+B\r\n",
        &[("dos", Some("a\r\nB\r\n"))],
        &[],
    );
    check(&files, "--- a/empty\n+++ b/empty\n@@ -0,0 +1 @@\n+a\n", &[("empty", Some("a\n"))], &[]);
    check(
        &files,
        "--- /dev/null\n+++ b/d/new\n@@ -0,0 +1 @@\n+a\n--- a/x\n+++ /dev/null\n@@ -1,4 +0,0 @@\n-a\n-b\n-c\n-d\n\\ No newline at end of file\n",
        &[("d/new", Some("a\n")), ("x", None)],
        &[],
    );
    check(
        &files,
        "diff --git a/x b/y\nrename from x\nrename to y\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+A\n",
        &[("x", None), ("y", Some("A\nb\nc\nd"))],
        &[],
    );
}

#[test]
fn a_hunk_with_a_wrong_line_goes_to_the_only_other_place() {
    let files = Files::from([("x", "a\nb\nc\nb\nd\ne\n")]);
    let hunk = |at, body: &str| format!("--- a/x\n+++ b/x\n@@ -{at} @@\n{body}");
    // Both say a wrong line, and each has one place.
    check(
        &files,
        &hunk("1,2 +1,2", " b\n-c\n+C\n@@ -9,1 +9,1 @@\n-e\n+E\n"),
        &[("x", Some("a\nb\nC\nb\nd\nE\n"))],
        &[(1, 2), (9, 6)],
    );
    // It fits at two places, but stands where it says.
    check(&files, &hunk("4 +4", "-b\n+B\n"), &[("x", Some("a\nb\nc\nB\nd\ne\n"))], &[]);
    // The line of the new file is wrong, so it says none; there is one place.
    check(&files, &hunk("5 +9", "-d\n+D\n"), &[("x", Some("a\nb\nc\nb\nD\ne\n"))], &[]);
}

/// Files that a patch may fail to fit, and what is said about each patch.
fn misfits(texts: &[&str]) -> String {
    let files = Files::from([
        ("x", "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n"),
        ("dos", "a\r\nb\r\n"),
        ("same", "a\nb\na\nb\na\nb\n"),
        ("open", "a\nb"),
        ("empty", ""),
    ]);
    let misfit = |text: &&str| apply_to(&files, text).unwrap_err().to_string();
    texts.iter().map(misfit).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_does_not_fit_says_what_the_file_holds() {
    let texts = [
        "--- a/none\n+++ b/none\n@@ -1 +1 @@\n-a\n+b\n",
        "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n",
        "diff --git a/x b/same\nrename from x\nrename to same\n",
        "--- a/x\n+++ b/x\n@@ -2,3 +2,3 @@\n two\n three\n-FOUR\n+4\n",
        "--- a/x\n+++ b/x\n@@ -2,2 +2,2 @@\n six\n-Seven\n+7\n",
        "--- a/x\n+++ b/x\n@@ -7,3 +7,3 @@\n seven\n eight\n-nine\n+9\n",
        "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n",
        "diff --git a/x b/x\ndeleted file mode 100644\n",
    ];
    insta::assert_snapshot!(misfits(&texts), @"
    `none` does not exist; check the name, or add it as a new file
    `x` already exists; change it with hunks instead of adding it
    `same` already exists; change it with hunks instead of adding it
    hunk 1 of `x` does not fit: at line 4 the patch says `FOUR`, but the file says:
         1 | one
         2 | two
         3 | three
         4 | four
         5 | five
         6 | six
         7 | seven
    hunk 1 of `x` does not fit: at line 7 the patch says `Seven`, but the file says:
         4 | four
         5 | five
         6 | six
         7 | seven
         8 | eight
    hunk 1 of `x` does not fit: at line 9 the patch says `nine`, but the file has no such line; it ends with:
         6 | six
         7 | seven
         8 | eight
    hunk 1 of `x` does not fit: at line 2 the patch ends, but the file goes on:
         1 | one
         2 | two
         3 | three
         4 | four
         5 | five
         6 | six
         7 | seven
    hunk 1 of `x` does not fit: at line 1 the patch ends, but the file goes on:
         1 | one
         2 | two
         3 | three
         4 | four
         5 | five
         6 | six
         7 | seven
    ");
}

#[test]
fn git_would_not_tell_these_places_apart_as_we_do() {
    let texts = [
        // It fits at two places, one of which is above the end of the hunk before it.
        "--- a/same\n+++ b/same\n@@ -3,2 +3,2 @@\n a\n-b\n+B\n@@ -8 +8 @@\n-b\n+B\n",
        // It stands where it says, but above the hunk before it, which has moved.
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-three\n+3\n@@ -2 +2 @@\n-two\n+2\n",
        // The two starts say different places.
        "--- a/same\n+++ b/same\n@@ -1 +3 @@\n-a\n+A\n",
    ];
    insta::assert_snapshot!(misfits(&texts), @"
    hunk 2 of `same`, which says line 8, fits line 2, line 4, line 6; correct both line numbers in its header, or add context
    hunk 2 of `x` fits line 2 only, above the end of the hunk before it; write hunks in the order of the file
    hunk 1 of `same`, which says line 1, fits line 1, line 3, line 5; correct both line numbers in its header, or add context
    ");
}

#[test]
fn what_is_settled_says_where_it_stands_and_what_is_around_it() {
    let files = Files::from([("x", "a\nb\nc\nb\nd\ne\nf\ng\nh\ni\nj\nk\nl")]);
    let text = "--- a/x\n+++ b/x\n@@ -2 +2 @@\n-c\n+C\n@@ -4 +3,0 @@\n-b\n@@ -13 +10 @@\n-l\n\\ No newline at end of file\n+l\n";
    insta::assert_snapshot!(apply_to(&files, text).unwrap().settled, @r"
    diff --git a/x b/x
    --- a/x
    +++ b/x
    @@ -1,7 +1,6 @@
     a
     b
    -c
    +C
    -b
     d
     e
     f
    @@ -10,4 +9,4 @@
     i
     j
     k
    -l
    \ No newline at end of file
    +l
    ");
}

#[test]
fn what_nearly_fits_says_what_is_missing() {
    let texts = [
        "--- a/x\n+++ b/x\n@@ -4,2 +4,2 @@\n four\n-\tfive\n+5\n",
        "--- a/x\n+++ b/x\n@@ -7 +7 @@\n-seven\n+7\n\\ No newline at end of file\n",
        "--- a/x\n+++ b/x\n@@ -3,0 +4 @@\n+between\n",
        "--- a/dos\n+++ b/dos\n@@ -1,2 +1,2 @@\n-a\n+A\n b\n",
        "--- a/open\n+++ b/open\n@@ -1,2 +1,2 @@\n-a\n+A\n b\n",
        "--- a/empty\n+++ b/empty\n@@ -1 +1 @@\n-a\n+b\n",
        "--- a/same\n+++ b/same\n@@ -2 +2 @@\n-a\n+A\n",
    ];
    insta::assert_snapshot!(misfits(&texts), @r"
    hunk 1 of `x` does not fit: at line 5 the patch says `	five`, which differs in white space only from the file:
         2 | two
         3 | three
         4 | four
         5 | five
         6 | six
         7 | seven
         8 | eight
    hunk 1 of `x` does not fit: at line 8 the patch ends, but the file goes on:
         5 | five
         6 | six
         7 | seven
         8 | eight
    hunk 1 of `x` has only added lines; add an unchanged line around them
    hunk 1 of `dos` does not fit: at line 1 the patch says `a`, which differs in the line end only (CRLF or LF) from the file:
         1 | a\r
         2 | b\r
    hunk 1 of `open` does not fit: at line 2 the patch says `b`, which differs in the missing line end only (`\ No newline at end of file`) from the file:
         1 | a
         2 | b
    hunk 1 of `empty` does not fit: at line 1 the patch says `a`, but the file has no such line; it ends with:
           (nothing: it is empty)
    hunk 1 of `same`, which says line 2, fits line 1, line 3, line 5; correct both line numbers in its header, or add context
    ");
}

#[test]
fn a_file_that_cannot_be_read_is_not_taken_for_one_that_is_not_there() {
    let patch = valid("--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n");
    let err = apply(&patch, &|_| Err("too large".to_owned())).unwrap_err();
    assert_eq!(err.to_string(), "cannot read `x`: too large");
}

#[test]
fn looking_for_hunks_has_a_ceiling() {
    let lines = 90_000;
    let file: String = (0..lines).map(|n| format!("{n}\n")).collect();
    let hunk = |n: usize| format!("@@ -{} +{} @@\n-{n}\n+x\n", n + 7, n + 7);
    let hunks: String = (0..lines).step_by(100).map(hunk).collect();
    let patch = valid(&format!("--- a/x\n+++ b/x\n{hunks}"));
    let err = apply(&patch, &|_| Ok(Some(file.clone().into_bytes()))).unwrap_err();
    assert!(matches!(err, ApplyError::TooMuchWork { hunk: 334, .. }), "{err}");
}

#[test]
fn lines_that_repeat_are_no_more_work() {
    let file = "a\n".repeat(60_000);
    let body = " a\n".repeat(30_000) + "-b\n";
    let patch = valid(&format!("--- a/x\n+++ b/x\n@@ -1,30001 +1,30000 @@\n{body}"));
    let err = apply(&patch, &|_| Ok(Some(file.clone().into_bytes()))).unwrap_err();
    assert!(matches!(err, ApplyError::Mismatch { hunk: 1, .. }), "{err}");
}

#[test]
fn bytes_that_are_not_text_pass_untouched() {
    let patch = valid("--- a/x\n+++ b/x\n@@ -2 +2 @@\n-b\n+B\n");
    let applied = apply(&patch, &|_| Ok(Some(b"\xff\x00\nb\n\xfe".to_vec()))).unwrap();
    assert_eq!(applied.files["x"].as_deref(), Some(b"\xff\x00\nB\n\xfe".as_slice()));
}

/// A text of few different lines, so that places repeat; with or without its last line end.
fn any_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![Just("a"), Just("b"), Just(""), Just("-- c"), Just("++ d"), Just("e\r")];
    (proptest::collection::vec(line, 0..12), any::<bool>()).prop_map(|(lines, open)| {
        let text = lines.join("\n");
        if open || text.is_empty() { text } else { text + "\n" }
    })
}

/// Their difference. Lines end with a line feed only, as in a patch.
fn diff(old: &str, new: &str, context: usize) -> String {
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    let ops = similar::capture_diff_slices(Algorithm::Myers, &old, &new);
    let line = |change: Change<&str>| {
        let text = change.value().to_owned();
        match change.tag() {
            ChangeTag::Equal => Line::Context(text),
            ChangeTag::Delete => Line::Remove(text),
            ChangeTag::Insert => Line::Add(text),
        }
    };
    let hunk = |ops: Vec<DiffOp>| {
        let lines: Vec<Line> =
            ops.iter().flat_map(|op| op.iter_changes(&old, &new)).map(line).collect();
        let old_start = u32::try_from(ops[0].old_range().start).unwrap() + 1;
        let new_start = u32::try_from(ops[0].new_range().start).unwrap() + 1;
        let mut hunk = Hunk { old_start, new_start, lines };
        let (old, new) = (hunk.old_side().count(), hunk.new_side().count());
        hunk.old_start -= u32::from(old == 0);
        hunk.new_start -= u32::from(new == 0);
        hunk
    };
    let hunks = similar::group_diff_ops(ops, context).into_iter().map(hunk).collect();
    Patch { files: vec![FileChange::Modify { path: "x".into(), hunks }] }.to_diff()
}

proptest! {
    /// Whatever two texts are, their difference makes one of the other.
    #[test]
    fn the_difference_of_two_texts_makes_one_of_the_other(old in any_text(), new in any_text(), context in 1_usize..4) {
        prop_assume!(old != new);
        let diff = diff(&old, &new, context);
        let patch = valid(&diff);
        let applied = apply(&patch, &|_| Ok(Some(old.clone().into_bytes())));
        let applied = applied.map_err(|err| TestCaseError::fail(format!("{err}\n{diff}")))?;
        prop_assert_eq!(applied.files["x"].as_deref(), Some(new.as_bytes()), "{}", diff);
        prop_assert_eq!(applied.moved, vec![]);
    }

    /// On another file it either fits, and then only its own lines change, or is refused.
    #[test]
    fn no_file_makes_applying_panic(old in any_text(), new in any_text(), other in any_text()) {
        prop_assume!(old != new);
        let diff = diff(&old, &new, 3);
        let patch = valid(&diff);
        if let Ok(applied) = apply(&patch, &|_| Ok(Some(other.clone().into_bytes()))) {
            let file = &patch.files()[0];
            let lines = |text: &[u8]| split(text).len();
            let found = lines(applied.files["x"].as_deref().unwrap_or_default());
            prop_assert_eq!(found + file.removed(), lines(other.as_bytes()) + file.added());
        }
    }
}
