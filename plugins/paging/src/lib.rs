//! How the tests of tools that answer in parts call them: one answer, all parts of it, and whether
//! what the model is told of a tool is true.
//!
//! For tests alone: everything here panics where a tool does not keep its word.
// The linter of components goes over all crates, and in a component there is no `testing`.
#![cfg(not(target_family = "wasm"))]

use answers::cost;
use serde_json::{Value, json};
use stepwell::Tool;
use stepwell::testing::Repository;

/// The most parts of one answer: a test that asks for more goes in circles.
const PARTS_MAX: usize = 100_000;

/// What a tool answers.
///
/// # Panics
///
/// When it refuses.
#[track_caller]
pub fn said(tool: &Tool, repository: &Repository, input: &Value) -> Value {
    let answer = repository.call(tool, &input.to_string()).answer.expect("an answer");
    serde_json::from_str(&answer).expect("an answer is JSON")
}

/// Why a tool refuses.
///
/// # Panics
///
/// When it answers.
#[track_caller]
pub fn refused(tool: &Tool, repository: &Repository, input: &Value) -> String {
    let run = repository.call(tool, &input.to_string());
    run.answer.expect_err("a refusal").message().to_owned()
}

/// What a tool answers when it may spend so many tokens.
///
/// # Panics
///
/// When the answer costs more, or something else than it says.
#[track_caller]
pub fn within(tool: &Tool, repository: &Repository, input: &Value, max_tokens: usize) -> Value {
    let mut input = input.clone();
    input["max_tokens"] = json!(max_tokens);
    let answer = repository.call(tool, &input.to_string()).answer.expect("an answer");
    assert!(answer.len() <= 4 * max_tokens, "{} bytes: {answer}", answer.len());
    let said: Value = serde_json::from_str(&answer).expect("an answer is JSON");
    assert_eq!(said["tokens"], json!(cost::tokens(answer.len())), "{answer}");
    said
}

/// All parts of an answer, each of so many tokens: the first, and those that `next` leads to.
///
/// # Panics
///
/// When a part costs more, or does not say whether there is more.
#[track_caller]
pub fn parts(tool: &Tool, repository: &Repository, input: &Value, max_tokens: usize) -> Vec<Value> {
    let mut input = input.clone();
    let mut parts = Vec::new();
    loop {
        let part = within(tool, repository, &input, max_tokens);
        let next = part.get("next").cloned();
        parts.push(part);
        let Some(next) = next else { return parts };
        let part = &parts[parts.len() - 1];
        assert_eq!(part["truncated"], json!(true), "{part}");
        assert!(parts.len() < PARTS_MAX, "{next}");
        go_on(&mut input, &next);
    }
}

/// The call that goes on where an answer ends: `next` has the fields to call again with.
///
/// # Panics
///
/// When either is no object.
pub fn go_on(input: &mut Value, next: &Value) {
    let fields = next.as_object().expect("`next` is an object").clone();
    input.as_object_mut().expect("a call is an object").extend(fields);
}

/// The minimum, maximum and default of a field, as the model is told.
///
/// # Panics
///
/// When the schema is no JSON.
pub fn limits(tool: &Tool, field: &str) -> [Value; 3] {
    let schema: Value = serde_json::from_str(tool.schema).expect("a schema is JSON");
    ["minimum", "maximum", "default"].map(|limit| schema["properties"][field][limit].clone())
}

/// Checks that each call in a tool's description fits its schema.
///
/// # Panics
///
/// When one does not.
#[track_caller]
pub fn examples_fit(tool: &Tool, repository: &Repository) {
    let schema: Value = serde_json::from_str(tool.schema).expect("a schema is JSON");
    for example in answers::examples(tool.description) {
        let input: Value = serde_json::from_str(&example).expect("an example is JSON");
        let mut fields = input.as_object().expect("an example is an object").keys();
        assert!(fields.all(|field| schema["properties"].get(field).is_some()), "{example}");
        if let Err(refusal) = repository.call(tool, &example).answer {
            assert!(!refusal.message().contains("does not fit"), "{refusal}");
        }
    }
}
