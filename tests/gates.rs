//! Gates that a team brings: what they say counts like what the built-in ones say, whatever they do
//! besides saying it lets nothing pass, and no model can reach them. And the cooldown of an upgrade.

use std::fs;
use std::path::PathBuf;

use crate::support::{Ran, World, workspace};

/// The gate of `examples/custom-gate`, as `cargo xtask components` leaves it.
fn component() -> PathBuf {
    let built = workspace().join("target/components/gates/house_rules.wasm");
    assert!(built.is_file(), "run `cargo xtask components` first");
    built
}

/// The repository of `examples/custom-gate`, with the gate in its base.
pub(crate) fn guarded() -> World {
    let base = tempfile::tempdir().unwrap();
    let gates = base.path().join(".stepwell/gates");
    fs::create_dir_all(&gates).unwrap();
    fs::copy(component(), gates.join("house_rules.wasm")).unwrap();
    World::example_on("custom-gate", Some(base.path()))
}

/// A change of the hours in `lib/duration.sh`.
fn hours(line: &str) -> String {
    format!(
        "--- a/lib/duration.sh\n+++ b/lib/duration.sh\n@@ -7,3 +7,3 @@\n     *m) echo $((number * 60)) ;;\n\
         -    *h) echo $((number * 60)) ;;\n+    *h) {line} ;;\n     *) echo \"seconds: $1 is no duration\" \
         >&2 && return 1 ;;\n"
    )
}

/// The change that is right.
fn fix() -> String {
    hours("echo $((number * 3600))")
}

/// The same with a word that only a person may add, and a line in the changelog.
fn eval() -> String {
    hours("eval echo $((number * 3600))") + LOG
}

const LOG: &str = "--- a/CHANGELOG.md\n+++ b/CHANGELOG.md\n@@ -1,3 +1,4 @@\n # Changes\n \n+- new\n \
                   - `seconds` takes minutes.\n";

/// What the gates say of a patch, by the step file with `change` made to it.
fn asked(world: &World, patch: &str, change: (&str, &str), arguments: &[&str]) -> Ran {
    world.write("../patch.diff", patch);
    let step =
        fs::read_to_string(workspace().join("examples/custom-gate/project/.stepwell/step.toml"));
    let step = step.unwrap();
    assert!(step.contains(change.0), "{step}");
    world.write("../step.toml", &step.replace(change.0, change.1));
    let gate = ["gate", "../patch.diff", "--step", "../step.toml"];
    world.stepwell(&[&gate, arguments].concat())
}

/// The last of the verdicts, as `gate --json` tells it.
#[track_caller]
fn last(ran: &Ran) -> (String, String, String) {
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let verdict = told["verdicts"].as_array().unwrap().last().unwrap().clone();
    let text = |key: &str| verdict[key].as_str().unwrap().to_owned();
    (text("gate"), text("ruling"), text("because"))
}

#[test]
fn a_gate_of_the_teams_own_refuses_tells_the_model_why_and_lets_the_next_patch_out() {
    let world = guarded();
    let ran = world.run_script_of("custom-gate", &[]).code(0);
    let result = world.artifacts();
    assert_eq!(result["outcome"], "patch-tested", "{}", ran.err);
    let gates: Vec<&str> = result["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["gate"].as_str().unwrap())
        .collect();
    assert_eq!(gates[gates.len() - 3..], ["dependencies", "house-rules", "tests"]);
    let trace = world.read(".stepwell/out/trace.jsonl");
    assert!(trace.contains("`CHANGELOG.md` says nothing of it"), "the first patch is refused");
    assert!(world.read(".stepwell/out/report.md").contains("house-rules"));

    // On its own, and once more when the patch is applied.
    let told = world.stepwell(&["gate", ".stepwell/out/patch.diff", "--explain"]).code(0).out;
    assert!(told.contains("#### ✅ house-rules: pass") && told.contains("gates.own"), "{told}");
    let ran = world.stepwell(&["apply"]).code(0);
    assert!(ran.out.contains("CHANGELOG.md") && ran.out.contains("lib/duration.sh"), "{}", ran.out);
}

#[test]
fn its_verdict_stands_with_the_others_in_every_form() {
    let world = guarded();
    let told = |arguments: &[&str]| asked(&world, &fix(), ("", ""), arguments).code(10).out;
    let json: serde_json::Value = serde_json::from_str(&told(&["--json"])).unwrap();
    let verdict = json["verdicts"].as_array().unwrap().last().unwrap().clone();
    insta::assert_json_snapshot!("own_gate_verdict", verdict);
    assert!(json["problem"].as_str().unwrap().contains("house-rules: the interface changes"));
    let sarif = told(&["--format", "sarif"]);
    assert!(sarif.contains("\"gate/house-rules\"") && sarif.contains("lib/duration.sh"), "{sarif}");
    let text = told(&[]);
    assert!(text.contains("refuse    house-rules"), "{text}");
    assert!(told(&["--format", "markdown"]).contains("#### ❌ house-rules: refuse"));
}

#[test]
fn a_gate_that_cannot_be_asked_lets_nothing_pass() {
    let world = guarded();
    let fine = fix() + LOG;
    asked(&world, &fine, ("", ""), &["--json"]).code(0);
    let check = |change: (&str, &str), told: &str| {
        let ran = asked(&world, &fine, change, &["--json"]).code(10);
        let (gate, ruling, because) = last(&ran);
        assert_eq!((gate.as_str(), ruling.as_str()), ("house-rules", "refuse"), "{because}");
        assert!(
            because.contains("the gate cannot be asked") && because.contains(told),
            "{because}"
        );
    };
    check(("[verify]", "[limits]\nfuel = 1000\n\n[verify]"), "it was ended");
    check(("[verify]", "[limits]\nmemory-bytes = 65536\n\n[verify]"), "it was ended");
    check(("[verify]", "[limits]\noutput-bytes = 10\n\n[verify]"), "it was ended");
    check(("settings", "read = [\"lib/**\"]\nsettings"), "it would not judge: `CHANGELOG.md`");
}

#[test]
fn what_a_step_says_of_its_gates_is_held_against_what_there_is() {
    let world = guarded();
    let tool = workspace().join("target/components/examples/debug_leftovers.wasm");
    fs::copy(tool, world.path(".stepwell/gates/tool.wasm")).unwrap();
    let mut told = Vec::new();
    for change in [
        ("house_rules.wasm", "tool.wasm"),
        ("house_rules.wasm", "gone.wasm"),
        ("name = \"house-rules\"", "name = \"secrets\""),
        ("changelog = \"CHANGELOG.md\", ", ""),
        ("careful = [\"eval\"]", "careful = [\"\"]"),
        ("[verify]", "[tools]\ncomponent = [\".stepwell/gates/house_rules.wasm\"]\n\n[verify]"),
    ] {
        let ran = asked(&world, &fix(), change, &[]);
        assert!(ran.code != Some(0) && ran.code != Some(10) && ran.code != Some(11), "{change:?}");
        let is_told = |line: &&str| !line.contains("No such file") && !line.starts_with("note:");
        let lines = ran.err.lines().filter(is_told);
        told.push(
            lines.map(str::trim).collect::<Vec<_>>().join("\n").replace("../step.toml", "STEP"),
        );
    }
    let root = world.repo().canonicalize().unwrap().display().to_string();
    insta::assert_snapshot!("own_gate_problems", told.join("\n\n").replace(&root, "…"));
}

/// A model that calls the gate, and then proposes a patch that only a person may let out.
fn calls_the_gate(patch: &str) -> String {
    format!(
        "model = \"m\"\n[[turn]]\n[[turn.call]]\ntool = \"house_rules\"\narguments = {{}}\n\
         [[turn.call]]\ntool = \"house-rules\"\narguments = {{}}\n[[turn]]\n[[turn.call]]\n\
         tool = \"propose_patch\"\n[turn.call.arguments]\nwhy = \"w\"\npatch = '''\n{patch}'''\n"
    )
}

#[test]
fn no_model_can_call_it_and_what_it_asks_a_person_may_answer_for_that_gate_as_it_is() {
    let world = guarded();
    world.run_model(&calls_the_gate(&eval())).code(11);
    // Neither is offered, and neither name comes to a call.
    let offered = world.stepwell(&["context", "--out", "../pack.jsonl"]);
    assert!(offered.code == Some(0) && !world.read("../pack.jsonl").contains("house_rules"));
    let called: Vec<serde_json::Value> = world
        .trace()
        .into_iter()
        .map(|record| record["event"]["decided"]["call"]["tool"].clone())
        .filter(|tool| tool.as_str().is_some_and(|tool| tool.starts_with("house")))
        .collect();
    assert_eq!(called, Vec::<serde_json::Value>::new());
    let result = world.artifacts();
    assert_eq!(result["stop-reason"]["check"], "house-rules", "{result}");
    let name = world.json(".stepwell/out/accounting.json")["run"].as_str().unwrap().to_owned();
    world.stepwell(&["approve", &name, "--gate", "house-rules", "--by", "ada"]).code(0);
    world.run_model(&calls_the_gate(&eval())).code(0);
    assert!(world.artifacts()["verdicts"].to_string().contains("ada"));

    // Told something else it is another gate, and the approval is void there.
    world.stepwell(&["apply", "--dry-run"]).code(0);
    let step = world.read(".stepwell/step.toml");
    world.write("../step.toml", &step.replace("[\"eval\"]", "[\"eval\", \"exec\"]"));
    let ran = world.stepwell(&["apply", "--dry-run", "--step", "../step.toml"]).code(11);
    assert!(ran.err.contains("`house-rules` needs an approval"), "{}", ran.err);
}

#[test]
fn the_change_under_test_brings_no_gate_of_its_own() {
    let world = guarded();
    fs::copy(
        workspace().join("target/components/examples/debug_leftovers.wasm"),
        world.path(".stepwell/gates/house_rules.wasm"),
    )
    .unwrap();
    world.write("../patch.diff", &fix());
    let ran = world.stepwell(&["gate", "../patch.diff", "--json"]).code(10);
    let (gate, _, because) = last(&ran);
    assert_eq!(gate, "house-rules");
    assert!(because.starts_with("the interface changes"), "the base's gate counts: {because}");
}

#[test]
fn an_upgrade_that_is_too_young_is_refused_and_the_version_before_it_passes() {
    let world = World::example_named("upgrade-dependency");
    let ran = world.run_script_of("upgrade-dependency", &[]).code(0);
    assert_eq!(world.artifacts()["outcome"], "patch-tested", "{}", ran.err);
    let trace = world.read(".stepwell/out/trace.jsonl");
    let young = "`tidetable` (npm) is upgraded from 2.2.0 to 2.4.0, was published 1 day ago, the least is 7";
    assert!(trace.contains(young), "{}", ran.err);
    let patch = world.read(".stepwell/out/patch.diff");
    assert!(patch.contains("\"tidetable\": \"2.3.1\"") && !patch.contains("2.4.0"), "{patch}");

    // The change under test cannot say that the version is older.
    let times = world.read(".stepwell/published.json");
    world.write(".stepwell/published.json", &times.replace("2026-10-30", "2026-01-01"));
    world.write("../patch.diff", &patch.replace("2.3.1", "2.4.0"));
    let ran = world.stepwell(&["gate", "../patch.diff"]).code(10);
    assert!(ran.out.contains("was published 1 day ago"), "{}", ran.out);
    // Of a version that nobody dates, a person decides; a file that cannot be read refuses to start.
    world.write("../patch.diff", &patch.replace("2.3.1", "2.3.2"));
    let ran = world.stepwell(&["gate", "../patch.diff"]).code(11);
    assert!(ran.out.contains("nobody knows whether"), "{}", ran.out);
    let step = world.read(".stepwell/step.toml").replace("published.json", "step.toml");
    world.write("../step.toml", &step);
    let ran = world.stepwell(&["gate", "../patch.diff", "--step", "../step.toml"]);
    assert!(ran.err.contains("`gates.dependencies.published` names"), "{}", ran.err);
}
