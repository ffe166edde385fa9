//! What is different between two bills.

use serde_json::{Value, json};
use stepwell::testing::Repository;

use super::document;
use crate::TOOL;

/// A package-lock.json of packages `name version licence source digest`, each but the name and the
/// version `-` where there is none.
fn lock(packages: &[&str]) -> String {
    let entries = packages.iter().map(|line| {
        let mut words = line.split(' ').map(|word| Some(word).filter(|word| *word != "-"));
        let mut next = || words.next().flatten();
        let name = next().unwrap();
        let mut entry = json!({"version": next()});
        for key in ["license", "resolved", "integrity"] {
            if let Some(word) = next() {
                entry[key] = json!(word);
            }
        }
        (format!("node_modules/{name}"), entry)
    });
    let mut all: serde_json::Map<String, Value> = entries.collect();
    all.insert(String::new(), json!({"name": "web", "version": "1.0.0"}));
    json!({"lockfileVersion": 3, "packages": all}).to_string()
}

fn digest(letter: &str) -> String {
    format!("sha512-{}A==", letter.repeat(85))
}

fn before() -> String {
    lock(&[
        "gone 1.0.0",
        "up 9.0.0 MIT",
        "down 2.0.0",
        "kept 1.0.0 MIT",
        "moved 1.0.0",
        &format!("other 1.0.0 - - {}", digest("A")),
    ])
}

fn after() -> String {
    lock(&[
        "new 1.0.0 ISC",
        "up 10.0.0 Apache-2.0",
        "down 1.0.0",
        "kept 1.0.0 ISC",
        "moved 1.0.0 - git+https://host.example.org/moved.git#01",
        &format!("other 1.0.0 - - {}", digest("B")),
    ])
}

#[track_caller]
fn difference(repository: &Repository, input: &Value) -> Value {
    let mut input = input.clone();
    input["query"] = json!("difference");
    document(repository, &input)
}

#[test]
fn every_kind_of_change_has_a_list_of_its_own() {
    let repository =
        Repository::new().file("package-lock.json", after()).base("package-lock.json", before());
    let answer = difference(&repository, &json!({}));
    insta::assert_json_snapshot!([&answer["answer"], &answer["before"], &answer["after"]], @r#"
    [
      "1 added, 1 removed, 1 upgraded, 1 downgraded, 2 with another licence, 1 from another source, 1 with other content under the same version",
      {
        "of": "the lock files of the base",
        "packages": 6
      },
      {
        "of": "the lock files of the head",
        "packages": 6
      }
    ]
    "#);
    let lists = answer.as_object().unwrap().iter().filter(|(_, list)| list.is_array());
    let lines = lists.flat_map(|(list, entries)| {
        entries.as_array().unwrap().iter().map(move |entry| format!("{list}: {entry}"))
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    added: {"ecosystem":"npm","licence":"ISC","name":"new","version":"1.0.0"}
    content_changed: {"ecosystem":"npm","from":"sha512:00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","name":"other","to":"sha512:04104104104104104104104104104104104104104104104104104104104104104104104104104104104104104104104104104104104104104104104104104104","version":"1.0.0"}
    downgraded: {"ecosystem":"npm","from":"2.0.0","name":"down","to":"1.0.0"}
    licence_changed: {"ecosystem":"npm","from":"MIT","name":"kept","to":"ISC","version":"1.0.0"}
    licence_changed: {"ecosystem":"npm","from":"MIT","name":"up","to":"Apache-2.0","version":"10.0.0"}
    removed: {"ecosystem":"npm","name":"gone","version":"1.0.0"}
    source_changed: {"ecosystem":"npm","from":"registry","name":"moved","to":"git+https://host.example.org/moved.git@01","version":"1.0.0"}
    upgraded: {"ecosystem":"npm","from":"9.0.0","name":"up","to":"10.0.0"}
    "#);
}

#[test]
fn a_new_package_says_where_it_is_from_if_that_is_not_its_registry() {
    let fork = "fork 1.0.0 - git+https://host.example.org/fork.git#01";
    let repository = Repository::new()
        .file("package-lock.json", lock(&[fork, "plain 1.0.0"]))
        .base("package-lock.json", lock(&[]));
    insta::assert_json_snapshot!(difference(&repository, &json!({}))["added"], @r#"
    [
      {
        "ecosystem": "npm",
        "name": "fork",
        "source": "git+https://host.example.org/fork.git@01",
        "version": "1.0.0"
      },
      {
        "ecosystem": "npm",
        "name": "plain",
        "version": "1.0.0"
      }
    ]
    "#);
}

#[test]
fn a_bill_in_the_repository_is_compared_whatever_its_format() {
    let locked = |text: String| Repository::new().file("package-lock.json", text);
    let expected = {
        let both = locked(after()).base("package-lock.json", before());
        let mut answer = difference(&both, &json!({}));
        answer["before"]["of"] = json!("sbom.json");
        answer
    };
    for format in ["cyclonedx-1.6", "cyclonedx-1.7", "spdx-2.3", "spdx-3.0.1"] {
        let bill = document(&locked(before()), &json!({"format": format})).to_string();
        let repository = locked(after()).file("sbom.json", bill);
        let found = difference(&repository, &json!({"before": "sbom.json"}));
        assert_eq!(found, expected, "{format}");
        let same = difference(&repository, &json!({"before": "sbom.json", "after": "sbom.json"}));
        assert_eq!(same["answer"], "no package differs");
    }
}

#[test]
fn a_bill_that_lies_in_the_repository_hides_nothing_that_is_gone() {
    let locked = |text: String| Repository::new().file("package-lock.json", text);
    let bill = document(&locked(before()), &json!({})).to_string();
    let expected = difference(&locked(after()).base("package-lock.json", before()), &json!({}));
    let repository = locked(after()).file("release/sbom.cdx.json", bill);
    let mut found = difference(&repository, &json!({"before": "release/sbom.cdx.json"}));
    found["before"]["of"] = expected["before"]["of"].clone();
    assert!(found["warnings"].to_string().contains("release/sbom.cdx.json"), "{found}");
    found["warnings"] = expected["warnings"].clone();
    assert_eq!(found, expected);
}

/// Whatever a bill in the repository says, and whatever it is about.
#[test]
fn no_bill_hides_or_forges_what_a_lock_file_says() {
    let cargo = |source: &str, digit: &str| {
        let package = "[[package]]\nname = \"x\"\nversion = \"1.0.0\"\n";
        format!(
            "version = 4\n{package}source = \"{source}\"\nchecksum = \"{}\"\n",
            digit.repeat(64)
        )
    };
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    let bill = json!({"bomFormat": "CycloneDX", "components": [{
        "name": "x", "purl": "pkg:cargo/x@1.0.0", "licenses": [{"license": {"id": "MIT"}}],
        "hashes": [
            {"alg": "SHA-1", "content": "1".repeat(40)},
            {"alg": "SHA-256", "content": "1".repeat(64)},
        ],
    }]});
    let of = |before: &str, after: &str, with_bill: bool| {
        let mut repository = Repository::new().file("Cargo.lock", after).base("Cargo.lock", before);
        if with_bill {
            repository = repository.file("docs/x.cdx.json", bill.to_string());
            repository = repository.base("docs/x.cdx.json", bill.to_string());
        }
        let mut answer = difference(&repository, &json!({}));
        answer["warnings"].take();
        answer
    };
    let nothing = "version = 4\n";
    let (usual, other) = (cargo(registry, "1"), cargo(registry, "2"));
    let elsewhere = cargo("git+https://host.example.org/x#01", "1");
    for (before, after) in [(&usual, &other), (&usual, &elsewhere), (&nothing.to_owned(), &usual)] {
        let answer = of(before, after, true);
        assert_eq!(answer, of(before, after, false));
        assert_ne!(answer["answer"], "no package differs");
    }
}

/// A platform more is no other content; where none of the digests is as before, it is.
#[test]
fn other_content_is_seen_where_a_version_comes_in_several_files() {
    let terraform = |hashes: [&str; 3]| {
        let lines: String = hashes.iter().map(|hash| format!("    \"{hash}\",\n")).collect();
        format!(
            "provider \"registry.opentofu.org/a/b\" {{\n  version = \"1.0.0\"\n  hashes = [\n{lines}  ]\n}}\n"
        )
    };
    let zip = |digit: &str| format!("zh:{}", digit.repeat(64));
    let (one, two, three, four) = (zip("1"), zip("2"), zip("3"), zip("4"));
    let locked = terraform(["h1:a=", &one, &two]);
    let wheels = |digit: &str, more: &str| {
        let wheel = |name: &str, digit: &str| {
            let hash = digit.repeat(64);
            format!(
                "{{ url = \"https://host.example.org/{name}.whl\", hash = \"sha256:{hash}\" }},"
            )
        };
        let (a, b) = (wheel("a", digit), wheel(more, "8"));
        format!(
            "version = 1\n[[package]]\nname = \"a\"\nversion = \"1\"\nsource = {{ registry = \
             \"https://pypi.org/simple\" }}\nwheels = [{a}{b}]\n"
        )
    };
    let hcl = ".terraform.lock.hcl";
    for (path, before, after, count) in [
        (hcl, locked.clone(), locked.clone(), 0),
        (hcl, locked.clone(), terraform(["h1:a=", &one, &three]), 0),
        (hcl, locked.clone(), terraform(["h1:a=", &three, &four]), 1),
        (hcl, locked, terraform(["h1:b=", &one, &two]), 1),
        ("uv.lock", wheels("1", "b"), wheels("1", "c"), 0),
        ("uv.lock", wheels("1", "b"), wheels("2", "b"), 1),
    ] {
        let repository = Repository::new().file(path, after.clone()).base(path, before);
        let answer = difference(&repository, &json!({}));
        assert_eq!(answer["content_changed"].as_array().unwrap().len(), count, "{after}: {answer}");
        assert_eq!(answer["source_changed"], json!([]));
    }
}

#[test]
fn what_cannot_be_compared_is_refused_with_what_would_work() {
    let repository = Repository::new()
        .file("package-lock.json", after())
        .file("bom.json", "{\"a\": 1}")
        .file("x.cdx.json", "<bom/>");
    let refusal = |input: Value| {
        let run = repository.call(&TOOL, &input.to_string());
        run.answer.unwrap_err().message().to_owned()
    };
    let with = |before: &str| json!({"query": "difference", "before": before});
    insta::assert_snapshot!(refusal(json!({"query": "difference"})), @"there is no base to compare with: name a bill in the repository in `before`");
    insta::assert_snapshot!(refusal(with("bom.json")), @"`bom.json` cannot be compared: it has no list of packages that CycloneDX or SPDX has; XML is not read");
    insta::assert_snapshot!(refusal(with("x.cdx.json")), @"`x.cdx.json` cannot be compared: it is not JSON of CycloneDX, SPDX 2 or SPDX 3; XML is not read");
    insta::assert_snapshot!(refusal(with("none.json")), @"`none.json`: there is nothing at this path");
}

#[test]
fn long_lists_are_cut_and_say_so() {
    let many: Vec<String> = (0..300).map(|at| format!("p{at} 1.0.0")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let repository = Repository::new()
        .file("package-lock.json", lock(&many))
        .base("package-lock.json", lock(&[]));
    let answer = difference(&repository, &json!({"max": 10}));
    assert_eq!(answer["added"].as_array().unwrap().len(), 10);
    assert_eq!(
        (&answer["answer"], &answer["left_out"]["added"]),
        (&json!("300 added"), &json!(290))
    );
}
