//! What a conversation holds: which tools there are, what was asked of them, what they said.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{SUBMIT, text};
use crate::server::{Conversation, ConversationItem};

/// Largest output that is read. A tool's answer is far smaller; what is larger is no answer.
const OUTPUT_BYTES_MAX: usize = 4 << 20;

/// Most characters repeated of an answer that could not be read.
const EXCERPT_CHARS_MAX: usize = 200;

/// A conversation, read once.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    offered: BTreeSet<&'a str>,
    calls: Vec<Call<'a>>,
    turn: u32,
    // Somebody spoke again after work had begun: the host wants an end.
    urged: bool,
}

/// A call, whoever made it.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) tool: &'a str,
    pub(super) arguments: Value,
    pub(super) answer: Answer,
}

/// What came of a call.
#[derive(Debug)]
pub(super) enum Answer {
    /// A JSON object.
    Object(Value),
    /// Nothing that can be used, and why.
    Nothing(String),
}

impl<'a> Seen<'a> {
    pub(super) fn of(asked: &'a Conversation) -> Self {
        let mut outputs = BTreeMap::new();
        for item in &asked.items {
            if let ConversationItem::CallOutput { call_id, output } = item {
                outputs.insert(call_id.as_str(), output.as_str());
            }
        }
        let call = |item: &'a ConversationItem| match item {
            ConversationItem::Call { call_id, name, arguments, .. } => Some(Call {
                tool: name,
                arguments: parse(arguments).unwrap_or_default(),
                answer: Answer::of(outputs.get(call_id.as_str()).copied()),
            }),
            ConversationItem::Message { .. }
            | ConversationItem::CallOutput { .. }
            | ConversationItem::Other { .. } => None,
        };
        Self {
            offered: asked.tools.iter().map(|tool| tool.name.as_str()).collect(),
            calls: asked.items.iter().filter_map(call).collect(),
            turn: asked.turn,
            urged: is_urged(&asked.items),
        }
    }

    pub(super) fn offers(&self, tool: &str) -> bool {
        self.offered.contains(tool)
    }

    pub(super) fn is_first_turn(&self) -> bool {
        self.turn == 0
    }

    pub(super) fn turn(&self) -> u32 {
        self.turn
    }

    /// Whether the host asks for an end.
    pub(super) fn is_urged(&self) -> bool {
        self.urged
    }

    pub(super) fn calls(&self) -> &[Call<'a>] {
        &self.calls
    }

    /// Calls of a tool, the last one first.
    pub(super) fn calls_of<'s>(&'s self, tool: &'s str) -> impl Iterator<Item = &'s Call<'a>> {
        self.calls.iter().rev().filter(move |call| call.tool == tool)
    }

    /// Whether the analysis was submitted; and if the host refused it, what it said.
    pub(super) fn submitted(&self) -> Option<Option<&str>> {
        let call = self.calls_of(SUBMIT).next()?;
        Some(match &call.answer {
            Answer::Object(_) => None,
            Answer::Nothing(why) => Some(why),
        })
    }
}

impl Answer {
    fn of(output: Option<&str>) -> Self {
        let Some(output) = output else {
            return Self::Nothing("it has no output".to_owned());
        };
        if output.len() > OUTPUT_BYTES_MAX {
            return Self::Nothing(format!("its output has {} bytes", output.len()));
        }
        match parse(unmarked(output)) {
            Some(Value::Object(object)) => match object.get("error") {
                Some(Value::String(why)) => Self::Nothing(text::plain(why, EXCERPT_CHARS_MAX)),
                Some(_) | None => Self::Object(Value::Object(object)),
            },
            Some(_) | None => {
                let excerpt = text::quoted(output, EXCERPT_CHARS_MAX);
                Self::Nothing(format!("its output is not a JSON object: {excerpt}"))
            }
        }
    }
}

/// Whether somebody, having set the task, spoke again after the first answer of a tool.
fn is_urged(items: &[ConversationItem]) -> bool {
    let is_output = |item: &ConversationItem| matches!(item, ConversationItem::CallOutput { .. });
    let is_request = |item: &ConversationItem| match item {
        ConversationItem::Message { role, .. } => role != "assistant",
        ConversationItem::Call { .. }
        | ConversationItem::CallOutput { .. }
        | ConversationItem::Other { .. } => false,
    };
    let begun = items.iter().position(is_output).unwrap_or(items.len());
    let (before, after) = items.split_at(begun);
    before.iter().any(is_request) && after.iter().any(is_request)
}

/// What stands between the marks that a host puts around what tools return.
fn unmarked(output: &str) -> &str {
    let inside = |output: &'_ str| -> Option<(usize, usize)> {
        let (first, rest) = output.split_once('\n')?;
        let mark = first.strip_prefix("<data ")?.strip_suffix('>')?;
        let end = rest.strip_suffix(&format!("\n</data {mark}>"))?.len();
        Some((first.len() + 1, first.len() + 1 + end))
    };
    inside(output).map_or(output, |(begin, end)| &output[begin..end])
}

/// JSON, unless it is none or nested deeper than serde allows.
fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}
