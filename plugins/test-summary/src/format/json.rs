//! JSON as reports have it: whatever is missing or of another type is left out.

use serde_json::Value;

use crate::report::Writer;
use crate::text;

/// A document that is larger is no report anybody waits for, and a guest has little memory.
const DOCUMENT_LEN_MAX: usize = 16 * 1024 * 1024;
/// What is kept of one text: a message and a trace.
const TEXT_LEN_MAX: usize = 32 * 1024;

/// The whole document, or a warning that says where it is none.
pub(super) fn document(text: &str, to: &mut Writer<'_>) -> Option<Value> {
    if text.len() > DOCUMENT_LEN_MAX {
        to.broken(None, format!("is larger than {DOCUMENT_LEN_MAX} bytes, and is not read"));
        return None;
    }
    match serde_json::from_str(text) {
        Ok(document) => Some(document),
        Err(error) => {
            let what = if error.is_eof() { "is cut off" } else { "is no JSON" };
            to.broken(Some(error.line()), format!("{what} ({error}); nothing of it is counted"));
            None
        }
    }
}

/// The lines that are JSON, with their numbers; what else is there is skipped.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, Result<Value, &str>)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(|(number, line)| {
        let object = line.trim_start().starts_with('{');
        let value = if object { serde_json::from_str(line).ok() } else { None };
        (number + 1, value.filter(Value::is_object).ok_or(line))
    })
}

/// A text, with no more of it than a person reads, and without escape sequences.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    let text = value.get(key)?.as_str()?;
    Some(text::plain(&text[..text.floor_char_boundary(TEXT_LEN_MAX)]))
}

/// A text that is missing is empty.
pub(super) fn words(value: &Value, key: &str) -> String {
    text(value, key).unwrap_or_default()
}

pub(super) fn number(value: &Value, key: &str) -> Option<u64> {
    value.get(key)?.as_u64()
}

pub(super) fn fraction(value: &Value, key: &str) -> Option<f64> {
    value.get(key)?.as_f64()
}

pub(super) fn line(value: &Value, key: &str) -> Option<u32> {
    u32::try_from(number(value, key)?).ok()
}

/// What is a list.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Texts of a list, one a line.
pub(super) fn joined(value: &Value, key: &str, with: &str) -> String {
    let texts = list(value, key).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(with);
    text::plain(&texts[..texts.floor_char_boundary(TEXT_LEN_MAX)])
}
