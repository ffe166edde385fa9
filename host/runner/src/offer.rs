//! How a tool is shown to the model.

use serde_json::Value;
use wire::ToolSpec;

/// A tool as a request offers it: its name, what it does, and the JSON Schema of its arguments,
/// without what only a validator needs.
#[must_use]
pub fn tool_spec(name: &str, description: &str, mut schema: Value) -> ToolSpec {
    // The protocol has it sent again with each turn.
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
    }
    let (name, description) = (name.to_owned(), description.to_owned());
    ToolSpec { name, description, parameters: schema, strict: false }
}
