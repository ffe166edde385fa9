//! The tool `list_files`: which files there are, page by page, with a summary where there are
//! more than a page.

mod summary;

use std::collections::BTreeMap;

use answers::Counted;
use answers::cost::{Room, text_len};
use serde::{Deserialize, Serialize};
use stepwell::repository::{self, Glob, PATHS_MAX};
use stepwell::{Refusal, Tree};

/// A page of a tree; more is better asked for by a pattern.
const FILES: usize = 500;
/// The most a call may ask for.
const FILES_MAX: usize = 5_000;
/// The most tokens of an answer, where the call does not say.
const TOKENS: usize = 16_000;
const TOKENS_MAX: usize = 64_000;
/// Less is hardly more than what an answer says besides the paths.
const TOKENS_MIN: usize = 200;
/// Bytes of an answer besides its paths: its other fields, and `next` with a path of usual length.
const FRAME_LEN: usize = 480;
/// Of what is left after the frame, directories get at most one part in so many.
const SUMMARY_SHARE: usize = 4;
/// The most directories a hint looks at.
const HINTS_MAX: usize = 8;

stepwell::tool! {
    name: "list_files",
    description: "Lists the files whose paths match patterns, sorted by path; `search_text` finds \
            files by what they say. It costs about 10 tokens a path. Where not all fit, \
            `directories` counts them by directory, to narrow `patterns` down, and `next` has the \
            field to call again with.",
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
    after: Option<String>,
    max: Option<usize>,
    max_tokens: Option<usize>,
}

/// What it gets.
#[derive(Debug, Serialize)]
pub struct Output {
    files: Vec<String>,
    /// Unknown where there are more than the host finds.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<usize>,
    /// Whether more files come after these.
    truncated: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    directories: BTreeMap<String, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Next>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// The field to call again with.
#[derive(Debug, Serialize)]
struct Next {
    after: String,
}

fn list_files(input: Input) -> Result<Counted<Output>, Refusal> {
    let Input { patterns, tree, include_ignored, after, max, max_tokens } = input;
    let max = max.unwrap_or(FILES).clamp(1, FILES_MAX);
    let tokens = max_tokens.unwrap_or(TOKENS).clamp(TOKENS_MIN, TOKENS_MAX);
    let tidied = if patterns.is_empty() { vec!["**".to_owned()] } else { tidy_all(&patterns) };
    let mut found = Glob::new(tidied).include_ignored(include_ignored).find(tree)?;
    found.paths.sort_unstable();

    let after = after.as_deref().map(|after| after.strip_prefix("./").unwrap_or(after));
    let start = after.map_or(0, |after| found.paths.partition_point(|path| path.as_str() <= after));
    let rest = &found.paths[start..];
    let mut room = Room::new(tokens, FRAME_LEN);
    let fits_whole = found.paths.len() <= max && cost(&found.paths) <= room.left();
    let directories = if fits_whole || after.is_some() {
        BTreeMap::new()
    } else {
        summary::directories(&found.paths, room.left() / SUMMARY_SHARE)
    };
    room.take(summary::cost(&directories));
    let files: Vec<String> = page(rest, max, room).to_vec();

    let truncated = found.truncated || files.len() < rest.len();
    let hint = if found.truncated {
        Some(format!(
            "there are more than {PATHS_MAX} such files, and what comes after `{}` is not listed \
             or counted; narrow the patterns",
            found.paths.last().map_or("", String::as_str)
        ))
    } else if found.paths.is_empty() {
        Some(why_nothing(&patterns, tree, include_ignored))
    } else if files.is_empty() {
        Some("no such file comes after `after`".to_owned())
    } else {
        None
    };
    let next = files.last().filter(|_| files.len() < rest.len());
    Ok(Counted::new(Output {
        next: next.cloned().map(|after| Next { after }),
        files,
        total: (!found.truncated).then_some(found.paths.len()),
        truncated,
        directories,
        hint,
    }))
}

/// The first paths, as far as there is room; one at least, so that the next page gets somewhere.
fn page(paths: &[String], max: usize, mut room: Room) -> &[String] {
    let fits = |path: &&String| room.take(line_len(path));
    let count = paths.iter().take(max).take_while(fits).count();
    &paths[..count.max(1).min(paths.len())]
}

fn cost(paths: &[String]) -> usize {
    paths.iter().map(|path| line_len(path)).sum()
}

/// A path in a list, with its quotes and its comma.
fn line_len(path: &str) -> usize {
    text_len(path) + 3
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
mod tests;
