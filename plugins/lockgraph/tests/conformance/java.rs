//! Files of Maven, Gradle and NuGet nobody here wrote, against values that were got another way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use lockgraph::{Files, Format, Found, Graph, ReadError, Request, Warnings, scan};

use crate::material::{fixtures, name};

/// What is not the repository's own: `name@version scope`, or with `~` and a range.
fn drawn(graph: &Graph) -> Vec<String> {
    let others = graph.nodes().filter(|(id, _)| !graph.roots().contains(id));
    let mut lines: Vec<String> = others
        .map(|(_, node)| {
            let range = node.range.as_ref().map(|range| format!("~{range}")).unwrap_or_default();
            format!("{}{range} {}", node.label(), node.scope.name())
        })
        .collect();
    lines.sort();
    lines
}

/// What each pom.xml asks for: as its owners' tests have it, without what they resolve online.
const POMS: [(&str, &[&str]); 18] = [
    ("ambiguous-interpolation.xml", &["com.example:common-lib@1.0.0 runtime"]),
    ("empty.xml", &[]),
    ("encoding.xml", &["junit:junit@4.12 runtime"]),
    (
        "explicit-jar.xml",
        &[
            "com.example:my-lib@1.0.0 runtime",
            "com.example:my-lib@1.0.0 runtime",
            "org.different:my-lib@1.0.0 runtime",
        ],
    ),
    ("interpolate-drop.xml", &["com.example:actual-artifact@1.0.0 runtime"]),
    (
        "interpolation.xml",
        &[
            "org.mine:my.package@2.3.4 runtime",
            "org.mine:mypackage@1.0.0 runtime",
            "org.mine:ranged-package~[9.4.35.v20201120,9.5) runtime",
        ],
    ),
    // The owners take the first of two; Maven takes the last.
    ("multi-version.xml", &["abc:example.com@1.1.1 runtime"]),
    ("one-package.xml", &["org.apache.maven:maven-artifact@1.0.0 runtime"]),
    ("plugin-dependency.xml", &["com.example:hijack-lib@1.0.0 runtime"]),
    ("pom.xml", &["org.dave:dave@4.0.0 runtime"]),
    ("profiles.xml", &["org.profile:profile-dep@1.2.3 runtime"]),
    (
        "transitive.xml",
        &[
            "org.direct:alice@1.0.0 runtime",
            "org.direct:bob@2.0.0 runtime",
            "org.direct:chris@3.0.0 runtime",
        ],
    ),
    (
        "two-packages.xml",
        &["io.netty:netty-all@4.1.42.Final runtime", "org.slf4j:slf4j-log4j12@1.7.25 runtime"],
    ),
    (
        "with-dependency-management.xml",
        &["io.netty:netty-all@4.1.9 runtime", "org.slf4j:slf4j-log4j12@1.7.25 runtime"],
    ),
    (
        "with-multiple-classifiers.xml",
        &["com.example:my-lib@1.0.0 runtime", "com.example:my-lib@1.0.0 runtime"],
    ),
    ("with-scope.xml", &["abc:xyz@1.2.3 runtime", "junit:junit@4.12 dev"]),
    ("with-type-classifier.xml", &["abc:xyz@1.0.0 runtime"]),
    ("invalid-syntax.xml", &["io.netty:netty-all@4.1.42.Final runtime"]),
];

#[test]
fn a_pom_asks_for_what_its_owners_say() {
    let files = fixtures("language/java/pomxml");
    for (wanted, expected) in POMS {
        for path in files.iter().filter(|path| name(path) == wanted) {
            let bytes = fs::read(path).unwrap();
            let graph = Format::Maven.parse("pom.xml", &bytes, &mut Warnings::default()).unwrap();
            assert_eq!(drawn(&graph), expected, "{wanted}");
        }
    }
}

/// Files by path.
struct Tree(BTreeMap<String, Vec<u8>>);

impl Files for Tree {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        self.0.get(path).cloned().ok_or(ReadError::Missing)
    }

    fn find(&self, patterns: &[String]) -> Result<Found, ReadError> {
        let ends: Vec<&str> = patterns.iter().map(|p| p.trim_start_matches("**/")).collect();
        let paths = self.0.keys().filter(|path| ends.contains(&path.as_str())).cloned().collect();
        Ok(Found { paths, truncated: false })
    }
}

#[test]
fn a_parent_in_the_repository_says_what_its_child_leaves_out() {
    let files = fixtures("language/java/pomxml");
    let Some(child) = files.iter().find(|path| name(path) == "with-parent.xml") else { return };
    let Some(parent) = files.iter().find(|path| path.ends_with("parent/pom.xml")) else { return };
    let tree = [("pom.xml", child), ("parent/pom.xml", parent)];
    let read = |(at, path): (&str, &PathBuf)| (at.to_owned(), fs::read(path).unwrap());
    let tree = Tree(tree.into_iter().map(read).collect());
    let request = Request { lockfiles: vec!["pom.xml".to_owned()], ..Request::default() };
    let scan = scan(&tree, &request).unwrap();
    // The version of `frank` is in a list of versions that lies elsewhere.
    let expected = [
        "org.alice:alice@1.0.0 runtime",
        "org.bob:bob@2.0.0 runtime",
        "org.chuck:chuck@3.0.0 runtime",
        "org.dave:dave@4.0.0 runtime",
        "org.frank:frank runtime",
    ];
    assert_eq!(drawn(&scan.lockfiles[0].graph), expected);
}

/// The text between `key="` or `key='` and the quote that ends it.
fn value<'a>(element: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = element.split_once(&format!(" {key}="))?;
    let quote = rest.chars().next()?;
    rest[1..].split(quote).next()
}

#[test]
fn every_digest_of_verification_metadata_comes_to_its_package() {
    for path in fixtures("language/java/gradleverificationmetadataxml") {
        let text = fs::read_to_string(&path).unwrap();
        let mut lock = String::new();
        let mut expected = BTreeSet::new();
        let flat = text.replace('\n', " ");
        for component in flat.split("<component ").skip(1) {
            let component = format!(" {component}");
            let head = component.split('>').next().unwrap();
            let parts = ["group", "name", "version"].map(|key| value(head, key));
            let [Some(group), Some(artifact), Some(version)] = parts else { continue };
            let module = format!("{group}:{artifact}:{version}");
            if !lock.contains(&format!("{module}=")) {
                lock.push_str(&module);
                lock.push_str("=runtimeClasspath\n");
            }
            if ["<sha1 ", "<sha256 ", "<sha512 "].iter().any(|tag| component.contains(tag)) {
                expected.insert(format!("{group}:{artifact}@{version}"));
            }
        }
        let tree = Tree(BTreeMap::from([
            ("gradle.lockfile".to_owned(), lock.into_bytes()),
            ("gradle/verification-metadata.xml".to_owned(), text.into_bytes()),
        ]));
        let request =
            Request { lockfiles: vec!["gradle.lockfile".to_owned()], ..Request::default() };
        let scan = scan(&tree, &request).unwrap();
        let nodes = scan.lockfiles[0].graph.nodes();
        let found: BTreeSet<String> = nodes
            .filter(|(_, node)| !node.hashes.is_empty() || !node.archives.is_empty())
            .map(|(_, node)| node.label())
            .collect();
        assert_eq!(found, expected, "{}", path.display());
    }
}

#[test]
fn nuget_files_have_what_their_owners_say() {
    let dev_too = "Microsoft.Net.Compilers@1.0.0 dev";
    let provider = "Microsoft.CodeDom.Providers.DotNetCompilerPlatform@1.0.0 runtime";
    let cases: [(&str, Format, &str, &[&str]); 7] = [
        ("packagesconfig", Format::NugetConfig, "valid", &[provider, dev_too]),
        ("packagesconfig", Format::NugetConfig, "nopackage", &[provider]),
        ("packagesconfig", Format::NugetConfig, "noversion", &[provider]),
        ("csproj", Format::NugetProject, "valid", &["LiteDB@5.0.12 runtime"]),
        ("csproj", Format::NugetProject, "emptyinclude", &[]),
        // The owners leave these out; that they are asked for is known all the same.
        ("csproj", Format::NugetProject, "noversion", &["LiteDB runtime"]),
        ("csproj", Format::NugetProject, "emptyversion", &["LiteDB runtime"]),
    ];
    for (folder, format, wanted, expected) in cases {
        for path in fixtures(&format!("language/dotnet/{folder}")) {
            let bytes = fs::read(&path).unwrap();
            let read = format.parse("x", &bytes, &mut Warnings::default());
            match name(&path) {
                "invalid" => assert!(read.is_err(), "{folder}"),
                found if found == wanted => {
                    assert_eq!(drawn(&read.unwrap()), expected, "{folder}/{wanted}");
                }
                _ => {}
            }
        }
    }
}
