//! Lock files of Go, Ruby, PHP, Elixir, Dart, Swift and Conan that nobody here wrote, against
//! counts made another way: by lines, or by a parser of whole JSON documents.
#![expect(clippy::disallowed_methods, reason = "tests read fixtures from the disk")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lockgraph::{Format, Graph, Kind, Warnings};
use serde_json::Value;

/// Fixtures of others, beside the repository; not everybody has them.
fn fixtures(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/conformance/lockfiles/language")
        .join(folder);
    let entries = fs::read_dir(&root).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    #[expect(clippy::print_stderr, reason = "a test that does not run must say so")]
    if files.is_empty() {
        eprintln!("SKIPPED: no fixtures in {}", root.display());
    }
    files
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// A lock file by itself: its graph, and how many warnings there were.
fn read(format: Format, text: &str) -> Option<(Graph, usize)> {
    let mut warnings = Warnings::default();
    let graph = format.parse(format.patterns()[0], text.as_bytes(), &mut warnings).ok()?;
    Some((graph, warnings.into_vec().len()))
}

/// `name@version` of the packages that are not the repository's own.
fn labels(graph: &Graph) -> Vec<String> {
    let others = graph.nodes().filter(|(_, node)| node.kind != Kind::Member);
    let mut labels: Vec<String> = others.map(|(_, node)| node.label()).collect();
    labels.sort();
    labels
}

/// How many dependencies packages have that are not the repository's own.
fn edges(graph: &Graph) -> usize {
    let others = graph.nodes().filter(|(_, node)| node.kind != Kind::Member);
    others.map(|(id, _)| graph.edges(id).len()).sum()
}

/// Checks every fixture of a folder that `is_lock` takes; `count` makes the labels another way.
#[track_caller]
fn check(
    folder: &str,
    format: Format,
    is_lock: impl Fn(&str) -> bool,
    count: impl Fn(&str) -> Vec<String>,
) {
    for path in fixtures(folder) {
        if !is_lock(file_name(&path)) {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a fixture is text");
        let (graph, _) = read(format, &text).expect("a fixture is a lock file");
        let mut expected = count(&text);
        expected.sort();
        assert_eq!(labels(&graph), expected, "{}", path.display());
    }
}

#[test]
fn what_a_go_mod_requires_is_in_the_graph_after_replacement() {
    let values: [(&str, &[&str]); 12] = [
        ("indirect-1.16.mod", &["github.com/sirupsen/logrus@v1.9.3"]),
        (
            "indirect-packages.mod",
            &[
                "github.com/BurntSushi/toml@v1.0.0",
                "github.com/mattn/go-colorable@v0.1.9",
                "github.com/mattn/go-isatty@v0.0.14",
                "golang.org/x/sys@v0.0.0-20210630005230-0f9fa26af87c",
                "gopkg.in/yaml.v2@v2.4.0",
            ],
        ),
        ("one-package.mod", &["github.com/BurntSushi/toml@v1.0.0"]),
        ("replace-different.mod", &["example.com/fork/foe@v1.4.2", "example.com/fork/foe@v1.4.5"]),
        // A directory in the repository is its own.
        ("replace-local.mod", &["github.com/BurntSushi/toml@v1.0.0"]),
        ("replace-mixed.mod", &["example.com/fork/net@v1.4.5", "golang.org/x/net@v0.5.6"]),
        ("replace-no-version.mod", &["example.com/fork/net@v1.4.5"]),
        (
            "replace-not-required.mod",
            &["github.com/BurntSushi/toml@v1.0.0", "golang.org/x/net@v0.5.6"],
        ),
        ("replace-one.mod", &["example.com/fork/net@v1.4.5"]),
        ("toolchain.mod", &["github.com/BurntSushi/toml@v1.0.0"]),
        ("toolchain-with-suffix.mod", &["github.com/BurntSushi/toml@v1.0.0"]),
        ("two-packages.mod", &["github.com/BurntSushi/toml@v1.0.0", "gopkg.in/yaml.v2@v2.4.0"]),
    ];
    for path in fixtures("golang/gomod/testdata") {
        let text = fs::read_to_string(&path).expect("a fixture is text");
        if let Some((_, expected)) = values.iter().find(|(name, _)| *name == file_name(&path)) {
            let (graph, warnings) = read(Format::Go, &text).expect("a fixture is a go.mod");
            assert_eq!(labels(&graph), *expected, "{}", path.display());
            assert_eq!(warnings, 0, "{}", path.display());
        } else if ["not-go-mod.mod", "empty.mod"].contains(&file_name(&path)) {
            assert!(read(Format::Go, &text).is_none(), "{}", path.display());
        }
    }
}

/// Gems by lines: bundler writes one a line, at four spaces.
fn gems(text: &str) -> BTreeSet<String> {
    let gem = |line: &str| {
        let line = line.strip_prefix("    ")?.strip_suffix(')')?;
        let (name, version) = line.split_once(" (")?;
        let version = version.split_once('-').map_or(version, |(version, _platform)| version);
        (!name.starts_with(' ')).then(|| format!("{name}@{version}"))
    };
    text.lines().filter_map(gem).collect()
}

#[test]
fn every_gem_and_dependency_of_a_gemfile_lock_is_in_the_graph() {
    let is_lock = |name: &str| name.ends_with(".lock");
    check("ruby/gemfilelock/testdata", Format::Gem, is_lock, |text| {
        gems(text).into_iter().collect()
    });
    for path in fixtures("ruby/gemfilelock/testdata") {
        let text = fs::read_to_string(&path).expect("a fixture is text");
        let (graph, _) = read(Format::Gem, &text).expect("a fixture is a lock file");
        let gems = gems(&text);
        let is_listed = |line: &&str| {
            let name = line.trim().split(' ').next().unwrap_or_default();
            gems.iter().any(|gem| gem.split('@').next() == Some(name))
        };
        let needed = text.lines().filter(|line| line.starts_with("      ")).filter(is_listed);
        assert_eq!(edges(&graph), needed.count(), "{}", path.display());
    }
}

#[test]
fn every_package_of_a_composer_lock_is_in_the_graph() {
    let is_lock = |name: &str| name.ends_with(".json");
    check("php/composerlock/testdata", Format::Composer, is_lock, |text| {
        let document: Value = serde_json::from_str(text).unwrap();
        let sections = ["packages", "packages-dev"].map(|section| document[section].as_array());
        let packages = sections.into_iter().flatten().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        packages
            .map(|package| format!("{}@{}", text(&package["name"]), text(&package["version"])))
            .collect()
    });
}

/// Packages of a mix.lock by lines: mix writes one a line. Of git there is no version.
fn mix(text: &str) -> Vec<String> {
    let package = |line: &str| {
        let (app, rest) = line.trim().strip_prefix('"')?.split_once("\": {")?;
        let mut parts = rest.split(", ");
        match parts.next()? {
            ":hex" => {
                let name = parts.next()?.strip_prefix(':')?;
                Some(format!("{name}@{}", parts.next()?.trim_matches('"')))
            }
            ":git" => Some(app.to_owned()),
            _ => None,
        }
    };
    text.lines().filter_map(package).collect()
}

#[test]
fn every_package_of_a_mix_lock_is_in_the_graph() {
    check("erlang/mixlock/testdata", Format::Mix, |_| true, mix);
    check("elixir/mixlock/testdata", Format::Mix, |_| true, mix);
    for path in fixtures("erlang/mixlock/testdata") {
        let text = fs::read_to_string(&path).expect("a fixture is text");
        let (graph, _) = read(Format::Mix, &text).expect("a fixture is a lock file");
        let apps: Vec<&str> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\": {"))
            .map(|(app, _)| app)
            .collect();
        let needed = text.match_indices("{:").filter(|(at, _)| {
            let app = text[at + 2..].split(", ").next().unwrap_or_default();
            apps.contains(&app)
        });
        assert_eq!(edges(&graph), needed.count(), "{}", path.display());
    }
}

/// Packages of a pubspec.lock by lines: names are one level in, versions at the end.
fn pubspec(text: &str) -> Vec<String> {
    let mut name = "";
    let mut labels = Vec::new();
    for line in text.lines() {
        let depth = line.len() - line.trim_start().len();
        if (1..=2).contains(&depth) && line.ends_with(':') {
            name = line.trim().trim_end_matches(':');
        }
        if let Some(version) = line.strip_prefix("    version: ") {
            labels.push(format!("{name}@{}", version.trim_matches('"')));
        }
    }
    labels
}

#[test]
fn every_package_of_a_pubspec_lock_is_in_the_graph() {
    let is_lock = |name: &str| name.ends_with(".lock") && name != "empty.lock";
    check("dart/pubspec/testdata", Format::Pubspec, is_lock, pubspec);
}

#[test]
fn every_pin_of_a_package_resolved_is_in_the_graph() {
    let is_lock = |name: &str| ["valid", "cve-packages"].contains(&name);
    check("swift/packageresolved/testdata", Format::Swift, is_lock, |text| {
        let document: Value = serde_json::from_str(text).unwrap();
        let label = |pin: &Value| {
            let location = pin["location"].as_str()?.strip_prefix("https://")?;
            let version = pin["state"]["version"].as_str()?;
            Some(format!("{}@{version}", location.strip_suffix(".git").unwrap_or(location)))
        };
        document["pins"].as_array().into_iter().flatten().filter_map(label).collect()
    });
}

/// `name@version` of `name/version@user/channel#revision`.
fn conan(reference: &str) -> Option<String> {
    let end = reference.find(['@', '#', ':', '%']).unwrap_or(reference.len());
    let (name, version) = reference[..end].split_once('/')?;
    Some(format!("{name}@{version}"))
}

#[test]
fn every_package_of_a_conan_lock_is_in_the_graph() {
    let is_lock = |name: &str| name.ends_with(".json");
    check("cpp/conanlock/testdata", Format::Conan, is_lock, |text| {
        let document: Value = serde_json::from_str(text).unwrap();
        let lists = ["requires", "build_requires", "python_requires"];
        let listed = lists.iter().filter_map(|list| document[list].as_array()).flatten();
        let nodes = document["graph_lock"]["nodes"].as_object().into_iter().flatten();
        // The project itself has a path, or nothing else.
        let others = nodes.map(|(_, node)| node).filter(|node| !node["path"].is_string());
        let numbered =
            others.map(|node| if node["ref"].is_string() { &node["ref"] } else { &node["pref"] });
        listed.chain(numbered).filter_map(|value| conan(value.as_str()?)).collect()
    });
}

#[test]
fn what_is_no_lock_file_is_an_error() {
    let cases = [
        ("php/composerlock/testdata", Format::Composer, ["not-json.txt", "null.jsontest"]),
        ("cpp/conanlock/testdata", Format::Conan, ["not-json.txt", "null.v2.jsontest"]),
        ("dart/pubspec/testdata", Format::Pubspec, ["not-yaml.txt", "empty.lock"]),
        ("swift/packageresolved/testdata", Format::Swift, ["invalid", "empty"]),
    ];
    for (folder, format, names) in cases {
        for path in fixtures(folder) {
            let text = fs::read_to_string(&path).expect("a fixture is text");
            if names.contains(&file_name(&path)) {
                assert!(read(format, &text).is_none(), "{}", path.display());
            }
        }
    }
}
