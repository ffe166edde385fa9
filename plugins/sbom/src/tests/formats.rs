//! What each format has a place for: facts that only some lock files have.

use std::collections::BTreeSet;

use lockgraph::{EdgeKind, Hash, HashAlgorithm, Kind, Place, Scope, Warnings};
use serde_json::{Value, json};

use crate::bill::{Archive, Bill, Detail, Known, Need, Origin, OriginKind, Package, Role};
use crate::licence::Licence;
use crate::listing::Listing;
use crate::vers::Range;
use crate::{Format, Written};

fn package(name: &str, scope: Scope) -> Package {
    Package {
        reference: format!("pkg:pypi/{name}"),
        role: Role::Library,
        group: None,
        name: name.to_owned(),
        version: None,
        range: None,
        condition: None,
        purl: Some(format!("pkg:pypi/{name}")),
        known: Some(Known { kind: Kind::Registry, scope }),
        hashes: Vec::new(),
        archives: Vec::new(),
        nameless: Vec::new(),
        origin: None,
        integrity: None,
        licence: None,
        places: vec![Place { path: "uv.lock".to_owned(), line: 7 }],
        needs: Vec::new(),
    }
}

/// A package that is needed in every way there is, with every fact there is.
fn bill() -> Bill {
    let hash = Hash { algorithm: HashAlgorithm::Sha256, hex: "0f".repeat(32) };
    let kinds = [EdgeKind::Runtime, EdgeKind::Optional, EdgeKind::Build, EdgeKind::Dev];
    let mut root = package("root", Scope::Runtime);
    root.role = Role::Application;
    root.version = Some("1.0".to_owned());
    root.needs = (1..).zip(kinds).map(|(to, kind)| Need { to, kind }).collect();
    let mut wheels = package("wheels", Scope::Runtime);
    wheels.version = Some("2.0".to_owned());
    wheels.archives = vec![Archive {
        address: "https://files.example.org/wheels-2.0-py3.whl".to_owned(),
        hashes: vec![hash],
    }];
    wheels.integrity = Some("h1:abc=".to_owned());
    wheels.licence = Some(Licence::Named("Mine <1>".to_owned()));
    let mut loose = package("loose", Scope::Optional);
    loose.range = Some(Range::new(lockgraph::Ecosystem::Pypi, ">=1,<2"));
    let mut git = package("git", Scope::Build);
    git.purl =
        Some("pkg:pypi/git?vcs_url=git%2Bhttps:%2F%2Fhost.example.org%2Fg.git%4001".to_owned());
    git.origin = Some(Origin {
        kind: OriginKind::Vcs,
        address: "git+https://host.example.org/g.git#01".to_owned(),
    });
    let mut warnings = Warnings::default();
    warnings.add("uv.lock", Some(3), "left out");
    Bill {
        packages: vec![root, wheels, loose, git, package("dev", Scope::Dev)],
        lockfiles: vec!["uv.lock".to_owned()],
        warnings: warnings.into_vec(),
        complete: false,
        detail: Detail::Full,
        created: None,
    }
}

fn written(format: Format) -> String {
    text(format.write(&bill()))
}

fn text(written: Written) -> String {
    match written {
        Written::Json(document) => document.get().to_owned(),
        Written::Xml(text) => text,
    }
}

fn json_of(format: Format) -> Value {
    serde_json::from_str(&written(format)).unwrap()
}

#[test]
fn cyclonedx_has_archives_as_references_and_a_range_where_it_knows_ranges() {
    let [old, new] = [Format::CycloneDx16, Format::CycloneDx17].map(json_of);
    insta::assert_json_snapshot!(old["components"][0]["externalReferences"], @r#"
    [
      {
        "hashes": [
          {
            "alg": "SHA-256",
            "content": "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
          }
        ],
        "type": "distribution",
        "url": "https://files.example.org/wheels-2.0-py3.whl"
      }
    ]
    "#);
    let ranges = |document: &Value| {
        let loose = &document["components"][1];
        json!([loose["versionRange"], loose["isExternal"], loose["properties"][2]["value"]])
    };
    assert_eq!(ranges(&old), json!([null, null, ">=1,<2"]));
    assert_eq!(ranges(&new), json!(["vers:pypi/>=1|<2", true, ">=1,<2"]));
    assert_eq!(old["compositions"][0]["aggregate"], "incomplete");
}

#[test]
fn spdx_2_says_how_each_package_is_needed() {
    let document = json_of(Format::Spdx23);
    insta::assert_json_snapshot!(document["packages"][1], @r#"
    {
      "SPDXID": "SPDXRef-pypi-wheels",
      "comment": "stepwell:kind=registry; stepwell:scope=runtime; stepwell:integrity=h1:abc=",
      "copyrightText": "NOASSERTION",
      "downloadLocation": "https://files.example.org/wheels-2.0-py3.whl",
      "externalRefs": [
        {
          "referenceCategory": "PACKAGE-MANAGER",
          "referenceLocator": "pkg:pypi/wheels",
          "referenceType": "purl"
        },
        {
          "comment": "sha256:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
          "referenceCategory": "OTHER",
          "referenceLocator": "https://files.example.org/wheels-2.0-py3.whl",
          "referenceType": "distribution"
        }
      ],
      "filesAnalyzed": false,
      "licenseConcluded": "NOASSERTION",
      "licenseDeclared": "LicenseRef-Mine-1-",
      "name": "wheels",
      "primaryPackagePurpose": "LIBRARY",
      "sourceInfo": "uv.lock:7",
      "supplier": "NOASSERTION",
      "versionInfo": "2.0"
    }
    "#);
    insta::assert_json_snapshot!(document["packages"][3]["downloadLocation"], @r#""git+https://host.example.org/g.git@01""#);
    let relationships = document["relationships"].as_array().unwrap().iter().map(|one| {
        let text = |key: &str| one[key].as_str().unwrap();
        let ends = [text("spdxElementId"), text("relatedSpdxElement")];
        format!("{} {} {}", ends[0], text("relationshipType"), ends[1])
    });
    insta::assert_json_snapshot!(relationships.collect::<Vec<_>>(), @r#"
    [
      "SPDXRef-DOCUMENT DESCRIBES SPDXRef-pypi-root",
      "SPDXRef-pypi-dev DEV_DEPENDENCY_OF SPDXRef-pypi-root",
      "SPDXRef-pypi-git BUILD_DEPENDENCY_OF SPDXRef-pypi-root",
      "SPDXRef-pypi-loose OPTIONAL_DEPENDENCY_OF SPDXRef-pypi-root",
      "SPDXRef-pypi-root DEPENDS_ON SPDXRef-pypi-wheels"
    ]
    "#);
    insta::assert_json_snapshot!(document["hasExtractedLicensingInfos"], @r#"
    [
      {
        "extractedText": "Mine <1>",
        "licenseId": "LicenseRef-Mine-1-",
        "name": "Mine <1>"
      }
    ]
    "#);
    insta::assert_json_snapshot!(document["annotations"][1], @r#"
    {
      "annotationDate": "1970-01-01T00:00:00Z",
      "annotationType": "OTHER",
      "annotator": "Tool: stepwell-sbom-0.1.0",
      "comment": "stepwell:warning=uv.lock:3: left out"
    }
    "#);
}

#[test]
fn spdx_3_says_how_each_package_is_needed() {
    let document = json_of(Format::Spdx301);
    let short = document.to_string().replace(
        document["@graph"][1]["spdxId"].as_str().unwrap().trim_end_matches("document"),
        "",
    );
    let document: Value = serde_json::from_str(&short).unwrap();
    let elements = || document["@graph"].as_array().unwrap().iter();
    let of = |kind: &'static str| elements().filter(move |one| one["type"] == kind);
    insta::assert_json_snapshot!(of("software_Package").nth(1), @r#"
    {
      "comment": "stepwell:kind=registry; stepwell:scope=runtime; stepwell:integrity=h1:abc=",
      "creationInfo": "_:creation",
      "externalRef": [
        {
          "comment": "sha256:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
          "externalRefType": "binaryArtifact",
          "locator": [
            "https://files.example.org/wheels-2.0-py3.whl"
          ],
          "type": "ExternalRef"
        }
      ],
      "name": "wheels",
      "software_downloadLocation": "https://files.example.org/wheels-2.0-py3.whl",
      "software_packageUrl": "pkg:pypi/wheels",
      "software_packageVersion": "2.0",
      "software_primaryPurpose": "library",
      "software_sourceInfo": "uv.lock:7",
      "spdxId": "package-pypi-wheels",
      "type": "software_Package"
    }
    "#);
    let ways = elements().filter(|one| !one["to"].is_null()).map(|one| {
        let to = one["to"].to_string();
        format!("{} {} {to} {}", one["from"], one["relationshipType"], one["scope"])
            .replace('"', "")
    });
    insta::assert_json_snapshot!(ways.collect::<Vec<_>>(), @r#"
    [
      "package-pypi-root dependsOn [package-pypi-git] build",
      "package-pypi-root dependsOn [package-pypi-dev] development",
      "package-pypi-root dependsOn [package-pypi-wheels] runtime",
      "package-pypi-root hasOptionalDependency [package-pypi-loose] null",
      "package-pypi-wheels hasDeclaredLicense [licence-1] null"
    ]
    "#);
    insta::assert_json_snapshot!(of("simplelicensing_LicenseExpression").next(), @r#"
    {
      "creationInfo": "_:creation",
      "simplelicensing_customIdToUri": [
        {
          "key": "LicenseRef-Mine-1-",
          "type": "DictionaryEntry",
          "value": "text-LicenseRef-Mine-1-"
        }
      ],
      "simplelicensing_licenseExpression": "LicenseRef-Mine-1-",
      "spdxId": "licence-1",
      "type": "simplelicensing_LicenseExpression"
    }
    "#);
    let notes: Vec<&Value> = of("Annotation").map(|one| &one["statement"]).collect();
    insta::assert_json_snapshot!(notes, @r#"
    [
      "stepwell:lockfile=uv.lock",
      "stepwell:warning=uv.lock:3: left out",
      "stepwell:completeness=incomplete: see the warnings"
    ]
    "#);
}

#[test]
fn what_a_document_lists_is_read_back_from_every_format_in_json() {
    let mut expected = Listing::of(&bill());
    // What is said of one file alone is read in documents.
    for facts in expected.packages.values_mut().flat_map(|versions| versions.values_mut()) {
        facts.files.clear();
        facts.digests.clear();
    }
    for format in [Format::CycloneDx16, Format::CycloneDx17, Format::Spdx23, Format::Spdx301] {
        let mut found = Listing::read(written(format).as_bytes()).unwrap();
        for facts in found.packages.values_mut().flat_map(|versions| versions.values_mut()) {
            // SPDX 3 alone has no name beside the identifier of a licence on no list.
            let named = facts.licence.as_mut().filter(|text| text.starts_with("LicenseRef-"));
            named.into_iter().for_each(|text| *text = "Mine <1>".to_owned());
        }
        assert_eq!(found, expected, "{format:?}");
    }
    let loose = expected.packages.iter().find(|(key, _)| key.name == "loose").unwrap();
    assert_eq!(loose.1.keys().collect::<Vec<_>>(), [">=1,<2"]);
}

#[test]
fn more_lines_than_are_shown_are_counted() {
    let mut bill = bill();
    let line = |line| Place { path: "uv.lock".to_owned(), line };
    bill.packages[1].places = (1..=30).map(line).collect();
    for format in [Format::CycloneDx16, Format::CycloneDx16Xml, Format::Spdx23, Format::Spdx301] {
        let text = text(format.write(&bill));
        assert!(text.contains("10 more lines say so"), "{format:?}: {text}");
    }
}

/// Package URLs, versions, digests and licences, and which of them needs which, and how.
fn facts(graph: &lockgraph::Graph) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    for (id, node) in graph.nodes() {
        facts.insert(format!("{} {:?} {:?}", node.purl, node.version, node.hashes));
        let needs = graph.edges(id).iter().map(|edge| &graph.node(edge.to).purl);
        facts.extend(needs.map(|to| format!("{} -> {to}", node.purl)));
    }
    facts
}

#[test]
fn every_document_is_read_back_as_a_graph_of_the_same_packages() {
    let formats = [
        (Format::CycloneDx16, "a.cdx.json"),
        (Format::CycloneDx17, "a.cdx.json"),
        (Format::CycloneDx16Xml, "a.cdx.xml"),
        (Format::CycloneDx17Xml, "a.cdx.xml"),
        (Format::Spdx23, "a.spdx.json"),
        (Format::Spdx301, "a.spdx.json"),
    ];
    let mut all = BTreeSet::new();
    for (format, path) in formats {
        let mut warnings = Warnings::default();
        let graph = lockgraph::parse(path, written(format).as_bytes(), &mut warnings).unwrap();
        assert!(warnings.is_empty(), "{format:?}: {:?}", warnings.into_vec());
        assert_eq!((graph.node_count(), graph.edge_count()), (5, 4), "{format:?}");
        assert_eq!(graph.node(graph.roots()[0]).purl, "pkg:pypi/root@1.0", "{format:?}");
        all.insert(facts(&graph));
    }
    assert_eq!(all.len(), 1, "{all:#?}");
}

#[test]
fn a_bill_of_the_last_release_adds_nothing_to_the_next() {
    let old = super::both().file("web/package-lock.json", super::PACKAGE_LOCK.replace("b", "gone"));
    let expected = super::document(&super::both(), &json!({}));
    for (format, path) in [("cyclonedx-1.6", "sbom.cdx.json"), ("spdx-2.3", "bom.spdx.json")] {
        let bill = super::document(&old, &json!({"format": format})).to_string();
        let found = super::document(&super::both().file(path, bill), &json!({}));
        assert_eq!(found["components"], expected["components"], "{format}");
        assert!(found.to_string().contains("the lock files say what that needs now"), "{format}");
    }
}

#[test]
fn a_bill_of_something_else_is_taken_in() {
    let bill = json!({
        "bomFormat": "CycloneDX",
        "metadata": {"component": {"name": "firmware", "version": "2"}},
        "components": [{"name": "zlib", "version": "1.3.1", "purl": "pkg:deb/Debian/zlib@1.3.1"}],
    });
    let repository = super::both().file("release/bom.json", bill.to_string());
    let document = super::document(&repository, &json!({})).to_string();
    assert!(document.contains("\"pkg:deb/debian/zlib@1.3.1\""), "{document}");
    assert!(document.contains("release/bom.json"), "{document}");
}
