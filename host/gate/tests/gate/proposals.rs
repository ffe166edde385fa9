//! One patch, whichever form it was proposed in.

use gate::{Applied, Form, Patch, PatchProblem, Proposal, ResolveError, apply};
use proptest::prelude::*;

use crate::tree::Tree;

fn resolved(tree: &Tree, text: &str) -> Result<Patch, ResolveError> {
    let proposal = Proposal::parse(text).unwrap_or_else(|err| panic!("{err}\n{text}"));
    proposal.resolve(&|path| tree.read(path))
}

/// The patch that a proposal means, as text.
#[track_caller]
fn diff(tree: &Tree, text: &str) -> String {
    let patch = resolved(tree, text).unwrap_or_else(|err| panic!("{err}\n{text}"));
    let diff = patch.to_diff();
    let valid = patch.validate().unwrap_or_else(|err| panic!("{err}\n{text}"));
    let Applied { moved, settled, .. } = apply(&valid, &|path| tree.read(path)).unwrap();
    assert_eq!((moved.len(), settled.to_diff()), (0, diff.clone()), "it was found where it stands");
    diff
}

const BLOCKS: &str = "\
src/lib.rs
```rust
<<<<<<< SEARCH
fn b() {
    println!(\"b\");
=======
fn b(times: usize) {
    println!(\"b\");
>>>>>>> REPLACE
```

<<<<<<< SEARCH
use std::fmt;

=======
>>>>>>> REPLACE
```
docs/new.md
<<<<<<< SEARCH
=======
# New

Text.
>>>>>>> REPLACE
```
";

#[test]
fn blocks_in_any_order_with_and_without_fences_become_hunks() {
    assert_eq!(Proposal::parse(BLOCKS).map(|proposal| proposal.form()), Ok(Form::Blocks));
    insta::assert_snapshot!(diff(&Tree::example(), BLOCKS));
}

const ENVELOPE: &str = "\
*** Begin Patch
*** Add File: docs/new.md
+# New
+
+Text.
*** Update File: src/lib.rs
*** Move to: src/main.rs
@@ fn b() {
-    println!(\"b\");
+    println!(\"c\");
 }
+// end
*** End of File
*** Delete File: same.txt
*** Update File: README.md
-# Title
+# Other title
@@
 
-Text.
+Texts.
*** End Patch
";

#[test]
fn every_section_of_an_envelope_becomes_a_change() {
    assert_eq!(Proposal::parse(ENVELOPE).map(|proposal| proposal.form()), Ok(Form::Envelope));
    insta::assert_snapshot!(diff(&Tree::example(), ENVELOPE));
}

#[test]
fn a_diff_means_itself_and_reads_nothing() {
    let text = "--- a/none\n+++ b/none\n@@ -1 +1 @@\n-a\n+b\n";
    let patch = Proposal::parse(text).unwrap().resolve(&|path| panic!("reads {path}"));
    assert_eq!(patch, Ok(Patch::parse(text).unwrap()));
}

#[test]
fn names_are_checked_before_anything_is_read() {
    for path in ["../x", "/etc/passwd", ".git/config", "a\\b"] {
        let texts = [
            format!("{path}\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n"),
            format!("*** Begin Patch\n*** Delete File: {path}\n*** End Patch\n"),
            format!("*** Begin Patch\n*** Update File: x\n*** Move to: {path}\n*** End Patch\n"),
        ];
        for text in texts {
            let proposal = Proposal::parse(&text).unwrap();
            let refused = proposal.resolve(&|path| panic!("reads {path}"));
            assert!(matches!(refused, Err(ResolveError::Names(_))), "{refused:?}");
        }
    }
}

/// What becomes of a file, by blocks.
#[track_caller]
fn replaced(old: &str, search: &str, replace: &str) -> String {
    let tree = Tree::of(&[("x", old)]);
    let text = format!("x\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n");
    let valid = resolved(&tree, &text).unwrap().validate().unwrap();
    let applied = apply(&valid, &|path| tree.read(path)).unwrap();
    String::from_utf8(applied.files["x"].clone().unwrap()).unwrap()
}

#[test]
fn the_end_of_a_file_stays_as_it_is_where_the_form_cannot_say_it() {
    assert_eq!(replaced("a\nb", "b\n", "c\n"), "a\nc");
    assert_eq!(replaced("a\nb", "b\n", "c\nd\n"), "a\nc\nd");
    assert_eq!(replaced("a\nb", "a\n", "c\n"), "c\nb");
    assert_eq!(replaced("a\nb", "b\n", ""), "a\n");
    assert_eq!(replaced("a\nb", "b\n", "c\n\n"), "a\nc\n");
    assert_eq!(replaced("a\nb\n", "b\n", "c\n"), "a\nc\n");
    assert_eq!(replaced("a\r\nb\r\n", "b\r\n", "c\r\n"), "a\r\nc\r\n");
    assert_eq!(replaced("", "", "c\n"), "c\n");
}

#[test]
fn new_lines_at_the_end_of_a_file_need_no_context() {
    let text = "*** Begin Patch\n*** Update File: open.txt\n@@\n+c\n*** End of File\n*** Update File: dos.txt\n@@\n+c\n*** End of File\n*** End Patch";
    insta::assert_snapshot!(diff(&Tree::example(), text));
}

#[test]
fn an_anchor_chooses_among_places_only_if_it_is_one_line_of_the_file() {
    let file = "class A:\n  def m():\n    x\nclass B:\n  def m():\n    x\n";
    let tree = Tree::of(&[("x", file)]);
    let change = |anchors: &str| {
        resolved(
            &tree,
            &format!("*** Begin Patch\n*** Update File: x\n{anchors}-    x\n+    y\n*** End Patch"),
        )
    };
    let at = |patch: Result<Patch, ResolveError>| {
        let diff = patch.map(|patch| patch.to_diff());
        diff.map(|diff| diff.lines().find(|line| line.starts_with("@@")).unwrap().to_owned())
    };
    assert_eq!(at(change("@@ class B:\n")).as_deref(), Ok("@@ -3,4 +3,4 @@"));
    assert_eq!(at(change("@@ class A:\n@@ def m():\n")).as_deref(), Ok("@@ -1,6 +1,6 @@"));
    for anchors in ["@@\n", "@@ def m():\n", "@@ class C:\n", "@@ class B:\n@@ class A:\n"] {
        assert!(change(anchors).is_err(), "{anchors}");
    }
}

#[test]
fn proposals_have_the_ceilings_of_patches() {
    let section = |n| format!("*** Delete File: {n}\n");
    let sections =
        |n| format!("*** Begin Patch\n{}*** End Patch\n", (0..n).map(section).collect::<String>());
    let block = |path: usize| format!("{path}\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n");
    let blocks = |n| (0..n).map(block).collect::<String>();
    for (most, more) in [(sections(1_000), sections(1_001)), (blocks(1_000), blocks(1_001))] {
        assert_eq!(Proposal::parse(&most).map(|proposal| proposal.paths().count()), Ok(1_000));
        let err = Proposal::parse(&more).unwrap_err();
        assert_eq!(err.problem, PatchProblem::TooMany { what: "files", max: 1_000 });
    }
    let hunks = |n| {
        format!("*** Begin Patch\n*** Update File: x\n{}*** End Patch\n", "@@\n-a\n+b\n".repeat(n))
    };
    let block = "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n";
    for text in [hunks(10_001), format!("x\n{}", block.repeat(10_001))] {
        let err = Proposal::parse(&text).unwrap_err();
        assert_eq!(err.problem, PatchProblem::TooMany { what: "hunks", max: 10_000 });
    }
    let long = Tree::of(&[("x", &"a\n".repeat(100_001))]);
    let err = resolved(&long, "*** Begin Patch\n*** Delete File: x\n*** End Patch").unwrap_err();
    assert!(matches!(err, ResolveError::Diff(_)), "{err}");
}

/// A text of few different lines, with or without its last line end.
fn any_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![Just("a"), Just("b"), Just(""), Just("  c"), Just("d\r"), Just("```")];
    (proptest::collection::vec(line, 0..12), any::<bool>()).prop_map(|(lines, open)| {
        let text = lines.join("\n");
        if open || text.is_empty() { text } else { text + "\n" }
    })
}

proptest! {
    /// What is replaced is what a search through the lines finds, and nothing else changes.
    #[test]
    fn a_block_replaces_lines_where_they_stand_once(
        file in any_text(), from in 0_usize..12, count in 1_usize..5, new in any_text(),
    ) {
        let lines: Vec<&str> = file.lines_kept();
        let search: Vec<&str> = lines.iter().copied().skip(from).take(count).collect();
        prop_assume!(!search.is_empty());
        let bare = |lines: &[&str]| -> Vec<String> {
            lines.iter().map(|line| line.trim_end_matches('\n').to_owned()).collect()
        };
        let new: Vec<&str> = new.lines_kept();
        prop_assume!(bare(&new) != bare(&search));
        let body = |lines: Vec<String>| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        let (old_body, new_body) = (body(bare(&search)), body(bare(&new)));
        let text = format!("x\n<<<<<<< SEARCH\n{old_body}=======\n{new_body}>>>>>>> REPLACE\n");
        let places = bare(&lines).windows(search.len()).filter(|here| **here == bare(&search)).count();
        let tree = Tree::of(&[("x", &file)]);
        match resolved(&tree, &text) {
            Err(err) => prop_assert!(places != 1, "{err}\n{text}"),
            Ok(patch) => {
                prop_assert_eq!(places, 1);
                let valid = patch.validate().unwrap();
                let applied = apply(&valid, &|path| tree.read(path)).unwrap();
                let found = String::from_utf8(applied.files["x"].clone().unwrap()).unwrap();
                let whole = lines[..from].concat() + &new_body + &lines[from + search.len()..].concat();
                prop_assert_eq!(found.trim_end_matches('\n'), whole.trim_end_matches('\n'));
            }
        }
    }

    /// No text makes a reader panic, nor the search for its places.
    #[test]
    fn no_text_makes_a_reader_panic(lines in proptest::collection::vec(any_line(), 0..24)) {
        let tree = Tree::example();
        if let Ok(proposal) = Proposal::parse(&lines.join("\n")) {
            drop(proposal.resolve(&|path| tree.read(path)));
        }
    }
}

/// A line that a proposal may have, or nearly.
fn any_line() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(
        &[
            "*** Begin Patch",
            "*** End Patch",
            "*** Add File: x",
            "*** Update File: README.md",
            "*** Move to: y",
            "*** Delete File: same.txt",
            "*** End of File",
            "@@",
            "@@ # Title",
            "+a",
            "-# Title",
            " # Title",
            "",
            "README.md",
            "<<<<<<< SEARCH",
            "=======",
            ">>>>>>> REPLACE",
            "```",
            "Text.",
            "a",
            "diff --git a/x b/x",
            "--- a/x",
            "+++ b/x",
        ][..],
    )
}

trait LinesKept {
    fn lines_kept(&self) -> Vec<&str>;
}

impl LinesKept for String {
    fn lines_kept(&self) -> Vec<&str> {
        self.split_inclusive('\n').collect()
    }
}
