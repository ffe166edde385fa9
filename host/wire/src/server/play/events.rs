//! The events of a response, in the order of the protocol.

use std::iter;

use serde_json::{Map, Value, json};

use super::super::responder::{ConversationItem, ReplyPart};
use super::{COMPACTION, CREATED_AT, OPAQUE};
use crate::usage::Usage;

/// Bytes of a delta, about: models send some four to six tokens at a time.
const DELTA_BYTES: usize = 24;

/// One event, without what depends on the moment at which it is sent.
#[derive(Debug, Clone)]
pub(in super::super) struct Frame {
    event: Map<String, Value>,
    number: u64,
    /// Whether it is a delta, before which a pace waits.
    pub(in super::super) is_delta: bool,
    /// How many items are finished with this event; none while one is unfinished.
    pub(in super::super) items_done: Option<usize>,
}

impl Frame {
    /// An event that ends a response.
    pub(super) fn ending(kind: &str, response: &Value, number: u64) -> Self {
        let event = event(kind, json!({ "response": response }));
        Self { event, number, is_delta: false, items_done: None }
    }

    /// The text of the event, its number moved by `shift`, in a lane where there is one.
    pub(in super::super) fn text(&self, shift: u64, lane: Option<&str>) -> String {
        let mut event = self.event.clone();
        event.insert("sequence_number".to_owned(), self.number.saturating_add(shift).into());
        if let Some(lane) = lane {
            event.insert("stream_id".to_owned(), lane.into());
        }
        Value::Object(event).to_string()
    }

    /// The type of the event.
    pub(in super::super) fn kind(&self) -> &str {
        self.event.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// The number of the event in its response.
    pub(in super::super) fn number(&self) -> u64 {
        self.number
    }

    /// The response that it carries, if it does.
    pub(in super::super) fn response(&self) -> Option<&Value> {
        self.event.get("response")
    }

    /// Takes the usage out of it.
    pub(in super::super) fn forget_usage(&mut self) {
        if let Some(response) = self.event.get_mut("response") {
            response["usage"] = Value::Null;
        }
    }
}

/// Events in the making, numbered from zero.
#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) frames: Vec<Frame>,
    items_done: usize,
}

impl Events {
    fn push(&mut self, kind: &str, is_delta: bool, fields: Value) {
        let number = u64::try_from(self.frames.len()).unwrap_or(u64::MAX);
        let between_items = kind == "response.output_item.done"
            || matches!(kind, "response.created" | "response.in_progress");
        let items_done = between_items.then_some(self.items_done);
        self.frames.push(Frame { event: event(kind, fields), number, is_delta, items_done });
    }

    /// An item of the reply; also as an item of the conversation, with the ids that are sent.
    pub(super) fn part(
        &mut self,
        turn: u32,
        index: usize,
        part: ReplyPart,
    ) -> (Value, ConversationItem) {
        match part {
            ReplyPart::Text(text) => {
                let item = self.message(index, &format!("msg_{turn}_{index}"), &text);
                (item, ConversationItem::Message { role: "assistant".to_owned(), text })
            }
            ReplyPart::Call { name, arguments } => {
                let arguments = arguments.to_string();
                let item = self.call(index, &format!("{turn}_{index}"), &name, &arguments);
                let words = ConversationItem::Call {
                    item_id: Some(format!("fc_{turn}_{index}")),
                    call_id: format!("call_{turn}_{index}"),
                    name,
                    arguments,
                };
                (item, words)
            }
        }
    }

    pub(super) fn compaction(&mut self, id: &str) -> Value {
        let item =
            |content: &str| json!({ "id": id, "type": COMPACTION, "encrypted_content": content });
        self.item("response.output_item.added", 0, &item(""));
        let at = json!({ "item_id": id, "output_index": 0 });
        self.push("response.compaction.compacting", false, at);
        let done = item(OPAQUE);
        self.item("response.output_item.done", 0, &done);
        done
    }

    pub(super) fn response(&mut self, kind: &str, response: &Value) {
        self.push(kind, false, json!({ "response": response }));
    }

    fn item(&mut self, kind: &str, index: usize, item: &Value) {
        if kind == "response.output_item.done" {
            self.items_done = index + 1;
        }
        self.push(kind, false, json!({ "output_index": index, "item": item }));
    }

    fn message(&mut self, index: usize, id: &str, text: &str) -> Value {
        let message = |status: &str, content: Value| {
            json!({ "id": id, "type": "message", "status": status, "role": "assistant",
                "content": content })
        };
        let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] });
        let at = |mut fields: Value| {
            fields["item_id"] = id.into();
            fields["output_index"] = index.into();
            fields["content_index"] = 0.into();
            fields
        };
        self.item("response.output_item.added", index, &message("in_progress", json!([])));
        self.push("response.content_part.added", false, at(json!({ "part": part("") })));
        for delta in deltas(text) {
            let fields = at(json!({ "delta": delta, "logprobs": [] }));
            self.push("response.output_text.delta", true, fields);
        }
        let fields = at(json!({ "text": text, "logprobs": [] }));
        self.push("response.output_text.done", false, fields);
        self.push("response.content_part.done", false, at(json!({ "part": part(text) })));
        let done = message("completed", json!([part(text)]));
        self.item("response.output_item.done", index, &done);
        done
    }

    fn call(&mut self, index: usize, place: &str, name: &str, arguments: &str) -> Value {
        let id = format!("fc_{place}");
        let call = |status: &str, arguments: &str| {
            json!({ "id": id, "type": "function_call", "status": status,
                "call_id": format!("call_{place}"), "name": name, "arguments": arguments })
        };
        let at = |mut fields: Value| {
            fields["item_id"] = id.as_str().into();
            fields["output_index"] = index.into();
            fields
        };
        self.item("response.output_item.added", index, &call("in_progress", ""));
        for delta in deltas(arguments) {
            let fields = at(json!({ "delta": delta }));
            self.push("response.function_call_arguments.delta", true, fields);
        }
        let fields = at(json!({ "arguments": arguments, "name": name }));
        self.push("response.function_call_arguments.done", false, fields);
        let done = call("completed", arguments);
        self.item("response.output_item.done", index, &done);
        done
    }

    pub(super) fn end(
        &mut self,
        mut response: Value,
        output: &[Value],
        usage: Usage,
        early: Option<&str>,
    ) {
        response["output"] = output.into();
        response["usage"] = usage.to_wire();
        let kind = match early {
            Some(reason) => {
                response["status"] = "incomplete".into();
                response["incomplete_details"] = json!({ "reason": reason });
                "response.incomplete"
            }
            None => {
                response["status"] = "completed".into();
                response["completed_at"] = CREATED_AT.into();
                "response.completed"
            }
        };
        self.response(kind, &response);
    }
}

fn event(kind: &str, fields: Value) -> Map<String, Value> {
    let mut event = Map::new();
    event.insert("type".to_owned(), kind.into());
    if let Value::Object(fields) = fields {
        event.extend(fields);
    }
    event
}

/// A text in pieces of about [`DELTA_BYTES`], cut between characters.
fn deltas(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    iter::from_fn(move || {
        let (delta, after) = rest.split_at(rest.ceil_char_boundary(DELTA_BYTES));
        rest = after;
        (!delta.is_empty()).then_some(delta)
    })
}
