//! Files that somebody published, and what is in them as counted by hand.

use std::collections::BTreeSet;

use lockgraph::{Graph, Warnings};

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
