//! From a frame of a client to a conversation: the one place where the server reads what a
//! stranger wrote.
//!
//! Known fields must make sense where we depend on them; all else is taken or left as it is.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::play;
use super::responder::{Conversation, ConversationItem};
use crate::error::{ErrorKind, ModelError};
use crate::request::ToolSpec;

/// Bytes of all texts in one conversation. No model reads as much.
const CONVERSATION_BYTES_MAX: usize = 64 << 20;

/// A response that can be continued, and all that was said up to it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// Its id.
    pub(super) id: String,
    /// The conversation, the response included.
    pub(super) items: Vec<ConversationItem>,
    /// How many turns that is.
    pub(super) turns: u32,
    /// Whether its client allowed to keep it beyond the connection (`store`).
    pub(super) stored: bool,
}

/// A request that can be answered.
#[derive(Debug)]
pub(super) struct Create {
    pub(super) conversation: Conversation,
    /// Whether nothing is to be generated.
    pub(super) warm_up: bool,
    /// The fields as the client sent them, for the response to repeat.
    pub(super) fields: Map<String, Value>,
}

impl Create {
    /// Whether the conversation is longer than the client wants it, so that it is compacted.
    pub(super) fn compacts(&self) -> bool {
        let managed = self.fields.get("context_management").and_then(Value::as_array);
        let threshold = managed.into_iter().flatten().find_map(|one| {
            let is_compaction = one.get("type").is_some_and(|kind| kind == play::COMPACTION);
            one.get("compact_threshold").filter(|_| is_compaction)?.as_u64()
        });
        !self.warm_up && threshold.is_some_and(|most| play::input_tokens(&self.conversation) > most)
    }
}

/// Reads a text as a JSON object.
pub(super) fn object(text: &[u8]) -> Result<Map<String, Value>, ModelError> {
    let event: Value = serde_json::from_slice(text)
        .map_err(|err| bad("invalid_json", format!("the message is not JSON: {err}")))?;
    match event {
        Value::Object(fields) => Ok(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(bad("invalid_json", "the message is not a JSON object".to_owned()))
        }
    }
}

/// The response that an event continues, if any.
pub(super) fn continued(fields: &Map<String, Value>) -> Option<&str> {
    text(fields, "previous_response_id")
}

/// Makes the conversation that is asked to be continued; `find` knows the responses that can be.
pub(super) fn create(
    fields: Map<String, Value>,
    find: impl FnOnce(&str) -> Option<Arc<Held>>,
    model: &str,
) -> Result<Create, ModelError> {
    if fields.get("background") == Some(&Value::Bool(true)) {
        let message = "`background` is not supported".to_owned();
        return Err(bad("unsupported_parameter", message).with_param("background"));
    }
    let mut reading = Reading::after(continued(&fields), find)?;
    match fields.get("input") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => reading.take(&Value::String(text.clone()))?,
        Some(Value::Array(items)) => items.iter().try_for_each(|item| reading.take(item))?,
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            let message = "`input` is neither a text nor a list of items".to_owned();
            return Err(bad("invalid_type", message).with_param("input"));
        }
    }
    reading.check_calls()?;
    let conversation = Conversation {
        model: text(&fields, "model").unwrap_or(model).to_owned(),
        instructions: text(&fields, "instructions").unwrap_or_default().to_owned(),
        tools: tools(&fields)?,
        items: reading.items,
        turn: reading.turns,
        previous_response_id: continued(&fields).map(ToOwned::to_owned),
    };
    let warm_up = fields.get("generate") == Some(&Value::Bool(false));
    Ok(Create { conversation, warm_up, fields })
}

/// Nobody holds the response that is to be continued.
pub(crate) fn lost(id: &str) -> ModelError {
    let message = format!("Previous response with id '{id}' not found.");
    let kind = ErrorKind::PreviousResponseNotFound;
    ModelError {
        status: Some(400),
        ..ModelError::new(kind, "previous_response_not_found", message)
            .with_param("previous_response_id")
    }
}

/// A conversation while it is being read.
struct Reading {
    items: Vec<ConversationItem>,
    turns: u32,
    bytes: usize,
}

impl Reading {
    fn after(
        previous: Option<&str>,
        find: impl FnOnce(&str) -> Option<Arc<Held>>,
    ) -> Result<Self, ModelError> {
        let Some(id) = previous else {
            return Ok(Self { items: Vec::new(), turns: 0, bytes: 0 });
        };
        let held = find(id).ok_or_else(|| lost(id))?;
        Ok(Self {
            bytes: held.items.iter().map(size).sum(),
            items: held.items.clone(),
            turns: held.turns,
        })
    }

    fn take(&mut self, wire: &Value) -> Result<(), ModelError> {
        let item = item(wire)?;
        self.bytes = self.bytes.saturating_add(size(&item));
        if self.bytes > CONVERSATION_BYTES_MAX {
            let message = format!("the conversation has more than {CONVERSATION_BYTES_MAX} bytes");
            let kind = ErrorKind::ContextTooLong;
            return Err(ModelError::new(kind, "context_length_exceeded", message));
        }
        self.turns = turns_after(self.turns, wire, &item);
        self.items.push(item);
        Ok(())
    }

    /// Each call wants exactly its output, as the reference service has it.
    fn check_calls(&self) -> Result<(), ModelError> {
        let mut open = std::collections::BTreeSet::new();
        let mut calls = std::collections::BTreeSet::new();
        for item in &self.items {
            match item {
                ConversationItem::Call { call_id, .. } => {
                    open.insert(call_id);
                    calls.insert(call_id);
                }
                ConversationItem::CallOutput { call_id, .. } => {
                    if !calls.contains(call_id) {
                        let message = format!(
                            "No tool call found for function call output with call_id {call_id}."
                        );
                        return Err(bad("invalid_request_error", message).with_param("input"));
                    }
                    open.remove(call_id);
                }
                ConversationItem::Message { .. } | ConversationItem::Other { .. } => {}
            }
        }
        match open.first() {
            Some(call_id) => {
                let message = format!("No tool output found for function call {call_id}.");
                Err(bad("invalid_request_error", message).with_param("input"))
            }
            None => Ok(()),
        }
    }
}

/// Reads one item. Messages may be "easy" ones: without a type, with a plain text.
fn item(wire: &Value) -> Result<ConversationItem, ModelError> {
    if let Value::String(text) = wire {
        return Ok(ConversationItem::Message { role: "user".to_owned(), text: text.clone() });
    }
    let Value::Object(fields) = wire else {
        let message = "an item of `input` is neither a text nor an object".to_owned();
        return Err(bad("invalid_type", message).with_param("input"));
    };
    let required = |key: &str| {
        text(fields, key).map(ToOwned::to_owned).ok_or_else(|| {
            let message = format!("an item of `input` needs `{key}`, a text");
            bad("missing_required_parameter", message).with_param(format!("input.{key}"))
        })
    };
    Ok(match text(fields, "type").unwrap_or("message") {
        "message" => ConversationItem::Message {
            role: required("role")?,
            text: content(fields.get("content")),
        },
        "function_call" => ConversationItem::Call {
            item_id: text(fields, "id").map(ToOwned::to_owned),
            call_id: required("call_id")?,
            name: required("name")?,
            arguments: required("arguments")?,
        },
        "function_call_output" => ConversationItem::CallOutput {
            call_id: required("call_id")?,
            output: content(fields.get("output")),
        },
        kind => ConversationItem::Other { kind: kind.to_owned() },
    })
}

/// The turns so far, given one more item. Items of ours say in their ids which turn they are
/// of; a message of the model whose id the client did not keep is a turn of its own.
fn turns_after(turns: u32, wire: &Value, item: &ConversationItem) -> u32 {
    let id = wire.get("id").and_then(Value::as_str);
    match item {
        ConversationItem::Message { role, .. } if role == "assistant" => match id {
            Some(id) => turn_of(id, "msg_").map_or(turns, |turn| turns.max(turn)),
            None => turns.saturating_add(1),
        },
        ConversationItem::Call { call_id, .. } => {
            turn_of(call_id, "call_").map_or(turns, |turn| turns.max(turn))
        }
        // It stands for all turns before it, and the one that wrote it.
        ConversationItem::Other { kind } if kind == play::COMPACTION => {
            id.and_then(|id| turn_of(id, "cmp_")).map_or(turns, |turn| turns.max(turn))
        }
        ConversationItem::Message { .. }
        | ConversationItem::CallOutput { .. }
        | ConversationItem::Other { .. } => turns,
    }
}

/// One past the turn that an id such as `call_2_0` names.
fn turn_of(id: &str, prefix: &str) -> Option<u32> {
    let (turn, number) = id.strip_prefix(prefix)?.split_once('_')?;
    number.parse::<u32>().ok()?;
    turn.parse::<u32>().ok()?.checked_add(1)
}

/// The tools that are functions. Hosted ones are the provider's, and this server has none.
fn tools(fields: &Map<String, Value>) -> Result<Vec<ToolSpec>, ModelError> {
    let wrong = |message: String| bad("invalid_type", message).with_param("tools");
    let tools = match fields.get("tools") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(tools)) => tools,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            return Err(wrong("`tools` is not a list".to_owned()));
        }
    };
    let functions = tools.iter().filter(|tool| tool.get("type").is_some_and(|it| it == "function"));
    functions
        .map(|tool| {
            let named = tool.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
            let name = named.ok_or_else(|| wrong("a function tool has no `name`".to_owned()))?;
            Ok(ToolSpec {
                name: name.to_owned(),
                description: string(tool.get("description")),
                parameters: tool.get("parameters").cloned().unwrap_or_default(),
                strict: tool.get("strict").and_then(Value::as_bool).unwrap_or(false),
            })
        })
        .collect()
}

/// A text, or the texts of a list of parts; pictures and files are left out.
fn content(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// Bytes of the texts of an item.
pub(super) fn size(item: &ConversationItem) -> usize {
    match item {
        ConversationItem::Message { role, text } => role.len() + text.len(),
        ConversationItem::Call { call_id, name, arguments, .. } => {
            call_id.len() + name.len() + arguments.len()
        }
        ConversationItem::CallOutput { call_id, output } => call_id.len() + output.len(),
        ConversationItem::Other { kind } => kind.len(),
    }
}

fn text<'a>(fields: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    fields.get(key)?.as_str()
}

fn string(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A request that makes no sense.
pub(super) fn bad(code: &str, message: String) -> ModelError {
    ModelError::new(ErrorKind::BadRequest, code, message)
}
