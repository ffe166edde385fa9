//! Lock files that are torn, in conflict, huge, or nothing of the kind.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{pdm, pipfile, poetry, pylock, requirements, uv};
use crate::{Ecosystem, Format, Warnings};

const EACH: [(Format, &str); 7] = [
    (Format::Pdm, pdm::LOCK),
    (Format::Pipenv, pipfile::LOCK),
    (Format::Poetry, poetry::V2),
    (Format::Pylock, pylock::LOCK),
    (Format::Requirements, requirements::PLAIN),
    (Format::Requirements, requirements::COMPILED),
    (Format::Uv, uv::WORKSPACE),
];

fn parse(format: Format, bytes: &[u8]) -> Option<(usize, usize, Vec<crate::Warning>)> {
    let mut warnings = Warnings::default();
    let path = format.patterns()[0].replace('*', "");
    let graph = format.parse(&path, bytes, &mut warnings).ok()?;
    Some((graph.node_count(), graph.edge_count(), warnings.into_vec()))
}

#[test]
fn a_file_cut_anywhere_in_its_last_kilobyte_is_read_up_to_there() {
    for (format, text) in EACH {
        let whole = parse(format, text.as_bytes()).unwrap().0;
        // The shortest of these files has its first package in its first lines.
        for end in text.len().saturating_sub(1_024).max(300)..text.len() {
            let read = parse(format, &text.as_bytes()[..end]);
            // JSON that is cut is no JSON; of the others what stands before the cut is read.
            let nodes = read.map_or(0, |(nodes, ..)| nodes);
            assert!(nodes <= whole, "{format:?} {end}");
            assert!(nodes > 0 || format == Format::Pipenv, "{format:?} {end}");
        }
    }
}

/// A conflict between entries is around both sides: nothing is lost.
#[test]
fn a_merge_conflict_between_packages_loses_none() {
    for (format, text) in EACH {
        let list = if format == Format::Pylock { "\n[[packages]]\n" } else { "\n[[package]]\n" };
        let Some(at) = text.rfind(list) else { continue };
        let (before, after) = text.split_at(at);
        let entry = "version = \"7\"\nsource = { registry = \"https://pypi.org/simple\" }";
        let conflict = format!(
            "{before}\n<<<<<<< ours{list}name = \"ours\"\n{entry}\n=======\
             {list}name = \"theirs\"\n{entry}\n>>>>>>> theirs\n{after}"
        );
        let (nodes, edges, warnings) = parse(format, conflict.as_bytes()).unwrap();
        let whole = parse(format, text.as_bytes()).unwrap();
        assert_eq!((nodes, edges), (whole.0 + 2, whole.1), "{format:?}");
        assert!(warnings.iter().any(|it| it.reason.contains("not valid TOML")), "{format:?}");
    }
}

/// The tables of a package that is left out must not become those of the one before it.
#[test]
fn a_broken_package_takes_its_own_tables_with_it() {
    let text = "[[package]]\nname = \"a\"\nversion = \"1\"\n\n[[package]]\nname = \"b\"\n<<<<<<< ours\nversion = \"1\"\n=======\nversion = \"2\"\n>>>>>>> theirs\n\n[package.dependencies]\nc = \"*\"\n\n[[package]]\nname = \"c\"\nversion = \"1\"\n";
    let (nodes, edges, warnings) = parse(Format::Poetry, text.as_bytes()).unwrap();
    assert_eq!((nodes, edges, warnings[0].line), (2, 0, Some(7)));
}

/// A lock file of `count` packages, each of which needs the next.
fn huge(format: Format, count: usize) -> String {
    let list = if format == Format::Pylock { "packages" } else { "package" };
    let mut text = String::new();
    for at in 0..count {
        let next = (at + 1) % count;
        if format == Format::Requirements {
            writeln!(text, "p{next}==1\n    # via p{at}").unwrap();
            continue;
        }
        if format == Format::Pipenv {
            let start = if at == 0 { "{\"default\": {" } else { "," };
            let end = if next == 0 { "}}" } else { "" };
            writeln!(text, "{start}\"p{at}\": {{\"version\": \"==1\"}}{end}").unwrap();
            continue;
        }
        writeln!(text, "[[{list}]]\nname = \"p{at}\"\nversion = \"1\"").unwrap();
        if format == Format::Pdm {
            writeln!(text, "dependencies = [\"p{next}>=1\"]").unwrap();
        } else if format == Format::Poetry {
            writeln!(text, "[package.dependencies]\np{next} = \"*\"").unwrap();
        } else {
            writeln!(text, "dependencies = [{{name = \"p{next}\"}}]").unwrap();
        }
    }
    text
}

#[test]
fn very_many_packages_and_edges_are_all_there() {
    let each = Format::ALL.into_iter().filter(|format| format.ecosystem() == Ecosystem::Pypi);
    for format in each {
        let read = parse(format, huge(format, 10_000).as_bytes()).unwrap();
        let edges = if format == Format::Pipenv { 0 } else { 10_000 };
        assert_eq!(read, (10_000, edges, Vec::new()), "{format:?}");
    }
}

/// The limit stands in what all formats share; this one is the quickest to read.
#[test]
fn as_many_packages_as_the_limit_says_are_read_and_no_more() {
    let text = huge(Format::Requirements, 100_001);
    let (nodes, edges, warnings) = parse(Format::Requirements, text.as_bytes()).unwrap();
    // The last that is read needs the first that is not.
    assert_eq!((nodes, edges), (100_000, 99_999));
    assert_eq!(warnings[0].reason, "only the first 100000 packages are read");
}

/// Each of very many versions of one package needs all of them, as far as the text goes.
#[test]
fn very_many_versions_of_one_package_do_not_take_very_long() {
    let mut text = String::new();
    for at in 0..500 {
        writeln!(
            text,
            "[[package]]\nname = \"p\"\nversion = \"{at}\"\ndependencies = [\"p>=1,<9\"]"
        )
        .unwrap();
    }
    let (nodes, edges, warnings) = parse(Format::Pdm, text.as_bytes()).unwrap();
    assert_eq!(nodes, 500);
    assert!(edges <= 600_000, "{edges}");
    assert!(warnings[0].reason.contains("more than 64 versions"), "{:?}", warnings[0]);
}

proptest! {
    #[test]
    fn no_bytes_break_a_reader(which in 0..EACH.len(), bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        parse(EACH[which].0, &bytes);
    }

    /// Also what is nearly right: a piece of a real one gone, or in another place.
    #[test]
    fn no_damage_breaks_a_reader(
        which in 0..EACH.len(), from in 0usize..3_000, length in 0usize..80, to in 0usize..3_000,
    ) {
        let (format, text) = EACH[which];
        let mut bytes = text.as_bytes().to_vec();
        let from = from.min(bytes.len());
        let piece: Vec<u8> = bytes.drain(from..(from + length).min(bytes.len())).collect();
        let to = to.min(bytes.len());
        bytes.splice(to..to, piece);
        let once = parse(format, &bytes);
        prop_assert_eq!(once, parse(format, &bytes));
    }
}
