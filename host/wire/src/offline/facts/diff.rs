//! What a change is about: the names that its lines define or lie within, read off a unified
//! diff, or off the file itself, by the look of the lines.

use std::collections::BTreeMap;
use std::ops::Range;

/// The names that a change defines or lies within.
pub(in crate::offline) type Abouts = BTreeMap<String, About>;

/// Where a change is about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::offline) struct About {
    /// The first line of the head that changed there.
    pub(in crate::offline) line: u64,
    /// How far in the name is defined: the further, the more it says.
    pub(in crate::offline) indent: usize,
}

/// Longest diff that is read, in lines. The tool cuts it far earlier.
const LINES_MAX: usize = 50_000;

/// Shorter names are too common to tie a test to a change.
const NAME_CHARS_MIN: usize = 3;

/// Longest name.
const NAME_CHARS_MAX: usize = 80;

/// Most scopes within each other. Deeper is no code that people write.
const SCOPES_MAX: usize = 64;

/// Most words before the one that says that a name is defined: `export default async function`.
const MODIFIERS_MAX: usize = 6;

/// Columns of a tab. Any number serves, as long as a file does not mix them.
const TAB_COLUMNS: usize = 4;

/// Words after which a name is defined, in the languages that CI mostly sees.
const DEFINING: &[&str] = &[
    "fn",
    "struct",
    "enum",
    "trait",
    "mod",
    "type",
    "macro_rules!",
    "def",
    "defp",
    "defmodule",
    "class",
    "func",
    "function",
    "interface",
    "module",
    "object",
    "record",
    "sub",
    "fun",
];

/// Words after which a value gets its name; further in than the margin it is nobody else's.
const BINDING: &[&str] = &["const", "static", "let", "var", "val"];

/// Words that show that a line does something and defines nothing.
const CONTROL: &[&str] = &[
    "if",
    "else",
    "elif",
    "for",
    "foreach",
    "while",
    "switch",
    "match",
    "catch",
    "except",
    "return",
    "await",
    "new",
    "try",
    "loop",
    "with",
    "using",
    "lock",
    "when",
    "unless",
    "until",
    "do",
    "synchronized",
    "import",
    "use",
    "from",
];

/// Names that are defined everywhere, and so point nowhere.
const COMMON: &[&str] = &[
    "new",
    "main",
    "test",
    "tests",
    "self",
    "mut",
    "default",
    "from",
    "__init__",
    "setup",
    "run",
    "get",
    "set",
    "constructor",
    "describe",
];

/// Tells each name that a diff is about, with its file.
pub(super) fn definitions(diff: &str, mut tell: impl FnMut(&str, String, About)) {
    let mut path = "";
    let (mut scopes, mut at) = (Scopes::default(), 1_u64);
    let mut lines = diff.lines().take(LINES_MAX).peekable();
    while let Some(line) = lines.next() {
        // A removed line can begin like a heading of a file, which has two lines.
        let new = lines.peek().and_then(|next| next.strip_prefix("+++ "));
        if let (Some(old), Some(new)) = (line.strip_prefix("--- "), new) {
            lines.next();
            let old = old.strip_prefix("a/").unwrap_or(old);
            let new = new.strip_prefix("b/").unwrap_or(new);
            // A file that is gone is known by its old name.
            path = if new == "/dev/null" { old } else { new };
            path = path.trim_end();
            continue;
        }
        if let Some(heading) = line.strip_prefix("@@ ") {
            let (numbers, section) = heading.split_once("@@").unwrap_or((heading, ""));
            (scopes, at) = (Scopes::default(), first_line(numbers));
            scopes.see(section.strip_prefix(' ').unwrap_or(section));
            continue;
        }
        let (is_removed, is_added) = (line.starts_with('-'), line.starts_with('+'));
        let text = line.strip_prefix(['+', '-', ' ']).unwrap_or(line);
        if is_removed || is_added {
            scopes.tell(text, at, |name, about| tell(path, name, about));
        }
        if !is_removed && !line.starts_with('\\') {
            scopes.see(text);
            at = at.saturating_add(1);
        }
    }
}

/// Tells each name that the changed lines of a file are about; `first` is the number of its
/// first line.
pub(super) fn enclosing(
    lines: &[String],
    first: u64,
    is_changed: impl Fn(u64) -> bool,
    mut tell: impl FnMut(String, About),
) {
    let mut scopes = Scopes::default();
    for (line, at) in lines.iter().zip(first..) {
        if is_changed(at) {
            scopes.tell(line, at, &mut tell);
        }
        scopes.see(line);
    }
}

/// The lines of the function around a line, by their looks; all where none is seen.
pub(in crate::offline) fn body(lines: &[String], at: usize) -> Range<usize> {
    let Some(inner) = lines.get(at).map(|line| indent(line)) else { return 0..lines.len() };
    let opens = |index: &usize| {
        let is_around = |line: &String| *index == at || indent(line) < inner;
        lines.get(*index).is_some_and(|line| is_around(line) && is_opening(line))
    };
    let Some(start) = (0..=at).rev().find(opens) else { return 0..lines.len() };
    let outer = lines.get(start).map_or(0, |line| indent(line));
    let ends =
        |line: &String| !line.trim().is_empty() && !is_aside(line.trim()) && indent(line) <= outer;
    let past = (at + 1..lines.len()).find(|index| lines.get(*index).is_some_and(ends));
    start..past.unwrap_or(lines.len())
}

/// Whether a function begins with this line, or a test of those that are called with a closure.
fn is_opening(line: &str) -> bool {
    let text = line.trim_start();
    ["it(", "test(", "it.", "test."].iter().any(|call| text.starts_with(call))
        || defined(line).is_some()
}

/// What is open at a line: names that are defined less far in than it.
#[derive(Default)]
struct Scopes {
    open: Vec<(usize, String)>,
}

impl Scopes {
    /// Takes in a line of the head.
    fn see(&mut self, line: &str) {
        let text = line.trim();
        if text.is_empty() || is_aside(text) {
            return;
        }
        let indent = indent(line);
        while self.open.last().is_some_and(|(outer, _)| *outer >= indent) {
            self.open.pop();
        }
        if let Some(name) = defined(line).filter(|_| self.open.len() < SCOPES_MAX) {
            self.open.push((indent, name));
        }
    }

    /// Tells what a changed line is about.
    fn tell(&self, line: &str, at: u64, mut tell: impl FnMut(String, About)) {
        if line.trim().is_empty() {
            return;
        }
        let inner = indent(line);
        for (indent, name) in self.open.iter().filter(|(outer, _)| *outer < inner) {
            if is_telling(name) {
                tell(name.clone(), About { line: at.max(1), indent: *indent });
            }
        }
        if let Some(name) = defined(line).filter(|name| is_telling(name)) {
            tell(name, About { line: at.max(1), indent: inner });
        }
    }
}

fn is_telling(name: &str) -> bool {
    name.chars().count() >= NAME_CHARS_MIN && !COMMON.contains(&name)
}

/// The first line in the head, by the numbers `-1,3 +1,4` of a hunk.
fn first_line(numbers: &str) -> u64 {
    let new = numbers.split_whitespace().find_map(|part| part.strip_prefix('+'));
    let first = new.and_then(|new| new.split(',').next()?.parse().ok());
    first.unwrap_or(1).min(super::LINE_MAX)
}

fn indent(line: &str) -> usize {
    let columns = |c: char| if c == '\t' { TAB_COLUMNS } else { 1 };
    line.chars().take_while(|c| c.is_whitespace()).map(columns).sum()
}

/// Whether a line goes on with what is open or is none of the code, wherever it stands: the end
/// of a list of parameters, a bound, a comment, a directive.
fn is_aside(text: &str) -> bool {
    text.starts_with([')', ']', '{', '#'])
        || is_comment(text)
        || text.split_whitespace().next() == Some("where")
}

fn is_comment(text: &str) -> bool {
    ["//", "/*", "*", "#", "--", "\"\"\"", "'''"].iter().any(|mark| text.starts_with(mark))
}

/// The name that a line defines.
fn defined(line: &str) -> Option<String> {
    let text = line.trim();
    if is_comment(text) {
        return None;
    }
    let is_outermost = indent(line) == 0;
    let mut words = text.split_whitespace();
    for _ in 0..=MODIFIERS_MAX {
        let Some(word) = words.next() else { break };
        if word == "impl" || word.starts_with("impl<") {
            return text.split_once("impl").and_then(|(_, rest)| implementing(rest));
        }
        if DEFINING.contains(&word) {
            return name_after(words);
        }
        if BINDING.contains(&word) {
            match bound(words.clone(), word) {
                Some(name) if is_outermost => return Some(name),
                Some(_) => return None,
                None => continue,
            }
        }
        let is_modifier = word.starts_with(|c: char| c.is_alphabetic() || c == '"' || c == '@')
            && !word.contains(['=', ';', ',', '.'])
            && !CONTROL.contains(&word);
        if !is_modifier {
            break;
        }
    }
    method(text)
}

fn name_after<'w>(mut words: impl Iterator<Item = &'w str>) -> Option<String> {
    let mut next = words.next()?;
    // A method of Go has its receiver between the word and the name.
    if next.starts_with('(') {
        next = words.find(|word| !word.ends_with(')') || word.contains('('))?;
    }
    identifier(next.strip_prefix("self.").unwrap_or(next))
}

/// The name that a value gets; none where the word only says more about what follows.
fn bound<'w>(mut words: impl Iterator<Item = &'w str>, word: &str) -> Option<String> {
    let mut next = words.next()?;
    if next == "mut" {
        next = words.next()?;
    }
    let is_value = next.ends_with(':') || matches!(words.next(), Some("=" | ":"));
    let is_clear = matches!(word, "let" | "var" | "val") && !DEFINING.contains(&next);
    (is_value || is_clear).then(|| identifier(next)).flatten()
}

/// The type of `impl<T> Trait for some::Type<T>`.
fn implementing(rest: &str) -> Option<String> {
    let mut depth = 0_usize;
    let after = rest.char_indices().find_map(|(at, c)| {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ if depth == 0 => return Some(at),
            _ => {}
        }
        None
    })?;
    let kind = rest.get(after..)?;
    let kind = kind.split_once(" for ").map_or(kind, |(_, kind)| kind).trim();
    let path = kind.split(['<', ' ', '{']).next().unwrap_or_default();
    identifier(path.rsplit("::").next().unwrap_or_default())
}

/// The name of a method in the languages that have no word for it: `int twice(int x) {`.
fn method(text: &str) -> Option<String> {
    if !text.ends_with('{') || text.contains(['"', '\'', '}']) || text.contains("=>") {
        return None;
    }
    let (head, _) = text.split_once('(')?;
    let mut words = head.split(|c: char| c.is_whitespace() || "*&~".contains(c));
    if head.contains(['=', '.', '!', ';']) || words.clone().any(|word| CONTROL.contains(&word)) {
        return None;
    }
    let name = words.next_back()?.rsplit("::").next()?;
    let is_whole = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_whole.then(|| identifier(name)).flatten()
}

fn identifier(word: &str) -> Option<String> {
    let name: String = word
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .take(NAME_CHARS_MAX)
        .collect();
    (!name.is_empty()).then_some(name)
}
