//! What a step tells the model before it asks is the same bytes for the same repository.

use crate::support::World;

const STEP: &str = "name = \"look\"\ngoal = \"diagnose\"\ntask = \"Look at it.\"\n\
    [[context.call]]\ntool = \"sbom\"\narguments = {}\n";

const LOCK: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n";

fn world() -> World {
    let world = World::files(&[
        (".stepwell/step.toml", STEP),
        ("Cargo.lock", LOCK),
        ("Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\n"),
        ("src/main.rs", "fn main() {}\n"),
    ]);
    world.commit("one");
    world.write("src/main.rs", "fn main() { todo() }\n");
    world.commit("two");
    world
}

fn context(world: &World, arguments: &[&str]) -> serde_json::Value {
    let ran = world.stepwell(&[&["context", "--json"], arguments].concat()).code(0);
    serde_json::from_str(&ran.out).unwrap()
}

fn sources(pack: &serde_json::Value) -> Vec<&str> {
    let calls = pack["calls"].as_array().unwrap();
    calls.iter().map(|call| call["source"].as_str().unwrap()).collect()
}

#[test]
fn a_pack_is_the_same_bytes_wherever_its_answers_come_from() {
    let world = world();
    let (first, second) =
        (context(&world, &["--out", ".git/one"]), context(&world, &["--out", ".git/two"]));
    let uncached = context(&world, &["--no-cache", "--out", ".git/three"]);
    assert_eq!(sources(&first), ["fresh", "fresh", "fresh", "host", "fresh"]);
    assert_eq!(sources(&second), ["cache", "cache", "cache", "host", "cache"]);
    assert_eq!(sources(&uncached), ["fresh", "fresh", "fresh", "host", "fresh"]);
    let pack = world.read(".git/one");
    assert!(pack == world.read(".git/two") && pack == world.read(".git/three"));
    assert_eq!(first["digest"], uncached["digest"]);
    assert_eq!(first["same-as-before"], serde_json::Value::Null);
    assert_eq!(second["same-as-before"], second["bytes"], "all of it");

    // The very conversation that a model gets, the instructions first.
    let lines: Vec<serde_json::Value> =
        pack.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines[0].as_str().unwrap().starts_with("You work on one step of a CI pipeline"));
    let outputs = lines.iter().filter(|line| line["type"] == "function_call_output").count();
    assert_eq!(outputs, 5);
}

#[test]
fn a_commit_that_touches_no_manifest_leaves_the_beginning_of_the_pack_as_it_was() {
    let world = world();
    context(&world, &[]);
    world.write("src/main.rs", "fn main() { other() }\n");
    world.commit("three");
    let pack = context(&world, &[]);
    // What the change is about is new; the dependencies are as they were, and stand before it.
    assert_eq!(sources(&pack), ["cache", "cache", "cache", "host", "cache"], "{pack}");
    let (same, bytes) = (pack["same-as-before"].as_u64(), pack["bytes"].as_u64());
    assert!(same.unwrap() * 10 > bytes.unwrap() * 9 && same < bytes, "{pack}");
    let told = world.stepwell(&["context"]).code(0).out;
    assert!(told.contains("the very bytes of the last one"), "{told}");
    // A run tells the model the same: its context comes from what the pack has left in the cache.
    world.stepwell(&["run", "--provider", "offline", "--json"]).code(0);
    assert_eq!(world.json(".stepwell/out/accounting.json")["calls-fresh"], 1, "but for the host's");
}
