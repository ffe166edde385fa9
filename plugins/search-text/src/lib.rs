//! The tool `search_text`: which lines say something.

use serde::{Deserialize, Serialize};
use stepwell::repository::{self, LineMatch, Reason, Search};
use stepwell::{Refusal, Tree};

/// Enough to see what a word is used for.
const MATCHES: u32 = 50;
/// The most a call may ask for; the next page is a narrower question.
const MATCHES_MAX: u32 = 500;
/// The most bytes of lines, whatever their number: about 12,000 tokens.
const BYTES_MAX: usize = 48 * 1024;

stepwell::tool! {
    name: "search_text",
    description: "Finds the lines of the repository that match a regular expression or a plain \
        text, with some lines around each. Binary files and files that `.gitignore` leaves out \
        are not searched. Use `read_file` to read on around a match.",
    schema: include_str!("../schema.json"),
    call: search_text,
}

/// What a call asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    pattern: String,
    #[serde(default)]
    literal: bool,
    #[serde(default)]
    ignore_case: bool,
    #[serde(default)]
    globs: Vec<String>,
    #[serde(default)]
    context: u32,
    max_matches: Option<u32>,
    #[serde(default)]
    tree: Tree,
}

/// What it gets.
#[derive(Debug, Serialize)]
pub struct Output {
    matches: Vec<Match>,
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// A line that matched, and the lines around it.
#[derive(Debug, Serialize)]
struct Match {
    path: String,
    line: u32,
    text: String,
    before: Vec<String>,
    after: Vec<String>,
}

fn search_text(input: Input) -> Result<Output, Refusal> {
    let if_nothing = why_nothing(&input);
    let Input { pattern, literal, ignore_case, globs, context, max_matches, tree } = input;
    let max = max_matches.unwrap_or(MATCHES).clamp(1, MATCHES_MAX);
    let search = Search::new(pattern)
        .literal(literal)
        .ignore_case(ignore_case)
        .within(globs)
        .context(context)
        .max(max);
    let found = search.find(tree).map_err(|error| refusal(&error))?;

    let all = found.lines.len();
    let matches = within(BYTES_MAX, found.lines);
    let cut = matches.len() < all;
    let hint = if cut {
        Some(format!("cut at {BYTES_MAX} bytes; narrow the pattern or `globs`, or lower `context`"))
    } else if found.truncated {
        Some(format!(
            "there are more than {max} matches; narrow the pattern or `globs`, or ask for up to \
             {MATCHES_MAX} with `max_matches`"
        ))
    } else if matches.is_empty() {
        Some(if_nothing)
    } else {
        None
    };
    Ok(Output { matches, truncated: found.truncated || cut, hint })
}

fn refusal(error: &repository::Error) -> Refusal {
    match error.reason {
        Reason::InvalidPattern(_) => {
            Refusal::new(format!("{error}; with `literal` set to true it is plain text"))
        }
        Reason::NotFound
        | Reason::NotAFile
        | Reason::NotADirectory
        | Reason::InvalidPath(_)
        | Reason::Outside
        | Reason::NotGranted(_)
        | Reason::TooLarge(_)
        | Reason::NoSuchTree
        | Reason::Unreadable(_) => Refusal::new(error.to_string()),
    }
}

fn within(bytes_max: usize, lines: Vec<LineMatch>) -> Vec<Match> {
    let mut bytes = 0;
    let fits = |found: &LineMatch| {
        let around = found.before.iter().chain(&found.after).map(String::len).sum::<usize>();
        bytes += found.path.len() + found.text.len() + around;
        bytes <= bytes_max
    };
    lines.into_iter().take_while(fits).map(Match::from).collect()
}

impl From<LineMatch> for Match {
    fn from(LineMatch { path, line, text, before, after }: LineMatch) -> Self {
        Self { path, line, text, before, after }
    }
}

/// What may find something yet.
fn why_nothing(input: &Input) -> String {
    let mut tries = Vec::new();
    if !input.literal && input.pattern.contains(['(', ')', '[', '.', '*', '+', '?', '{', '|', '$'])
    {
        tries.push("`literal` to take the pattern as plain text");
    }
    if !input.ignore_case {
        tries.push("`ignore_case`");
    }
    if !input.globs.is_empty() {
        tries.push("wider `globs`");
    }
    let tries = if tries.is_empty() { "a shorter pattern".to_owned() } else { tries.join(", or ") };
    format!("nothing matches (binary and ignored files are not searched); try {tries}")
}

#[cfg(test)]
mod tests {
    use stepwell::testing::Repository;

    use super::*;

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

    #[test]
    fn lines_are_found_with_what_is_around_them() {
        insta::assert_snapshot!(answer(r#"{"pattern": "todo!\\(", "context": 1}"#), @r#"{"matches":[{"path":"src/lib.rs","line":2,"text":"    todo!(\"first\")","before":["fn a() {"],"after":["}"]}],"truncated":false}"#);
        insta::assert_snapshot!(answer(r#"{"pattern": "todo!(", "literal": true}"#), @r#"{"matches":[{"path":"src/lib.rs","line":2,"text":"    todo!(\"first\")","before":[],"after":[]}],"truncated":false}"#);
        insta::assert_snapshot!(
            answer(r#"{"pattern": "todo", "ignore_case": true, "globs": ["**/main.rs"]}"#),
            @r#"{"matches":[{"path":"src/main.rs","line":2,"text":"// TODO: more","before":[],"after":[]}],"truncated":false}"#
        );
    }

    #[test]
    fn what_is_left_out_is_said() {
        insta::assert_snapshot!(answer(r#"{"pattern": "fn", "max_matches": 1}"#), @r#"{"matches":[{"path":"src/lib.rs","line":1,"text":"fn a() {","before":[],"after":[]}],"truncated":true,"hint":"there are more than 1 matches; narrow the pattern or `globs`, or ask for up to 500 with `max_matches`"}"#);
        let wide = Repository::new().file("data", "match\n".repeat(400) + &"x".repeat(400));
        let run = wide.call(&TOOL, r#"{"pattern": "match", "context": 20, "max_matches": 500}"#);
        let answer = run.answer.expect("an answer");
        assert!(answer.contains("lower `context`"), "{answer}");
    }

    #[test]
    fn an_empty_answer_says_what_to_try() {
        insta::assert_snapshot!(answer(r#"{"pattern": "zz.*"}"#), @r#"{"matches":[],"truncated":false,"hint":"nothing matches (binary and ignored files are not searched); try `literal` to take the pattern as plain text, or `ignore_case`"}"#);
        insta::assert_snapshot!(
            answer(r#"{"pattern": "zz", "ignore_case": true, "globs": ["*.md"]}"#), @r#"{"matches":[],"truncated":false,"hint":"nothing matches (binary and ignored files are not searched); try wider `globs`"}"#
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
}
