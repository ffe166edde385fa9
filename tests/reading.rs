//! A run that is read back: shown, explained, verified, compared, counted, told to others, and made
//! again.

use std::fs;

use serde_json::Value;

use crate::support::{World, workspace};
use crate::{endings, gates};

const TRACE: &str = ".stepwell/out/trace.jsonl";

/// The example, after its run.
fn ran() -> World {
    let world = World::example();
    world.run_script(&["--quiet"]).code(0);
    world
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|err| panic!("{err}: {text}"))
}

/// What a command prints that ends well.
#[track_caller]
fn said(world: &World, arguments: &[&str]) -> String {
    world.stepwell(arguments).code(0).out
}

#[track_caller]
fn holds(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "`{word}` is not in:\n{text}");
    }
}

/// The name of the run that left the artifacts.
fn name(world: &World) -> String {
    world.trace()[0]["run"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_is_shown_by_its_artifacts_and_by_its_name() {
    let world = ran();
    let shown = said(&world, &["show"]);
    holds(&shown, &["failing-test", "src/merge.rs", "done"]);
    let name = name(&world);
    assert_eq!(said(&world, &["show", &name[..6]]), shown, "the journal says what the trace says");
    assert_eq!(said(&world, &["show", TRACE]), shown);
    let all = said(&world, &["show", "--records"]);
    assert!(all.lines().count() > shown.lines().count() + 20, "{all}");
    assert_eq!(json(&said(&world, &["show", "--json"]))["name"], name);
}

#[test]
fn what_cannot_be_read_says_what_to_do() {
    let world = World::files(&[("a.txt", "not a trace\n"), ("empty/b.txt", "")]);
    let told = |arguments: &[&str], code: i32, words: &[&str]| {
        let ran = world.stepwell(arguments).code(code);
        holds(&ran.err, words);
        holds(&ran.err, &["help: "]);
    };
    told(&["show"], 2, &["holds no trace", "stepwell run"]);
    told(&["show", "nothing"], 2, &["there is no trace and no run `nothing`", "stepwell runs"]);
    told(&["show", "empty"], 2, &["holds no trace"]);
    told(&["show", "a.txt"], 50, &["is damaged", "line 1"]);
    told(&["replay", "a.txt"], 50, &["is damaged", "line 1"]);
    told(&["stats", "nothing"], 2, &["`nothing`"]);
    told(&["stats", "empty"], 2, &["there is no trace below `empty`"]);
    world.stepwell(&["verify", "a.txt"]).code(50);
}

#[test]
fn a_change_is_explained_from_the_test_to_the_hunk() {
    let world = ran();
    let all = said(&world, &["explain"]);
    holds(&all, &["hunk 1: src/merge.rs", "slots_that_touch_become_one", "stopped: done"]);
    let one = said(&world, &["explain", "--hunk", "1"]);
    assert!(all.starts_with(one.trim_end()), "{one}");
    let of_file = said(&world, &["explain", "--hunk", "src/merge.rs"]);
    assert!(of_file.starts_with(one.trim_end()) && of_file.contains("hunk 2"), "{of_file}");
    holds(&said(&world, &["explain", "--decision", "3"]), &["record 3: "]);
    let refused = |arguments: &[&str], words: &[&str]| {
        holds(&world.stepwell(&[&["explain"], arguments].concat()).code(2).err, words);
    };
    refused(&["--hunk", "9"], &["no hunk 9", "from 1 to 2"]);
    refused(&["--hunk", "src/lib.rs"], &["no hunk in `src/lib.rs`", "src/merge.rs"]);
    refused(&["--decision", "99999"], &["no record 99999", "--records"]);
}

#[test]
fn a_run_holds_and_a_flipped_byte_shows_where_it_is() {
    let world = ran();
    let told = said(&world, &["verify"]);
    holds(&told, &["chain         ok", "patch.diff    ok", "result.json   ok"]);
    let text = world.read(TRACE);
    let lines: Vec<&str> = text.lines().collect();
    let mut flipped: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    flipped[7] = flipped[7].replacen("\"time-ms\":1", "\"time-ms\":2", 1);
    assert_ne!(flipped[7], lines[7]);
    world.write(TRACE, &(flipped.join("\n") + "\n"));
    for command in ["verify", "replay"] {
        let broken = world.stepwell(&[command]).code(50);
        let told = format!("{}{}", broken.out, broken.err);
        holds(&told, &["line 9: the line before it was changed"]);
    }
    let broken = json(&world.stepwell(&["verify", "--json"]).code(50).out);
    assert_eq!(broken["findings"][0]["check"], "fails");
    world.write(TRACE, &text);
    let result = world.read(".stepwell/out/result.json");
    world.write(".stepwell/out/result.json", &result.replacen("patch-tested", "diagnosis", 1));
    holds(&world.stepwell(&["verify"]).code(50).out, &["result.json   FAILS"]);
}

#[test]
fn a_run_is_told_to_other_programs() {
    let world = ran();
    let export = |format: &str| said(&world, &["export", "--format", format]);
    let sarif = export("sarif");
    let beside = world.read(".stepwell/out/verdicts.sarif");
    assert_eq!(sarif.trim_end(), beside.trim_end(), "as it lies beside the trace");
    assert_eq!(json(&sarif)["version"], "2.1.0");
    assert!(json(&export("atif"))["schema_version"].as_str().unwrap().starts_with("ATIF"));
    let junit = export("junit");
    assert!(junit.starts_with("<?xml"), "{junit}");
    holds(&junit, &["<testsuite ", "tests=\"5\"", "failures=\"0\"", "</testsuites>"]);
    let mut command = world.command(&["export", "--format", "otlp-json"]);
    command.env("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let spans = json(&String::from_utf8(command.output().unwrap().stdout).unwrap());
    let first = &spans["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(first["traceId"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(first["parentSpanId"], "b7ad6b7169203331");
    said(&world, &["export", "--format", "prometheus", "--out", "stepwell.prom"]);
    holds(&world.read("stepwell.prom"), &["stepwell_run_success", "step=\"failing-test\""]);
    let none = world.stepwell(&["export", "--format", "cyclonedx"]).code(2);
    holds(&none.err, &["no bill of materials", "[[context.call]]", "stepwell tool call sbom"]);
}

#[test]
fn two_runs_are_compared_and_counted() {
    let world = ran();
    holds(&said(&world, &["diff", ".stepwell/out", &name(&world)]), &["the same: "]);
    let out = world.path("first").display().to_string();
    world.run_script(&["--quiet", "--out", &out]).code(0);
    let other = World::example();
    other.write("src/merge.rs", "pub fn other() {}\n");
    other.run_script(&["--quiet"]);
    let there = other.path(".stepwell/out").display().to_string();
    holds(&said(&world, &["diff", "first", &there]), &["the same for ", "  < ", "  > "]);
    let compared = json(&said(&world, &["diff", "first", &there, "--json"]));
    assert!(compared["divergence"]["left"]["seq"].is_u64(), "{compared}");

    // Artifacts and journals: each run once.
    let counted = |arguments: &[&str]| {
        json(&said(&world, &[&["stats", "--json"], arguments].concat()))["all"]["runs"].clone()
    };
    assert_eq!(counted(&[]), 1, "the second is of the same name, and took its place");
    assert_eq!(counted(&[".stepwell", "first", ".git/stepwell"]), 2);
    assert_eq!(counted(&["first", &there]), 2);
    holds(&said(&world, &["stats", "first", &there]), &["all steps", "2 runs", "failing-test"]);
    said(&world, &["stats", "first", "--html", "stats.html"]);
    holds(&world.read("stats.html"), &["<!doctype html>", "failing-test"]);
    let store = format!("fs://{}", world.path("store").display());
    holds(&world.stepwell(&["stats", &store]).code(2).err, &["there is no trace below", "store"]);
    for world in [&world, &other] {
        world.run_script(&["--quiet", "--fresh", "--store", &store]);
    }
    assert_eq!(counted(&[&store]), 2, "of a store, also those that are over");
    assert_eq!(counted(&[&store, &there]), 2, "and each once");
    world.write("first/trace.jsonl", "nonsense\n");
    let left = world.stepwell(&["stats", "first", &there]).code(0);
    holds(&left.err, &["left out", "first/trace.jsonl", "line 1"]);
}

#[test]
fn schemas_are_printed() {
    let world = World::files(&[]);
    let record = json(&said(&world, &["schema", "events"]));
    let validator = jsonschema::validator_for(&record).unwrap();
    let ran = ran();
    assert!(ran.trace().iter().all(|record| validator.is_valid(record)));
    let result = json(&said(&world, &["schema", "result"]));
    assert!(jsonschema::is_valid(&result, &ran.artifacts()));
    let accounting = json(&said(&world, &["schema", "accounting"]));
    assert!(jsonschema::is_valid(&accounting, &ran.json(".stepwell/out/accounting.json")));
}

#[test]
fn every_run_leaves_a_page_that_asks_nobody() {
    let world = World::example();
    let ran = world.run_script(&[]).code(0);
    holds(&ran.err, &["report.html, patch.diff, result.json"]);
    let page = world.read(".stepwell/out/report.html");
    holds(&page, &["default-src 'none'", &name(&world), "failing-test"]);
    for asks in [" src=", "<link", "@import", "url(", "href=\"http", "fetch("] {
        assert!(!page.contains(asks), "`{asks}`");
    }
    // A page of an earlier run does not stay beside another trace.
    fs::remove_file(world.path(".stepwell/out/report.html")).unwrap();
    fs::create_dir_all(world.path(".stepwell/out/report.html/x")).unwrap();
    let ran = world.run_script(&["--quiet"]).code(0);
    holds(&ran.err, &["there is no report.html"]);
}

#[test]
fn a_replayed_run_comes_to_the_same_and_a_changed_repository_shows_at_the_call() {
    let world = ran();
    let again = said(&world, &["replay"]);
    holds(
        &again,
        &["chain         ok", "decisions     ok", "calls         ok", "result.json   ok"],
    );
    holds(&again, &["the same, byte for byte"]);
    assert_eq!(said(&world, &["replay", &name(&world)]).lines().count(), again.lines().count());

    let before = world.read("src/merge.rs");
    world.write("src/merge.rs", &format!("{before}// changed since\n"));
    let other = world.stepwell(&["replay", "--json"]).code(41);
    let divergence = json(&other.out)["divergence"].clone();
    let seq = usize::try_from(divergence["seq"].as_u64().unwrap()).unwrap();
    let record = &world.trace()[seq]["event"]["heard"];
    assert_eq!(record["type"], "call-answered", "{divergence}");
    assert_eq!(record["digests"]["output"], divergence["recorded"], "{divergence}");
    assert_ne!(divergence["recorded"], divergence["again"]);
    let told = world.stepwell(&["replay"]).code(41);
    holds(&told.out, &["calls         FAILS", &format!("record {seq}: "), "recorded", "again"]);
    world.write("src/merge.rs", &before);
    said(&world, &["replay"]);
}

/// Replayed, it comes to the same outputs and the same `result.json`, to the byte.
#[track_caller]
fn is_same(world: &World, arguments: &[&str]) {
    let told = said(world, &[&["replay"], arguments].concat());
    holds(&told, &["decisions     ok", "calls         ok", "the same, byte for byte"]);
}

#[test]
fn the_run_of_each_example_is_replayed_to_the_byte() {
    for entry in fs::read_dir(workspace().join("examples")).unwrap().flatten() {
        if !entry.path().join("demo.sh").exists() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let world = match name.as_str() {
            "custom-gate" => gates::guarded(),
            name => World::example_named(name),
        };
        world.run_script_of(&name, &["--quiet"]).code(0);
        is_same(&world, &[]);
    }
    let offline = World::example();
    offline.stepwell(&["run", "--provider", "offline", "--quiet"]).code(0);
    is_same(&offline, &[]);
}

#[test]
fn the_run_of_each_ending_is_replayed_to_the_byte() {
    for entry in fs::read_dir(workspace().join("examples/endings")).unwrap().flatten() {
        if !entry.path().is_dir() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let world = World::example();
        endings::run(&world, &name, &["--quiet"]);
        let step = entry.path().join("step.toml").display().to_string();
        is_same(&world, &["--step", &step]);
    }
}

#[test]
fn a_tool_that_is_another_than_it_was_shows_at_its_first_call() {
    let world = World::example();
    let tool = workspace().join("target/components/examples/debug_leftovers.wasm");
    let mut bytes = fs::read(tool).expect("run `cargo xtask components` first");
    let step = world.read(".stepwell/step.toml");
    let more = "\n[[context.call]]\ntool = \"debug_leftovers\"\n\n[tools]\ncomponent = \
                [\"target/leftovers.wasm\"]\n";
    world.write("../other.toml", &(step + more));
    // Where git ignores it: the repository stays the same.
    let place = world.path("target/leftovers.wasm");
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(&place, &bytes).unwrap();
    let script = workspace().join("examples/failing-test/model.toml");
    let provider = format!("script:{}", script.display());
    let run = ["run", "../other.toml", "--quiet", "--provider", &provider];
    world.stepwell(&run).code(0);
    is_same(&world, &["--step", "../other.toml"]);

    // A custom section of two bytes: another component, and the same answers.
    bytes.extend([0, 3, 1, b'x', b'y']);
    fs::write(&place, &bytes).unwrap();
    let other = world.stepwell(&["replay", "--step", "../other.toml", "--json"]).code(41);
    let divergence = json(&other.out)["divergence"].clone();
    assert!(divergence["what"].as_str().unwrap().starts_with("the component of"), "{divergence}");
    let seq = usize::try_from(divergence["seq"].as_u64().unwrap()).unwrap();
    let first = world.trace().into_iter().position(|record| {
        record["event"]["heard"]["digests"]["component"] == divergence["recorded"]
    });
    assert_eq!(first, Some(seq), "{divergence}");
}

#[test]
fn a_replay_with_other_rules_shows_the_first_decision_that_is_another() {
    let world = ran();
    let step = world.read(".stepwell/step.toml");
    // Outside: a file that is new in the repository is a change that the tools see.
    world.write("../other.toml", &step.replacen("Find out why", "Find out with care why", 1));
    let other = world.stepwell(&["replay", "--step", "../other.toml", "--json"]);
    let told = json(&other.code(41).out);
    assert_eq!(told["findings"][1]["check"], "fails", "{told}");
    assert!(told["divergence"]["what"].as_str().unwrap().contains("decision"), "{told}");
}
