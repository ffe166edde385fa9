//! The part of HCL that a lock file of Terraform is written in.
//!
//! Terraform writes blocks of texts and lists of texts and nothing else; what else HCL has
//! (expressions, heredocs, escapes) makes no lock file.

use crate::format::Faults;
use crate::text::is_conflict_mark;

/// A piece of the text, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    /// Counted from 1.
    pub(super) line: u32,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Word(&'a str),
    /// Between quotes, with its escapes as they are written.
    Text(&'a str),
    Mark(char),
}

/// A reader of pieces, one after the other.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
    line: u32,
    at_margin: bool,
    next: Option<Token<'a>>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1, at_margin: true, next: None }
    }

    /// The next piece. What is none is told and left out.
    pub(super) fn next(&mut self, faults: &mut Faults<'_>) -> Option<Token<'a>> {
        self.next.take().or_else(|| self.read(faults))
    }

    fn peek(&mut self, faults: &mut Faults<'_>) -> Option<Token<'a>> {
        if self.next.is_none() {
            self.next = self.read(faults);
        }
        self.next
    }

    /// Steps over a mark when it comes next.
    pub(super) fn mark(&mut self, mark: char, faults: &mut Faults<'_>) -> bool {
        let found = self.peek(faults).is_some_and(|token| token.kind == Kind::Mark(mark));
        if found {
            self.next = None;
        }
        found
    }

    /// The text that comes next.
    pub(super) fn text(&mut self, faults: &mut Faults<'_>) -> Option<&'a str> {
        let Kind::Text(text) = self.peek(faults)?.kind else { return None };
        self.next = None;
        Some(text)
    }

    /// The name of an attribute that comes next: no block of a lock file has a block in it.
    pub(super) fn attribute(&mut self, faults: &mut Faults<'_>) -> Option<&'a str> {
        let Kind::Word(word) = self.peek(faults)?.kind else { return None };
        if word == "provider" {
            return None;
        }
        self.next = None;
        Some(word)
    }

    fn read(&mut self, faults: &mut Faults<'_>) -> Option<Token<'a>> {
        loop {
            if std::mem::take(&mut self.at_margin) && is_conflict_mark(self.rest) {
                faults.add(Some(self.line), "the mark of a merge conflict");
                self.skip_line();
                continue;
            }
            let first = self.rest.chars().next()?;
            match first {
                '\n' => {
                    self.rest = &self.rest[1..];
                    self.line = self.line.saturating_add(1);
                    self.at_margin = true;
                }
                _ if first.is_whitespace() => self.rest = &self.rest[first.len_utf8()..],
                '#' => self.skip_line(),
                '/' if self.rest.starts_with("//") => self.skip_line(),
                '/' if self.rest.starts_with("/*") => self.skip_remark(),
                '"' => match self.quoted() {
                    Some(text) => return Some(Token { kind: Kind::Text(text), line: self.line }),
                    None => {
                        faults.add(Some(self.line), "a text without an end");
                        self.skip_line();
                    }
                },
                _ => return Some(self.word_or_mark(first)),
            }
        }
    }

    fn word_or_mark(&mut self, first: char) -> Token<'a> {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let length = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        let (kind, length) = match length {
            0 => (Kind::Mark(first), first.len_utf8()),
            length => (Kind::Word(&self.rest[..length]), length),
        };
        self.rest = &self.rest[length..];
        Token { kind, line: self.line }
    }

    /// A text between quotes, which ends on its line.
    fn quoted(&mut self) -> Option<&'a str> {
        let body = &self.rest[1..];
        let mut is_escaped = false;
        for (at, c) in body.char_indices() {
            match c {
                '\n' => return None,
                '"' if !is_escaped => {
                    self.rest = &body[at + 1..];
                    return Some(&body[..at]);
                }
                _ => is_escaped = c == '\\' && !is_escaped,
            }
        }
        None
    }

    fn skip_line(&mut self) {
        self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
    }

    fn skip_remark(&mut self) {
        let end = self.rest.find("*/").map_or(self.rest.len(), |at| at + 2);
        let lines = self.rest[..end].bytes().filter(|&b| b == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = &self.rest[end..];
    }
}
