//! The tool `my_tool`: counts the lines of a file.

use stepwell::{Refusal, Tree, repository};

stepwell::tool! {
    name: "my_tool",
    description: "Counts the lines of a file of the repository.",
    schema: r#"{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "path": { "type": "string", "description": "The file, from the root of the repository." }
        },
        "required": ["path"],
        "additionalProperties": false
    }"#,
    call: my_tool,
}

#[derive(serde::Deserialize)]
pub struct Input {
    path: String,
}

#[derive(serde::Serialize)]
pub struct Output {
    lines: usize,
}

fn my_tool(Input { path }: Input) -> Result<Output, Refusal> {
    let text = repository::read_text(Tree::Head, &path)?;
    Ok(Output { lines: text.lines().count() })
}

#[cfg(test)]
mod tests {
    use stepwell::testing::Repository;

    use super::TOOL;

    #[test]
    fn lines_are_counted() {
        let run = Repository::new().file("a.txt", "one\ntwo\n").call(&TOOL, r#"{"path": "a.txt"}"#);
        assert_eq!(run.answer.unwrap(), r#"{"lines":2}"#);
    }
}
