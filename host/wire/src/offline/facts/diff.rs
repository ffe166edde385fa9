//! Which names a change defines: read off a unified diff by the look of its lines.

/// A name that a changed line defines, or that the heading of a hunk says the change lies in.
pub(in crate::offline) type Defined = String;

/// Longest diff that is read, in lines. The tool cuts it far earlier.
const LINES_MAX: usize = 50_000;

/// Shorter names are too common to tie a test to a change.
const NAME_CHARS_MIN: usize = 3;

/// Longest name.
const NAME_CHARS_MAX: usize = 80;

/// Words after which a name is defined, in the languages that CI mostly sees.
const DEFINING: &[&str] = &[
    "fn",
    "struct",
    "enum",
    "trait",
    "mod",
    "const",
    "static",
    "type",
    "macro_rules!",
    "def",
    "class",
    "func",
    "function",
    "interface",
    "module",
    "object",
    "record",
    "sub",
    "fun",
    "val",
    "var",
    "let",
];

/// Names that are defined everywhere, and so point nowhere.
const COMMON: &[&str] = &[
    "new", "main", "test", "tests", "self", "mut", "default", "from", "__init__", "setup", "run",
    "get", "set",
];

/// Tells each name that a diff defines, with its file.
pub(super) fn definitions(diff: &str, mut tell: impl FnMut(&str, Defined)) {
    let (mut old, mut path) = ("", "");
    for line in diff.lines().take(LINES_MAX) {
        if let Some(name) = line.strip_prefix("--- ") {
            old = name.strip_prefix("a/").unwrap_or(name);
            continue;
        }
        if let Some(name) = line.strip_prefix("+++ ") {
            path = name.strip_prefix("b/").unwrap_or(name);
            // A file that is gone is known by its old name.
            path = if path == "/dev/null" { old } else { path };
            continue;
        }
        let heading = line.strip_prefix("@@ ").and_then(|rest| rest.split_once(" @@"));
        let changed = line.strip_prefix(['+', '-']).or(heading.map(|(_, heading)| heading));
        if let Some(name) = changed.and_then(defined) {
            tell(path.trim_end(), name);
        }
    }
}

/// The name that a line defines.
fn defined(line: &str) -> Option<Defined> {
    let mut words = line.split_whitespace();
    words.find(|word| DEFINING.contains(word))?;
    let mut next = words.next()?;
    if next == "mut" {
        next = words.next()?;
    }
    // A method of Go has its receiver between the word and the name.
    if next.starts_with('(') {
        next = words.find(|word| !word.ends_with(')') || word.contains('('))?;
    }
    let name: String = next
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .take(NAME_CHARS_MAX)
        .collect();
    (name.chars().count() >= NAME_CHARS_MIN && !COMMON.contains(&name.as_str())).then_some(name)
}
