//! From a reply to the events of a response, in the order of the protocol, every one complete.
//!
//! Equal conversations with equal replies give equal bytes: ids are made from the conversation,
//! and times are constants.

use serde_json::Value;

pub(super) use self::estimate::input_tokens;
use self::events::Events;
pub(super) use self::events::Frame;
pub(super) use self::whole::Whole;
use super::intake::Create;
use super::responder::{Conversation, ConversationItem, Reply};
use crate::usage::Usage;

mod estimate;
mod events;
mod whole;

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
    let base = whole::resource(&id, &conversation.model, fields);
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
        None => estimate::estimate(&conversation, &reply.parts),
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
