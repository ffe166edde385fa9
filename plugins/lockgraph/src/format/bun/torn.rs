//! A bun.lock that is broken in places, without the entries that are.

use serde_json::error::Category;

use crate::format::Unreadable;
use crate::format::js::{is_conflict_mark, relaxed};
use crate::format::json::Object;

/// The deepest nesting that is closed where the end is missing.
const OPEN_MAX: usize = 64;

/// The text, relaxed, with spaces for the lines that are no entry, and an end where it is missing;
/// and what was wrong. Bun writes a package a line.
pub(super) fn repaired(text: &str) -> Option<(String, Vec<(u32, String)>)> {
    let mut out = String::with_capacity(text.len() + OPEN_MAX);
    let mut broken = Vec::new();
    let mut in_packages = false;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let content = line.trim();
        let reason = if is_conflict_mark(line) {
            Some("a merge conflict was left here")
        } else if in_packages && content.starts_with('"') && !is_entry(content) {
            Some("not valid JSON")
        } else {
            None
        };
        in_packages |= content == "\"packages\": {";
        match reason {
            None => out.push_str(line),
            Some(reason) => {
                broken.push((number, reason.to_owned()));
                out.extend(line.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
            }
        }
    }
    let mut text = relaxed(&out);
    let open = open(&text)?;
    if !open.is_empty() {
        broken.push((
            u32::try_from(text.lines().count()).unwrap_or(u32::MAX),
            "it ends too early".to_owned(),
        ));
        text.extend(open.iter().rev());
        text = relaxed(&text);
    }
    (!broken.is_empty()).then_some((text, broken))
}

fn is_entry(content: &str) -> bool {
    let entry = relaxed(&format!("{{{content}}}"));
    serde_json::from_str::<Object<'_>>(&entry).is_ok()
}

/// What would close what is open at the end; nothing when that is no way to an end.
fn open(text: &str) -> Option<Vec<char>> {
    let mut open = Vec::new();
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            '"' if !escaped => quoted = !quoted,
            '{' if !quoted => open.push('}'),
            '[' if !quoted => open.push(']'),
            '}' | ']' if !quoted => _ = open.pop(),
            _ => {}
        }
        escaped = c == '\\' && !escaped && quoted;
        if open.len() > OPEN_MAX {
            return None;
        }
    }
    (!quoted).then_some(open)
}

/// What is wrong, without the input.
pub(super) fn syntax(err: &serde_json::Error) -> Unreadable {
    let line = u32::try_from(err.line()).ok();
    let message = match err.classify() {
        Category::Data => return Unreadable::Shape("it is no JSON object"),
        Category::Eof => "it ends too early".to_owned(),
        Category::Io | Category::Syntax => err.to_string(),
    };
    Unreadable::Syntax { language: "JSON", line, message }
}
