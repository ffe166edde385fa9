//! A tool as its author and as the host see it.
#![expect(unreachable_pub, reason = "a tool is declared at a crate's root, where `TOOL` is public")]

use crate::testing::{Question, Repository};
use crate::{Refusal, Tree, repository};

tool! {
    name: "echo",
    description: "Says \"what\" it is told,\ntwice if it must.",
    schema: r#"{ "type": "object" }"#,
    call: echo,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    #[serde(default)]
    tree: Tree,
    path: String,
    #[serde(default)]
    lines: Option<Range>,
}

#[derive(serde::Deserialize)]
struct Range {
    start: u32,
}

fn echo(Input { tree, path, lines }: Input) -> Result<String, Refusal> {
    if let Some(Range { start: 0 }) = lines {
        return Err(Refusal::new("lines are counted from 1"));
    }
    crate::info!("reading {path}");
    Ok(repository::read_text(tree, &path)?)
}

#[track_caller]
fn refused(input: &str) -> String {
    let run = Repository::new().file("a", "text").call(&TOOL, input);
    run.answer.expect_err("a refusal").message().to_owned()
}

#[test]
fn a_manifest_is_what_the_macro_was_told() {
    insta::assert_snapshot!(TOOL.manifest, @r#"{"name":"echo","description":"Says \"what\" it is told,\u000atwice if it must.","schema":{ "type": "object" }}"#);
}

#[test]
fn a_wrong_input_is_refused_by_the_name_of_its_field() {
    insta::assert_snapshot!(refused("{}"), @"the input does not fit the tool: missing field `path`");
    insta::assert_snapshot!(refused(r#"{"path": 7}"#), @"the input does not fit the tool: `path`: invalid type: integer `7`, expected a string");
    insta::assert_snapshot!(refused(r#"{"path": "a", "lines": {"start": "one"}}"#), @r#"the input does not fit the tool: `lines.start`: invalid type: string "one", expected u32"#);
    insta::assert_snapshot!(refused(r#"{"path": "a", "line": 1}"#), @"the input does not fit the tool: `line`: unknown field `line`, expected one of `tree`, `path`, `lines`");
    insta::assert_snapshot!(refused(r#"{"path": "a", "tree": "main"}"#), @"the input does not fit the tool: `tree`: unknown variant `main`, expected `head` or `base`");
    insta::assert_snapshot!(refused(r#"{"path": "a""#), @"the input does not fit the tool: EOF while parsing an object");
}

#[test]
fn a_question_without_an_answer_becomes_a_refusal_that_says_which() {
    insta::assert_snapshot!(refused(r#"{"path": "b"}"#), @"`b`: there is nothing at this path");
    insta::assert_snapshot!(refused(r#"{"path": "a", "tree": "base"}"#), @"`a` in the base tree: this step has nothing to compare with, so there is no base tree; ask for `head`");
    insta::assert_snapshot!(refused(r#"{"path": "../a"}"#), @"`../a`: the path cannot be used: it has `..`; name it from the repository's root");
    insta::assert_snapshot!(refused(r#"{"path": ""}"#), @"the repository's root: this is not a file");
}

#[test]
fn a_run_tells_what_was_asked_and_logged() {
    let run = Repository::new().file("a", "text").call(&TOOL, r#"{"path": "a"}"#);
    assert_eq!(run.answer, Ok("\"text\"".to_owned()));
    assert_eq!(run.questions, [Question::Read(Tree::Head, "a".to_owned())]);
    assert_eq!(run.log, [(crate::log::Level::Info, "reading a".to_owned())]);
}
