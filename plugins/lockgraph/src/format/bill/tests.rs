//! Bills of every format, with what is in them and what is not.

use crate::Format;
use crate::format::sketch::{parse, read};

/// A bill that says everything: a subject, packages of known and unknown types, one without a
/// package URL, a part of another, and a file.
const CYCLONEDX: &str = r#"{
  "bomFormat": "CycloneDX", "specVersion": "1.6",
  "metadata": {"component": {
    "type": "application", "bom-ref": "own", "name": "shop", "version": "7.1.0", "purl": "pkg:npm/shop@7.1.0?download_url=file:///home/me/shop"
  }},
  "components": [
    {"type": "library", "bom-ref": "a", "group": "@s", "name": "a", "version": "1.0.0", "purl": "pkg:npm/@s/a@1.0.0", "scope": "required",
     "hashes": [{"alg": "MD5", "content": "00"}, {"alg": "SHA-256", "content": "089AEC7BA6B9843741FEC84E0BC046D97D2E41A9FEDBE5D77124E66227395C63"}],
     "licenses": [{"license": {"id": "MIT"}}, {"expression": "Apache-2.0 OR BSD-2-Clause"}],
     "components": [{"type": "library", "name": "inner", "version": "0.1", "purl": "pkg:npm/inner@0.1"}]},
    {"type": "operating-system", "bom-ref": "os", "name": "debian", "version": "12"},
    {"type": "library", "bom-ref": "b", "name": "curl", "version": "7.88.1-10", "purl": "pkg:deb/Debian/curl@7.88.1-10?arch=amd64&distro=debian-12", "scope": "optional"},
    {"type": "library", "bom-ref": "c", "name": "lost", "version": "3", "purl": "npm/lost"},
    {"type": "library", "bom-ref": "d", "name": "d", "version": "2", "purl": "pkg:npm/d", "scope": "excluded"},
    {"type": "file", "bom-ref": "f", "name": "/usr/bin/x"},
    {"type": "library", "bom-ref": "g", "name": "g", "version": "unknown", "purl": "pkg:pypi/g"},
    {"type": "library", "bom-ref": "h", "name": "h", "version": ">=1,<2", "purl": "pkg:pypi/h"},
    {"type": "library", "name": ""},
    "what is this"
  ],
  "services": [{"bom-ref": "s", "services": [{"bom-ref": "t"}]}],
  "dependencies": [
    {"ref": "own", "dependsOn": ["a", "b", "a", "own"]},
    {"ref": "a", "dependsOn": ["c", "f", "t", "gone"]},
    {"dependsOn": ["a"]}
  ]
}
"#;

#[test]
fn a_bill_of_cyclonedx_lists_packages_of_every_kind() {
    insta::assert_snapshot!(parse(Format::CycloneDx, CYCLONEDX), @r"
    pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12 bill optional *.cdx.json:12
    pkg:generic/debian@12 bill unknown *.cdx.json:11
    pkg:generic/lost@3 bill unknown *.cdx.json:13
    pkg:npm/%40s/a@1.0.0 bill runtime licence `MIT AND (Apache-2.0 OR BSD-2-Clause)` Sha256=089aec7b *.cdx.json:7
        unknown lost@3
    pkg:npm/d@2 bill dev *.cdx.json:14
    pkg:npm/inner@0.1 bill unknown *.cdx.json:10
    root pkg:npm/shop@7.1.0 bill runtime *.cdx.json:3
        unknown debian/curl@7.88.1-10
        unknown @s/a@1.0.0
    pkg:pypi/g bill unknown *.cdx.json:16
    pkg:pypi/h bill unknown range `>=1,<2` *.cdx.json:17
    warning: *.cdx.json:13: `npm/lost` is no package URL (it does not begin with `pkg:`): listed by its name
    warning: *.cdx.json:18: a component without a usable name
    warning: *.cdx.json:19: a component that is no object
    warning: *.cdx.json:24: `gone`, of which it says a need, is not listed
    warning: *.cdx.json:25: a dependency without a `ref`
    warning: *.cdx.json:15: components that are no packages (files, data) are left out: 1
    ");
}

#[test]
fn a_bill_in_xml_says_the_same() {
    let text = "<?xml version=\"1.0\"?>\n<x:bom xmlns:x=\"http://cyclonedx.org/schema/bom/1.6\">\n\
        <metadata><component bom-ref=\"own\" type=\"application\"><name>shop</name><version>7.1.0</version></component></metadata>\n\
        <components>\n\
        <component type=\"library\" bom-ref=\"a\"><group>@s</group><name>a</name><version>1.0.0</version><scope>required</scope>\n\
        <hashes><hash alg=\"SHA-1\">00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff</hash></hashes>\n\
        <licenses><license><id>MIT</id></license><license><name>Our own</name></license></licenses>\n\
        <purl>pkg:npm/%40s/a@1.0.0</purl>\n\
        <components><component type=\"library\"><name>inner</name><purl>pkg:npm/inner@0.1</purl></component></components></component>\n\
        <component type=\"file\" bom-ref=\"f\"><name>x</name></component>\n\
        </components>\n\
        <dependencies><dependency ref=\"own\"><dependency ref=\"a\"/></dependency><dependency ref=\"a\"><dependency ref=\"f\"/></dependency></dependencies>\n\
        </x:bom>\n";
    insta::assert_snapshot!(parse(Format::CycloneDx, text), @r"
    root pkg:generic/shop@7.1.0 member runtime *.cdx.json:3
        unknown @s/a@1.0.0
    pkg:npm/%40s/a@1.0.0 bill runtime licence `MIT AND Our own` Sha1=00ff00ff *.cdx.json:5
    pkg:npm/inner@0.1 bill unknown *.cdx.json:9
    warning: *.cdx.json:10: components that are no packages (files, data) are left out: 1
    ");
}

const SPDX_2: &str = r#"{
  "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT",
  "packages": [
    {"SPDXID": "SPDXRef-own", "name": "shop", "versionInfo": "7.1.0", "licenseDeclared": "NOASSERTION", "licenseConcluded": "MIT"},
    {"SPDXID": "SPDXRef-a", "name": "org.example:a", "versionInfo": "1.0", "licenseDeclared": "Apache-2.0",
     "checksums": [{"algorithm": "SHA256", "checksumValue": "089aec7ba6b9843741fec84e0bc046d97d2e41a9fedbe5d77124e66227395c63"}],
     "externalRefs": [{"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a"}, {"referenceType": "purl", "referenceLocator": "pkg:maven/org.example/a@1.0?type=jar"}]},
    {"SPDXID": "SPDXRef-b", "name": "b", "versionInfo": "NOASSERTION"},
    {"SPDXID": "SPDXRef-b", "name": "b", "versionInfo": "2"}
  ],
  "files": [{"SPDXID": "SPDXRef-File", "fileName": "./x"}],
  "relationships": [
    {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-own"},
    {"spdxElementId": "SPDXRef-own", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "SPDXRef-a"},
    {"spdxElementId": "SPDXRef-b", "relationshipType": "DEV_DEPENDENCY_OF", "relatedSpdxElement": "SPDXRef-own"},
    {"spdxElementId": "SPDXRef-own", "relationshipType": "CONTAINS", "relatedSpdxElement": "SPDXRef-File"},
    {"spdxElementId": "SPDXRef-a", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "SPDXRef-File"},
    {"spdxElementId": "SPDXRef-a", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "DocumentRef-x:SPDXRef-y"},
    {"spdxElementId": "SPDXRef-a", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "SPDXRef-gone"},
    {"relationshipType": "DEPENDS_ON"}
  ]
}
"#;

#[test]
fn a_bill_of_spdx_2_has_the_needs_that_its_relationships_say() {
    insta::assert_snapshot!(parse(Format::Spdx, SPDX_2), @r"
    pkg:generic/b bill dev *.spdx.json:8
    pkg:generic/b@2 bill unknown *.spdx.json:9
    root pkg:generic/shop@7.1.0 member runtime licence `MIT` *.spdx.json:4
        dev b
        unknown org.example:a@1.0
    pkg:maven/org.example/a@1.0?type=jar bill unknown licence `Apache-2.0` Sha256=089aec7b *.spdx.json:5
    warning: *.spdx.json:9: another component has the same identifier
    warning: *.spdx.json:19: `SPDXRef-gone`, of which it says a need, is not listed
    warning: *.spdx.json:20: a relationship that lacks an end or its type
    ");
}

#[test]
fn tags_and_values_say_the_same() {
    let text = "# a remark\nSPDXVersion: SPDX-2.3\nSPDXID: SPDXRef-DOCUMENT\n\
        CreatorComment: <text>two\nPackageName: not a package\nlines</text>\n\
        FileName: ./x\nSPDXID: SPDXRef-File\n\
        PackageName: shop\nSPDXID: SPDXRef-own\nPackageVersion: 7.1.0\nPackageLicenseConcluded: MIT\n\
        PackageLicenseDeclared: NOASSERTION\n\n\
        PackageName: org.example:a\nSPDXID: SPDXRef-a\nPackageVersion: 1.0\n\
        PackageChecksum: SHA256: 089aec7ba6b9843741fec84e0bc046d97d2e41a9fedbe5d77124e66227395c63\n\
        ExternalRef: PACKAGE-MANAGER purl pkg:maven/org.example/a@1.0?type=jar\n\
        PackageComment: <text>one line</text>\nLicenseID: LicenseRef-1\nLicenseName: PackageName: no\n\
        Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-own\n\
        Relationship: SPDXRef-a RUNTIME_DEPENDENCY_OF SPDXRef-own\n\
        Relationship: SPDXRef-a DEPENDS_ON NOASSERTION\nRelationship: SPDXRef-a\nno tag\n";
    insta::assert_snapshot!(parse(Format::Spdx, text), @r"
    root pkg:generic/shop@7.1.0 member runtime licence `MIT` *.spdx.json:9
        runtime org.example:a@1.0
    pkg:maven/org.example/a@1.0?type=jar bill runtime Sha256=089aec7b *.spdx.json:15
    warning: *.spdx.json:27: no `Tag: value`
    warning: *.spdx.json:26: no relationship: `one KIND other`
    ");
}

#[test]
fn a_bill_of_spdx_3_is_a_graph_of_elements() {
    let text = r#"{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
        {"type": "CreationInfo", "@id": "_:c"},
        {"type": "SpdxDocument", "spdxId": "x:doc", "rootElement": ["x:sbom"]},
        {"type": "software_Sbom", "spdxId": "x:sbom", "rootElement": ["x:own"]},
        {"type": "software_Package", "spdxId": "x:own", "name": "shop", "software_packageVersion": "7.1.0"},
        {"type": "software_Package", "spdxId": "x:a", "name": "a", "software_packageUrl": "pkg:pypi/A_b@1",
         "verifiedUsing": [{"type": "Hash", "algorithm": "sha512", "hashValue": "00"}, {"type": "Hash", "algorithm": "sha1", "hashValue": "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff"}]},
        {"type": "software_Package", "spdxId": "x:b", "name": "b",
         "externalIdentifier": [{"externalIdentifierType": "packageUrl", "identifier": "pkg:cargo/b@2.0.0"}]},
        {"type": "software_File", "spdxId": "x:f", "name": "f"},
        {"type": "simplelicensing_LicenseExpression", "spdxId": "x:l", "simplelicensing_licenseExpression": "MIT OR Apache-2.0"},
        {"type": "Relationship", "from": "x:b", "relationshipType": "hasConcludedLicense", "to": ["https://spdx.org/licenses/MIT"]},
        {"type": "Relationship", "from": "x:b", "relationshipType": "hasDeclaredLicense", "to": ["x:l"]},
        {"type": "Relationship", "from": "x:own", "relationshipType": "dependsOn", "to": ["x:a", "x:f", "https://spdx.org/rdf/3.0.1/terms/Core/NoneElement"]},
        {"type": "LifecycleScopedRelationship", "from": "x:a", "relationshipType": "dependsOn", "scope": "build", "to": ["x:b", "x:gone"]}
    ]}
"#;
    insta::assert_snapshot!(parse(Format::Spdx, text), @r"
    pkg:cargo/b@2.0.0 bill build licence `MIT OR Apache-2.0` *.spdx.json:8
    root pkg:generic/shop@7.1.0 member runtime *.spdx.json:5
        unknown a-b@1
    pkg:pypi/a-b@1 bill unknown Sha1=00ff00ff *.spdx.json:6
        build b@2.0.0
    warning: *.spdx.json:15: `x:gone`, of which it says a need, is not listed
    ");
}

#[test]
fn what_a_lock_file_has_is_not_listed_again() {
    let files = [
        (
            "package.json",
            "{\"name\": \"shop\", \"version\": \"7.1.0\", \"dependencies\": {\"@s/a\": \"1\"}, \"devDependencies\": {\"d\": \"2\"}}",
        ),
        (
            "package-lock.json",
            "{\"name\": \"shop\", \"version\": \"7.1.0\", \"lockfileVersion\": 3, \"packages\": {\n\
             \"\": {\"name\": \"shop\", \"version\": \"7.1.0\", \"dependencies\": {\"@s/a\": \"1\"}, \"devDependencies\": {\"d\": \"2\"}},\n\
             \"node_modules/@s/a\": {\"version\": \"1.0.0\"},\n\"node_modules/d\": {\"version\": \"2\", \"dev\": true}}}",
        ),
        ("release/bom.json", CYCLONEDX),
    ];
    let scan = crate::scan(&crate::memory::Memory::new(files), &crate::Request::default()).unwrap();
    let union = crate::Graph::union(scan.lockfiles.iter().map(|lockfile| &lockfile.graph));
    assert_eq!(union.merged(), union);
    insta::assert_snapshot!(crate::drawn::drawn(&union), @r"
    pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12 bill optional release/bom.json:12
    pkg:generic/debian@12 bill unknown release/bom.json:11
    pkg:generic/lost@3 bill unknown release/bom.json:13
    pkg:npm/%40s/a@1.0.0 registry runtime at `node_modules/@s/a` licence `MIT AND (Apache-2.0 OR BSD-2-Clause)` hashes 1 package-lock.json:3 release/bom.json:7
        unknown lost@3
    pkg:npm/d@2 registry dev at `node_modules/d` package-lock.json:4 release/bom.json:14
    pkg:npm/inner@0.1 bill unknown release/bom.json:10
    root pkg:npm/shop@7.1.0 member runtime at `` package-lock.json:2 release/bom.json:3
        unknown debian/curl@7.88.1-10
        runtime @s/a@1.0.0
        dev d@2
    pkg:pypi/g bill unknown release/bom.json:16
    pkg:pypi/h bill unknown range `>=1,<2` release/bom.json:17
    ");
}

#[test]
fn what_has_only_the_name_of_a_bill_is_none_of_ours() {
    let files = [
        ("a/bom.json", "{\"parts\": [{\"name\": \"resistor\"}]}"),
        ("b/bom.json", "no JSON at all"),
        ("c/bom.xml", "<project><modelVersion>4.0.0</modelVersion></project>"),
        ("d/bom.json", "{\"bomFormat\": \"CycloneDX\", \"components\": ["),
        ("e/x.cdx.json", "{}"),
        ("f/x.spdx", "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>"),
        (
            "g/bom.xml",
            "<!DOCTYPE bom [<!ENTITY a 'aaaa'>]><bom xmlns='http://cyclonedx.org/schema/bom/1.4'>&a;</bom>",
        ),
    ];
    insta::assert_snapshot!(read(files), @r"
    warning: d/bom.json:1: not valid JSON: it ends too early
    warning: e/x.cdx.json: not a lock file: it is no document of CycloneDX or SPDX
    warning: f/x.spdx: not a lock file: it is no `bom` of CycloneDX
    warning: g/bom.xml:1: not valid XML: it declares entities of its own; such files are not read
    ");
}

#[test]
fn nesting_has_an_end() {
    let open = "{\"name\": \"a\", \"components\": [".repeat(40);
    let text =
        format!("{{\"bomFormat\": \"CycloneDX\", \"components\": [{open}{}]}}", "]}".repeat(40));
    let drawn = parse(Format::CycloneDx, &text);
    assert_eq!(drawn.matches("pkg:generic/a").count(), 17);
    assert!(drawn.contains("components nested more than 16 times"), "{drawn}");
}

#[test]
fn a_warning_quotes_no_password_and_no_more_than_a_line() {
    let long = "x".repeat(5_000);
    let text = format!(
        r#"{{"bomFormat": "CycloneDX", "components": [
          {{"name": "p", "bom-ref": "p", "purl": "pkg:npm/p@1?download_url=https://me:hunter2@h/100%"}},
          {{"name": "{long}", "bom-ref": "{long}"}}],
        "dependencies": [{{"ref": "p", "dependsOn": [
          "pkg:npm/q@1?vcs_url=git+https://me:hunter2@h/q", "https://me:hunter2@h/q", "{long}"]}}]}}"#
    );
    let told = parse(Format::CycloneDx, &text);
    assert!(!told.contains("hunter2"), "{told}");
    assert!(told.contains("`pkg:npm/q@1`, of which it says a need, is not listed"), "{told}");
    assert!(told.contains("`https://h/q`, of which"), "{told}");
    assert!(told.lines().all(|line| line.len() < 400), "{told}");
}

#[test]
fn needs_without_end_are_cut_whether_they_are_known_or_not() {
    let needs = vec!["\"\""; crate::format::EDGES_MAX + 1].join(",");
    let text = format!(
        r#"{{"bomFormat": "CycloneDX", "dependencies": [{{"ref": "x", "dependsOn": [{needs}]}}]}}"#
    );
    let told = parse(Format::CycloneDx, &text);
    assert!(told.contains("only the first 600000 dependencies are read"), "{told}");
}
