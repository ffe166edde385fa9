//! What is said of a file besides its text.

use answers::Text;
use serde::Serialize;

/// A pointer of Git LFS is three short lines; its specification says less than this.
const LFS_POINTER_LEN_MAX: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Text,
    Binary,
    Empty,
}

/// How lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Eol {
    Lf,
    Crlf,
    Mixed,
    None,
}

impl Eol {
    pub(crate) fn of(text: &str) -> Self {
        let lines = text.matches('\n').count();
        // Most files have none at all, which is soon seen.
        let crlf = if text.contains('\r') { text.matches("\r\n").count() } else { 0 };
        match (lines, crlf) {
            (0, _) => Self::None,
            (_, 0) => Self::Lf,
            (lines, crlf) if lines == crlf => Self::Crlf,
            _ => Self::Mixed,
        }
    }
}

/// What a reader should know of a text.
pub(crate) fn of(text: &Text<'_>) -> Option<String> {
    lfs_pointer(text.as_str()).or_else(|| text.caveat().map(str::to_owned))
}

fn lfs_pointer(text: &str) -> Option<String> {
    if text.len() > LFS_POINTER_LEN_MAX || !text.starts_with("version https://git-lfs.") {
        return None;
    }
    let size = text.lines().find_map(|line| line.strip_prefix("size "))?;
    Some(format!("a pointer of Git LFS: the file itself ({size} bytes) is not in the repository"))
}
