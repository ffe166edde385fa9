//! The instructions of a Dockerfile, and the arguments before its first stage.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::image::UNKNOWN;
use crate::format::{Faults, PHRASE_BYTES_MAX};

/// The most bytes of one instruction: a command in it may be a script.
const INSTRUCTION_BYTES_MAX: usize = 1 << 20;

/// The most arguments before the first stage.
const ARGUMENTS_MAX: usize = 10_000;

/// How often what to take instead may name another argument.
const EXPANSION_DEPTH_MAX: usize = 8;

const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// One instruction, its lines joined.
#[derive(Debug)]
pub(super) struct Instruction<'a> {
    /// Where it begins.
    pub(super) line: u32,
    first: &'a str,
    /// What follows the keyword.
    pub(super) text: Cow<'a, str>,
}

impl<'a> Instruction<'a> {
    fn new(line: u32, text: Cow<'a, str>) -> Self {
        let split = |text: &str| {
            let end = text.find(char::is_whitespace).unwrap_or(text.len());
            (keyword(&text[..end]).unwrap_or_default(), end)
        };
        let (first, end) = split(&text);
        let rest = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text[end..].trim()),
            Cow::Owned(text) => Cow::Owned(text[end..].trim().to_owned()),
        };
        // What is put off to another build is an instruction of its own.
        if first == "ONBUILD" {
            return Self::new(line, rest);
        }
        Self { line, first, text: rest }
    }

    /// Its keyword in capitals, if it is one.
    pub(super) fn keyword(&self) -> Option<&'a str> {
        Some(self.first).filter(|first| !first.is_empty())
    }

    /// What is between spaces.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_whitespace().map(|word| word.trim_matches(['"', '\'']))
    }

    /// The values of a flag at its beginning.
    pub(super) fn flags(&self, flag: &str) -> impl Iterator<Item = &str> {
        let flags = self.words().take_while(|word| word.starts_with("--"));
        flags.filter_map(move |word| word.strip_prefix(flag))
    }
}

fn keyword(text: &str) -> Option<&'static str> {
    KEYWORDS.into_iter().find(|keyword| keyword.eq_ignore_ascii_case(text))
}

/// The image that translates the file, where its first lines name one.
pub(super) fn frontend(text: &str) -> Option<(u32, &str)> {
    directives(text)
        .find(|(_, key, _)| key.eq_ignore_ascii_case("syntax"))
        .map(|(line, _, value)| (line, value))
}

/// Comments at the top that are none: `# key=value`.
fn directives(text: &str) -> impl Iterator<Item = (u32, &str, &str)> {
    let directive = |line: &'_ str| -> Option<(usize, usize)> {
        let comment = line.trim_start().strip_prefix('#')?;
        let (key, _) = comment.split_once('=')?;
        let is_key = !key.trim().is_empty() && key.trim().chars().all(|c| c.is_ascii_alphabetic());
        is_key.then(|| (line.len() - comment.len(), line.len() - comment.len() + key.len()))
    };
    (1..).zip(text.lines()).map_while(move |(number, line)| {
        let (start, end) = directive(line)?;
        Some((number, line[start..end].trim(), line[end + 1..].trim()))
    })
}

/// The instructions of a file.
pub(super) fn read<'a>(text: &'a str, faults: &mut Faults<'_>) -> Vec<Instruction<'a>> {
    let escape = directives(text).find(|(_, key, _)| key.eq_ignore_ascii_case("escape"));
    let escape = if escape.is_some_and(|(_, _, value)| value == "`") { '`' } else { '\\' };
    let mut lines = Source { lines: (1..).zip(text.lines()), escape };
    let mut instructions = Vec::new();
    let mut documents_end = true;
    while let Some((line, text)) = lines.instruction() {
        let takes_documents = keyword(text.split_whitespace().next().unwrap_or_default())
            .is_some_and(|keyword| matches!(keyword, "RUN" | "COPY" | "ADD" | "ONBUILD"));
        if takes_documents && documents_end {
            for delimiter in delimiters(&text) {
                if !lines.skip_document(&delimiter) {
                    // Looking again for the end of each would take too long.
                    documents_end = false;
                    let reason = format!("the document that ends with `{delimiter}` does not end");
                    faults.add(Some(line), reason);
                    break;
                }
            }
        }
        instructions.push(Instruction::new(line, text));
    }
    instructions
}

struct Source<I> {
    lines: I,
    escape: char,
}

impl<'a, I: Iterator<Item = (u32, &'a str)> + Clone> Source<I> {
    /// The next instruction, without comments and with its lines joined.
    fn instruction(&mut self) -> Option<(u32, Cow<'a, str>)> {
        let is_nothing = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        let (number, first) = self.lines.by_ref().find(|(_, line)| !is_nothing(line))?;
        let Some(start) = first.trim().strip_suffix(self.escape) else {
            return Some((number, Cow::Borrowed(first.trim())));
        };
        let mut text = start.to_owned();
        for (_, line) in self.lines.by_ref() {
            if is_nothing(line) {
                continue;
            }
            let line = line.trim_end();
            let continued = line.strip_suffix(self.escape);
            if text.len() + line.len() <= INSTRUCTION_BYTES_MAX {
                text.push_str(continued.unwrap_or(line));
            }
            if continued.is_none() {
                break;
            }
        }
        Some((number, Cow::Owned(text)))
    }

    /// Skips the lines of a document; whether it ends.
    fn skip_document(&mut self, delimiter: &str) -> bool {
        let before = self.lines.clone();
        let ends = self.lines.by_ref().any(|(_, line)| line.trim() == delimiter);
        if !ends {
            self.lines = before;
        }
        ends
    }
}

/// What ends the documents that an instruction has below it: the words after `<<`.
fn delimiters(text: &str) -> Vec<String> {
    let delimiter = |word: &str| {
        let rest = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
        let name = rest.strip_prefix('-').unwrap_or(rest).trim_matches(['"', '\'']);
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        is_name.then(|| name.to_owned())
    };
    text.split_whitespace().filter_map(delimiter).collect()
}

/// What is before the brace that ends what begins here, and what is after it.
fn braced(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices().take(PHRASE_BYTES_MAX) {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some((&text[..at], &text[at + 1..])),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Arguments by name; of some only whoever builds knows the value.
#[derive(Debug)]
pub(super) struct Arguments(BTreeMap<String, Option<String>>);

impl Default for Arguments {
    /// What every build passes and is the same in nearly all of them.
    fn default() -> Self {
        let linux = |name: &str| (name.to_owned(), Some("linux".to_owned()));
        Self(["BUILDOS", "TARGETOS"].map(linux).into())
    }
}

impl Arguments {
    /// Takes in `NAME=default OTHER`.
    pub(super) fn define(&mut self, text: &str) {
        for word in text.split_whitespace() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(self.expand(value.trim_matches(['"', '\''])))),
                None => (word, None),
            };
            // Passed by every build, so that naming it changes nothing.
            if value.is_none() && self.0.contains_key(name) {
                continue;
            }
            if self.0.len() < ARGUMENTS_MAX {
                self.0.insert(name.to_owned(), value.filter(|value| !value.contains(UNKNOWN)));
            }
        }
    }

    /// The text with values in place of `$NAME` and `${NAME}`; [`UNKNOWN`] stands for what is
    /// not known.
    pub(super) fn expand(&self, text: &str) -> String {
        self.expand_in(text, 0)
    }

    fn expand_in(&self, text: &str, depth: usize) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let (value, left) = match after.strip_prefix('{').and_then(braced) {
                Some((inner, left)) => (self.value_of(inner, depth), left),
                None => {
                    let end = after.find(|c| !is_part(c)).unwrap_or(after.len());
                    (self.value(&after[..end]).map(str::to_owned), &after[end..])
                }
            };
            match value {
                Some(value) => out.push_str(&value),
                None => out.push(UNKNOWN),
            }
            rest = left;
            if out.len() > PHRASE_BYTES_MAX {
                return UNKNOWN.to_string();
            }
        }
        out.push_str(rest);
        out
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref()
    }

    /// The value of what stands in braces: a name, and perhaps what to take instead.
    fn value_of(&self, inner: &str, depth: usize) -> Option<String> {
        let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let (name, operator) = inner.split_at(end.unwrap_or(inner.len()));
        let known = self.value(name);
        let filled = known.filter(|value| !value.is_empty());
        if operator.is_empty() {
            return known.map(str::to_owned);
        }
        if depth == EXPANSION_DEPTH_MAX {
            return None;
        }
        let expanded = |other: &str| self.expand_in(other.trim_matches(['"', '\'']), depth + 1);
        if let Some(other) = operator.strip_prefix(":-") {
            return Some(filled.map_or_else(|| expanded(other), str::to_owned));
        }
        if let Some(other) = operator.strip_prefix('-') {
            return Some(known.map_or_else(|| expanded(other), str::to_owned));
        }
        if let Some(other) = operator.strip_prefix(":+") {
            return Some(filled.map_or_else(String::new, |_| expanded(other)));
        }
        if let Some(other) = operator.strip_prefix('+') {
            return Some(known.map_or_else(String::new, |_| expanded(other)));
        }
        // A message for whoever passes nothing.
        operator.starts_with([':', '?']).then(|| known.map(str::to_owned)).flatten()
    }
}
