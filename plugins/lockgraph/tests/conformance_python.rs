//! Lock files of Python that nobody here wrote, against what another reader makes of them.
#![expect(clippy::disallowed_methods, reason = "tests read fixtures from the disk")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use lockgraph::{Format, Graph, Warnings};
use serde_json::Value as Json;
use toml::{Table, Value};

/// Fixtures of others, beside the repository; not everybody has them.
fn fixtures(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/conformance/lockfiles/language/python")
        .join(folder)
        .join("testdata");
    let listed = fs::read_dir(&root).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = listed.collect();
    files.sort();
    #[expect(clippy::print_stderr, reason = "a test that does not run must say so")]
    if files.is_empty() {
        eprintln!("SKIPPED: no fixtures in {}", root.display());
    }
    files
}

/// A name in the spelling of PEP 503, said another way.
fn spelled(name: &str) -> String {
    let plain = name.to_lowercase().replace(['_', '.'], "-");
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

fn label(name: &str, version: Option<&str>) -> String {
    format!("{}@{}", spelled(name), version.unwrap_or(""))
}

type Expected = (BTreeSet<String>, BTreeSet<(String, String)>);

fn found(graph: &Graph) -> Expected {
    let label = |node: &lockgraph::Node| label(&node.name, node.version.as_deref());
    let nodes = graph.nodes().map(|(_, node)| label(node)).collect();
    let edges = graph.nodes().flat_map(|(id, from)| {
        graph.edges(id).iter().map(move |edge| (label(from), label(graph.node(edge.to))))
    });
    (nodes, edges.collect())
}

fn texts<'a>(table: &'a Table, key: &str) -> Vec<&'a Value> {
    table.get(key).and_then(Value::as_array).into_iter().flatten().collect()
}

/// The names that each format lists as needed by a package: in these fixtures each of them has
/// one version.
fn needed(format: Format, package: &Table) -> Vec<String> {
    let of_tables = |key: &str| -> Vec<String> {
        let tables = texts(package, key).into_iter();
        tables.filter_map(|need| need.get("name")?.as_str().map(str::to_owned)).collect()
    };
    if format == Format::Poetry {
        let table = package.get("dependencies").and_then(Value::as_table);
        return table.into_iter().flat_map(|table| table.keys().cloned()).collect();
    }
    if format == Format::Pdm {
        let list = texts(package, "dependencies").into_iter().filter_map(Value::as_str);
        let end = |c: char| !(c.is_alphanumeric() || "-_.".contains(c));
        return list.map(|text| text.split(end).next().unwrap_or_default().to_owned()).collect();
    }
    let mut all = of_tables("dependencies");
    for groups in ["optional-dependencies", "dev-dependencies"] {
        let table = package.get(groups).and_then(Value::as_table);
        for list in table.into_iter().flat_map(|table| table.values()) {
            let needs = list.as_array().into_iter().flatten();
            all.extend(needs.filter_map(|it| it.get("name")?.as_str().map(str::to_owned)));
        }
    }
    all
}

fn expected(format: Format, document: &Table) -> Expected {
    let key = if format == Format::Pylock { "packages" } else { "package" };
    let mut by_name: BTreeMap<String, String> = BTreeMap::new();
    let packages: Vec<&Table> =
        texts(document, key).into_iter().filter_map(Value::as_table).collect();
    let of = |package: &Table| {
        let text = |key: &str| package.get(key).and_then(Value::as_str);
        Some((spelled(text("name")?), label(text("name")?, text("version"))))
    };
    by_name.extend(packages.iter().filter_map(|package| of(package)));
    let mut edges = BTreeSet::new();
    for package in &packages {
        let Some((name, from)) = of(package) else { continue };
        for need in needed(format, package) {
            if let Some(to) = by_name.get(&spelled(&need)).filter(|_| spelled(&need) != name) {
                edges.insert((from.clone(), to.clone()));
            }
        }
    }
    (packages.iter().filter_map(|package| of(package)).map(|(_, label)| label).collect(), edges)
}

#[test]
fn every_package_and_dependency_of_a_lock_file_in_toml_is_in_the_graph() {
    for (format, folder) in [
        (Format::Pdm, "pdmlock"),
        (Format::Poetry, "poetrylock"),
        (Format::Pylock, "pylock"),
        (Format::Uv, "uvlock"),
    ] {
        for path in fixtures(folder).iter().filter(|path| !path.ends_with("not-toml.txt")) {
            let text = fs::read_to_string(path).expect("a fixture is text");
            let document: Table = toml::from_str(&text).expect("a fixture is TOML");
            let mut warnings = Warnings::default();
            let graph = format.parse("some.lock", text.as_bytes(), &mut warnings).unwrap();
            assert_eq!(found(&graph), expected(format, &document), "{}", path.display());
            assert!(warnings.is_empty(), "{}: {warnings:?}", path.display());
        }
    }
}

#[test]
fn every_package_of_a_pipfile_lock_is_in_the_graph() {
    for path in fixtures("pipfilelock") {
        let bytes = fs::read(&path).unwrap();
        let Ok(document) = serde_json::from_slice::<Json>(&bytes) else {
            let read = Format::Pipenv.parse("Pipfile.lock", &bytes, &mut Warnings::default());
            assert!(read.is_err(), "{}", path.display());
            continue;
        };
        let sections = document.as_object().into_iter().flatten();
        let packages = sections
            .filter(|(section, _)| *section != "_meta")
            .flat_map(|(_, section)| section.as_object().into_iter().flatten());
        let expected: BTreeSet<String> = packages
            .map(|(name, entry)| {
                label(name, entry["version"].as_str().map(|it| it.trim_start_matches("==")))
            })
            .collect();
        let graph = Format::Pipenv.parse("Pipfile.lock", &bytes, &mut Warnings::default()).unwrap();
        assert_eq!(found(&graph).0, expected, "{}", path.display());
    }
}

/// What each file pins; without a version, what it only limits.
const REQUIREMENTS: [(&str, &str); 9] = [
    ("comments.txt", "gmpy2@1 pycrypto@1.2-alpha requests@1.0 six@1.2 sympy@1.2"),
    ("env_var.txt", "another@1.0 asdf@1.2 qwert@"),
    ("extras.txt", "celery@4.4.7 pyjwt@2.1.0"),
    ("multiline_and_comments.txt", "pkga@1.0 pkgb@2.0"),
    ("no_version.txt", "gmpy2@ pycrypto@ sympy@"),
    ("other-requirements.txt", "pandas@2.2.3"),
    ("trailing_backslash.txt", "pkg1@1.0"),
    (
        "with_versions.txt",
        "asdf@ combination-also-valid@ hy-phen@1.2 newspaper3k@ nltk@3.2.2 pkg-dot-name@5.0.0 pkg@ \
         qwerty@0.1 tabulate@0.7.7 under-score@1.3 yolo@1.0",
    ),
    (
        "per_req_options.txt",
        "foo11@1.0 foo12@1.0 foo13@1.0 foo14@1.0 foo16-client@1.0 foo17-hash@1.0 foo18-client@1.0 \
         foo1@1.0 foo2@1.0 foo3@1.0 foo4@1.0 foo5@1.0 foo6@1.0 foo8@1.0 foo9@1.0",
    ),
];

#[test]
fn what_a_requirement_file_pins_is_in_the_graph() {
    let files = fixtures("requirements");
    for (name, expected) in REQUIREMENTS {
        for path in files.iter().filter(|path| path.ends_with(name)) {
            let bytes = fs::read(path).unwrap();
            let mut warnings = Warnings::default();
            let graph =
                Format::Requirements.parse("requirements.txt", &bytes, &mut warnings).unwrap();
            let found: Vec<String> = found(&graph).0.into_iter().collect();
            assert_eq!(found.join(" "), expected, "{name}: {warnings:?}");
        }
    }
}

#[test]
fn what_is_no_lock_file_is_an_error_with_a_reason() {
    for (format, folder) in [
        (Format::Pdm, "pdmlock"),
        (Format::Poetry, "poetrylock"),
        (Format::Pylock, "pylock"),
        (Format::Uv, "uvlock"),
    ] {
        for path in fixtures(folder).iter().filter(|path| path.ends_with("not-toml.txt")) {
            let bytes = fs::read(path).unwrap();
            assert!(format.parse("some.lock", &bytes, &mut Warnings::default()).is_err());
        }
    }
}
