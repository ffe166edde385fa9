//! CTRF, by its own schema and its own tests.

use std::path::Path;

use serde_json::{Value, json};

use super::{call, file, files, summary};

/// The cases of a file of normative tests: what they say, whether the document is valid, and it.
fn cases(path: &Path) -> Vec<(String, bool, Value)> {
    let bytes = std::fs::read(path).expect("a file");
    let suite: Value = serde_json::from_slice(&bytes).expect("JSON");
    let document = |case: &Value| match case.get("dataPath").and_then(Value::as_str) {
        Some(beside) => {
            let path = path.parent().expect("a folder").join(beside);
            serde_json::from_slice(&std::fs::read(path).expect("an example")).expect("JSON")
        }
        None => case["data"].clone(),
    };
    let case = |case: &Value| {
        let description = case["description"].as_str().unwrap_or_default().to_owned();
        (description, case["valid"] == true, document(case))
    };
    suite["tests"].as_array().expect("tests").iter().map(case).collect()
}

#[test]
fn every_normative_case_is_read_and_what_is_not_valid_is_told() {
    let mut count = 0;
    for path in files("ctrf/tests") {
        for (description, valid, document) in cases(&path) {
            let answer = summary(document.to_string().as_bytes());
            let warnings = answer["warnings"].to_string();
            let told = warnings.contains("is not quite CTRF") || answer["verdict"] == "no-report";
            assert_eq!(told, !valid, "{description}: {answer:#}");
            let declared = document.pointer("/results/summary/tests").and_then(Value::as_u64);
            if let Some(tests) = declared.filter(|_| valid) {
                assert_eq!(answer["summary"]["tests"], tests, "{description}");
            }
            count += 1;
        }
    }
    eprintln!("{count} normative cases of CTRF");
    assert!(count == 0 || count == 168);
}

#[test]
fn what_is_written_is_valid_and_is_read_again() {
    let Some(schema) = file("ctrf/schema/ctrf.schema.json") else { return };
    let schema: Value = serde_json::from_slice(&schema).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    for path in files("test-results") {
        let bytes = std::fs::read(&path).expect("a file");
        let written = call(&bytes, &json!({ "format": "ctrf" }));
        let errors: Vec<String> =
            schema.iter_errors(&written).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
        let before = summary(&bytes);
        let after = summary(written.to_string().as_bytes());
        let told = after["warnings"].to_string();
        assert!(!told.contains("is not quite CTRF"), "{}: {told}", path.display());
        // What did not pass is there again, as far as the document has it.
        let left_out = written.pointer("/extra/stepwell/tests_left_out").and_then(Value::as_u64);
        if left_out == Some(0) && before["summary"]["errors"] == 0 {
            assert_eq!(
                after["summary"]["failed"],
                before["summary"]["failed"],
                "{}",
                path.display()
            );
        }
    }
}
