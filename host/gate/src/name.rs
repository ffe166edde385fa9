//! Which names of files are refused, whatever the rules say, and how names are compared.
//!
//! A name must mean one place on every system that may check the patch out. So what Windows
//! or macOS would read as another name is refused instead of understood. What they do is told
//! by Microsoft ("Naming Files, Paths, and Namespaces"), by Apple's Technical Note TN1150, and by
//! git's own `core.protectNTFS` and `core.protectHFS`.

use unicode_normalization::UnicodeNormalization;

/// Longest path. Longer ones cannot be opened on common systems.
const PATH_BYTES_MAX: usize = 1_024;

/// Longest component: what file systems allow.
const COMPONENT_BYTES_MAX: usize = 255;

/// Why a name of a file is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// Nothing.
    #[error("the name is empty")]
    Empty,
    /// Longer than systems open.
    #[error(
        "the name is longer than {PATH_BYTES_MAX} bytes, or a part of it than {COMPONENT_BYTES_MAX}"
    )]
    TooLong,
    /// Not relative to the repository's root.
    #[error("the name is absolute; write it relative to the repository's root")]
    Absolute,
    /// `//`, or a slash at the end.
    #[error("the name has an empty part; write single slashes, and none at the end")]
    EmptyPart,
    /// `.` or `..`.
    #[error("the name has `.` or `..` in it; write the plain path")]
    Dots,
    /// A separator on Windows.
    #[error("the name has a backslash; separate with `/`")]
    Backslash,
    /// Git's own directory, in any spelling.
    #[error("the name leads into git's own directory")]
    Git,
    /// Our own directory.
    #[error("the name leads into `.stepwell`, which no step may change")]
    Internal,
    /// NUL, a line end, an escape…
    #[error("the name has a control character")]
    Control,
    /// Changes how a name looks, not what it says.
    #[error("the name has an invisible character, or one that changes the direction of text")]
    Invisible,
    /// Windows drops them.
    #[error("a part of the name ends with a dot or a space, which some systems drop")]
    DroppedEnd,
    /// A stream, or a drive, on Windows.
    #[error("the name has a colon, which names a stream or a drive on some systems")]
    Colon,
    /// A short alias on Windows.
    #[error("a part of the name looks like a short alias (`NAME~1`) of another file")]
    ShortAlias,
    /// A device on Windows, whatever its extension.
    #[error("a part of the name is a device on some systems (`CON`, `NUL`, `COM1`…)")]
    Reserved,
}

/// Refuses a name that is not a plain relative path on every system.
pub(crate) fn check(path: &str) -> Result<(), NameProblem> {
    let drive = |c: char| c.is_ascii_alphabetic();
    match path.as_bytes() {
        [] => return Err(NameProblem::Empty),
        [b'/' | b'\\', ..] => return Err(NameProblem::Absolute),
        [_, b':', ..] if path.starts_with(drive) => return Err(NameProblem::Absolute),
        _ => {}
    }
    if path.len() > PATH_BYTES_MAX {
        return Err(NameProblem::TooLong);
    }
    if path.chars().any(char::is_control) {
        return Err(NameProblem::Control);
    }
    if path.chars().any(is_invisible) {
        return Err(NameProblem::Invisible);
    }
    if path.contains('\\') {
        return Err(NameProblem::Backslash);
    }
    if path.split('/').next().is_some_and(|first| is_spelling_of(first, ".stepwell")) {
        return Err(NameProblem::Internal);
    }
    path.split('/').try_for_each(check_part)
}

fn check_part(part: &str) -> Result<(), NameProblem> {
    match part {
        "" => Err(NameProblem::EmptyPart),
        "." | ".." => Err(NameProblem::Dots),
        _ if part.len() > COMPONENT_BYTES_MAX => Err(NameProblem::TooLong),
        _ if is_spelling_of(part, ".git") || is_alias_of_git(part) => Err(NameProblem::Git),
        _ if part.ends_with(['.', ' ']) => Err(NameProblem::DroppedEnd),
        _ if part.contains(':') => Err(NameProblem::Colon),
        _ if is_short_alias(part) => Err(NameProblem::ShortAlias),
        _ if is_reserved(part) => Err(NameProblem::Reserved),
        _ => Ok(()),
    }
}

/// Whether some system opens `name` when asked for `part`: case, streams, dropped ends.
fn is_spelling_of(part: &str, name: &str) -> bool {
    let part = part.split(':').next().unwrap_or_default();
    fold(part.trim_end_matches(['.', ' '])) == name
}

fn is_alias_of_git(part: &str) -> bool {
    fold(part)
        .strip_prefix("git~")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// `NAME~1.EXT`, as old Windows software sees longer names.
fn is_short_alias(part: &str) -> bool {
    let (stem, extension) = part.split_once('.').unwrap_or((part, ""));
    let Some((_, number)) = stem.rsplit_once('~') else { return false };
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number && stem.len() <= 8 && extension.len() <= 3
}

/// A device of Windows: so is its name with any extension, and with spaces before that.
fn is_reserved(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default();
    let stem = fold(stem.trim_end_matches(' '));
    let numbered = |prefix| {
        let mut rest = stem.strip_prefix(prefix).unwrap_or_default().chars();
        matches!((rest.next(), rest.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    };
    ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"].contains(&stem.as_str())
        || numbered("com")
        || numbered("lpt")
}

/// Whether a character shows nothing, or changes how its neighbours are shown.
fn is_invisible(c: char) -> bool {
    is_bidi(c)
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200d}'
                | '\u{2028}' | '\u{2029}'
                | '\u{2060}'..='\u{2064}'
                | '\u{206a}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}' | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
                // Private use: Windows and macOS keep other systems' separators and dots here.
                | '\u{e000}'..='\u{f8ff}'
        )
}

/// Whether a character changes the direction of the text around it.
pub(crate) fn is_bidi(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A form in which names are equal that differ by case, or by how their accents are written, which
/// macOS does not tell apart.
pub(crate) fn fold_wholly(name: &str) -> String {
    let decomposed: String = name.nfd().collect();
    fold(&decomposed).nfd().collect()
}

/// A form in which names that only differ by case are equal. It equates a little more than any
/// file system does, which is the safe side.
pub(crate) fn fold(name: &str) -> String {
    // Upwards first: letters such as `ſ` have no lower case but share an upper one.
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}
