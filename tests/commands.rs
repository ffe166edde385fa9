//! What a new user types first.

use crate::support::{World, workspace};

#[test]
fn init_writes_a_step_that_validates_and_runs() {
    let world = World::files(&[("Cargo.toml", "[package]\nname = \"a\"\nversion = \"0.1.0\"\n")]);
    let ran = world.stepwell(&["init"]).code(0);
    assert!(ran.out.contains("a Cargo project"), "{}", ran.out);
    assert!(world.read(".stepwell/step.toml").contains("\"cargo\", \"test\""));
    let again = world.stepwell(&["init"]).code(2);
    assert!(again.err.contains("--force"), "{}", again.err);
    world.stepwell(&["validate"]).code(0);
    let ran = world.stepwell(&["run"]).code(0);
    assert!(ran.err.contains("offline"), "{}", ran.err);
    assert_eq!(world.artifacts()["outcome"], "diagnosis");
}

#[test]
fn the_schema_of_a_step_accepts_what_validate_accepts() {
    let world = World::files(&[(".stepwell/step.toml", "name = \"s\"\ntask = \"t\"\n")]);
    let ran = world.stepwell(&["schema", "step"]).code(0);
    let schema: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let valid = serde_json::json!({ "name": "s", "task": "t", "budget": { "spend": 0.5 } });
    assert!(jsonschema::is_valid(&schema, &valid));
    let invalid = serde_json::json!({ "name": "s", "task": "t", "budgte": {} });
    assert!(!jsonschema::is_valid(&schema, &invalid));
    let shown = world.stepwell(&["validate", "--json"]).code(0);
    let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(shown["budget"]["step-spend"], 1_000_000);
}

#[test]
fn the_tools_are_listed_described_and_called() {
    let world = World::example();
    let list = world.stepwell(&["tool", "list"]).code(0);
    for tool in
        ["read_file", "list_files", "search_text", "dependency_graph", "sbom", "test_summary"]
    {
        assert!(list.out.contains(tool), "{}", list.out);
    }
    let described = world.stepwell(&["tool", "describe", "search_text", "--json"]).code(0);
    assert!(described.out.contains("\"pattern\""), "{}", described.out);
    let nearest = world.stepwell(&["tool", "call", "read_flie"]).code(2);
    assert!(nearest.err.contains("did you mean `read_file`?"), "{}", nearest.err);
    let wrong = world.stepwell(&["tool", "call", "read_file", "--args", "{\"pth\":\"x\"}"]).code(2);
    assert!(wrong.err.contains("schema"), "{}", wrong.err);
    let found = world
        .stepwell(&["tool", "call", "search_text", "--args", r#"{"pattern":"fn overlaps"}"#])
        .code(0);
    assert!(found.out.contains("src/merge.rs"), "{}", found.out);
}

#[test]
fn a_tool_of_ones_own_is_called_like_any_other() {
    let component = crate::support::workspace().join("target/components/examples");
    let component = std::fs::read_dir(component).unwrap().flatten().next().unwrap().path();
    let component = component.display().to_string();
    let world = World::example();
    let list = world.stepwell(&["tool", "list", "--json", "--component", &component]).code(0);
    assert!(list.out.contains("debug_leftovers"), "{}", list.out);
    let called = world.stepwell(&["tool", "call", "debug_leftovers", "--component", &component]);
    called.code(0);
}

#[test]
fn help_teaches() {
    let world = World::files(&[]);
    let help = world.stepwell(&["--help"]).code(0);
    assert!(help.out.contains("stepwell init") && help.out.contains("offline"), "{}", help.out);
    let help = world.stepwell(&["run", "--help"]).code(0);
    assert!(help.out.contains("script:FILE"), "{}", help.out);
}

#[test]
fn the_base_decides_which_step_runs() {
    let world = World::example();
    let step = world.read(".stepwell/step.toml");
    world.write(".stepwell/step.toml", &step.replace("name = \"failing-test\"", "name = \"mine\""));
    let ran = world.stepwell(&["run", "--provider", "offline"]).code(0);
    assert!(ran.err.contains("the step file of the base"), "{}", ran.err);
    assert_eq!(world.artifacts()["step"], "failing-test");
    world.stepwell(&["run", "--provider", "offline", "--step-from-head"]).code(0);
    assert_eq!(world.artifacts()["step"], "mine");
}

#[test]
fn in_a_pipeline_the_change_under_test_does_not_bring_the_step() {
    let world = World::files(&[("a.txt", "a\n")]);
    world.commit("base");
    world.write(".stepwell/step.toml", "name = \"s\"\ntask = \"t\"\n");
    world.commit("head");
    let mut command = world.command(&["run", "--base", "HEAD~1"]);
    let ran = crate::support::Ran::from(command.env("CI", "true").output().unwrap()).code(2);
    assert!(
        ran.err.contains("has no step file") && ran.err.contains("--step-from-head"),
        "{}",
        ran.err
    );
    let ran = world.stepwell(&["run", "--base", "HEAD~1"]).code(0);
    assert!(ran.err.contains("the one of the head counts"), "{}", ran.err);

    // Nor by a link that moves the file out of the base's sight.
    let world = World::example();
    std::fs::rename(world.path(".stepwell"), world.path("moved")).unwrap();
    std::os::unix::fs::symlink("moved", world.path(".stepwell")).unwrap();
    let step = world.read("moved/step.toml").replace("failing-test", "mine");
    world.write("moved/step.toml", &step);
    let ran = world.stepwell(&["run", "--provider", "offline", "--out", "out"]).code(0);
    assert!(ran.err.contains("the step file of the base"), "{}", ran.err);
    world.stepwell(&["run", "--provider", "offline"]).code(2);
}

#[test]
fn an_answer_that_cannot_be_written_is_not_a_success() {
    let world = World::files(&[("a", "b")]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = world.command(&["schema", "step"]);
    let ended = command.stdout(full).stderr(std::process::Stdio::null()).status().unwrap();
    assert_eq!(ended.code(), Some(1));
}

#[test]
fn what_the_log_shows_is_a_choice_that_changes_nothing_of_the_run() {
    let world = World::example();
    let script = workspace().join("examples/failing-test/model.toml");
    let provider = format!("script:{}", script.display());
    let run = |arguments: &[&str]| {
        let ran = world.stepwell(&[&["run", "--provider", &provider], arguments].concat()).code(0);
        let result = world.read(".stepwell/out/result.json");
        (ran.err, result, world.json(".stepwell/out/accounting.json"))
    };
    let (log, result, books) = run(&[]);
    assert!(log.contains("  model  ") && !log.contains("  left out  "), "{log}");
    assert_eq!(books["queues"]["said"]["bound"], 64);
    assert!(books["queues"]["console"]["peak"].as_u64().unwrap() > 0, "{books}");

    let step = world.read(".stepwell/step.toml");
    world.write("../quiet.toml", &(step + "\n[log]\nmodel-text = false\nwaiting = \"5m\"\n"));
    let shown = world.stepwell(&["validate", "../quiet.toml", "--json"]).code(0).out;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let expected = serde_json::json!({
        "model-text": false, "repeats": false, "tools": "info", "waiting-ms": 300_000,
    });
    assert_eq!(shown["log"], expected);
    let (log, quiet_result, quiet_books) = run(&["../quiet.toml", "--fresh"]);
    assert!(!log.contains("  model  "), "{log}");
    let left_out = log.lines().find(|line| line.contains("  left out  ")).unwrap_or_default();
    assert!(left_out.ends_with("of the model's text (console); the trace has all of it"), "{log}");
    assert!(quiet_books["missed"]["console"]["left-out-text-bytes"].as_u64().unwrap() > 50);
    assert_eq!((quiet_result, &quiet_books["run"]), (result, &books["run"]));

    world.write("../bad.toml", "name = \"a\"\ntask = \"b\"\n[log]\nwaiting = \"10ms\"\n");
    let bad = world.stepwell(&["validate", "../bad.toml"]).code(2);
    assert!(
        bad.err.contains("`log.waiting` is 10ms") && bad.err.contains("1s and 1h"),
        "{}",
        bad.err
    );
}
