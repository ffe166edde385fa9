//! Prometheus text (exposition format 0.0.4): what a run took, to be left in a file that a node
//! exporter or a push gateway takes up.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::run::{CallState, Run, TurnState};

/// Labels that every line bears: `repository`, `branch`, `workflow`…
pub type Labels = BTreeMap<String, String>;

/// The metrics of a run.
pub fn prometheus(run: &Run, labels: &Labels) -> String {
    let mut page = Page { text: String::new(), labels: shared(run, labels) };
    page.outcome(run);
    page.took(run);
    page.model(run);
    page.tools(run);
    page.text
}

struct Page {
    text: String,
    labels: Labels,
}

fn shared(run: &Run, labels: &Labels) -> Labels {
    let mut labels: Labels = labels
        .iter()
        .filter(|(name, _)| is_label(name))
        .map(|(a, b)| (a.clone(), b.clone()))
        .collect();
    if let Some(about) = &run.about {
        labels.insert("step".to_owned(), about.step.clone());
        labels.insert("model".to_owned(), about.model.clone());
    }
    labels
}

/// Labels of single lines: nobody else may give them.
const OWN: [&str; 7] = ["run", "stop_reason", "work", "ending", "code", "tool", "source"];

/// Whether the format allows a label of this name. Names with `__` are its own.
fn is_label(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !OWN.contains(&name)
        && !name.is_empty()
        && !name.starts_with("__")
        && name.bytes().all(inside)
        && !name.as_bytes()[0].is_ascii_digit()
}

impl Page {
    fn describe(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.text, "# HELP stepwell_{name} {help}\n# TYPE stepwell_{name} {kind}\n");
    }

    fn sample(&mut self, name: &str, own: &[(&str, &str)], value: &str) {
        let _ = write!(self.text, "stepwell_{name}");
        let all = self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<_> = all.chain(own.iter().copied()).collect();
        for (at, (name, value)) in all.iter().enumerate() {
            let begin = if at == 0 { '{' } else { ',' };
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.text, "{begin}{name}=\"{value}\"");
        }
        let _ = writeln!(self.text, "{} {value}", if all.is_empty() { "" } else { "}" });
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: &str) {
        self.describe(name, kind, help);
        self.sample(name, &[], value);
    }

    /// The number of things by a word each.
    fn by<'a>(
        &mut self,
        (name, help, label): (&str, &str, &str),
        words: impl Iterator<Item = &'a str>,
    ) {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        words.for_each(|word| *counts.entry(word).or_default() += 1);
        self.describe(name, "gauge", help);
        for (word, n) in counts {
            self.sample(name, &[(label, word)], &n.to_string());
        }
    }

    fn outcome(&mut self, run: &Run) {
        self.describe("run_info", "gauge", "The run, and why it is over.");
        self.sample("run_info", &[("run", run.name.as_str()), ("stop_reason", run.ending())], "1");
        let done = if run.ending() == "done" { "1" } else { "0" };
        self.one("run_success", "gauge", "Whether the step did what it was asked to do.", done);
        let end = seconds_of_millis(run.end_ms);
        self.one("run_end_timestamp_seconds", "gauge", "When its last record was written.", &end);
        let attempts = run.attempts.len().to_string();
        self.one("run_attempts", "gauge", "Lives of the process.", &attempts);
    }

    fn took(&mut self, run: &Run) {
        self.describe("work_duration_seconds", "gauge", "How long each work took.");
        for took in &run.works {
            self.sample(
                "work_duration_seconds",
                &[("work", &took.work.to_string())],
                &seconds_of_millis(took.time_ms),
            );
        }
        self.describe("work_tokens", "gauge", "Tokens charged to each work.");
        for took in &run.works {
            self.sample(
                "work_tokens",
                &[("work", &took.work.to_string())],
                &took.spent.tokens.to_string(),
            );
        }
        self.describe("work_spend_dollars", "gauge", "Money charged to each work.");
        for took in &run.works {
            self.sample(
                "work_spend_dollars",
                &[("work", &took.work.to_string())],
                &seconds_of_micros(took.spent.spend.0),
            );
        }
        if let Some(first) = run.first_response_ms() {
            let help = "From the first request to the first sign of its response.";
            self.one("first_response_seconds", "gauge", help, &seconds_of_millis(first));
        }
    }

    fn model(&mut self, run: &Run) {
        let words = run.turns.iter().map(|turn| match &turn.state {
            TurnState::Open => "open",
            TurnState::Completed => "completed",
            TurnState::Failed { code, .. } => code.as_str(),
        });
        self.by(("requests", "Requests to the model, by how they ended.", "ending"), words);
        self.by(
            ("retries", "Tries that were waited for, by why.", "code"),
            run.waits.iter().map(|wait| wait.code.as_str()),
        );
        let links = run.links.to_string();
        self.one("links", "gauge", "Links to the model that were opened.", &links);
        let cache = run.cache();
        self.one("input_tokens", "gauge", "Tokens sent.", &cache.input.to_string());
        let help = "Tokens sent that the provider had read before.";
        self.one("input_tokens_cached", "gauge", help, &cache.input_cached.to_string());
    }

    fn tools(&mut self, run: &Run) {
        let mut counts: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
        for call in &run.calls {
            let ending = match &call.state {
                CallState::Open => "open",
                CallState::Answered => "answered",
                CallState::Refused => "refused",
                CallState::Ended { ending } => ending.as_str(),
            };
            let source = match call.source {
                Some(session::Source::Fresh) => "fresh",
                Some(session::Source::Cache) => "cache",
                Some(session::Source::Host) => "host",
                None => "none",
            };
            *counts.entry((&call.tool, ending, source)).or_default() += 1;
        }
        self.describe("calls", "gauge", "Tool calls, by tool, ending, and who answered.");
        for ((tool, ending, source), n) in counts {
            let own = [("tool", tool), ("ending", ending), ("source", source)];
            self.sample("calls", &own, &n.to_string());
        }
        let saved = seconds_of_micros(run.cache().saved_us);
        self.one("cache_saved_seconds", "gauge", "Tool time that the cache saved.", &saved);
    }
}

fn seconds_of_millis(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// Of microseconds, or of millionths of anything else.
fn seconds_of_micros(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}
