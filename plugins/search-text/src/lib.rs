//! The tool `search_text`: which lines say something, the most telling first.
//!
//! Reading order: [`Input`], [`Output`], then `find` (what is asked of the repository), `rank`
//! (what comes first) and `page` (what of it fits).

mod defines;
mod find;
mod page;
mod rank;

use std::collections::BTreeMap;

use answers::Counted;
use answers::cost::Room;
use serde::{Deserialize, Serialize};
use stepwell::{Refusal, Tree};

use page::File;

/// Enough to see what a word is used for.
const MATCHES: usize = 50;
/// The most a call may ask for; the next page is another call, or a narrower question.
const MATCHES_MAX: usize = 500;
/// The most tokens of an answer, where the call does not say.
const TOKENS: usize = 12_000;
const TOKENS_MAX: usize = 48_000;
/// Less is hardly more than what an answer says besides the lines.
const TOKENS_MIN: usize = 300;
/// Bytes of an answer besides its lines.
const FRAME_LEN: usize = 640;

stepwell::tool! {
    name: "search_text",
    description: "Finds the lines that match a regular expression or a plain text, about 20 tokens \
            each. The most telling come first: definitions (`defines`), whole words, the rest; \
            tests after sources, vendored and generated files last. `more` and `rest` count what \
            is not shown; `next` has the field to call again with. Binary and ignored files are \
            not searched.",
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
    #[serde(default)]
    order: Order,
    #[serde(default)]
    skip: usize,
    max_matches: Option<usize>,
    max_tokens: Option<usize>,
    #[serde(default)]
    tree: Tree,
}

/// What comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    #[default]
    Rank,
    Path,
}

/// What it gets.
#[derive(Debug, Serialize)]
pub struct Output {
    files: Vec<File>,
    /// Unknown where not everything could be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<usize>,
    /// Whether there are matches after these.
    truncated: bool,
    /// Files of which nothing is shown here or was on a page before, and how often they match.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    rest: BTreeMap<String, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Next>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// The field to call again with.
#[derive(Debug, Serialize)]
struct Next {
    skip: usize,
}

#[expect(clippy::needless_pass_by_value, reason = "a tool is called with what was read for it")]
fn search_text(input: Input) -> Result<Counted<Output>, Refusal> {
    let max = input.max_matches.unwrap_or(MATCHES).clamp(1, MATCHES_MAX);
    let tokens = input.max_tokens.unwrap_or(TOKENS).clamp(TOKENS_MIN, TOKENS_MAX);
    let found = find::all(&input)?;
    let all = rank::sorted(&input, found.lines);
    let total = all.len();
    let start = input.skip.min(total);

    let wanted = &all[start..total.min(start + max)];
    let around = find::context(&input, wanted);
    let mut room = Room::new(tokens, FRAME_LEN);
    let shown = page::fitting(wanted, &around, &mut room);
    let end = start + shown.len();
    let (rest, rest_count) = page::rest(&all, start, end, &mut room);
    let files = page::files(shown, &around, &all[end..]);

    let hint = if found.truncated {
        Some(incomplete(total))
    } else if total == 0 {
        Some(why_nothing(&input))
    } else if files.is_empty() {
        Some(format!("there are {total} matches, and `skip` is {}", input.skip))
    } else {
        (rest_count > rest.len()).then(|| {
            format!("{rest_count} more files match, the first are in `rest`; name them in `globs`")
        })
    };
    Ok(Counted::new(Output {
        files,
        total: (!found.truncated).then_some(total),
        truncated: found.truncated || end < total,
        rest,
        next: (end < total).then_some(Next { skip: end }),
        hint,
    }))
}

fn incomplete(total: usize) -> String {
    format!(
        "there are more matches than the {total} looked at, which are the first by path; narrow \
         the pattern or `globs`"
    )
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
mod tests;
