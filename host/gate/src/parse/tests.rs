//! What is read as a patch and what is not, and that a patch survives being written.

use proptest::prelude::*;

use super::*;

/// The canonical text of a patch.
#[track_caller]
fn canonical(text: &str) -> String {
    let patch = Patch::parse(text).unwrap_or_else(|err| panic!("{err}\n{text}"));
    let written = patch.to_diff();
    assert_eq!(Patch::parse(&written), Ok(patch), "the canonical text means something else");
    written
}

/// Every complaint about these texts, one a line.
fn complaints(texts: &[&str]) -> String {
    let complain = |text: &&str| match Patch::parse(text) {
        Ok(patch) => panic!("accepted: {patch:?}"),
        Err(err) => err.to_string(),
    };
    texts.iter().map(complain).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_plain_diff_becomes_a_git_patch() {
    let text = "--- a/src/lib.rs\t2026-01-01 00:00:00\n+++ b/src/lib.rs\n@@ -3 +3,2 @@ fn main() {\n-old\n+new\n+er\n@@ -9,3 +10,2 @@\n a\n-b\n\n";
    insta::assert_snapshot!(canonical(text), @"
    diff --git a/src/lib.rs b/src/lib.rs
    --- a/src/lib.rs
    +++ b/src/lib.rs
    @@ -3,1 +3,2 @@
    -old
    +new
    +er
    @@ -9,3 +10,2 @@
     a
    -b
    ");
}

/// As `git diff` and `git format-patch` write them.
const EVERY_KIND: &str = "\
diff --git a/empty b/empty
new file mode 100644
index 0000000..e69de29
diff --git a/new b/new
new file mode 100644
index 0000000..ce01362
--- /dev/null
+++ b/new
@@ -0,0 +1 @@
+hello
\\ No newline at end of file
diff --git a/gone b/gone
deleted file mode 100755
index ce01362..0000000
--- a/gone
+++ /dev/null
@@ -1,2 +0,0 @@
---- dashes
-bye
diff --git a/was empty b/was empty
deleted file mode 100644
index e69de29..0000000
diff --git a/x y b/x z
similarity index 100%
rename from x y
rename to x z
diff --git a/p b/q
similarity index 90%
rename from p
rename to q
index 1234567..89abcde 100755
--- a/p
+++ b/q
@@ -1,2 +1,2 @@
 same
-old
+new
\\ No newline at end of file
diff --git \"a/caf\\303\\251 \\\"x\\\"\" \"b/caf\\303\\251 \\\"x\\\"\"
index 1234567..89abcde 100644
--- \"a/caf\\303\\251 \\\"x\\\"\"
+++ \"b/caf\\303\\251 \\\"x\\\"\"
@@ -1 +1 @@
-a
+b
diff --git a/with space b/with space
index 1234567..89abcde 100644
--- a/with space\t
+++ b/with space\t
@@ -5,0 +6 @@
+b
";

#[test]
fn every_kind_of_change_that_git_writes_is_read() {
    insta::assert_snapshot!(canonical(EVERY_KIND), @r#"
    diff --git a/empty b/empty
    new file mode 100644
    diff --git a/new b/new
    new file mode 100644
    --- /dev/null
    +++ b/new
    @@ -0,0 +1,1 @@
    +hello
    \ No newline at end of file
    diff --git a/gone b/gone
    deleted file mode 100644
    --- a/gone
    +++ /dev/null
    @@ -1,2 +0,0 @@
    ---- dashes
    -bye
    diff --git a/was empty b/was empty
    deleted file mode 100644
    diff --git a/x y b/x z
    rename from x y
    rename to x z
    diff --git a/p b/q
    rename from p
    rename to q
    --- a/p
    +++ b/q
    @@ -1,2 +1,2 @@
     same
    -old
    +new
    \ No newline at end of file
    diff --git "a/café \"x\"" "b/café \"x\""
    --- "a/café \"x\""
    +++ "b/café \"x\""
    @@ -1,1 +1,1 @@
    -a
    +b
    diff --git a/with space b/with space
    --- a/with space	
    +++ b/with space	
    @@ -5,0 +6,1 @@
    +b
    "#);
}

#[test]
fn carriage_returns_belong_to_the_lines_of_the_file() {
    let patch = Patch::parse("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\r\n+b\r\n").unwrap();
    let FileChange::Modify { hunks, .. } = &patch.files()[0] else { panic!("{patch:?}") };
    assert_eq!(hunks[0].lines(), [Line::Remove("a\r\n".into()), Line::Add("b\r\n".into())]);
}

#[test]
fn what_is_not_a_patch_is_refused_with_its_line_and_a_remedy() {
    let texts = [
        "",
        "Here is the patch:\n",
        "```diff\n--- a/x\n",
        "--- a/x\n@@ -1 +1 @@\n-a\n+b\n",
        "--- x\n+++ x\n@@ -1 +1 @@\n-a\n+b\n",
        "--- a/x\n+++ b/x\n",
        "--- a/x\n+++ b/x\n@@ -1 +1 @\n-a\n+b\n",
        "--- a/x\n+++ b/x\n@@ -1,+2 +1 @@\n-a\n+b\n",
        "--- a/x\n+++ b/x\n@@ -0 +1 @@\n-a\n+b\n",
        "--- a/x\n+++ b/x\n@@ -1,3 +1,2 @@\n a\n-b\n+c\n",
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n+c\n+d\n",
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n\n",
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n a\n",
        "--- a/x\n+++ b/x\n@@ -5 +5 @@\n-a\n+b\n@@ -5 +5 @@\n-a\n+b\n",
        "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-a\n+b\n\\ No newline at end of file\n+c\n",
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n@@ -3 +3 @@\n-a\n+b\n",
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+\n\\ No newline at end of file\n",
        "--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n",
        "--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n",
        "--- /dev/null\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        "--- a/x\n+++ /dev/null\n@@ -1,2 +1 @@\n-a\n b\n",
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\u{0}\n",
    ];
    insta::assert_snapshot!(complaints(&texts), @r"
    line 1: the patch is empty; write at least one changed file
    line 1: found `Here is the patch:`, expected `diff --git a/path b/path`, or `--- a/path`
    line 1: found ````diff`, expected `diff --git a/path b/path`, or `--- a/path`
    line 2: found `@@ -1 +1 @@`, expected `+++ b/path`, or `+++ /dev/null`
    line 1: cannot read the file name: write `--- a/path` and `+++ b/path`, or `/dev/null`
    line 3: found the end of the patch, expected a hunk: `@@ -line,count +line,count @@`
    line 3: cannot read the hunk header; write `@@ -line,count +line,count @@`
    line 3: cannot read the hunk header; write `@@ -line,count +line,count @@`
    line 3: cannot read the hunk header; write `@@ -line,count +line,count @@`
    line 3: the hunk header counts 3 old and 2 new lines, but 2 and 2 follow; count again (context lines count on both sides)
    line 3: the hunk header counts 1 old and 1 new lines, but 1 and 3 follow; count again (context lines count on both sides)
    line 6: found an empty line, expected the next hunk or file
    line 3: this hunk changes nothing; leave it out
    line 6: this hunk begins before the end of the one above it; write hunks in the order of the file
    line 6: a line follows the last line of the file; `\ No newline at end of file` marks the last line only
    line 7: a line follows the last line of the file; `\ No newline at end of file` marks the last line only
    line 6: a line follows the last line of the file; `\ No newline at end of file` marks the last line only
    line 1: the names differ (`x` and `y`); a rename needs `diff --git`, `rename from` and `rename to`
    line 1: the head of this file contradicts itself: both names are `/dev/null`
    line 1: a new or deleted file needs all its lines in one hunk: `@@ -0,0 +1,count @@` or `@@ -1,count +0,0 @@`
    line 1: a new or deleted file needs all its lines in one hunk: `@@ -0,0 +1,count @@` or `@@ -1,count +0,0 @@`
    line 5: binary content is not accepted; change text files only
    ");
}

#[test]
fn what_git_could_say_and_we_do_not_take_is_refused() {
    let texts = [
        "diff --git a/x b/x\n",
        "diff --git a/x b/x\nindex 1234567..89abcde 100644\n",
        "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n",
        "diff --git a/x b/x\nnew file mode 100755\n",
        "diff --git a/x b/x\nnew file mode 120000\n",
        "diff --git a/x b/x\nnew file mode 160000\n",
        "diff --git a/x b/x\nnew file mode 040000\n",
        "diff --git a/x b/x\ndeleted file mode 120000\n",
        "diff --git a/x b/x\nindex 1234567..89abcde 160000\n--- a/x\n+++ b/x\n",
        "diff --git a/x b/y\nsimilarity index 100%\ncopy from x\ncopy to y\n",
        "diff --git a/x b/x\nindex 1234567..89abcde 100644\nGIT binary patch\n",
        "diff --git a/x b/x\nindex 1234567..89abcde 100644\nBinary files a/x and b/x differ\n",
        "diff --git a/x b/x\nindex none\n",
        "diff --git a/x b/x\nnew file mode 100644\nnew file mode 100644\n",
        "diff --git a/x b/x\nnew file mode 100644\ndeleted file mode 100644\n",
        "diff --git a/x b/x\nnew file mode 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        "diff --git a/x b/y\nrename from x\n",
        "diff --git a/x b/y\nrename from x\nrename to z\n",
        "diff --git a/x b/y\nnew file mode 100644\n",
        "diff --git a/x b/x\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n",
        "diff --git \"a/x b/x\n",
        "diff --git \"a/\\777\" b/x\n",
        "diff --git \"a/\\377\" \"b/\\377\"\n",
        "diff --cc x\n",
    ];
    insta::assert_snapshot!(complaints(&texts), @"
    line 1: this file has a head but no change; add a hunk, or leave the file out
    line 1: this file has a head but no change; add a hunk, or leave the file out
    line 3: modes may not change, and new files may not be executable; use `new file mode 100644`
    line 2: modes may not change, and new files may not be executable; use `new file mode 100644`
    line 2: symbolic links (mode 120000) are not accepted
    line 2: submodules (mode 160000) are not accepted
    line 2: this is no mode of a regular file; use 100644
    line 2: symbolic links (mode 120000) are not accepted
    line 2: submodules (mode 160000) are not accepted
    line 3: copies are not accepted; write the copy as a new file
    line 3: binary content is not accepted; change text files only
    line 3: binary content is not accepted; change text files only
    line 2: the head of this file contradicts itself: `index` is not followed by two hashes
    line 3: the header `new file mode` is here twice; write it once
    line 1: the head of this file contradicts itself: a file is either new, or deleted, or renamed
    line 1: the head of this file contradicts itself: a new file has `--- /dev/null`
    line 1: the head of this file contradicts itself: `rename from` without `rename to`
    line 1: the head of this file contradicts itself: `diff --git` names other files than the lines below it
    line 1: cannot read the file name: write `diff --git a/path b/path` with the same path twice
    line 1: the head of this file contradicts itself: `diff --git` names other files than the lines below it
    line 1: cannot read the file name: the closing quote is missing
    line 1: cannot read the file name: unknown escape
    line 1: cannot read the file name: it is not UTF-8
    line 1: found `diff --cc x`, expected `diff --git a/path b/path`, or `--- a/path`
    ");
}

#[test]
fn a_patch_has_ceilings() {
    let file = |n| format!("diff --git a/{n} b/{n}\nnew file mode 100644\n");
    let files = |n: usize| (0..n).map(file).collect::<String>();
    assert_eq!(Patch::parse(&files(FILES_MAX)).map(|patch| patch.files().len()), Ok(FILES_MAX));

    let hunk = |n| format!("@@ -{n} +{n} @@\n-a\n+b\n");
    let hunks = |n: usize| "--- a/x\n+++ b/x\n".to_owned() + &(1..=n).map(hunk).collect::<String>();
    assert!(Patch::parse(&hunks(HUNKS_MAX)).is_ok());

    let (bytes, lines) = ("x".repeat(PATCH_BYTES_MAX + 1), "\n".repeat(LINES_MAX + 2));
    let texts = [&files(FILES_MAX + 1), &hunks(HUNKS_MAX + 1), &bytes, &lines];
    insta::assert_snapshot!(complaints(&texts.map(String::as_str)), @"
    line 2001: the patch has more than 1000 files; propose a smaller change
    line 1: the patch has more than 10000 hunks; propose a smaller change
    line 1: the patch has more than 4194304 bytes; propose a smaller change
    line 100001: the patch has more than 100000 lines; propose a smaller change
    ");
}

/// A line that a patch may have, or nearly.
fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("diff --git a/x b/x".to_owned()),
        Just("diff --git \"a/\\303\\251\" \"b/x\"".to_owned()),
        Just("new file mode 100644".to_owned()),
        Just("deleted file mode 100644".to_owned()),
        Just("rename from x".to_owned()),
        Just("rename to y".to_owned()),
        Just("index 0000000..1111111 100644".to_owned()),
        Just("--- a/x".to_owned()),
        Just("--- /dev/null".to_owned()),
        Just("+++ b/x".to_owned()),
        Just("+++ /dev/null".to_owned()),
        Just("\\ No newline at end of file".to_owned()),
        Just(" same".to_owned()),
        Just("-old".to_owned()),
        Just("+new".to_owned()),
        Just(String::new()),
        (0_u32..4, 0_u32..4, 0_u32..4, 0_u32..4)
            .prop_map(|(a, b, c, d)| format!("@@ -{a},{b} +{c},{d} @@")),
        ".{0,12}",
    ]
}

proptest! {
    /// No text makes the reader panic, and what it accepts survives being written.
    #[test]
    fn what_is_read_can_be_written_and_read_again(lines in proptest::collection::vec(any_line(), 0..24)) {
        if let Ok(patch) = Patch::parse(&lines.join("\n")) {
            let written = patch.to_diff();
            prop_assert_eq!(Patch::parse(&written), Ok(patch), "{}", written);
        }
    }

    /// Names keep every character through quoting, whatever they are.
    #[test]
    fn names_survive_quoting(from in "[^/]\\PC{0,8}|[\\x00-\\x7f]{1,6}", to in "\\PC{1,8}") {
        // `.` and control characters are refused later; a name with NUL cannot be written raw.
        let rename = FileChange::Rename { from: from.replace('\0', "0"), to: to + "2", hunks: vec![] };
        let patch = Patch { files: vec![rename] };
        prop_assert_eq!(Patch::parse(&patch.to_diff()), Ok(patch));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*") {
        drop(Patch::parse(&text));
    }
}
