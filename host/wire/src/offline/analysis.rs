//! What is submitted: a summary, findings, next steps. Every sentence rests on a fact; what is
//! not known is said to be not known.

mod findings;
mod steps;
mod summary;

use serde_json::{Map, Value, json};

use super::facts::Facts;
use super::seen::Seen;
use super::suspects::{self, Suspect};
use super::text::{plain, things};

/// Most findings. What is left out is counted in the last one.
const FINDINGS_MAX: usize = 20;

/// Most characters of a title, of an evidence, and of a text in the place of a submission.
const TITLE_CHARS_MAX: usize = 160;
const EVIDENCE_CHARS_MAX: usize = 1_000;

/// Most findings that the closing text repeats.
const CLOSING_FINDINGS: usize = 5;

/// An analysis as `submit_analysis` takes it.
#[derive(Debug)]
pub(super) struct Analysis {
    summary: String,
    findings: Vec<Finding>,
    next_steps: Vec<String>,
}

/// One thing that was found. Texts are plain and cut.
#[derive(Debug)]
struct Finding {
    title: String,
    severity: &'static str,
    confidence: &'static str,
    file: Option<String>,
    line: Option<u64>,
    test: Option<String>,
    evidence: String,
}

/// What an analysis is made of.
struct Case<'c> {
    seen: &'c Seen<'c>,
    facts: &'c Facts,
    suspects: Vec<Suspect<'c>>,
}

impl Analysis {
    pub(super) fn of(seen: &Seen<'_>, facts: &Facts) -> Self {
        let case = Case { seen, facts, suspects: suspects::rank(seen, facts) };
        let mut findings = findings::all(&case);
        if let Some(more) = findings.len().checked_sub(FINDINGS_MAX).filter(|more| *more > 0) {
            findings.truncate(FINDINGS_MAX - 1);
            let title = format!("{} left out", things(as_u64(more + 1), "further finding"));
            findings.push(Finding::note(title, "only the first ones are listed"));
        }
        Self { summary: summary::of(&case), findings, next_steps: steps::all(&case) }
    }

    pub(super) fn to_json(&self) -> Value {
        let findings: Vec<Value> = self.findings.iter().map(Finding::to_json).collect();
        json!({ "summary": self.summary, "findings": findings, "next_steps": self.next_steps })
    }

    /// The analysis as a text, for a host that takes no submission.
    pub(super) fn to_text(&self) -> String {
        let mut text = self.summary.clone();
        if !self.findings.is_empty() {
            text.push_str("\n\nFindings:");
        }
        for Finding { severity, title, evidence, .. } in &self.findings {
            text.extend(["\n- ", severity, ": ", title, " (", evidence, ")"]);
        }
        if !self.next_steps.is_empty() {
            text.push_str("\n\nNext steps:");
        }
        for step in &self.next_steps {
            text.extend(["\n- ", step]);
        }
        text
    }

    /// The last words, after the submission.
    pub(super) fn closing(&self, refusal: Option<&str>) -> String {
        let mut text = match refusal {
            None => "The analysis is submitted.".to_owned(),
            Some(why) => format!("The host did not take the analysis: {why}."),
        };
        text.push_str(
            " It is a deterministic triage: no model was used, and no patch is proposed.",
        );
        for finding in self.findings.iter().take(CLOSING_FINDINGS) {
            text.push_str("\n- ");
            text.push_str(&finding.title);
        }
        if let Some(more) =
            self.findings.len().checked_sub(CLOSING_FINDINGS).filter(|more| *more > 0)
        {
            text.extend(["\n- and ", &more.to_string(), " more"]);
        }
        text
    }
}

impl Finding {
    fn new(
        severity: &'static str,
        confidence: &'static str,
        title: impl AsRef<str>,
        evidence: impl AsRef<str>,
    ) -> Self {
        Self {
            title: plain(title.as_ref(), TITLE_CHARS_MAX),
            severity,
            confidence,
            file: None,
            line: None,
            test: None,
            evidence: plain(evidence.as_ref(), EVIDENCE_CHARS_MAX),
        }
    }

    /// Worth knowing, and certain.
    fn note(title: impl AsRef<str>, evidence: impl AsRef<str>) -> Self {
        Self::new("note", "high", title, evidence)
    }

    fn at(mut self, file: impl AsRef<str>, line: Option<u64>) -> Self {
        self.file = Some(plain(file.as_ref(), TITLE_CHARS_MAX));
        self.line = line;
        self
    }

    fn to_json(&self) -> Value {
        let mut finding = Map::new();
        let mut put = |key: &str, value: Value| finding.insert(key.to_owned(), value);
        put("title", self.title.clone().into());
        put("severity", self.severity.into());
        put("confidence", self.confidence.into());
        for (key, value) in [("file", &self.file), ("test", &self.test)] {
            if let Some(value) = value {
                put(key, value.clone().into());
            }
        }
        if let Some(line) = self.line {
            put("line", line.into());
        }
        put("evidence", self.evidence.clone().into());
        Value::Object(finding)
    }
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
