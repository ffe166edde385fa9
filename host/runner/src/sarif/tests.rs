//! What code scanning is given.

use session::Confidence;

use super::*;

fn finding(file: Option<&str>, line: Option<u32>) -> Finding {
    Finding {
        title: "off by one [see](javascript:x)".to_owned(),
        severity: Severity::Warning,
        confidence: Confidence::High,
        file: file.map(str::to_owned),
        line,
        test: None,
        evidence: "\u{1b}[31mline 3".to_owned(),
    }
}

fn place(path: &str, line: Option<u32>) -> Place {
    Place { path: path.to_owned(), line, what: "a GitHub token".to_owned() }
}

/// The results alone, one a line: rule, level, place, message.
fn lines(verdicts: &[Verdict], findings: &[Finding]) -> String {
    let log: serde_json::Value =
        serde_json::from_str(&sarif("triage", verdicts, findings)).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap().clone();
    let line = |found: &serde_json::Value| {
        let physical = &found["locations"][0]["physicalLocation"];
        let (uri, line) = (&physical["artifactLocation"]["uri"], &physical["region"]["startLine"]);
        let index = usize::try_from(found["ruleIndex"].as_u64().unwrap()).unwrap();
        let rule = &log["runs"][0]["tool"]["driver"]["rules"][index];
        assert_eq!(rule["id"], found["ruleId"]);
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let (rule, level) = (text(&found["ruleId"]), text(&found["level"]));
        format!("{rule} {level} {}:{line} {}", text(uri), text(&found["message"]["text"]))
    };
    results.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_finding_has_a_rule_a_level_and_a_place() {
    let verdicts = vec![
        Verdict::new("patch-valid", Ruling::Pass, "1 file can be read"),
        Verdict {
            paths: vec!["a b/ü.rs".to_owned(), "c".to_owned()],
            ..Verdict::new("files-max", Ruling::Refuse, "2 files, the most is 1")
        },
        Verdict {
            paths: vec![".github/x.yml".to_owned(), "Cargo.lock".to_owned()],
            ..Verdict::new("protected-paths", Ruling::Approval, "2 protected paths")
        },
        Verdict {
            places: vec![place("a.rs", Some(7)), place("***/b", None)],
            ..Verdict::new("secrets", Ruling::Refuse, "2 secrets")
        },
        Verdict {
            approved_by: Some("ada".to_owned()),
            ..Verdict::new("dependencies", Ruling::Approval, "`x` is new")
        },
    ];
    let findings = vec![
        finding(Some("src/lib.rs"), Some(3)),
        finding(Some("../../etc/passwd"), Some(3)),
        finding(None, None),
    ];
    insta::assert_snapshot!(lines(&verdicts, &findings));
}

#[test]
fn the_whole_log_is_the_same_for_the_same_result() {
    let verdicts = vec![Verdict {
        places: vec![place("a.rs", Some(7))],
        ..Verdict::new("secrets", Ruling::Refuse, "1 secret")
    }];
    insta::assert_snapshot!(sarif("triage", &verdicts, &[]));
}

#[test]
fn no_more_results_than_code_scanning_keeps() {
    let places = (0..1_005).map(|line| place("a.rs", Some(line))).collect();
    let verdicts =
        vec![Verdict { places, ..Verdict::new("secrets", Ruling::Refuse, "many secrets") }];
    let log: serde_json::Value = serde_json::from_str(&sarif("triage", &verdicts, &[])).unwrap();
    let run = &log["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), RESULTS_MAX);
    assert_eq!(run["properties"]["resultsLeftOut"], 5);
    assert_eq!(run["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"], 1);
}
