//! What the author of a tool does: begin one, build it, try it against its cases, look at it.
//!
//! Components here are made of the sandbox's guests, so that no toolchain is needed; `cargo xtask
//! conformance` does the same with real ones, in every language.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::support::{Ran, World, workspace};

const LANGUAGES: [&str; 6] = ["rust", "python", "javascript", "go", "c", "zig"];

/// A guest that answers with digits drawn by chance.
const GOES_BY_CHANCE: &str = r#";; world: observer
(import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
(data (i32.const 16) "\"00000000\"")
(func (export "stepwell:tool/handler@0.1.0#call") (param i32 i32) (result i32)
  (local $drawn i64) (local $at i32)
  (local.set $drawn (call $random))
  (loop $digits
    (i32.store8
      (i32.add (i32.const 17) (local.get $at))
      (i32.add (i32.const 48) (i32.and (i32.wrap_i64 (local.get $drawn)) (i32.const 7))))
    (local.set $drawn (i64.shr_u (local.get $drawn) (i64.const 3)))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br_if $digits (i32.lt_u (local.get $at) (i32.const 8))))
  (call $answer (i32.const 16) (i32.const 10)))
"#;

/// The component of a guest of the sandbox's tests, with a manifest.
fn component(guest: &str, schema: &Value) -> Vec<u8> {
    component_of(guest, &json!({ "name": "guest", "description": "A test.", "schema": schema }))
}

/// The same, with that manifest.
pub(crate) fn component_of(guest: &str, manifest: &Value) -> Vec<u8> {
    let guests = workspace().join("host/sandbox/tests/guests");
    let read = |name: &str| fs::read_to_string(guests.join(name).with_extension("wat")).unwrap();
    let body = if guest.contains('(') { guest.to_owned() } else { read(guest) };
    let component = if body.contains("\n(component") {
        wat::parse_str(body).unwrap()
    } else {
        let mut module = wat::parse_str(format!("(module\n{body}\n{})", read("prelude"))).unwrap();
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path(workspace().join("wit")).unwrap();
        let world = match body.lines().next().and_then(|line| line.strip_prefix(";; world: ")) {
            Some(world) => {
                let own = resolve.push_file(guests.join("wasi.wit")).unwrap();
                resolve.select_world(&[own], Some(world)).unwrap()
            }
            None => resolve.select_world(&[package], Some("tool")).unwrap(),
        };
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
    };
    let data = [b"\x0dstepwell:tool".as_slice(), manifest.to_string().as_bytes()].concat();
    let length =
        [u8::try_from(data.len() & 0x7f).unwrap() | 0x80, u8::try_from(data.len() >> 7).unwrap()];
    [component.as_slice(), &[0], &length, &data].concat()
}

/// A folder with a tool that was built, and its cases.
fn tool(guest: &str, cases: &str) -> World {
    let world = World::files(&[("cases.toml", cases)]);
    let schema = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    fs::create_dir(world.path("build")).unwrap();
    fs::write(world.path("build/guest.wasm"), component(guest, &schema)).unwrap();
    world
}

/// Everything that differs from run to run, made the same.
fn steady(text: &str) -> String {
    let took = |line: &str| match line.trim_start().starts_with("took ") {
        true => "      took   …".to_owned(),
        false => line.to_owned(),
    };
    text.lines().map(|line| took(line) + "\n").collect()
}

#[test]
fn a_tool_is_held_against_its_cases() {
    let world = tool(
        "echoes",
        r#"
[[case]]
name = "what is expected"
input = '{"a": "b"}'
answer = '{ "a" : "b" }'
questions = []

[[case]]
name = "another answer"
input = '{"a": "b"}'
answer = '{"a": "c"}'

[[case]]
name = "a refusal that does not come"
refusal = "no"

[[case]]
name = "a question that is not asked"
answer = '{}'
questions = ['the content of "a"']

[[case]]
name = "an end"
input = '{"a": "0123456789"}'
limits = { output-bytes = 4 }
ended = "its output is larger"

[[case]]
name = "nothing in particular"
"#,
    );
    let tested = world.stepwell(&["tool", "test", "."]).code(1);
    let bytes = fs::metadata(world.path("build/guest.wasm")).unwrap().len();
    let told = steady(&tested.out).replace(&format!("{bytes} bytes"), "… bytes");
    insta::assert_snapshot!(told);
    let json = world.stepwell(&["tool", "test", ".", "--json", "--only", "expected"]).code(0);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["cases"][0]["outcome"], json!({ "answer": r#"{"a": "b"}"# }));
    assert_eq!(json["cases"][0]["kept"], true);
    assert!(json["cases"][0]["usage"]["fuel"].as_u64().unwrap() > 0, "{json:#}");
}

#[test]
fn what_came_out_is_written_down_and_nothing_else_is_touched() {
    let cases = "# A word of the author's.\n[[case]]\nname = \"one\"  # and another\n\
                 input = '{\"a\": \"b\"}'\nanswer = '1'\n\n[[case]]\nname = \"two\"\nrefusal = \"x\"\n";
    let world = tool("echoes", cases);
    world.stepwell(&["tool", "test", "."]).code(1);
    world.stepwell(&["tool", "test", ".", "--update"]).code(0);
    world.stepwell(&["tool", "test", "."]).code(0);
    insta::assert_snapshot!(world.read("cases.toml"));
}

#[test]
fn a_tool_that_goes_by_chance_is_found_out() {
    let world = tool(GOES_BY_CHANCE, "[[case]]\nname = \"any\"\nanswer = '\"\"'\n");
    let tested = world.stepwell(&["tool", "test", ".", "--json"]).code(1);
    let tested: Value = serde_json::from_str(&tested.out).unwrap();
    assert_eq!(tested["cases"][0]["deterministic"], false, "{tested:#}");
    // Nothing to write down: the next run would differ.
    world.stepwell(&["tool", "test", ".", "--update"]).code(1);
    let checked = world.stepwell(&["tool", "check", ".", "--json"]).code(1);
    let checked: Value = serde_json::from_str(&checked.out).unwrap();
    let wrong: Vec<&Value> = checked["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["verdict"] == "wrong")
        .map(|check| &check["what"])
        .collect();
    assert_eq!(wrong, ["determinism"]);
}

#[test]
fn a_component_is_looked_at_before_a_step_takes_it() {
    let world = tool("echoes", "[[case]]\nname = \"any\"\nanswer = '{}'\n");
    let shape = |text: &str| {
        let steady = |line: &str| {
            !["guest: ", "ok     code ", "ok     size "].iter().any(|front| line.starts_with(front))
        };
        text.lines().filter(|line| steady(line)).map(|line| format!("{line}\n")).collect::<String>()
    };
    let checked = world.stepwell(&["tool", "check", "."]).code(0);
    insta::assert_snapshot!("a_tool_that_fits", shape(&checked.out));
    for (name, guest, schema) in [
        ("a_foreign_import", "foreign-import", json!({ "type": "object" })),
        ("no_handler", "not-a-tool", json!({ "type": "object" })),
        ("no_schema", "echoes", json!({ "type": "objet", "required": 7 })),
    ] {
        fs::write(world.path("other.wasm"), component(guest, &schema)).unwrap();
        let checked = world.stepwell(&["tool", "check", "other.wasm"]);
        insta::assert_snapshot!(name, shape(&checked.out));
        assert_ne!(checked.code, Some(0), "{name}");
    }
}

#[test]
fn what_cannot_be_tried_says_why() {
    let world = tool("echoes", "");
    world.write("twice.toml", "[[case]]\nname = \"a\"\n[[case]]\nname = \"a\"\n");
    world.write("both.toml", "[[case]]\nname = \"a\"\nanswer = '1'\nrefusal = \"x\"\n");
    world.write("unfit.toml", "[[case]]\nname = \"a\"\ninput = '{\"a\": 1}'\nanswer = '1'\n");
    world.write("text.toml", "[[case]]\nname = \"a\"\ninput = 'no'\n");
    world.write("key.toml", "[[case]]\nname = \"a\"\nanswr = '1'\n");
    world.write("out.toml", "[[case]]\nname = \"a\"\nrepository = { \"../x\" = \"\" }\n");
    world.write(
        "much.toml",
        "[[case]]\nname = \"a\"\nrepository = { x = { text = \"0123\", times = 999999999 } }\n",
    );
    world.write("limit.toml", "[[case]]\nname = \"a\"\nlimits = { memory-bytes = 99999999999 }\n");
    world.write("variable.toml", "[[case]]\nname = \"a\"\nenvironment = { HOME = \"x\" }\n");
    world.write("folder/note.txt", "nothing to build");
    let cases = |file: &'static str| vec!["tool", "test", ".", "--cases", file];
    let mut said = Vec::new();
    for arguments in [
        vec!["tool", "test", "."],
        cases("twice.toml"),
        cases("both.toml"),
        cases("unfit.toml"),
        cases("text.toml"),
        cases("key.toml"),
        cases("out.toml"),
        cases("much.toml"),
        cases("limit.toml"),
        cases("variable.toml"),
        cases("none.toml"),
        vec!["tool", "test", "folder"],
        vec!["tool", "build", "folder"],
        vec!["tool", "new", "Bad-Name", "--lang", "rust"],
        vec!["tool", "new", "folder", "--lang", "rust"],
    ] {
        let ran = world.stepwell(&arguments).code(2);
        said.push(format!("$ stepwell {}\n{}", arguments.join(" "), ran.err));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_tool_begins_with_everything_that_it_is_built_from() {
    let world = World::files(&[]);
    for language in LANGUAGES {
        world.stepwell(&["tool", "new", "count_it", "--lang", language, "--dir", language]).code(0);
        let contract = fs::read_to_string(workspace().join("wit/tool.wit")).unwrap();
        assert_eq!(world.read(&format!("{language}/wit/tool.wit")), contract);
        assert!(world.read(&format!("{language}/README.md")).lines().count() <= 24, "{language}");
        // Its cases can be read: there is only nothing yet to hold against them.
        let tested = world.stepwell(&["tool", "test", language]).code(2);
        assert!(tested.err.contains("has no component in `build`"), "{}", tested.err);
    }
    let no_tools = world.command(&["tool", "build", "python"]).env("PATH", "").output().unwrap();
    let said = String::from_utf8(no_tools.stderr).unwrap();
    assert!(said.contains("pip install componentize-py"), "{said}");
}

#[test]
fn what_a_pull_request_brings_is_never_built_unasked() {
    let world = World::files(&[]);
    let help = world.stepwell(&["tool", "build", "--help"]).code(0);
    assert!(help.out.contains("never use it on a change that you have not read"), "{}", help.out);
}

/// A toolchain that talks, and leaves what it was given.
const FAKE: &str = "#!/bin/sh\necho chatter\nfor last; do :; done\ncp \"$BUILT\" \"$last\"\n";

#[test]
fn a_folder_becomes_a_component_that_says_what_it_is() {
    let world = World::files(&[("bin/componentize-py", FAKE)]);
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(world.path("bin/componentize-py"), executable).unwrap();
    world.stepwell(&["tool", "new", "count_it", "--lang", "python"]).code(0);
    // What a toolchain leaves has no manifest yet.
    let whole = component("answers", &json!({}));
    let at = whole.windows(14).rposition(|window| window == b"\x0dstepwell:tool").unwrap() - 3;
    fs::write(world.path("built.wasm"), &whole[..at]).unwrap();
    let path = format!("{}:/usr/bin:/bin", world.path("bin").display());
    let build = |json: &'static str| {
        let mut build = world.command(&["tool", "build", "count_it", json]);
        Ran::from(build.env("PATH", &path).env("BUILT", world.path("built.wasm")).output().unwrap())
    };
    let built: Value = serde_json::from_str(&build("--json").code(0).out).unwrap();
    assert_eq!(built["component"], "count_it/build/count_it.wasm");
    let listed = ["tool", "describe", "count_it", "--component", "count_it/build/count_it.wasm"];
    let described = world.stepwell(&listed).code(0);
    assert!(described.out.starts_with("count_it: Counts the lines"), "{}", described.out);
    // No call has to compile what was built.
    let tested = world.stepwell(&["tool", "test", "count_it"]).code(1);
    assert!(!tested.err.contains("compiling"), "{}", tested.err);

    world.write("count_it/tool.json", r#"{"name": "Count", "description": "d", "schema": {}}"#);
    insta::assert_snapshot!(build("--json").code(2).err);
    fs::write(world.path("built.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let refused = build("--json").code(2);
    assert!(refused.err.contains("does not become a component"), "{}", refused.err);
}
