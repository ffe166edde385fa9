//! Other people's clients of the Model Context Protocol: the official one in Python, and one that
//! behaves badly.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{World, python};

/// The release of the client that this was written against.
pub(crate) const MCP: &str = "mcp==2.3.0";

/// What is done with the client, at a URL or with a command: the tools, an answer, one that is read on, two that are refused.
pub(crate) const CLIENT: &str = r#"
import asyncio, json, re, sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

def connected():
    if sys.argv[1].startswith("http"):
        return streamable_http_client(sys.argv[1])
    return stdio_client(StdioServerParameters(command=sys.argv[1], args=["mcp"], env=dict(
        pair.split("=", 1) for pair in sys.argv[2:])))

async def main():
    async with connected() as (read, write):
        async with ClientSession(read, write) as session:
            await session.initialize()
            print("server", session.server_info.name)
            tools = {tool.name: tool for tool in (await session.list_tools()).tools}
            print("tools", " ".join(sorted(tools)))
            print("read only", all(tool.annotations.read_only_hint for tool in tools.values()))
            small = await session.call_tool("read_file", {"path": "small.txt"})
            print("small", "hello" in small.content[0].text, small.is_error)
            long = await session.call_tool("list_files", {"max_tokens": 64000})
            text = long.content[0].text
            whole = ""
            while (found := re.search(r"\n\[\d+ of \d+ bytes; read_on (\{.*\})\]$", text)):
                whole += text[:found.start()]
                more = await session.call_tool("read_on", json.loads(found.group(1)))
                text = more.content[0].text
            whole += text
            print("long", json.loads(whole) is not None)
            refused = await session.call_tool("read_file", {"path": "../../etc/passwd"})
            print("refused", refused.is_error)
            try:
                wrong = await session.call_tool("no_such_tool", {})
                print("unknown", wrong.is_error)
            except Exception as error:
                print("unknown", type(error).__name__)
asyncio.run(main())
"#;

pub(crate) fn world() -> World {
    let names: Vec<String> =
        (0..1_500).map(|n| format!("files/{n:04}-{}.txt", "x".repeat(60))).collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x\n")).collect();
    files.push(("small.txt", "hello\n"));
    World::files(&files)
}

#[test]
fn the_official_python_client_uses_the_tools() {
    let Some(python) = python("mcp-venv", MCP, "import mcp") else { return };
    let world = world();
    let command = world.command(&[]);
    let vars = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_str()?, value?.to_str()?)));
    let mut client = Command::new(python);
    client.current_dir(world.repo()).args(["-c", CLIENT, env!("CARGO_BIN_EXE_stepwell")]);
    let talked = client.args(vars).output().unwrap();
    let out = String::from_utf8_lossy(&talked.stdout);
    assert!(talked.status.success(), "{out}\n{}", String::from_utf8_lossy(&talked.stderr));
    insta::assert_snapshot!(out);
}

/// Says lines to the server, and returns what it said before it ended with its input.
pub(crate) fn talk(world: &World, lines: &[String]) -> Vec<Value> {
    let mut command = world.command(&["mcp"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = command.spawn().unwrap();
    let mut stdin = server.stdin.take().unwrap();
    let out = BufReader::new(server.stdout.take().unwrap());
    let lines = lines.to_vec();
    let said = std::thread::spawn(move || {
        for line in lines {
            // A server that ended has heard enough.
            if writeln!(stdin, "{line}").is_err() {
                break;
            }
        }
    });
    let answers = out.lines().map_while(Result::ok);
    let answers = answers.filter_map(|line| serde_json::from_str(&line).ok()).collect();
    said.join().unwrap();
    assert!(server.wait().unwrap().code().is_some(), "it ends by itself, and by no signal");
    answers
}

pub(crate) fn hello() -> [String; 2] {
    let hello = json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": { "name": "t", "version": "1" },
        },
    });
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    [hello.to_string(), ready.to_string()]
}

pub(crate) fn call(id: u64, tool: &str, arguments: &Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
}

#[test]
fn a_client_that_floods_or_talks_nonsense_gets_answers_and_breaks_nothing() {
    let world = world();
    let mut lines = hello().to_vec();
    lines.extend(["{".to_owned(), "[]".to_owned(), "\u{0}".to_owned(), "x".repeat(100_000)]);
    let small = json!({ "path": "small.txt" });
    lines.extend((1..=200).map(|id| call(id, "read_file", &small)));
    lines.push(call(201, "read_file", &json!({ "path": 7 })));
    lines.push(call(202, "read_on", &json!({ "handle": "answer-9", "offset": 0 })));
    let answers = talk(&world, &lines);
    let of = |id: u64| answers.iter().find(|answer| answer["id"] == id);
    let hello = of(0).unwrap();
    assert_eq!(hello["result"]["protocolVersion"], "2025-11-25", "{hello}");
    // The input ended while calls were waiting: what was answered was answered rightly.
    let answered = (1..=200).filter_map(of);
    for answer in answered {
        assert_eq!(answer["result"]["isError"], false, "{answer}");
    }
    for refused in [201, 202].into_iter().filter_map(of) {
        assert_eq!(refused["result"]["isError"], true, "{refused}");
    }
}

#[test]
fn a_client_that_disappears_leaves_no_server_behind() {
    let world = world();
    let answers = talk(&world, &hello());
    assert!(answers.iter().any(|answer| answer["id"] == 0), "{answers:?}");
    assert_eq!(talk(&world, &[]), Vec::<Value>::new());
}
