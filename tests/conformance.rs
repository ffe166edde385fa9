//! What is exported, read by those who define or consume the formats: none of it is judged by code
//! of ours. OTLP is taken by a real collector in `telemetry`, CycloneDX is held against its schemas
//! in `plugins/sbom`.

use std::process::Command;

use serde_json::Value;

use crate::support::{World, python, workspace};

/// Readers of ATIF and of JUnit.
const READERS: &str = "atif==1.8.0 junitparser==5.0.3";

/// Says how many steps and calls, and how many tests and failures, they find.
const READ: &str = "\
import atif, junitparser, sys
read = atif.Trajectory.model_validate_json(open(sys.argv[1]).read(), strict=False)
calls = sum(len(step.tool_calls or []) for step in read.steps)
xml = junitparser.JUnitXml.fromfile(sys.argv[2])
suites = list(xml)
print(read.schema_version, len(read.steps), calls)
print(len(suites), sum(s.tests for s in suites), sum(s.failures for s in suites))
";

fn ran() -> World {
    let world = World::example();
    world.run_script(&["--quiet"]).code(0);
    world
}

#[test]
fn atif_and_junit_are_read_by_their_readers() {
    let Some(python) = python("exports-venv", READERS, "import atif, junitparser") else { return };
    let world = ran();
    for (format, file) in [("atif", "run.atif.json"), ("junit", "junit.xml")] {
        world.stepwell(&["export", "--format", format, "--out", file]).code(0);
    }
    let files = [world.path("run.atif.json"), world.path("junit.xml")];
    let read = Command::new(python).args(["-c", READ]).args(files).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let told: Value = world.json("run.atif.json");
    let steps = told["steps"].as_array().unwrap();
    let calls = steps.iter().filter_map(|step| step["tool_calls"].as_array()).map(Vec::len);
    let expected = format!("ATIF-v1.8 {} {}\n1 5 0\n", steps.len(), calls.sum::<usize>());
    assert_eq!(String::from_utf8_lossy(&read.stdout), expected);
}

#[test]
fn sarif_fits_its_official_schema() {
    let schema = workspace().join("../shared/data/conformance/sarif/sarif-schema-2.1.0.json");
    let Ok(schema) = std::fs::read_to_string(&schema) else {
        eprintln!("SKIPPED LOUDLY: the schema of SARIF is not beside the workspace");
        return;
    };
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let world = ran();
    let mut told: Value =
        serde_json::from_str(&world.stepwell(&["export", "--format", "sarif"]).code(0).out)
            .unwrap();
    let problems: Vec<String> = validator.iter_errors(&told).map(|err| err.to_string()).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    told["runs"][0]["results"] = serde_json::json!([{ "level": "bad" }]);
    assert!(!validator.is_valid(&told), "the schema refuses nothing");
}
