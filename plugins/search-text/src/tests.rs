//! The tool's promises, through its JSON.

use proptest::prelude::*;
use serde_json::{Value, json};
use stepwell::testing::Repository;

use crate::defines::{Relevance, relevance};
use crate::{MATCHES, MATCHES_MAX, TOKENS, TOKENS_MAX, TOKENS_MIN, TOOL};

fn repository() -> Repository {
    Repository::new()
        .file("src/lib.rs", "fn a() {\n    todo!(\"first\")\n}\n")
        .file("src/main.rs", "fn main() {}\n// TODO: more\n")
        .file("blob", b"todo\0")
        .ignored("target/log", "todo")
}

#[track_caller]
fn answer(input: &str) -> String {
    repository().call(&TOOL, input).answer.expect("an answer")
}

#[track_caller]
fn said(repository: &Repository, input: &Value) -> Value {
    paging::said(&TOOL, repository, input)
}

/// `path:line` of each match, in the order of the answer.
fn places(answer: &Value) -> Vec<String> {
    let files = answer["files"].as_array().unwrap().iter();
    let places = files.flat_map(|file| {
        let lines = file["matches"].as_array().unwrap().iter();
        lines.map(|found| format!("{}:{}", file["path"].as_str().unwrap(), found["line"]))
    });
    places.collect()
}

#[test]
fn lines_are_found_with_what_is_around_them() {
    insta::assert_snapshot!(answer(r#"{"pattern": "todo!\\(", "context": 1}"#), @r#"{"files":[{"path":"src/lib.rs","matches":[{"line":2,"text":"    todo!(\"first\")","before":["fn a() {"],"after":["}"]}]}],"total":1,"truncated":false,"tokens":41}"#);
    insta::assert_snapshot!(answer(r#"{"pattern": "todo!(", "literal": true}"#), @r#"{"files":[{"path":"src/lib.rs","matches":[{"line":2,"text":"    todo!(\"first\")"}]}],"total":1,"truncated":false,"tokens":32}"#);
    insta::assert_snapshot!(
        answer(r#"{"pattern": "todo", "ignore_case": true, "globs": ["**/main.rs"]}"#),
        @r#"{"files":[{"path":"src/main.rs","matches":[{"line":2,"text":"// TODO: more"}]}],"total":1,"truncated":false,"tokens":30}"#
    );
}

#[test]
fn each_line_of_context_is_shown_once() {
    let repository = Repository::new().file("a[1].txt", "1\nhit 2\n3\nhit 4\n5\n6\n7\nhit 8\n");
    let answer = said(&repository, &json!({ "pattern": "hit", "context": 2 }));
    insta::assert_json_snapshot!(answer["files"], @r#"
    [
      {
        "matches": [
          {
            "after": [
              "3"
            ],
            "before": [
              "1"
            ],
            "line": 2,
            "text": "hit 2"
          },
          {
            "after": [
              "5",
              "6"
            ],
            "line": 4,
            "text": "hit 4"
          },
          {
            "before": [
              "7"
            ],
            "line": 8,
            "text": "hit 8"
          }
        ],
        "path": "a[1].txt",
        "place": "prose"
      }
    ]
    "#);
}

#[test]
fn definitions_come_first_and_foreign_files_last() {
    let repository = Repository::new()
        .file("docs/guide.md", "Call `parse` first.\n")
        .file("src/call.rs", "let reparse = 1;\nparse(x);\n")
        .file("src/parse.rs", "/// See `parse`.\npub fn parse(text: &str) {}\n")
        .file("tests/parse.rs", "fn parse() {}\nparse();\n")
        .file("vendor/x/parse.go", "func parse() {\n");
    let ranked = said(&repository, &json!({ "pattern": "parse" }));
    insta::assert_json_snapshot!(places(&ranked), @r#"
    [
      "src/parse.rs:1",
      "src/parse.rs:2",
      "tests/parse.rs:1",
      "tests/parse.rs:2",
      "src/call.rs:1",
      "src/call.rs:2",
      "docs/guide.md:1",
      "vendor/x/parse.go:1"
    ]
    "#);
    assert_eq!(ranked["files"][0]["matches"][1]["defines"], json!(true), "{ranked}");
    let by_path = said(&repository, &json!({ "pattern": "parse", "order": "path" }));
    insta::assert_json_snapshot!(places(&by_path), @r#"
    [
      "docs/guide.md:1",
      "src/call.rs:1",
      "src/call.rs:2",
      "src/parse.rs:1",
      "src/parse.rs:2",
      "tests/parse.rs:1",
      "tests/parse.rs:2",
      "vendor/x/parse.go:1"
    ]
    "#);
}

#[test]
fn a_file_that_matches_often_leaves_room_for_others() {
    let repository =
        Repository::new().file("src/a.rs", "word\n".repeat(30)).file("src/b.rs", "word\n");
    let answer = said(&repository, &json!({ "pattern": "word", "max_matches": 11 }));
    assert_eq!(places(&answer)[10], "src/b.rs:1");
    assert_eq!((&answer["files"][0]["more"], &answer["total"]), (&json!(20), &json!(31)));
}

#[test]
fn lines_that_define_are_known_in_many_languages() {
    let defining = [
        "pub fn name() {",
        "    async fn name<T>(x: T) {",
        "struct name;",
        "impl A { const name: u8 = 1; }",
        "macro_rules! name {",
        "static mut name: u8 = 0;",
        "def name(self):",
        "class name(Base):",
        "func name(x int) error {",
        "func (s *Server) name(x int) error {",
        "type name struct {",
        "export default function name() {",
        "export const name = () => {}",
        "let name = require('x')",
        "  name: function () {",
        "exports.name = function () {",
        "interface name {",
        "#define name 1",
        "static int name(char *text) {",
        "  public void name() {",
        "namespace name {",
        "module name",
        "defmodule name do",
    ];
    let not = [
        "name();",
        "  let x = name(1) {",
        "if name(x) {",
        "return name(x) {",
        "use a::name;",
        "    let name = 1;",
        "// the name of it",
        "x.name(|| {",
        "for x in name(1) {",
    ];
    let of = |line: &str| {
        let at = line.find("name").unwrap();
        let at = if line.starts_with("namespace") { line.rfind("name").unwrap() } else { at };
        relevance(line, at..at + 4)
    };
    for line in defining {
        assert_eq!(of(line), Relevance::Definition, "{line}");
    }
    for line in not {
        assert_eq!(of(line), Relevance::Word, "{line}");
    }
    assert_eq!(relevance("rename(x)", 2..6), Relevance::Part);
    assert_eq!(relevance("const fn f() {}", 6..8), Relevance::Word);
    assert_eq!(relevance("pub fn name() {", 4..11), Relevance::Definition);
}

#[test]
fn what_is_left_out_is_said() {
    insta::assert_snapshot!(answer(r#"{"pattern": "fn", "max_matches": 1}"#), @r#"{"files":[{"path":"src/lib.rs","matches":[{"line":1,"text":"fn a() {"}]}],"total":2,"truncated":true,"rest":{"src/main.rs":1},"next":{"skip":1},"tokens":39}"#);
    insta::assert_snapshot!(answer(r#"{"pattern": "fn", "skip": 9}"#), @r#"{"files":[],"total":2,"truncated":false,"hint":"there are 2 matches, and `skip` is 9","tokens":25}"#);
    let wide = Repository::new().file("data", "match\n".repeat(400) + &"x".repeat(400));
    let input = json!({ "pattern": "match", "context": 20, "max_matches": 500, "max_tokens": 300 });
    let page = said(&wide, &input);
    assert_eq!(page["total"], json!(400));
    assert!(page["next"]["skip"].as_u64().unwrap() < 20, "{page}");
}

#[test]
fn the_definition_of_a_common_word_is_found_beyond_what_the_host_answers() {
    let repository =
        Repository::new().file("a.txt", "word\n".repeat(3_000)).file("z/word.rs", "struct word;\n");
    let answer = said(&repository, &json!({ "pattern": "word", "max_matches": 1 }));
    insta::assert_json_snapshot!(answer, @r#"
    {
      "files": [
        {
          "matches": [
            {
              "defines": true,
              "line": 1,
              "text": "struct word;"
            }
          ],
          "path": "z/word.rs"
        }
      ],
      "hint": "there are more matches than the 2001 looked at, which are the first by path; narrow the pattern or `globs`",
      "next": {
        "skip": 1
      },
      "rest": {
        "a.txt": 2000
      },
      "tokens": 70,
      "truncated": true
    }
    "#);
}

#[test]
fn an_empty_answer_says_what_to_try() {
    insta::assert_snapshot!(answer(r#"{"pattern": "zz.*"}"#), @r#"{"files":[],"total":0,"truncated":false,"hint":"nothing matches (binary and ignored files are not searched); try `literal` to take the pattern as plain text, or `ignore_case`","tokens":47}"#);
    insta::assert_snapshot!(
        answer(r#"{"pattern": "zz", "ignore_case": true, "globs": ["*.md"]}"#), @r#"{"files":[],"total":0,"truncated":false,"hint":"nothing matches (binary and ignored files are not searched); try wider `globs`","tokens":35}"#
    );
}

#[test]
fn a_pattern_that_is_none_is_refused() {
    let run = repository().call(&TOOL, r#"{"pattern": "todo!("}"#);
    insta::assert_snapshot!(run.answer.unwrap_err(), @"
    `todo!(`: the pattern cannot be used: regex parse error:
        todo!(
             ^
    error: unclosed group; with `literal` set to true it is plain text
    ");
}

#[test]
fn the_model_is_told_what_is_true() {
    let limits = |name: &str| paging::limits(&TOOL, name);
    assert_eq!(limits("max_matches"), [1, MATCHES_MAX, MATCHES].map(|limit| json!(limit)));
    assert_eq!(limits("max_tokens"), [TOKENS_MIN, TOKENS_MAX, TOKENS].map(|limit| json!(limit)));
    paging::examples_fit(&TOOL, &repository());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pages_are_within_their_limits_and_together_every_match(
        files in proptest::collection::btree_map(
            "(src/|tests/|vendor/)?[a-c]{1,3}[*]?\\.rs", "((fn )?[ab]{0,9}[\"é]?\n){0,12}", 1..12
        ),
        max_matches in 1usize..9, max_tokens in 300usize..600, context in 0u32..4, by_rank in any::<bool>()
    ) {
        let repository = files.iter().fold(Repository::new(), |repository, (path, text)| {
            repository.file(path, text)
        });
        let input = json!({
            "pattern": "a", "max_matches": max_matches, "context": context,
            "order": if by_rank { "rank" } else { "path" },
        });
        let mut seen = Vec::new();
        for page in paging::parts(&TOOL, &repository, &input, max_tokens) {
            prop_assert_eq!(&page["truncated"], &json!(page.get("next").is_some()));
            seen.extend(places(&page));
        }
        let mut expected: Vec<String> = files.iter().flat_map(|(path, text)| {
            let lines = text.lines().zip(1..).filter(|(line, _)| line.contains('a'));
            lines.map(move |(_, number)| format!("{path}:{number}"))
        }).collect();
        seen.sort();
        expected.sort();
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn any_pattern_has_an_answer_or_a_refusal(
        pattern in "\\PC{1,12}|[a-z(|)*+?{},0-9\\[\\]\\\\.^$]{1,16}", line in "\\PC{0,40}",
        literal in any::<bool>(), ignore_case in any::<bool>()
    ) {
        let input = json!({ "pattern": pattern, "literal": literal, "ignore_case": ignore_case });
        let repository = Repository::new().file("a", line);
        let run = repository.call(&TOOL, &input.to_string());
        if let Ok(answer) = run.answer {
            let said: Value = serde_json::from_str(&answer).unwrap();
            prop_assert!(said["files"].is_array());
        }
    }
}
