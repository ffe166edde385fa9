//! What the model's server tells the client, as types.

use serde_json::value::RawValue;

use crate::error::ModelError;
use crate::usage::Usage;

/// One thing that happened to the response that was asked for.
#[derive(Debug, Clone)]
pub enum ModelEvent {
    /// The server has taken the request. From here on it may be billed.
    Created {
        /// The response; opaque.
        response_id: String,
    },
    /// The model has begun, or waits in the server's queue.
    InProgress,
    /// An output item has begun.
    ItemAdded {
        /// The item, as deltas name it; empty where the server gave none.
        item_id: String,
        /// Its type: `message`, `function_call`, `reasoning`, …
        kind: String,
    },
    /// More text of a message, or of a refusal.
    TextDelta {
        /// The message.
        item_id: String,
        /// What comes next; may end inside a word.
        delta: String,
    },
    /// More reasoning, or more of its summary.
    ReasoningDelta {
        /// The reasoning item.
        item_id: String,
        /// What comes next.
        delta: String,
    },
    /// More of a call's arguments.
    ArgumentsDelta {
        /// The call's item.
        item_id: String,
        /// What comes next; not JSON by itself.
        delta: String,
    },
    /// A call's arguments are complete. Told once for each call, as soon as it is known, and
    /// always before the end of the response. The response may still fail.
    CallReady(FunctionCall),
    /// An output item is complete.
    ItemDone {
        /// Its type.
        kind: String,
        /// The item, byte for byte.
        item: Box<RawValue>,
    },
    /// A known event that only frames or repeats what other events carry.
    Structure {
        /// Its type.
        kind: String,
    },
    /// The response is complete. The only good end.
    Completed(Completed),
    /// The response ended early; what there is of it is sound.
    Incomplete {
        /// `max_output_tokens`, `content_filter`, `steered`, …
        reason: String,
        /// What there is.
        response: Completed,
    },
    /// The response failed, or the request was refused.
    Failed {
        /// Why.
        error: ModelError,
        /// What it cost all the same, where the server says so.
        usage: Option<Usage>,
    },
    /// The server has taken a steer: it must not be sent again. The response ends at a safe
    /// place, and another that heeds the steer follows without being asked for.
    SteerAccepted {
        /// The steer; opaque.
        steer_id: String,
        /// The response that is steered.
        response_id: String,
    },
    /// The response ended before it could be steered, and waits for outputs of calls. The next
    /// request that continues it brings them, and the server puts the steer before it.
    SteerPending {
        /// The steer; opaque.
        steer_id: String,
        /// The response that was to be steered.
        response_id: String,
        /// The calls whose outputs are missing.
        call_ids: Vec<String>,
    },
    /// The response could not be steered; it goes on, or went on, as if nothing had been said.
    SteerFailed {
        /// The steer; opaque.
        steer_id: String,
        /// The response that was to be steered.
        response_id: String,
        /// Why.
        error: ModelError,
    },
    /// The server shortens the conversation, since it passed `compact_at`; an item of type
    /// `compaction` follows.
    Compacting {
        /// The item that will stand for what came before it.
        item_id: String,
    },
    /// An event this client does not know; never an error.
    Unknown {
        /// Its type; empty where it has none.
        kind: String,
        /// The event, byte for byte.
        raw: Box<RawValue>,
    },
}

impl ModelEvent {
    /// Whether the response has come further in a way that the step can use: items, text or
    /// arguments. Reasoning, keep-alives and unknown events are signs of life only.
    #[must_use]
    pub fn is_progress(&self) -> bool {
        match self {
            Self::ItemAdded { kind, .. } | Self::ItemDone { kind, .. } => kind != "reasoning",
            Self::TextDelta { delta, .. } | Self::ArgumentsDelta { delta, .. } => !delta.is_empty(),
            Self::CallReady(_) | Self::Completed(_) | Self::Incomplete { .. } => true,
            Self::Created { .. }
            | Self::InProgress
            | Self::ReasoningDelta { .. }
            | Self::Structure { .. }
            | Self::Failed { .. }
            | Self::SteerAccepted { .. }
            | Self::SteerPending { .. }
            | Self::SteerFailed { .. }
            | Self::Compacting { .. }
            | Self::Unknown { .. } => false,
        }
    }

    /// Whether the response is over, one way or another. What a steer brings about may follow.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Completed(_) | Self::Incomplete { .. } | Self::Failed { .. } => true,
            Self::Created { .. }
            | Self::InProgress
            | Self::ItemAdded { .. }
            | Self::TextDelta { .. }
            | Self::ReasoningDelta { .. }
            | Self::ArgumentsDelta { .. }
            | Self::CallReady(_)
            | Self::ItemDone { .. }
            | Self::Structure { .. }
            | Self::SteerAccepted { .. }
            | Self::SteerPending { .. }
            | Self::SteerFailed { .. }
            | Self::Compacting { .. }
            | Self::Unknown { .. } => false,
        }
    }
}

/// The model calls a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionCall {
    /// The output item; empty where the server gave none.
    pub item_id: String,
    /// What ties the call to its output. Never empty.
    pub call_id: String,
    /// The tool. Never empty.
    pub name: String,
    /// Its arguments: meant to be a JSON text, not checked.
    pub arguments: String,
}

/// A whole response.
#[derive(Debug, Clone, Default)]
pub struct Completed {
    /// The response; opaque. The next request may continue it.
    pub response_id: String,
    /// Its items, byte for byte: what a full input must replay.
    pub output: Vec<Box<RawValue>>,
    /// Its calls, in the order of the items.
    pub calls: Vec<FunctionCall>,
    /// The text of its messages, joined by blank lines.
    pub text: String,
    /// Why the model will not answer, where it says so.
    pub refusal: Option<String>,
    /// What it cost, where the server says so.
    pub usage: Option<Usage>,
    /// How it was served and is billed, where the server says so.
    pub service_tier: Option<String>,
}
