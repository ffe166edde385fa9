//! Components that were not made for us: what tools they become, and what comes of calling those.

use std::fmt::Write as _;

use sandbox::{Described, LoadError, Tool};
use serde_json::{Value, json};

use crate::Bench;
use crate::guests::{in_words, with_section};

/// A type as WIT would have it, as the text format has it, and values of it as JSON.
type Row = (&'static str, &'static str, &'static [&'static str]);

/// Each type of WIT, and some inside others.
const TYPES: [Row; 27] = [
    ("bool", "bool", &["true", "false"]),
    ("s8", "s8", &["-128", "127"]),
    ("u8", "u8", &["0", "255"]),
    ("s16", "s16", &["-32768", "32767"]),
    ("u16", "u16", &["65535"]),
    ("s32", "s32", &["-2147483648"]),
    ("u32", "u32", &["4294967295"]),
    ("s64", "s64", &["-1", "\"-9223372036854775808\""]),
    ("u64", "u64", &["9007199254740991", "\"18446744073709551615\""]),
    ("f32", "f32", &["0.1", "-0.0", "\"NaN\"", "3.4028235e+38"]),
    ("f64", "f64", &["0.1", "5e-324", "\"Infinity\"", "\"-Infinity\""]),
    ("char", "char", &["\"a\"", "\"😀\"", "\"\\u0000\""]),
    ("string", "string", &["\"\"", "\"tä\\n\\\"\""]),
    ("list-u8", "(list u8)", &["\"text\"", r#"{"base64":"/wA="}"#, "\"\""]),
    ("list-u16", "(list u16)", &["[]", "[1,65535]"]),
    ("list-list", "(list (list string))", &[r#"[[],["a","b"]]"#]),
    ("tuple", "(tuple string u8 (tuple s64))", &[r#"["a",1,[-5]]"#]),
    ("option", "(option string)", &["null", "\"\""]),
    ("option-option", "(option (option u8))", &["null", r#"{"some":null}"#, r#"{"some":7}"#]),
    ("result", "(result string (error u8))", &[r#"{"ok":"a"}"#, r#"{"err":1}"#]),
    ("result-none", "(result)", &[r#"{"ok":null}"#, r#"{"err":null}"#]),
    ("result-ok", "(result u8)", &[r#"{"ok":3}"#, r#"{"err":null}"#]),
    ("result-err", "(result (error char))", &[r#"{"ok":null}"#, r#"{"err":"x"}"#]),
    (
        "record",
        "(record (field \"x-axis\" s32) (field \"label\" (option string)))",
        &[r#"{"x-axis":-1,"label":null}"#, r#"{"x-axis":1,"label":"here"}"#],
    ),
    (
        "variant",
        "(variant (case \"none\") (case \"rgb-hex\" string) (case \"grey\" u8))",
        &["\"none\"", r##"{"rgb-hex":"#fff"}"##, r#"{"grey":128}"#],
    ),
    ("enum", "(enum \"red\" \"dark-green\")", &["\"red\"", "\"dark-green\""]),
    ("flags", "(flags \"read\" \"write\" \"run-it\")", &["[]", r#"["read","run-it"]"#]),
];

/// Parameters that bring so many others along are handed over in memory, at their front. So a
/// function that gives back what it was given is of any type.
const PADDING: usize = 17;

/// The core module of such functions.
const ECHO: &str = r#"
  (core module $m
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 64))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func (export "echo") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m))
"#;

/// A component with a function for each type, which gives back what it is given, in an interface.
fn echoes() -> Vec<u8> {
    let mut text = format!("(component {ECHO}\n");
    let padding = "u8 ".repeat(PADDING);
    let mut exports = String::new();
    let mut instance = String::new();
    for (name, ty, _) in TYPES {
        let kind = ty.trim_start_matches('(').split(' ').next().unwrap();
        let named = ["record", "variant", "enum", "flags"].contains(&kind);
        writeln!(text, "(type $t-{name} {ty})").unwrap();
        // These have to have a name that others can call them by.
        let used = if named {
            writeln!(text, "(export $e-{name} \"of-{name}\" (type $t-{name}))").unwrap();
            format!("$e-{name}")
        } else {
            format!("$t-{name}")
        };
        writeln!(text, "(type $p-{name} (tuple {used} u32)) (type $q-{name} (tuple {padding}))")
            .unwrap();
        writeln!(
            text,
            "(func $f-{name} (param \"value\" $p-{name}) (param \"padding\" $q-{name}) \
               (result $p-{name}) \
               (canon lift (core func $i \"echo\") (memory $i \"memory\") \
                 (realloc (func $i \"realloc\"))))"
        )
        .unwrap();
        writeln!(exports, "(export \"echo-{name}\" (func $f-{name}))").unwrap();
        if !named {
            write!(instance, "(export \"{name}\" (func $f-{name}))").unwrap();
        }
    }
    write!(text, "{exports}(instance $i2 {instance}) (export \"a:b/more@0.1.0\" (instance $i2)))")
        .unwrap();
    wat::parse_str(&text).unwrap_or_else(|err| panic!("{err}\n{text}"))
}

fn tools(bench: &Bench, bytes: &[u8]) -> Vec<Tool> {
    let all = Described::all(bytes.to_vec(), "some/file-of.wasm").unwrap();
    let first = bench.sandbox.load_described(&all[0]).unwrap();
    all.iter().map(|one| first.sibling(one).unwrap()).collect()
}

fn named<'a>(tools: &'a [Tool], name: &str) -> &'a Tool {
    tools.iter().find(|tool| tool.manifest().name == name).unwrap()
}

#[tokio::test]
async fn a_value_of_any_type_goes_in_and_comes_out() {
    let bench = Bench::new();
    let tools = tools(&bench, &echoes());
    let padding = [0; PADDING];
    for (name, _, values) in TYPES {
        let tool = named(&tools, &format!("echo_{}", name.replace('-', "_")));
        let schema = jsonschema::draft202012::new(&tool.manifest().schema).unwrap();
        for value in values {
            let input = format!(r#"{{"value": [{value}, 7], "padding": {}}}"#, json!(padding));
            let document: Value = serde_json::from_str(&input).unwrap();
            assert!(schema.is_valid(&document), "{name}: {value}");
            let report = bench.call(tool, &input).await;
            assert_eq!(in_words(&report), format!("answered: [{value},7]"), "{name}");
            assert!(report.is_cacheable());
        }
        // What no type is.
        let report = bench.call(tool, r#"{"value": [[{}], 7], "padding": 1}"#).await;
        let said = in_words(&report);
        assert!(said.starts_with("refused: the input does not fit at `/value/0"), "{name}: {said}");
    }
}

#[test]
fn each_type_has_its_schema() {
    let all = Described::all(echoes(), "").unwrap();
    let mut shown = String::new();
    for (name, ty, _) in TYPES {
        let called = format!("echo_{}", name.replace('-', "_"));
        let tool = all.iter().find(|tool| tool.manifest().name == called).unwrap();
        let schema = &tool.manifest().schema["properties"]["value"]["prefixItems"][0];
        writeln!(shown, "{ty}\n    {schema}").unwrap();
    }
    // One file for the tests that run this here and in workers.
    insta::with_settings!({ prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("schemas", shown);
    });
    let whole = &all[0].manifest().schema;
    assert_eq!(whole["required"], json!(["value", "padding"]));
    assert_eq!(whole["additionalProperties"], json!(false));
}

#[test]
fn a_function_is_called_after_itself_and_its_interface() {
    let all = Described::all(echoes(), "").unwrap();
    let names: Vec<&str> = all.iter().map(|tool| tool.manifest().name.as_str()).collect();
    assert!(names.contains(&"echo_list_u8") && names.contains(&"more_list_u8"), "{names:?}");
    let digests: Vec<_> = all.iter().map(Described::digest).collect();
    assert!(digests.iter().all(|digest| *digest == digests[0]));
    assert!(all.iter().all(|tool| !tool.is_ours() && tool.manifest().grants.is_none()));
}

/// A component of one function without parameters or with a string.
fn function(ty: &str, core: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
          (core module $m
            (memory (export "memory") 1)
            (data (i32.const 0) "no such place")
            (data (i32.const 64) "\01\00\00\00\00\00\00\00\0d\00\00\00")
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "f") {core} {body}))
          (core instance $i (instantiate $m))
          (func $f {ty} (canon lift (core func $i "f") (memory $i "memory")
            (realloc (func $i "realloc"))))
          (export "do-it" (func $f)))"#
    );
    wat::parse_str(&text).unwrap_or_else(|err| panic!("{err}\n{text}"))
}

async fn said(bytes: &[u8], input: &str) -> String {
    let bench = Bench::new();
    in_words(&bench.call(&tools(&bench, bytes)[0], input).await)
}

#[tokio::test]
async fn the_outermost_result_is_the_answer_or_the_refusal() {
    let refuses = function("(result (result u8 (error string)))", "(result i32)", "(i32.const 64)");
    // The text lies at 0, and is 13 bytes long.
    assert_eq!(said(&refuses, "{}").await, "refused: no such place");
    let fails = function("(result (result))", "(result i32)", "(i32.const 1)");
    assert_eq!(said(&fails, "{}").await, "refused: it failed, and does not say why");
    let answers = function("(result (result))", "(result i32)", "(i32.const 0)");
    assert_eq!(said(&answers, "{}").await, "answered: null");
    let nothing = function("", "", "");
    assert_eq!(said(&nothing, "{}").await, "answered: null");
    let missing = "refused: the input does not fit at `/`: there is no `more` to set";
    assert_eq!(said(&nothing, r#"{"more": 1}"#).await, missing);
    let traps = function("", "", "unreachable");
    let ended = "ended: it trapped: wasm `unreachable` instruction executed";
    assert_eq!(said(&traps, "{}").await, ended);
}

#[tokio::test]
async fn an_answer_is_of_bounded_size_whatever_its_type() {
    // All of the memory as a list of bytes, and a list that would be far more here than there.
    let list = |of: &str, length: u32| {
        let text = format!(
            r#"(component
              (core module $m
                (memory (export "memory") 1024)
                (func (export "f") (result i32)
                  (i32.store (i32.const 4) (i32.const {length})) (i32.const 0)))
              (core instance $i (instantiate $m))
              (func $f (result (list {of})) (canon lift (core func $i "f") (memory $i "memory")))
              (export "do-it" (func $f)))"#
        );
        wat::parse_str(text).unwrap()
    };
    let large = "ended: its output is larger than the limit of 1048576 bytes";
    assert_eq!(said(&list("u8", 60 << 20), "{}").await, large);
    assert_eq!(said(&list("u8", 1 << 20), "{}").await, large);
    assert_eq!(said(&list("bool", 60 << 20), "{}").await, large);
    let small = said(&list("u16", 1_000), "{}").await;
    assert!(small.starts_with("answered: [0,0,1000,0,"), "{small}");
}

fn why(bytes: Vec<u8>) -> String {
    match Described::all(bytes, "") {
        Err(err @ LoadError::Foreign(_)) => {
            format!("{err}: {}", std::error::Error::source(&err).unwrap())
        }
        Err(err) => err.to_string(),
        Ok(all) => panic!("{} tools", all.len()),
    }
}

#[test]
fn what_json_cannot_call_is_passed_over_or_refused() {
    let empty = wat::parse_str("(component)").unwrap();
    let nothing = "the component is not a tool: it exports no function, neither `wasi:cli/run` nor \
                   one that JSON could call";
    assert_eq!(why(empty), nothing);
    let resource = r#"(component
      (import "a:b/things" (instance $i (export "thing" (type (sub resource)))
        (export "make" (func (result (own 0))))))
      (alias export $i "make" (func $make))
      (export "make" (func $make)) PLAIN)"#;
    let only = wat::parse_str(resource.replace("PLAIN", "")).unwrap();
    let said = "the component is not a tool: none of its functions can be called with JSON: \
                `make`: it takes or gives a resource, which JSON cannot hold";
    assert_eq!(why(only), said);
    let plain = r#"
      (core module $m (func (export "f")))
      (core instance $c (instantiate $m))
      (func $f (canon lift (core func $c "f")))
      (export "plain" (func $f))"#;
    let both = wat::parse_str(resource.replace("PLAIN", plain)).unwrap();
    let all = Described::all(both, "").unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].manifest().name, "plain");
    let passed = &all[0].passed_over()[0];
    assert_eq!(
        (passed.name.as_str(), passed.why.to_string().as_str()),
        ("make", "it takes or gives a resource, which JSON cannot hold")
    );
}

/// By what they take, too: an author may call a function of their own the same.
#[test]
fn what_a_toolchain_left_is_no_tool() {
    let init = |params: &str| {
        let text = format!(
            r#"(component
              (import "own" (func $own (param "n" u8)))
              (import "init" (func $init {params}))
              (instance $exports (export "init" (func $init)))
              (export "own" (func $own))
              (export "init" (func $init))
              (export "exports" (instance $exports)))"#
        );
        let all = Described::all(wat::parse_str(text).unwrap(), "").unwrap();
        let passed: Vec<String> = all[0].passed_over().iter().map(|it| it.name.clone()).collect();
        let tools: Vec<String> = all.into_iter().map(|it| it.manifest().name.clone()).collect();
        (tools.join(" "), passed.join(" "))
    };
    let said = |tools: &str, passed: &str| (tools.to_owned(), passed.to_owned());
    let own = init(r#"(param "script" string)"#);
    assert_eq!(own, said("own init exports_init", ""));
    let of_javascript = init(r#"(param "shim" string) (param "script" string)"#);
    assert_eq!(of_javascript, said("own exports_init", "init"));
    let of_python = init(r#"(param "app-name" string) (param "symbols" string)"#);
    assert_eq!(of_python, said("own init", "exports#init"));
}

/// Types that double with each level take no time and no memory: they are counted, and refused.
#[test]
fn types_that_explode_are_refused() {
    let mut text = "(component (type $t0 (tuple u8 u8))".to_owned();
    for level in 1..=8 {
        write!(text, "(type $t{level} (tuple $t{0} $t{0} $t{0} $t{0}))", level - 1).unwrap();
    }
    text.push_str(r#"(import "take" (func $f (param "p" $t8))) (export "take" (func $f)))"#);
    let said = why(wat::parse_str(&text).unwrap());
    assert!(said.ends_with("`take`: its types and their names come to more than 32768"), "{said}");
    let mut text = "(component (type $t0 (option u8))".to_owned();
    for level in 1..=20 {
        write!(text, "(type $t{level} (option $t{}))", level - 1).unwrap();
    }
    text.push_str(r#"(import "take" (func $f (param "p" $t20))) (export "take" (func $f)))"#);
    let said = why(wat::parse_str(&text).unwrap());
    assert!(said.ends_with("`take`: its types are nested more than 16 deep"), "{said}");
}

#[test]
fn a_component_of_ours_without_its_manifest_is_told_so() {
    let said = why(crate::component("answers"));
    assert_eq!(said, "the component is not a tool");
    let doubled = with_section(crate::tool_bytes("answers"), "stepwell:tool", b"{}");
    assert_eq!(why(doubled), "the component is not a tool");
}

#[test]
fn what_a_component_imports_is_refused_by_name() {
    let text = r#"(component
      (import "wasi:http/outgoing-handler@0.2.0" (instance (export "handle" (func))))
      (core module $m (func (export "f")))
      (core instance $c (instantiate $m))
      (func $f (canon lift (core func $c "f")))
      (export "plain" (func $f)))"#;
    let bytes = wat::parse_str(text).unwrap();
    let all = Described::all(bytes, "").unwrap();
    let err = Bench::new().sandbox.load_described(&all[0]).unwrap_err();
    let says = "the component imports `wasi:http/outgoing-handler@0.2.0`, which no tool gets";
    assert!(err.to_string().starts_with(says), "{err}");
}

/// Types that others have named are no wish to be answered.
#[tokio::test]
async fn an_import_of_types_alone_needs_nobody() {
    let text = r#"(component
      (import "a:b/types@0.1.0" (instance $t (type $p' (record (field "x" u8)))
        (export "point" (type (eq $p')))))
      (alias export $t "point" (type $p))
      (core module $m (func (export "f") (param i32) (result i32) (local.get 0)))
      (core instance $c (instantiate $m))
      (func $f (param "p" $p) (result $p) (canon lift (core func $c "f")))
      (export "same" (func $f)))"#;
    let bytes = wat::parse_str(text).unwrap();
    assert_eq!(said(&bytes, r#"{"p": {"x": 5}}"#).await, r#"answered: {"x":5}"#);
}

/// A program of the older WASI: it copies what it is given to `fd`, and ends with `code`.
fn program(fd: u32, code: u32) -> Vec<u8> {
    let text = format!(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_read"
            (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 2)
          (func (export "_start")
            (i32.store (i32.const 0) (i32.const 1024))
            (i32.store (i32.const 4) (i32.const 60000))
            (loop $again
              (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
              (i32.store (i32.const 8) (i32.const 1024))
              (i32.store (i32.const 12) (i32.load (i32.const 16)))
              (if (i32.load (i32.const 16)) (then
                (drop (call $write (i32.const {fd}) (i32.const 8) (i32.const 1) (i32.const 20)))
                (br $again))))
            (call $exit (i32.const {code}))))"#
    );
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn a_program_reads_json_and_prints_its_answer() {
    let copies = program(1, 0);
    let all = Described::all(copies.clone(), "some/File-Copy.wasm").unwrap();
    assert_eq!(all[0].manifest().name, "file_copy");
    assert_eq!(all[0].manifest().schema, json!({ "type": "object" }));
    assert_eq!(said(&copies, r#"{"a": [1]}"#).await, r#"answered: {"a": [1]}"#);
    let long = json!({ "a": "x".repeat(200_000) }).to_string();
    assert_eq!(said(&copies, &long).await, format!("answered: {long}"));
    // Not JSON, as it came from nobody who checks.
    assert_eq!(said(&copies, "tä\n").await, r#"answered: "tä\n""#);
    // The adapter tells no code but 0 from another.
    let fails = program(2, 3);
    let refused = r#"refused: it ended with an error, and its standard error ends with: {"a":1}"#;
    assert_eq!(said(&fails, r#"{"a":1}"#).await, refused);
    let silent = program(1, 1);
    let refused = "refused: it ended with an error, and it says nothing on standard error";
    assert_eq!(said(&silent, "{}").await, refused);
    let large = json!({ "a": "x".repeat(1 << 20) }).to_string();
    let ended = "ended: its output is larger than the limit of 1048576 bytes";
    assert_eq!(said(&copies, &large).await, ended);
}

#[test]
fn a_module_that_is_no_program_is_refused() {
    let library = wat::parse_str(r#"(module (func (export "f")))"#).unwrap();
    assert_eq!(
        why(library),
        "the component is not a tool: it is a core module without `_start`, so no program; make it \
         a component first (`wasm-tools component new`)"
    );
    let browser = r#"(module (import "env" "alert" (func)) (func (export "_start")))"#;
    let said = why(wat::parse_str(browser).unwrap());
    assert!(said.starts_with("the component imports `env#alert`, which no tool gets"), "{said}");
    for cut in [8, 20, 60] {
        let damaged = program(1, 0)[..cut].to_vec();
        assert!(Described::all(damaged, "").is_err(), "cut at {cut}");
    }
}
