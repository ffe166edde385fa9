//! OTLP/JSON (OpenTelemetry protocol 1, `TracesData` in proto3's JSON): a span for the run, each
//! phase, each request, each call and each round of tests. A collector takes it at `/v1/traces`.

mod metrics;
mod names;

use serde_json::{Value, json};
use session::{Source, StopReason};

use crate::run::{Call, CallState, Run, TestRound, Turn, TurnState};
use crate::words::{round_word, tests_words};
pub use metrics::otlp_metrics;

/// The kinds of spans that are used, as the protocol numbers them.
const INTERNAL: u8 = 1;
const CLIENT: u8 = 3;
/// Status codes of the protocol.
const OK: u8 = 1;
const ERROR: u8 = 2;

/// A span of somebody else's that the run is a part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// 32 hexadecimal digits.
    trace: String,
    /// 16 hexadecimal digits.
    span: String,
}

impl Parent {
    /// Reads a `traceparent` (W3C Trace Context, version 00); none where it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
        let hex = |text: &str, digits| {
            text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let zero = |text: &str| text.bytes().all(|b| b == b'0');
        let flags = parts.next()?;
        let fits = hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
        let more = parts.next().is_some() && version == "00";
        (fits && version != "ff" && !more && !zero(trace) && !zero(span))
            .then(|| Self { trace: trace.to_owned(), span: span.to_owned() })
    }
}

/// The spans of a run, JSON. The same run has the same names of spans every time.
pub fn otlp(run: &Run, parent: Option<&Parent>) -> String {
    let trace = parent.map_or_else(|| id(run, "trace", 0, 16), |parent| parent.trace.clone());
    let spans = Spans { run, trace, root: id(run, "run", 0, 8) };
    let mut all = vec![spans.of_run(parent)];
    all.extend((0..run.phases.len()).map(|at| spans.of_phase(at)));
    all.extend(run.turns.iter().zip(0..).map(|(turn, at)| spans.of_turn(turn, at)));
    all.extend(run.calls.iter().zip(0..).map(|(call, at)| spans.of_call(call, at)));
    all.extend(run.tests.iter().zip(0..).map(|(tests, at)| spans.of_tests(tests, at)));
    let data = json!({ "resourceSpans": [{
        "resource": resource(run),
        "scopeSpans": [{ "scope": scope(run), "spans": all }],
    }] });
    line(&data)
}

fn line(data: &Value) -> String {
    let mut text = data.to_string();
    text.push('\n');
    text
}

/// Who tells.
fn scope(run: &Run) -> Value {
    let version = run.about.as_ref().map_or("", |about| about.version.as_str());
    json!({ "name": "stepwell", "version": version })
}

/// Of what is told.
fn resource(run: &Run) -> Value {
    let about = run.about.as_ref();
    let pipeline = about.map(|about| &about.pipeline);
    let repository = pipeline.and_then(|pipeline| pipeline.repository.as_deref());
    let resource = [
        (names::SERVICE_NAME, Some("stepwell".into())),
        (names::SERVICE_VERSION, about.map(|about| about.version.as_str().into())),
        (names::PIPELINE_NAME, about.map(|about| about.step.as_str().into())),
        (names::PIPELINE_RUN_ID, Some(run.name.as_str().into())),
        (names::REF_HEAD_NAME, about.map(|about| about.head.as_str().into())),
        (names::REF_BASE_NAME, about.and_then(|about| about.base.as_deref()).map(Into::into)),
        (names::REPOSITORY_NAME, repository.map(Into::into)),
    ];
    json!({ "attributes": attributes(resource) })
}

/// So many bytes in hex, made of the run's name and of what they name in it.
fn id(run: &Run, kind: &str, number: u64, bytes: usize) -> String {
    let digest = trace::digest(format!("{} {kind} {number}", run.name).as_bytes());
    digest[..bytes * 2].to_owned()
}

type Attribute = (&'static str, Option<Value>);

/// Attributes as the protocol has them; what is not known is left out.
fn attributes(list: impl IntoIterator<Item = Attribute>) -> Value {
    let one = |(key, value): Attribute| {
        let value = match value? {
            Value::Bool(b) => json!({ "boolValue": b }),
            Value::Number(n) if n.is_f64() => json!({ "doubleValue": n }),
            // 64-bit numbers are strings in proto3's JSON.
            Value::Number(n) => json!({ "intValue": n.to_string() }),
            Value::String(text) => json!({ "stringValue": text }),
            other @ (Value::Null | Value::Array(_) | Value::Object(_)) => {
                json!({ "stringValue": other.to_string() })
            }
        };
        Some(json!({ "key": key, "value": value }))
    };
    list.into_iter().filter_map(one).collect()
}

/// What every span is made of.
struct Span {
    id: String,
    parent: String,
    name: String,
    kind: u8,
    begin: u64,
    end: u64,
    failed: Option<String>,
    attributes: Value,
}

struct Spans<'a> {
    run: &'a Run,
    trace: String,
    root: String,
}

impl Spans<'_> {
    fn span(&self, span: Span) -> Value {
        let Span { id, parent, name, kind, begin, end, failed, attributes } = span;
        let begin = self.begin(begin);
        let end = self.end(end).max(begin);
        let nanos = |ms: u64| (u128::from(ms) * 1_000_000).to_string();
        let status = match failed {
            Some(message) => json!({ "code": ERROR, "message": message }),
            None => json!({ "code": OK }),
        };
        json!({
            "traceId": self.trace, "spanId": id, "parentSpanId": parent, "name": name, "kind": kind,
            "startTimeUnixNano": nanos(begin), "endTimeUnixNano": nanos(end),
            "attributes": attributes, "status": status,
        })
    }

    /// Milliseconds since 1970 of a moment at which something began.
    fn begin(&self, at: u64) -> u64 {
        let attempts = &self.run.attempts;
        self.wall(at, attempts.partition_point(|attempt| attempt.begin <= at))
    }

    /// The same of a moment at which something ended: still in the attempt that it was in.
    fn end(&self, at: u64) -> u64 {
        let attempts = &self.run.attempts;
        self.wall(at, attempts.partition_point(|attempt| attempt.begin < at))
    }

    /// The moment in the last of so many attempts.
    fn wall(&self, at: u64, attempts: usize) -> u64 {
        self.run
            .attempts
            .get(attempts.saturating_sub(1))
            .map_or(at, |attempt| attempt.time_ms.saturating_add(at.saturating_sub(attempt.begin)))
    }

    fn last(&self) -> u64 {
        self.run.phases.last().map_or(0, |phase| phase.end)
    }

    /// The phase in which something began.
    fn phase_at(&self, at: u64) -> String {
        let phases = self.run.phases.partition_point(|phase| phase.begin <= at);
        let phase = phases.checked_sub(1);
        phase.map_or_else(|| self.root.clone(), |phase| id(self.run, "phase", phase as u64, 8))
    }

    fn of_run(&self, parent: Option<&Parent>) -> Value {
        let run = self.run;
        let step = run.about.as_ref().map_or("", |about| about.step.as_str());
        let reason = run.stop.as_ref().map(|stop| &stop.reason);
        let failed = (run.ending() != "done").then(|| run.ending().to_owned());
        self.span(Span {
            id: self.root.clone(),
            parent: parent.map_or(String::new(), |parent| parent.span.clone()),
            name: format!("invoke_workflow {step}"),
            kind: INTERNAL,
            begin: 0,
            end: self.last(),
            attributes: attributes([
                (names::OPERATION, Some("invoke_workflow".into())),
                (names::WORKFLOW, Some(step.into())),
                (names::CONVERSATION, Some(run.name.as_str().into())),
                (names::PIPELINE_RESULT, Some(result(reason).into())),
                (names::STOP_REASON, Some(run.ending().into())),
                (names::SPEND, Some(run.total().spend.0.into())),
                (names::ERROR_TYPE, failed.clone().map(Into::into)),
            ]),
            failed,
        })
    }

    fn of_phase(&self, at: usize) -> Value {
        let phase = &self.run.phases[at];
        self.span(Span {
            id: id(self.run, "phase", at as u64, 8),
            parent: self.root.clone(),
            name: format!("phase {}", phase.what),
            kind: INTERNAL,
            begin: phase.begin,
            end: phase.end,
            failed: None,
            attributes: attributes([(names::PHASE, Some(phase.what.name().into()))]),
        })
    }

    fn of_turn(&self, turn: &Turn, at: u64) -> Value {
        let about = self.run.about.as_ref();
        let model = about.map_or("", |about| about.model.as_str());
        let failed = match &turn.state {
            TurnState::Completed => None,
            TurnState::Open => Some("unfinished".to_owned()),
            TurnState::Failed { code, .. } => Some(code.clone()),
        };
        let begin = turn.requested.unwrap_or(turn.begin);
        let first = turn
            .first
            .zip(turn.requested)
            .map(|(first, begin)| seconds(first.saturating_sub(begin)));
        let usage = turn.usage;
        self.span(Span {
            id: id(self.run, "turn", at, 8),
            parent: self.phase_at(turn.begin),
            name: format!("chat {model}"),
            kind: CLIENT,
            begin,
            end: turn.end.unwrap_or_else(|| self.last()),
            attributes: attributes([
                (names::OPERATION, Some("chat".into())),
                (names::PROVIDER, about.map(|about| about.provider.as_str().into())),
                (names::REQUEST_MODEL, Some(model.into())),
                (names::REQUEST_STREAM, Some(true.into())),
                (names::CONVERSATION, Some(self.run.name.as_str().into())),
                (names::RESPONSE_ID, turn.response_id.as_deref().map(Into::into)),
                (names::TIME_TO_FIRST, first.map(Into::into)),
                (names::INPUT_TOKENS, usage.map(|usage| usage.input.into())),
                (names::OUTPUT_TOKENS, usage.map(|usage| usage.output.into())),
                (names::CACHE_READ, usage.map(|usage| usage.cached_input.into())),
                (names::CACHE_CREATION, usage.map(|usage| usage.cache_write.into())),
                (names::REASONING, usage.map(|usage| usage.reasoning.into())),
                (names::TRY, Some(turn.try_number.saturating_sub(1).into())),
                (names::SPEND, Some(turn.spend.into())),
                (names::ERROR_TYPE, failed.clone().map(Into::into)),
            ]),
            failed,
        })
    }

    fn of_call(&self, call: &Call, at: u64) -> Value {
        let failed = match &call.state {
            CallState::Answered => None,
            CallState::Open => Some("unfinished".to_owned()),
            CallState::Refused => Some("refused".to_owned()),
            CallState::Ended { ending } => Some(ending.clone()),
        };
        let source = call.source.map(|source| match source {
            Source::Fresh => "fresh",
            Source::Cache => "cache",
            Source::Host => "host",
        });
        self.span(Span {
            id: id(self.run, "call", at, 8),
            parent: self.phase_at(call.begin),
            name: format!("execute_tool {}", call.tool),
            kind: INTERNAL,
            begin: call.begin,
            end: call.end.unwrap_or_else(|| self.last()),
            attributes: attributes([
                (names::OPERATION, Some("execute_tool".into())),
                (names::TOOL_NAME, Some(call.tool.as_str().into())),
                (names::TOOL_TYPE, Some("function".into())),
                (names::TOOL_CALL_ID, Some(call.name.as_str().into())),
                (names::SOURCE, source.map(Into::into)),
                (names::REPLAYED, Some((source == Some("cache")).into())),
                (names::FUEL, Some(call.usage.fuel.into())),
                (names::ERROR_TYPE, failed.clone().map(Into::into)),
            ]),
            failed,
        })
    }

    fn of_tests(&self, round: &TestRound, at: u64) -> Value {
        let said = round.said.as_ref();
        let passed = said.is_some_and(|said| said.passed);
        self.span(Span {
            id: id(self.run, "tests", at, 8),
            parent: self.phase_at(round.begin),
            name: format!("tests {}", round_word(round.round)),
            kind: INTERNAL,
            begin: round.begin,
            end: round.end.unwrap_or_else(|| self.last()),
            failed: (!passed).then(|| "tests failed".to_owned()),
            attributes: attributes([(names::TESTS, said.map(|said| tests_words(said).into()))]),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "the conventions want seconds as a number")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1e3
}

/// What the conventions call the result of a pipeline.
fn result(reason: Option<&StopReason>) -> &'static str {
    match reason {
        Some(StopReason::Done) => "success",
        Some(StopReason::TimeBudget { .. } | StopReason::JobDeadline) => "timeout",
        Some(StopReason::Cancelled { .. }) => "cancellation",
        Some(
            StopReason::ModelUnavailable { .. }
            | StopReason::ModelRefused { .. }
            | StopReason::LedgerFailed
            | StopReason::TestsNotRun,
        )
        | None => "error",
        Some(
            StopReason::GateRefused
            | StopReason::TestsFailed
            | StopReason::NoUsefulResult
            | StopReason::SpendBudget { .. }
            | StopReason::CallBudget { .. }
            | StopReason::ScopeBudget { .. }
            | StopReason::ValueCheck { .. }
            | StopReason::ApprovalNeeded { .. },
        ) => "failure",
    }
}
