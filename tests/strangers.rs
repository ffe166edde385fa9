//! Components that nobody here wrote, as their makers' own examples build them: they are tools without
//! a change, and have no more than any other.
//!
//! `cargo xtask languages` builds them. One that could not be had is left out, loudly.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use snapshot::Digest;

use crate::mcp;
use crate::support::{Ran, World, workspace};

/// A secret of whoever runs stepwell.
const CANARY: &str = "canary-5d1f0c";

/// A stranger's component, if it could be had.
fn stranger(name: &str) -> Option<PathBuf> {
    let path = workspace().join("target/languages").join(name).with_extension("wasm");
    if !path.exists() {
        eprintln!(
            "SKIPPED LOUDLY: there is no `{name}` in target/languages: see what `cargo xtask languages` says"
        );
    }
    path.exists().then_some(path)
}

fn world() -> World {
    let world = World::files(&[("a.txt", "one\n")]);
    world.commit("a file");
    world
}

fn call(world: &World, component: &str, tool: &str, arguments: &Value, more: &[&str]) -> Ran {
    let arguments = arguments.to_string();
    let usual = ["tool", "call", tool, "--component", component, "--args", &arguments];
    let mut command = world.command(&[&usual, more].concat());
    Ran::from(command.env("CANARY", CANARY).output().unwrap())
}

/// A tool as it is listed beside a component's; none where there is none of this name.
fn find(world: &World, component: &str, name: &str) -> Option<Value> {
    let listed = world.stepwell(&["tool", "list", "--json", "--component", component]).code(0);
    let listed: Vec<Value> = serde_json::from_str(&listed.out).unwrap();
    listed.into_iter().find(|tool| tool["name"] == name)
}

fn listed(world: &World, component: &str, name: &str) -> Value {
    find(world, component, name).unwrap()
}

fn object(field: &str) -> Value {
    json!({
        "type": "object",
        "properties": { field: { "type": "string" } },
        "required": [field],
        "additionalProperties": false,
    })
}

#[test]
fn a_function_in_javascript_is_a_tool() {
    let Some(path) = stranger("greeter") else { return };
    let (world, component) = (world(), path.to_str().unwrap());
    let tool = listed(&world, component, "greet");
    // What its toolchain left in it is none.
    assert_eq!(find(&world, component, "init"), None);
    assert_eq!(tool["schema"], object("name"));
    let bytes = fs::read(&path).unwrap();
    assert_eq!(tool["component"], Digest::of(&bytes).to_string());
    let greet = |more: &[&str]| call(&world, component, "greet", &json!({ "name": "Ada" }), more);
    assert_eq!(greet(&[]).code(0).out, "\"Hello, Ada!\"\n");
    let again: Value = serde_json::from_str(&greet(&["--json"]).code(0).out).unwrap();
    assert_eq!(again["source"], "cache");
    assert_eq!(again["answer"]["output"], "\"Hello, Ada!\"");
    assert_eq!(greet(&["--no-cache"]).code(0).out, "\"Hello, Ada!\"\n");
    let refused = call(&world, component, "greet", &json!({ "nam": 1 }), &[]);
    assert!(refused.err.contains("do not fit its schema"), "{}", refused.err);

    // Pinned as any other, and called by its name from then on.
    fs::copy(&path, world.path("greeter.wasm")).unwrap();
    let added = world.stepwell(&["tool", "add", "greeter.wasm"]).code(0);
    assert!(added.out.contains("greet: The function `greet` of a component"), "{}", added.out);
    assert!(world.read("stepwell.lock").contains("name = \"greet\""));
    world.commit("the lock");
    let pinned = world.stepwell(&["tool", "call", "greet", "--args", r#"{"name": "Eve"}"#]);
    assert_eq!(pinned.code(0).out, "\"Hello, Eve!\"\n");
    world.write("greeter.wasm", "no longer what was pinned");
    fs::remove_dir_all(world.path("../cache/components")).unwrap();
    assert_ne!(world.stepwell(&["tool", "call", "greet"]).code, Some(0));

    let cases = "[[case]]\nname = \"a greeting\"\ninput = '{\"name\": \"Bo\"}'\n\
                 answer = '\"Hello, Bo!\"'\n";
    world.write("cases.toml", cases);
    fs::copy(&path, world.path("greeter.wasm")).unwrap();
    let tested = world.stepwell(&["tool", "test", "greeter.wasm"]).code(0);
    assert!(tested.out.contains("greet: 1 passed, 0 failed"), "{}", tested.out);
    let checked = world.stepwell(&["tool", "check", "greeter.wasm"]).code(0);
    assert!(checked.out.contains("`init` is no tool: it is how componentize-qjs prepares"));
    assert!(checked.out.contains("it was not made for stepwell"), "{}", checked.out);
    assert!(checked.out.contains("1 case ran twice and came out alike"), "{}", checked.out);
}

/// Pinned, it is a tool of models and of any client, each of whom is told the same.
#[test]
fn a_run_and_a_client_call_it_as_any_other() {
    let Some(path) = stranger("greeter") else { return };
    let world = world();
    fs::copy(&path, world.path("greeter.wasm")).unwrap();
    world.stepwell(&["tool", "add", "greeter.wasm"]).code(0);
    let price = "[model]\nname = \"m\"\nprice = { input = 1.0, output = 2.0 }\n";
    let step = format!("name = \"greets\"\ntask = \"Greet.\"\n{price}");
    world.write(".stepwell/step.toml", &step);
    let greets = "model = \"m\"\n[[turn]]\n[[turn.call]]\ntool = \"greet\"\n\
                  arguments = { name = \"Ada\" }\n[[turn]]\nsay = \"That was polite.\"\n";
    world.write("model.toml", greets);
    world.commit("the step and its tool");

    let ran = world.stepwell(&["run", "--provider", "script:model.toml"]).code(0);
    assert_eq!(world.artifacts()["outcome"], "diagnosis", "{}", ran.err);
    let trace = world.read(".stepwell/out/trace.jsonl");
    assert!(trace.contains("Hello, Ada!"), "{trace}");

    let [hello, ready] = mcp::hello();
    let greet = |id, input| mcp::call(id, "greet", &input);
    let lines = [hello, ready, greet(1, json!({ "name": "Eve" })), greet(2, json!({ "nam": 1 }))];
    let answers = mcp::talk(&world, &lines);
    let said = |id: u64| &answers.iter().find(|answer| answer["id"] == id).unwrap()["result"];
    assert_eq!(said(1)["content"][0]["text"], "\"Hello, Eve!\"");
    assert_eq!(said(2)["isError"], true, "{}", said(2));
}

#[test]
fn functions_in_python_are_tools_and_say_why_they_fail() {
    let Some(path) = stranger("evaluator") else { return };
    let (world, component) = (world(), path.to_str().unwrap());
    assert_eq!(listed(&world, component, "eval")["schema"], object("expression"));
    assert_eq!(listed(&world, component, "exec")["schema"], object("statements"));
    assert_eq!(find(&world, component, "exports_init"), None);
    world.write("cases.toml", "[[case]]\nname = \"a\"\ninput = '{}'\nanswer = '1'\n");
    let several = world.stepwell(&["tool", "test", component, "--cases", "cases.toml"]);
    assert!(several.err.contains("--function"), "{}", several.err);
    let eval = |expression: &str| {
        call(&world, component, "eval", &json!({ "expression": expression }), &["--no-cache"])
    };
    assert_eq!(eval("sum(range(5))").code(0).out, "\"10\"\n");
    let divided = eval("1 / 0").code(2);
    assert!(divided.err.contains("ZeroDivisionError: division by zero"), "{}", divided.err);
    // Chance is the same for the same call.
    let chance = "__import__('random').random()";
    assert_eq!(eval(chance).code(0).out, eval(chance).code(0).out);
    // What is outside is not there: no variable, no file, no socket.
    let variables = eval("str(dict(__import__('os').environ))");
    assert!(!variables.out.contains(CANARY) && !variables.err.contains(CANARY));
    for outside in [
        "open('/etc/passwd').read()",
        "__import__('os').listdir('/')",
        "__import__('socket').create_connection(('127.0.0.1', 80))",
    ] {
        assert_eq!(eval(outside).code(2).out, "", "{outside}");
    }
    let done = call(&world, component, "exec", &json!({ "statements": "x = 1" }), &[]);
    assert_eq!(done.code(0).out, "null\n");
}

#[test]
fn a_program_in_c_is_a_tool() {
    let Some(path) = stranger("hasher") else { return };
    let (world, component) = (world(), path.to_str().unwrap());
    assert_eq!(listed(&world, component, "hasher")["schema"], json!({ "type": "object" }));
    for arguments in [json!({}), json!({ "text": "tä", "n": [1] })] {
        // Arguments reach a tool in one spelling (RFC 8785), whatever they were written in.
        let hash = Digest::of(&serde_json_canonicalized(&arguments));
        let ran = call(&world, component, "hasher", &arguments, &[]).code(0);
        assert_eq!(ran.out, format!("\"{hash}\\n\"\n"));
    }
    // Under a step, it is a tool like the others; the step says which may be called.
    fs::copy(&path, world.path("hasher.wasm")).unwrap();
    let step = "name = \"hash\"\ntask = \"Hash something.\"\n\n[model]\nname = \"m\"\n\
                price = { input = 1.00, output = 1.00 }\n\n[budget]\nspend = 0.50\n\n[tools]\n\
                component = [\"hasher.wasm\"]\nallow = [\"hasher\"]\n";
    world.write(".stepwell/step.toml", step);
    let valid = world.stepwell(&["validate"]);
    assert_eq!(valid.code, Some(0), "{}", valid.err);
}

/// Keys are sorted by `serde_json`, and there is nothing else to it here.
fn serde_json_canonicalized(arguments: &Value) -> Vec<u8> {
    arguments.to_string().into_bytes()
}
