//! Documents of any format as the one thing they all say, and the official schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::{Registry, Validator};
use lockgraph::Format;
use serde_json::{Value, json};
use stepwell::testing::Repository;

use crate::xml::Element;

/// Every format.
pub(crate) const FORMATS: [&str; 6] = [
    "cyclonedx-1.6",
    "cyclonedx-1.6-xml",
    "cyclonedx-1.7",
    "cyclonedx-1.7-xml",
    "spdx-2.3",
    "spdx-3.0.1",
];

/// Material of others, beside the repository; not everybody has it.
pub(crate) fn conformance() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/conformance");
    #[expect(clippy::print_stderr, reason = "a test that does not run must say so")]
    if !root.is_dir() {
        eprintln!("SKIPPED: there is no {}", root.display());
        return None;
    }
    Some(root)
}

/// A lock file of somebody else's.
pub(crate) struct Foreign {
    pub(crate) about: String,
    /// What it is called where it is used.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// All of them that we know the format of.
pub(crate) fn foreign_lock_files(root: &Path) -> Vec<Foreign> {
    let languages = root.join("lockfiles/language");
    let mut files = Vec::new();
    for path in files_below(&languages) {
        let below = path.strip_prefix(&languages).expect("it lies there").to_string_lossy();
        // Of these two, many fixtures have other names.
        let name = if below.starts_with("rust/cargolock/") {
            "Cargo.lock"
        } else if below.starts_with("javascript/packagelockjson/") {
            "package-lock.json"
        } else if Format::detect(&below).is_some() {
            below.rsplit('/').next().unwrap_or_default()
        } else {
            continue;
        };
        files.push(Foreign { about: below.clone().into_owned(), name: name.to_owned(), path });
    }
    files
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

/// The document in a format, as text.
#[track_caller]
pub(crate) fn document(repository: &Repository, input: &Value, format: &str) -> String {
    let mut input = input.clone();
    input["format"] = json!(format);
    let answer = repository.call(&sbom::TOOL, &input.to_string()).answer.expect("an answer");
    if !format.ends_with("-xml") {
        return answer;
    }
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["format"], format);
    answer["text"].as_str().expect("a text").to_owned()
}

/// The official schemas, by format.
pub(crate) struct Schemas(BTreeMap<&'static str, Validator>);

impl Schemas {
    pub(crate) fn read(root: &Path) -> Self {
        let at = |name: &str| json_file(&root.join(name));
        let mut registry = Registry::new();
        let shared = ["spdx", "jsf-0.82", "cryptography-defs"];
        for name in shared.map(|name| format!("{name}.SNAPSHOT.schema.json")) {
            let file = at(&format!("cyclonedx/{name}"));
            let uri = format!("http://cyclonedx.org/schema/{name}");
            registry = registry.add(uri, file).expect("a schema with an address");
        }
        let registry = registry.prepare().expect("schemas that refer to each other");
        let validator = |name: &str| {
            jsonschema::options()
                .with_registry(&registry)
                .should_validate_formats(true)
                .build(&at(name))
                .unwrap_or_else(|err| panic!("{name}: {err}"))
        };
        Self(BTreeMap::from([
            ("cyclonedx-1.6", validator("cyclonedx/bom-1.6.SNAPSHOT.schema.json")),
            ("cyclonedx-1.7", validator("cyclonedx/bom-1.7.SNAPSHOT.schema.json")),
            ("spdx-2.3", validator("spdx/spdx-2.3.schema.json")),
            ("spdx-3.0.1", validator("spdx/spdx-3.0.1.schema.json")),
        ]))
    }

    /// Whether a document is valid. There is no schema for XML here, and nothing is said of it.
    pub(crate) fn errors(&self, format: &str, text: &str) -> Vec<String> {
        let Some(validator) = self.0.get(format) else { return Vec::new() };
        let document: Value = serde_json::from_str(text).expect("a document is JSON");
        validator
            .iter_errors(&document)
            .map(|err| format!("{format}: {}: {err:.300}", err.instance_path()))
            .collect()
    }
}

fn json_file(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    serde_json::from_slice(&bytes).expect("a schema is JSON")
}

/// What every document says, whatever its format.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Bill {
    /// References in the document, with what each stands for.
    refs: BTreeMap<String, Identity>,
    root: String,
    needs: BTreeSet<(String, String)>,
}

/// What a reference stands for: a package URL, or a name; the version, and the first digest.
pub(crate) type Identity = (String, Option<String>, Option<String>);

impl Bill {
    pub(crate) fn read(format: &str, text: &str) -> Self {
        let mut bill = Self::default();
        if format.ends_with("-xml") {
            bill.read_xml(text);
            return bill;
        }
        let document: Value = serde_json::from_str(text).expect("a document is JSON");
        match format {
            "spdx-2.3" => bill.read_spdx2(&document),
            "spdx-3.0.1" => bill.read_spdx3(&document),
            _ => bill.read_cyclonedx(&document),
        }
        bill
    }

    fn add(&mut self, reference: &str, identity: Identity) {
        let before = self.refs.insert(reference.to_owned(), identity);
        assert_eq!(before, None, "`{reference}` twice");
    }

    fn need(&mut self, from: &str, to: &str) {
        assert!(self.needs.insert((from.to_owned(), to.to_owned())), "{from} -> {to} twice");
    }

    fn read_cyclonedx(&mut self, document: &Value) {
        let root = &document["metadata"]["component"];
        self.root = text(&root["bom-ref"]);
        for one in list(&document["components"]).chain([root]) {
            let hash = optional(&one["hashes"][0]["content"]);
            let name = optional(&one["purl"]).unwrap_or_else(|| text(&one["name"]));
            self.add(&text(&one["bom-ref"]), (name, optional(&one["version"]), hash));
        }
        let entries: BTreeSet<String> =
            list(&document["dependencies"]).map(|entry| text(&entry["ref"])).collect();
        assert_eq!(entries.len(), list(&document["dependencies"]).count(), "one entry each");
        for entry in list(&document["dependencies"]) {
            list(&entry["dependsOn"]).for_each(|to| self.need(&text(&entry["ref"]), &text(to)));
        }
    }

    fn read_spdx2(&mut self, document: &Value) {
        for one in list(&document["packages"]) {
            let hash = optional(&one["checksums"][0]["checksumValue"]);
            let purl = list(&one["externalRefs"]).find(|found| found["referenceType"] == "purl");
            let name = purl.map_or(text(&one["name"]), |found| text(&found["referenceLocator"]));
            self.add(&text(&one["SPDXID"]), (name, optional(&one["versionInfo"]), hash));
        }
        for one in list(&document["relationships"]) {
            let (from, to) = (text(&one["spdxElementId"]), text(&one["relatedSpdxElement"]));
            match one["relationshipType"].as_str().expect("a type") {
                "DESCRIBES" => self.root = to,
                "DEPENDS_ON" => self.need(&from, &to),
                _ => self.need(&to, &from),
            }
        }
    }

    fn read_spdx3(&mut self, document: &Value) {
        let mut ids = BTreeSet::new();
        for one in list(&document["@graph"]) {
            if let Some(id) = optional(&one["spdxId"]) {
                assert!(ids.insert(id.clone()), "`{id}` twice");
            }
            match (one["type"].as_str().expect("a type"), one["relationshipType"].as_str()) {
                ("software_Sbom", _) => self.root = text(&one["rootElement"][0]),
                ("software_Package", _) => {
                    let purl = optional(&one["software_packageUrl"]);
                    let hash = optional(&one["verifiedUsing"][0]["hashValue"]);
                    let name = purl.unwrap_or_else(|| text(&one["name"]));
                    let version = optional(&one["software_packageVersion"]);
                    self.add(&text(&one["spdxId"]), (name, version, hash));
                }
                (_, Some("dependsOn" | "hasOptionalDependency")) => {
                    list(&one["to"]).for_each(|to| self.need(&text(&one["from"]), &text(to)));
                }
                _ => {}
            }
        }
        for one in list(&document["@graph"]) {
            let named =
                list(&one["element"]).chain(list(&one["rootElement"])).chain(list(&one["to"]));
            for id in named.chain([&one["from"], &one["subject"]]).filter(|id| !id.is_null()) {
                assert!(ids.contains(id.as_str().expect("an id")), "nothing is called {id}");
            }
        }
    }

    fn read_xml(&mut self, document: &str) {
        let document = Element::parse(document);
        let root = document.child("metadata").and_then(|metadata| metadata.child("component"));
        let root = root.expect("the document is about something");
        self.root = root.attributes["bom-ref"].clone();
        for one in document.list("components").iter().chain([root]) {
            let name = one.content("purl").or_else(|| one.content("name")).expect("a name");
            let hash = one.list("hashes").first().map(|hash| hash.text.clone());
            self.add(&one.attributes["bom-ref"], (name, one.content("version"), hash));
        }
        for from in document.list("dependencies") {
            for to in &from.children {
                self.need(&from.attributes["ref"], &to.attributes["ref"]);
            }
        }
    }

    /// References lead somewhere, and everything hangs on the root.
    #[track_caller]
    pub(crate) fn check(&self, about: &str) {
        let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (from, to) in &self.needs {
            for end in [from, to] {
                assert!(self.refs.contains_key(end), "{about}: nothing is called `{end}`");
            }
            next.entry(from).or_default().push(to);
        }
        let mut reached = BTreeSet::new();
        let mut open = vec![self.root.as_str()];
        while let Some(at) = open.pop() {
            if reached.insert(at) {
                open.extend(next.get(at).into_iter().flatten());
            }
        }
        let known: BTreeSet<&str> = self.refs.keys().map(String::as_str).collect();
        assert_eq!(reached, known, "{about}: all hangs on the root");
    }

    /// How many packages there are, with what the document is about.
    pub(crate) fn len(&self) -> usize {
        self.refs.len()
    }

    /// Packages and edges without the words of the format, sorted, each as often as it is there.
    pub(crate) fn said(&self) -> (Vec<&Identity>, Vec<(&Identity, &Identity)>, &Identity) {
        let mut packages: Vec<&Identity> = self.refs.values().collect();
        packages.sort();
        let mut needs: Vec<_> =
            self.needs.iter().map(|(from, to)| (&self.refs[from], &self.refs[to])).collect();
        needs.sort();
        (packages, needs, &self.refs[&self.root])
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    optional(value).expect("a text")
}

fn optional(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// All values of a document, sorted, each as often as it is there.
fn values(format: &str, text: &str) -> Vec<String> {
    // What only one of the two says.
    const APART: [&str; 3] = ["$schema", "bomFormat", "specVersion"];
    let mut found = Vec::new();
    if format.ends_with("-xml") {
        let mut open = vec![Element::parse(text)];
        while let Some(element) = open.pop() {
            let attributes = element.attributes.into_iter().filter(|(key, _)| key != "xmlns");
            found.extend(attributes.map(|(_, value)| value));
            found.extend(Some(element.text).filter(|text| !text.is_empty()));
            open.extend(element.children);
        }
    } else {
        let document: Value = serde_json::from_str(text).expect("a document is JSON");
        let mut open = vec![&document];
        while let Some(value) = open.pop() {
            match value {
                Value::Object(fields) => {
                    open.extend(
                        fields
                            .iter()
                            .filter(|(key, _)| !APART.contains(&key.as_str()))
                            .map(|(_, value)| value),
                    );
                }
                Value::Array(values) => open.extend(values),
                Value::String(text) => {
                    found.extend(Some(text.clone()).filter(|text| !text.is_empty()));
                }
                Value::Null | Value::Bool(_) | Value::Number(_) => found.push(value.to_string()),
            }
        }
    }
    found.sort();
    found
}

/// XML leaves out nothing that JSON says, and adds nothing.
#[track_caller]
fn check_xml(repository: &Repository, input: &Value, about: &str) {
    for format in ["cyclonedx-1.6", "cyclonedx-1.7"] {
        let xml = format!("{format}-xml");
        let [json, xml] =
            [format, &xml].map(|format| values(format, &document(repository, input, format)));
        assert_eq!(json, xml, "{about} as {format}");
    }
}

/// Every format is valid in all four ways, twice the same, and says what the others say.
#[track_caller]
pub(crate) fn check_all(
    schemas: Option<&Schemas>,
    repository: &Repository,
    input: &Value,
    about: &str,
) -> Bill {
    check_xml(repository, input, about);
    let mut first: Option<Bill> = None;
    for format in FORMATS {
        let about = format!("{about} as {format}");
        let text = document(repository, input, format);
        assert_eq!(text, document(repository, input, format), "{about}: equal bytes");
        if let Some(schemas) = schemas {
            assert_eq!(schemas.errors(format, &text), Vec::<String>::new(), "{about}");
        }
        let bill = Bill::read(format, &text);
        bill.check(&about);
        match &first {
            Some(first) => assert_eq!(bill.said(), first.said(), "{about}"),
            None => first = Some(bill),
        }
    }
    first.expect("there are formats")
}
