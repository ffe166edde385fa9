//! Documents against the official schema, for lock files nobody here wrote.
#![expect(clippy::disallowed_methods, reason = "tests read fixtures from the disk")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};
use stepwell::testing::Repository;

/// Material of others, beside the repository; not everybody has it.
fn conformance() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/conformance");
    #[expect(clippy::print_stderr, reason = "a test that does not run must say so")]
    if !root.is_dir() {
        eprintln!("SKIPPED: there is no {}", root.display());
        return None;
    }
    Some(root)
}

fn json_file(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    serde_json::from_slice(&bytes).expect("a schema is JSON")
}

/// The schema of CycloneDX 1.6, with the two that it refers to.
fn validator(root: &Path) -> Validator {
    let at = |name: &str| root.join("cyclonedx").join(name);
    let mut registry = Registry::new();
    for name in ["spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json"] {
        let uri = format!("http://cyclonedx.org/schema/{name}");
        registry = registry.add(uri, json_file(&at(name))).expect("a schema with an address");
    }
    let registry = registry.prepare().expect("schemas that refer to each other");
    jsonschema::options()
        .with_registry(&registry)
        .should_validate_formats(true)
        .build(&json_file(&at("bom-1.6.SNAPSHOT.schema.json")))
        .expect("the official schema can be used")
}

#[track_caller]
fn check(validator: &Validator, repository: &Repository, about: &str) -> Value {
    let text = repository.call(&sbom::TOOL, "{}").answer.expect("an answer");
    let again = repository.call(&sbom::TOOL, "{}").answer.expect("an answer");
    assert_eq!(text, again, "{about}: equal bytes");
    let document: Value = serde_json::from_str(&text).expect("a document is JSON");
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|err| format!("{about}: {}: {err}", err.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    check_references(&document, about);
    document
}

/// What the schema does not say: references are unique and lead somewhere.
#[track_caller]
fn check_references(document: &Value, about: &str) {
    let components = document["components"].as_array().expect("components");
    let root = std::iter::once(&document["metadata"]["component"]);
    let mut known = BTreeSet::new();
    for component in root.chain(components) {
        let reference = component["bom-ref"].as_str().expect("a reference");
        assert!(known.insert(reference), "{about}: `{reference}` twice");
    }
    for entry in document["dependencies"].as_array().expect("dependencies") {
        let to = entry["dependsOn"].as_array().into_iter().flatten();
        for reference in to.chain([&entry["ref"]]) {
            assert!(
                known.contains(reference.as_str().expect("a reference")),
                "{about}: {reference}"
            );
        }
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

#[test]
fn documents_of_foreign_lock_files_are_valid() {
    let Some(root) = conformance() else { return };
    let validator = validator(&root);
    let mut all = Repository::new();
    let languages = root.join("lockfiles/language");
    let rust = files_below(&languages.join("rust/cargolock"));
    let javascript = files_below(&languages.join("javascript/packagelockjson"));
    assert!(rust.len() + javascript.len() > 30, "the fixtures are there");
    for (at, path) in rust.iter().chain(&javascript).enumerate() {
        let name = if rust.contains(path) { "Cargo.lock" } else { "package-lock.json" };
        let bytes = fs::read(path).expect("a fixture can be read");
        check(&validator, &Repository::new().file(name, &bytes), &path.display().to_string());
        all = all.file(&format!("{at}/{name}"), &bytes);
    }
    check(&validator, &all, "all together");
}

#[test]
fn the_document_of_our_own_lock_file_is_valid_and_has_every_package() {
    let Some(root) = conformance() else { return };
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let text = fs::read_to_string(&own).expect("the workspace has a lock file");
    let document = check(&validator(&root), &Repository::new().file("Cargo.lock", &text), "ours");
    let packages = text.lines().filter(|line| *line == "[[package]]").count();
    assert_eq!(document["components"].as_array().map(Vec::len), Some(packages));
}

#[test]
fn every_licence_that_we_take_for_one_is_one_of_the_specifications() {
    let Some(root) = conformance() else { return };
    let schema = json_file(&root.join("cyclonedx/spdx.SNAPSHOT.schema.json"));
    let known: BTreeSet<&str> =
        schema["enum"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let validator = validator(&root);
    let odd = [
        "NOASSERTION",
        "NONE",
        "UNLICENSED",
        "(MIT",
        "MIT AND",
        "LicenseRef-x",
        "",
        "GPL-2.0+",
        "Apache 2.0",
    ];
    let ours = spdx::identifiers::LICENSES.iter().map(|licence| licence.name);
    let packages: Vec<String> = known
        .iter()
        .copied()
        .chain(ours)
        .chain(odd)
        .enumerate()
        .map(|(at, licence)| {
            format!("\"node_modules/p{at}\": {}", json!({"version": "1.0.0", "license": licence}))
        })
        .collect();
    let lock = format!("{{\"lockfileVersion\": 3, \"packages\": {{{}}}}}", packages.join(","));
    check(&validator, &Repository::new().file("package-lock.json", lock), "licences");
}
