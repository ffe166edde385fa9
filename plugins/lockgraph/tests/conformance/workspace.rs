//! A workspace of Go that somebody published, read as it lies there.

use lockgraph::{Files as _, Request, scan};

use crate::material::workspace_of_go;

#[test]
fn a_published_module_of_a_workspace_needs_what_its_owners_say() {
    let Some(module) = workspace_of_go() else { return };
    let work = String::from_utf8(module.read("go.work").unwrap()).unwrap();
    assert!(work.contains("./cmd/hujsonfmt"), "it uses a module that is published apart: {work}");

    let request = Request { lockfiles: vec!["go.mod".to_owned()], ..Request::default() };
    let scan = scan(&module, &request).unwrap();
    let graph = &scan.lockfiles[0].graph;
    let mut nodes: Vec<String> = graph
        .nodes()
        .map(|(id, node)| {
            let own = if graph.roots().contains(&id) { " (its own)" } else { "" };
            format!("{} {}{own}", node.label(), node.scope.name())
        })
        .collect();
    nodes.sort();
    let expected = [
        "github.com/google/go-cmp@v0.5.8 runtime",
        "github.com/tailscale/hujson runtime (its own)",
    ];
    assert_eq!(nodes, expected);
    let warnings: Vec<String> = scan.warnings.into_vec().into_iter().map(|it| it.reason).collect();
    assert_eq!(warnings, [""; 0]);
}
