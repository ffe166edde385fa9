//! The tool `sbom`: a bill of materials of what the repository's lock files pin, or what is
//! different between two bills.
//!
//! Equal repositories give equal documents, byte for byte: no clock, no random serial number.
//!
//! Reading order: [`Input`], then `bill` (what a bill says), `compose` (from lock files to a
//! bill), then one writer a format, `cyclonedx` and `spdx`, and `difference`.

mod address;
mod bill;
mod compose;
mod cyclonedx;
mod difference;
mod grants;
mod licence;
mod listing;
mod spdx;
mod timestamp;
mod vers;

use lockgraph::{Request, Scan};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stepwell::{Refusal, Tree};

use bill::{Bill, Detail};
use compose::{Subject, compose, leave_out_own_bills};
use difference::Difference;
use timestamp::Timestamp;
use tree_files::TreeFiles;

/// Bytes of an answer where the call does not say: what the host takes as an answer.
const DOCUMENT_BYTES: usize = 1_000_000;

stepwell::tool! {
    name: "sbom",
    description: "Writes a software bill of materials of the packages that the repository's lock files \
        pin, or says what is different between two bills. Use it only when somebody wants \
        the document (compliance, a release, a scanner): it costs about 125 tokens a \
        package. For questions about packages use `dependency_graph`, whose answers are \
        short. `difference` is short, too: packages added, removed, upgraded, downgraded; \
        licences, sources and contents that changed. Nothing is executed or downloaded; \
        equal repositories give equal bytes.",
    schema: include_str!("../schema.json"),
    grants: grants::GRANTS,
    call: sbom,
}

/// What a call asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    #[serde(default)]
    query: Query,
    #[serde(default)]
    format: Format,
    #[serde(default)]
    lockfiles: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
    name: Option<String>,
    version: Option<String>,
    timestamp: Option<Timestamp>,
    max_bytes: Option<usize>,
    before: Option<String>,
    after: Option<String>,
    max: Option<usize>,
    #[serde(default)]
    tree: Tree,
}

/// What is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Query {
    /// The bill.
    #[default]
    Document,
    /// What is different between two.
    Difference,
}

/// How a bill is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[default]
    #[serde(rename = "cyclonedx-1.6")]
    CycloneDx16,
    #[serde(rename = "cyclonedx-1.6-xml")]
    CycloneDx16Xml,
    #[serde(rename = "cyclonedx-1.7")]
    CycloneDx17,
    #[serde(rename = "cyclonedx-1.7-xml")]
    CycloneDx17Xml,
    #[serde(rename = "spdx-2.3")]
    Spdx23,
    #[serde(rename = "spdx-3.0.1")]
    Spdx301,
}

impl Format {
    fn write(self, bill: &Bill) -> Written {
        use cyclonedx::{Document, Version};
        match self {
            Self::CycloneDx16 => Written::Json(Document::new(bill, Version::V1_6).json()),
            Self::CycloneDx17 => Written::Json(Document::new(bill, Version::V1_7).json()),
            Self::CycloneDx16Xml => Written::Xml(Document::new(bill, Version::V1_6).xml()),
            Self::CycloneDx17Xml => Written::Xml(Document::new(bill, Version::V1_7).xml()),
            Self::Spdx23 => Written::Json(spdx::v2::json(bill)),
            Self::Spdx301 => Written::Json(spdx::v3::json(bill)),
        }
    }
}

/// A document as text.
enum Written {
    Json(Box<RawValue>),
    Xml(String),
}

/// What a call gets.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// A document in JSON is the answer itself.
    Json(Box<RawValue>),
    /// A document in XML is a text in the answer.
    Xml(Xml),
    /// What is different.
    Difference(Box<Difference>),
}

/// A document that is no JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Xml {
    format: Format,
    text: String,
}

fn sbom(input: Input) -> Result<Answer, Refusal> {
    match input.query {
        Query::Document => document(input),
        Query::Difference => {
            difference::difference(&input).map(|found| Answer::Difference(Box::new(found)))
        }
    }
}

fn document(input: Input) -> Result<Answer, Refusal> {
    let mut scan = scan(input.tree, &input)?;
    if input.lockfiles.is_empty() {
        leave_out_own_bills(&mut scan);
    }
    let subject = Subject { name: input.name, version: input.version };
    let bytes_max = input.max_bytes.unwrap_or(DOCUMENT_BYTES);
    let mut bill = compose(scan, &subject, input.timestamp);
    let mut smallest = 0;
    for detail in [Detail::Full, Detail::NoEvidence, Detail::Bare] {
        bill.reduce(detail);
        // Writing what cannot fit takes longer than all the rest.
        if detail < Detail::Bare && bill.bytes_min() > bytes_max {
            continue;
        }
        let answer = answer(input.format, input.format.write(&bill));
        smallest = bytes(&answer);
        if smallest <= bytes_max {
            return Ok(answer);
        }
    }
    Err(Refusal::new(format!(
        "the document has {smallest} bytes even without evidence, {bytes_max} are allowed: name \
         some of the lock files in `lockfiles`, or raise `max_bytes`"
    )))
}

/// The bytes of an answer: more than those of its document, where that is a text in it.
fn bytes(answer: &Answer) -> usize {
    match answer {
        Answer::Json(document) => document.get().len(),
        Answer::Xml(_) | Answer::Difference(_) => {
            serde_json::to_string(answer).map_or(usize::MAX, |text| text.len())
        }
    }
}

fn answer(format: Format, written: Written) -> Answer {
    match written {
        Written::Json(document) => Answer::Json(document),
        Written::Xml(text) => Answer::Xml(Xml { format, text }),
    }
}

fn scan(tree: Tree, input: &Input) -> Result<Scan, Refusal> {
    let request = Request { lockfiles: input.lockfiles.clone(), include: input.include.clone() };
    lockgraph::scan(&TreeFiles(tree), &request).map_err(|err| Refusal::new(err.to_string()))
}

#[cfg(test)]
mod tests;
