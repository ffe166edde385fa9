//! What stands between a tool and the machine, as a user sees it.

use serde_json::Value;

use crate::support::{Ran, World, workspace};

#[test]
fn the_doctor_puts_the_walls_up_and_tries_to_get_out() {
    let world = World::files(&[]);
    let mut command = world.command(&["doctor", "--json"]);
    let ran = Ran::from(command.env("OPENAI_API_KEY", "sk-secret").output().unwrap()).code(0);
    assert!(!ran.out.contains("sk-secret"), "{}", ran.out);
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    let walls = said["walls"].as_array().unwrap();
    assert!(walls.len() >= 7, "{}", ran.out);
    for wall in walls {
        assert_eq!(wall["stands"], true, "{wall}");
    }
    let attempts = said["attempts"].as_array().unwrap();
    for what in ["read a file", "run a program", "read the environment of the step"] {
        assert!(attempts.iter().any(|attempt| attempt["what"] == what), "{}", ran.out);
    }
    for attempt in attempts {
        assert_eq!(attempt["refused"], true, "{attempt}");
    }
    let ran = world.stepwell(&["doctor"]).code(0);
    assert!(ran.out.contains("missing: nothing"), "{}", ran.out);
}

#[test]
fn a_run_says_what_guards_its_tools_and_can_insist_on_it() {
    let world = World::example();
    world.stepwell(&["run", "--provider", "offline", "--require-isolation"]).code(0);
    let accounting: Value =
        serde_json::from_str(&world.read(".stepwell/out/accounting.json")).unwrap();
    let isolation = accounting["isolation"].as_str().unwrap();
    assert!(isolation.contains("in processes of their own"), "{isolation}");
    assert!(isolation.ends_with("missing: nothing"), "{isolation}");
}

#[test]
fn every_limit_of_a_call_ends_it_by_name() {
    let limits = [
        ("fuel = 1000", "out of fuel"),
        ("time = \"1us\"", "out of time"),
        ("memory-bytes = 65536", "out of memory"),
        ("stack-bytes = 1", "out of stack: its calls go deeper than the limit of 1 bytes"),
        ("output-bytes = 1", "its output is larger than the limit of 1 bytes"),
        ("read-bytes = 1", "read more of the repository than the limit of 1 bytes"),
        ("host-calls = 1", "more often than the limit of 1 times"),
        ("questions = 1", "more different questions than the limit of 1"),
    ];
    for (limit, ending) in limits {
        let world = World::example();
        let step = world.read(".stepwell/step.toml");
        world.write(".stepwell/step.toml", &format!("{step}\n[limits]\n{limit}\n"));
        world.stepwell(&["run", "--provider", "offline", "--step-from-head", "--no-cache"]);
        let trace = world.read(".stepwell/out/trace.jsonl");
        assert!(trace.contains(ending), "{limit}: {trace}");
    }
}

#[test]
fn a_tool_that_hoards_handles_is_ended_by_name() {
    let guest = workspace().join("host/sandbox/tests/guests/hoards-handles.wat");
    let manifest = r#"{\"name\":\"hoard\",\"description\":\"d\",\"schema\":{\"type\":\"object\"}}"#;
    let section = format!("\n(component (@custom \"stepwell:tool\" \"{manifest}\")\n");
    let text = std::fs::read_to_string(guest).unwrap().replacen("\n(component\n", &section, 1);
    let component = wat::parse_str(text).unwrap();

    let step = "name = \"s\"\ntask = \"t\"\ngoal = \"diagnose\"\n\
                [model]\nname = \"m\"\nprice = { input = 1.00, output = 1.00 }\n\
                [tools]\ncomponent = [\"hoards.wasm\"]\n[limits]\nhandles = 3\n";
    let world = World::files(&[(".stepwell/step.toml", step)]);
    std::fs::write(world.path("hoards.wasm"), component).unwrap();
    world.commit("a tool");
    let script = "model = \"m\"\n[[turn]]\n[[turn.call]]\ntool = \"hoard\"\narguments = {}\n\
                  [[turn]]\nsay = \"seen\"\n";
    world.run_model(script).code(0);
    let trace = world.read(".stepwell/out/trace.jsonl");
    let ending = "it holds more than the limit of 3 handles at a time";
    assert!(trace.contains(ending), "{trace}");
}

#[test]
fn a_step_says_how_many_of_its_calls_go_on_at_the_same_time() {
    let world = World::example();
    let step = world.read(".stepwell/step.toml");
    let with = |calls: u32| {
        let limits = format!("{step}\n[limits]\nconcurrent-calls = {calls}\n");
        world.write(".stepwell/step.toml", &limits);
    };
    with(1);
    world.stepwell(&["run", "--provider", "offline", "--step-from-head"]).code(0);
    let isolation = world.json(".stepwell/out/accounting.json")["isolation"].to_string();
    assert!(isolation.contains(", 1 calls at once"), "{isolation}");

    for calls in [0, 65] {
        with(calls);
        let ran = world.stepwell(&["validate"]);
        assert_ne!(ran.code, Some(0), "{calls}: {}", ran.out);
        assert!(ran.err.contains("limits.concurrent-calls"), "{calls}: {}", ran.err);
    }
}
