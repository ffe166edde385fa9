//! What a patch can say. A value of [`Patch`] was read by `parse`, and can be written back.
//!
//! What has no place here cannot leave: modes, symbolic links, submodules, copies, binaries.

use std::fmt;

/// Changes of files, in the order in which they were proposed. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    // Invariant: never empty; only `parse` makes one.
    pub(crate) files: Vec<FileChange>,
}

/// What happens to one file. Names are as proposed: only [`ValidPatch`](crate::ValidPatch)
/// promises that they are harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// A regular file that was not there.
    Add {
        /// Where.
        path: String,
        /// All of it.
        content: String,
    },
    /// Lines of a file change.
    Modify {
        /// Where.
        path: String,
        /// At least one, in the order of the old file, without overlap.
        hunks: Vec<Hunk>,
    },
    /// A file goes.
    Delete {
        /// Where.
        path: String,
        /// All that the file must hold for this to apply.
        content: String,
    },
    /// A file moves, and may change on the way.
    Rename {
        /// Where it was.
        from: String,
        /// Where it goes.
        to: String,
        /// As of [`FileChange::Modify`]; none if only the name changes.
        hunks: Vec<Hunk>,
    },
}

/// A place in a file where lines change. At least one line is added or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    // Where the patch says the hunk begins in the old file, counted from 1.
    pub(crate) old_start: u32,
    // The same of the new file.
    pub(crate) new_start: u32,
    // Invariant: only the last line of each side may lack its line end.
    pub(crate) lines: Vec<Line>,
}

/// A line of a hunk with its line end, which only the last line of a file may lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// In both files.
    Context(String),
    /// In the old file only.
    Remove(String),
    /// In the new file only.
    Add(String),
}

impl Patch {
    /// The changes, in the order in which they were proposed.
    #[must_use]
    pub fn files(&self) -> &[FileChange] {
        &self.files
    }

    /// The canonical text: equal patches have equal texts, and it parses to an equal patch.
    ///
    /// It is a git patch; modes of files that are not new, hashes and headings are left out.
    #[must_use]
    pub fn to_diff(&self) -> String {
        self.to_string()
    }
}

impl FileChange {
    /// The paths this change touches: one, or both ends of a rename.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            Self::Add { path, .. } | Self::Modify { path, .. } | Self::Delete { path, .. } => {
                (path, None)
            }
            Self::Rename { from, to, .. } => (from, Some(to)),
        };
        std::iter::once(first).chain(second).map(String::as_str)
    }

    /// Lines that are in the new file only.
    #[must_use]
    pub fn added(&self) -> usize {
        match self {
            Self::Add { content, .. } => content.lines().count(),
            Self::Delete { .. } => 0,
            Self::Modify { hunks, .. } | Self::Rename { hunks, .. } => {
                count(hunks, |line| matches!(line, Line::Add(_)))
            }
        }
    }

    /// Lines that are in the old file only.
    #[must_use]
    pub fn removed(&self) -> usize {
        match self {
            Self::Add { .. } => 0,
            Self::Delete { content, .. } => content.lines().count(),
            Self::Modify { hunks, .. } | Self::Rename { hunks, .. } => {
                count(hunks, |line| matches!(line, Line::Remove(_)))
            }
        }
    }
}

fn count(hunks: &[Hunk], is: impl Fn(&Line) -> bool) -> usize {
    hunks.iter().flat_map(Hunk::lines).filter(|line| is(line)).count()
}

impl Hunk {
    /// Where the patch says the hunk begins in the old file, counted from 1; 0 if that is empty.
    #[must_use]
    pub fn old_start(&self) -> u32 {
        self.old_start
    }

    /// Where the patch says it begins in the new file, in the same way.
    #[must_use]
    pub fn new_start(&self) -> u32 {
        self.new_start
    }

    /// Whether the two starts say the same, when the hunks above take `gone` lines of the file
    /// and put `come` in their place.
    pub(crate) fn agrees(&self, gone: usize, come: usize) -> bool {
        let first = |start: u32, is_empty: bool| {
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            if is_empty { start.saturating_add(1) } else { start }
        };
        let old = first(self.old_start, self.old_side().next().is_none());
        let new = first(self.new_start, self.new_side().next().is_none());
        old.saturating_add(come) == new.saturating_add(gone)
    }

    /// Its lines.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// What the old file must hold here.
    pub(crate) fn old_side(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| match line {
            Line::Context(text) | Line::Remove(text) => Some(text.as_str()),
            Line::Add(_) => None,
        })
    }

    /// What the new file holds here.
    pub(crate) fn new_side(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| match line {
            Line::Context(text) | Line::Add(text) => Some(text.as_str()),
            Line::Remove(_) => None,
        })
    }

    /// Whether this must be the end of the file: the last line of a side has no line end.
    pub(crate) fn is_last(&self) -> bool {
        let open = |text: Option<&str>| text.is_some_and(|text| !text.ends_with('\n'));
        open(self.old_side().last()) || open(self.new_side().last())
    }
}

impl Line {
    fn parts(&self) -> (char, &str) {
        match self {
            Self::Context(text) => (' ', text),
            Self::Remove(text) => ('-', text),
            Self::Add(text) => ('+', text),
        }
    }
}

impl fmt::Display for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.iter().try_for_each(|file| file.fmt(f))
    }
}

impl fmt::Display for FileChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add { path, content } => {
                writeln!(f, "diff --git {} {}", Name("a/", path), Name("b/", path))?;
                writeln!(f, "new file mode 100644")?;
                let (name, lines) = (Name("b/", path), content.lines().count());
                write_whole(
                    f,
                    '+',
                    content,
                    format_args!("--- /dev/null\n+++ {name:#}\n@@ -0,0 +1,{lines} @@"),
                )
            }
            Self::Delete { path, content } => {
                writeln!(f, "diff --git {} {}", Name("a/", path), Name("b/", path))?;
                writeln!(f, "deleted file mode 100644")?;
                let (name, lines) = (Name("a/", path), content.lines().count());
                write_whole(
                    f,
                    '-',
                    content,
                    format_args!("--- {name:#}\n+++ /dev/null\n@@ -1,{lines} +0,0 @@"),
                )
            }
            Self::Modify { path, hunks } => {
                writeln!(f, "diff --git {} {}", Name("a/", path), Name("b/", path))?;
                write_hunks(f, path, path, hunks)
            }
            Self::Rename { from, to, hunks } => {
                writeln!(f, "diff --git {} {}", Name("a/", from), Name("b/", to))?;
                writeln!(f, "rename from {}\nrename to {}", Name("", from), Name("", to))?;
                write_hunks(f, from, to, hunks)
            }
        }
    }
}

/// All of a file, after its head; an empty file has neither.
fn write_whole(
    f: &mut fmt::Formatter<'_>,
    sign: char,
    content: &str,
    head: fmt::Arguments<'_>,
) -> fmt::Result {
    if content.is_empty() {
        return Ok(());
    }
    writeln!(f, "{head}")?;
    content.split_inclusive('\n').try_for_each(|line| write_line(f, sign, line))
}

fn write_hunks(f: &mut fmt::Formatter<'_>, from: &str, to: &str, hunks: &[Hunk]) -> fmt::Result {
    if hunks.is_empty() {
        return Ok(());
    }
    writeln!(f, "--- {:#}\n+++ {:#}", Name("a/", from), Name("b/", to))?;
    for hunk in hunks {
        let (old, new) = (hunk.old_side().count(), hunk.new_side().count());
        writeln!(f, "@@ -{},{old} +{},{new} @@", hunk.old_start, hunk.new_start)?;
        hunk.lines
            .iter()
            .map(Line::parts)
            .try_for_each(|(sign, text)| write_line(f, sign, text))?;
    }
    Ok(())
}

fn write_line(f: &mut fmt::Formatter<'_>, sign: char, text: &str) -> fmt::Result {
    match text.strip_suffix('\n') {
        Some(text) => writeln!(f, "{sign}{text}"),
        None => writeln!(f, "{sign}{text}\n\\ No newline at end of file"),
    }
}

/// A name with its prefix, quoted as git does. The alternate form ends a name that has spaces
/// with a tab, as the lines `---` and `+++` need it.
struct Name<'a>(&'static str, &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(prefix, path) = self;
        if !path.chars().any(|c| c == '"' || c == '\\' || c.is_control()) {
            let end = if f.alternate() && path.contains(' ') { "\t" } else { "" };
            return write!(f, "{prefix}{path}{end}");
        }
        write!(f, "\"{prefix}")?;
        for c in path.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() => {
                    let mut bytes = [0; 4];
                    let bytes = c.encode_utf8(&mut bytes).bytes();
                    bytes.into_iter().try_for_each(|byte| write!(f, "\\{byte:03o}"))?;
                }
                c => write!(f, "{c}")?,
            }
        }
        write!(f, "\"")
    }
}
