//! Finds keys that do not exist, and the nearest that do. The schema knows them all.

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::StepError;

/// A key that is further away than this is no slip.
const NEAR: f64 = 0.7;

/// Holds every key of `text` against `schema`.
pub(super) fn check(text: &str, schema: &Value) -> Result<(), StepError> {
    let table = DeTable::parse(text)
        .map_err(|err| StepError::Toml(err.to_string().trim_end().to_owned()))?;
    check_table(text, table.get_ref(), schema, schema, "")
}

fn check_table(
    text: &str,
    table: &DeTable<'_>,
    schema: &Value,
    root: &Value,
    place: &str,
) -> Result<(), StepError> {
    let Some(properties) = resolve(schema, root).get("properties").and_then(Value::as_object)
    else {
        return Ok(());
    };
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let Some(of_key) = properties.get(name) else {
            let line = text[..key.span().start.min(text.len())].matches('\n').count() + 1;
            let known: Vec<String> = properties.keys().cloned().collect();
            let (table, key) = (place.to_owned(), name.to_owned());
            let nearest = nearest(&key, known.iter().map(String::as_str));
            return Err(StepError::UnknownKey { line, table, key, nearest, known });
        };
        let place = if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        check_value(text, value, of_key, root, &place)?;
    }
    Ok(())
}

fn check_value(
    text: &str,
    value: &Spanned<DeValue<'_>>,
    schema: &Value,
    root: &Value,
    place: &str,
) -> Result<(), StepError> {
    match value.get_ref() {
        DeValue::Table(table) => check_table(text, table, schema, root, place),
        DeValue::Array(items) => {
            let of_items = resolve(schema, root).get("items").cloned().unwrap_or(Value::Null);
            items.iter().try_for_each(|item| check_value(text, item, &of_items, root, place))
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => Ok(()),
    }
}

/// Follows a reference, also through the `anyOf` of an optional value.
fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let reference = schema.get("$ref").and_then(Value::as_str);
    if let Some(found) = reference.and_then(|r| root.pointer(r.trim_start_matches('#'))) {
        return found;
    }
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let first = choices.and_then(|all| all.iter().find(|one| one.get("$ref").is_some()));
    first.map_or(schema, |choice| resolve(choice, root))
}

/// The known word that somebody most likely meant.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let scored = known.map(|one| (strsim::jaro_winkler(word, one), one));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(score, _)| *score >= NEAR).map(|(_, one)| one.to_owned())
}
