//! How many tokens something has: a rule of thumb, the same each time.

use super::super::intake;
use super::super::responder::{Conversation, ConversationItem, ReplyPart};
use super::COMPACTION;
use crate::usage::Usage;

/// Bytes of text that count as one token where nobody says how many there are.
const BYTES_PER_TOKEN: usize = 4;

/// What the response may cost: a rule of thumb, the same each time.
pub(super) fn estimate(conversation: &Conversation, parts: &[ReplyPart]) -> Usage {
    let written = parts.iter().map(part_size).sum();
    Usage {
        input_tokens: input_tokens(conversation),
        output_tokens: tokens(written),
        ..Usage::default()
    }
}

/// The tokens that a conversation has, about. What stands before a compaction no longer counts.
pub(in super::super) fn input_tokens(conversation: &Conversation) -> u64 {
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
