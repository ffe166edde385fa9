//! What other tools get wrong with lock files of JavaScript, by what holds here.

use crate::format::bun::tests::BUN;
use crate::format::pnpm::tests::{V5, V9};
use crate::format::yarn::tests::{BERRY, BERRY_MANIFEST, CLASSIC, MANIFEST};
use crate::memory::Memory;
use crate::{Format, Graph, Kind, Request, Warnings, scan};

fn parse(format: Format, text: &str) -> Graph {
    format.parse(format.patterns()[0], text.as_bytes(), &mut Warnings::default()).unwrap()
}

fn beside(lock: (&str, &str), manifest: &str) -> Graph {
    let files = [lock, ("package.json", manifest)];
    scan(&Memory::new(files), &Request::default()).unwrap().lockfiles.remove(0).graph
}

/// What the packages of that name and version need.
fn needs(graph: &Graph, label: &str) -> Vec<String> {
    let (id, _) = graph.nodes().find(|(_, node)| node.label() == label).unwrap();
    let needs = graph.edges(id).iter();
    needs.map(|edge| format!("{} {}", edge.kind.name(), graph.node(edge.to).label())).collect()
}

fn labels(graph: &Graph) -> Vec<String> {
    graph.nodes().map(|(_, node)| node.label()).collect()
}

#[test]
fn a_package_is_called_by_its_name_whatever_ranges_came_to_it() {
    let keys = "__metadata:\n  version: 8\n\n\"a@npm:*, a@workspace:*, a@workspace:packages/a\":\n  version: 0.0.0-use.local\n  resolution: \"a@workspace:packages/a\"\n";
    let graph = parse(Format::Yarn, keys);
    assert_eq!(labels(&graph), ["a"]);
}

#[test]
fn a_member_has_the_version_of_its_manifest_or_none() {
    let graph = beside(("yarn.lock", BERRY), BERRY_MANIFEST);
    assert!(labels(&graph).contains(&"shop@1.0.0".to_owned()));
    assert!(!labels(&parse(Format::Yarn, BERRY)).iter().any(|label| label.contains("use.local")));
}

#[test]
fn only_what_the_manifests_name_is_direct() {
    let graph = beside(("yarn.lock", CLASSIC), MANIFEST);
    let direct = ["runtime @s/a@1.1.0", "dev b@2.0.0", "runtime real@3.0.0"];
    assert_eq!(needs(&graph, "shop@1.0.0"), direct);
    assert!(parse(Format::Yarn, CLASSIC).roots().is_empty());
}

#[test]
fn resolutions_change_what_is_needed() {
    let classic = beside(("yarn.lock", CLASSIC), MANIFEST);
    assert!(needs(&classic, "@s/a@1.1.0").contains(&"runtime strip@6.0.1".to_owned()));
    let berry = beside(("yarn.lock", BERRY), BERRY_MANIFEST);
    assert!(needs(&berry, "@s/a@1.1.0").contains(&"runtime strip@5.9.0".to_owned()));
    assert!(needs(&berry, "@s/a@1.1.0").contains(&"runtime patched@5.1.0".to_owned()));
}

#[test]
fn an_alias_is_the_package_it_stands_for() {
    let aliased = [
        parse(Format::Yarn, CLASSIC),
        parse(Format::Yarn, BERRY),
        parse(Format::Pnpm, V5),
        parse(Format::Pnpm, V9),
        parse(Format::Bun, BUN),
    ];
    for graph in aliased {
        assert!(labels(&graph).contains(&"real@3.0.0".to_owned()));
        assert!(!labels(&graph).iter().any(|label| label.starts_with("alias")));
    }
}

#[test]
fn what_overrides_rename_is_still_needed() {
    assert!(
        needs(&parse(Format::Pnpm, V9), "real@3.0.0").contains(&"runtime obug@1.0.2".to_owned())
    );
}

#[test]
fn optional_dependencies_are_needed_too() {
    let optional = "optional maybe@1.0.0".to_owned();
    assert!(needs(&parse(Format::Yarn, CLASSIC), "@s/a@1.1.0").contains(&optional));
    assert!(needs(&parse(Format::Pnpm, V5), "@s/a@1.1.0").contains(&optional));
    assert!(needs(&parse(Format::Bun, BUN), "@s/a@1.1.0").contains(&optional));
    let berry = needs(&parse(Format::Yarn, BERRY), "@s/a@1.1.0");
    assert!(berry.contains(&"optional fsx@2.3.3".to_owned()));
}

#[test]
fn a_patched_package_is_listed_once() {
    let graph = parse(Format::Yarn, BERRY);
    let patched = graph.nodes().filter(|(_, node)| node.name == "patched").count();
    assert_eq!(patched, 1);
}

#[test]
fn a_directory_that_is_linked_to_is_the_member_in_it() {
    let graph = parse(Format::Pnpm, V9);
    let root = graph.nodes().filter(|(_, node)| node.location.as_deref() == Some(""));
    assert_eq!(root.map(|(_, node)| node.kind).collect::<Vec<_>>(), [Kind::Member]);
}

#[test]
fn packages_with_several_sets_of_peers_are_one_package_when_merged() {
    let merged = parse(Format::Pnpm, V9).merged();
    let expected =
        ["optional git@1.0.0", "runtime obug@1.0.2", "peer peer@1.0.0", "peer peer@2.0.0"];
    assert_eq!(needs(&merged, "real@3.0.0"), expected);
}
