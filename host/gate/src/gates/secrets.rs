//! Secrets: values that the host holds, in every usual spelling, and the published shapes of
//! others. A verdict says which kind was found and where, never what.

pub(crate) mod formats;
mod known;

use std::ops::Range;

use super::added::NumberedLine;
use super::{GateName, things};
use crate::{FileChange, Place, Rules, Ruling, ValidPatch, Verdict};

pub use known::{Form, Leak, Secrets, SecretsError};

/// Stands in the place of a secret.
const MASK: &str = "***";

/// Most findings that the sentence tells of; the places have more.
const TOLD_MAX: usize = 3;

pub(crate) fn no_secret(patch: &ValidPatch, rules: &Rules) -> Verdict {
    const GATE: GateName = GateName::Secrets;
    let secrets = &rules.secrets;
    let mut places = Vec::new();
    for file in patch.files() {
        for path in file.paths() {
            let found = found(secrets, path).into_iter();
            places.extend(found.map(|(what, _)| Place {
                path: masked(secrets, path),
                line: None,
                what: format!("{what} in the name"),
            }));
        }
        places.extend(in_lines(secrets, file));
    }
    if places.is_empty() {
        return Verdict::pass(GATE, "no secret that is known, or looks like one".to_owned());
    }
    places.sort();
    places.dedup();
    let mut paths: Vec<String> = places.iter().map(|place| place.path.clone()).collect();
    paths.dedup();
    let because = format!(
        "{}: {}; take it out, and change it if it was ever real",
        things(places.len(), "secret"),
        told(&places),
    );
    Verdict::finding(GATE, Ruling::Refuse, places.len(), because, paths).at(places)
}

fn told(places: &[Place]) -> String {
    let one = |Place { path, line, what }: &Place| match line {
        Some(line) => format!("{what} in `{}` line {line}", path.escape_debug()),
        None => format!("{what} `{}`", path.escape_debug()),
    };
    let first: Vec<String> = places.iter().take(TOLD_MAX).map(one).collect();
    match places.len().saturating_sub(TOLD_MAX) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// The names in a patch that have a secret in them, each with what is shown instead.
pub(crate) fn masks<'a>(patch: &'a ValidPatch, rules: &Rules) -> Vec<(&'a str, String)> {
    let masked = patch.paths().map(|path| (path, masked(&rules.secrets, path)));
    masked.filter(|(path, masked)| path != masked).collect()
}

fn masked(secrets: &Secrets, path: &str) -> String {
    let mut ranges: Vec<Range<usize>> =
        found(secrets, path).into_iter().map(|(_, at)| at).collect();
    ranges.sort_by_key(|at| (at.start, at.end));
    let (mut shown, mut done) = (Vec::new(), 0);
    for at in ranges {
        // One that begins within the one before is masked with it.
        if at.start >= done {
            shown.extend_from_slice(&path.as_bytes()[done..at.start]);
            shown.extend_from_slice(MASK.as_bytes());
        }
        done = done.max(at.end);
    }
    shown.extend_from_slice(&path.as_bytes()[done..]);
    String::from_utf8_lossy(&shown).into_owned()
}

/// The secrets in the lines that a file gets.
fn in_lines(secrets: &Secrets, file: &FileChange) -> Vec<Place> {
    let path = file.paths().last().unwrap_or_default();
    let lines = file.added_lines();
    let text: String = lines.iter().map(|line| line.text).collect();
    let mut starts = Vec::with_capacity(lines.len());
    let mut at = 0;
    for NumberedLine { text, .. } in &lines {
        starts.push(at);
        at += text.len();
    }
    let line = |at: usize| {
        let place = starts.partition_point(|start| *start <= at).checked_sub(1)?;
        lines.get(place).map(|line| line.number)
    };
    let found = found(secrets, &text).into_iter();
    found
        .map(|(what, at)| Place { path: masked(secrets, path), line: line(at.start), what })
        .collect()
}

/// What is found in a text, and where.
fn found(secrets: &Secrets, text: &str) -> Vec<(String, Range<usize>)> {
    let known = secrets.find(text.as_bytes()).into_iter();
    let known = known.map(|Leak { name, form, at }| {
        (format!("the value of `{}`{}", name.escape_debug(), form.spelled()), at)
    });
    let shaped = formats::find(text).into_iter().map(|(kind, at)| (kind.to_owned(), at));
    known.chain(shaped).collect()
}

#[cfg(test)]
mod tests;
