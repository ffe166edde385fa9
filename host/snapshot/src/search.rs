//! Lines that match a regular expression, of files handed in one by one.

use regex::bytes::{Regex, RegexBuilder};

use crate::{LineMatch, Matches, ReadError, SearchQuery};

/// The contract's ceiling on a pattern.
const PATTERN_BYTES_MAX: usize = 1024;

/// What a compiled pattern may take: Unicode classes with counts fit, bombs do not.
const PROGRAM_BYTES_MAX: usize = 4 << 20;

/// The contract's ceiling on a line that is shown.
const LINE_BYTES_MAX: usize = 400;

/// A file with a zero byte this far in front is no text; git looks as far.
const BINARY_PROBE_BYTES: usize = 8 << 10;

/// What one answer may carry, all lines together.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// A search that goes on.
#[derive(Debug)]
pub(crate) struct Search {
    regex: Regex,
    context: usize,
    most: usize,
    bytes: usize,
    found: Matches,
}

impl Search {
    pub(crate) fn new(query: &SearchQuery) -> Result<Self, ReadError> {
        let refuse = |reason: String| Err(ReadError::InvalidPattern(reason));
        if query.pattern.len() > PATTERN_BYTES_MAX {
            return refuse(format!("it is longer than {PATTERN_BYTES_MAX} bytes"));
        }
        if query.pattern.is_empty() {
            return refuse("it is empty; every line would match".to_owned());
        }
        let pattern = match query.literal {
            true => regex::escape(&query.pattern),
            false => query.pattern.clone(),
        };
        let built = RegexBuilder::new(&pattern)
            .case_insensitive(query.ignore_case)
            .size_limit(PROGRAM_BYTES_MAX)
            .dfa_size_limit(PROGRAM_BYTES_MAX)
            .build();
        let regex = match built {
            Ok(regex) => regex,
            Err(err) => return refuse(reason(&err)),
        };
        let cut = |asked: u32, most: u32| usize::try_from(asked.min(most)).unwrap_or(usize::MAX);
        Ok(Self {
            regex,
            context: cut(query.context_lines, SearchQuery::CONTEXT_MAX),
            most: cut(query.max_matches, SearchQuery::MATCHES_MAX),
            bytes: 0,
            found: Matches::default(),
        })
    }

    /// Looks through one file. `false` when nothing more can be taken.
    pub(crate) fn look(&mut self, path: &str, bytes: &[u8]) -> bool {
        let probe = &bytes[..bytes.len().min(BINARY_PROBE_BYTES)];
        if bytes.is_empty() || probe.contains(&0) {
            return true;
        }
        // The offsets of lines are only worth keeping once one matches.
        let Some(first) = lines(bytes).position(|line| self.regex.is_match(line)) else {
            return true;
        };
        let lines: Vec<&[u8]> = lines(bytes).collect();
        for at in first..lines.len() {
            if self.regex.is_match(lines[at]) && !self.take(path, &lines, at) {
                return false;
            }
        }
        true
    }

    /// Ends the search because there was more to look through than we do.
    pub(crate) fn give_up(&mut self) {
        self.found.truncated = true;
    }

    pub(crate) fn finish(self) -> Matches {
        self.found
    }

    fn take(&mut self, path: &str, lines: &[&[u8]], at: usize) -> bool {
        if self.found.lines.len() >= self.most || self.bytes >= ANSWER_BYTES_MAX {
            self.found.truncated = true;
            return false;
        }
        let show = |lines: &[&[u8]]| lines.iter().map(|line| shown(line)).collect::<Vec<_>>();
        let end = lines.len().min(at + 1 + self.context);
        let line = LineMatch {
            path: path.to_owned(),
            line: u32::try_from(at + 1).unwrap_or(u32::MAX),
            text: shown(lines[at]),
            before: show(&lines[at.saturating_sub(self.context)..at]),
            after: show(&lines[at + 1..end]),
        };
        let around = line.before.iter().chain(&line.after).map(String::len).sum::<usize>();
        self.bytes += line.path.len() + line.text.len() + around;
        self.found.lines.push(line);
        true
    }
}

/// The lines of a file without their ends, whichever kind those are.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// A line as it is shown: text, and not too long.
fn shown(line: &[u8]) -> String {
    let mut text =
        String::from_utf8_lossy(&line[..line.len().min(LINE_BYTES_MAX + 4)]).into_owned();
    text.truncate(text.floor_char_boundary(LINE_BYTES_MAX));
    text
}

/// What is wrong with a pattern, on one line.
fn reason(err: &regex::Error) -> String {
    let text = err.to_string();
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}
