//! Files that somebody published, and what is in them as counted by hand.

use std::collections::BTreeSet;

use lockgraph::{Graph, Request, Warnings, scan};

use crate::material::of_go;

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
