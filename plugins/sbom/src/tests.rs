//! The tool's promises, through its JSON.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stepwell::testing::Repository;

use crate::TOOL;

mod difference;
mod formats;

const LOCK: &str = r#"
[[package]]
name = "app"
version = "1.0.0"
dependencies = ["app", "one", "two"]

[[package]]
name = "one"
version = "0.1.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "e7a2e47a1fbe209ee101dd6d61285226744c6c8d3c21c8dc878ba6cb9f467f3a"

[[package]]
name = "two"
version = "0.1.0"
source = "git+https://user:word@host.example/two?rev=1#0123456789abcdef"
dependencies = ["one"]
"#;

const MANIFEST: &str = r#"
[package]
name = "app"
version = "1.0.0"
license = "MIT/Apache-2.0"
[dependencies]
one = "0.1"
[build-dependencies]
two = { git = "https://host.example/two" }
"#;

const PACKAGE_LOCK: &str = r#"{
  "name": "web", "lockfileVersion": 3,
  "packages": {
    "": { "name": "web", "version": "1.0.0", "dependencies": { "@s/a": "1" } },
    "node_modules/@s/a": {
      "version": "1.0.0", "resolved": "https://registry.example/@s/a/-/a-1.0.0.tgz", "license": "MIT",
      "dependencies": { "b": "1" }
    },
    "node_modules/@s/a/node_modules/b": { "version": "1.0.0", "optional": true },
    "node_modules/b": { "version": "1.0.0", "dev": true }
  }
}"#;

fn rust() -> Repository {
    Repository::new().file("Cargo.lock", LOCK).file("Cargo.toml", MANIFEST)
}

fn both() -> Repository {
    rust().file("web/package-lock.json", PACKAGE_LOCK)
}

#[track_caller]
fn document(repository: &Repository, input: &Value) -> Value {
    let text = repository.call(&TOOL, &input.to_string()).answer.expect("an answer");
    serde_json::from_str(&text).expect("JSON")
}

/// References are unique and lead somewhere, and everything hangs on the root.
#[track_caller]
fn check_references(document: &Value) {
    let text = |value: &Value| value.as_str().expect("a reference").to_owned();
    let root = text(&document["metadata"]["component"]["bom-ref"]);
    let listed = document["components"].as_array().expect("components");
    let mut known = BTreeSet::from([root.clone()]);
    for component in listed {
        assert!(known.insert(text(&component["bom-ref"])), "twice: {}", component["bom-ref"]);
    }
    let dependencies = document["dependencies"].as_array().expect("dependencies");
    let from: BTreeSet<String> = dependencies.iter().map(|entry| text(&entry["ref"])).collect();
    assert_eq!((from.len(), &from), (dependencies.len(), &known), "one entry for each component");
    let mut reached = BTreeSet::new();
    let mut open = vec![root];
    while let Some(at) = open.pop() {
        if reached.insert(at.clone()) {
            let entry = dependencies.iter().find(|entry| entry["ref"] == at).expect("an entry");
            open.extend(entry["dependsOn"].as_array().into_iter().flatten().map(text));
        }
    }
    assert_eq!(reached, known, "all hangs on the root");
}

#[test]
fn one_package_of_the_repositorys_own_is_what_the_document_is_about() {
    let document = document(&rust(), &json!({}));
    check_references(&document);
    assert_eq!(document["metadata"]["component"]["purl"], "pkg:cargo/app@1.0.0");
    assert_eq!(
        document["metadata"]["component"]["licenses"],
        json!([{"expression": "MIT OR Apache-2.0"}])
    );
    insta::assert_json_snapshot!(document["dependencies"], @r#"
    [
      {
        "dependsOn": [
          "pkg:cargo/one@0.1.0",
          "pkg:cargo/two@0.1.0?vcs_url=git%2Bhttps:%2F%2Fhost.example%2Ftwo%400123456789abcdef"
        ],
        "ref": "pkg:cargo/app@1.0.0"
      },
      {
        "ref": "pkg:cargo/one@0.1.0"
      },
      {
        "dependsOn": [
          "pkg:cargo/one@0.1.0"
        ],
        "ref": "pkg:cargo/two@0.1.0?vcs_url=git%2Bhttps:%2F%2Fhost.example%2Ftwo%400123456789abcdef"
      }
    ]
    "#);
}

#[test]
fn a_component_says_what_the_lock_file_says_and_where() {
    insta::assert_json_snapshot!(document(&rust(), &json!({}))["components"][0], @r#"
    {
      "bom-ref": "pkg:cargo/one@0.1.0",
      "evidence": {
        "identity": [
          {
            "confidence": 1,
            "field": "purl",
            "methods": [
              {
                "confidence": 1,
                "technique": "manifest-analysis"
              }
            ]
          }
        ],
        "occurrences": [
          {
            "line": 7,
            "location": "Cargo.lock"
          }
        ]
      },
      "hashes": [
        {
          "alg": "SHA-256",
          "content": "e7a2e47a1fbe209ee101dd6d61285226744c6c8d3c21c8dc878ba6cb9f467f3a"
        }
      ],
      "name": "one",
      "properties": [
        {
          "name": "stepwell:kind",
          "value": "registry"
        },
        {
          "name": "stepwell:scope",
          "value": "runtime"
        }
      ],
      "purl": "pkg:cargo/one@0.1.0",
      "scope": "required",
      "type": "library",
      "version": "0.1.0"
    }
    "#);
}

#[test]
fn what_only_the_build_needs_is_not_shipped_and_an_address_has_no_password() {
    let two = document(&rust(), &json!({}))["components"][1].take();
    assert_eq!((&two["name"], &two["scope"]), (&json!("two"), &json!("excluded")));
    let vcs =
        json!([{"type": "vcs", "url": "git+https://host.example/two?rev=1#0123456789abcdef"}]);
    assert_eq!(two["externalReferences"], vcs);
    let text = rust().call(&TOOL, "{}").answer.unwrap();
    assert!(!text.contains("user") && !text.contains("word"), "{text}");
}

#[test]
fn several_lock_files_make_one_document() {
    let document = document(&both(), &json!({"name": "shop", "version": "7"}));
    check_references(&document);
    let root = &document["metadata"]["component"];
    assert_eq!((&root["name"], &root["version"]), (&json!("shop"), &json!("7")));
    let dependencies = document["dependencies"].as_array().unwrap();
    let of_root = dependencies.iter().find(|entry| entry["ref"] == root["bom-ref"]).unwrap();
    assert_eq!(of_root["dependsOn"], json!(["pkg:cargo/app@1.0.0", "pkg:npm/web@1.0.0"]));
    let a = document["components"].as_array().unwrap().iter().find(|c| c["group"] == "@s").unwrap();
    insta::assert_json_snapshot!(a, @r#"
    {
      "bom-ref": "pkg:npm/%40s/a@1.0.0",
      "evidence": {
        "identity": [
          {
            "confidence": 1,
            "field": "purl",
            "methods": [
              {
                "confidence": 1,
                "technique": "manifest-analysis"
              }
            ]
          }
        ],
        "occurrences": [
          {
            "line": 5,
            "location": "web/package-lock.json"
          }
        ]
      },
      "externalReferences": [
        {
          "type": "distribution",
          "url": "https://registry.example/@s/a/-/a-1.0.0.tgz"
        }
      ],
      "group": "@s",
      "licenses": [
        {
          "license": {
            "id": "MIT"
          }
        }
      ],
      "name": "a",
      "properties": [
        {
          "name": "stepwell:kind",
          "value": "registry"
        },
        {
          "name": "stepwell:scope",
          "value": "runtime"
        }
      ],
      "purl": "pkg:npm/%40s/a@1.0.0",
      "scope": "required",
      "type": "library",
      "version": "1.0.0"
    }
    "#);
}

#[test]
fn installations_of_one_package_are_one_component() {
    let document = document(&both(), &json!({"lockfiles": ["web/package-lock.json"]}));
    check_references(&document);
    let b: Vec<&Value> =
        document["components"].as_array().unwrap().iter().filter(|c| c["name"] == "b").collect();
    assert_eq!(b.len(), 1);
    assert_eq!(b[0]["scope"], "optional");
    assert_eq!(b[0]["evidence"]["occurrences"].as_array().unwrap().len(), 2);
}

#[test]
fn packages_that_share_an_address_have_references_of_their_own() {
    let twin = "[[package]]\nname = \"one\"\nversion = \"0.1.0\"\n";
    let document =
        document(&Repository::new().file("Cargo.lock", format!("{LOCK}\n{twin}")), &json!({}));
    check_references(&document);
}

#[test]
fn what_could_not_be_read_makes_the_document_incomplete() {
    let document = document(&both().file("x/Cargo.lock", "[[package"), &json!({}));
    check_references(&document);
    assert_eq!(document["compositions"][0]["aggregate"], "incomplete");
    let properties = document["metadata"]["properties"].as_array().unwrap();
    let warnings: Vec<&Value> =
        properties.iter().filter(|p| p["name"] == "stepwell:warning").collect();
    insta::assert_json_snapshot!(warnings, @r#"
    [
      {
        "name": "stepwell:warning",
        "value": "x/Cargo.lock:1: not valid TOML: unclosed array table, expected `]]`"
      }
    ]
    "#);
}

/// A repository whose packages all have addresses.
fn many() -> Repository {
    let packages: String = (0..200)
        .map(|at| {
            format!(
                "[[package]]\nname = \"p{at}\"\nversion = \"1.0.0\"\nsource = \"git+https://host.example/p{at}#1\"\n"
            )
        })
        .collect();
    Repository::new().file("Cargo.lock", packages)
}

#[test]
fn a_document_that_is_too_large_says_what_it_leaves_out() {
    let repository = many();
    let within = |bytes: usize| {
        let run = repository.call(&TOOL, &json!({"max_bytes": bytes}).to_string());
        let text = run.answer.expect("an answer");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        check_references(&document);
        (text.len(), document)
    };
    let has = |document: &Value, field: &str| !document["components"][0][field].is_null();
    let (size, full) = within(1_000_000);
    assert!(has(&full, "evidence") && has(&full, "externalReferences"));
    assert_eq!(within(size).1, full, "exactly as large as allowed");
    let (size, smaller) = within(size - 1);
    assert!(!has(&smaller, "evidence") && has(&smaller, "externalReferences"));
    let (_, bare) = within(size - 1);
    assert!(!has(&bare, "evidence") && !has(&bare, "externalReferences"));
    let properties = bare["metadata"]["properties"].to_string();
    assert!(properties.contains("evidence, external references: the document"));
    let run = repository.call(&TOOL, r#"{"max_bytes": 10000}"#);
    assert!(run.answer.unwrap_err().message().contains("`max_bytes`"));
}

#[test]
fn equal_repositories_give_equal_documents_and_others_another_serial_number() {
    let one = both().call(&TOOL, "{}").answer;
    assert_eq!(one, both().call(&TOOL, "{}").answer);
    let other = document(
        &both().file("web/package-lock.json", PACKAGE_LOCK.replace("MIT", "ISC")),
        &json!({}),
    );
    assert_ne!(document(&both(), &json!({}))["serialNumber"], other["serialNumber"]);
}

#[test]
fn an_empty_repository_has_an_empty_document() {
    let document = document(&Repository::new(), &json!({}));
    check_references(&document);
    assert_eq!(document["components"], json!([]));
}

#[test]
fn a_moment_is_said_when_it_is_given_and_never_made_up() {
    let given = json!({"timestamp": "2026-11-26T09:06:20Z"});
    let said = |input: &Value, format: &str| {
        let mut input = input.clone();
        input["format"] = json!(format);
        let document = document(&rust(), &input);
        let moments = [
            &document["metadata"]["timestamp"],
            &document["creationInfo"]["created"],
            &document["@graph"][0]["created"],
        ];
        moments.into_iter().find_map(Value::as_str).map(str::to_owned)
    };
    for (format, none) in [
        ("cyclonedx-1.6", None),
        ("spdx-2.3", Some("1970-01-01T00:00:00Z")),
        ("spdx-3.0.1", Some("1970-01-01T00:00:00Z")),
    ] {
        assert_eq!(said(&given, format).as_deref(), Some("2026-11-26T09:06:20Z"));
        assert_eq!(said(&json!({}), format).as_deref(), none);
    }
    let run = rust().call(&TOOL, r#"{"timestamp": "2026-11-26T09:06:20.123Z"}"#);
    insta::assert_snapshot!(run.answer.unwrap_err().message(), @"the input does not fit the tool: `timestamp`: a moment in UTC to the second, like 2026-11-26T09:06:20Z");
}

#[test]
fn every_format_keeps_to_the_bytes_allowed() {
    for format in
        ["cyclonedx-1.6", "cyclonedx-1.6-xml", "cyclonedx-1.7-xml", "spdx-2.3", "spdx-3.0.1"]
    {
        let text_of = |bytes: usize| {
            let input = json!({"format": format, "max_bytes": bytes}).to_string();
            let answer = many().call(&TOOL, &input).answer.expect("an answer");
            assert!(answer.len() <= bytes, "{format}: {} of {bytes}", answer.len());
            answer
        };
        let full = text_of(1_000_000);
        assert_eq!(text_of(full.len()), full, "{format}");
        let less = text_of(full.len() - 1);
        assert!(less.len() < full.len() && less.contains("stepwell:left-out"), "{format}");
    }
}

#[test]
fn the_schemas_examples_are_taken() {
    let schema: Value = serde_json::from_str(TOOL.schema).unwrap();
    let repository = both()
        .base("Cargo.lock", LOCK)
        .file("release/sbom.cdx.json", "{\"bomFormat\": \"CycloneDX\"}");
    for example in schema["examples"].as_array().unwrap() {
        document(&repository, example);
    }
}

#[test]
fn a_marker_of_python_is_the_packages_condition() {
    let lock = "a==1 ; sys_platform == 'win32'\nb==2\n";
    let document = document(&Repository::new().file("requirements.txt", lock), &json!({}));
    let listed = document["components"].as_array().expect("components");
    let conditions = listed.iter().map(|component| {
        let facts = component["properties"].as_array().into_iter().flatten();
        let condition = facts.filter(|fact| fact["name"] == "stepwell:condition");
        (component["name"].clone(), condition.map(|fact| fact["value"].clone()).next())
    });
    let expected = [(json!("a"), Some(json!("sys_platform == 'win32'"))), (json!("b"), None)];
    assert_eq!(conditions.collect::<Vec<_>>(), expected);
}
