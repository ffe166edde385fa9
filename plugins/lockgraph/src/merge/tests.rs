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

/// A lock file of Rust with the repository's own package, or one of a registry with a digest.
fn of_cargo(digit: Option<&str>) -> Graph {
    let source = digit.map_or_else(String::new, |digit| {
        let checksum = digit.repeat(64);
        format!(
            "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
             checksum = \"{checksum}\"\n"
        )
    });
    let text = format!("[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n{source}");
    Format::Cargo.parse("Cargo.lock", text.as_bytes(), &mut Warnings::default()).unwrap()
}

/// A bill with the same package: what it is for, and a digest of this digit.
fn bill(scope: &str, digit: &str) -> Graph {
    let hash = digit.repeat(64);
    let text = format!(
        "{{\"bomFormat\": \"CycloneDX\", \"components\": [{{\"name\": \"a\", \"purl\": \
         \"pkg:cargo/a@1.0.0\", \"scope\": \"{scope}\", \"hashes\": [{{\"alg\": \"SHA-256\", \
         \"content\": \"{hash}\"}}]}}]}}"
    );
    Format::CycloneDx.parse("a.cdx.json", text.as_bytes(), &mut Warnings::default()).unwrap()
}

#[test]
fn what_a_bill_lists_is_the_package_of_a_lock_file_whosever_it_is() {
    let kinds = |graphs: &[Graph]| -> Vec<String> {
        let union = Graph::union(graphs);
        let kind = |(_, node): (_, &crate::Node)| {
            format!("{} {} {}", node.kind.name(), node.scope.name(), node.hashes.len())
        };
        union.nodes().map(kind).collect()
    };
    assert_eq!(kinds(&[of_cargo(None), bill("", "")]), ["member runtime 0"]);
    assert_eq!(kinds(&[of_cargo(None), bill("excluded", "1")]), ["member runtime 1"]);
    assert_eq!(kinds(&[of_cargo(Some("1")), bill("required", "1")]), ["registry runtime 1"]);
    assert_eq!(kinds(&[bill("", ""), bill("optional", "1")]), ["bill optional 1"]);
    // Another content under the same name and version is another package.
    assert_eq!(
        kinds(&[of_cargo(Some("1")), bill("", "2")]),
        ["registry unknown 1", "bill unknown 1"]
    );
}

#[test]
fn a_bill_adds_no_digest_to_a_package_of_several_files() {
    let wheels = ["1", "2"].map(|digit| {
        let hash = digit.repeat(64);
        format!("{{ url = \"https://h/{digit}.whl\", hash = \"sha256:{hash}\" }}")
    });
    let text = format!(
        "version = 1\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = {{ registry = \
         \"https://pypi.org/simple\" }}\nwheels = [{}]\n",
        wheels.join(", ")
    );
    let locked = Format::Uv.parse("uv.lock", text.as_bytes(), &mut Warnings::default()).unwrap();
    for (digit, nodes) in [("1", 1), ("", 1), ("3", 2)] {
        let hash = digit.repeat(64);
        let text = format!(
            "{{\"bomFormat\": \"CycloneDX\", \"components\": [{{\"name\": \"a\", \"purl\": \
             \"pkg:pypi/a@1.0.0\", \"hashes\": [{{\"alg\": \"SHA-256\", \"content\": \"{hash}\"}}]}}]}}"
        );
        let bill = Format::CycloneDx
            .parse("a.cdx.json", text.as_bytes(), &mut Warnings::default())
            .unwrap();
        let union = Graph::union([&locked, &bill]);
        assert_eq!(union.node_count(), nodes, "{digit}");
        let of_lock = |node: &&crate::Node| node.archives.len() == 2 && node.hashes.is_empty();
        assert!(union.nodes().any(|(_, node)| of_lock(&node)), "{digit}");
    }
}

/// Far more than are held against each other; equal ones are one all the same.
#[test]
fn packages_of_one_name_and_many_contents_are_merged_in_little_time() {
    let entries: Vec<String> = (0..20_000)
        .flat_map(|number| [number, number])
        .map(|number| {
            format!(
                "{{\"name\": \"a\", \"purl\": \"pkg:npm/a@1\", \"hashes\": [{{\"alg\": \"SHA-1\", \
                 \"content\": \"{number:040x}\"}}]}}"
            )
        })
        .collect();
    let text = format!("{{\"bomFormat\": \"CycloneDX\", \"components\": [{}]}}", entries.join(","));
    let bill =
        Format::CycloneDx.parse("a.cdx.json", text.as_bytes(), &mut Warnings::default()).unwrap();
    assert_eq!(bill.merged().node_count(), 20_000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merging_with_bills_is_done_when_it_is_done_once(
        locks in proptest::collection::vec(proptest::option::of("[12]"), 0..3),
        bills in proptest::collection::vec(("(required|optional|excluded)?", "[12]?"), 0..4),
    ) {
        let mut graphs: Vec<Graph> =
            locks.iter().map(|digit| of_cargo(digit.as_deref())).collect();
        graphs.extend(bills.iter().map(|(scope, digit)| bill(scope, digit)));
        let union = Graph::union(&graphs);
        prop_assert_eq!(&Graph::union(graphs.iter().rev()), &union);
        prop_assert_eq!(union.merged(), union);
    }
}
