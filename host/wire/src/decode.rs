//! Frames of a response, read one by one into [`ModelEvent`]s.
//!
//! Servers differ in what they leave out and what they add. So everything is optional, nothing
//! unknown is an error, and only a frame that is no JSON object is garbage.

mod frame;
mod repeated;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

pub(crate) use self::frame::{BadFrame, Frame};
use crate::error::ModelError;
use crate::event::{Completed, FunctionCall, ModelEvent};
use crate::usage::Usage;

/// Bytes of one response, all frames together. A response repeats itself several times over
/// (deltas, items, the whole at the end), so this leaves some 10 MiB for what it says.
pub(crate) const RESPONSE_BYTES_MAX: usize = 64 << 20;

/// Bytes kept of a service tier. The longest known one has 9.
const TIER_BYTES_MAX: usize = 64;

/// What is known of the response that is being received.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    response_id: String,
    bytes: usize,
    expected_sequence: Option<u64>,
    sequence_gaps: u64,
    /// Calls whose item has begun, by [`item_key`]: call id and name.
    begun: BTreeMap<String, (String, String)>,
    /// Call ids that were told.
    told: BTreeSet<String>,
    done: Vec<Box<RawValue>>,
}

impl Decoder {
    /// How many events were missing between those that were numbered.
    pub(crate) fn sequence_gaps(&self) -> u64 {
        self.sequence_gaps
    }

    /// Reads one frame. Most give one event; a complete item may be a complete call as well.
    pub(crate) fn decode(&mut self, frame: &Frame) -> Result<Vec<ModelEvent>, BadFrame> {
        self.bytes = self.bytes.saturating_add(frame.text().len());
        if self.bytes > RESPONSE_BYTES_MAX {
            return Err(BadFrame::TooLarge);
        }
        let event = frame.event();
        self.count(event.get("sequence_number").and_then(Value::as_u64));
        Ok(self.read(frame.text(), event))
    }

    /// Gaps are counted and never fatal: some servers number nothing, some start again.
    fn count(&mut self, sequence: Option<u64>) {
        let Some(sequence) = sequence else { return };
        if let Some(expected) = self.expected_sequence {
            self.sequence_gaps =
                self.sequence_gaps.saturating_add(sequence.saturating_sub(expected));
        }
        self.expected_sequence = Some(sequence.saturating_add(1));
    }

    fn read(&mut self, frame: &str, event: &Value) -> Vec<ModelEvent> {
        let item_id = || string(event.get("item_id"));
        let delta = || string(event.get("delta"));
        let kind = event.get("type").and_then(Value::as_str).unwrap_or("");
        match kind {
            "response.created" => vec![self.created(event)],
            "response.queued" | "response.in_progress" => vec![ModelEvent::InProgress],
            "response.output_item.added" => vec![self.item_added(event)],
            "response.output_text.delta" | "response.refusal.delta" => {
                vec![ModelEvent::TextDelta { item_id: item_id(), delta: delta() }]
            }
            "response.reasoning_text.delta"
            | "response.reasoning.delta"
            | "response.reasoning_summary_text.delta" => {
                vec![ModelEvent::ReasoningDelta { item_id: item_id(), delta: delta() }]
            }
            "response.function_call_arguments.delta" => {
                vec![ModelEvent::ArgumentsDelta { item_id: item_id(), delta: delta() }]
            }
            "response.function_call_arguments.done" => self.arguments_done(kind, event),
            "response.output_item.done" => self.item_done(frame, event),
            "response.completed"
            | "response.done"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled" => self.ended(kind, frame, event),
            "error" | "response.error" => {
                let error = ModelError::from_envelope(event, None);
                vec![ModelEvent::Failed { error, usage: None }]
            }
            "response.compaction.compacting" => {
                vec![ModelEvent::Compacting { item_id: item_id() }]
            }
            "response.steer.accepted" | "response.steer.pending" | "response.steer.failed" => {
                vec![steer(kind, event)]
            }
            structure if is_structure(structure) => {
                vec![ModelEvent::Structure { kind: structure.to_owned() }]
            }
            unknown => vec![ModelEvent::Unknown { kind: unknown.to_owned(), raw: raw(frame) }],
        }
    }

    fn created(&mut self, event: &Value) -> ModelEvent {
        self.response_id = string(event.pointer("/response/id"));
        ModelEvent::Created { response_id: self.response_id.clone() }
    }

    fn item_added(&mut self, event: &Value) -> ModelEvent {
        let item = event.get("item").unwrap_or(&Value::Null);
        let kind = string(item.get("type"));
        if kind == "function_call" {
            let call = (string(item.get("call_id")), string(item.get("name")));
            self.begun.insert(item_key(event), call);
        }
        ModelEvent::ItemAdded { item_id: string(item.get("id")), kind }
    }

    /// The item itself follows, but a call can start now.
    fn arguments_done(&mut self, kind: &str, event: &Value) -> Vec<ModelEvent> {
        let call = self.begun.get(&item_key(event)).map(|(call_id, name)| FunctionCall {
            item_id: string(event.get("item_id")),
            call_id: call_id.clone(),
            name: name.clone(),
            arguments: string(event.get("arguments")),
        });
        match call.and_then(|call| self.tell(call)) {
            Some(ready) => vec![ready],
            None => vec![ModelEvent::Structure { kind: kind.to_owned() }],
        }
    }

    fn item_done(&mut self, frame: &str, event: &Value) -> Vec<ModelEvent> {
        let item = event.get("item").unwrap_or(&Value::Null);
        let raw = inner::<Item<'_>>(frame).map_or_else(|| raw_of(item), |it| it.item.to_owned());
        self.done.push(raw.clone());
        let ready = call_of(item).and_then(|call| self.tell(call));
        let done = ModelEvent::ItemDone { kind: string(item.get("type")), item: raw };
        ready.into_iter().chain([done]).collect()
    }

    /// Makes a call known, once, and only when it can be answered.
    fn tell(&mut self, call: FunctionCall) -> Option<ModelEvent> {
        let usable = !call.call_id.is_empty() && !call.name.is_empty();
        (usable && self.told.insert(call.call_id.clone())).then_some(ModelEvent::CallReady(call))
    }

    fn ended(&mut self, kind: &str, frame: &str, event: &Value) -> Vec<ModelEvent> {
        let response = event.get("response").unwrap_or(&Value::Null);
        // `response.done` says how it went in the status only.
        let status = response.get("status").and_then(Value::as_str).unwrap_or("completed");
        let end = if kind == "response.done" { status } else { kind };
        if end.ends_with("failed") || end.ends_with("cancelled") {
            let error = ModelError::from_envelope(response, None);
            let usage = response.get("usage").and_then(Usage::from_wire);
            return vec![ModelEvent::Failed { error, usage }];
        }
        let whole = self.whole(frame, response);
        let late: Vec<_> = whole.calls.iter().filter_map(|call| self.tell(call.clone())).collect();
        let last = if end.ends_with("incomplete") {
            let reason = string(response.pointer("/incomplete_details/reason"));
            ModelEvent::Incomplete { reason, response: whole }
        } else {
            ModelEvent::Completed(whole)
        };
        late.into_iter().chain([last]).collect()
    }

    /// The response as its last event tells it; items that it leaves out are those that were
    /// announced one by one.
    fn whole(&mut self, frame: &str, response: &Value) -> Completed {
        let mut output: Vec<Box<RawValue>> = match inner::<Output<'_>>(frame) {
            Some(found) => found.response.output.into_iter().map(ToOwned::to_owned).collect(),
            None => response
                .get("output")
                .and_then(Value::as_array)
                .map(|items| items.iter().map(raw_of).collect())
                .unwrap_or_default(),
        };
        if output.is_empty() {
            output = std::mem::take(&mut self.done);
        }
        let items: Vec<Value> =
            output.iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect();
        let mut seen = BTreeSet::new();
        let id = string(response.get("id"));
        Completed {
            response_id: if id.is_empty() { self.response_id.clone() } else { id },
            calls: items
                .iter()
                .filter_map(call_of)
                .filter(|call| seen.insert(call.call_id.clone()))
                .collect(),
            text: parts(&items, "output_text", "text").unwrap_or_default(),
            refusal: parts(&items, "refusal", "refusal"),
            usage: response.get("usage").and_then(Usage::from_wire),
            service_tier: response
                .get("service_tier")
                .and_then(Value::as_str)
                .map(|tier| tier[..tier.floor_char_boundary(TIER_BYTES_MAX)].to_owned()),
            output,
        }
    }
}

/// What became of a steer. Servers that leave its object out still say which of the three it is.
fn steer(kind: &str, event: &Value) -> ModelEvent {
    let steer = event.get("steer").unwrap_or(&Value::Null);
    let steer_id = string(steer.get("id"));
    let response_id = string(steer.get("previous_response_id"));
    match kind {
        "response.steer.accepted" => ModelEvent::SteerAccepted { steer_id, response_id },
        "response.steer.pending" => {
            let required = event.get("required_input").and_then(Value::as_array);
            let call_ids = required.into_iter().flatten().map(|stub| string(stub.get("call_id")));
            ModelEvent::SteerPending { steer_id, response_id, call_ids: call_ids.collect() }
        }
        _ => {
            let error = ModelError::from_envelope(event, None);
            ModelEvent::SteerFailed { steer_id, response_id, error }
        }
    }
}

/// Events that frame or repeat others, and so need no reading.
fn is_structure(kind: &str) -> bool {
    matches!(
        kind,
        "response.content_part.added"
            | "response.content_part.done"
            | "response.output_text.done"
            | "response.refusal.done"
            | "response.reasoning_summary_part.added"
            | "response.reasoning_summary_part.done"
            | "response.reasoning_summary_text.done"
            | "response.reasoning_text.done"
            | "response.reasoning.done"
    )
}

/// What the events of one item have in common: its id, or else its place.
fn item_key(event: &Value) -> String {
    let id = event.get("item_id").or_else(|| event.pointer("/item/id")).and_then(Value::as_str);
    match id {
        Some(id) if !id.is_empty() => id.to_owned(),
        _ => format!("#{}", event.get("output_index").unwrap_or(&Value::Null)),
    }
}

/// The call that a complete item is. An incomplete one may end anywhere in its arguments.
fn call_of(item: &Value) -> Option<FunctionCall> {
    let is = |key: &str, word: &str| item.get(key).and_then(Value::as_str) == Some(word);
    if !is("type", "function_call") || is("status", "incomplete") {
        return None;
    }
    let call = FunctionCall {
        item_id: string(item.get("id")),
        call_id: string(item.get("call_id")),
        name: string(item.get("name")),
        arguments: string(item.get("arguments")),
    };
    (!call.call_id.is_empty() && !call.name.is_empty()).then_some(call)
}

/// The texts of all content parts of `kind` in messages; none at all is `None`.
fn parts(items: &[Value], kind: &str, key: &str) -> Option<String> {
    let messages = items.iter().filter(|item| item.get("type").is_some_and(|t| t == "message"));
    let texts: Vec<&str> = messages
        .filter_map(|message| message.get("content")?.as_array())
        .flatten()
        .filter(|part| part.get("type").is_some_and(|t| t == kind))
        .filter_map(|part| part.get(key)?.as_str())
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

fn string(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    item: &'a RawValue,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    response: OutputItems<'a>,
}

#[derive(Deserialize)]
struct OutputItems<'a> {
    #[serde(borrow)]
    output: Vec<&'a RawValue>,
}

/// Reads a frame once more for the exact bytes inside it. A key that occurs twice is refused
/// here and not by [`Value`], hence the fallbacks of the callers.
fn inner<'a, T: Deserialize<'a>>(frame: &'a str) -> Option<T> {
    serde_json::from_str(frame).ok()
}

fn raw(frame: &str) -> Box<RawValue> {
    RawValue::from_string(frame.to_owned()).expect("the frame was parsed as JSON before")
}

fn raw_of(value: &Value) -> Box<RawValue> {
    to_raw_value(value).expect("every map in a `Value` has text for keys")
}

#[cfg(test)]
mod tests;
