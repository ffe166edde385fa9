//! What came out of a run, and what it took.
//!
//! [`RunResult`] holds no time and no money, so that equal runs give equal bytes;
//! [`Accounting`] holds those.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::budget::{Money, Spent, Work};
use crate::stop::StopReason;
use crate::tested::TestsSaid;
use crate::verdict::Verdict;

/// The most findings an analysis may have: more is not an analysis.
const FINDINGS_MAX: usize = 100;
/// The most next steps an analysis may have.
const NEXT_STEPS_MAX: usize = 50;
/// The most things that an analysis may need of a human: nobody answers more.
const NEEDS_MAX: usize = 20;
/// The most answers that one of them may list.
const OPTIONS_MAX: usize = 10;
/// The most bytes of one text in an analysis: a page.
const TEXT_BYTES_MAX: usize = 8 * 1024;

/// How bad a finding is.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something is broken.
    Error,
    /// Something may break.
    Warning,
    /// Worth knowing.
    Note,
}

/// How sure the analysis is of a finding.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// The evidence shows it.
    High,
    /// The evidence points there.
    Medium,
    /// A guess.
    Low,
}

/// One thing that was found.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// One line.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure that is.
    pub confidence: Confidence,
    /// The file it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The test it is about, as its runner takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// What it rests on.
    #[serde(default)]
    pub evidence: String,
}

/// What kind of answer a human must give.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NeedKind {
    /// Which of several ways is right.
    Decision,
    /// Leave to do what the step's rules do not allow.
    Permission,
    /// A fact that the repository does not have.
    Information,
    /// Something to be given: a right, a service, a file.
    Access,
}

/// What only a human can say or give.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Need {
    /// What kind of answer it takes.
    pub kind: NeedKind,
    /// One question.
    pub question: String,
    /// The answers there are, where they can be listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// What depends on the answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// What the model, or the offline analyst, made of the context.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Analysis {
    /// A paragraph.
    pub summary: String,
    /// What was found, most important first.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What a human should do, in order.
    #[serde(default, alias = "next_steps")]
    pub next_steps: Vec<String>,
    /// What a human must say or give before anybody can go on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
}

impl Analysis {
    /// Reads the arguments of `submit_analysis`; long lists and texts are cut.
    ///
    /// # Errors
    /// A sentence for the model when they are not what the schema says.
    pub fn parse(arguments: &str) -> Result<Self, String> {
        let mut analysis: Self = serde_json::from_str(arguments).map_err(|err| {
            format!("the arguments of submit_analysis do not fit its schema: {err}")
        })?;
        if analysis.summary.trim().is_empty() {
            return Err("submit_analysis needs a `summary` of at least one sentence".to_owned());
        }
        analysis.findings.truncate(FINDINGS_MAX);
        analysis.next_steps.truncate(NEXT_STEPS_MAX);
        analysis.needs.truncate(NEEDS_MAX);
        cut(&mut analysis.summary);
        analysis.next_steps.iter_mut().for_each(cut);
        for finding in &mut analysis.findings {
            cut(&mut finding.title);
            cut(&mut finding.evidence);
        }
        for need in &mut analysis.needs {
            need.options.truncate(OPTIONS_MAX);
            need.options.iter_mut().chain([&mut need.question, &mut need.why]).for_each(cut);
        }
        Ok(analysis)
    }

    /// An analysis that is only a text, for a model that ends without submitting one.
    pub fn of_text(text: &str) -> Self {
        let mut summary = text.trim().to_owned();
        cut(&mut summary);
        Self { summary, ..Self::default() }
    }
}

fn cut(text: &mut String) {
    if text.len() > TEXT_BYTES_MAX {
        let end = (0..=TEXT_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}

/// What a patch does to a file.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PatchFile {
    /// Its path; the new one where it is renamed.
    pub path: String,
    /// `added`, `modified`, `deleted` or `renamed`.
    pub status: String,
    /// Lines added.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
}

/// What a test report says.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TestCounts {
    /// Tests in all.
    pub tests: u64,
    /// Those that passed.
    pub passed: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that could not run.
    pub errors: u64,
    /// Those that were left out.
    pub skipped: u64,
    /// Names of those that failed, as far as the summary lists them.
    pub failing: Vec<String>,
}

impl TestCounts {
    /// Reads the output of `test_summary`; none when it has no counts.
    pub(crate) fn parse(value: &serde_json::Value) -> Option<Self> {
        let summary = value.get("summary")?;
        let count = |name: &str| summary.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
        let failures = value.get("failures").and_then(serde_json::Value::as_array);
        let name = |failure: &serde_json::Value| failure.get("id")?.as_str().map(str::to_owned);
        Some(Self {
            tests: count("tests"),
            passed: count("passed"),
            failed: count("failed"),
            errors: count("errors"),
            skipped: count("skipped"),
            failing: failures.into_iter().flatten().filter_map(name).take(FINDINGS_MAX).collect(),
        })
    }

    /// Whether the report shows a test that did not pass.
    pub fn shows_failure(&self) -> bool {
        self.not_passed() > 0
    }

    /// Tests that failed or could not run.
    pub(crate) fn not_passed(&self) -> u64 {
        self.failed.saturating_add(self.errors)
    }
}

/// How far a run came, in one word.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A patch that passed the gates and the tests.
    PatchTested,
    /// A patch that passed the gates; there are no tests, or they did not come to an end.
    PatchUntested,
    /// A patch that passed the gates, and fails the tests.
    PatchFailing,
    /// A patch that passed the gates, and with which only those tests fail that failed before it.
    PatchFailingAsBefore,
    /// A patch that passes a gate only once a person says so, and does not fail the tests.
    PatchUnapproved,
    /// An analysis, and a patch that the gates refused.
    PatchRefused,
    /// An analysis.
    Diagnosis,
    /// Only what the context tools found.
    ContextOnly,
    /// Nothing.
    Nothing,
}

/// `result.json`: what came out.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunResult {
    /// Raised when an old reader would misread a new file.
    pub schema: u32,
    /// The step's name.
    pub step: String,
    /// Why the run is over.
    pub stop_reason: StopReason,
    /// How far it came.
    pub outcome: Outcome,
    /// What the step was about.
    pub head: String,
    /// What it was compared with.
    pub base: Option<String>,
    /// Whether a model answered, or the offline analyst.
    pub model_used: bool,
    /// The analysis, where there is one.
    pub analysis: Option<Analysis>,
    /// Digest of the patch that left the gates, in hex.
    pub patch: Option<String>,
    /// What that patch touches.
    pub patch_files: Vec<PatchFile>,
    /// What the gates found on the last patch.
    pub verdicts: Vec<Verdict>,
    /// The tests without a patch.
    pub tests_before: Option<TestsSaid>,
    /// The tests with the patch.
    pub tests_after: Option<TestsSaid>,
}

/// What a sink that was behind did not get to see. The trace has all of it but the text.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Missed {
    /// Records of things that went well.
    pub records: u64,
    /// Records that said what the one before them had said.
    #[serde(default)]
    pub repeated: u64,
    /// Bytes of the model's text.
    pub text_bytes: u64,
    /// Lines of the tools' logs that it was not to show.
    #[serde(default)]
    pub left_out_lines: u64,
    /// Bytes of the model's text that it was not to show.
    #[serde(default)]
    pub left_out_text_bytes: u64,
    /// Whether it had not caught up when the run was over.
    pub behind_at_end: bool,
}

/// How full a queue was in the last attempt.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct QueuePeak {
    /// The most that waited in it.
    pub peak: u64,
    /// As many as it holds.
    pub bound: u64,
}

/// `accounting.json`: what it took.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Accounting {
    /// Raised when an old reader would misread a new file.
    pub schema: u32,
    /// The run's name.
    pub run: String,
    /// Processes that worked on it.
    pub attempts: u32,
    /// Milliseconds of all attempts.
    pub wall_ms: u64,
    /// Milliseconds of the last attempt.
    pub last_attempt_ms: u64,
    /// Responses that completed.
    pub turns: u32,
    /// Requests that left, failed and ambiguous ones included.
    pub requests: u32,
    /// Requests charged at the most they can have cost, because nobody said what they did.
    pub charged_at_most: u32,
    /// Tokens that the provider counted as sent.
    #[serde(default)]
    pub input_tokens: u64,
    /// Those of them that it had read before, and bills as such: what a context of the same bytes
    /// saves.
    #[serde(default)]
    pub input_tokens_cached: u64,
    /// Tokens and money of everything.
    pub total: Spent,
    /// Money that servers reported beyond that, when nothing was left of the budgets.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub excess: Money,
    /// The same by work.
    pub by_work: Vec<(Work, Spent)>,
    /// Calls answered by a tool that ran.
    pub calls_fresh: u32,
    /// Calls answered by the cache.
    pub calls_cached: u32,
    /// Those of them that another machine had computed.
    #[serde(default)]
    pub calls_shared: u32,
    /// Microseconds of tool time that the cache saved.
    pub cache_saved_us: u64,
    /// Responses that the last attempt did not have to ask for again.
    pub resumed_turns: u32,
    /// Answers that the last attempt did not have to compute again.
    pub resumed_calls: u32,
    /// Money that those responses had cost.
    pub resumed_spend: Money,
    /// Links opened by the last attempt.
    pub links: u32,
    /// What the provider or the system said of the last try that failed.
    pub last_failure: Option<String>,
    /// What guarded the tools, in one line.
    pub isolation: String,
    /// What guarded the step's own tests when they last ran, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests_isolation: Option<String>,
    /// Outputs that were cut before they were passed on.
    #[serde(default)]
    pub outputs_cut: u32,
    /// Bytes of those that are in no artifact either.
    #[serde(default)]
    pub output_bytes_lost: u64,
    /// Lines that tools wrote to the log beyond what is kept.
    #[serde(default)]
    pub log_lines_dropped: u64,
    /// What sinks missed, by their names; those that missed nothing are left out.
    #[serde(default)]
    pub missed: BTreeMap<String, Missed>,
    /// How full the runner's queues were, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queues: BTreeMap<String, QueuePeak>,
    /// What did not go well when answers were shared with other machines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unshared: Vec<String>,
    /// Why the ledger does not know what the last request came to; it stays reserved there.
    #[serde(default)]
    pub unbooked: Option<String>,
    /// The command that goes on with the run, where it can be gone on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_human_can_say_is_read_with_its_kind_and_cut() {
        let need = r#"{"kind": "decision", "question": "which?", "options": ["a", "b"]}"#;
        let many = vec![need; NEEDS_MAX + 1].join(",");
        let text = |needs: &str| {
            format!(r#"{{"summary": "s", "findings": [], "next_steps": [], "needs": [{needs}]}}"#)
        };
        let read = Analysis::parse(&text(&many)).unwrap().needs;
        assert_eq!((read.len(), read[0].kind), (NEEDS_MAX, NeedKind::Decision));
        let refused = Analysis::parse(&text(r#"{"kind": "wish", "question": "?"}"#)).unwrap_err();
        assert!(refused.contains("`wish`"), "{refused}");
        let without = Analysis::parse(r#"{"summary": "s"}"#).unwrap();
        let told = serde_json::to_string(&without).unwrap();
        assert!(!told.contains("needs"), "equal results stay equal bytes: {told}");
    }
}
