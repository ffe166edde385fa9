//! The offline analyst: a triage that needs no model, behind the protocol of one.
//!
//! It sees a conversation, calls the tools it is offered, and submits what it found. It is a
//! pure function of the conversation: it remembers nothing, and the same conversation always
//! gets the same reply. What it says is deterministic evidence (a trace, a changed line, a
//! name), never a guess about meaning, and it says that no model was used.
//!
//! Reading order: [`Analyst::respond`](Responder::respond), then `seen` (what the conversation
//! holds), `facts` (what the tools' answers say), `look` and `report` (what to ask next), `suspects`
//! (which change may have broken what), `analysis` (what is submitted).

mod analysis;
mod facts;
mod look;
mod paths;
mod report;
mod seen;
mod suspects;
mod text;

use crate::server::{Conversation, Reply, ReplyPart, Responder};

use analysis::Analysis;
use facts::Facts;
use look::Ask;
use seen::Seen;

/// The host's tool that takes an analysis.
const SUBMIT: &str = "submit_analysis";

/// The name under which the analyst is listed.
const MODEL: &str = "offline-analyst";

/// A deterministic triage in the place of a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Analyst;

impl Responder for Analyst {
    fn model(&self) -> &str {
        MODEL
    }

    fn respond(&self, asked: &Conversation) -> Reply {
        let seen = Seen::of(asked);
        let facts = Facts::of(&seen);
        if let Some(refusal) = seen.submitted() {
            return Reply::text(Analysis::of(&seen, &facts).closing(refusal));
        }
        let asks = look::next(&seen, &facts);
        if !asks.is_empty() {
            return calls(&seen, asks);
        }
        let analysis = Analysis::of(&seen, &facts);
        if seen.offers(SUBMIT) {
            Reply::call(SUBMIT, analysis.to_json())
        } else {
            Reply::text(analysis.to_text())
        }
    }
}

fn calls(seen: &Seen<'_>, asks: Vec<Ask>) -> Reply {
    let say = "Looking at tests, changes and dependencies. No model is used: this is a deterministic triage.";
    let text = seen.is_first_turn().then(|| ReplyPart::Text(say.to_owned()));
    let calls = asks
        .into_iter()
        .map(|Ask { tool, arguments }| ReplyPart::Call { name: tool.to_owned(), arguments });
    Reply { parts: text.into_iter().chain(calls).collect(), ..Reply::default() }
}

#[cfg(test)]
mod tests;
