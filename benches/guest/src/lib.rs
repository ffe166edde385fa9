//! The tool `reads_a_file`: JSON in, one question, JSON out, as its like in JavaScript and Python does
//! when it is told to read. The tool `read_file` does more, and is measured beside it.

use serde::{Deserialize, Serialize};
use stepwell::{Refusal, Tree, repository};

stepwell::tool! {
    name: "reads_a_file",
    description: "Tells what a file says.",
    schema: r#"{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": { "read": { "type": "string" } },
        "required": ["read"],
        "additionalProperties": false
    }"#,
    call: call,
}

#[derive(Deserialize)]
pub struct Input {
    read: String,
}

#[derive(Serialize)]
pub struct Output {
    text: String,
}

fn call(Input { read }: Input) -> Result<Output, Refusal> {
    Ok(Output { text: repository::read_text(Tree::Head, &read)? })
}
