//! A response as one object.

use serde_json::{Map, Value, json};

use super::super::intake::Held;
use super::super::responder::ConversationItem;
use super::CREATED_AT;
use super::events::Frame;
use crate::usage::Usage;

/// A response as a whole, of which a part may be all that is sent.
#[derive(Debug)]
pub(in super::super) struct Whole {
    pub(super) base: Value,
    pub(super) output: Vec<Value>,
    pub(super) usage: Usage,
    pub(super) before: Vec<ConversationItem>,
    pub(super) said: Vec<ConversationItem>,
    pub(super) turns: u32,
    pub(super) stored: bool,
}

impl Whole {
    /// The response as the next request may continue it, with its first `items` items.
    pub(in super::super) fn held(&self, items: usize) -> Held {
        let said = self.said.iter().take(items);
        Held {
            id: self.base["id"].as_str().unwrap_or_default().to_owned(),
            items: self.before.iter().chain(said).cloned().collect(),
            turns: self.turns,
            stored: self.stored,
        }
    }

    /// How many items it has.
    pub(in super::super) fn items(&self) -> usize {
        self.output.len()
    }

    /// Whether it asks the client for something.
    pub(in super::super) fn calls(&self) -> impl Iterator<Item = (&str, &str)> {
        self.said.iter().filter_map(|item| match item {
            ConversationItem::Call { call_id, name, .. } => Some((call_id.as_str(), name.as_str())),
            ConversationItem::Message { .. }
            | ConversationItem::CallOutput { .. }
            | ConversationItem::Other { .. } => None,
        })
    }

    /// The event with which a response ends that was steered elsewhere after `items` items.
    pub(in super::super) fn steered(&self, items: usize, number: u64) -> Frame {
        let mut response = self.base.clone();
        response["status"] = "incomplete".into();
        response["incomplete_details"] = json!({ "reason": "steered" });
        response["output"] = self.output[..items.min(self.output.len())].into();
        response["usage"] = self.usage.to_wire();
        Frame::ending("response.incomplete", &response, number)
    }

    /// The event with which a response ends that failed after `items` items.
    pub(in super::super) fn failed(
        &self,
        items: usize,
        number: u64,
        code: &str,
        message: &str,
    ) -> Frame {
        let mut response = self.base.clone();
        response["status"] = "failed".into();
        response["error"] = json!({ "code": code, "message": message });
        response["output"] = self.output[..items.min(self.output.len())].into();
        Frame::ending("response.failed", &response, number)
    }
}

/// The Response object with every key that a strict client wants, repeating what was asked.
pub(super) fn resource(id: &str, model: &str, mut fields: Map<String, Value>) -> Value {
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
        "tools": whole_tools(asked("tools", json!([]))),
        "top_logprobs": asked("top_logprobs", 0.into()),
        "top_p": asked("top_p", json!(1.0)),
        "truncation": asked("truncation", "disabled".into()),
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "usage": null,
        "metadata": asked("metadata", json!({})),
    })
}

/// Tools with every key that a strict client wants of a function.
fn whole_tools(mut tools: Value) -> Value {
    let functions = tools.as_array_mut().into_iter().flatten().filter_map(|tool| {
        let is_function = tool.get("type").is_some_and(|kind| kind == "function");
        tool.as_object_mut().filter(|_| is_function)
    });
    for function in functions {
        for (key, default) in
            [("description", Value::Null), ("parameters", Value::Null), ("strict", true.into())]
        {
            function.entry(key).or_insert(default);
        }
    }
    tools
}
