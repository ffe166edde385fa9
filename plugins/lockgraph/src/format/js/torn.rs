//! YAML that is broken in places, without the entries that are.

use super::is_conflict_mark;
use crate::format::yaml::{self, Yaml};
use crate::format::{Input, Unreadable};

/// The documents of a lock file whose entries begin at `indent` spaces or fewer. When the file is
/// no YAML (a merge conflict, a torn write), entries that are none by themselves are left out and
/// become faults.
///
/// # Errors
///
/// When what is left is no YAML either.
pub(in crate::format) fn documents<'a, R>(
    input: &mut Input<'a>,
    indent: usize,
    read: impl FnOnce(&[Yaml<'_>], &mut Input<'a>) -> R,
) -> Result<R, Unreadable> {
    let err = match yaml::documents(input) {
        Ok(documents) => return Ok(read(&documents, input)),
        Err(err) => err,
    };
    let (repaired, broken) = repair(input, indent);
    if broken.is_empty() {
        return Err(err);
    }
    let Ok(documents) = yaml::parse(&repaired) else { return Err(err) };
    // An entry or two stand for a lock file; words of another language do not.
    if documents.iter().all(|document| document.members().is_empty()) {
        return Err(err);
    }
    for (line, reason) in broken {
        input.faults.add(Some(line), reason);
    }
    Ok(read(&documents, input))
}

/// The text with spaces for each entry that is no YAML, and what was wrong with them.
fn repair(input: &Input<'_>, indent: usize) -> (String, Vec<(u32, String)>) {
    let text = input.text;
    let mut repaired = String::with_capacity(text.len());
    let mut broken = Vec::new();
    let starts: Vec<usize> = starts(text, indent);
    let ends = starts.iter().copied().skip(1).chain([text.len()]);
    for (&start, end) in starts.iter().zip(ends) {
        let entry = &text[start..end];
        let reason = match yaml::parse(entry) {
            _ if entry.starts_with("---") || entry.trim().is_empty() => None,
            Ok(documents) if documents.iter().all(|one| !one.members().is_empty()) => None,
            Ok(_) | Err(Unreadable::Shape(_)) if is_comment(entry) => None,
            Ok(_) | Err(_) if is_conflict_mark(entry) => {
                Some((input.lines.line(start), "a merge conflict was left here".to_owned()))
            }
            Ok(_) => Some((input.lines.line(start), "neither an entry nor a section".to_owned())),
            Err(err) => {
                let within = err.line().unwrap_or(1).saturating_sub(1);
                Some((input.lines.line(start).saturating_add(within), err.to_string()))
            }
        };
        match reason {
            None => repaired.push_str(entry),
            Some(told) => {
                broken.push(told);
                repaired.extend(entry.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
            }
        }
    }
    (repaired, broken)
}

fn is_comment(entry: &str) -> bool {
    entry.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#'))
}

/// Where the text and each entry of it begin.
fn starts(text: &str, indent: usize) -> Vec<usize> {
    let mut starts = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches(' ');
        // A line with `:` goes on with the long key above it, one with `#` says nothing.
        let begins = !content.trim_end().is_empty() && !content.starts_with([':', '#']);
        if at > 0 && begins && line.len() - content.len() <= indent {
            starts.push(at);
        }
        at += line.len();
    }
    starts
}
