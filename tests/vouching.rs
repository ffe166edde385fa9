//! What others can be shown of a run: who vouches for its trace, and what it was made of.

use serde_json::Value;

use crate::support::{Ran, World, workspace};

const TRACE: &str = ".stepwell/out/trace.jsonl";
const SIGNATURE: &str = ".stepwell/out/trace.sig.json";

/// A key: its public half, and the secret one.
fn key(world: &World) -> (String, String) {
    let made = world.stepwell(&["cache", "key", "--json"]).code(0);
    let key: Value = serde_json::from_str(&made.out).unwrap();
    let half = |name: &str| key[name].as_str().unwrap().to_owned();
    (half("public"), half("secret"))
}

/// Runs a command with one more variable.
fn with(world: &World, arguments: &[&str], (name, value): (&str, &str)) -> Ran {
    Ran::from(world.command(arguments).env(name, value).output().unwrap())
}

fn run(world: &World, key: Option<&str>) -> Ran {
    let script = workspace().join("examples/failing-test/model.toml");
    let provider = format!("script:{}", script.display());
    let arguments = ["run", "--provider", &provider];
    match key {
        Some(key) => with(world, &arguments, ("STEPWELL_TRACE_KEY", key)),
        None => world.stepwell(&arguments),
    }
}

/// What `verify` says of the signature, in text and as JSON.
fn told(world: &World, arguments: &[&str], code: i32) -> (String, Value) {
    let arguments = [&["verify"], arguments].concat();
    let text = world.stepwell(&arguments).code(code).out;
    let line = text.lines().find(|line| line.contains("  signature ")).unwrap_or_default();
    let json = world.stepwell(&[&arguments[..], &["--json"]].concat()).code(code).out;
    let json: Value = serde_json::from_str(&json).unwrap();
    (line.trim().to_owned(), json["signature"].clone())
}

#[test]
fn a_signed_trace_says_who_vouches_for_it_and_any_other_says_why_nobody_does() {
    let world = World::example();
    let [(ours, secret), (theirs, _)] = [key(&world), key(&world)];
    let ran = run(&world, Some(&secret)).code(0);
    assert!(ran.err.contains("trace.jsonl, trace.sig.json"), "{}", ran.err);
    assert!(!world.read(SIGNATURE).contains(&secret[10..]), "the secret is in it");
    let by = |is: &str| serde_json::json!({ "is": is, "signer": ours });
    let (line, json) = told(&world, &[], 0);
    assert_eq!(
        line,
        format!("signature     open   signed by {ours}; nobody says whose word counts")
    );
    assert_eq!(json, by("by-somebody"));
    let (line, json) = told(&world, &["--signer", &theirs, "--signer", &ours], 0);
    assert_eq!((line, json), (format!("signature     ok     signed by {ours}"), by("by-listed")));
    let (line, json) = told(&world, &["--signer", &theirs], 50);
    assert!(line.contains("FAILS  signed by ") && line.contains("does not count here"), "{line}");
    assert_eq!(json, by("by-stranger"));
    let listed = ("STEPWELL_TRACE_SIGNERS", format!("{theirs}, {ours}"));
    let ran = with(&world, &["verify"], (listed.0, &listed.1)).code(0);
    assert!(ran.out.contains(&format!("ok     signed by {ours}")), "{}", ran.out);

    // The chain of a trace that somebody wrote anew holds; the signature does not.
    let trace = world.read(TRACE);
    let shorter: Vec<&str> = trace.lines().collect();
    world.write(TRACE, &(shorter[..shorter.len() - 1].join("\n") + "\n"));
    let (line, json) = told(&world, &["--signer", &ours], 50);
    assert!(line.starts_with("signature     FAILS  it is of run "), "{line}");
    assert_eq!(json["is"], "wrong");
    world.write(TRACE, &trace);
    let signature = world.read(SIGNATURE);
    world.write(SIGNATURE, &signature.replace(&ours, &theirs));
    assert_eq!(
        told(&world, &["--signer", &theirs], 50).0,
        "signature     FAILS  it is of something else"
    );
}

#[test]
fn a_run_without_a_key_leaves_no_signature_of_another() {
    let world = World::example();
    let (ours, secret) = key(&world);
    run(&world, Some(&secret)).code(0);
    world.read(SIGNATURE);
    world.run_script(&["--quiet", "--fresh"]).code(0);
    assert!(!world.path(SIGNATURE).exists());
    assert_eq!(told(&world, &[], 0).0, "signature     open   nobody signed the trace");
    let (line, json) = told(&world, &["--signer", &ours], 50);
    assert!(line.contains("FAILS  there is no trace.sig.json"), "{line}");
    assert_eq!(json["is"], "by-nobody");
    let bad = run(&world, Some("ed25519:nonsense")).code(2);
    assert!(bad.err.contains("STEPWELL_TRACE_KEY cannot be used"), "{}", bad.err);
    let bad = world.stepwell(&["verify", "--signer", "nonsense"]).code(2);
    assert!(bad.err.contains("it is not a key"), "{}", bad.err);
}

/// A run of the example whose step makes a bill of materials; `limit` is what the conversation gets.
pub(crate) fn with_a_bill(limit: u32) -> World {
    let world = World::example_named("upgrade-dependency");
    let step = world.read(".stepwell/step.toml");
    let more = format!("\n[[context.call]]\ntool = \"sbom\"\n\n[limits]\nanswer-bytes = {limit}\n");
    world.write(".stepwell/step.toml", &(step + &more));
    let script = workspace().join("examples/upgrade-dependency/model.toml");
    let provider = format!("script:{}", script.display());
    let ran = world.stepwell(&["run", "--step-from-head", "--quiet", "--provider", &provider]);
    ran.code(0);
    world
}

#[test]
fn the_bill_of_materials_that_a_run_made_is_exported_whole() {
    for limit in [65_536, 1_024] {
        let world = with_a_bill(limit);
        let bill = world.stepwell(&["export", "--format", "cyclonedx"]).code(0).out;
        let read: Value = serde_json::from_str(&bill).unwrap();
        assert_eq!(read["bomFormat"], "CycloneDX");
        assert!(bill.contains("pkg:npm/tidetable@2.2.0"), "{bill}");
        let again = world.stepwell(&["tool", "call", "sbom", "--args", "{}"]).code(0).out;
        let again: Value = serde_json::from_str(&again).unwrap();
        assert_eq!(read["components"], again["components"], "not all of it");
        let long: Vec<_> = std::fs::read_dir(world.path(".stepwell/out/outputs"))
            .into_iter()
            .flatten()
            .flatten()
            .filter(|file| std::fs::read(file.path()).unwrap() == bill.trim_end().as_bytes())
            .collect();
        assert_eq!(long.len(), usize::from(limit == 1_024), "it is where long outputs are");
        let Some(file) = long.first() else { continue };
        std::fs::write(file.path(), bill.replace("2.2.0", "2.4.0")).unwrap();
        let bad = world.stepwell(&["export", "--format", "cyclonedx"]).code(50);
        assert!(bad.err.contains("is not what the tool answered"), "{}", bad.err);
        std::fs::remove_file(file.path()).unwrap();
        let bad = world.stepwell(&["export", "--format", "cyclonedx"]).code(2);
        assert!(bad.err.contains("is not beside the trace"), "{}", bad.err);
    }
}
