//! The tool's promises, through its JSON.

use proptest::prelude::*;
use serde_json::{Value, json};
use stepwell::testing::Repository;

use super::*;

fn repository() -> Repository {
    Repository::new()
        .file("Cargo.toml", "")
        .file("src/lib.rs", "")
        .file("src/deep/mod.rs", "")
        .ignored("target/out.txt", "")
        .base("old.rs", "")
}

#[track_caller]
fn answer(input: &str) -> String {
    repository().call(&TOOL, input).answer.expect("an answer")
}

fn said(repository: &Repository, input: &Value) -> Value {
    paging::said(&TOOL, repository, input)
}

#[test]
fn files_are_listed_by_pattern() {
    insta::assert_snapshot!(answer("{}"), @r#"{"files":["Cargo.toml","src/deep/mod.rs","src/lib.rs"],"total":3,"truncated":false,"tokens":24}"#);
    insta::assert_snapshot!(answer(r#"{"patterns": ["**/*.rs"]}"#), @r#"{"files":["src/deep/mod.rs","src/lib.rs"],"total":2,"truncated":false,"tokens":21}"#);
    insta::assert_snapshot!(answer(r#"{"patterns": ["./src/"]}"#), @r#"{"files":["src/deep/mod.rs","src/lib.rs"],"total":2,"truncated":false,"tokens":21}"#);
    insta::assert_snapshot!(answer(r#"{"tree": "base"}"#), @r#"{"files":["old.rs"],"total":1,"truncated":false,"tokens":15}"#);
    insta::assert_snapshot!(answer(r#"{"patterns": ["target/**"], "include_ignored": true}"#), @r#"{"files":["target/out.txt"],"total":1,"truncated":false,"tokens":17}"#);
}

#[test]
fn what_is_left_out_is_counted_by_directory_and_can_be_asked_for() {
    insta::assert_snapshot!(answer(r#"{"max": 2}"#), @r#"{"files":["Cargo.toml","src/deep/mod.rs"],"total":3,"truncated":true,"directories":{"*":1,"src/*":1,"src/deep/*":1},"next":{"after":"src/deep/mod.rs"},"tokens":41}"#);
    insta::assert_snapshot!(answer(r#"{"max": 2, "after": "src/deep/mod.rs"}"#), @r#"{"files":["src/lib.rs"],"total":3,"truncated":false,"tokens":16}"#);
    insta::assert_snapshot!(answer(r#"{"after": "src/lib.rs"}"#), @r#"{"files":[],"total":3,"truncated":false,"hint":"no such file comes after `after`","tokens":24}"#);
    let many = ["a/x", "a/y/deep", "a/y", "b", "c/d/e/f"].into_iter().zip([30, 900, 20, 5, 60]);
    let many =
        many.flat_map(|(directory, count)| (0..count).map(move |n| format!("{directory}/{n}.rs")));
    let many = many
        .fold(Repository::new().file("LICENSE", ""), |repository, path| repository.file(&path, ""));
    let page = said(&many, &json!({ "max": 1 }));
    insta::assert_json_snapshot!(page, @r#"
    {
      "directories": {
        "*": 1,
        "a/x/*": 30,
        "a/y/*": 20,
        "a/y/deep/*": 900,
        "b/*": 5,
        "c/d/e/f/*": 60
      },
      "files": [
        "LICENSE"
      ],
      "next": {
        "after": "LICENSE"
      },
      "tokens": 44,
      "total": 1016,
      "truncated": true
    }
    "#);
}

#[test]
fn what_the_host_does_not_find_is_said() {
    let many = (0..20_003)
        .fold(Repository::new(), |repository, n| repository.file(&format!("d/{n:05}"), ""));
    let page = said(&many, &json!({ "max": 1 }));
    insta::assert_json_snapshot!(page, @r#"
    {
      "directories": {
        "d/*": 20000
      },
      "files": [
        "d/00000"
      ],
      "hint": "there are more than 20000 such files, and what comes after `d/19999` is not listed or counted; narrow the patterns",
      "next": {
        "after": "d/00000"
      },
      "tokens": 58,
      "truncated": true
    }
    "#);
}

#[test]
fn an_empty_answer_says_what_would_have_found_something() {
    insta::assert_snapshot!(answer(r#"{"patterns": ["src"]}"#), @r#"{"files":[],"total":0,"truncated":false,"hint":"`src` is a directory: its files are `src/**`","tokens":27}"#);
    insta::assert_snapshot!(answer(r#"{"patterns": ["lib.rs"]}"#), @r#"{"files":[],"total":0,"truncated":false,"hint":"nothing matches; a pattern is over the whole path, so `lib.rs` in any directory is `**/lib.rs`","tokens":39}"#);
    insta::assert_snapshot!(answer(r#"{"patterns": ["target/**"]}"#), @r#"{"files":[],"total":0,"truncated":false,"hint":"nothing matches; ignored files are left out unless `include_ignored` is true","tokens":35}"#);
}

#[test]
fn a_bad_pattern_is_refused() {
    let run = repository().call(&TOOL, r#"{"patterns": ["src/[a"]}"#);
    insta::assert_snapshot!(run.answer.unwrap_err(), @"`src/[a`: the pattern cannot be used: error parsing glob 'src/[a': unclosed character class; missing ']'");
}

#[test]
fn the_model_is_told_what_is_true() {
    let limits = |name: &str| paging::limits(&TOOL, name);
    assert_eq!(limits("max"), [1, FILES_MAX, FILES].map(|limit| json!(limit)));
    assert_eq!(limits("max_tokens"), [TOKENS_MIN, TOKENS_MAX, TOKENS].map(|limit| json!(limit)));
    paging::examples_fit(&TOOL, &repository());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pages_are_within_their_limits_and_together_the_whole(
        paths in proptest::collection::btree_set("([a-c]{1,3}/){0,3}[a-z\"ä]{1,9}", 1..120),
        max in 1usize..60, max_tokens in 200usize..400
    ) {
        let repository = paths.iter().fold(Repository::new(), |repository, path| {
            repository.file(path, "")
        });
        let mut seen = Vec::new();
        for page in paging::parts(&TOOL, &repository, &json!({ "max": max }), max_tokens) {
            prop_assert_eq!(&page["total"], &json!(paths.len()));
            prop_assert_eq!(&page["truncated"], &json!(page.get("next").is_some()));
            if let Some(directories) = page.get("directories") {
                let counts = directories.as_object().unwrap().values();
                let counted: u64 = counts.map(|count| count.as_u64().unwrap()).sum();
                prop_assert_eq!(counted, paths.len() as u64);
            }
            let files = page["files"].as_array().unwrap();
            prop_assert!(!files.is_empty() && files.len() <= max);
            seen.extend(files.iter().map(|path| path.as_str().unwrap().to_owned()));
        }
        prop_assert_eq!(seen, paths.into_iter().collect::<Vec<_>>());
    }
}
