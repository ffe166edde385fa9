//! Whether a line defines what was found on it: by the few words that languages define with. A
//! guess that orders an answer; nothing is left out for it.

use std::ops::Range;

/// What a match is to a reader, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Relevance {
    /// What was found is defined here.
    Definition,
    /// It stands here as a word of its own.
    Word,
    /// It is a part of a longer word.
    Part,
}

/// What stands before a name that is defined, in one language or another.
const KEYWORDS: &[&str] = &[
    "fn",
    "func",
    "fun",
    "function",
    "def",
    "class",
    "struct",
    "enum",
    "union",
    "trait",
    "interface",
    "type",
    "typedef",
    "const",
    "static",
    "mod",
    "module",
    "package",
    "namespace",
    "define",
    "protocol",
    "record",
    "object",
    "macro_rules",
    "macro",
    "defmodule",
    "sub",
    "proc",
];

/// What stands before a name that is defined, where the line is not indented: else it is local.
const AT_THE_MARGIN: &[&str] = &["let", "var", "val", "export"];

/// What stands before a call and is no type.
const STATEMENTS: &[&str] = &[
    "return", "new", "else", "await", "yield", "throw", "case", "in", "not", "and", "or", "if",
    "while", "match", "switch", "for", "do", "go", "defer", "assert", "elif", "unless",
];

/// What follows a name that is bound to a definition.
const BOUND: &[&str] = &["= function", "= class", "= async", ": function", ":= func", "= lambda"];

pub(crate) fn relevance(line: &str, span: Range<usize>) -> Relevance {
    let (Some(before), Some(found), Some(after)) =
        (line.get(..span.start), line.get(span.clone()), line.get(span.end..))
    else {
        return Relevance::Part;
    };
    let inside = |left: &str, right: &str| {
        left.chars().next_back().is_some_and(is_of_word)
            && right.chars().next().is_some_and(is_of_word)
    };
    if inside(before, found) || inside(found, after) {
        Relevance::Part
    } else if KEYWORDS.contains(&found) {
        // `const fn` does not define `fn`.
        Relevance::Word
    } else if defines(line, before, found, after) {
        Relevance::Definition
    } else {
        Relevance::Word
    }
}

fn defines(line: &str, before: &str, found: &str, after: &str) -> bool {
    let starts_so = || {
        let (first, rest) = found.split_at(found.find(|c| !is_of_word(c)).unwrap_or(found.len()));
        KEYWORDS.contains(&first) && rest.trim_start().chars().next().is_some_and(is_of_word)
    };
    let after_receiver =
        || line.trim_start().starts_with("func (") && before.trim_end().ends_with(')');
    let is_bound = || {
        let after = after.trim_start();
        BOUND.iter().any(|start| after.starts_with(start))
    };
    follows_keyword(line, before)
        || starts_so()
        || after_receiver()
        || is_bound()
        || is_function(line, before, after)
}

fn follows_keyword(line: &str, before: &str) -> bool {
    let mut before = before.trim_end().trim_end_matches('!');
    if let Some(outer) = before.strip_suffix(" mut") {
        before = outer;
    }
    let word = last_word(before);
    let is_indented = line.starts_with([' ', '\t']);
    KEYWORDS.contains(&word) || (!is_indented && AT_THE_MARGIN.contains(&word))
}

/// `static int name(char *text) {`: a type, the name, parameters, and a body that begins.
fn is_function(line: &str, before: &str, after: &str) -> bool {
    let before = before.trim();
    let is_of_type = |c: char| is_of_word(c) || " *&<>,[]:?@".contains(c);
    after.starts_with(['(', '<'])
        && line.trim_end().ends_with('{')
        && !before.is_empty()
        && before.chars().all(is_of_type)
        && !STATEMENTS.contains(&last_word(before))
}

fn last_word(text: &str) -> &str {
    &text[text.trim_end_matches(is_of_word).len()..]
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
