//! From a reply to the events of a response, in the order of the protocol, every one complete.
//!
//! Equal conversations with equal replies give equal bytes: ids are made from the conversation,
//! and times are constants.

use std::iter;

use serde_json::{Map, Value, json};

use super::intake::{self, Create, Held};
use super::responder::{Conversation, ConversationItem, Reply, ReplyPart};
use crate::usage::Usage;

/// Bytes of a delta, about: models send some four to six tokens at a time.
const DELTA_BYTES: usize = 24;

/// Bytes of text that count as one token where nobody says how many there are.
const BYTES_PER_TOKEN: usize = 4;

/// The moment at which every response is made: the same in every run.
pub(super) const CREATED_AT: u64 = 1_795_300_000;

/// What the server sends for one response.
#[derive(Debug)]
pub(super) struct Play {
    /// The response's id.
    pub(super) id: String,
    /// The events, in order.
    pub(super) frames: Vec<Frame>,
    /// What the response is made of.
    pub(super) whole: Whole,
}

/// One event, without what depends on the moment at which it is sent.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    event: Map<String, Value>,
    number: u64,
    /// Whether it is a delta, before which a pace waits.
    pub(super) is_delta: bool,
    /// How many items are finished with this event; none while one is unfinished.
    pub(super) items_done: Option<usize>,
}

impl Frame {
    /// An event that ends a response.
    fn ending(kind: &str, response: &Value, number: u64) -> Self {
        let event = event(kind, json!({ "response": response }));
        Self { event, number, is_delta: false, items_done: None }
    }

    /// The text of the event, its number moved by `shift`, in a lane where there is one.
    pub(super) fn text(&self, shift: u64, lane: Option<&str>) -> String {
        let mut event = self.event.clone();
        event.insert("sequence_number".to_owned(), self.number.saturating_add(shift).into());
        if let Some(lane) = lane {
            event.insert("stream_id".to_owned(), lane.into());
        }
        Value::Object(event).to_string()
    }

    /// The type of the event.
    pub(super) fn kind(&self) -> &str {
        self.event.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// The number of the event in its response.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The response that it carries, if it does.
    pub(super) fn response(&self) -> Option<&Value> {
        self.event.get("response")
    }

    /// Takes the usage out of it.
    pub(super) fn forget_usage(&mut self) {
        if let Some(response) = self.event.get_mut("response") {
            response["usage"] = Value::Null;
        }
    }
}

/// A response as a whole, of which a part may be all that is sent.
#[derive(Debug)]
pub(super) struct Whole {
    base: Value,
    output: Vec<Value>,
    usage: Usage,
    before: Vec<ConversationItem>,
    said: Vec<ConversationItem>,
    turns: u32,
    stored: bool,
}

impl Whole {
    /// The response as the next request may continue it, with its first `items` items.
    pub(super) fn held(&self, items: usize) -> Held {
        let said = self.said.iter().take(items);
        Held {
            id: self.base["id"].as_str().unwrap_or_default().to_owned(),
            items: self.before.iter().chain(said).cloned().collect(),
            turns: self.turns,
            stored: self.stored,
        }
    }

    /// How many items it has.
    pub(super) fn items(&self) -> usize {
        self.output.len()
    }

    /// Whether it asks the client for something.
    pub(super) fn calls(&self) -> impl Iterator<Item = (&str, &str)> {
        self.said.iter().filter_map(|item| match item {
            ConversationItem::Call { call_id, name, .. } => Some((call_id.as_str(), name.as_str())),
            ConversationItem::Message { .. }
            | ConversationItem::CallOutput { .. }
            | ConversationItem::Other { .. } => None,
        })
    }

    /// The event with which a response ends that was steered elsewhere after `items` items.
    pub(super) fn steered(&self, items: usize, number: u64) -> Frame {
        let mut response = self.base.clone();
        response["status"] = "incomplete".into();
        response["incomplete_details"] = json!({ "reason": "steered" });
        response["output"] = self.output[..items.min(self.output.len())].into();
        response["usage"] = self.usage.to_wire();
        Frame::ending("response.incomplete", &response, number)
    }

    /// The event with which a response ends that failed after `items` items.
    pub(super) fn failed(&self, items: usize, number: u64, code: &str, message: &str) -> Frame {
        let mut response = self.base.clone();
        response["status"] = "failed".into();
        response["error"] = json!({ "code": code, "message": message });
        response["output"] = self.output[..items.min(self.output.len())].into();
        Frame::ending("response.failed", &response, number)
    }
}

/// The id of the response that a request will get.
pub(super) fn response_id(create: &Create) -> String {
    if create.warm_up {
        format!("resp_warm_{}", digest(&create.conversation))
    } else {
        response_id_of(&create.conversation)
    }
}

/// The id of the response to a conversation.
pub(super) fn response_id_of(conversation: &Conversation) -> String {
    format!("resp_{}_{}", conversation.turn, digest(conversation))
}

/// The events of a response.
pub(super) fn play(create: Create, reply: Reply) -> Play {
    let id = response_id(&create);
    let compacts = create.compacts();
    let Create { conversation, warm_up, fields } = create;
    let turn = conversation.turn;
    let mut events = Events::default();
    let stored = !warm_up && fields.get("store").and_then(Value::as_bool).unwrap_or(true);
    let base = resource(&id, &conversation.model, fields);
    events.response("response.created", &base);
    events.response("response.in_progress", &base);
    let mut output = Vec::new();
    let mut said = Vec::new();
    if compacts {
        output.push(events.compaction(&format!("cmp_{turn}_0")));
        said.push(ConversationItem::Other { kind: COMPACTION.to_owned() });
    }
    let usage = match reply.usage {
        _ if warm_up => Usage::default(),
        Some(usage) => usage,
        None => estimate(&conversation, &reply.parts),
    };
    for part in reply.parts {
        let index = output.len();
        let (item, words) = events.part(turn, index, part);
        output.push(item);
        said.push(words);
    }
    events.end(base.clone(), &output, usage, reply.incomplete.as_deref());
    let turns = if warm_up { turn } else { turn.saturating_add(1) };
    let before = conversation.items;
    let whole = Whole { base, output, usage, before, said, turns, stored };
    Play { id, frames: events.frames, whole }
}

/// The type of the item that stands for everything before it.
pub(super) const COMPACTION: &str = "compaction";

/// What is in it: opaque to clients, and nothing to us, who hold the conversation itself.
pub(super) const OPAQUE: &str = "c3RlcHdlbGw";

fn event(kind: &str, fields: Value) -> Map<String, Value> {
    let mut event = Map::new();
    event.insert("type".to_owned(), kind.into());
    if let Value::Object(fields) = fields {
        event.extend(fields);
    }
    event
}

/// Events in the making, numbered from zero.
#[derive(Debug, Default)]
struct Events {
    frames: Vec<Frame>,
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
    fn part(&mut self, turn: u32, index: usize, part: ReplyPart) -> (Value, ConversationItem) {
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

    fn compaction(&mut self, id: &str) -> Value {
        let item =
            |content: &str| json!({ "id": id, "type": COMPACTION, "encrypted_content": content });
        self.item("response.output_item.added", 0, &item(""));
        let at = json!({ "item_id": id, "output_index": 0 });
        self.push("response.compaction.compacting", false, at);
        let done = item(OPAQUE);
        self.item("response.output_item.done", 0, &done);
        done
    }

    fn response(&mut self, kind: &str, response: &Value) {
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

    fn end(&mut self, mut response: Value, output: &[Value], usage: Usage, early: Option<&str>) {
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

/// The Response object with every key that a strict client wants, repeating what was asked.
fn resource(id: &str, model: &str, mut fields: Map<String, Value>) -> Value {
    let mut asked = |key: &str, default: Value| {
        fields.remove(key).filter(|value| !value.is_null()).unwrap_or(default)
    };
    json!({
        "id": id,
        "object": "response",
        "created_at": CREATED_AT,
        "completed_at": null,
        "status": "in_progress",
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": asked("instructions", Value::Null),
        "max_output_tokens": asked("max_output_tokens", Value::Null),
        "max_tool_calls": asked("max_tool_calls", Value::Null),
        "model": model,
        "output": [],
        "parallel_tool_calls": asked("parallel_tool_calls", true.into()),
        "previous_response_id": asked("previous_response_id", Value::Null),
        "prompt_cache_key": asked("prompt_cache_key", Value::Null),
        "reasoning": asked("reasoning", json!({ "effort": null, "summary": null })),
        "safety_identifier": asked("safety_identifier", Value::Null),
        "service_tier": asked("service_tier", "default".into()),
        "store": asked("store", true.into()),
        "temperature": asked("temperature", json!(1.0)),
        "text": asked("text", json!({ "format": { "type": "text" } })),
        "tool_choice": asked("tool_choice", "auto".into()),
        "tools": asked("tools", json!([])),
        "top_logprobs": asked("top_logprobs", 0.into()),
        "top_p": asked("top_p", json!(1.0)),
        "truncation": asked("truncation", "disabled".into()),
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "usage": null,
        "metadata": asked("metadata", json!({})),
    })
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

/// What the response may cost: a rule of thumb, the same each time.
fn estimate(conversation: &Conversation, parts: &[ReplyPart]) -> Usage {
    let written = parts.iter().map(part_size).sum();
    Usage {
        input_tokens: input_tokens(conversation),
        output_tokens: tokens(written),
        ..Usage::default()
    }
}

/// The tokens that a conversation has, about. What stands before a compaction no longer counts.
pub(super) fn input_tokens(conversation: &Conversation) -> u64 {
    let items = &conversation.items;
    let is_compaction = |item: &ConversationItem| matches!(item, ConversationItem::Other { kind } if kind == COMPACTION);
    let from = items.iter().rposition(is_compaction).unwrap_or(0);
    let read = conversation.instructions.len()
        + items[from..].iter().map(intake::size).sum::<usize>()
        + conversation.tools.iter().map(tool_size).sum::<usize>();
    tokens(read)
}

fn tool_size(tool: &crate::ToolSpec) -> usize {
    tool.name.len() + tool.description.len() + tool.parameters.to_string().len()
}

fn part_size(part: &ReplyPart) -> usize {
    match part {
        ReplyPart::Text(text) => text.len(),
        ReplyPart::Call { name, arguments } => name.len() + arguments.to_string().len(),
    }
}

fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u64::MAX)
}

/// Sixteen hex digits that differ when the conversation does.
fn digest(conversation: &Conversation) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |field: &str| {
        // The length keeps neighbouring fields apart.
        hasher.update(&field.len().to_le_bytes());
        hasher.update(field.as_bytes());
    };
    add(&conversation.model);
    add(&conversation.instructions);
    for item in &conversation.items {
        match item {
            ConversationItem::Message { role, text } => ["message", role, text].map(&mut add),
            ConversationItem::Call { call_id, name, arguments, .. } => {
                add("call");
                [call_id, name, arguments].map(|field| add(field))
            }
            ConversationItem::CallOutput { call_id, output } => {
                ["output", call_id, output].map(&mut add)
            }
            ConversationItem::Other { kind } => ["other", kind, ""].map(&mut add),
        };
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
