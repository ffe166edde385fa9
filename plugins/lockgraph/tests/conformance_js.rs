//! Lock files of JavaScript that nobody here wrote, against counts made another way.
#![expect(clippy::disallowed_methods, reason = "tests read fixtures from the disk")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lockgraph::{Format, Graph, Kind, Warnings};

/// The fixtures of others in a folder, beside the repository, by name; not everybody has them.
fn fixtures(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/conformance/lockfiles/language/javascript")
        .join(folder)
        .join("testdata");
    let mut files: Vec<(String, String)> = fs::read_dir(&root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            Some((name, fs::read_to_string(entry.path()).ok()?))
        })
        .collect();
    files.sort();
    #[expect(clippy::print_stderr, reason = "a test that does not run must say so")]
    if files.is_empty() {
        eprintln!("SKIPPED: no fixtures in {}", root.display());
    }
    files
}

#[track_caller]
fn parse(format: Format, name: &str, text: &str) -> (Graph, usize) {
    let mut warnings = Warnings::default();
    match format.parse(format.patterns()[0], text.as_bytes(), &mut warnings) {
        Ok(graph) => (graph, warnings.into_vec().len()),
        Err(err) => panic!("{name}: {err}"),
    }
}

/// `name@version` of all packages that are not the repository's own.
fn labels(graph: &Graph) -> BTreeSet<String> {
    let others = graph.nodes().filter(|(_, node)| node.kind != Kind::Member);
    others.map(|(_, node)| node.label()).collect()
}

/// Entries and dependencies of a yarn.lock, counted by lines.
fn count_yarn(text: &str) -> (usize, usize) {
    let (mut entries, mut needs, mut counts) = (0, 0, false);
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.len() - line.trim_start().len() {
            0 => entries += usize::from(line != "__metadata:"),
            2 => counts = is_section_of_needs(line),
            _ => needs += usize::from(counts),
        }
    }
    (entries, needs)
}

fn is_section_of_needs(line: &str) -> bool {
    ["dependencies:", "optionalDependencies:"].contains(&line.trim().replace('"', "").as_str())
}

#[test]
fn every_entry_and_dependency_of_a_yarn_lock_is_in_the_graph() {
    for (name, text) in fixtures("yarnlock") {
        let (graph, told) = parse(Format::Yarn, &name, &text);
        let (entries, needs) = count_yarn(&text);
        assert_eq!(graph.node_count(), entries, "{name}");
        // Most fixtures were cut by hand: a dependency they lost must be told.
        let lost = needs - graph.edge_count();
        assert_eq!(told, if lost > 10 { 11 } else { lost }, "{name}");
    }
}

/// The keys of a section, counted by lines.
fn count_keys(text: &str, section: &str) -> usize {
    let lines = text.lines().skip_while(|line| *line != section).skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with(' '));
    lines.filter(|line| line.starts_with("  ") && !line[2..].starts_with([' ', '#'])).count()
}

#[test]
fn every_package_of_a_pnpm_lock_is_in_the_graph() {
    for (name, text) in fixtures("pnpmlock") {
        let mut warnings = Warnings::default();
        let read = Format::Pnpm.parse("pnpm-lock.yaml", text.as_bytes(), &mut warnings);
        let Ok(graph) = read else {
            assert!(["empty.yaml", "not-yaml.txt"].contains(&name.as_str()), "{name}: {read:?}");
            continue;
        };
        let is_v9 = text.contains("lockfileVersion: '9");
        let packages = count_keys(&text, if is_v9 { "snapshots:" } else { "packages:" });
        let nameless = warnings.into_vec().into_iter();
        let nameless =
            nameless.filter(|warning| warning.reason.contains("names no package")).count();
        let own = graph.nodes().filter(|(_, node)| node.kind == Kind::Member).count();
        assert_eq!(graph.node_count(), packages - nameless + own, "{name}");
    }
}

/// What the fixtures' owners expect, where the keys are hard to read.
#[test]
fn names_and_versions_are_those_that_the_fixtures_owners_expect() {
    let expected: [(Format, &str, &str, &[&str]); 8] = [
        (
            Format::Pnpm,
            "pnpmlock",
            "exotic.yaml",
            &[
                "foo@1.0.0",
                "@foo/bar@1.0.0",
                "foo@1.1.0",
                "@foo/bar@1.1.0",
                "foo@1.2.0",
                "foo@1.3.0",
                "foo@1.4.0",
            ],
        ),
        (Format::Pnpm, "pnpmlock", "tarball.yaml", &["@my-org/my-package@3.2.3"]),
        (Format::Pnpm, "pnpmlock", "commits.v9.yaml", &["ansi-regex@6.0.1", "is-number@7.0.0"]),
        (
            Format::Pnpm,
            "pnpmlock",
            "commits.yaml",
            &[
                "my-bitbucket-package@1.0.0",
                "@my-scope/my-package@1.0.0",
                "@my-scope/my-other-package@1.0.0",
                "faker-parser@0.0.1",
                "mocks@20.0.1",
            ],
        ),
        (
            Format::Yarn,
            "yarnlock",
            "with-aliases.v1.lock",
            &["ansi-regex@5.0.1", "ansi-regex@6.0.1", "@babel/helper-validator-identifier@7.22.20"],
        ),
        (
            Format::Yarn,
            "yarnlock",
            "with-aliases.v2.lock",
            &["ansi-regex@5.0.1", "ansi-regex@6.0.1", "@babel/helper-validator-identifier@7.22.20"],
        ),
        (Format::Yarn, "yarnlock", "exclude-root.v2.lock", &["ansi-regex@6.1.0"]),
        (
            Format::Bun,
            "bunlock",
            "alias.json5",
            &["has-flag@4.0.0", "has-flag@3.0.0", "supports-color@7.2.0", "supports-color@6.1.0"],
        ),
    ];
    for (format, folder, file, packages) in expected {
        for (name, text) in fixtures(folder).into_iter().filter(|(name, _)| name == file) {
            let packages: BTreeSet<String> = packages.iter().map(|&one| one.to_owned()).collect();
            assert_eq!(labels(&parse(format, &name, &text).0), packages, "{name}");
        }
    }
}

#[test]
fn every_package_of_a_bun_lock_is_in_the_graph() {
    for (name, text) in fixtures("bunlock") {
        let mut warnings = Warnings::default();
        let read = Format::Bun.parse("bun.lock", text.as_bytes(), &mut warnings);
        let Ok(graph) = read else {
            assert!(["empty.json5", "not-json.txt"].contains(&name.as_str()), "{name}: {read:?}");
            continue;
        };
        let told = warnings.into_vec().len();
        let packages =
            text.lines().filter(|line| line.starts_with("    \"") && line.contains(": [")).count();
        assert_eq!(graph.node_count() + told, packages + 1, "{name}");
    }
}
