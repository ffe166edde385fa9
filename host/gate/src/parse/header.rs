//! What stands before the hunks of a file: git's extended headers, and the two names.

use super::{Lines, PatchProblem, Result};

type Told<T> = std::result::Result<T, PatchProblem>;

/// Git's headers. All absent for a plain diff.
#[derive(Default)]
pub(super) struct Header<'a> {
    /// Both names of the line `diff --git`, not yet told apart.
    git: Option<&'a str>,
    is_new: Option<()>,
    is_deleted: Option<()>,
    index: Option<()>,
    similarity: Option<()>,
    old_mode: Option<()>,
    from: Option<String>,
    to: Option<String>,
}

/// The old and the new name; none where the file is not there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
}

impl<'a> Header<'a> {
    pub(super) fn read(lines: &mut Lines<'a>) -> Result<Self> {
        let at = lines.number();
        let git = lines.next_after("diff --git ");
        without_cr(git.unwrap_or_default()).map_err(|problem| problem.at(at))?;
        let mut header = Self { git, ..Self::default() };
        while header.is_git()
            && let Some(line) = lines.peek()
        {
            let bare = line.strip_suffix('\r').unwrap_or(line);
            let taken = header.take(bare).map_err(|problem| problem.at(lines.number()))?;
            if !taken {
                break;
            }
            without_cr(line).map_err(|problem| problem.at(lines.number()))?;
            lines.at += 1;
        }
        Ok(header)
    }

    pub(super) fn is_git(&self) -> bool {
        self.git.is_some()
    }

    pub(super) fn is_rename(&self) -> bool {
        self.from.is_some() && self.to.is_some()
    }

    /// Takes a line, if it is a header.
    fn take(&mut self, line: &str) -> Told<bool> {
        if let Some(mode) = line.strip_prefix("new file mode ") {
            plain_mode(mode)?;
            once(&mut self.is_new, (), "new file mode")?;
        } else if let Some(mode) = line.strip_prefix("deleted file mode ") {
            known_mode(mode)?;
            once(&mut self.is_deleted, (), "deleted file mode")?;
        } else if let Some(name) = line.strip_prefix("rename from ") {
            once(&mut self.from, whole_name(name)?, "rename from")?;
        } else if let Some(name) = line.strip_prefix("rename to ") {
            once(&mut self.to, whole_name(name)?, "rename to")?;
        } else if let Some(index) = line.strip_prefix("index ") {
            check_index(index)?;
            once(&mut self.index, (), "index")?;
        } else if let Some(percent) =
            after_any(line, &["similarity index ", "dissimilarity index "])
        {
            check_percent(percent)?;
            once(&mut self.similarity, (), "similarity index")?;
        } else if let Some(mode) = line.strip_prefix("old mode ") {
            known_mode(mode)?;
            once(&mut self.old_mode, (), "old mode")?;
        } else if let Some(mode) = line.strip_prefix("new mode ") {
            known_mode(mode)?;
            return Err(PatchProblem::ModeChange);
        } else if after_any(line, &["copy from ", "copy to "]).is_some() {
            return Err(PatchProblem::Copy);
        } else if after_any(line, &["GIT binary patch", "Binary files "]).is_some() {
            return Err(PatchProblem::Binary);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// The names that all lines of the head agree on.
    pub(super) fn agreed(&self, names: Option<Names>) -> Told<Names> {
        let Some(git) = self.git else {
            return names.ok_or(PatchProblem::NoChange);
        };
        if self.old_mode.is_some() {
            return Err(PatchProblem::ModeChange);
        }
        match (self.from.is_some(), self.to.is_some()) {
            (true, false) => {
                return Err(PatchProblem::Contradiction("`rename from` without `rename to`"));
            }
            (false, true) => {
                return Err(PatchProblem::Contradiction("`rename to` without `rename from`"));
            }
            (true, true) | (false, false) => {}
        }
        let names = match names {
            Some(names) => names,
            None => self.without_text(git)?,
        };
        self.check_kind(&names)?;
        check_git_line(git, &names)?;
        Ok(names)
    }

    /// The names of a head without the lines `---` and `+++`.
    fn without_text(&self, git: &str) -> Told<Names> {
        if let (Some(from), Some(to)) = (&self.from, &self.to) {
            return Ok(Names { old: Some(from.clone()), new: Some(to.clone()) });
        }
        let name = equal_names(git)?;
        let old = self.is_new.is_none().then(|| name.clone());
        Ok(Names { old, new: self.is_deleted.is_none().then_some(name) })
    }

    fn check_kind(&self, Names { old, new }: &Names) -> Told<()> {
        let wrong = |why| Err(PatchProblem::Contradiction(why));
        let kinds = [self.is_new, self.is_deleted, self.is_rename().then_some(())];
        match () {
            () if kinds.iter().flatten().count() > 1 => {
                wrong("a file is either new, or deleted, or renamed")
            }
            () if self.is_new.is_some() && old.is_some() => wrong("a new file has `--- /dev/null`"),
            () if self.is_deleted.is_some() && new.is_some() => {
                wrong("a deleted file has `+++ /dev/null`")
            }
            // Without them git looks for a file of that name.
            () if old.is_none() && self.is_new.is_none() => {
                wrong("a new file needs the line `new file mode 100644`")
            }
            () if new.is_none() && self.is_deleted.is_none() => {
                wrong("a deleted file needs the line `deleted file mode 100644`")
            }
            () if self.is_rename() && (old != &self.from || new != &self.to) => {
                wrong("`---` and `+++` name other files than `rename from` and `rename to`")
            }
            () => Ok(()),
        }
    }
}

impl Names {
    /// The lines `---` and `+++` below a header, if the next line is the first of them.
    pub(super) fn read(lines: &mut Lines<'_>, header: &Header<'_>) -> Result<Option<Self>> {
        let line = lines.number();
        let Some(old) = lines.next_after("--- ") else { return Ok(None) };
        let is_clear = |text| {
            without_cr(text)?;
            if header.is_git() { Ok(()) } else { without_time(text) }
        };
        let old = is_clear(old).and_then(|()| side_name(old, "a/"));
        let old = old.map_err(|problem| problem.at(line))?;
        let Some(new) = lines.next_after("+++ ") else {
            return Err(lines.unexpected("`+++ b/path`, or `+++ /dev/null`"));
        };
        let new = is_clear(new).and_then(|()| side_name(new, "b/"));
        let new = new.map_err(|problem| problem.at(line + 1))?;
        Ok(Some(Self { old, new }))
    }
}

/// Lines of a head end with LF, also where those of the file end with CRLF.
fn without_cr(line: &str) -> Told<()> {
    if line.ends_with('\r') { Err(PatchProblem::HeadLineEnd) } else { Ok(()) }
}

/// Without git's header, git takes the end of a name for a time if it looks like one, and no tab
/// stands between them.
fn without_time(text: &str) -> Told<()> {
    let like_time = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    if !text.contains('\t') && text.split(' ').skip(1).any(like_time) {
        return Err(PatchProblem::BadName(
            "its end could be a time; write a tab after it, or a line `diff --git` above",
        ));
    }
    Ok(())
}

fn once<T>(slot: &mut Option<T>, value: T, header: &'static str) -> Told<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(PatchProblem::Twice(header)),
    }
}

fn after_any<'a>(line: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    prefixes.iter().find_map(|prefix| line.strip_prefix(prefix))
}

/// A mode that a file here may have had.
fn known_mode(mode: &str) -> Told<()> {
    match mode {
        "100644" | "100755" => Ok(()),
        "120000" => Err(PatchProblem::Symlink),
        "160000" => Err(PatchProblem::Submodule),
        _ => Err(PatchProblem::BadMode),
    }
}

/// The one mode that a new file may have.
fn plain_mode(mode: &str) -> Told<()> {
    known_mode(mode)?;
    if mode == "100644" { Ok(()) } else { Err(PatchProblem::ModeChange) }
}

/// `<hash>..<hash>`, and a mode that does not change.
fn check_index(index: &str) -> Told<()> {
    let (hashes, mode) = match index.split_once(' ') {
        Some((hashes, mode)) => (hashes, Some(mode)),
        None => (index, None),
    };
    let is_hash = |hash: &str| {
        (4..=64).contains(&hash.len()) && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match hashes.split_once("..") {
        Some((old, new)) if is_hash(old) && is_hash(new) => mode.map_or(Ok(()), known_mode),
        _ => Err(PatchProblem::Contradiction("`index` is not followed by two hashes")),
    }
}

fn check_percent(percent: &str) -> Told<()> {
    let number = percent.strip_suffix('%').and_then(|number| number.parse::<u8>().ok());
    match number {
        Some(0..=100) => Ok(()),
        _ => Err(PatchProblem::Contradiction("the similarity is not a percentage")),
    }
}

/// The name after `---` or `+++`: `/dev/null`, or a path after its prefix; then perhaps a tab
/// and a time.
fn side_name(text: &str, prefix: &str) -> Told<Option<String>> {
    if text.starts_with('"') {
        let (name, rest) = unquote(text)?;
        if !rest.is_empty() && !rest.starts_with('\t') {
            return Err(PatchProblem::BadName("something follows the closing quote"));
        }
        return strip(&name, prefix).map(Some);
    }
    let name = text.split('\t').next().unwrap_or_default();
    if name == "/dev/null" { Ok(None) } else { strip(name, prefix).map(Some) }
}

fn strip(name: &str, prefix: &str) -> Told<String> {
    match name.strip_prefix(prefix) {
        Some(path) => Ok(path.to_owned()),
        None => Err(PatchProblem::BadName("write `--- a/path` and `+++ b/path`, or `/dev/null`")),
    }
}

/// A name that takes the rest of its line.
fn whole_name(text: &str) -> Told<String> {
    if !text.starts_with('"') {
        return Ok(text.to_owned());
    }
    match unquote(text)? {
        (name, "") => Ok(name),
        _ => Err(PatchProblem::BadName("something follows the closing quote")),
    }
}

/// Holds the line `diff --git` against the names that are known from the other lines.
fn check_git_line(git: &str, names: &Names) -> Told<()> {
    let differ =
        PatchProblem::Contradiction("`diff --git` names other files than the lines below it");
    let (Some(old), Some(new)) =
        (names.old.as_ref().or(names.new.as_ref()), names.new.as_ref().or(names.old.as_ref()))
    else {
        return Ok(());
    };
    let rest = if git.starts_with('"') {
        let (first, rest) = unquote(git)?;
        (first.strip_prefix("a/") == Some(old)).then_some(rest)
    } else {
        git.strip_prefix("a/").and_then(|rest| rest.strip_prefix(old.as_str()))
    };
    match rest.and_then(|rest| rest.strip_prefix(' ')) {
        Some(second) if whole_name(second)?.strip_prefix("b/") == Some(new) => Ok(()),
        _ => Err(differ),
    }
}

/// The one name of a line `diff --git` whose both names are equal.
fn equal_names(git: &str) -> Told<String> {
    let unequal =
        PatchProblem::BadName("write `diff --git a/path b/path` with the same path twice");
    if git.starts_with('"') {
        let (first, rest) = unquote(git)?;
        let second = whole_name(rest.strip_prefix(' ').ok_or(unequal.clone())?)?;
        let name = strip(&first, "a/")?;
        return if second.strip_prefix("b/") == Some(&name) { Ok(name) } else { Err(unequal) };
    }
    // `a/NAME b/NAME`: NAME may have spaces, but the middle one parts equal halves.
    let halves = git.split_at_checked(git.len() / 2);
    let name = halves.and_then(|(old, new)| {
        let (old, new) = (old.strip_prefix("a/")?, new.strip_prefix(" b/")?);
        (old == new).then(|| old.to_owned())
    });
    name.ok_or(unequal)
}

/// Reads a name in git's quotes; what follows the closing one.
fn unquote(text: &str) -> Told<(String, &str)> {
    let bad = PatchProblem::BadName;
    let mut name = Vec::new();
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => {
                let name = String::from_utf8(name).map_err(|_| bad("it is not UTF-8"))?;
                // A quote is one byte, so what follows begins at a character.
                return Ok((name, text.get(at + 1..).unwrap_or_default()));
            }
            b'\\' => {
                let (_, escape) = bytes.next().ok_or(bad("it ends within an escape"))?;
                let digits = [
                    Some(escape),
                    bytes.clone().next().map(|(_, b)| b),
                    bytes.clone().nth(1).map(|(_, b)| b),
                ];
                if (b'0'..=b'3').contains(&escape) {
                    name.push(octal(digits).ok_or(bad("an escape needs three octal digits"))?);
                    bytes.nth(1);
                } else {
                    name.push(unescape(escape).ok_or(bad("unknown escape"))?);
                }
            }
            byte => name.push(byte),
        }
    }
    Err(bad("the closing quote is missing"))
}

fn octal(digits: [Option<u8>; 3]) -> Option<u8> {
    digits.into_iter().try_fold(0_u8, |value, digit| {
        let digit = digit.filter(|digit| (b'0'..=b'7').contains(digit))?;
        value.checked_mul(8)?.checked_add(digit - b'0')
    })
}

fn unescape(escape: u8) -> Option<u8> {
    Some(match escape {
        b'a' => 0x07,
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 0x0b,
        b'f' => 0x0c,
        b'r' => b'\r',
        b'"' | b'\\' => escape,
        _ => return None,
    })
}
