//! The patch between the two trees of a repository in memory, so that a gate can be shown it.

use std::fmt::Write as _;

use super::{Files, Repository, Run};
use crate::gate::{ChangedFile, ChangedLine, Patch, Status};
use crate::tool::{Refusal, Tool};

impl Repository {
    /// Shows a gate the patch that makes the head tree of the base tree, as the host does: one change
    /// a file, without the lines that both trees have at its begin and its end. `settings` is what the
    /// step tells it, as JSON.
    ///
    /// # Panics
    ///
    /// When the settings are no JSON, a file is no text, or a gate asks a gate.
    pub fn judge(&self, gate: &Tool, settings: &str) -> Run<Result<String, Refusal>> {
        let settings = serde_json::from_str(settings).expect("settings that are JSON");
        let none = Files::default();
        let (base, head) = (self.base.as_ref().unwrap_or(&none), &self.head);
        let paths: std::collections::BTreeSet<&String> =
            base.0.keys().chain(head.0.keys()).collect();
        let mut files = Vec::new();
        let mut text = String::new();
        for path in paths {
            let (before, after) = (lines(base, path), lines(head, path));
            if before == after {
                continue;
            }
            let file = changed(path, before.as_deref(), after.as_deref());
            text.push_str(&told(&file));
            files.push(file);
        }
        let patch = Patch { step: "test".to_owned(), text, files, settings };
        let input = serde_json::to_string(&patch).expect("a patch has text for keys");
        self.call(gate, &input)
    }
}

fn lines(files: &Files, path: &str) -> Option<Vec<String>> {
    let file = files.0.get(path)?;
    let text = std::str::from_utf8(&file.bytes).expect("a file that is text");
    Some(text.lines().map(str::to_owned).collect())
}

fn changed(path: &str, before: Option<&[String]>, after: Option<&[String]>) -> ChangedFile {
    let status = match (before, after) {
        (None, _) => Status::Added,
        (Some(_), None) => Status::Deleted,
        (Some(_), Some(_)) => Status::Modified,
    };
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let begin = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let (old, new) = (&before[begin..], &after[begin..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let numbered = |lines: &[String]| -> Vec<ChangedLine> {
        let first = u32::try_from(begin).unwrap_or(u32::MAX).saturating_add(1);
        let line = |(line, text): (u32, &String)| ChangedLine { line, text: text.clone() };
        (first..).zip(&lines[..lines.len() - end]).map(line).collect()
    };
    let (added, removed) = (numbered(new), numbered(old));
    ChangedFile { path: path.to_owned(), from: None, status, added, removed }
}

fn told(ChangedFile { path, added, removed, .. }: &ChangedFile) -> String {
    let first = |lines: &[ChangedLine]| lines.first().map_or(0, |line| line.line);
    let (from, to) = (first(removed), first(added));
    let mut text = format!("--- a/{path}\n+++ b/{path}\n");
    let _infallible = writeln!(text, "@@ -{from},{} +{to},{} @@", removed.len(), added.len());
    removed.iter().for_each(|line| text.extend(["-", &line.text, "\n"]));
    added.iter().for_each(|line| text.extend(["+", &line.text, "\n"]));
    text
}
