//! The tool `sbom`: a CycloneDX 1.6 bill of materials of what the repository's lock files pin.
//!
//! Equal repositories give equal documents, byte for byte: no time, no random serial number.
//!
//! Reading order: [`Input`], then `compose` (from packages to a document), `document` (what a
//! document looks like), `licence` (what the specification takes for a licence).

mod compose;
mod document;
mod licence;

use lockgraph::Request;
use serde::Deserialize;
use stepwell::{Refusal, Tree};

use compose::{Detail, Subject, compose};
use document::Document;
use tree_files::TreeFiles;

/// Bytes of a document where the call does not say: what the host takes as an answer.
const DOCUMENT_BYTES: usize = 1_000_000;

stepwell::tool! {
    name: "sbom",
    description: "Writes a CycloneDX 1.6 software bill of materials (JSON) of the packages that \
        lock files (Cargo.lock, package-lock.json, npm-shrinkwrap.json) pin. For questions about \
        packages use `dependency_graph`, whose answers are short.",
    schema: include_str!("../schema.json"),
    grants: lockgraph::GRANTS,
    call: sbom,
}

/// What a call asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    #[serde(default)]
    lockfiles: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
    name: Option<String>,
    version: Option<String>,
    max_bytes: Option<usize>,
    #[serde(default)]
    tree: Tree,
}

fn sbom(input: Input) -> Result<Document, Refusal> {
    let request = Request { lockfiles: input.lockfiles, include: input.include };
    let scan = lockgraph::scan(&TreeFiles(input.tree), &request)
        .map_err(|err| Refusal::new(err.to_string()))?;
    let subject = Subject { name: input.name, version: input.version };
    let bytes_max = input.max_bytes.unwrap_or(DOCUMENT_BYTES);
    let mut smallest = 0;
    for detail in [Detail::Full, Detail::NoEvidence, Detail::Bare] {
        let document = compose(&scan, &subject, detail);
        smallest = document.bytes();
        if smallest <= bytes_max {
            return Ok(document);
        }
    }
    Err(Refusal::new(format!(
        "the document has {smallest} bytes even without evidence, {bytes_max} are allowed: name \
         some of the lock files in `lockfiles`, or raise `max_bytes`"
    )))
}

#[cfg(test)]
mod tests;
