//! What of a changed file differs: its lines, or a sentence where lines would say nothing.

use answers::{Content, Place, place};
use stepwell::Tree;
use stepwell::repository::{self, Reason};

use crate::changes::{Change, Scope, What};

/// A longer text is not compared line by line.
const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A changed file, looked at.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// The text before and now, where both sides are text.
    pub(crate) texts: Option<Texts>,
    /// What is said instead of lines, or besides them.
    pub(crate) about: Option<String>,
    /// Bytes of both sides.
    pub(crate) bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) old: String,
    pub(crate) new: String,
    /// Whether their lines are shown.
    pub(crate) is_shown: bool,
}

/// One side of a file.
enum Side {
    Absent,
    Text { text: String, label: &'static str, bytes: usize },
    Binary { what: &'static str, bytes: usize },
    Large { bytes: u64 },
    Unknown(String),
}

/// Looks at a file that differs.
pub(crate) fn look(change: &Change, scope: &Scope) -> Compared {
    let base = |path: &str| Side::of(Tree::Base, path);
    let head = || Side::of(Tree::Head, &change.path);
    let (old, new) = match &change.what {
        What::Added => (Side::Absent, head()),
        What::Deleted => (base(&change.path), Side::Absent),
        What::Modified { .. } => (base(&change.path), head()),
        What::Renamed { from, .. } => (base(from), head()),
    };
    let bytes = old.bytes() + new.bytes();
    let compared = match (old, new) {
        (Side::Unknown(why), _) | (_, Side::Unknown(why)) => Compared::said(why),
        (old @ (Side::Large { .. } | Side::Binary { .. }), new)
        | (old, new @ (Side::Large { .. } | Side::Binary { .. })) => Compared::said(
            format!("{}{}", old.said("before"), new.said("now")).trim_end_matches("; ").to_owned(),
        ),
        (old @ (Side::Text { .. } | Side::Absent), new @ (Side::Text { .. } | Side::Absent)) => {
            texts(change, scope, old, new)
        }
    };
    Compared { bytes, ..compared }
}

fn texts(change: &Change, scope: &Scope, old: Side, new: Side) -> Compared {
    let (old_label, new_label) = (old.label(), new.label());
    let (old, new) = (old.text(), new.text());
    let is_named = scope.names(&change.path)
        || matches!(&change.what, What::Renamed { from, .. } if scope.names(from));
    let quiet = quiet(change, &old, &new).filter(|_| !is_named);
    let is_shown = quiet.is_none();
    let labels = match (old_label, new_label) {
        (Some(old), Some(new)) if old != new => Some(format!("{old} before, {new} now")),
        (_, Some(label)) | (Some(label), None) if label != "utf-8" => Some(label.to_owned()),
        (Some(_) | None, Some(_) | None) => None,
    };
    let about = match (quiet, labels) {
        (Some(quiet), _) => Some(format!("{quiet}; name it in `path` to see its lines")),
        (None, labels) => labels,
    };
    Compared { texts: Some(Texts { old, new, is_shown }), about, bytes: 0 }
}

/// Why the lines of a file are hardly worth their room.
fn quiet(change: &Change, old: &str, new: &str) -> Option<String> {
    let place = Place::of(&change.path);
    if place.is_foreign() {
        return Some(place.name().to_owned());
    }
    if place::says_generated(if new.is_empty() { old } else { new }) {
        return Some("says of itself that it is generated".to_owned());
    }
    let is_windows = |text: &str| text.contains("\r\n");
    if is_windows(old) != is_windows(new) && old.replace("\r\n", "\n") == new.replace("\r\n", "\n")
    {
        let (before, now) = if is_windows(old) { ("crlf", "lf") } else { ("lf", "crlf") };
        return Some(format!("only the line ends changed, from {before} to {now}"));
    }
    None
}

impl Compared {
    fn said(about: String) -> Self {
        Self { about: Some(about), ..Self::default() }
    }
}

impl Side {
    fn of(tree: Tree, path: &str) -> Self {
        let bytes = match repository::read(tree, path) {
            Ok(bytes) => bytes,
            Err(repository::Error { reason: Reason::TooLarge(bytes), .. }) => {
                return Self::Large { bytes };
            }
            Err(error) => return Self::Unknown(error.to_string()),
        };
        match Content::of(&bytes) {
            Content::Binary(what) => Self::Binary { what, bytes: bytes.len() },
            Content::Text(_) if bytes.len() > TEXT_BYTES_MAX => {
                Self::Large { bytes: bytes.len() as u64 }
            }
            Content::Text(text) => {
                let label = text.label();
                Self::Text { text: text.into_str().into_owned(), label, bytes: bytes.len() }
            }
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Text { bytes, .. } => *bytes,
            Self::Absent | Self::Binary { .. } | Self::Large { .. } | Self::Unknown(_) => 0,
        }
    }

    fn label(&self) -> Option<&'static str> {
        match self {
            Self::Text { label, .. } => Some(label),
            Self::Absent | Self::Binary { .. } | Self::Large { .. } | Self::Unknown(_) => None,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Text { text, .. } => text,
            Self::Absent | Self::Binary { .. } | Self::Large { .. } | Self::Unknown(_) => {
                String::new()
            }
        }
    }

    /// A clause with its semicolon.
    fn said(&self, when: &str) -> String {
        match self {
            Self::Absent => String::new(),
            Self::Text { bytes, .. } => format!("{when}: text of {bytes} bytes; "),
            Self::Binary { what, bytes } => format!("{when}: {what} of {bytes} bytes; "),
            Self::Large { bytes } => {
                format!("{when}: {bytes} bytes, too many to compare line by line; ")
            }
            Self::Unknown(why) => format!("{when}: {why}; "),
        }
    }
}
