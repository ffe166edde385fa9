//! The tool `list_files`: which files there are.

use serde::{Deserialize, Serialize};
use stepwell::repository::{self, Glob};
use stepwell::{Refusal, Tree};

/// A page of a tree; more is better asked for by a pattern.
const FILES: u32 = 500;
/// The most a call may ask for.
const FILES_MAX: u32 = 5_000;
/// The most bytes of paths, whatever their number: about 16,000 tokens.
const BYTES_MAX: usize = 64 * 1024;
/// The most directories a hint looks at.
const HINTS_MAX: usize = 8;

stepwell::tool! {
    name: "list_files",
    description: "Lists the files of the repository whose paths match patterns, sorted by path. \
        Use it to find out what there is before reading; use `search_text` to find files by what \
        they say.",
    schema: include_str!("../schema.json"),
    call: list_files,
}

/// What a call asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    #[serde(default)]
    patterns: Vec<String>,
    #[serde(default)]
    tree: Tree,
    #[serde(default)]
    include_ignored: bool,
    max: Option<u32>,
}

/// What it gets.
#[derive(Debug, Serialize)]
pub struct Output {
    files: Vec<String>,
    total_shown: usize,
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

fn list_files(input: Input) -> Result<Output, Refusal> {
    let Input { patterns, tree, include_ignored, max } = input;
    let max = max.unwrap_or(FILES).clamp(1, FILES_MAX);
    let tidied = if patterns.is_empty() { vec!["**".to_owned()] } else { tidy_all(&patterns) };
    let found = Glob::new(tidied).include_ignored(include_ignored).max(max).find(tree)?;

    let all = found.paths.len();
    let files = within(BYTES_MAX, found.paths);
    let cut = files.len() < all;
    let hint = if cut {
        Some(format!("cut at {BYTES_MAX} bytes of paths; narrow the patterns"))
    } else if found.truncated {
        Some(format!(
            "there are more than {max} such files; narrow the patterns, or ask for up to \
             {FILES_MAX} with `max`"
        ))
    } else if files.is_empty() {
        Some(why_nothing(&patterns, tree, include_ignored))
    } else {
        None
    };
    Ok(Output { total_shown: files.len(), files, truncated: found.truncated || cut, hint })
}

fn tidy_all(patterns: &[String]) -> Vec<String> {
    patterns.iter().map(|pattern| tidy(pattern)).collect()
}

/// Models write `./src/` or `/src/` and mean `src/**`.
fn tidy(pattern: &str) -> String {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern).trim_start_matches('/');
    match pattern {
        "" | "." => "**".to_owned(),
        directory if directory.ends_with('/') => format!("{directory}**"),
        pattern => pattern.to_owned(),
    }
}

fn within(bytes_max: usize, paths: Vec<String>) -> Vec<String> {
    let mut bytes = 0;
    let fits = |path: &String| {
        bytes += path.len();
        bytes <= bytes_max
    };
    paths.into_iter().take_while(fits).collect()
}

/// What would have found something.
fn why_nothing(patterns: &[String], tree: Tree, include_ignored: bool) -> String {
    let is_directory =
        |path: &&String| repository::is_directory(tree, path).is_ok_and(|is_one| is_one);
    let plain = patterns.iter().filter(|pattern| !pattern.contains(['*', '?', '[', '{']));
    if let Some(directory) = plain.take(HINTS_MAX).find(is_directory) {
        return format!("`{directory}` is a directory: its files are `{directory}/**`");
    }
    if let Some(name) = patterns.iter().find(|pattern| !pattern.contains('/')) {
        return format!(
            "nothing matches; a pattern is over the whole path, so `{name}` in any directory is \
             `**/{name}`"
        );
    }
    if include_ignored {
        "nothing matches".to_owned()
    } else {
        "nothing matches; ignored files are left out unless `include_ignored` is true".to_owned()
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn files_are_listed_by_pattern() {
        insta::assert_snapshot!(answer("{}"), @r#"{"files":["Cargo.toml","src/deep/mod.rs","src/lib.rs"],"total_shown":3,"truncated":false}"#);
        insta::assert_snapshot!(answer(r#"{"patterns": ["**/*.rs"]}"#), @r#"{"files":["src/deep/mod.rs","src/lib.rs"],"total_shown":2,"truncated":false}"#);
        insta::assert_snapshot!(answer(r#"{"patterns": ["./src/"]}"#), @r#"{"files":["src/deep/mod.rs","src/lib.rs"],"total_shown":2,"truncated":false}"#);
        insta::assert_snapshot!(answer(r#"{"tree": "base"}"#), @r#"{"files":["old.rs"],"total_shown":1,"truncated":false}"#);
        insta::assert_snapshot!(answer(r#"{"patterns": ["target/**"], "include_ignored": true}"#), @r#"{"files":["target/out.txt"],"total_shown":1,"truncated":false}"#);
    }

    #[test]
    fn what_is_left_out_is_said() {
        insta::assert_snapshot!(answer(r#"{"max": 2}"#), @r#"{"files":["Cargo.toml","src/deep/mod.rs"],"total_shown":2,"truncated":true,"hint":"there are more than 2 such files; narrow the patterns, or ask for up to 5000 with `max`"}"#);
        let many = (0..1000).fold(Repository::new(), |repository, n| {
            repository.file(&format!("{}/{n}", "directory".repeat(20)), "")
        });
        let run = many.call(&TOOL, r#"{"max": 1000}"#);
        let answer = run.answer.expect("an answer");
        assert!(answer.contains(r#""truncated":true"#) && answer.contains("narrow the patterns"));
        assert!(answer.len() < BYTES_MAX + 8 * 1024, "{}", answer.len());
    }

    #[test]
    fn an_empty_answer_says_what_would_have_found_something() {
        insta::assert_snapshot!(answer(r#"{"patterns": ["src"]}"#), @r#"{"files":[],"total_shown":0,"truncated":false,"hint":"`src` is a directory: its files are `src/**`"}"#);
        insta::assert_snapshot!(answer(r#"{"patterns": ["lib.rs"]}"#), @r#"{"files":[],"total_shown":0,"truncated":false,"hint":"nothing matches; a pattern is over the whole path, so `lib.rs` in any directory is `**/lib.rs`"}"#);
        insta::assert_snapshot!(answer(r#"{"patterns": ["target/**"]}"#), @r#"{"files":[],"total_shown":0,"truncated":false,"hint":"nothing matches; ignored files are left out unless `include_ignored` is true"}"#);
    }

    #[test]
    fn a_bad_pattern_is_refused() {
        let run = repository().call(&TOOL, r#"{"patterns": ["src/[a"]}"#);
        insta::assert_snapshot!(run.answer.unwrap_err(), @"`src/[a`: the pattern cannot be used: error parsing glob 'src/[a': unclosed character class; missing ']'");
    }
}
