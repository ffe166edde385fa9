//! What a refusal suggests when there is no such file: what the caller probably meant.

use stepwell::repository::{self, Entry, Error, Glob, Kind, Reason};
use stepwell::{Refusal, Tree};

/// More suggestions are a listing, and there is a tool for that.
const SUGGESTIONS_MAX: u32 = 5;
/// Enough to see what a directory is about.
const NAMES_SHOWN_MAX: usize = 20;
/// How alike two names must be, from 0 to 1.
const LIKENESS_MIN: f64 = 0.6;

pub(crate) fn refusal(error: &Error) -> Refusal {
    let suggestion = match &error.reason {
        Reason::NotFound => near(error.tree, &error.about),
        Reason::NotAFile => directory(error.tree, &error.about),
        Reason::NotADirectory
        | Reason::InvalidPath(_)
        | Reason::Outside
        | Reason::NotGranted(_)
        | Reason::TooLarge(_)
        | Reason::NoSuchTree
        | Reason::InvalidPattern(_)
        | Reason::Unreadable(_) => None,
    };
    Refusal::new(match suggestion {
        Some(suggestion) => format!("{error}; {suggestion}"),
        None => error.to_string(),
    })
}

fn directory(tree: Tree, path: &str) -> Option<String> {
    let entries = repository::list(tree, path).ok()?;
    let names: Vec<String> = entries.iter().take(NAMES_SHOWN_MAX).map(shown).collect();
    let more = match entries.len().saturating_sub(NAMES_SHOWN_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let pattern = if path.is_empty() { "**".to_owned() } else { format!("{path}/**") };
    Some(format!(
        "it is a directory with {}{more}; `list_files` with the pattern `{pattern}` finds its files",
        names.join(", ")
    ))
}

fn shown(entry: &Entry) -> String {
    let slash = if entry.kind == Kind::Directory { "/" } else { "" };
    format!("`{}{slash}`", entry.name)
}

/// The same name elsewhere, the same path in the other tree, or a name much like it.
fn near(tree: Tree, path: &str) -> Option<String> {
    if tree == Tree::Head && repository::is_file(Tree::Base, path).unwrap_or(false) {
        return Some("it is in the base tree: the change deletes or moves it".to_owned());
    }
    let elsewhere = same_name(tree, path);
    let candidates = if elsewhere.is_empty() { alike(tree, path) } else { elsewhere };
    if candidates.is_empty() {
        return Some("`list_files` finds files by pattern".to_owned());
    }
    let candidates: Vec<String> = candidates.iter().map(|path| format!("`{path}`")).collect();
    Some(format!("there is {}", candidates.join(", ")))
}

fn same_name(tree: Tree, path: &str) -> Vec<String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let pattern = format!("**/{}", either_case(name));
    let found = Glob::new([pattern]).max(SUGGESTIONS_MAX).find(tree);
    found.map(|found| found.paths).unwrap_or_default()
}

/// A pattern for a name in whatever case. In brackets, so that nothing in it is special.
fn either_case(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' => {
                format!("[{}{}]", c.to_ascii_lowercase(), c.to_ascii_uppercase())
            }
            '*' | '?' | '[' | '{' | '}' => format!("[{c}]"),
            ']' => "[]]".to_owned(),
            other => other.to_string(),
        })
        .collect()
}

/// Names in the same directory that are much like this one, the most alike first.
fn alike(tree: Tree, path: &str) -> Vec<String> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let Ok(entries) = repository::list(tree, directory) else { return Vec::new() };
    let mut near: Vec<(f64, String)> = entries
        .into_iter()
        .map(|entry| (strsim::normalized_damerau_levenshtein(name, &entry.name), entry))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .map(|(likeness, entry)| (likeness, under(directory, &entry.name)))
        .collect();
    near.sort_by(|(a, a_path), (b, b_path)| b.total_cmp(a).then_with(|| a_path.cmp(b_path)));
    near.into_iter().map(|(_, path)| path).take(SUGGESTIONS_MAX as usize).collect()
}

fn under(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}
