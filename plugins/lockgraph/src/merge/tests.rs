//! One package of several lock files.

use proptest::prelude::*;

use crate::{Format, Graph, Warnings};

/// A lock file of Python with one package of these files, each with a digest of this digit.
fn lock(files: &[(&str, &str)]) -> Graph {
    let files: Vec<String> = files
        .iter()
        .map(|(name, digit)| {
            format!("{{file = \"{name}\", hash = \"sha256:{}\"}}", digit.repeat(64))
        })
        .collect();
    let text = format!(
        "[[package]]\nname = \"a\"\nversion = \"1\"\nfiles = [{}]\n[metadata]\nlock-version = \"2.0\"\n",
        files.join(", ")
    );
    Format::Poetry.parse("poetry.lock", text.as_bytes(), &mut Warnings::default()).unwrap()
}

/// The files of each package: `name=digit`, or the digit alone where it has one file.
fn files(graph: &Graph) -> Vec<String> {
    let package = graph.nodes().map(|(_, node)| {
        let of = |hashes: &[crate::Hash]| hashes.iter().map(|it| it.hex[..1].to_owned()).collect();
        let own: Vec<String> = of(&node.hashes);
        let named = node.archives.iter().map(|archive| {
            let hashes: Vec<String> = of(&archive.hashes);
            format!("{}={}", archive.location, hashes.join("+"))
        });
        own.into_iter().chain(named).collect::<Vec<_>>().join(" ")
    });
    package.collect()
}

#[test]
fn two_lock_files_may_list_different_files_of_a_package() {
    let (wheel, source) = (("a.whl", "1"), ("a.tar.gz", "2"));
    let union = |a: &[(&str, &str)], b: &[(&str, &str)]| files(&Graph::union([&lock(a), &lock(b)]));
    assert_eq!(union(&[wheel], &[wheel]), ["1"]);
    assert_eq!(union(&[wheel], &[source]), ["a.tar.gz=2 a.whl=1"]);
    assert_eq!(union(&[wheel], &[source, wheel]), ["a.tar.gz=2 a.whl=1"]);
    assert_eq!(union(&[wheel], &[]), ["1"]);
    // What stands under one name must be one thing.
    assert_eq!(union(&[wheel], &[("https://h.example/a.whl", "3")]), ["1", "3"]);
    assert_eq!(union(&[wheel], &[("a.whl", "3"), source]).len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merging_is_done_when_it_is_done_once(
        locks in proptest::collection::vec(
            proptest::collection::vec(("[ab]", "[12]"), 0..3), 1..5
        )
    ) {
        let graphs: Vec<Graph> = locks
            .iter()
            .map(|files| {
                lock(&files.iter().map(|(name, digit)| (&**name, &**digit)).collect::<Vec<_>>())
            })
            .collect();
        let union = Graph::union(&graphs);
        prop_assert_eq!(&Graph::union(graphs.iter().rev()), &union);
        prop_assert_eq!(union.merged(), union);
    }
}
