//! The repository that a case is run on: files written in the case, or a folder beside it.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use snapshot::RepoPath;

/// Files of one fixture.
const FILES_MAX: usize = 10_000;
/// Bytes of one fixture: four times what a tool may read in one question.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Files of a repository.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Fixture {
    /// A folder, from the file of cases.
    Folder(PathBuf),
    /// Files by their paths.
    Files(BTreeMap<String, Entry>),
}

/// What stands at a path.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Entry {
    /// A file with this text.
    Text(String),
    /// A file with a text, so many times over.
    #[serde(rename_all = "kebab-case")]
    File {
        text: String,
        #[serde(default = "once")]
        times: u64,
        #[serde(default)]
        executable: bool,
    },
    /// A symbolic link.
    Link { link: String },
}

/// In which order a fixture is written: it must not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Sorted,
    Reversed,
}

fn once() -> u64 {
    1
}

impl Default for Fixture {
    fn default() -> Self {
        Self::Files(BTreeMap::new())
    }
}

impl Fixture {
    /// The fixture with its folder, if it is one, below the folder of the cases.
    pub(super) fn beside(self, folder: &Path) -> Self {
        match self {
            Self::Folder(path) => Self::Folder(folder.join(path)),
            Self::Files(files) => Self::Files(files),
        }
    }

    /// Writes it into an empty folder.
    pub(super) fn write(&self, into: &Path, order: Order) -> Result<(), String> {
        let mut entries = match self {
            Self::Files(files) => inline(files)?,
            Self::Folder(folder) => copied(folder)?,
        };
        if order == Order::Reversed {
            entries.reverse();
        }
        // Links last: nothing is written through one.
        entries.sort_by_key(|(_, source)| source.is_link());
        let mut left = BYTES_MAX;
        for (path, entry) in entries {
            let bytes = entry.bytes();
            left = left.checked_sub(bytes).ok_or(format!("more than {BYTES_MAX} bytes"))?;
            entry.write(&into.join(&path)).map_err(|err| format!("{}: {err}", path.display()))?;
        }
        Ok(())
    }
}

/// Something to be written.
enum Source {
    Written(Entry),
    Copied { from: PathBuf, bytes: u64 },
    Linked(PathBuf),
}

fn inline(files: &BTreeMap<String, Entry>) -> Result<Vec<(PathBuf, Source)>, String> {
    if files.len() > FILES_MAX {
        return Err(format!("more than {FILES_MAX} files"));
    }
    let source = |(path, entry): (&String, &Entry)| {
        let parsed = RepoPath::parse(path).map_err(|err| format!("`{path}`: {err}"))?;
        if parsed.is_root() {
            return Err("a file without a name".to_owned());
        }
        Ok((PathBuf::from(parsed.as_str()), Source::Written(entry.clone())))
    };
    files.iter().map(source).collect()
}

/// The files of a folder, sorted.
fn copied(folder: &Path) -> Result<Vec<(PathBuf, Source)>, String> {
    let mut found = Vec::new();
    let mut ahead = vec![PathBuf::new()];
    while let Some(inside) = ahead.pop() {
        let here = folder.join(&inside);
        let unreadable = |err: io::Error| format!("{}: {err}", here.display());
        for entry in fs::read_dir(&here).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let (kind, path) =
                (entry.file_type().map_err(unreadable)?, inside.join(entry.file_name()));
            if kind.is_dir() {
                ahead.push(path);
            } else if kind.is_symlink() {
                found
                    .push((path, Source::Linked(fs::read_link(entry.path()).map_err(unreadable)?)));
            } else if kind.is_file() {
                let bytes = entry.metadata().map_err(unreadable)?.len();
                found.push((path, Source::Copied { from: entry.path(), bytes }));
            }
            if found.len() + ahead.len() > FILES_MAX {
                return Err(format!("more than {FILES_MAX} files"));
            }
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}

impl Source {
    fn is_link(&self) -> bool {
        match self {
            Self::Written(Entry::Link { .. }) | Self::Linked(_) => true,
            Self::Written(Entry::Text(_) | Entry::File { .. }) | Self::Copied { .. } => false,
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Written(Entry::Text(text)) => text.len() as u64,
            Self::Written(Entry::File { text, times, .. }) => {
                (text.len() as u64).saturating_mul(*times)
            }
            Self::Written(Entry::Link { .. }) | Self::Linked(_) => 0,
            Self::Copied { bytes, .. } => *bytes,
        }
    }

    fn write(&self, to: &Path) -> io::Result<()> {
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        match self {
            Self::Written(Entry::Text(text)) => fs::write(to, text),
            Self::Written(Entry::File { text, times, executable }) => {
                let times = usize::try_from(*times).map_err(io::Error::other)?;
                fs::write(to, text.repeat(times))?;
                let mode = if *executable { 0o755 } else { 0o644 };
                fs::set_permissions(to, Permissions::from_mode(mode))
            }
            Self::Written(Entry::Link { link }) => symlink(link, to),
            Self::Linked(target) => symlink(target, to),
            Self::Copied { from, .. } => fs::copy(from, to).map(drop),
        }
    }
}
