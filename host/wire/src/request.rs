//! What the client asks: one `response.create`, complete in itself.
//!
//! Nothing is inherited from an earlier request but, through `previous_response_id`, the
//! conversation; so every request names model, instructions and tools again.

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// One request for a response.
///
/// `store` is always false and encrypted reasoning is always asked for, so that the conversation
/// can be continued from what the client holds. `background` is never sent, `stream` only where
/// there is no WebSocket.
#[derive(Debug, Clone)]
pub struct Request {
    /// The model's name.
    pub model: String,
    /// What the model is told before anything else.
    pub instructions: String,
    /// The conversation, or what is new in it when `previous_response_id` is set.
    pub input: Vec<InputItem>,
    /// The tools the model may call.
    pub tools: Vec<ToolSpec>,
    /// Whether and which tool it must call.
    pub tool_choice: ToolChoice,
    /// The response that this one continues.
    pub previous_response_id: Option<String>,
    /// The most tokens the response may have, reasoning included.
    pub max_output_tokens: u32,
    /// Requests with the same key and the same beginning share the provider's prompt cache.
    pub prompt_cache_key: Option<String>,
    /// How hard to think (`low`, `medium`, `high`, …); the model's own default without it.
    pub effort: Option<String>,
    /// How it is to be served and billed (`default`, `flex`, `priority`, …); as the account's
    /// settings say without it.
    pub service_tier: Option<String>,
    /// Tokens of context at which the server replaces what came before by a summary of its own,
    /// an item of type `compaction`; never without it.
    pub compact_at: Option<u64>,
    /// Whether there is to be a response. False is a warm-up: it only prepares the conversation,
    /// over a WebSocket; the response is empty, but can be continued.
    pub generate: bool,
}

impl Request {
    /// A request with nothing in it yet.
    pub fn new(model: impl Into<String>, max_output_tokens: u32) -> Self {
        Self {
            model: model.into(),
            instructions: String::new(),
            input: Vec::new(),
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
            previous_response_id: None,
            max_output_tokens,
            prompt_cache_key: None,
            effort: None,
            service_tier: None,
            compact_at: None,
            generate: true,
        }
    }

    /// The message that is sent over a WebSocket, for the default lane. The same request gives
    /// the same bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.to_frame(None)
    }

    /// The message for a lane.
    pub(crate) fn to_frame(&self, stream_id: Option<&str>) -> String {
        json_of(&Create { request: self, shape: Shape::Frame { stream_id } })
    }

    /// The body of a `POST`: the same fields, without those that only a WebSocket has.
    pub(crate) fn to_body(&self) -> String {
        json_of(&Create { request: self, shape: Shape::Body })
    }
}

/// The message that steers a running response.
pub(crate) fn steer(response_id: &str, text: &str) -> String {
    json_of(&serde_json::json!({
        "type": "response.steer",
        "previous_response_id": response_id,
        "input": text,
    }))
}

fn json_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("every map in a request has text for keys")
}

/// How a request is written down.
#[derive(Clone, Copy)]
enum Shape<'a> {
    /// A WebSocket's message.
    Frame { stream_id: Option<&'a str> },
    /// The body of a `POST`, answered by server-sent events.
    Body,
}

struct Create<'a> {
    request: &'a Request,
    shape: Shape<'a>,
}

impl Serialize for Create<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { request, shape } = self;
        let mut event = serializer.serialize_map(None)?;
        match shape {
            Shape::Frame { stream_id } => {
                event.serialize_entry("type", "response.create")?;
                if let Some(stream_id) = stream_id {
                    event.serialize_entry("stream_id", stream_id)?;
                }
            }
            Shape::Body => event.serialize_entry("stream", &true)?,
        }
        request.serialize_fields(&mut event)?;
        if !request.generate && matches!(shape, Shape::Frame { .. }) {
            event.serialize_entry("generate", &false)?;
        }
        if let Some(id) = &request.previous_response_id {
            event.serialize_entry("previous_response_id", id)?;
        }
        event.serialize_entry("input", &request.input)?;
        event.end()
    }
}

impl Request {
    /// What does not depend on the conversation or the way it travels.
    fn serialize_fields<M: SerializeMap>(&self, event: &mut M) -> Result<(), M::Error> {
        event.serialize_entry("model", &self.model)?;
        event.serialize_entry("store", &false)?;
        event.serialize_entry("include", &["reasoning.encrypted_content"])?;
        event.serialize_entry("instructions", &self.instructions)?;
        event.serialize_entry("tools", &self.tools.iter().map(Declared).collect::<Vec<_>>())?;
        event.serialize_entry("tool_choice", &self.tool_choice)?;
        event.serialize_entry("parallel_tool_calls", &true)?;
        event.serialize_entry("max_output_tokens", &self.max_output_tokens)?;
        if let Some(effort) = &self.effort {
            event.serialize_entry("reasoning", &serde_json::json!({ "effort": effort }))?;
        }
        if let Some(tier) = &self.service_tier {
            event.serialize_entry("service_tier", tier)?;
        }
        if let Some(key) = &self.prompt_cache_key {
            event.serialize_entry("prompt_cache_key", key)?;
        }
        if let Some(tokens) = self.compact_at {
            let compaction = Compaction { kind: "compaction", compact_threshold: tokens };
            event.serialize_entry("context_management", &[compaction])?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Compaction {
    #[serde(rename = "type")]
    kind: &'static str,
    compact_threshold: u64,
}

/// One item of the conversation, as the client sends it.
#[derive(Debug, Clone)]
pub enum InputItem {
    /// Text of somebody.
    Message {
        /// `user`, `developer`, `system` or `assistant`.
        role: String,
        /// What they say.
        text: String,
    },
    /// An output item, byte for byte as it was received.
    Verbatim(Box<RawValue>),
    /// A call that the model did not make itself: the host's, to put something before it.
    FunctionCall {
        /// What ties it to its output.
        call_id: String,
        /// The tool.
        name: String,
        /// The arguments: a JSON text.
        arguments: String,
    },
    /// What a call gave.
    FunctionCallOutput {
        /// Which call.
        call_id: String,
        /// Its output; usually, but not necessarily, a JSON text.
        output: String,
    },
}

impl Serialize for InputItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Message { role, text } => {
                // What the model said itself is replayed as output, or the service refuses it.
                let kind = if role == "assistant" { "output_text" } else { "input_text" };
                let mut item = serializer.serialize_struct("Message", 3)?;
                item.serialize_field("type", "message")?;
                item.serialize_field("role", role)?;
                item.serialize_field("content", &[Part { kind, text }])?;
                item.end()
            }
            Self::Verbatim(raw) => raw.serialize(serializer),
            Self::FunctionCall { call_id, name, arguments } => {
                let mut item = serializer.serialize_struct("FunctionCall", 4)?;
                item.serialize_field("type", "function_call")?;
                item.serialize_field("call_id", call_id)?;
                item.serialize_field("name", name)?;
                item.serialize_field("arguments", arguments)?;
                item.end()
            }
            Self::FunctionCallOutput { call_id, output } => {
                let mut item = serializer.serialize_struct("FunctionCallOutput", 3)?;
                item.serialize_field("type", "function_call_output")?;
                item.serialize_field("call_id", call_id)?;
                item.serialize_field("output", output)?;
                item.end()
            }
        }
    }
}

#[derive(Serialize)]
struct Part<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    text: &'a str,
}

/// Whether the model calls tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it likes.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// At least one.
    Required,
    /// This one.
    Tool(String),
}

impl Serialize for ToolChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::None => serializer.serialize_str("none"),
            Self::Required => serializer.serialize_str("required"),
            Self::Tool(name) => {
                let mut choice = serializer.serialize_struct("Tool", 2)?;
                choice.serialize_field("type", "function")?;
                choice.serialize_field("name", name)?;
                choice.end()
            }
        }
    }
}

/// A tool as the model sees it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolSpec {
    /// What the model calls it by.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
    /// Whether the provider holds the model to the schema exactly.
    pub strict: bool,
}

/// A tool in the shape of a request.
struct Declared<'a>(&'a ToolSpec);

impl Serialize for Declared<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(tool) = self;
        let mut declared = serializer.serialize_struct("Tool", 5)?;
        declared.serialize_field("type", "function")?;
        declared.serialize_field("name", &tool.name)?;
        declared.serialize_field("description", &tool.description)?;
        declared.serialize_field("parameters", &tool.parameters)?;
        declared.serialize_field("strict", &tool.strict)?;
        declared.end()
    }
}

#[cfg(test)]
mod tests;
