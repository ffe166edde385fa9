//! `changed_files`: what is different between base and head, answered by the host itself.

use std::time::Instant;

use serde::Serialize;
use session::Answer;
use session::event::CallUsage;
use similar::{ChangeTag, TextDiff};
use snapshot::{ChangeStatus, Grant, Question, RepoPath, Tree, View};

use crate::scratch::{SHOWN_REPORTS, SHOWN_TREES};
use crate::text::cut;
use crate::tools::{Called, Trees};

/// The most files that are listed: more is a rewrite, which nobody reads file by file.
const FILES_MAX: usize = 500;
/// The most files whose lines are compared.
const COMPARED_MAX: usize = 200;
/// The largest file whose lines are compared, in bytes.
const FILE_BYTES_MAX: usize = 512 * 1024;
/// The most bytes of the unified diff.
const DIFF_BYTES_MAX: usize = 48 * 1024;
/// Lines around a change in the diff.
const CONTEXT_LINES: usize = 3;

#[derive(Debug, Serialize)]
struct Changes {
    base: Option<String>,
    head: String,
    files: Vec<Changed>,
    truncated: bool,
    diff: String,
}

#[derive(Debug, Serialize)]
struct Changed {
    path: String,
    status: &'static str,
    added: usize,
    removed: usize,
    hunks: Vec<Hunk>,
}

/// Lines of the head that a change touches.
#[derive(Debug, Serialize)]
struct Hunk {
    start: usize,
    lines: usize,
}

/// What `changed_files` is for, as the model reads it.
pub const DESCRIPTION: &str = "Lists the files that differ between base and head, with the lines \
that changed and a unified diff. `base` is null when the step has nothing to compare with.";

/// The schema of its arguments: it takes none.
pub fn schema() -> serde_json::Value {
    serde_json::json!({ "type": "object", "properties": {}, "additionalProperties": false })
}

/// Answers the call.
pub(crate) fn answer(trees: &Trees, grant: &Grant) -> Called {
    let started = Instant::now();
    let answer = match compare(trees, grant) {
        Ok(changes) => Answer::Answered {
            output: serde_json::to_string(&changes).expect("a list of changes is plain data"),
        },
        Err(err) => Answer::Refused { message: format!("the two trees cannot be compared: {err}") },
    };
    let wall_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let called = Called::by_host(answer);
    Called { usage: CallUsage { wall_us, ..called.usage }, ..called }
}

fn compare(trees: &Trees, grant: &Grant) -> Result<Changes, snapshot::SnapshotError> {
    let (head_name, base_name) = trees.names.clone();
    let mut changes = Changes {
        base: base_name,
        head: head_name,
        files: vec![],
        truncated: false,
        diff: String::new(),
    };
    let Some(base) = &trees.base else { return Ok(changes) };
    let mut all = snapshot::changes(base, &trees.head)?;
    // What is shown to the tools beside the head is no change.
    let beside = |path: &str| path.starts_with(SHOWN_REPORTS) || path.starts_with(SHOWN_TREES);
    all.retain(|change| !beside(change.path.as_str()));
    all.retain(|change| grant.allows(&change.path));
    let view = View::new(trees.head.clone(), Some(base.clone()), grant.clone());
    changes.truncated = all.len() > FILES_MAX;
    for (number, change) in all.iter().take(FILES_MAX).enumerate() {
        let (status, old, new) = match change.status {
            ChangeStatus::Added => ("added", None, text(&view, Tree::Head, &change.path)),
            ChangeStatus::Deleted => ("deleted", text(&view, Tree::Base, &change.path), None),
            ChangeStatus::Modified => (
                "modified",
                text(&view, Tree::Base, &change.path),
                text(&view, Tree::Head, &change.path),
            ),
        };
        let mut changed =
            Changed { path: change.path.to_string(), status, added: 0, removed: 0, hunks: vec![] };
        if number < COMPARED_MAX && (old.is_some() || new.is_some()) {
            let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
            compare_lines(&mut changed, &mut changes.diff, &old, &new);
        }
        changes.files.push(changed);
    }
    changes.truncated |= changes.diff.len() > DIFF_BYTES_MAX;
    changes.diff = cut(&changes.diff, DIFF_BYTES_MAX);
    Ok(changes)
}

/// The text of a file; none for what is large, binary, not readable, or a link to what is not
/// granted.
fn text(view: &View, tree: Tree, path: &RepoPath) -> Option<String> {
    let question = Question::Content { tree, path: path.to_string() };
    let snapshot::Answer::Content(bytes) = view.answer(&question) else { return None };
    if bytes.len() > FILE_BYTES_MAX || bytes.contains(&0) {
        return None;
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn compare_lines(changed: &mut Changed, diff: &mut String, old: &str, new: &str) {
    let compared = TextDiff::from_lines(old, new);
    for change in compared.iter_all_changes() {
        match change.tag() {
            ChangeTag::Insert => changed.added += 1,
            ChangeTag::Delete => changed.removed += 1,
            ChangeTag::Equal => {}
        }
    }
    for group in compared.grouped_ops(0) {
        if let (Some(first), Some(last)) = (group.first(), group.last()) {
            let (start, end) = (first.new_range().start, last.new_range().end);
            changed.hunks.push(Hunk { start: start + 1, lines: end - start });
        }
    }
    if diff.len() <= DIFF_BYTES_MAX {
        let (from, to) = (format!("a/{}", changed.path), format!("b/{}", changed.path));
        let mut unified = compared.unified_diff();
        diff.push_str(&unified.context_radius(CONTEXT_LINES).header(&from, &to).to_string());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_not_granted_is_not_shown_however_it_went() {
        let (base, head) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let both = [base.path(), head.path()];
        for (root, text) in both.into_iter().zip(["old", "new"]) {
            fs::write(root.join("a.rs"), text).unwrap();
            fs::write(root.join("kept.yml"), format!("SECRET {text}")).unwrap();
        }
        // Gone; in the place of a directory; behind a link that is granted, and gone.
        fs::write(base.path().join("gone.yml"), "SECRET").unwrap();
        fs::write(base.path().join("directory.yml"), "SECRET").unwrap();
        fs::create_dir(head.path().join("directory.yml")).unwrap();
        fs::write(head.path().join("directory.yml/a.rs"), "in it").unwrap();
        std::os::unix::fs::symlink("gone.yml", base.path().join("link.rs")).unwrap();

        let snapshot = |dir: &tempfile::TempDir| snapshot::Snapshot::directory(dir.path()).unwrap();
        let trees = Trees {
            head: snapshot(&head),
            base: Some(snapshot(&base)),
            names: ("head".to_owned(), Some("base".to_owned())),
        };
        let shown = |grant: &Grant| match answer(&trees, grant).answer {
            Answer::Answered { output } => output,
            other @ (Answer::Refused { .. } | Answer::Ended { .. }) => panic!("{other:?}"),
        };
        // What is shown beside the head.
        fs::create_dir_all(head.path().join(".stepwell/trees/t")).unwrap();
        fs::write(head.path().join(".stepwell/trees/t/a.rs"), "BESIDE").unwrap();

        let everything = shown(&Grant::everything());
        assert!(everything.contains("SECRET") && !everything.contains("BESIDE"), "{everything}");
        let granted = shown(&Grant::read(&["**/*.rs".to_owned()]).unwrap());
        assert!(granted.contains("a.rs") && !granted.contains("SECRET"), "{granted}");
        assert!(!granted.contains(".yml\""), "{granted}");
    }
}
