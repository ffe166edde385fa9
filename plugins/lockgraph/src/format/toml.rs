//! Lock files and manifests in TOML.

use toml::de::{DeTable, DeValue};

use super::{Input, Unreadable};

/// Reads the document of a lock file. Tables that are no TOML are left out and become faults;
/// `wanted` is what there must be at the top for the rest to be worth reading.
///
/// # Errors
///
/// When what is left is no TOML either, or has no `wanted`.
pub(super) fn read<'a, R>(
    input: &mut Input<'a>,
    wanted: &str,
    read: impl FnOnce(&DeTable<'_>, &mut Input<'a>) -> R,
) -> Result<R, Unreadable> {
    let err = match DeTable::parse(input.text) {
        Ok(document) => return Ok(read(document.get_ref(), input)),
        Err(err) => err,
    };
    let (repaired, broken) = repair(input);
    let document = DeTable::parse(&repaired).map_err(|_| syntax(&err, input))?;
    if !document.get_ref().contains_key(wanted) {
        return Err(syntax(&err, input));
    }
    for (line, reason) in broken {
        input.faults.add(Some(line), reason);
    }
    Ok(read(document.get_ref(), input))
}

/// What is wrong, without the input: the parser's own words quote it.
fn syntax(err: &toml::de::Error, input: &Input<'_>) -> Unreadable {
    let line = err.span().map(|span| input.lines.line_of(&span));
    Unreadable::Syntax { language: "TOML", line, message: err.message().to_owned() }
}

/// The text with spaces for each table that is no TOML, so that a merge conflict or a torn write
/// costs what it hits and no more, and lines stay where they are; and what was wrong with them.
fn repair(input: &Input<'_>) -> (String, Vec<(u32, String)>) {
    let mut repaired = String::with_capacity(input.text.len());
    let mut broken = Vec::new();
    // The list whose last item was left out: what stands below that would become its neighbour's.
    let mut orphaned = None;
    let starts = input.text.match_indices("\n[").map(|(at, _)| at + 1);
    let ends = starts.clone().chain([input.text.len()]);
    for (start, end) in std::iter::once(0).chain(starts).zip(ends) {
        let table = &input.text[start..end];
        if orphaned.is_some_and(|list| is_below(table, list)) {
            repaired.extend(blank(table));
            continue;
        }
        orphaned = None;
        let Err(err) = DeTable::parse(table) else {
            repaired.push_str(table);
            continue;
        };
        let at = input.lines.line(err.span().map_or(start, |span| start + span.start));
        broken.push((at, format!("not valid TOML: {}", err.message())));
        // The marks of a conflict between two tables stand at the end of the one before.
        let unmarked = without_marks(table);
        if unmarked != table && DeTable::parse(&unmarked).is_ok() {
            repaired.push_str(&unmarked);
        } else {
            repaired.extend(blank(table));
            orphaned = table.strip_prefix("[[").and_then(|rest| rest.split(']').next());
        }
    }
    (repaired, broken)
}

/// Whether a table belongs to the last item of a list.
fn is_below(table: &str, list: &str) -> bool {
    let name = table.trim_start_matches('[');
    name.strip_prefix(list).is_some_and(|rest| rest.starts_with('.'))
}

/// The text with spaces for the lines that git marks a conflict with.
fn without_marks(text: &str) -> String {
    const MARKS: [&str; 4] = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if MARKS.iter().any(|mark| line.starts_with(mark)) {
            out.extend(blank(line));
        } else {
            out.push_str(line);
        }
    }
    out
}

fn blank(text: &str) -> impl Iterator<Item = char> {
    text.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' })
}

/// The text under a key.
pub(super) fn text_at<'a>(table: &'a DeTable<'_>, key: &str) -> Option<&'a str> {
    table.get(key)?.get_ref().as_str()
}

/// The table under a key.
pub(super) fn table_at<'a, 'i>(table: &'a DeTable<'i>, key: &str) -> Option<&'a DeTable<'i>> {
    table.get(key)?.get_ref().as_table()
}

/// The texts of a list; what is no text is skipped.
pub(super) fn texts_at<'a>(table: &'a DeTable<'_>, key: &str) -> Vec<&'a str> {
    let list = table.get(key).and_then(|value| value.get_ref().as_array());
    list.into_iter()
        .flat_map(|list| list.iter())
        .filter_map(|item| item.get_ref().as_str())
        .collect()
}

/// Whether the value under a key is `true`.
pub(super) fn is_true(table: &DeTable<'_>, key: &str) -> bool {
    table.get(key).and_then(|value| DeValue::as_bool(value.get_ref())).unwrap_or(false)
}
