//! Other people's clients: the official Python SDK talks to `stepwell model serve`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::support::{World, python};

/// The release of the SDK that this was written against.
const OPENAI: &str = "openai[realtime]==3.54.0";

/// What is done with the SDK: a turn, its tool call, the turn after it.
const CLIENT: &str = r#"
import sys
from openai import OpenAI

tool = {"type": "function", "name": "read_file", "parameters": {"type": "object", "properties": {}}}
client = OpenAI(base_url=sys.argv[1], api_key="none")
with client.responses.connect() as connection:
    def ask(**more):
        connection.response.create(model="scripted", tools=[tool], store=False, **more)
        for event in connection:
            if event.type == "error":
                raise SystemExit(f"error: {event}")
            if event.type == "response.completed":
                return event.response
    first = ask(input="hello")
    call = next(item for item in first.output if item.type == "function_call")
    print("called", call.name, call.arguments)
    answer = {"type": "function_call_output", "call_id": call.call_id, "output": "{}"}
    second = ask(input=[answer], previous_response_id=first.id)
    print("said", second.output[-1].content[0].text, second.usage.total_tokens > 0)
"#;

const SCRIPT: &str = r#"
model = "scripted"
[[turn]]
say = "Let me look."
[[turn.call]]
tool = "read_file"
arguments = { path = "a" }
[[turn]]
say = "It is fine."
"#;

struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _gone = self.0.kill().and_then(|()| self.0.wait().map(|_| ()));
    }
}

#[test]
fn the_official_python_sdk_talks_to_the_served_model() {
    let Some(python) = python("sdk-venv", OPENAI, "import openai, websockets") else { return };
    let world = World::files(&[("model.toml", SCRIPT)]);
    let mut serve = world.command(&["model", "serve", "--script", "model.toml"]);
    let mut server = Serving(serve.stdout(Stdio::piped()).spawn().unwrap());
    let mut said = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let first = said.next().unwrap().unwrap();
    let url = first.split_whitespace().last().unwrap();

    let talked = Command::new(python).args(["-c", CLIENT, url]).output().unwrap();
    let out = String::from_utf8_lossy(&talked.stdout);
    let err = String::from_utf8_lossy(&talked.stderr);
    assert!(talked.status.success(), "{out}\n{err}");
    assert_eq!(out.lines().next(), Some(r#"called read_file {"path":"a"}"#), "{out}");
    assert_eq!(out.lines().nth(1), Some("said It is fine. True"), "{out}");
}
