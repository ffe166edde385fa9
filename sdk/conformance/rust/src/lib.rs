//! The conformance tool in Rust.

use stepwell::repository::{self, Glob, Kind, Search};
use stepwell::{Refusal, Tree, environment};

stepwell::tool! {
    name: "conformance",
    description: "Asks the host one question of each kind, and tells the answer.",
    schema: r#"{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "ask": { "type": "string" },
            "about": { "type": "string" },
            "tree": { "enum": ["head", "base"] },
            "number": { "type": "string", "pattern": "^[0-9]{1,9}$" }
        },
        "required": ["ask", "about"],
        "additionalProperties": false
    }"#,
    grants: r#"{ "environment": ["CI_BRANCH", "UNSET"] }"#,
    call: call,
}

#[derive(serde::Deserialize)]
pub struct Input {
    ask: String,
    about: String,
    tree: Option<String>,
    number: Option<String>,
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Directory => "directory",
        Kind::Symlink => "symlink",
    }
}

fn call(Input { ask, about, tree, number }: Input) -> Result<serde_json::Value, Refusal> {
    let tree = if tree.as_deref() == Some("base") { Tree::Base } else { Tree::Head };
    let number: u32 = number.and_then(|number| number.parse().ok()).unwrap_or(100);
    Ok(match ask.as_str() {
        "read" => json(&[("text", repository::read_text(tree, &about)?.into())]),
        "range" => {
            let bytes = repository::read_range(tree, &about, u64::from(number), 5)?;
            json(&[("text", String::from_utf8_lossy(&bytes).into())])
        }
        "stat" => {
            let found = repository::stat(tree, &about)?;
            json(&[
                ("kind", word(found.kind).into()),
                ("size", found.size.into()),
                ("executable", found.executable.into()),
            ])
        }
        "kind" => json(&[("kind", repository::kind(tree, &about)?.map(word).into())]),
        "size" => json(&[("size", repository::size(tree, &about)?.into())]),
        "executable" => {
            json(&[("executable", repository::is_executable(tree, &about)?.into())])
        }
        "list" => {
            let entries = repository::list(tree, &about)?;
            let entry = |entry: repository::Entry| {
                json(&[("name", entry.name.into()), ("kind", word(entry.kind).into())])
            };
            json(&[("entries", entries.into_iter().map(entry).collect())])
        }
        "glob" => {
            let found = Glob::new([about]).max(number).find(tree)?;
            json(&[("paths", found.paths.into()), ("truncated", found.truncated.into())])
        }
        "search" => {
            let found = Search::new(about).max(number).context(1).find(tree)?;
            let line = |line: repository::LineMatch| {
                json(&[
                    ("path", line.path.into()),
                    ("line", line.line.into()),
                    ("text", line.text.into()),
                    ("before", line.before.into()),
                    ("after", line.after.into()),
                ])
            };
            let lines = found.lines.into_iter().map(line).collect();
            json(&[("lines", lines), ("truncated", found.truncated.into())])
        }
        "variable" => json(&[("value", environment::get(&about)?.into())]),
        "log" => {
            stepwell::info!("{about}");
            json(&[("logged", about.into())])
        }
        "fill" => json(&[("text", about.repeat(number as usize).into())]),
        "spin" => loop {
            std::hint::black_box(());
        },
        _ => return Err(Refusal::new(about)),
    })
}

fn json(fields: &[(&str, serde_json::Value)]) -> serde_json::Value {
    fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}
