//! Every package and every dependency that a lock file lists is in its graph, and no other: held
//! against a second reader of each format, as simple as the format allows.
//!
//! `LOCKGRAPH_REPOSITORIES=/some/repositories cargo test -p lockgraph --test conformance exact --
//! --nocapture` does so for repositories of your own, and shows the counts.

mod bills;
mod json;
mod lines;
pub(crate) mod listed;
mod toml;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use lockgraph::{Format, Graph, Kind, Node, Request, Warnings};

use crate::material::{self, Sample};
use listed::Listed;

/// The most differences that are shown; all are counted.
const SHOWN_MAX: usize = 40;

/// How a format is read the second time.
struct Row {
    format: Format,
    /// The folder of fixtures, and which of its files are lock files.
    fixtures: (&'static str, fn(&str) -> bool),
    /// Which packages of a graph the second reader lists.
    lists: fn(&Node) -> bool,
    /// Nothing where the text is no lock file.
    read: fn(&str, &Sample) -> Option<Listed>,
}

fn every(_: &Node) -> bool {
    true
}

/// What comes from elsewhere.
fn foreign(node: &Node) -> bool {
    !matches!(node.kind, Kind::Member | Kind::Path)
}

/// What others wrote, wherever it lies.
fn no_member(node: &Node) -> bool {
    node.kind != Kind::Member
}

/// Images are another matter: their references are not what `uses:` says.
fn an_action(node: &Node) -> bool {
    node.ecosystem.name() == "github"
}

const ROWS: [Row; 26] = [
    Row {
        format: Format::Cargo,
        fixtures: ("rust/cargolock", |name| name.ends_with(".lock")),
        lists: every,
        read: |text, _| toml::cargo(text),
    },
    Row {
        format: Format::Npm,
        fixtures: ("javascript/packagelockjson", |name| name.ends_with(".json")),
        lists: foreign,
        read: |text, _| json::npm(text),
    },
    Row {
        format: Format::Yarn,
        fixtures: ("javascript/yarnlock", |_| true),
        lists: foreign,
        read: |text, sample| lines::yarn(text, sample.manifest().as_deref()),
    },
    Row {
        format: Format::Pnpm,
        // What pnpm 5 wrote of other sources is beyond a simple reader; see `values`.
        fixtures: ("javascript/pnpmlock", |name| name != "exotic.yaml"),
        lists: foreign,
        read: |text, _| lines::pnpm(text),
    },
    Row {
        format: Format::Bun,
        fixtures: ("javascript/bunlock", |_| true),
        lists: foreign,
        read: |text, _| json::bun(text),
    },
    Row {
        format: Format::Deno,
        // None of these is a lock file: the real ones are in published packages.
        fixtures: ("javascript/denojson", |_| false),
        lists: foreign,
        read: |text, _| json::deno(text),
    },
    Row {
        format: Format::Docker,
        fixtures: ("cpp/conanlock", |_| false),
        lists: every,
        read: |text, _| lines::docker(text),
    },
    Row {
        format: Format::Uv,
        fixtures: ("python/uvlock", |_| true),
        lists: foreign,
        read: |text, _| toml::uv(text),
    },
    Row {
        format: Format::Poetry,
        fixtures: ("python/poetrylock", |_| true),
        lists: foreign,
        read: |text, _| toml::poetry(text),
    },
    Row {
        format: Format::Pdm,
        fixtures: ("python/pdmlock", |_| true),
        lists: foreign,
        read: |text, _| toml::pdm(text),
    },
    Row {
        format: Format::Pylock,
        fixtures: ("python/pylock", |_| true),
        lists: foreign,
        read: |text, _| toml::pylock(text),
    },
    Row {
        format: Format::Pipenv,
        fixtures: ("python/pipfilelock", |_| true),
        lists: every,
        read: |text, _| json::pipenv(text),
    },
    Row {
        format: Format::Composer,
        fixtures: ("php/composerlock", |name| name.ends_with(".json")),
        lists: no_member,
        read: |text, _| json::composer(text),
    },
    Row {
        format: Format::Conan,
        fixtures: ("cpp/conanlock", |name| name.ends_with(".json")),
        lists: no_member,
        read: |text, _| json::conan(text),
    },
    Row {
        format: Format::Gem,
        fixtures: ("ruby/gemfilelock", |name| name.ends_with(".lock")),
        lists: foreign,
        read: |text, _| lines::gem(text),
    },
    Row {
        format: Format::Go,
        fixtures: ("golang/gomod", |name| name.ends_with(".mod") && name != "not-go-mod.mod"),
        lists: foreign,
        read: |text, _| lines::go(text),
    },
    Row {
        format: Format::Mix,
        fixtures: ("erlang/mixlock", |_| true),
        lists: no_member,
        read: |text, _| lines::mix(text),
    },
    Row {
        format: Format::Pubspec,
        fixtures: ("dart/pubspec", |name| name.ends_with(".lock")),
        lists: no_member,
        read: |text, _| lines::pubspec(text),
    },
    Row {
        format: Format::Swift,
        fixtures: ("swift/packageresolved", |name| !name.contains('.')),
        lists: every,
        read: |text, _| json::swift(text),
    },
    Row {
        format: Format::Gradle,
        fixtures: ("java/gradlelockfile", |_| true),
        lists: every,
        read: |text, _| lines::gradle(text),
    },
    Row {
        format: Format::Nuget,
        fixtures: ("dotnet/packageslockjson", |_| true),
        lists: foreign,
        read: |text, _| json::nuget(text),
    },
    Row {
        format: Format::Actions,
        fixtures: ("githubactions", |_| true),
        lists: an_action,
        read: |text, _| lines::actions(text),
    },
    Row {
        format: Format::Terraform,
        // These fixtures have none: the real ones are in published packages.
        fixtures: ("cpp/conanlock", |_| false),
        lists: every,
        read: |text, _| lines::terraform(text),
    },
    Row {
        format: Format::GoVendor,
        fixtures: ("golang/vendormodules", |_| true),
        lists: foreign,
        read: |text, _| lines::go_vendor(text),
    },
    Row {
        format: Format::CycloneDx,
        // Bills are none of these fixtures: the real ones are in published packages.
        fixtures: ("cpp/conanlock", |_| false),
        lists: every,
        read: |text, _| bills::read(text),
    },
    Row {
        format: Format::Spdx,
        fixtures: ("cpp/conanlock", |_| false),
        lists: every,
        read: |text, _| bills::read(text),
    },
];

/// What a graph has, in the words of the second readers.
fn of_graph(graph: &Graph, lists: fn(&Node) -> bool, by_name: bool) -> Listed {
    let label = |node: &Node| listed::label(node.ecosystem, &node.name, node.version.as_deref());
    let mut found = Listed::default();
    for (id, node) in graph.nodes().filter(|(_, node)| lists(node)) {
        found.packages.insert(label(node));
        let needed = graph.edges(id).iter().map(|edge| graph.node(edge.to));
        for to in needed.filter(|node| lists(node)) {
            let target =
                if by_name { listed::label(to.ecosystem, &to.name, None) } else { label(to) };
            found.edges.insert((label(node), target));
        }
    }
    found
}

/// What a lock file comes to. What yarn's says depends on the manifest beside it.
fn graph_of(format: Format, sample: &Sample, text: &str) -> Result<Graph, String> {
    if format != Format::Yarn {
        let parsed = format.parse(&sample.place, text.as_bytes(), &mut Warnings::default());
        return parsed.map_err(|err| err.to_string());
    }
    let request = Request { lockfiles: vec![sample.place.clone()], ..Request::default() };
    let mut scan = lockgraph::scan(sample, &request).map_err(|err| err.to_string())?;
    let read = scan.lockfiles.pop().map(|lockfile| lockfile.graph);
    read.ok_or_else(|| scan.warnings.into_vec().into_iter().map(|it| it.reason).collect::<String>())
}

/// What was compared of one ecosystem.
#[derive(Default)]
struct Counts {
    repositories: BTreeSet<String>,
    files: usize,
    packages: usize,
    edges: usize,
}

impl Counts {
    fn numbers(&self) -> [usize; 4] {
        [self.repositories.len(), self.files, self.packages, self.edges]
    }
}

/// What was compared.
#[derive(Default)]
struct Tally {
    counts: BTreeMap<&'static str, Counts>,
    differences: Vec<String>,
}

impl Tally {
    fn compare(&mut self, row: &Row, sample: &Sample) {
        let Some(text) = sample.text() else { return };
        let parsed = graph_of(row.format, sample, &text);
        let Some(mut expected) = (row.read)(&text, sample) else {
            if parsed.is_ok_and(|graph| graph.node_count() > 0) {
                self.differ(sample, "packages", &"of a file that is no lock file");
            }
            return;
        };
        let graph = match parsed {
            Ok(graph) => graph,
            Err(_) if expected.packages.is_empty() => return,
            Err(err) => return self.differ(sample, "not read", &err),
        };
        let mut found = of_graph(&graph, row.lists, expected.by_name);
        // Whether a package needs itself is no question of the graph.
        for listed in [&mut expected, &mut found] {
            listed.edges.retain(|(from, to)| from != to && !from.starts_with(&format!("{to}@")));
            if !expected_has_edges(row.format) {
                listed.edges.clear();
            }
        }
        for missed in expected.packages.difference(&found.packages) {
            self.differ(sample, "missed", missed);
        }
        for false_one in found.packages.difference(&expected.packages) {
            self.differ(sample, "false", false_one);
        }
        for (from, to) in expected.edges.difference(&found.edges) {
            self.differ(sample, "missed", &format!("{from} -> {to}"));
        }
        for (from, to) in found.edges.difference(&expected.edges) {
            self.differ(sample, "false", &format!("{from} -> {to}"));
        }
        let counts = self.counts.entry(row.format.ecosystem().name()).or_default();
        counts.repositories.insert(sample.repository.clone());
        counts.files += 1;
        counts.packages += expected.packages.len();
        counts.edges += expected.edges.len();
    }

    fn differ(&mut self, sample: &Sample, how: &str, what: &dyn Display) {
        self.differences.push(format!("{}: {how} {what}", sample.path.display()));
    }

    /// Shows the counts, and fails on any difference.
    #[expect(clippy::print_stderr, reason = "the counts are what the test is for")]
    #[track_caller]
    fn finish(self, of: &str) {
        let line = |name: &str, [repositories, files, packages, edges]: [usize; 4]| {
            format!("{name:<12}{repositories:>8}{files:>8}{packages:>10}{edges:>10}\n")
        };
        let mut all = [0; 4];
        let mut lines = String::new();
        for (ecosystem, counts) in &self.counts {
            lines.push_str(&line(ecosystem, counts.numbers()));
            all.iter_mut().zip(counts.numbers()).for_each(|(sum, number)| *sum += number);
        }
        lines.push_str(&line("all", all));
        let differences = self.differences.len();
        eprintln!(
            "{of}: repositories, files, packages, dependencies\n{lines}{differences} differences"
        );
        let shown = &self.differences[..self.differences.len().min(SHOWN_MAX)];
        assert!(shown.is_empty(), "{} differences:\n{}", self.differences.len(), shown.join("\n"));
    }
}

/// Whether a lock file of this format says which package needs which.
fn expected_has_edges(format: Format) -> bool {
    !matches!(
        format,
        Format::Go
            | Format::Conan
            | Format::Pubspec
            | Format::Swift
            | Format::Gradle
            | Format::Pipenv
            | Format::Actions
            | Format::Docker
            | Format::Terraform
            | Format::GoVendor
    )
}

#[test]
fn fixtures_of_another_scanner_are_read_exactly() {
    let mut tally = Tally::default();
    for row in &ROWS {
        let (folder, is_lock) = row.fixtures;
        let top = if row.format == Format::Actions { "misc" } else { "language" };
        for path in material::fixtures(&format!("{top}/{folder}")) {
            if is_lock(material::name(&path)) {
                let repository = path.display().to_string();
                let (place, format) = (row.format.patterns()[0].replace('*', "a"), row.format);
                tally.compare(row, &Sample { repository, path, place, format });
            }
        }
    }
    tally.finish("fixtures");
}

#[test]
fn lock_files_of_published_packages_are_read_exactly() {
    let mut tally = Tally::default();
    for sample in material::published() {
        if let Some(row) = ROWS.iter().find(|row| row.format == sample.format) {
            tally.compare(row, &sample);
        }
    }
    tally.finish("published packages");
}

#[test]
fn bills_that_the_owners_of_their_format_publish_are_read_exactly() {
    let mut tally = Tally::default();
    let row = ROWS.iter().find(|row| row.format == Format::CycloneDx).expect("it is in the table");
    for sample in material::bills_of_cyclonedx() {
        tally.compare(row, &sample);
    }
    tally.finish("bills of CycloneDX");
}
