//! Package URLs against the specification's own cases, and against themselves.
#![expect(clippy::disallowed_methods, reason = "tests read fixtures from the disk")]

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// The specification's cases of one type; not everybody has them.
fn cases(file: &str) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/conformance/purl");
    let path = root.join("tests").join(file);
    #[expect(clippy::print_stderr, reason = "a test that does not run must say so")]
    let Ok(bytes) = fs::read(&path) else {
        eprintln!("SKIPPED: there is no {}", path.display());
        return Vec::new();
    };
    let document: Value = serde_json::from_slice(&bytes).expect("cases are JSON");
    document["tests"].as_array().expect("a list of cases").clone()
}

fn built(parts: &Value) -> Result<PackageUrl, BadPackageUrl> {
    let text = |key: &str| parts[key].as_str();
    let qualifiers = parts["qualifiers"].as_object().into_iter().flatten();
    let qualifiers =
        qualifiers.map(|(key, value)| (key.clone(), value.as_str().expect("a text").to_owned()));
    PackageUrl::build(
        text("type").unwrap_or_default(),
        text("namespace"),
        text("name").unwrap_or_default(),
        text("version"),
        qualifiers,
        text("subpath"),
    )
}

/// The one that the specification requires to refuse, and recommends to read; with other keys in
/// capitals, it requires that.
const CONTRADICTED: &str = "pkg:gem/jruby-launcher@1.1.2?Platform=java";

fn check_case(case: &Value) {
    if case["expected_failure"] == true && case["input"] == CONTRADICTED {
        return;
    }
    let about = || format!("{}: {}", case["description"], case["input"]);
    let found = match case["input"].as_str() {
        Some(text) => PackageUrl::parse(text),
        None => built(&case["input"]),
    };
    if case["expected_failure"] == true {
        assert!(found.is_err(), "{}", about());
        return;
    }
    let found = found.unwrap_or_else(|err| panic!("{}: {err}", about()));
    let expected = match case["expected_output"].as_str() {
        Some(text) => text.to_owned(),
        None => built(&case["expected_output"])
            .unwrap_or_else(|err| panic!("{}: {err}", about()))
            .to_string(),
    };
    assert_eq!(found.to_string(), expected, "{}", about());
    assert_eq!(PackageUrl::parse(&expected).as_ref(), Ok(&found), "{}", about());
    if let Some(ecosystem) = Ecosystem::from_name(found.kind()) {
        assert_eq!(written(ecosystem, &found), expected, "{}", about());
    }
}

/// The same by the way that lock files' readers take.
fn written(ecosystem: Ecosystem, url: &PackageUrl) -> String {
    // Readers have keys of their own; a test may let go of a few.
    let leaked = |key: &String| -> &'static str { key.clone().leak() };
    let qualifiers: Vec<(&'static str, &str)> =
        url.qualifiers().iter().map(|(key, value)| (leaked(key), value.as_str())).collect();
    let name = ecosystem.join_name(url.group(), url.name());
    let subpath = url.subpath();
    Purl { qualifiers: &qualifiers, subpath, ..Purl::new(ecosystem, &name, url.version()) }.write()
}

/// Types that bills name and no lock file here has.
const OTHERS: [&str; 14] = [
    "alpm",
    "apk",
    "bitbucket",
    "bitnami",
    "brew",
    "chrome-extension",
    "deb",
    "luarocks",
    "oci",
    "otp",
    "qpkg",
    "rpm",
    "vscode-extension",
    "yocto",
];

#[test]
fn what_others_write_of_types_that_bills_name_is_read_in_one_form() {
    for file in OTHERS.map(|kind| format!("types/{kind}-test.json")) {
        // What a type forbids is its owners' business.
        let valid = cases(&file).into_iter().filter(|case| case["expected_failure"] != true);
        valid.for_each(|case| check_case(&case));
    }
}

#[test]
fn every_case_of_the_specification_for_the_types_we_write_holds() {
    // Of Terraform the specification has a proposal alone.
    let types = Ecosystem::ALL.iter().filter(|ecosystem| **ecosystem != Ecosystem::Terraform);
    let files: Vec<String> =
        types.map(|ecosystem| format!("types/{}-test.json", ecosystem.name())).collect();
    for file in files.iter().map(String::as_str).chain(["spec/specification-test.json"]) {
        cases(file).iter().for_each(check_case);
    }
}

#[test]
fn a_package_url_is_canonical() {
    use Ecosystem::{Cargo, Docker, Github, Golang, Npm, Pypi};

    let urls = [
        (Cargo, "wasi", Some("0.11.0+wasi"), "pkg:cargo/wasi@0.11.0%2Bwasi"),
        (Cargo, "naïve name", None, "pkg:cargo/na%C3%AFve%20name"),
        (Npm, "a/b/c", None, "pkg:npm/a/b%2Fc"),
        (Npm, "@s/a", Some(""), "pkg:npm/%40s/a"),
        (Pypi, "Django_Rest", Some("3.1"), "pkg:pypi/django-rest@3.1"),
        (Golang, "example.org/A/b/v2", Some("v2.0.0"), "pkg:golang/example.org/a/b/v2@v2.0.0"),
        (Docker, "a/b", Some("sha256:0f"), "pkg:docker/a/b@sha256:0f"),
        (Github, "Own/Act", Some("v1"), "pkg:github/own/act@v1"),
    ];
    for (ecosystem, name, version, expected) in urls {
        assert_eq!(Purl::new(ecosystem, name, version).write(), expected);
    }
    let action = Purl {
        qualifiers: &[("a", ""), ("b", "x y")],
        subpath: Some("/sub/./dir/"),
        ..Purl::new(Github, "own/act", None)
    };
    assert_eq!(action.write(), "pkg:github/own/act?b=x%20y#sub/dir");
}

#[test]
fn what_is_no_package_url_says_why() {
    let bad = [
        ("http:npm/a", BadPackageUrl::Scheme),
        ("pkg:npm", BadPackageUrl::Type),
        ("pkg:n_m/a", BadPackageUrl::Type),
        ("pkg:npm/@1", BadPackageUrl::Name),
        ("pkg:maven/a@1", BadPackageUrl::Group),
        ("pkg:npm/a?x", BadPackageUrl::Qualifier),
        ("pkg:npm/a?x=1&X=2", BadPackageUrl::Qualifier),
        ("pkg:npm/a%", BadPackageUrl::Encoding),
        ("pkg:npm/a%C3", BadPackageUrl::Encoding),
        ("pkg:npm/a%é", BadPackageUrl::Encoding),
    ];
    for (text, why) in bad {
        assert_eq!(PackageUrl::parse(text), Err(why), "{text}");
    }
    assert_eq!(PackageUrl::parse(&"p".repeat(20_000)), Err(BadPackageUrl::TooLong));
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(
        ecosystem in prop::sample::select(Ecosystem::ALL.to_vec()),
        group in "[^/:]{1,8}",
        name in "[^/:]{1,8}",
        version in "\\PC{0,8}",
        value in "\\PC{0,8}",
        subpath in "[a-z./%#?@]{0,8}",
    ) {
        let name = ecosystem.join_name(Some(&group), &name);
        let url = Purl {
            qualifiers: &[("key", &value)],
            subpath: Some(&subpath),
            ..Purl::new(ecosystem, &name, Some(&version))
        };
        let text = url.write();
        prop_assert_eq!(PackageUrl::parse(&text).map(|url| url.to_string()), Ok(text));
    }

    #[test]
    fn no_text_is_too_much_for_it(text in "(pkg:)?\\PC{0,60}") {
        if let Ok(url) = PackageUrl::parse(&text) {
            let canonical = url.to_string();
            prop_assert_eq!(PackageUrl::parse(&canonical), Ok(url));
        }
    }
}
