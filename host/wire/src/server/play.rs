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
const CREATED_AT: u64 = 1_795_300_000;

/// What the server sends for one response.
#[derive(Debug)]
pub(super) struct Play {
    /// The events, ready to send.
    pub(super) frames: Vec<Frame>,
    /// The response, as the next request may continue it.
    pub(super) held: Held,
}

/// One event.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) text: String,
    /// Whether it is a delta, before which a pace waits.
    pub(super) is_delta: bool,
}

/// The id of the response that a request will get.
pub(super) fn response_id(create: &Create) -> String {
    let conversation = &create.conversation;
    let digest = digest(conversation);
    if create.warm_up {
        format!("resp_warm_{digest}")
    } else {
        format!("resp_{}_{digest}", conversation.turn)
    }
}

/// The events of a response.
pub(super) fn play(create: Create, reply: Reply) -> Play {
    let id = response_id(&create);
    let Create { conversation, warm_up, fields } = create;
    let turn = conversation.turn;
    let mut events = Events::default();
    let base = resource(&id, &conversation.model, fields);
    events.response("response.created", &base);
    events.response("response.in_progress", &base);
    let mut output = Vec::new();
    for (index, part) in reply.parts.iter().enumerate() {
        output.push(match part {
            ReplyPart::Text(text) => events.message(index, &format!("msg_{turn}_{index}"), text),
            ReplyPart::Call { name, arguments } => {
                events.call(index, &format!("{turn}_{index}"), name, &arguments.to_string())
            }
        });
    }
    let usage = match reply.usage {
        _ if warm_up => Usage::default(),
        Some(usage) => usage,
        None => estimate(&conversation, &reply.parts),
    };
    events.end(base, &output, usage, reply.incomplete.as_deref());
    let items = conversation.items.into_iter().chain(said(turn, reply.parts)).collect();
    let turns = if warm_up { turn } else { turn.saturating_add(1) };
    Play { frames: events.frames, held: Held { id, items, turns } }
}

/// The reply's parts as items of the conversation, with the ids that were sent.
fn said(turn: u32, parts: Vec<ReplyPart>) -> impl Iterator<Item = ConversationItem> {
    parts.into_iter().enumerate().map(move |(index, part)| match part {
        ReplyPart::Text(text) => ConversationItem::Message { role: "assistant".to_owned(), text },
        ReplyPart::Call { name, arguments } => ConversationItem::Call {
            item_id: Some(format!("fc_{turn}_{index}")),
            call_id: format!("call_{turn}_{index}"),
            name,
            arguments: arguments.to_string(),
        },
    })
}

/// Events in the making, numbered from zero.
#[derive(Debug, Default)]
struct Events {
    frames: Vec<Frame>,
}

impl Events {
    fn push(&mut self, kind: &str, is_delta: bool, fields: Value) {
        let mut event = Map::new();
        event.insert("type".to_owned(), kind.into());
        event.insert("sequence_number".to_owned(), self.frames.len().into());
        if let Value::Object(fields) = fields {
            event.extend(fields);
        }
        self.frames.push(Frame { text: Value::Object(event).to_string(), is_delta });
    }

    fn response(&mut self, kind: &str, response: &Value) {
        self.push(kind, false, json!({ "response": response }));
    }

    fn item(&mut self, kind: &str, index: usize, item: &Value) {
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
    let read = conversation.instructions.len()
        + conversation.items.iter().map(intake::size).sum::<usize>()
        + conversation.tools.iter().map(tool_size).sum::<usize>();
    let written = parts.iter().map(part_size).sum();
    Usage { input_tokens: tokens(read), output_tokens: tokens(written), ..Usage::default() }
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
