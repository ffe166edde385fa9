//! A gate as its author and as the host see it.
#![expect(unreachable_pub, reason = "a gate is declared at a crate's root, where `GATE` is public")]

use super::*;
use crate::testing::Repository;
use crate::{Tree, repository};

gate! {
    name: "words",
    description: "Refuses a word.",
    settings: r#"{ "type": "object", "required": ["word"] }"#,
    judge: judge,
}

#[derive(serde::Deserialize)]
struct Settings {
    word: String,
}

fn judge(patch: &Patch) -> Result<Verdict, Refusal> {
    let Settings { word } = patch.settings()?;
    let mut verdict = Verdict::refuse(format!("`{word}` is not said here"));
    for file in &patch.files {
        for line in file.added.iter().filter(|line| line.text.contains(&word)) {
            verdict = verdict.at(&file.path, Some(line.line), line.text.clone());
        }
    }
    let before = repository::read_text(Tree::Base, "a")?;
    match verdict.places().count() {
        0 => Ok(Verdict::pass(format!("nothing new after {} lines", before.lines().count()))),
        _ => Ok(verdict),
    }
}

fn changed() -> Repository {
    Repository::new().base("a", "one\ntwo\nthree\n").file("a", "one\nbad\nthree\n").file("b", "x\n")
}

#[test]
fn a_gate_sees_what_changes_and_says_where() {
    let run = changed().judge(&GATE, r#"{"word": "bad"}"#);
    insta::assert_snapshot!(run.answer.unwrap(), @r#"{"ruling":"refuse","reason":"`bad` is not said here","places":[{"path":"a","line":2,"reason":"bad"}]}"#);
    let run = changed().judge(&GATE, r#"{"word": "two"}"#);
    insta::assert_snapshot!(run.answer.unwrap(), @r#"{"ruling":"pass","reason":"nothing new after 3 lines","places":[]}"#);
}

#[test]
fn what_it_is_told_must_fit() {
    let run = changed().judge(&GATE, "{}");
    insta::assert_snapshot!(run.answer.unwrap_err(), @"the settings do not fit the gate: missing field `word`");
}

#[test]
fn a_gate_says_that_it_is_one() {
    assert!(GATE.manifest.ends_with(r#","gate":true}"#), "{}", GATE.manifest);
}

#[test]
fn what_the_host_would_not_take_is_cut() {
    let mut verdict = Verdict::approval("ä".repeat(REASON_BYTES_MAX));
    for line in 1..=200 {
        verdict = verdict.at("a", Some(line), "x");
    }
    assert!(verdict.reason().len() <= REASON_BYTES_MAX && verdict.reason().ends_with('…'));
    assert_eq!((verdict.places().count(), verdict.ruling()), (PLACES_MAX, Ruling::Approval));
}
