//! Questions about graphs that are written as `a -> b c`.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::{Format, Warnings};

/// A graph from lines `package: what it needs`; the first is the root. Versions are `1.0.0` unless
/// written `name@version`.
fn graph(lines: &str) -> Graph {
    let parts = |name: &str| {
        let (name, version) = name.split_once('@').unwrap_or((name, "1.0.0"));
        (name.to_owned(), version.to_owned())
    };
    let mut lock = String::new();
    for (at, line) in lines.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
        let (name, needs) = line.split_once(':').unwrap();
        let (name, version) = parts(name);
        let needs: Vec<String> = needs
            .split_whitespace()
            .map(|need| {
                let (name, version) = parts(need);
                format!("\"{name} {version}\"")
            })
            .collect();
        let source = if at == 0 { "" } else { "source = \"registry+https://r.example\"\n" };
        writeln!(
            lock,
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}dependencies = [{}]",
            needs.join(", ")
        )
        .unwrap();
    }
    Format::Cargo.parse("Cargo.lock", lock.as_bytes(), &mut Warnings::default()).unwrap()
}

fn names(graph: &Graph, ids: impl IntoIterator<Item = NodeId>) -> String {
    ids.into_iter().map(|id| graph.node(id).name.clone()).collect::<Vec<_>>().join(" ")
}

fn ways(graph: &Graph, package: &str, max: usize) -> (Vec<String>, bool) {
    let found = shortest_paths(graph, find(graph, package)[0], max);
    (found.paths.into_iter().map(|path| names(graph, path)).collect(), found.more)
}

const DIAMOND: &str = "
    app: a b
    a: c
    b: d
    c: target
    d: target e
    e: target
    target:
";

#[test]
fn the_shortest_ways_come_first_and_what_is_left_out_is_said() {
    let graph = graph(DIAMOND);
    let all = ["app a c target", "app b d target", "app b d e target"];
    assert_eq!(ways(&graph, "target", 9), (all.map(str::to_owned).to_vec(), false));
    assert_eq!(
        ways(&graph, "target", 2),
        (all[..2].iter().map(|w| (*w).to_owned()).collect(), true)
    );
    assert_eq!(ways(&graph, "app", 2), (vec!["app".to_owned()], false));
}

#[test]
fn a_circle_has_an_end() {
    let graph = graph("app: a\na: b\nb: a target\ntarget: a");
    assert_eq!(ways(&graph, "target", 9), (vec!["app a b target".to_owned()], false));
    let circles = cycles(&graph, true);
    assert_eq!(circles.len(), 1);
    assert_eq!(names(&graph, circles[0].clone()), "a b target");
    assert_eq!(names(&graph, all_dependents(&graph, find(&graph, "target")[0])), "a app b");
}

#[test]
fn packages_that_nothing_needs_are_heads_of_their_own() {
    let graph = graph("app: a\na:\nstray: b\nb:\nround: trip\ntrip: round");
    assert_eq!(names(&graph, graph.heads()), "app round stray");
}

#[test]
fn a_package_is_found_by_name_by_version_and_by_address() {
    let graph = graph("app: a@1.0.0 a@2.0.0\na@1.0.0:\na@2.0.0:");
    assert_eq!(find(&graph, "a").len(), 2);
    assert_eq!(find(&graph, "a@2.0.0").len(), 1);
    assert_eq!(find(&graph, &graph.node(find(&graph, "a@2.0.0")[0]).purl).len(), 1);
    assert_eq!(find(&graph, "a@3.0.0").len(), 0);
    assert_eq!(similar(&graph, "PP", 5), ["app"]);
}

#[test]
fn versions_are_in_the_order_that_people_mean() {
    let graph = graph("app:\na@1.10.0:\na@1.9.0:\na@1.10.0-rc.1:\nb:");
    let duplicates = duplicates(&graph);
    assert_eq!(duplicates.len(), 1);
    let versions: Vec<&str> =
        duplicates[0].versions.iter().map(|(version, _)| &**version).collect();
    assert_eq!(versions, ["1.9.0", "1.10.0-rc.1", "1.10.0"]);
}

#[track_caller]
fn check_changes(before: &str, after: &str, expected: &[&str]) {
    let told: Vec<String> = changes(&graph(before), &graph(after))
        .iter()
        .map(|change| {
            let version = |version: &Option<String>| version.clone().unwrap_or("-".to_owned());
            let direct = if change.direct { " direct" } else { "" };
            format!("{} {} {}{direct}", change.name, version(&change.from), version(&change.to))
        })
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn changes_are_told_by_name() {
    check_changes("app: a\na:", "app: a\na:", &[]);
    check_changes("app:", "app: a\na: b\nb:", &["a - 1.0.0 direct", "b - 1.0.0"]);
    check_changes("app: a\na:", "app:", &["a 1.0.0 - direct"]);
    check_changes("app: a@1\na@1:", "app: a@2\na@2:", &["a 1 2 direct"]);
    check_changes("app@1:", "app@2:", &[]);
    check_changes(
        "app: a@1 a@2\na@1:\na@2:",
        "app: a@2 a@3 a@10\na@2:\na@3:\na@10:",
        &["a 1 3 direct", "a - 10 direct"],
    );
}

#[test]
fn a_package_that_kept_its_version_and_is_another_one_is_a_change() {
    let with = |source: &str, checksum: &str| {
        let lock = format!(
            "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"{source}\"\n{checksum}\n"
        );
        Format::Cargo.parse("Cargo.lock", lock.as_bytes(), &mut Warnings::default()).unwrap()
    };
    let digest = |digit: &str| format!("checksum = \"{}\"", digit.repeat(64));
    let note = |before: &Graph, after: &Graph| changes(before, after).first().and_then(|c| c.note);
    let (registry, git) = ("registry+https://r.example", "git+https://h/a#1");
    let old = with(registry, &digest("a"));
    assert_eq!(note(&old, &with(registry, &digest("a"))), None);
    assert_eq!(note(&old, &with(registry, &digest("b"))), Some("same version, other content"));
    assert_eq!(note(&old, &with(registry, "")), Some("same version, its digest is gone"));
    assert_eq!(note(&old, &with(git, "")), Some("same version, other source"));
}

fn any_graph() -> impl Strategy<Value = String> {
    let edges = proptest::collection::vec((0u8..12, 0u8..12), 0..40);
    edges.prop_map(|edges| {
        let mut needs: BTreeMap<u8, Vec<String>> = (0..12).map(|at| (at, Vec::new())).collect();
        for (from, to) in edges {
            needs.entry(from).or_default().push(format!("p{to}"));
        }
        let line = |(from, needs): (u8, Vec<String>)| format!("p{from}: {}\n", needs.join(" "));
        needs.into_iter().map(line).collect()
    })
}

proptest! {
    #[test]
    fn every_package_is_reached_from_a_head_by_real_edges(lines in any_graph()) {
        let graph = graph(&lines);
        let heads = graph.heads();
        for (id, _) in graph.nodes() {
            let found = shortest_paths(&graph, id, 5);
            prop_assert!(!found.paths.is_empty());
            let lengths: Vec<usize> = found.paths.iter().map(Vec::len).collect();
            prop_assert!(lengths.is_sorted());
            for path in found.paths {
                prop_assert!(heads.contains(&path[0]));
                prop_assert_eq!(path.last(), Some(&id));
                for pair in path.windows(2) {
                    prop_assert!(graph.edges(pair[0]).iter().any(|edge| edge.to == pair[1]));
                }
            }
        }
    }

    #[test]
    fn merging_twice_is_merging_once(lines in any_graph()) {
        let merged = graph(&lines).merged();
        prop_assert_eq!(&merged.merged(), &merged);
        prop_assert_eq!(&Graph::union([&merged, &merged]), &merged);
    }

    #[test]
    fn the_order_of_graphs_makes_no_difference(
        graphs in proptest::collection::vec((any_graph(), 0_u8..3), 1..5).prop_shuffle(),
    ) {
        let parsed: Vec<Graph> = graphs
            .iter()
            .map(|(lines, digest)| with_digests(lines, *digest))
            .collect();
        let backwards: Vec<&Graph> = parsed.iter().rev().collect();
        prop_assert_eq!(Graph::union(&parsed), Graph::union(backwards));
    }
}

/// A graph whose packages have digests, or none for 0: one package of several lock files, or
/// several that only look alike.
fn with_digests(lines: &str, digest: u8) -> Graph {
    let graph = graph(lines);
    let mut lock = String::new();
    for (id, node) in graph.nodes() {
        let needs: Vec<String> = graph
            .edges(id)
            .iter()
            .map(|edge| format!("\"{} 1.0.0\"", graph.node(edge.to).name))
            .collect();
        let checksum = match digest {
            0 => String::new(),
            digest => format!("checksum = \"{}\"\n", format!("0{digest}").repeat(32)),
        };
        writeln!(
            lock,
            "[[package]]\nname = \"{}\"\nversion = \"1.0.0\"\nsource = \"registry+https://r.example\"\n{checksum}dependencies = [{}]",
            node.name,
            needs.join(", ")
        )
        .unwrap();
    }
    Format::Cargo.parse("Cargo.lock", lock.as_bytes(), &mut Warnings::default()).unwrap()
}

#[test]
fn a_package_url_means_a_package_with_or_without_its_version() {
    let graph = graph("root: a@1.0.0 a@2.0.0 ab\na@1.0.0:\na@2.0.0:\nab:\n");
    let found = |wanted: &str| find(&graph, wanted).len();
    assert_eq!(
        (found("pkg:cargo/a"), found("pkg:cargo/a@2.0.0"), found("PKG:Cargo/ab")),
        (2, 1, 1)
    );
    assert_eq!(
        (found("a"), found("a@1.0.0"), found("pkg:npm/a"), found("pkg:cargo/b")),
        (2, 1, 0, 0)
    );
}

#[test]
fn the_end_of_a_long_chain_is_reached() {
    const LENGTH: usize = 4_000;
    let lines: String = (0..LENGTH).map(|at| format!("p{at}: p{}\n", (at + 1) % LENGTH)).collect();
    let graph = graph(&lines);
    let end = find(&graph, &format!("p{}", LENGTH - 1))[0];
    let found = shortest_paths(&graph, end, 3);
    assert_eq!((found.paths.len(), found.paths[0].len(), found.more), (1, LENGTH, true));
}
