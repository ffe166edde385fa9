//! Documents before validators that others wrote.
//!
//! They are Python programs, which a test must not fetch: without them it is skipped. To have
//! them, once:
//!
//! ```text
//! python3 -m venv target/sbom-validators
//! target/sbom-validators/bin/pip install spdx-tools ntia-conformance-checker lxml
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use stepwell::testing::Repository;

use crate::common::{Foreign, conformance, document, foreign_lock_files};

/// Says of each file whether it is valid under the schema that comes first.
const XSD: &str = "
import sys
from lxml import etree
schema = etree.XMLSchema(etree.parse(sys.argv[1]))
for path in sys.argv[2:]:
    schema.assertValid(etree.parse(path))
";

fn programs() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/sbom-validators/bin");
    #[expect(clippy::print_stderr, reason = "a test that does not run must say so")]
    if !root.join("pyspdxtools").exists() {
        eprintln!("SKIPPED: no validators in {}: see the top of this test", root.display());
        return None;
    }
    Some(root)
}

/// A directory that is gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&dir).expect("a directory for a test");
        Self(dir)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a file for a test");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing depends on it: the next run overwrites what is left.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Repositories with all that validators are strict about.
fn repositories() -> Vec<(&'static str, Repository)> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let own = fs::read(own).expect("the workspace has a lock file");
    let mut all = vec![
        ("own", Repository::new().file("Cargo.lock", own)),
        ("odd", Repository::new().file("package-lock.json", odd()).file("x/Cargo.lock", "[[pack")),
    ];
    let foreign = conformance().map(|root| foreign_lock_files(&root)).unwrap_or_default();
    // No more than are read of one repository.
    let foreign = foreign.iter().take(200).enumerate();
    let foreign = foreign.fold(Repository::new(), |all, (at, Foreign { name, path, .. })| {
        let bytes = fs::read(path).expect("a fixture can be read");
        all.file(&format!("{at}/{name}"), bytes)
    });
    all.push(("foreign", foreign));
    all
}

fn odd() -> String {
    let licences =
        ["MIT", "MIT/Apache-2.0", "Apache 2.0", "Apache-2.0!", "GPL-2.0+", "LicenseRef-x", "<&>"];
    let sources = [
        "https://files.example.org/a/-/a-1.0.0.tgz",
        "https://10.0.0.1/a.tgz",
        "git+ssh://git@host.example.org/a/b.git#0123456789abcdef0123456789abcdef01234567",
        "git+https://host.example.org/a/b.git#0123456789abcdef0123456789abcdef01234567",
        "git+ssh://git@host.example.org:a/b.git#0123456789abcdef",
        "file:../a.tgz",
        "https://host/a b.tgz",
    ];
    let entries = licences.iter().zip(sources).enumerate().map(|(at, (licence, source))| {
        let needs = json!({format!("p{}", at + 1): "*"});
        let entry = json!({
            "version": "1.0.0",
            "license": licence,
            "resolved": source,
            "optional": at == 2,
            "dev": at > 4,
            "dependencies": needs,
        });
        format!("\"node_modules/p{at}\": {entry}")
    });
    let entries: Vec<String> = entries.collect();
    let root = json!({"name": "odd", "version": "1.0.0", "devDependencies": {"p5": "*"}, "dependencies": {"p0": "*"}});
    format!("{{\"lockfileVersion\": 3, \"packages\": {{\"\": {root}, {}}}}}", entries.join(", "))
}

fn named() -> Value {
    json!({"name": "shop", "version": "1.0.0", "max_bytes": 16_000_000})
}

/// Runs a program and gives what it said; it must have been content.
#[track_caller]
fn run(program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("the program runs");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all = said(&output.stdout) + &said(&output.stderr);
    assert!(output.status.success(), "{} {arguments:?}:\n{all:.4000}", program.display());
    all
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a test's path is text")
}

#[test]
fn spdx_2_is_valid_and_has_the_minimum_elements_but_suppliers() {
    let Some(programs) = programs() else { return };
    let scratch = Scratch::new("sbom-spdx-2");
    for (name, repository) in repositories() {
        let text_of = document(&repository, &named(), "spdx-2.3");
        let path = scratch.write(&format!("{name}.spdx.json"), &text_of);
        run(&programs.join("pyspdxtools"), &["--infile", text(&path)]);
        check_minimum(&programs, &path, "spdx2", name);
    }
}

#[test]
fn spdx_3_has_the_minimum_elements_but_suppliers() {
    let Some(programs) = programs() else { return };
    let scratch = Scratch::new("sbom-spdx-3");
    for (name, repository) in repositories() {
        let text_of = document(&repository, &named(), "spdx-3.0.1");
        let path = scratch.write(&format!("{name}.spdx3.json"), &text_of);
        check_minimum(&programs, &path, "spdx3", name);
    }
}

/// All of NTIA's minimum elements, but suppliers: a lock file does not know them.
#[track_caller]
fn check_minimum(programs: &Path, document: &Path, specification: &str, name: &str) {
    let path = document.with_extension("report");
    // Its exit code is about suppliers, too.
    let output = Command::new(programs.join("sbomcheck"))
        .args(["--sbom-spec", specification, "--comply", "ntia", "-r", "json", "-o", text(&path)])
        .arg(document)
        .output()
        .expect("the program runs");
    let bytes = fs::read(&path).unwrap_or_else(|_| panic!("{name}: no report: {output:?}"));
    let report: Value = serde_json::from_slice(&bytes).expect("a report is JSON");
    let holds = |pointer: &str| report.pointer(pointer) == Some(&json!(true));
    for pointer in [
        "/componentNames/allProvided",
        "/componentVersions/allProvided",
        "/componentIdentifiers/allProvided",
        "/authorNameProvided",
        "/timestampProvided",
        "/dependencyRelationshipsProvided",
        "/specVersionProvided",
    ] {
        // The foreign lock files' own packages are without versions.
        let lacking = name == "foreign" && pointer == "/componentVersions/allProvided";
        assert!(holds(pointer) || lacking, "{name}, {pointer}: {report:.3000}");
    }
    assert_eq!(report["validationMessages"], json!([]), "{name}");
}

#[test]
fn cyclonedx_xml_is_valid_under_the_official_schema() {
    let (Some(programs), Some(root)) = (programs(), conformance()) else { return };
    let scratch = Scratch::new("sbom-cyclonedx-xml");
    for version in ["1.6", "1.7"] {
        let schema = root.join(format!("cyclonedx/bom-{version}.SNAPSHOT.xsd"));
        let paths: Vec<PathBuf> = repositories()
            .into_iter()
            .map(|(name, repository)| {
                let xml = document(&repository, &named(), &format!("cyclonedx-{version}-xml"));
                scratch.write(&format!("{name}-{version}.xml"), &xml)
            })
            .collect();
        let paths = paths.iter().map(|path| text(path));
        let arguments: Vec<&str> = ["-c", XSD, text(&schema)].into_iter().chain(paths).collect();
        run(&programs.join("python3"), &arguments);
    }
}
