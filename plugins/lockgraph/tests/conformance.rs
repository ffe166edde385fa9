//! Lock files nobody here wrote, against counts made another way.
#![expect(clippy::disallowed_methods, reason = "tests read fixtures from the disk")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lockgraph::{Format, Warnings};
use serde_json::Value;

/// Fixtures of others, beside the repository; not everybody has them.
fn fixtures(folder: &str) -> Vec<PathBuf> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/conformance/lockfiles");
    let mut files = Vec::new();
    let mut open = vec![root.join(folder)];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    #[expect(clippy::print_stderr, reason = "a test that does not run must say so")]
    if files.is_empty() {
        eprintln!("SKIPPED: no fixtures in {}", root.join(folder).display());
    }
    files
}

/// Packages and dependencies of a Cargo.lock, counted by lines: cargo writes one a line.
fn count_lines(text: &str) -> (usize, usize) {
    let packages = text.lines().filter(|line| *line == "[[package]]").count();
    let edges = text.lines().filter(|line| line.starts_with(" \"")).count();
    (packages, edges)
}

#[track_caller]
fn check_cargo(path: &Path) {
    let text = fs::read_to_string(path).expect("a fixture is text");
    let mut warnings = Warnings::default();
    let graph = Format::Cargo
        .parse("Cargo.lock", text.as_bytes(), &mut warnings)
        .expect("a fixture is a lock file");
    // Some fixtures were cut by hand: a dependency they lost must be told.
    let edges = graph.edge_count() + warnings.into_vec().len();
    assert_eq!((graph.node_count(), edges), count_lines(&text), "{}", path.display());
}

#[test]
fn every_package_and_dependency_of_a_cargo_lock_is_in_the_graph() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    check_cargo(&own);
    for path in fixtures("language/rust/cargolock") {
        if path.extension().is_some_and(|extension| extension == "lock") {
            check_cargo(&path);
        }
    }
}

/// Installed packages and edges of a version 2 or 3 lock, resolved the other way round: of all
/// directories that have the name, the deepest above the package.
fn count_installed(packages: &serde_json::Map<String, Value>) -> (usize, usize) {
    let is_link = |entry: &Value| entry["link"] == true;
    let target = |location: &str| match packages[location]["resolved"].as_str() {
        Some(target) if is_link(&packages[location]) => target.to_owned(),
        _ => location.to_owned(),
    };
    let mut edges = BTreeSet::new();
    for (location, entry) in packages.iter().filter(|(_, entry)| !is_link(entry)) {
        let sections =
            ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
        for name in sections.iter().filter_map(|key| entry[key].as_object()).flat_map(|o| o.keys())
        {
            let above = |candidate: &&String| {
                candidate
                    .strip_suffix(&format!("node_modules/{name}"))
                    .is_some_and(|dir| dir.is_empty() || format!("{location}/").starts_with(dir))
            };
            if let Some(found) = packages.keys().filter(above).max_by_key(|found| found.len()) {
                edges.insert((location.clone(), target(found)));
            }
        }
    }
    (packages.values().filter(|entry| !is_link(entry)).count(), edges.len())
}

/// Packages of a version 1 lock, with the root.
fn count_nested(entry: &Value) -> usize {
    let nested = entry["dependencies"].as_object().into_iter().flatten();
    1 + nested.map(|(_, entry)| count_nested(entry)).sum::<usize>()
}

#[test]
fn every_package_and_dependency_of_a_package_lock_is_in_the_graph() {
    let mut files = fixtures("language/javascript/packagelockjson");
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    for path in files {
        let bytes = fs::read(&path).unwrap();
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        let mut warnings = Warnings::default();
        let graph = Format::Npm.parse("package-lock.json", &bytes, &mut warnings).unwrap();
        match document["packages"].as_object() {
            Some(packages) => assert_eq!(
                (graph.node_count(), graph.edge_count()),
                count_installed(packages),
                "{}",
                path.display()
            ),
            None => assert_eq!(graph.node_count(), count_nested(&document), "{}", path.display()),
        }
    }
}

#[test]
fn what_is_no_lock_file_is_an_error_with_a_reason() {
    let files = fixtures("language");
    let not = |name: &'static str| files.iter().filter(move |path| path.ends_with(name)).cloned();
    for path in not("not-toml.txt") {
        let bytes = fs::read(&path).unwrap();
        assert!(Format::Cargo.parse("Cargo.lock", &bytes, &mut Warnings::default()).is_err());
    }
    for path in not("not-json.txt").chain(not("null.v2.jsontest")) {
        let bytes = fs::read(&path).unwrap();
        assert!(Format::Npm.parse("package-lock.json", &bytes, &mut Warnings::default()).is_err());
    }
}
