//! The tool `diff`: what is different between base and head, file by file.
//!
//! Reading order: [`Input`], [`Output`], then `changes` (which files differ), `renames` (which of
//! them moved), `compare` (what of a file differs), `lines` (which lines belong together), `hunks`
//! (how they are shown) and `page` (what fits).

mod changes;
mod compare;
mod hunks;
mod lines;
mod page;
mod renames;

use answers::Counted;
use answers::cost::Room;
use serde::{Deserialize, Serialize};
use stepwell::Refusal;

use changes::{Changes, Scope};
use page::{File, Page};

/// Enough to see what a change is about, where the call does not say.
const CONTEXT: usize = 3;
const CONTEXT_MAX: usize = 20;
/// The most tokens of an answer, where the call does not say.
const TOKENS: usize = 12_000;
const TOKENS_MAX: usize = 48_000;
/// A line of any length has to fit.
const TOKENS_MIN: usize = 1_000;
/// Bytes of an answer besides its files.
const FRAME_LEN: usize = 900;

stepwell::tool! {
    name: "diff",
    description: "Shows what is different between base (the state before) and head (the state \
            under review), as unified hunks. It costs what it shows: begin with {\"stat\": true} \
            where the change may be large. Of what does not fit, `cut` and `next` have the fields \
            to call again with. Lock files, generated, vendored and binary files are said in a \
            line (`about`): name the file in `path` to see it. Ignored files and links are left \
            out.",
    schema: include_str!("../schema.json"),
    call: diff,
}

/// What a call asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    path: Option<String>,
    #[serde(default)]
    globs: Vec<String>,
    #[serde(default)]
    stat: bool,
    context: Option<usize>,
    #[serde(default)]
    skip: usize,
    after: Option<String>,
    max_tokens: Option<usize>,
}

/// What it gets.
#[derive(Debug, Serialize)]
pub struct Output {
    files: Vec<File>,
    /// Files that differ, these included.
    total: usize,
    /// Whether there is more than is shown.
    truncated: bool,
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

fn diff(input: Input) -> Result<Counted<Output>, Refusal> {
    let Input { path, globs, stat, context, skip, after, max_tokens } = input;
    let scope = Scope::new(path.as_deref(), &globs)?;
    if skip > 0 && !matches!(scope, Scope::File(_)) {
        return Err(Refusal::new(
            "`skip` goes with `path`: it leaves out lines of one file's diff",
        ));
    }
    let tokens = max_tokens.unwrap_or(TOKENS).clamp(TOKENS_MIN, TOKENS_MAX);
    let changes = changes::of(&scope)?;
    let start = after
        .as_deref()
        .map_or(0, |after| changes.files.partition_point(|change| change.path.as_str() <= after));
    let page = Page {
        is_stat: stat,
        context: context.unwrap_or(CONTEXT).min(CONTEXT_MAX),
        skip,
        scope: &scope,
    };
    let files = page.of(&changes.files[start..], Room::new(tokens, FRAME_LEN));
    let end = start + files.len();
    let next = (end < changes.files.len()).then(|| files.last()).flatten();
    let next = next.map(|last| Next { after: last.path().to_owned() });
    let is_cut = files.iter().any(File::is_cut);
    Ok(Counted::new(Output {
        total: changes.files.len(),
        truncated: next.is_some() || is_cut || !changes.are_all(),
        next,
        hint: hint(&scope, &changes, start),
        files,
    }))
}

impl Changes {
    /// Whether no change can be missing.
    fn are_all(&self) -> bool {
        self.not_compared == 0 && self.unread.is_empty() && !self.is_list_cut
    }
}

fn hint(scope: &Scope, changes: &Changes, start: usize) -> Option<String> {
    let mut said = Vec::new();
    if changes.not_compared > 0 {
        said.push(format!(
            "{} files were not compared, since there are too many or they are too large (sources \
             come first); name a part of the repository in `globs`",
            changes.not_compared
        ));
    }
    if changes.is_list_cut {
        said.push(
            "there are more files than can be listed; name a part of the repository in `globs`"
                .to_owned(),
        );
    }
    if changes.are_renames_cut {
        said.push(
            "so many files were added and deleted that not all were tried as renames".to_owned(),
        );
    }
    if let Some(first) = changes.unread.first() {
        said.push(format!(
            "files that could not be read: {}, the first: {first}",
            changes.unread.len()
        ));
    }
    if changes.files.is_empty() {
        said.extend(changes.are_all().then(|| match scope {
            Scope::File(path) => format!("`{path}` is the same in base and head"),
            Scope::Globs(_) if changes.is_nothing_asked => {
                "`globs` match no file of base or head; a pattern is over the whole path".to_owned()
            }
            Scope::Globs(_) => "nothing that matches `globs` differs".to_owned(),
            Scope::Everything => "base and head do not differ".to_owned(),
        }));
    } else if start == changes.files.len() {
        said.push("no file that differs comes after `after`".to_owned());
    }
    (!said.is_empty()).then(|| said.join("; "))
}

#[cfg(test)]
mod tests;
