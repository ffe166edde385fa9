//! The main job, end to end, on the example of the README.

use std::collections::BTreeSet;
use std::fs;

use crate::support::{World, normalised, workspace};

/// The operator's log of the README is what the demo prints.
#[test]
fn the_readme_shows_the_log_of_the_demo() {
    let world = World::example();
    let ran = world.run_script(&[]).code(0);
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let shown = readme.split("```console\n").nth(1).and_then(|rest| rest.split("\n```").next());
    let shown = shown.expect("the README shows the log in a `console` block");
    assert_eq!(lines(shown, &world), lines(&ran.err, &world), "really:\n{}", ran.err);
}

/// The lines of a log. Independent calls run side by side, so the order is not compared.
fn lines(log: &str, world: &World) -> BTreeSet<String> {
    normalised(log, world).lines().map(str::to_owned).collect()
}

#[test]
fn the_demo_repairs_the_test_and_leaves_everything_a_pipeline_needs() {
    let world = World::example();
    let ran = world.run_script(&["--json"]).code(0);
    let result = world.artifacts();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&ran.out).unwrap(), result);
    assert_eq!(result["stop-reason"]["id"], "done");
    assert_eq!(result["outcome"], "patch-tested");
    let failing = result["tests-before"]["counts"]["failing"].to_string();
    assert!(failing.contains("slots_that_touch_become_one"), "{failing}");
    assert_eq!(result["tests-before"]["counts"]["failed"], 1);
    assert_eq!(result["tests-before"]["exit-code"], 101);
    assert_eq!(result["tests-after"]["counts"]["failed"], 0);
    assert_eq!(result["tests-after"]["counts"]["passed"], 5);
    let patch = world.read(".stepwell/out/patch.diff");
    assert!(patch.contains("+    next.start <= slot.end"), "{patch}");
    assert!(world.read("src/merge.rs").contains("next.start < slot.end"), "the step wrote nothing");
    let report = world.read(".stepwell/out/report.md");
    assert!(report.starts_with("### ✅ failing-test"), "{report}");
}

#[test]
fn a_second_run_is_answered_by_the_cache_and_comes_to_the_same() {
    let world = World::example();
    world.run_script(&[]).code(0);
    let first = world.read(".stepwell/out/result.json");
    world.run_script(&[]).code(0);
    assert_eq!(world.read(".stepwell/out/result.json"), first);
    let accounting = world.json(".stepwell/out/accounting.json");
    assert!(accounting["calls-cached"].as_u64().unwrap() >= 2, "{accounting}");
    assert_eq!(accounting["attempts"], 1, "a run that is done is not gone on with");
}

#[test]
fn the_trace_is_a_chain_without_gaps_that_ends_with_the_stop() {
    let world = World::example();
    world.run_script(&[]).code(0);
    let trace = world.trace();
    for (number, record) in trace.iter().enumerate() {
        assert_eq!(record["seq"], number);
        assert_eq!(record["schema"], 1);
    }
    let stops: Vec<_> = trace
        .iter()
        .filter(|record| record["event"]["decided"]["type"] == "stopped")
        .map(|record| &record["seq"])
        .collect();
    assert_eq!(stops, [trace.len() - 1]);

    let page = fs::read_to_string(workspace().join("docs/artifacts.md")).unwrap();
    for record in &trace {
        let (_, event) = record["event"].as_object().unwrap().iter().next().unwrap();
        let kind = event["type"].as_str().unwrap();
        assert!(page.contains(&format!("`{kind}`")), "`{kind}` is not in docs/artifacts.md");
    }
}

#[test]
fn the_offline_analyst_names_the_failing_test_and_the_changed_file_and_no_model() {
    let world = World::example();
    world.stepwell(&["run", "--provider", "offline"]).code(0);
    let result = world.artifacts();
    assert_eq!(result["model-used"], false);
    assert_eq!(result["outcome"], "diagnosis");
    let analysis = result["analysis"].to_string();
    assert!(analysis.contains("slots_that_touch_become_one"), "{analysis}");
    assert!(analysis.contains("src/merge.rs"), "{analysis}");
    let report = world.read(".stepwell/out/report.md");
    assert!(report.contains("No model was used"), "{report}");
}

#[test]
fn a_review_leaves_its_findings_where_code_scanning_and_people_look() {
    let world = World::example_named("risky-diff");
    world.run_script_of("risky-diff", &[]).code(0);
    let result = world.artifacts();
    assert_eq!(result["outcome"], "diagnosis");
    assert_eq!(result["patch"], serde_json::Value::Null);
    let sarif = world.json(".stepwell/out/verdicts.sarif");
    let found = &sarif["runs"][0]["results"][0];
    let place = &found["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "src/backup.py");
    assert_eq!(place["region"]["startLine"], 9);
    let line = world.read("src/backup.py").lines().nth(8).unwrap().to_owned();
    assert!(line.contains("shell=True"), "{line}");
}
