//! Documents against the official schemas, for lock files nobody here wrote.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use stepwell::testing::Repository;

use crate::common::{
    FORMATS, Foreign, Schemas, check_all, conformance, document, foreign_lock_files,
};

/// Lock files in one repository: few enough for none to be left out.
const TOGETHER: usize = 100;

#[test]
fn documents_of_foreign_lock_files_are_valid() {
    let Some(root) = conformance() else { return };
    let schemas = Schemas::read(&root);
    let files = foreign_lock_files(&root);
    assert!(files.len() > 30, "the fixtures are there");
    let input = json!({"max_bytes": 16_000_000});
    for files in files.chunks(TOGETHER) {
        let mut all = Repository::new();
        for (at, Foreign { about, name, path }) in files.iter().enumerate() {
            let bytes = fs::read(path).expect("a fixture can be read");
            let repository = Repository::new().file(name, &bytes);
            check_all(Some(&schemas), &repository, &input, about);
            all = all.file(&format!("{at}/{name}"), &bytes);
        }
        check_all(Some(&schemas), &all, &input, "all together");
    }
}

#[test]
fn the_document_of_our_own_lock_file_is_valid_and_has_every_package() {
    let Some(root) = conformance() else { return };
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let text = fs::read_to_string(&own).expect("the workspace has a lock file");
    let repository = Repository::new().file("Cargo.lock", &text);
    let bill = check_all(Some(&Schemas::read(&root)), &repository, &json!({}), "ours");
    let packages = text.lines().filter(|line| *line == "[[package]]").count();
    assert_eq!(bill.len(), packages + 1);
}

#[test]
fn every_licence_that_we_take_for_one_is_one_of_the_specifications() {
    let Some(root) = conformance() else { return };
    let bytes = fs::read(root.join("cyclonedx/spdx.SNAPSHOT.schema.json")).expect("the list");
    let schema: Value = serde_json::from_slice(&bytes).expect("the list is JSON");
    let known: BTreeSet<&str> =
        schema["enum"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let odd = [
        "NOASSERTION",
        "NONE",
        "UNLICENSED",
        "(MIT",
        "MIT AND",
        "LicenseRef-x",
        "MIT OR LicenseRef-x",
        "",
        "GPL-2.0+",
        "Apache 2.0",
        "Apache-2.0!",
    ];
    let ours = spdx::identifiers::LICENSES.iter().map(|licence| licence.name);
    let all: BTreeSet<&str> = known.into_iter().chain(ours).chain(odd).collect();
    let packages = all.into_iter().enumerate().map(|(at, licence)| {
        format!("\"node_modules/p{at}\": {}", json!({"version": "1.0.0", "license": licence}))
    });
    let packages: Vec<String> = packages.collect();
    let lock = format!("{{\"lockfileVersion\": 3, \"packages\": {{{}}}}}", packages.join(","));
    let repository = Repository::new().file("package-lock.json", lock);
    check_all(
        Some(&Schemas::read(&root)),
        &repository,
        &json!({"max_bytes": 16_000_000}),
        "licences",
    );
}

#[test]
fn a_schema_refuses_what_is_no_document() {
    let Some(root) = conformance() else { return };
    let schemas = Schemas::read(&root);
    let repository =
        Repository::new().file("Cargo.lock", "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n");
    for format in FORMATS.into_iter().filter(|format| !format.ends_with("-xml")) {
        let text = document(&repository, &json!({}), format);
        for (from, to) in [("pre-build", "never"), ("DESCRIBES", "PRAISES"), ("\"3.0.1\"", "\"\"")]
        {
            let broken = text.replace(from, to);
            assert_eq!(
                broken == text,
                schemas.errors(format, &broken).is_empty(),
                "{format}: {from}"
            );
        }
    }
}
