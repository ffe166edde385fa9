//! What differs between two runs, and from where on.
//!
//! Time differs always, and the order in which calls that run side by side come back differs by
//! chance; neither counts. Calls are put in the order of their names.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::Serialize;
use serde_json::Value;
use session::CallId;
use session::event::{Decision, Event, Input, Note, Record};
use trace::{Chain, Damage, Told};

use crate::amount::{count, grouped, money};
use crate::plain::fit;
use crate::run::Run;
use crate::words;

/// The most differences within one record that are told.
const FIELDS_MAX: usize = 12;
/// Columns of a line.
const COLUMNS: usize = 110;

/// What two traces have, and do not have, in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// What the runs were begun with where that differs: what, and on each side.
    pub begun_with: Vec<(String, String, String)>,
    /// How many records that count are the same from the beginning on.
    pub same: u64,
    /// Where they part; none where they never do.
    pub divergence: Option<Divergence>,
    /// What the runs came to where that differs: what, and on each side.
    pub came_to: Vec<(String, String, String)>,
}

/// Where two traces part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// The record on the left; none where its trace is over.
    pub left: Option<OneSide>,
    /// The record on the right.
    pub right: Option<OneSide>,
    /// Where both say the same of something else: the place within the record, and what stands
    /// there on each side.
    pub fields: Vec<(String, String, String)>,
}

/// A record on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OneSide {
    /// Its number.
    pub seq: u64,
    /// What it says, in a line.
    pub text: String,
}

/// A record, as far as it counts.
#[derive(Debug)]
struct Counted {
    seq: u64,
    text: String,
    value: Value,
}

/// Compares two traces.
///
/// # Errors
/// Where one is damaged.
pub fn compare(left: &[u8], right: &[u8]) -> Result<Compared, Damage> {
    let (ours, theirs) = (counted(left)?, counted(right)?);
    let (our_run, their_run) = (Run::read(left)?, Run::read(right)?);
    let mut begun_with = Vec::new();
    let [one, other] = [&our_run, &their_run].map(begun);
    differences("", &one, &other, &mut begun_with);
    let same = ours.iter().zip(&theirs).take_while(|(a, b)| a.value == b.value).count();
    let side = |record: &Counted| OneSide { seq: record.seq, text: record.text.clone() };
    let divergence = match (ours.get(same), theirs.get(same)) {
        (None, None) => None,
        (one, other) => {
            let mut fields = Vec::new();
            if let (Some(one), Some(other)) = (one, other) {
                differences("", &one.value, &other.value, &mut fields);
            }
            Some(Divergence { left: one.map(side), right: other.map(side), fields })
        }
    };
    let came_to = came_to(&our_run, &their_run);
    Ok(Compared { begun_with, same: same as u64, divergence, came_to })
}

/// The records that count, in an order that does not depend on chance.
fn counted(trace: &[u8]) -> Result<Vec<Counted>, Damage> {
    let mut found = Vec::new();
    // What came back of calls since the last thing that had to wait for all of them.
    let mut back: BTreeMap<(CallId, u8), Counted> = BTreeMap::new();
    for line in Chain::new(trace) {
        match line?.told {
            Told::Known(record) => match place(&record.event) {
                Place::Nowhere => {}
                Place::OfCall(call, order) => {
                    back.insert((call, order), counts(&record));
                }
                Place::Here => found.push(counts(&record)),
                Place::AfterCalls => {
                    found.extend(std::mem::take(&mut back).into_values());
                    found.push(counts(&record));
                }
            },
            Told::Unknown { head, event, .. } => {
                let value = serde_json::from_str(&event).unwrap_or(Value::Null);
                found.push(Counted { seq: head.seq, text: event, value });
            }
        }
    }
    found.extend(back.into_values());
    Ok(found)
}

/// Where a record stands among those that count.
enum Place {
    /// It differs by chance, or another says the same.
    Nowhere,
    /// Where it was written.
    Here,
    /// With what belongs to this call, in this order.
    OfCall(CallId, u8),
    /// After everything that came back of calls.
    AfterCalls,
}

fn place(event: &Event) -> Place {
    match event {
        Event::Heard(input) => match input {
            Input::CallAnswered { call, .. } => Place::OfCall(*call, 1),
            Input::PatchJudged { call, .. } => Place::OfCall(*call, 2),
            // The response says it again.
            Input::CallReceived { .. } | Input::AttemptStarted { .. } => Place::Nowhere,
            Input::TurnCompleted { .. } | Input::TurnRequested { .. } => Place::Here,
            Input::TestsFinished { .. }
            | Input::TestsJudged { .. }
            | Input::ScopeRefused { .. }
            | Input::LedgerFailed { .. }
            | Input::Approved { .. }
            | Input::TurnFailed { .. }
            | Input::DeadlinePassed { .. }
            | Input::Cancelled { .. } => Place::AfterCalls,
        },
        Event::Decided(decision) => match decision {
            Decision::CallStarted { call } => Place::OfCall(call.id, 0),
            Decision::PhaseEntered { .. }
            | Decision::TurnCharged { .. }
            | Decision::AnalysisTaken { .. }
            | Decision::Warned { .. } => Place::Here,
            Decision::TestsStarted { .. }
            | Decision::ApprovalVoid { .. }
            | Decision::TurnReserved { .. }
            | Decision::TurnRetried { .. }
            | Decision::Lowered { .. }
            | Decision::TestsCounted { .. }
            | Decision::Stopped { .. } => Place::AfterCalls,
        },
        // Told apart: two runs of a step begin with something else more often than not.
        Event::Noted(
            Note::RunStarted { .. }
            | Note::Inherited { .. }
            | Note::Resumed { .. }
            | Note::LeaseTaken { .. }
            | Note::LinkOpened { .. }
            | Note::FellBack { .. }
            | Note::LinkLost { .. }
            | Note::ToolLogged { .. }
            | Note::Denied { .. }
            | Note::CacheMissed { .. }
            | Note::CacheShared { .. }
            | Note::OutputCut { .. }
            | Note::Warned { .. },
        ) => Place::Nowhere,
    }
}

fn counts(record: &Record) -> Counted {
    let words::Words { word, text, .. } = words::of(record);
    let mut value = serde_json::to_value(&record.event).unwrap_or(Value::Null);
    for group in value.as_object_mut().into_iter().flat_map(|event| event.values_mut()) {
        if let Some(fields) = group.as_object_mut() {
            // Time, where an answer came from and how it was made, names that a provider gives out
            // anew, and what a machine put around the tests: how they ended is told beside it.
            let all = ["usage", "source", "digests", "response_id", "after_ms", "items", "facts"];
            for by_chance in all {
                if by_chance != "usage" || fields.get("type") == Some(&"call-answered".into()) {
                    fields.remove(by_chance);
                }
            }
            for call in fields.get_mut("calls").and_then(Value::as_array_mut).into_iter().flatten()
            {
                if let Some(call) = call.as_object_mut() {
                    call.remove("call-id");
                }
            }
        }
    }
    Counted { seq: record.seq, text: format!("{word} {text}"), value }
}

/// Where two values differ, innermost places first come first.
fn differences(at: &str, left: &Value, right: &Value, found: &mut Vec<(String, String, String)>) {
    if left == right || found.len() >= FIELDS_MAX {
        return;
    }
    match (left, right) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let keys: std::collections::BTreeSet<&String> =
                ours.keys().chain(theirs.keys()).collect();
            for key in keys {
                let (one, other) = (ours.get(key), theirs.get(key));
                let [one, other] = [one, other].map(|value| value.unwrap_or(&Value::Null));
                differences(&format!("{at}/{key}"), one, other, found);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            for place in 0..ours.len().max(theirs.len()) {
                let [one, other] =
                    [ours, theirs].map(|list| list.get(place).unwrap_or(&Value::Null));
                differences(&format!("{at}/{place}"), one, other, found);
            }
        }
        (one, other) => {
            let said = |value: &Value| match value {
                Value::String(text) => text.clone(),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_) => value.to_string(),
            };
            let (one, other) = parted(&said(one), &said(other));
            found.push((at.to_owned(), one, other));
        }
    }
}

/// Two texts from a little before where they part.
fn parted(left: &str, right: &str) -> (String, String) {
    const BEFORE: usize = 24;
    let same = left.bytes().zip(right.bytes()).take_while(|(a, b)| a == b).count();
    let from = (0..=same.saturating_sub(BEFORE)).rev().find(|at| left.is_char_boundary(*at));
    let from = from.unwrap_or(0);
    let cut = |text: &str| match text.get(from..) {
        Some(rest) if from > 0 => format!("…{rest}"),
        Some(rest) => rest.to_owned(),
        None => text.to_owned(),
    };
    (cut(left), cut(right))
}

/// What a run was begun with, tools by their names. The digest of it all says nothing more.
fn begun(run: &Run) -> Value {
    let Some(about) = &run.about else { return Value::Null };
    let mut value = serde_json::to_value(about).unwrap_or(Value::Null);
    let tools: BTreeMap<&str, &str> =
        about.tools.iter().map(|(name, digest)| (name.as_str(), digest.as_str())).collect();
    let grants: BTreeMap<&str, _> =
        about.grants.iter().map(|grant| (grant.tool.as_str(), grant)).collect();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("key");
        fields.insert("tools".to_owned(), serde_json::json!(tools));
        fields.insert("grants".to_owned(), serde_json::json!(grants));
    }
    value
}

fn came_to(left: &Run, right: &Run) -> Vec<(String, String, String)> {
    let of = |run: &Run| {
        let total = run.total();
        let (before, after) = run.tests_before_and_after();
        let tests = |round: Option<&crate::run::TestRound>| {
            let said = round.and_then(|round| round.said.as_ref());
            said.map_or("none".to_owned(), words::tests_words)
        };
        [
            ("ending", run.ending().to_owned()),
            ("turns", grouped(run.turns.len() as u64)),
            ("calls", grouped(run.calls.len() as u64)),
            ("from the cache", grouped(run.cache().cached)),
            ("tokens", grouped(total.tokens)),
            ("money", money(total.spend.0)),
            (
                "patch",
                run.patch().and_then(|patch| patch.digest.clone()).unwrap_or("none".to_owned()),
            ),
            ("tests before", tests(before)),
            ("tests after", tests(after)),
        ]
    };
    let both = of(left).into_iter().zip(of(right));
    both.filter(|((_, one), (_, other))| one != other)
        .map(|((what, one), (_, other))| (what.to_owned(), one, other))
        .collect()
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = String::new();
        pairs(&mut page, "begun with", &self.begun_with);
        match &self.divergence {
            None => {
                let _ = writeln!(page, "the same: {}", count(self.same, "record"));
            }
            Some(Divergence { left, right, fields }) => {
                let _ = writeln!(page, "the same for {}, then", count(self.same, "record"));
                for (mark, side) in [("<", left), (">", right)] {
                    let text = side.as_ref().map_or("(over)".to_owned(), |side| {
                        format!("{:>5}  {}", side.seq, fit(&side.text, COLUMNS))
                    });
                    let _ = writeln!(page, "  {mark} {text}");
                }
                pairs(&mut page, "in it", fields);
            }
        }
        pairs(&mut page, "in the end", &self.came_to);
        f.write_str(&page)
    }
}

fn pairs(page: &mut String, title: &str, pairs: &[(String, String, String)]) {
    if !pairs.is_empty() {
        let _ = writeln!(page, "{title}");
    }
    for (what, one, other) in pairs {
        let _ = writeln!(page, "  {}", fit(what, COLUMNS));
        let _ = writeln!(page, "    < {}\n    > {}", fit(one, COLUMNS), fit(other, COLUMNS));
    }
}
