//! The tool `read_file`: a part of one file, and enough about the file to ask for the next part.
//!
//! Reading order: [`Input`], [`Output`], then `content` (what the bytes are), `window` (which of
//! them are shown) and `missing` (what a refusal suggests instead).

mod content;
mod magic;
mod missing;
mod window;

use serde::{Deserialize, Serialize};
use stepwell::repository::{self, READ_BYTES_MAX, Reason};
use stepwell::{Refusal, Tree};

use content::{Content, Eol, Kind};
use window::{Bytes, Lines, Shown};

/// Bytes of text where the call does not say: about 8,000 tokens.
const TEXT_BYTES: usize = 32 * 1024;
/// The most a call may ask for: more would fill a model's context with one file.
const TEXT_BYTES_MAX: usize = 128 * 1024;

stepwell::tool! {
    name: "read_file",
    description: "Reads a text file of the repository, or a part of it by lines or bytes. Says \
        its size, encoding and line endings; describes binary files instead of showing them. A \
        long file is cut, and `next` says how to read on. To find files use `list_files`, to find \
        text use `search_text`.",
    schema: include_str!("../schema.json"),
    call: read_file,
}

/// What a call asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    path: String,
    #[serde(default)]
    tree: Tree,
    start_line: Option<usize>,
    end_line: Option<usize>,
    start_byte: Option<u64>,
    max_bytes: Option<usize>,
}

/// What it gets.
#[derive(Debug, Serialize)]
pub struct Output {
    path: String,
    kind: Kind,
    encoding: &'static str,
    eol: Eol,
    total_bytes: u64,
    /// Unknown where the file is too large to be read whole.
    total_lines: Option<usize>,
    /// Of `text`; 0 where nothing is shown or the file is too large to count.
    start_line: usize,
    end_line: usize,
    text: String,
    /// Whether the file goes on after `text`, or has lines that are cut.
    truncated: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cut_lines: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Next>,
    /// What a binary file or a stand-in for one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
}

/// Where to read on.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Next {
    StartLine(usize),
    StartByte(u64),
}

/// Which part of the file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Lines { first: usize, last: Option<usize> },
    From { byte: u64 },
}

fn read_file(input: Input) -> Result<Output, Refusal> {
    let part = part(&input)?;
    let Input { path, tree, max_bytes, .. } = input;
    let path = tidy(&path);
    let room = max_bytes.unwrap_or(TEXT_BYTES).clamp(1, TEXT_BYTES_MAX);
    match repository::read(tree, &path) {
        Ok(bytes) => show(path, &bytes, part, room),
        Err(repository::Error { reason: Reason::TooLarge(size), .. }) => {
            show_large(tree, path, size, part, room)
        }
        Err(error) => Err(missing::refusal(&error)),
    }
}

/// Models write `./src//a.rs`; there is one file they can mean.
fn tidy(path: &str) -> String {
    let names = path.split('/').filter(|name| *name != ".").collect::<Vec<_>>();
    let inner = names.iter().skip(1).filter(|name| !name.is_empty());
    names.iter().take(1).chain(inner).copied().collect::<Vec<_>>().join("/")
}

fn part(input: &Input) -> Result<Part, Refusal> {
    let refuse = |why: &str| Err(Refusal::new(why));
    match (input.start_line, input.end_line, input.start_byte) {
        (None, None, Some(byte)) => Ok(Part::From { byte }),
        (_, _, Some(_)) => refuse("give lines or `start_byte`, not both"),
        (Some(0), _, None) => refuse("`start_line` is counted from 1"),
        (start, Some(end), None) if end < start.unwrap_or(1) => {
            refuse("`end_line` is before `start_line`")
        }
        (start, last, None) => Ok(Part::Lines { first: start.unwrap_or(1), last }),
    }
}

fn show(path: String, bytes: &[u8], part: Part, room: usize) -> Result<Output, Refusal> {
    let content = Content::of(bytes);
    let total_lines = content.text.as_deref().map_or(0, window::count_lines);
    let shown = match (&content.text, part) {
        (None, _) => Shown::nothing(),
        (Some(text), Part::Lines { first, last }) => {
            if first > total_lines.max(1) {
                return Err(Refusal::new(format!(
                    "`start_line` {first} is after the end: `{path}` has {total_lines} lines"
                )));
            }
            Lines { first, last, room, offset: content.text_offset }.of(text)
        }
        (Some(text), Part::From { byte }) => {
            let start = usize::try_from(byte).unwrap_or(usize::MAX);
            if content.kind == Kind::Text && start >= bytes.len() {
                return Err(after_the_end(&path, byte, bytes.len()));
            }
            if !content.bytes_are_text() {
                return Err(Refusal::new(format!(
                    "`{path}` is {}; its bytes are not its text: ask for lines",
                    content.encoding
                )));
            }
            Bytes { start, room, offset: content.text_offset }.of(text)
        }
    };
    let text = if content.eol == Eol::Crlf { shown.text.replace("\r\n", "\n") } else { shown.text };
    Ok(Output {
        path,
        kind: content.kind,
        encoding: content.encoding,
        eol: content.eol,
        total_bytes: bytes.len() as u64,
        total_lines: Some(total_lines),
        start_line: shown.start_line,
        end_line: shown.end_line,
        text,
        truncated: shown.next.is_some() || !shown.cut_lines.is_empty(),
        cut_lines: shown.cut_lines,
        next: shown.next,
        about: content.about,
    })
}

/// A window of a file that is too large to be read whole; its lines cannot be counted.
fn show_large(
    tree: Tree,
    path: String,
    total_bytes: u64,
    part: Part,
    room: usize,
) -> Result<Output, Refusal> {
    let start = match part {
        Part::From { byte } => byte,
        Part::Lines { first: 1, last: None } => 0,
        Part::Lines { .. } => {
            return Err(Refusal::new(format!(
                "`{path}` has {total_bytes} bytes, too many to count its lines (the most is \
                 {READ_BYTES_MAX}): ask with `start_byte`, or find the place with `search_text`"
            )));
        }
    };
    // A little more than is shown, so that the last character is whole.
    let length = u32::try_from(room + 4).unwrap_or(u32::MAX);
    let bytes = repository::read_range(tree, &path, start, length)?;
    if bytes.is_empty() {
        return Err(after_the_end(&path, start, total_bytes));
    }
    let (skipped, bytes) = content::whole_characters(&bytes);
    let start = start + skipped as u64;
    let content = Content::of(bytes);
    let text = content.text.as_deref().unwrap_or_default();
    let shown = text[..text.floor_char_boundary(room)].to_owned();
    let end = start + shown.len() as u64;
    let goes_on = content.bytes_are_text() && !shown.is_empty() && end < total_bytes;
    Ok(Output {
        path,
        kind: content.kind,
        encoding: content.encoding,
        eol: content.eol,
        total_bytes,
        total_lines: None,
        start_line: 0,
        end_line: 0,
        text: shown,
        truncated: true,
        cut_lines: Vec::new(),
        next: goes_on.then_some(Next::StartByte(end)),
        about: content.about,
    })
}

fn after_the_end(path: &str, start: u64, total: impl std::fmt::Display) -> Refusal {
    Refusal::new(format!("`start_byte` {start} is after the end: `{path}` has {total} bytes"))
}

#[cfg(test)]
mod tests;
