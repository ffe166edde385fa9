//! What stands behind the server: something that reads a conversation and says what comes next.
//!
//! A responder is stateless where it can be: what it replies follows from the conversation, so
//! a client that lost its connection gets the same turn again.

use std::time::Duration;

use serde_json::Value;

use super::fault::{Door, Fault};
use crate::error::ModelError;
use crate::request::ToolSpec;
use crate::usage::Usage;

/// A model, as the server sees it.
pub trait Responder: Send + Sync + 'static {
    /// The name under which `GET …/models` lists it.
    fn model(&self) -> &str;

    /// The next turn. Called once a request, on the connection's task: it must not wait.
    fn respond(&self, asked: &Conversation) -> Reply;

    /// How those who come are received, before anybody asks anything; after what the server's
    /// own options say of it.
    fn door(&self) -> Door {
        Door::default()
    }
}

/// Everything the model is asked to continue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conversation {
    /// The model the client asked for.
    pub model: String,
    /// The instructions of this request; those of earlier ones do not count.
    pub instructions: String,
    /// The tools of this request.
    pub tools: Vec<ToolSpec>,
    /// The whole conversation, oldest first: earlier responses of the connection are expanded.
    pub items: Vec<ConversationItem>,
    /// How many turns of a model the items already hold: one past the highest turn that an id
    /// of this server names (`msg_<turn>_<n>`, `call_<turn>_<n>`).
    pub turn: u32,
    /// The response that is continued, where one is.
    pub previous_response_id: Option<String>,
}

/// One thing that was said or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConversationItem {
    /// Text of somebody.
    Message {
        /// `user`, `assistant`, `system` or `developer`; whatever the client wrote.
        role: String,
        /// Its text parts, joined.
        text: String,
    },
    /// The model called a tool, or the client says that it did.
    Call {
        /// The item's own id, where the client kept it.
        item_id: Option<String>,
        /// What ties the call to its output.
        call_id: String,
        /// The tool.
        name: String,
        /// The arguments: a JSON text, not checked.
        arguments: String,
    },
    /// What a call gave.
    CallOutput {
        /// Which call.
        call_id: String,
        /// Its text parts, joined; not checked.
        output: String,
    },
    /// Something this server does not read, such as `reasoning`.
    Other {
        /// Its type.
        kind: String,
    },
}

/// What comes next in a conversation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// What the model says and calls, in order.
    pub parts: Vec<ReplyPart>,
    /// What to report as its cost; without it, an estimate from the lengths of the texts.
    pub usage: Option<Usage>,
    /// What goes wrong while it is sent.
    pub faults: Vec<Fault>,
    /// How long to wait before each delta.
    pub pace: Duration,
    /// End with `response.incomplete` for this reason (`max_output_tokens`, `content_filter`)
    /// instead of `response.completed`.
    pub incomplete: Option<String>,
    /// Answer with this error instead of all of the above.
    pub refuse: Option<ModelError>,
}

impl Reply {
    /// A reply that says one text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { parts: vec![ReplyPart::Text(text.into())], ..Self::default() }
    }

    /// A reply that calls one tool.
    pub fn call(name: impl Into<String>, arguments: Value) -> Self {
        let part = ReplyPart::Call { name: name.into(), arguments };
        Self { parts: vec![part], ..Self::default() }
    }

    /// A reply that is an error.
    #[must_use]
    pub fn refuse(error: ModelError) -> Self {
        Self { refuse: Some(error), ..Self::default() }
    }
}

/// One item of a reply.
#[derive(Debug, Clone, PartialEq)]
pub enum ReplyPart {
    /// A message.
    Text(String),
    /// A tool call. Several in one reply may be carried out side by side.
    Call {
        /// The tool.
        name: String,
        /// Its arguments, usually an object.
        arguments: Value,
    },
}
