//! What is exported, read by those who define or consume the formats: none of it is judged by code
//! of ours. OTLP is taken by a real collector in `telemetry`; every form of a bill of materials is
//! held against its schema in `plugins/sbom`, too.

use std::process::Command;

use serde_json::Value;

use crate::support::{World, python, workspace};
use crate::vouching::with_a_bill;

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

#[test]
fn cyclonedx_fits_its_official_schema() {
    let dir = workspace().join("../shared/data/conformance/cyclonedx");
    let read = |name: &str| -> Option<Value> {
        let text =
            std::fs::read_to_string(dir.join(format!("{name}.SNAPSHOT.schema.json"))).ok()?;
        Some(serde_json::from_str(&text).unwrap())
    };
    let Some(schema) = read("bom-1.6") else {
        eprintln!("SKIPPED LOUDLY: the schemas of CycloneDX are not beside the workspace");
        return;
    };
    let mut registry = jsonschema::Registry::new();
    for name in ["spdx", "jsf-0.82", "cryptography-defs"] {
        let uri = format!("http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json");
        registry = registry.add(uri, read(name).unwrap()).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let options = jsonschema::options().with_registry(&registry).should_validate_formats(true);
    let validator = options.build(&schema).unwrap();
    let world = with_a_bill(1_024);
    let bill = world.stepwell(&["export", "--format", "cyclonedx"]).code(0).out;
    let mut bill: Value = serde_json::from_str(&bill).unwrap();
    let problems: Vec<String> = validator.iter_errors(&bill).map(|err| err.to_string()).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    bill["components"][0]["type"] = "nothing".into();
    assert!(!validator.is_valid(&bill), "the schema refuses nothing");
}
