//! Patterns over whole paths: `*`, `**`, `?`, `[a-z]`, `{a,b}`, where only `**` crosses a `/`.

use std::sync::{Arc, OnceLock};

use globset::{Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};

use crate::RepoPath;

/// The contract's ceiling on the patterns of one question, and enough for a grant.
pub(crate) const PATTERNS_MAX: usize = 64;

/// Longer than any path pattern a person writes; keeps compiling cheap.
pub(crate) const PATTERN_BYTES_MAX: usize = 1024;

/// What the braces of all patterns may spell out together: some milliseconds of compiling.
const ALTERNATIVES_MAX: usize = 256;

/// Bytes of patterns that are compiled only when the first path is held against them: so few are
/// never too large for that.
const LATER_BYTES_MAX: usize = 4096;

/// Patterns that can be used. A path matches when any of them does.
#[derive(Debug, Clone)]
pub(crate) struct Patterns {
    globs: Vec<Glob>,
    /// Of `globs`; none if they are too large together, which [`Self::new`] refuses.
    set: Arc<OnceLock<Option<GlobSet>>>,
    beginnings: Vec<Beginning>,
}

/// What a pattern says of the directories on the way to a match.
#[derive(Debug, Clone)]
struct Beginning {
    names: Vec<Name>,
    /// Whether any directory may follow.
    deep: bool,
}

#[derive(Debug, Clone)]
enum Name {
    Any,
    Literal(String),
    Glob(GlobMatcher),
}

/// A pattern that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}`: {reason}")]
pub struct BadPattern {
    /// As given, cut.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Patterns {
    pub(crate) fn new(patterns: &[String]) -> Result<Self, BadPattern> {
        if patterns.len() > PATTERNS_MAX {
            return Err(BadPattern::new(
                &patterns[PATTERNS_MAX],
                format!("there are more than {PATTERNS_MAX} patterns"),
            ));
        }
        let mut globs = Vec::new();
        let mut beginnings = Vec::new();
        for pattern in patterns {
            let bad = |reason: String| BadPattern::new(pattern, reason);
            check(pattern).map_err(|reason| bad(reason.to_owned()))?;
            let glob = builder(pattern).build().map_err(|err| bad(err.kind().to_string()))?;
            globs.push(glob);
            let too_many =
                || bad(format!("its braces spell more than {ALTERNATIVES_MAX} patterns"));
            let room = ALTERNATIVES_MAX - beginnings.len();
            for alternative in spell_out(pattern, room).ok_or_else(too_many)? {
                beginnings.push(Beginning::of(&alternative).map_err(bad)?);
            }
        }
        let compiled = Self { globs, set: Arc::default(), beginnings };
        let bytes: usize = patterns.iter().map(String::len).sum();
        if bytes > LATER_BYTES_MAX && compiled.set().is_none() {
            let last = patterns.last().map_or("", String::as_str);
            return Err(BadPattern::new(last, "the patterns are too large together".to_owned()));
        }
        Ok(compiled)
    }

    pub(crate) fn is_match(&self, path: &RepoPath) -> bool {
        self.set().is_some_and(|set| set.is_match(path.as_str()))
    }

    fn set(&self) -> Option<&GlobSet> {
        let compile = || {
            let mut set = GlobSetBuilder::new();
            for glob in &self.globs {
                set.add(glob.clone());
            }
            set.build().ok()
        };
        self.set.get_or_init(compile).as_ref()
    }

    /// Whether something below `directory` could match. Never wrongly `false`.
    pub(crate) fn may_match_below(&self, directory: &RepoPath) -> bool {
        self.beginnings.iter().any(|beginning| beginning.leads_through(directory))
    }
}

impl BadPattern {
    fn new(pattern: &str, reason: String) -> Self {
        Self { pattern: pattern.chars().take(120).collect(), reason }
    }
}

impl Beginning {
    fn of(pattern: &str) -> Result<Self, String> {
        let mut parts: Vec<&str> = pattern.split('/').collect();
        let deep = match parts.iter().position(|part| *part == "**") {
            Some(first) => {
                parts.truncate(first);
                true
            }
            // The last part is the name of what matches.
            None => {
                parts.pop();
                false
            }
        };
        let names = parts.into_iter().map(Name::of).collect::<Result<_, _>>()?;
        Ok(Self { names, deep })
    }

    fn leads_through(&self, directory: &RepoPath) -> bool {
        let mut names = self.names.iter();
        directory.names().all(|name| names.next().map_or(self.deep, |wanted| wanted.is_match(name)))
    }
}

impl Name {
    fn of(part: &str) -> Result<Self, String> {
        if part == "*" {
            return Ok(Self::Any);
        }
        if !part.contains(['*', '?', '[', '\\']) {
            return Ok(Self::Literal(part.to_owned()));
        }
        let glob = builder(part).build().map_err(|err| err.kind().to_string())?;
        Ok(Self::Glob(glob.compile_matcher()))
    }

    fn is_match(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Literal(literal) => literal == name,
            Self::Glob(glob) => glob.is_match(name),
        }
    }
}

/// `text` as a pattern that matches nothing else.
pub(crate) fn escape(text: &str) -> String {
    // It adds no backslash and leaves those that are there, which mean something to `builder`.
    globset::escape(text).replace('\\', "\\\\")
}

fn builder(pattern: &str) -> GlobBuilder<'_> {
    let mut builder = GlobBuilder::new(pattern);
    builder.literal_separator(true).backslash_escape(true).empty_alternates(true);
    builder
}

/// Refuses what would never match, with the way to say what was probably meant.
fn check(pattern: &str) -> Result<(), &'static str> {
    if pattern.is_empty() {
        return Err("it is empty; `**` matches every file");
    }
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err("it is longer than 1024 bytes");
    }
    if pattern.contains('\0') {
        return Err("it has a NUL character, which no name may have");
    }
    if pattern.starts_with('/') {
        return Err("it begins with `/`; patterns begin at the repository's root as they are");
    }
    if pattern.ends_with('/') {
        return Err("it ends with `/`; add `**` for everything below");
    }
    if pattern.split('/').any(|part| part == "." || part == "..") {
        return Err("it has `.` or `..`; patterns begin at the repository's root");
    }
    Ok(())
}

/// The patterns that the braces of `pattern` stand for, at most `most`.
fn spell_out(pattern: &str, most: usize) -> Option<Vec<String>> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(pattern) = open.pop() {
        if done.len() + open.len() >= most {
            return None;
        }
        match first_braces(&pattern) {
            None => done.push(pattern),
            Some((start, end, choices)) => {
                let whole = |choice| [&pattern[..start], choice, &pattern[end..]].concat();
                open.extend(choices.into_iter().map(whole));
            }
        }
    }
    Some(done)
}

/// The outermost braces that come first: where they begin, where they end, what they choose from.
fn first_braces(pattern: &str) -> Option<(usize, usize, Vec<&str>)> {
    let (mut start, mut from, mut choices) = (0, 0, Vec::new());
    let (mut depth, mut in_class) = (0_u32, false);
    let mut chars = pattern.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            ']' => in_class = false,
            _ if in_class => {}
            '[' => {
                in_class = true;
                // A `]` right after `[`, `[!` or `[^` is a member.
                let rest = &pattern[at + 1..];
                let skip = usize::from(rest.starts_with(['!', '^']));
                if rest[skip..].starts_with(']') {
                    chars.by_ref().take(skip + 1).for_each(drop);
                }
            }
            '{' => {
                depth += 1;
                if depth == 1 {
                    (start, from) = (at, at + 1);
                }
            }
            ',' if depth == 1 => {
                choices.push(&pattern[from..at]);
                from = at + 1;
            }
            '}' if depth == 1 => {
                choices.push(&pattern[from..at]);
                return Some((start, at + 1, choices));
            }
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    #[test]
    fn a_pattern_is_held_against_the_whole_path() {
        let table = [
            ("*.rs", "a.rs", true),
            ("*.rs", "src/a.rs", false),
            ("**/*.rs", "a.rs", true),
            ("**/*.rs", "src/x/a.rs", true),
            ("src/**", "src/x/a.rs", true),
            ("src/**", "src", false),
            ("src/*/a.rs", "src/x/a.rs", true),
            ("src/*/a.rs", "src/x/y/a.rs", false),
            ("{src,lib/core}/*.rs", "lib/core/a.rs", true),
            ("{a,}b", "b", true),
            ("?.rs", "a.rs", true),
            ("?.rs", "/.rs", false),
            ("[a-c]", "b", true),
            ("[!a-c]", "b", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("*", ".hidden", true),
        ];
        for (pattern, text, expected) in table {
            let patterns = Patterns::new(&[pattern.to_owned()]).unwrap();
            let found = RepoPath::parse(text).is_ok_and(|path| patterns.is_match(&path));
            assert_eq!(found, expected, "{pattern} against {text}");
        }
    }

    #[test]
    fn a_directory_is_left_out_only_if_nothing_below_can_match() {
        let table = [
            ("src/**/*.rs", "", true),
            ("src/**/*.rs", "src/a/b", true),
            ("src/**/*.rs", "target", false),
            ("src/*.rs", "src", true),
            ("src/*.rs", "src/a", false),
            ("*/t?st/x", "a/test", true),
            ("*/t?st/x", "a/toast", false),
            ("{a/{b,c},[{,]}/d", "a/c", true),
            ("{a/{b,c},[{,]}/d", ",", true),
            ("{a/{b,c},[{,]}/d", "a/d", false),
            ("**", "a/b/c", true),
            ("a", "", true),
            ("a", "a", false),
        ];
        for (pattern, directory, expected) in table {
            let patterns = Patterns::new(&[pattern.to_owned()]).unwrap();
            let may = patterns.may_match_below(&path(directory));
            assert_eq!(may, expected, "{pattern} below {directory}");
        }
    }

    #[test]
    fn what_is_compiled_later_can_be() {
        let classes = "[!a-zä-ö\u{10000}-\u{10ffff}]";
        for dense in ["?", "*", "**/", "[!ab]", classes, "{a,b,c}*/", "*?"] {
            let one = dense.repeat(PATTERN_BYTES_MAX / dense.len());
            let one = one.trim_end_matches('/').to_owned();
            let all = vec![one.clone(); LATER_BYTES_MAX / one.len()];
            let Ok(patterns) = Patterns::new(&all) else { continue };
            assert!(patterns.set().is_some(), "{dense}");
        }
    }

    #[test]
    fn a_pattern_that_could_never_match_is_refused_with_the_reason() {
        let bomb = "{a,b}".repeat(9);
        let long = "a".repeat(PATTERN_BYTES_MAX + 1);
        for bad in ["", "/a", "a/", "./a", "a/../b", "a{", "[b-a]", "a\0", &bomb, &long] {
            assert!(Patterns::new(&[bad.to_owned()]).is_err(), "{bad}");
        }
        assert!(Patterns::new(&vec!["a".to_owned(); PATTERNS_MAX]).is_ok());
        assert!(Patterns::new(&vec!["a".to_owned(); PATTERNS_MAX + 1]).is_err());
    }
}
