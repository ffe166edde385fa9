//! `vendor/modules.txt`: which modules `go mod vendor` and `go work vendor` copied.
//!
//! A module is a line (`# path version => replacement`), remarks about it (`## explicit; go 1.20`),
//! and a line for each package of it that was copied. At the end stand replacements that changed
//! nothing. The reference is `readVendorList` in go's own `cmd/go/internal/modload/vendor.go`.

use super::is_version;
use super::modfile::Target;
use crate::format::{PACKAGES_MAX, word};
use crate::text::is_conflict_mark;

/// What a file lists.
#[derive(Debug, Default)]
pub(super) struct Vendored<'a> {
    /// Whether they are of all modules of a workspace.
    pub(super) is_of_workspace: bool,
    pub(super) modules: Vec<Module<'a>>,
    /// Whether any line was understood, or there is none.
    pub(super) is_one: bool,
}

/// A module that was copied, or whose requirement is recorded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Module<'a> {
    pub(super) path: &'a str,
    /// None where another stands in for every version.
    pub(super) version: Option<&'a str>,
    /// What stands in for it.
    pub(super) new: Option<Target<'a>>,
    pub(super) line: u32,
}

/// What the lines below belong to.
#[derive(Debug, Clone, Copy)]
enum Above<'a> {
    /// A module that is listed as soon as something says that it is used.
    Unused(Module<'a>),
    /// A module that is listed, or a line that was told of.
    Done,
    Nothing,
}

impl<'a> Vendored<'a> {
    /// Reads a file; a line that is none is told and left out.
    pub(super) fn parse(text: &'a str, mut fault: impl FnMut(u32, &'static str)) -> Self {
        let mut vendored = Self { is_one: text.trim().is_empty(), ..Self::default() };
        let mut above = Above::Nothing;
        for (line, number) in text.lines().zip(1u32..) {
            let words: Vec<&str> = line.split_whitespace().take(WORDS_MAX).collect();
            match words.as_slice() {
                [] => {}
                _ if is_conflict_mark(line) => fault(number, "the mark of a merge conflict"),
                ["##", ..] => {
                    let mut remarks = line.trim_start_matches('#').split(';').map(str::trim);
                    if remarks.clone().any(|remark| remark == "workspace") {
                        vendored.is_of_workspace = true;
                        vendored.is_one = true;
                    }
                    if remarks.any(|remark| remark == "explicit") {
                        above = vendored.list(above);
                    }
                }
                ["#", rest @ ..] => match header(rest, number) {
                    Some(_) if vendored.modules.len() == PACKAGES_MAX => {
                        fault(number, "more lines than any modules.txt has");
                        break;
                    }
                    Some(module) => {
                        vendored.is_one = true;
                        above = Above::Unused(module);
                    }
                    None => {
                        fault(number, "not a module: `# path version [=> replacement]`");
                        above = Above::Done;
                    }
                },
                [_package] => match above {
                    Above::Nothing => fault(number, "a package of no module"),
                    Above::Unused(_) | Above::Done => above = vendored.list(above),
                },
                _ => fault(number, "no line of a modules.txt"),
            }
        }
        vendored
    }

    fn list(&mut self, above: Above<'a>) -> Above<'a> {
        if let Above::Unused(module) = above {
            self.modules.push(module);
            return Above::Done;
        }
        above
    }
}

/// As many words as a line may have, and one more.
const WORDS_MAX: usize = 7;

/// `path version`, `path version => replacement`, `path => replacement`.
fn header<'a>(words: &[&'a str], line: u32) -> Option<Module<'a>> {
    let (path, version, new) = match words {
        [path, "=>", new @ ..] => (path, None, new),
        [path, version] => (path, Some(*version), &[][..]),
        [path, version, "=>", new @ ..] => (path, Some(*version), new),
        _ => return None,
    };
    let new = match new {
        [] if version.is_some() => None,
        [dir] => Some(Target::Directory(dir)),
        [path, version] if is_usable(version) => {
            Some(Target::Module { path: word(path)?, version })
        }
        _ => return None,
    };
    let path = word(path)?;
    version.is_none_or(is_usable).then_some(Module { path, version, new, line })
}

fn is_usable(version: &str) -> bool {
    word(version).is_some() && is_version(version)
}
