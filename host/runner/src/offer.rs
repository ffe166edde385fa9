//! How a tool is shown to the model.

use serde_json::Value;
use wire::ToolSpec;

/// A tool as a request offers it: its name, what it does, and the JSON Schema of its arguments,
/// without what is for validators and for people.
#[must_use]
pub fn tool_spec(name: &str, description: &str, mut schema: Value) -> ToolSpec {
    // The protocol has it sent again with each turn.
    slim(&mut schema, DEPTH_MAX);
    let (name, description) = (name.to_owned(), description.to_owned());
    ToolSpec { name, description, parameters: schema, strict: false }
}

/// What a model neither needs to know nor is likely to break: the host checks it all the same. Examples
/// are for people; a description has those that a model needs. Of a choice the first is the default,
/// where it has one.
fn is_for_others(key: &str, value: &Value, first_choice: Option<&Value>) -> bool {
    match key {
        "$schema" | "examples" | "minLength" | "maxLength" | "maxItems" | "minimum" => true,
        "default" => *value == false || *value == 0 || Some(value) == first_choice,
        "additionalProperties" => *value == false,
        _ => false,
    }
}

/// Schemas inside each other that are looked into.
const DEPTH_MAX: usize = 16;

fn slim(schema: &mut Value, depth: usize) {
    let (Some(object), Some(depth)) = (schema.as_object_mut(), depth.checked_sub(1)) else {
        return;
    };
    let first_choice = object.get("enum").and_then(|choices| choices.get(0)).cloned();
    object.retain(|key, value| !is_for_others(key, value, first_choice.as_ref()));
    if let Some(items) = object.get_mut("items") {
        slim(items, depth);
    }
    // Names of properties are the tool's own words.
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(|property| slim(property, depth));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_is_told_what_it_may_say_and_not_how_that_is_checked() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "maxItems": { "type": "integer", "minimum": 1, "maximum": 3 },
                "bytes": { "type": "integer", "minimum": 1000, "default": 4096 },
                "skip": { "type": "integer", "minimum": 0, "default": 0 },
                "tree": { "enum": ["head", "base"], "default": "head" },
                "order": { "enum": ["rank", "path"], "default": "path" },
                "deep": { "type": "boolean", "default": false },
                "by_name": { "type": "object", "additionalProperties": { "type": "string" } },
                "paths": {
                    "type": "array",
                    "items": { "type": "string", "minLength": 1 },
                    "maxItems": 64,
                    "default": ["**"],
                },
            },
            "required": ["paths"],
            "additionalProperties": false,
            "examples": [{ "paths": ["a"] }],
        });
        let spec = tool_spec("a", "Does.", schema);
        insta::assert_snapshot!(spec.parameters, @r#"{"properties":{"by_name":{"additionalProperties":{"type":"string"},"type":"object"},"bytes":{"default":4096,"type":"integer"},"deep":{"type":"boolean"},"maxItems":{"maximum":3,"type":"integer"},"order":{"default":"path","enum":["rank","path"]},"paths":{"default":["**"],"items":{"type":"string"},"type":"array"},"skip":{"type":"integer"},"tree":{"enum":["head","base"]}},"required":["paths"],"type":"object"}"#);
        assert!(!spec.strict);
    }
}
