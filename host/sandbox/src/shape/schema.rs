//! The JSON Schema (draft 2020-12) of a shape: what [`crate::values`] reads and writes.

use serde_json::{Map, Value, json};

use super::{Int, Shape};

impl Shape {
    /// The schema of its values.
    pub(crate) fn schema(&self) -> Value {
        match self {
            Self::Bool => json!({ "type": "boolean" }),
            Self::Int(int) => whole(*int),
            Self::F32 | Self::F64 => {
                json!({ "anyOf": [
                    { "type": "number" },
                    { "enum": ["NaN", "Infinity", "-Infinity"] },
                ] })
            }
            Self::Char => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
            Self::Text => json!({ "type": "string" }),
            Self::Bytes => json!({
                "description": "Bytes: text as UTF-8, or anything as base64.",
                "anyOf": [{ "type": "string" }, one("base64", &json!({ "type": "string" }))],
            }),
            Self::List(element) => json!({ "type": "array", "items": element.schema() }),
            Self::Fixed(element, length) => json!({
                "type": "array",
                "items": element.schema(),
                "minItems": length,
                "maxItems": length,
            }),
            Self::Map(pair) => {
                json!({ "type": "array", "items": tuple(&[pair.0.schema(), pair.1.schema()]) })
            }
            Self::Record(fields) => record(fields),
            Self::Tuple(shapes) => tuple(&shapes.iter().map(Self::schema).collect::<Vec<_>>()),
            Self::Variant(cases) => variant(cases),
            Self::Enum(names) => json!({ "enum": names }),
            Self::Option(inner) => {
                let some = inner.schema();
                let some = if inner.has_null() { one("some", &some) } else { some };
                json!({ "anyOf": [some, { "type": "null" }] })
            }
            Self::Result(both) => {
                let side = |shape: &Option<Self>| match shape {
                    Some(shape) => shape.schema(),
                    None => json!({ "type": "null" }),
                };
                json!({ "anyOf": [one("ok", &side(&both.0)), one("err", &side(&both.1))] })
            }
            Self::Flags(names) => {
                json!({ "type": "array", "items": { "enum": names }, "uniqueItems": true })
            }
        }
    }
}

fn whole(int: Int) -> Value {
    let (least, greatest) = int.range();
    if !int.is_wide() {
        // Both fit: they are of 32 bits at most.
        let [least, greatest] = [least, greatest].map(|n| i64::try_from(n).unwrap_or_default());
        return json!({ "type": "integer", "minimum": least, "maximum": greatest });
    }
    if least == 0 {
        json!({ "type": ["integer", "string"], "minimum": 0, "pattern": "^(0|[1-9][0-9]{0,19})$" })
    } else {
        json!({ "type": ["integer", "string"], "pattern": "^(0|-?[1-9][0-9]{0,18})$" })
    }
}

/// An object of one property.
fn one(name: &str, schema: &Value) -> Value {
    json!({
        "type": "object",
        "properties": { name: schema },
        "required": [name],
        "additionalProperties": false,
    })
}

fn record(fields: &[(String, Shape)]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|(name, shape)| (name.clone(), shape.schema())).collect();
    let needed = fields.iter().filter(|(_, shape)| !shape.has_null());
    let required: Vec<&String> = needed.map(|(name, _)| name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn tuple(items: &[Value]) -> Value {
    let length = items.len();
    json!({ "type": "array", "prefixItems": items, "minItems": length, "maxItems": length })
}

/// The cases without a value in one list, and then an object for each that has one.
fn variant(cases: &[(String, Option<Shape>)]) -> Value {
    let bare: Vec<&String> =
        cases.iter().filter(|(_, shape)| shape.is_none()).map(|(name, _)| name).collect();
    let bare = (!bare.is_empty()).then(|| json!({ "enum": bare }));
    let full = cases.iter().filter_map(|(name, shape)| Some(one(name, &shape.as_ref()?.schema())));
    json!({ "anyOf": bare.into_iter().chain(full).collect::<Vec<_>>() })
}
