//! The language of `go.mod` and `go.work`: a directive a line, or several in a block.

use std::collections::BTreeSet;

use crate::format::{PACKAGES_MAX, word};
use crate::text::is_conflict_mark;

/// What a file says, as far as a graph of modules needs it.
#[derive(Debug, Default)]
pub(super) struct ModFile<'a> {
    /// The module's own path, and the line.
    pub(super) module: Option<(&'a str, u32)>,
    /// The version of the language, without `go`.
    pub(super) go: Option<&'a str>,
    pub(super) requires: Vec<Require<'a>>,
    pub(super) replaces: Vec<Replace<'a>>,
    /// Versions that must not be chosen.
    pub(super) excludes: BTreeSet<(&'a str, &'a str)>,
    /// Packages that are programs to develop with.
    pub(super) tools: Vec<&'a str>,
    /// Directories of a workspace's modules.
    pub(super) uses: Vec<&'a str>,
    /// Whether any line was understood.
    pub(super) is_one: bool,
}

/// That a version of a module is needed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Require<'a> {
    pub(super) path: &'a str,
    pub(super) version: &'a str,
    /// Whether only other modules need it.
    pub(super) indirect: bool,
    pub(super) line: u32,
}

/// That another module stands in for one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Replace<'a> {
    pub(super) old: &'a str,
    /// None for every version.
    pub(super) version: Option<&'a str>,
    pub(super) new: Target<'a>,
    pub(super) line: u32,
}

/// What stands in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target<'a> {
    Module { path: &'a str, version: &'a str },
    Directory(&'a str),
}

impl<'a> ModFile<'a> {
    /// Reads a file; a line that is no directive is told and left out.
    pub(super) fn parse(text: &'a str, mut fault: impl FnMut(u32, &'static str)) -> Self {
        let mut file = Self::default();
        let mut block: Option<&str> = None;
        let mut tokens = Vec::new();
        for (line, number) in text.lines().zip(1u32..) {
            if is_conflict_mark(line) {
                fault(number, "the mark of a merge conflict");
                continue;
            }
            let comment = split(line, &mut tokens);
            // A block that lost its end to a merge does not take what follows with it.
            if let (Some(_), [verb, _, ..]) = (block, tokens.as_slice())
                && is_directive(verb)
            {
                fault(number, "the block before it has no end");
                block = None;
            }
            match (block, tokens.as_slice()) {
                (_, []) | (None, [")"]) => {}
                (Some(_), [")"]) => block = None,
                (None, [verb, "("]) => {
                    if !is_directive(verb) {
                        fault(number, "no directive this tool knows");
                    }
                    block = Some(verb);
                }
                (None, [verb, rest @ ..]) => {
                    let taken = file.take(verb, rest, comment, number);
                    taken.unwrap_or_else(|reason| fault(number, reason));
                }
                (Some(verb), rest) if is_directive(verb) => {
                    let taken = file.take(verb, rest, comment, number);
                    taken.unwrap_or_else(|reason| fault(number, reason));
                }
                (Some(_), _) => {}
            }
        }
        file
    }

    fn take(
        &mut self,
        verb: &str,
        tokens: &[&'a str],
        comment: &str,
        line: u32,
    ) -> Result<(), &'static str> {
        match (verb, tokens) {
            ("module", [path]) => {
                let path = word(path).ok_or("a module without a usable name")?;
                self.module.get_or_insert((path, line));
            }
            ("go", [version]) => self.go = word(version),
            ("require", [path, version]) => {
                let path = word(path).ok_or("a requirement without a usable name")?;
                let version = word(version).ok_or("a requirement without a usable version")?;
                let indirect = is_indirect(comment);
                push(&mut self.requires, Require { path, version, indirect, line })?;
            }
            ("replace", _) => push(&mut self.replaces, replace(tokens, line)?)?,
            ("exclude", [path, version]) => _ = self.excludes.insert((path, version)),
            ("tool", [package]) => push(&mut self.tools, *package)?,
            ("use", [dir]) => push(&mut self.uses, *dir)?,
            ("retract" | "toolchain" | "godebug" | "ignore", [_, ..]) => {}
            ("module" | "go" | "require" | "exclude" | "tool" | "use", _) => {
                return Err("not what this directive says");
            }
            _ => return Err("no directive this tool knows"),
        }
        self.is_one = true;
        Ok(())
    }
}

fn push<T>(list: &mut Vec<T>, item: T) -> Result<(), &'static str> {
    if list.len() == PACKAGES_MAX {
        return Err("more lines than any go.mod has");
    }
    list.push(item);
    Ok(())
}

fn is_directive(verb: &str) -> bool {
    matches!(
        verb,
        "module"
            | "go"
            | "toolchain"
            | "godebug"
            | "require"
            | "exclude"
            | "replace"
            | "retract"
            | "tool"
            | "ignore"
            | "use"
    )
}

fn replace<'a>(tokens: &[&'a str], line: u32) -> Result<Replace<'a>, &'static str> {
    const UNUSABLE: &str = "not a replacement: `old [version] => new [version]`";
    let (old, version, new) = match tokens {
        [old, "=>", new @ ..] => (*old, None, new),
        [old, version, "=>", new @ ..] => (*old, Some(*version), new),
        _ => return Err(UNUSABLE),
    };
    let new = match new {
        [dir] => Target::Directory(dir),
        [path, version] => Target::Module {
            path: word(path).ok_or(UNUSABLE)?,
            version: word(version).ok_or(UNUSABLE)?,
        },
        _ => return Err(UNUSABLE),
    };
    Ok(Replace { old: word(old).ok_or(UNUSABLE)?, version, new, line })
}

/// `// indirect`, alone or before another remark.
fn is_indirect(comment: &str) -> bool {
    let comment = comment.trim();
    comment == "indirect" || comment.starts_with("indirect;")
}

/// The words of a line, and the remark at its end.
fn split<'a>(line: &'a str, tokens: &mut Vec<&'a str>) -> &'a str {
    tokens.clear();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("//") {
            return comment;
        }
        let (token, after) = match first {
            '"' | '`' => match rest[1..].split_once(first) {
                Some((token, after)) => (token, after),
                None => (&rest[1..], ""),
            },
            '(' | ')' | '[' | ']' | ',' => rest.split_at(1),
            _ => rest.split_at(end_of_word(rest)),
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    ""
}

fn end_of_word(text: &str) -> usize {
    let is_end = |c: char| c.is_whitespace() || "()[],".contains(c);
    let end = text.find(is_end).unwrap_or(text.len());
    text[..end].find("//").unwrap_or(end)
}
