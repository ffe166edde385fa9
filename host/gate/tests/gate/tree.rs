//! A tree in memory, with one of everything that a patch may meet.

use std::collections::BTreeMap;

use gate::EntryKind;

/// What is at a path.
pub(crate) enum Entry {
    File(Vec<u8>),
    Link,
    Submodule,
}

/// Paths and what is there; directories are implied.
pub(crate) struct Tree(pub(crate) BTreeMap<String, Entry>);

const LIB: &str =
    "use std::fmt;\n\nfn a() {\n    println!(\"a\");\n}\n\nfn b() {\n    println!(\"b\");\n}\n";

impl Tree {
    /// The tree that the corpus of hostile proposals is about.
    pub(crate) fn example() -> Self {
        let mut tree = Self::of(&[
            ("README.md", "# Title\n\nText.\n"),
            ("caf\u{e9}.txt", "a\n"),
            ("docs/guide.md", "# Guide\n"),
            ("dos.txt", "a\r\nb\r\n"),
            ("empty.txt", ""),
            ("open.txt", "a\nb"),
            ("same.txt", "a\nb\na\nb\n"),
            ("src/lib.rs", LIB),
        ]);
        tree.0.insert("logo.png".to_owned(), Entry::File(b"\x89PNG\0\xff\n".to_vec()));
        tree.0.insert("link".to_owned(), Entry::Link);
        tree.0.insert("vendor".to_owned(), Entry::Submodule);
        tree
    }

    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| {
            ((*path).to_owned(), Entry::File(text.as_bytes().to_vec()))
        };
        Self(files.iter().map(file).collect())
    }

    pub(crate) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        match self.0.get(path) {
            None => Ok(None),
            Some(Entry::File(bytes)) => Ok(Some(bytes.clone())),
            Some(Entry::Link) => Err("it is a symbolic link".to_owned()),
            Some(Entry::Submodule) => Err("it is a submodule".to_owned()),
        }
    }

    pub(crate) fn list(&self, directory: &str) -> Vec<(String, EntryKind)> {
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let mut names = BTreeMap::new();
        for (path, entry) in &self.0 {
            let Some(rest) = path.strip_prefix(&prefix) else { continue };
            let (name, kind) = match (rest.split_once('/'), entry) {
                (Some((name, _)), _) => (name, EntryKind::Directory),
                (None, Entry::File(_)) => (rest, EntryKind::File),
                (None, Entry::Link) => (rest, EntryKind::Link),
                (None, Entry::Submodule) => (rest, EntryKind::Other),
            };
            names.insert(name.to_owned(), kind);
        }
        names.into_iter().collect()
    }
}
