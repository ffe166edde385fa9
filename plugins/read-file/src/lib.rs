//! The tool `read_file`: a part of one file, and enough about the file to ask for the next part.
//!
//! Reading order: [`Input`], [`Output`], then `window` (which part is shown), `large` (files that
//! are too large to be read whole) and `missing` (what a refusal suggests instead).

mod about;
mod large;
mod missing;
mod window;

use answers::cost::TOKEN_BYTES;
use answers::{Content, Counted, Text};
use serde::{Deserialize, Serialize};
use stepwell::repository::{self, Reason};
use stepwell::{Refusal, Tree};

use about::{Eol, Kind};
use window::{Bytes, Cut, Lines, Next, Room, Shown};

/// Bytes of text where the call does not say: about 8,000 tokens.
const TEXT_BYTES: usize = 32 * 1024;
/// The most a call may ask for: more would fill a model's context with one file.
const TEXT_BYTES_MAX: usize = 128 * 1024;
/// The most tokens of an answer: what the most bytes come to, with room for their escapes.
const TOKENS_MAX: usize = 64_000;
/// Less is hardly more than what an answer says besides the text.
const TOKENS_MIN: usize = 200;
/// Bytes of an answer besides its text and its path.
const FRAME_LEN: usize = 480;

stepwell::tool! {
    name: "read_file",
    description: "Shows a text file, or a part of it. It costs what it shows: ask for the lines \
            you need. `text` comes first; of what does not fit, `next` (for long lines \
            `cut_lines`) has the fields to call again with. A binary file is described.",
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
    #[serde(default)]
    numbered: bool,
    max_bytes: Option<usize>,
    max_tokens: Option<usize>,
}

/// What it gets.
#[derive(Debug, Serialize)]
pub struct Output {
    text: String,
    path: String,
    kind: Kind,
    encoding: &'static str,
    eol: Eol,
    total_bytes: u64,
    /// Unknown where the file is too large to be read whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_lines: Option<usize>,
    /// Of `text`, where it has any and they can be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    /// Whether the file goes on after `text`, or has lines that are cut.
    truncated: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cut_lines: Vec<Cut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Next>,
    /// What a binary file or a stand-in for one is, and what was guessed of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
}

/// Which part of the file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Lines { first: usize, last: Option<usize>, numbered: bool },
    From { byte: u64 },
}

fn read_file(input: Input) -> Result<Counted<Output>, Refusal> {
    let part = part(&input)?;
    let room = room(&input);
    let Input { path, tree, .. } = input;
    let path = tidy(&path);
    let output = match repository::read(tree, &path) {
        Ok(bytes) => show(path, &bytes, part, room),
        Err(repository::Error { reason: Reason::TooLarge(size), .. }) => {
            large::show(tree, path, size, part, room)
        }
        Err(error) => Err(missing::refusal(&error)),
    };
    output.map(Counted::new)
}

fn room(input: &Input) -> Room {
    let tokens = input.max_tokens.unwrap_or(TOKENS_MAX).clamp(TOKENS_MIN, TOKENS_MAX);
    let frame = FRAME_LEN + answers::cost::text_len(&input.path);
    Room {
        bytes: input.max_bytes.unwrap_or(TEXT_BYTES).clamp(1, TEXT_BYTES_MAX),
        json: (tokens * TOKEN_BYTES).saturating_sub(frame),
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
        (None, None, Some(_)) if input.numbered => {
            refuse("`numbered` goes with lines, not with `start_byte`")
        }
        (None, None, Some(byte)) => Ok(Part::From { byte }),
        (_, _, Some(_)) => refuse("give lines or `start_byte`, not both"),
        (Some(0), _, None) => refuse("`start_line` is counted from 1"),
        (start, Some(end), None) if end < start.unwrap_or(1) => {
            refuse("`end_line` is before `start_line`")
        }
        (start, last, None) => {
            Ok(Part::Lines { first: start.unwrap_or(1), last, numbered: input.numbered })
        }
    }
}

fn show(path: String, bytes: &[u8], part: Part, room: Room) -> Result<Output, Refusal> {
    let text = match Content::of(bytes) {
        Content::Text(text) => text,
        Content::Binary(what) => return Ok(Output::binary(path, bytes.len() as u64, what)),
    };
    let total_lines = window::count_lines(text.as_str());
    let eol = Eol::of(text.as_str());
    let shown = match part {
        Part::Lines { first, .. } if first > total_lines.max(1) => {
            return Err(Refusal::new(format!(
                "`start_line` {first} is after the end: `{path}` has {total_lines} lines"
            )));
        }
        Part::Lines { first, last, numbered } => {
            Lines { first, last, numbered, room, eol, total_lines }.of(&text)
        }
        Part::From { byte } => {
            let start = usize::try_from(byte).unwrap_or(usize::MAX);
            if start >= bytes.len() && !bytes.is_empty() {
                return Err(after_the_end(&path, byte, bytes.len() as u64));
            }
            Bytes { start, room }.of(&text)
        }
    };
    Ok(Output {
        total_lines: Some(total_lines),
        ..Output::of(path, bytes.len() as u64, &text, shown)
    })
}

impl Output {
    fn of(path: String, total_bytes: u64, text: &Text<'_>, shown: Shown) -> Self {
        let kind = if total_bytes == 0 { Kind::Empty } else { Kind::Text };
        Self {
            text: shown.text,
            path,
            kind,
            encoding: text.label(),
            eol: Eol::of(text.as_str()),
            total_bytes,
            total_lines: None,
            start_line: shown.lines.map(|(first, _)| first),
            end_line: shown.lines.map(|(_, last)| last),
            truncated: shown.next.is_some() || !shown.cut_lines.is_empty(),
            cut_lines: shown.cut_lines,
            next: shown.next,
            about: about::of(text),
        }
    }

    fn binary(path: String, total_bytes: u64, what: &str) -> Self {
        Self {
            text: String::new(),
            path,
            kind: Kind::Binary,
            encoding: "binary",
            eol: Eol::None,
            total_bytes,
            total_lines: None,
            start_line: None,
            end_line: None,
            truncated: false,
            cut_lines: Vec::new(),
            next: None,
            about: Some(what.to_owned()),
        }
    }
}

fn after_the_end(path: &str, start: u64, total: u64) -> Refusal {
    Refusal::new(format!("`start_byte` {start} is after the end: `{path}` has {total} bytes"))
}

#[cfg(test)]
mod tests;
