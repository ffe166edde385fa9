//! Files that somebody published, and what is in them as counted by hand.

use std::collections::BTreeSet;

use lockgraph::{Graph, Request, Warnings, scan};

use crate::material::{of_go, unpacked};

/// What is in the file at `place` of a module of Go; nothing where it is not at hand.
fn read(module: &str, place: &str) -> Option<Graph> {
    let sample = of_go(module, place)?;
    let text = sample.text().expect("it is a text");
    let mut warnings = Warnings::default();
    let graph = sample.format.parse(place, text.as_bytes(), &mut warnings);
    assert_eq!(warnings.into_vec(), [], "{place}");
    Some(graph.expect("it can be read"))
}

const TERRAFORM: &str = "github.com/hashicorp/terraform@v1.5.7";

#[test]
fn providers_of_terraform_have_all_their_digests() {
    let place = "internal/command/e2etest/testdata/terraform-providers-mirror-with-lock-file/\
                 .terraform.lock.hcl";
    let Some(graph) = read(TERRAFORM, place) else { return };
    let found: Vec<(&str, u32, usize, usize)> = graph
        .nodes()
        .map(|(_, node)| {
            let digests: BTreeSet<_> = node.archives.iter().flat_map(|it| &it.hashes).collect();
            let sums = node.integrity.as_deref().unwrap_or_default().split(' ').count();
            (node.purl.as_str(), node.places[0].line, digests.len(), sums)
        })
        .collect();
    let expected = [
        ("pkg:terraform/hashicorp/null@2.1.0", 4, 12, 2),
        ("pkg:terraform/hashicorp/template@2.1.1", 25, 12, 2),
    ];
    assert_eq!((found, graph.edge_count()), (expected.to_vec(), 0));
}

#[test]
fn what_go_copied_is_what_its_go_mod_requires() {
    // How many modules are required, and how many of them were copied.
    let modules = [
        ("github.com/opencontainers/runc@v1.1.12", 23, 23),
        ("github.com/containers/buildah@v1.29.0", 132, 132),
    ];
    for (module, required, copied) in modules {
        let Some(sample) = of_go(module, "go.mod") else { continue };
        let request = Request { lockfiles: vec!["go.mod".to_owned()], ..Request::default() };
        let found = scan(&sample, &request).expect("it can be searched");
        assert_eq!(found.warnings.into_vec(), [], "{module}");
        let graph = &found.lockfiles[0].graph;
        let foreign = || graph.nodes().filter(|(id, _)| !graph.roots().contains(id));
        let in_both = foreign().filter(|(_, node)| {
            let says = |name: &str| node.places.iter().any(|place| place.path.ends_with(name));
            says("go.mod") && says("vendor/modules.txt")
        });
        let counts = (foreign().count(), in_both.count(), graph.merged().node_count());
        assert_eq!(counts, (required, copied, required + 1), "{module}");
    }
}

/// How many packages there are, how many of them have a package URL of their own, and how many
/// needs.
fn counts(graph: &Graph) -> (usize, usize, usize) {
    let is_named = |node: &&lockgraph::Node| !node.purl.starts_with("pkg:generic/");
    let named = graph.nodes().map(|(_, node)| node).filter(is_named).count();
    (graph.node_count(), named, graph.edge_count())
}

#[test]
fn a_wheel_may_have_a_bill_of_spdx_3_in_it() {
    let place = "ntia_conformance_checker-6.0.0.dist-info/sboms/\
                 ntia_conformance_checker-6.0.0.spdx3.json";
    let Some(sample) = unpacked("ntia-conformance-checker==6.0.0", place) else { return };
    let text = sample.text().expect("it is a text");
    let mut warnings = Warnings::default();
    let graph = sample.format.parse(place, text.as_bytes(), &mut warnings).expect("it is a bill");
    assert_eq!(warnings.into_vec(), []);
    assert_eq!(counts(&graph), (12, 12, 11));
    let pinned: Vec<&str> = graph
        .nodes()
        .filter_map(|(_, node)| node.version.as_ref().map(|_| node.purl.as_str()))
        .collect();
    // It says of ten that their version is unknown.
    let expected = ["pkg:pypi/ntia-conformance-checker@6.0.0", "pkg:pypi/spdx-python-model@0.0.6"];
    assert_eq!(pinned, expected);
    assert_eq!(graph.node(graph.roots()[0]).purl, expected[0]);
}

#[test]
fn bills_of_several_tools_have_all_that_they_list() {
    let bills = [
        (
            "test/conformance/testdata/cyclonedx/1.5/json/syft-0.96.0_plone-5.2.cdx.json",
            (612, 609, 492),
        ),
        (
            "test/conformance/testdata/cyclonedx/1.6/json/syft-1.2.0_rails-5.0.0.cdx.json",
            (446, 443, 1368),
        ),
        ("test/conformance/testdata/cyclonedx/1.4/json/juice-shop-11.1.2.cdx.json", (841, 841, 0)),
        (
            "test/conformance/testdata/spdx/2.3/json/trivy-0.42.1_mageia-5.1.spdx.json",
            (183, 182, 0),
        ),
        ("pkg/formats/testdata/nginx.spdx", (1185, 1137, 0)),
    ];
    for (place, expected) in bills {
        let Some(graph) = read("github.com/protobom/protobom@v0.5.0", place) else { continue };
        assert_eq!(counts(&graph), expected, "{place}");
    }
}
