//! `verdicts.sarif`: what the gates and the analysis found, as code scanning reads it.
//!
//! The format is SARIF 2.1.0 (OASIS, 2020), in the part that GitHub's code scanning documents: each
//! result has a rule, a level, a message and one place in a file.

use gate::GateName;
use serde::Serialize;
use session::{Finding, Place, Ruling, Severity, Verdict};
use snapshot::{Digest, RepoPath};

use crate::text::{Plain, cut};

/// Most results: code scanning keeps 5,000 of a run.
const RESULTS_MAX: usize = 1_000;

/// Most bytes of a message.
const MESSAGE_BYTES_MAX: usize = 2_000;

/// The rule under which findings of the analysis stand.
const ANALYSIS: &str = "analysis/finding";

/// Where a result stands that is about no file: code scanning takes none without a place, and the
/// rules that decided it are there.
const NO_FILE: &str = ".stepwell/step.toml";

/// What uses of `%SRCROOT%` mean.
const ROOT: &str = "%SRCROOT%";

#[derive(Debug, Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    automation_details: Id,
    original_uri_base_ids: Bases,
    column_kind: &'static str,
    results: Vec<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<LeftOut>,
}

#[derive(Debug, Serialize)]
struct Id {
    id: String,
}

#[derive(Debug, Serialize)]
struct Bases {
    #[serde(rename = "%SRCROOT%")]
    root: Base,
}

#[derive(Debug, Serialize)]
struct Base {
    description: Message,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LeftOut {
    results_left_out: usize,
}

#[derive(Debug, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    short_description: Message,
    full_description: Message,
    help: Message,
    default_configuration: Level,
}

#[derive(Debug, Serialize)]
struct Level {
    level: &'static str,
}

#[derive(Debug, Serialize)]
struct Message {
    text: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    rule_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Message,
    locations: [Location; 1],
    partial_fingerprints: Fingerprints,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    uri_base_id: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
}

#[derive(Debug, Serialize)]
struct Fingerprints {
    #[serde(rename = "stepwell/v1")]
    ours: String,
}

/// What the gates and the analysis of a step found, as SARIF: JSON, equal for equal findings.
#[must_use]
pub fn sarif(step: &str, verdicts: &[Verdict], findings: &[Finding]) -> String {
    let of_gates = verdicts.iter().flat_map(of_verdict);
    let mut results: Vec<Found> = of_gates.chain(findings.iter().map(of_finding)).collect();
    let left_out = results.len().saturating_sub(RESULTS_MAX);
    results.truncate(RESULTS_MAX);
    let description = Message { text: "The root of the repository.".to_owned() };
    let run = Run {
        tool: Tool { driver: Driver { name: "stepwell", rules: rules() } },
        automation_details: Id { id: format!("stepwell/{step}/") },
        original_uri_base_ids: Bases { root: Base { description } },
        column_kind: "unicodeCodePoints",
        results,
        properties: (left_out > 0).then_some(LeftOut { results_left_out: left_out }),
    };
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [run],
    };
    let text = serde_json::to_string_pretty(&log).expect("a log has text for keys");
    text + "\n"
}

/// Every gate, in its order, and the analysis.
fn rules() -> Vec<Rule> {
    let gates = GateName::ALL.into_iter().map(|gate| {
        let key = gate.key().map_or_else(
            || "No step file can lower it.".to_owned(),
            |key| format!("Decided by {key} in the step file."),
        );
        Rule {
            id: rule_of(gate.as_str()),
            short_description: Message { text: gate.demands().to_owned() },
            full_description: Message { text: gate.reasoning().to_owned() },
            help: Message { text: format!("{} {key}", gate.reasoning()) },
            default_configuration: Level { level: "error" },
        }
    });
    let text = || Message { text: "What the analysis of the step found.".to_owned() };
    let analysis = Rule {
        id: ANALYSIS.to_owned(),
        short_description: text(),
        full_description: text(),
        help: text(),
        default_configuration: Level { level: "warning" },
    };
    gates.chain([analysis]).collect()
}

fn rule_of(gate: &str) -> String {
    format!("gate/{gate}")
}

/// One result a place; where there are no places, one a path for what is about paths, and one in
/// all for what is about the whole patch.
fn of_verdict(verdict: &Verdict) -> Vec<Found> {
    let level = match (verdict.ruling(), &verdict.approved_by) {
        (Ruling::Pass, _) => return Vec::new(),
        (Ruling::Approval, Some(_)) => "note",
        (Ruling::Approval, None) => "warning",
        (Ruling::Refuse, _) => "error",
    };
    let gate = GateName::named(&verdict.gate);
    let found = |path: Option<&str>, line: Option<u32>, text: &str| {
        let rule_index = gate.and_then(|gate| GateName::ALL.iter().position(|one| *one == gate));
        found((rule_of(&verdict.gate), rule_index), level, (path, line), text)
    };
    if !verdict.places.is_empty() {
        let told = |Place { path, line, what }: &Place| {
            found(Some(path), *line, &format!("{what}: {}", verdict.because))
        };
        return verdict.places.iter().map(told).collect();
    }
    let whole = matches!(gate, Some(GateName::FilesMax | GateName::LinesMax));
    match verdict.paths.as_slice() {
        [] => vec![found(None, None, &verdict.because)],
        [first, ..] if whole => vec![found(Some(first), None, &verdict.because)],
        paths => paths.iter().map(|path| found(Some(path), None, &verdict.because)).collect(),
    }
}

fn of_finding(finding: &Finding) -> Found {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let text = match finding.evidence.trim() {
        "" => finding.title.clone(),
        evidence => format!("{}: {evidence}", finding.title),
    };
    let rule = (ANALYSIS.to_owned(), Some(GateName::ALL.len()));
    found(rule, level, (finding.file.as_deref(), finding.line), &text)
}

fn found(
    (rule_id, rule_index): (String, Option<usize>),
    level: &'static str,
    (path, line): (Option<&str>, Option<u32>),
    text: &str,
) -> Found {
    // What leads out of the repository is no place in it.
    let path = path.filter(|path| RepoPath::parse(path).is_ok());
    let start_line = path.and(line).unwrap_or(1).max(1);
    let text = message(text);
    // Lines move: the same finding stays the same.
    let parts = [rule_id.as_bytes(), path.unwrap_or_default().as_bytes(), text.as_bytes()];
    let ours = Digest::derive("stepwell 2026-11 sarif fingerprint v1", &parts).to_string();
    Found {
        rule_id,
        rule_index,
        level,
        message: Message { text },
        locations: [Location {
            physical_location: Physical {
                artifact_location: Artifact {
                    uri: path.map_or_else(|| NO_FILE.to_owned(), uri),
                    uri_base_id: ROOT,
                },
                region: Region { start_line },
            },
        }],
        partial_fingerprints: Fingerprints { ours },
    }
}

/// A message as it is meant: in SARIF, `[text](target)` would be a link.
fn message(text: &str) -> String {
    cut(&Plain(text).to_string().replace("](", "] ("), MESSAGE_BYTES_MAX)
}

/// A path as a relative reference (RFC 3986).
fn uri(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let spell = |byte: u8| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    path.bytes().map(spell).collect()
}

#[cfg(test)]
mod tests;
