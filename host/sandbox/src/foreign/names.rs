//! What a model calls the functions of a component: `[a-z][a-z0-9_]{0,63}`, and each name once.
//!
//! A function is called by its name, with that of its interface in front; with that of the package,
//! too, where two interfaces would be taken for each other.

use std::collections::BTreeMap;

use snapshot::Digest;

use crate::manifest::NAME_BYTES_MAX;

/// Letters of a digest that tell apart what would be called the same.
const MARK_CHARS: usize = 8;

/// How often each short name is meant.
pub(super) struct Names(BTreeMap<String, usize>);

impl Names {
    pub(super) fn of<'a>(functions: impl Iterator<Item = (Option<&'a str>, &'a str)>) -> Self {
        let mut counts = BTreeMap::new();
        for (interface, name) in functions {
            *counts.entry(short(interface, name)).or_default() += 1;
        }
        Self(counts)
    }

    /// The name of one of them.
    pub(super) fn called(&self, interface: Option<&str>, name: &str) -> String {
        let short = short(interface, name);
        let is_clear = self.0.get(&short) == Some(&1);
        if is_clear && short.len() <= NAME_BYTES_MAX {
            return short;
        }
        // What follows is of the function alone.
        let full = full(interface, name);
        let mark = Digest::of(full.as_bytes()).to_string();
        let mark: String = mark.chars().rev().take(MARK_CHARS).collect();
        let mut long = name_of(&full, "f");
        long.truncate(NAME_BYTES_MAX - MARK_CHARS - 1);
        format!("{}_{mark}", long.trim_end_matches('_'))
    }
}

/// A function with its interface, as the component calls them.
pub(super) fn full(interface: Option<&str>, name: &str) -> String {
    match interface {
        Some(interface) => format!("{interface}#{name}"),
        None => name.to_owned(),
    }
}

/// The function with the last part of its interface in front.
fn short(interface: Option<&str>, name: &str) -> String {
    let interface = interface.map(|interface| interface.split('@').next().unwrap_or_default());
    let last = interface.map(|interface| interface.rsplit('/').next().unwrap_or_default());
    match last {
        Some(last) => name_of(&format!("{last}_{name}"), "f"),
        None => name_of(name, "f"),
    }
}

/// The name of a command that lies in a file of this name.
pub(super) fn command(called: &str) -> String {
    let file = called.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.split(['.', '#', '?', '@', ':']).next().unwrap_or_default();
    let mut name = name_of(stem, "run");
    name.truncate(NAME_BYTES_MAX);
    name
}

/// A text as a name: what may not be in one becomes `_`; `otherwise` where nothing is left, and in
/// front of what does not begin with a letter.
fn name_of(text: &str, otherwise: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for letter in text.chars().map(|letter| letter.to_ascii_lowercase()) {
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() {
            name.push(letter);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = name.trim_end_matches('_');
    match name.chars().next() {
        None => otherwise.to_owned(),
        Some(first) if first.is_ascii_lowercase() => name.to_owned(),
        Some(_) => format!("{otherwise}_{name}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_are_called_after_their_files() {
        for (called, name) in [
            ("build/hasher.wasm", "hasher"),
            ("oci://ghcr.io/acme/Count-Lines:1", "count_lines"),
            ("https://host/a/7zip.wasm#sha256:00", "run_7zip"),
            ("", "run"),
            ("ä.wasm", "run"),
        ] {
            assert_eq!(command(called), name, "{called}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_one_that_every_provider_takes(text in "\\PC{0,90}") {
            let name = command(&text);
            prop_assert!(crate::manifest::is_name(&name), "{}", name);
        }

        #[test]
        fn names_are_told_apart(
            functions in proptest::collection::btree_set(
                (proptest::option::of("(a|b):(c|d)/(e|f)(-g)?(@1)?"), "[a-c](-[a-c]{1,70})?"), 1..12),
        ) {
            let names = Names::of(functions.iter().map(|(i, n)| (i.as_deref(), n.as_str())));
            let mut seen = std::collections::BTreeSet::new();
            for (interface, name) in &functions {
                let called = names.called(interface.as_deref(), name);
                prop_assert!(crate::manifest::is_name(&called), "{}", called);
                prop_assert!(seen.insert(called.clone()), "{} twice", called);
            }
        }
    }
}
