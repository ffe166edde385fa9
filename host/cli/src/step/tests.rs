//! What a step file may say, and what its author is told.

use std::error::Error as _;

use super::*;
use crate::problem::{Problem, Report};

#[track_caller]
fn told(text: &str) -> String {
    let source = Step::parse(text.as_bytes()).unwrap_err();
    Report(&Problem::BadStep { file: "step.toml".into(), source: Box::new(source) }).to_string()
}

const LEAST: &str = "name = \"a\"\ntask = \"b\"\n";

#[test]
fn the_least_step_is_a_name_and_a_task() {
    let step = Step::parse(LEAST.as_bytes()).unwrap();
    assert!(step.model.is_none() && step.verify.is_none());
    assert_eq!(step.tools.read, ["**"]);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    insta::assert_snapshot!(told("name = \"a\"\ntask = \"b\"\n[gates]\nfile-max = 3\n"), @r"
    error: the step file `step.toml` cannot be used
      because: line 4: there is no key `file-max` in `[gates]`
      help: did you mean `files-max`?
    ");
    insta::assert_snapshot!(told("name = \"a\"\ntask = \"b\"\n[budget.analyze]\nzzz = 3\n"), @r"
    error: the step file `step.toml` cannot be used
      because: line 4: there is no key `zzz` in `[budget.analyze]`
      help: the keys there are: calls, idle, spend, time, tokens
    ");
    insta::assert_snapshot!(told("nme = \"a\"\n"), @r"
    error: the step file `step.toml` cannot be used
      because: line 1: there is no key `nme`
      help: did you mean `name`?
    ");
}

#[test]
fn a_wrong_value_is_shown_where_it_stands() {
    insta::assert_snapshot!(told("name = \"a\"\ntask = \"b\"\n[budget.patch]\ntime = \"soon\"\n"));
    insta::assert_snapshot!(told("name = \"a\"\ntask = \"b\"\n[budget]\nspend = -1\n"));
    insta::assert_snapshot!(told("name = \"a\ntask = 3"));
}

#[test]
fn amounts_are_exact() {
    let text = format!("{LEAST}[budget]\nspend = 0.07\n[budget.analyze]\ntime = \"1m 30s\"\n");
    let step = Step::parse(text.as_bytes()).unwrap();
    assert_eq!(step.budget.spend.unwrap().0.0, 70_000);
    assert_eq!(step.budget.analyze.time.unwrap().0.as_secs(), 90);
}

#[test]
fn what_is_no_text_or_no_file_of_ours_is_refused() {
    let huge = vec![b'#'; FILE_BYTES_MAX + 1];
    assert!(matches!(Step::parse(&huge), Err(StepError::TooLarge { .. })));
    assert!(matches!(Step::parse(&[0xff]), Err(StepError::NotText)));
    assert!(StepError::NotText.source().is_none());
}

/// `docs/step-file.md` lists every key with what the schema says of it.
#[test]
fn the_reference_is_complete() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/step-file.md");
    let page = std::fs::read_to_string(page).unwrap();
    let schema = Step::schema();
    let mut missing = Vec::new();
    let definitions = schema["$defs"].as_object().unwrap().values();
    for table in definitions.chain([&schema]) {
        for (key, value) in table["properties"].as_object().into_iter().flatten() {
            let says = value["description"].as_str().unwrap_or_default().replace('\n', " ");
            if !page.contains(&format!("`{key}`")) || !page.contains(&says) {
                missing.push(format!("{key}: {says}"));
            }
        }
    }
    assert!(missing.is_empty(), "not in docs/step-file.md:\n{}", missing.join("\n"));
}
