//! Damaged and enormous files of Maven, Gradle, NuGet, GitHub Actions and Docker.

use std::fmt::Write as _;

use lockgraph::{Format, Graph, Warnings};
use proptest::prelude::*;

const POM: &str = r#"<?xml version="1.0"?>
<project><groupId>org.acme</groupId><artifactId>app</artifactId><version>${v}</version>
  <properties><v>1.0</v><w>${v}-${w}</w></properties>
  <!-- a comment with <dependency> -->
  <dependencies>
    <dependency><groupId>g</groupId><artifactId>a</artifactId><version>${v}</version></dependency>
    <dependency><groupId>g</groupId><artifactId>b</artifactId><version>[1,2)</version><scope>test</scope></dependency>
    <dependency><groupId>g</groupId><artifactId>c</artifactId><version><![CDATA[3]]>&amp;&#49;</version></dependency>
  </dependencies>
</project>
"#;

const GRADLE: &str = "# comment\ng:a:1=runtimeClasspath\ng:b:2=testRuntimeClasspath,compileClasspath\ng:c:3=kapt\nempty=x,y\n";

const NUGET: &str = r#"{"version": 1, "dependencies": {"net8.0": {
  "A": {"type": "Direct", "resolved": "1.0.0", "contentHash": "QQ==", "dependencies": {"B": "1.0.0"}},
  "B": {"type": "Transitive", "resolved": "1.0.0"},
  "c": {"type": "Project"}
}}}
"#;

const CONFIG: &str = "<packages>\n<package id='A' version='1'/>\n<package id='B' version='2' developmentDependency='true'/>\n<package id='C' version='3'></package></packages>\n";

const PROJECT: &str = "<Project Sdk='x'><PropertyGroup><V>1</V></PropertyGroup><ItemGroup>\n<PackageReference Include='A' Version='$(V)'/>\n<PackageReference Include='B'><Version>2.*</Version></PackageReference>\n</ItemGroup></Project>\n";

const WORKFLOW: &str = "on: push\njobs:\n  a:\n    container: debian:12\n    steps:\n      - uses: a/b@v1\n      - uses: \"c/d/e@0123456789012345678901234567890123456789\"\n      - uses: docker://x:1\n  b:\n    uses: f/g/h.yml@main\n";

const DOCKERFILE: &str = "# syntax=a/b:1\nARG V=1\nFROM x:${V:-2} AS y\nRUN <<E\nrun z\nE\nCOPY --from=y \\\n  /a /b\nFROM r.example.org/w@sha256:c5b1261d6d3e43071626931fc004f70149baeba2c8ec672bd4f27761f8e1ad6b\n";

const FILES: [(Format, &str, &str); 7] = [
    (Format::Maven, "pom.xml", POM),
    (Format::Gradle, "gradle.lockfile", GRADLE),
    (Format::Nuget, "packages.lock.json", NUGET),
    (Format::NugetConfig, "packages.config", CONFIG),
    (Format::NugetProject, "App.csproj", PROJECT),
    (Format::Actions, ".github/workflows/ci.yml", WORKFLOW),
    (Format::Docker, "Dockerfile", DOCKERFILE),
];

/// Packages, whether anything had to be told, and the graph; nothing when it is an error.
fn read(format: Format, path: &str, bytes: &[u8]) -> Option<(Graph, bool)> {
    let mut warnings = Warnings::default();
    let graph = format.parse(path, bytes, &mut warnings).ok()?;
    Some((graph, !warnings.is_empty()))
}

#[test]
fn a_file_that_is_cut_loses_only_what_is_cut_off() {
    for (format, path, text) in FILES {
        let (whole, told) = read(format, path, text.as_bytes()).unwrap();
        assert!(!told, "{path}");
        let mut before = 0;
        for end in text.len().saturating_sub(1_024)..text.len() {
            // Nothing of half an object can be trusted, so that is an error with a line.
            let Some((graph, _)) = read(format, path, &text.as_bytes()[..end]) else { continue };
            let count = graph.node_count();
            assert!(count <= whole.node_count(), "{path} cut at {end}");
            // A name that is cut may lose its package, but no other.
            assert!(count + 1 >= before, "{path} cut at {end}");
            before = before.max(count);
        }
        assert!(before + 1 >= whole.node_count() || format == Format::Nuget, "{path}");
    }
}

#[test]
fn a_range_is_never_a_version() {
    let maven = "<project><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>RANGE</version></dependency></dependencies></project>";
    let nuget =
        "<Project><ItemGroup><PackageReference Include='a' Version='RANGE'/></ItemGroup></Project>";
    let ranges = ["[1.0,2.0)", "(,1.0]", "[1.0,)", "(1.0,2.0),(3.0,)"];
    let cases = [
        (Format::Maven, maven, ["LATEST", "RELEASE"]),
        (Format::NugetProject, nuget, ["1.*", "[1.2.*,2.0)"]),
    ];
    for (format, text, own) in cases {
        for range in ranges.iter().chain(&own) {
            let (graph, _) = read(format, "x", text.replace("RANGE", range).as_bytes()).unwrap();
            let (_, node) = graph.nodes().find(|(_, node)| node.name.ends_with('a')).unwrap();
            assert_eq!((node.version.as_deref(), node.range.as_deref()), (None, Some(*range)));
            assert!(!node.purl.contains('@'), "{}", node.purl);
        }
    }
}

#[test]
fn a_merge_conflict_is_told_and_costs_no_other_line() {
    for (format, path, text) in FILES {
        let conflict = |at: usize| {
            let mut lines: Vec<&str> = text.lines().collect();
            let both = ["<<<<<<< ours", lines[at], "=======", lines[at], ">>>>>>> theirs"];
            lines.splice(at..=at, both);
            lines.join("\n") + "\n"
        };
        let (whole, _) = read(format, path, text.as_bytes()).unwrap();
        // The lines that are a whole entry: two halves of an element are another matter.
        let entries = ["<dependency><", "=", "<package id", "<PackageReference", "uses:", "FROM"];
        let is_entry = |line: &str| entries.iter().any(|entry| line.contains(entry));
        let lines = text.lines().enumerate().skip(1);
        for (at, _) in lines.filter(|(_, line)| is_entry(line) && !line.contains("<project>")) {
            match read(format, path, conflict(at).as_bytes()) {
                None => assert!(matches!(format, Format::Nuget), "{path}: line {at}"),
                Some((graph, told)) => {
                    assert!(told, "{path}: line {at}");
                    let lost = whole.node_count().saturating_sub(graph.node_count());
                    // An image that is not in `uses:` cannot be told by its line alone.
                    let may_be_lost = if format == Format::Actions { 1 } else { 0 };
                    assert!(lost <= may_be_lost, "{path}: line {at}: {lost} lost");
                }
            }
        }
    }
}

/// A file of so many packages.
fn enormous(path: &str, count: usize) -> String {
    let lines = |line: &dyn Fn(usize) -> String| {
        (0..count).fold(String::new(), |mut text, number| {
            writeln!(text, "{}", line(number)).expect("a string takes everything");
            text
        })
    };
    match path {
        "pom.xml" => format!(
            "<project><dependencies>{}</dependencies></project>",
            lines(&|n| format!(
                "<dependency><groupId>g</groupId><artifactId>a{n}</artifactId><version>1</version></dependency>"
            ))
        ),
        "gradle.lockfile" => lines(&|n| format!("g:a{n}:1=runtimeClasspath")),
        "packages.lock.json" => format!(
            "{{\"dependencies\":{{\"net8.0\":{{{}\"z\":{{\"type\":\"Project\"}}}}}}}}",
            lines(&|n| format!(
                "\"A{n}\":{{\"type\":\"Direct\",\"resolved\":\"1\",\"dependencies\":{{\"A{}\":\"1\"}}}},",
                n / 2
            ))
        ),
        "packages.config" => {
            format!(
                "<packages>{}</packages>",
                lines(&|n| format!("<package id='A{n}' version='1'/>"))
            )
        }
        "App.csproj" => format!(
            "<Project><ItemGroup>{}</ItemGroup></Project>",
            lines(&|n| format!("<PackageReference Include='A{n}' Version='1'/>"))
        ),
        ".github/workflows/ci.yml" => {
            format!("jobs:\n  a:\n    steps:\n{}", lines(&|n| format!("      - uses: a/b{n}@v1")))
        }
        "Dockerfile" => lines(&|n| format!("FROM a{n}:1 AS s{n}")),
        _ => unreachable!("not of this family"),
    }
}

#[test]
fn a_hundred_thousand_packages_are_read_and_no_more() {
    for (format, path, _) in FILES {
        let text = enormous(path, 100_010);
        let (graph, told) = read(format, path, text.as_bytes()).unwrap();
        // A project asks for at most ten thousand packages itself, and is one, too.
        let expected = if format == Format::NugetProject { 10_001 } else { 100_000 };
        assert_eq!((graph.node_count(), told), (expected, true), "{path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_break_a_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for (format, path, _) in FILES {
            drop(read(format, path, &bytes));
        }
    }

    #[test]
    fn no_text_breaks_a_reader(text in "[<>a-c/=\"' \\n:@${}\\-#!&;\\[\\].]{0,80}") {
        for (format, path, _) in FILES {
            drop(read(format, path, text.as_bytes()));
        }
    }

    /// Also what is nearly right: a piece of a real one gone, or in another place.
    #[test]
    fn no_damage_breaks_a_reader(
        file in 0..FILES.len(), from in 0usize..800, length in 0usize..60, to in 0usize..800,
    ) {
        let (format, path, text) = FILES[file];
        let mut text = text.as_bytes().to_vec();
        let from = from.min(text.len());
        let piece: Vec<u8> = text.drain(from..(from + length).min(text.len())).collect();
        let to = to.min(text.len());
        text.splice(to..to, piece);
        let first = read(format, path, &text);
        prop_assert_eq!(first, read(format, path, &text));
    }
}
