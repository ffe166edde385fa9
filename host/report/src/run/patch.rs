//! A unified diff, as far as a person reads it: files, hunks, lines with their numbers.
//!
//! It never fails: what is no diff has no changes. Whether a patch may leave is the gates' matter.
//! The format is that of `diff -u`, with the headers that git writes.

use serde::Serialize;

/// The most lines of a patch that are shown.
const LINES_MAX: usize = 20_000;

/// What a patch does to a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Its path; none where the patch adds it.
    pub old: Option<String>,
    /// Its path with the patch; none where the patch deletes it.
    pub new: Option<String>,
    /// Where, in order.
    pub hunks: Vec<Hunk>,
}

impl FileChange {
    /// Its path: the new one, where there is one.
    pub fn path(&self) -> &str {
        self.new.as_deref().or(self.old.as_deref()).unwrap_or_default()
    }
}

/// A stretch of changed lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Hunk {
    /// The first line without the patch, counted from 1.
    pub old_line: u64,
    /// The first line with the patch, counted from 1.
    pub new_line: u64,
    /// What stands behind the numbers: often the function.
    pub place: String,
    /// Its lines.
    pub lines: Vec<PatchLine>,
}

impl Hunk {
    /// The last line with the patch, counted from 1.
    pub fn last_new_line(&self) -> u64 {
        let there = self.lines.iter().filter(|line| line.side != Side::Removed).count() as u64;
        self.new_line.saturating_add(there.saturating_sub(1))
    }
}

/// Which side a line is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// On both.
    Both,
    /// Only without the patch.
    Removed,
    /// Only with the patch.
    Added,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PatchLine {
    /// Which side it is on.
    pub side: Side,
    /// Without its mark.
    pub text: String,
}

/// What a patch changes.
pub fn changes_of(diff: &str) -> Vec<FileChange> {
    let mut changes: Vec<FileChange> = Vec::new();
    let mut left = (0, 0);
    let mut old = None;
    for line in diff.lines().take(LINES_MAX) {
        if left != (0, 0) {
            if let Some(hunk) = changes.last_mut().and_then(|file| file.hunks.last_mut()) {
                take_line(hunk, &mut left, line);
            }
            continue;
        }
        if let Some(path) = line.strip_prefix("--- ") {
            old = Some(path_of(path, "a/"));
        } else if let (Some(path), Some(old)) = (line.strip_prefix("+++ "), old.take()) {
            changes.push(FileChange { old, new: path_of(path, "b/"), hunks: Vec::new() });
        } else if let (Some((hunk, lines)), Some(file)) = (hunk_of(line), changes.last_mut()) {
            file.hunks.push(hunk);
            left = lines;
        }
    }
    changes
}

/// Takes a line of a hunk of which so many lines are still to come on each side.
fn take_line(hunk: &mut Hunk, left: &mut (u64, u64), line: &str) {
    let side = match line.as_bytes().first() {
        Some(b'-') => Side::Removed,
        Some(b'+') => Side::Added,
        // Models leave out the space of an empty line.
        Some(b' ') | None => Side::Both,
        Some(b'\\') => return,
        Some(_) => {
            *left = (0, 0);
            return;
        }
    };
    if side != Side::Added {
        left.0 = left.0.saturating_sub(1);
    }
    if side != Side::Removed {
        left.1 = left.1.saturating_sub(1);
    }
    hunk.lines.push(PatchLine { side, text: line.get(1..).unwrap_or_default().to_owned() });
}

fn path_of(text: &str, prefix: &str) -> Option<String> {
    let path = text.split('\t').next().unwrap_or_default().trim_end();
    let path = path.strip_prefix('"').and_then(|path| path.strip_suffix('"')).unwrap_or(path);
    (path != "/dev/null").then(|| path.strip_prefix(prefix).unwrap_or(path).to_owned())
}

/// `@@ -1,2 +3,4 @@ place`: the hunk, and how many lines it has on each side.
fn hunk_of(line: &str) -> Option<(Hunk, (u64, u64))> {
    let (numbers, place) = line.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = numbers.split_once(" +")?;
    let range = |text: &str| {
        let (first, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((first.parse::<u64>().ok()?, count.parse::<u64>().ok()?))
    };
    let ((old_line, old_count), (new_line, new_count)) = (range(old)?, range(new)?);
    let hunk = Hunk { old_line, new_line, place: place.trim().to_owned(), lines: Vec::new() };
    Some((hunk, (old_count, new_count)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a patch changes, in a line for each hunk.
    fn told(diff: &str) -> Vec<String> {
        let files = changes_of(diff);
        let hunks = files.iter().flat_map(|file| {
            file.hunks.iter().map(move |hunk| {
                let marks = hunk.lines.iter().map(|line| match line.side {
                    Side::Both => '=',
                    Side::Removed => '-',
                    Side::Added => '+',
                });
                let marks: String = marks.collect();
                let (first, last) = (hunk.new_line, hunk.last_new_line());
                format!("{:?} {:?} {first}-{last} {marks}", file.old, file.new)
            })
        });
        hunks.collect()
    }

    #[test]
    fn a_diff_is_read_as_people_read_it() {
        #[track_caller]
        fn check(diff: &str, expected: &[&str]) {
            assert_eq!(told(diff), expected, "{diff}");
        }
        check("", &[]);
        check("no diff at all\n@@ -1 +1 @@\n-a\n+b\n", &[]);
        check(
            "diff --git a/x b/x\n--- a/x\t2026\n+++ b/x\n@@ -1,3 +1,3 @@ fn f\n a\n-b\n+c\n\n@@ -9 +9 @@\n-d\n\\ No newline at end of file\n+e\n",
            &["Some(\"x\") Some(\"x\") 1-3 =-+=", "Some(\"x\") Some(\"x\") 9-9 -+"],
        );
        check(
            "--- /dev/null\n+++ b/new\n@@ -0,0 +1,2 @@\n+a\n+b\n",
            &["None Some(\"new\") 1-2 ++"],
        );
        check("--- a/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", &["Some(\"old\") None 0-0 -"]);
        // A line that looks like a header is a line, as long as the hunk wants one.
        check("--- a/x\n+++ b/x\n@@ -1 +1 @@\n--- b\n+++ c\n", &["Some(\"x\") Some(\"x\") 1-1 -+"]);
    }

    proptest! {
        #[test]
        fn nothing_is_too_bad_to_be_read(
            lines in prop::collection::vec(
                prop_oneof!["(--- |\\+\\+\\+ )(a/x|/dev/null|)", "@@ -[0-9]{0,3},[0-9]{0,20} \\+1,2 @@.{0,3}", "[-+ \\\\]?.{0,4}"],
                0..30,
            ),
        ) {
            let diff = lines.join("\n");
            let shown: usize = changes_of(&diff).iter().flat_map(|file| &file.hunks).map(|hunk| hunk.lines.len()).sum();
            prop_assert!(shown <= lines.len());
        }
    }
}
