//! A model that says what a file tells it to: for tests, demos and examples.
//!
//! The turn to play follows from the conversation alone: it is the one after the last that the
//! conversation holds. So a run that is killed and resumed goes on where it was, whether it
//! continues a response or sends everything again.

mod door;
mod fault;
mod refusal;
mod text;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{ErrorKind, ModelError};
use crate::server::{Conversation, Door, Fault, Reply, ReplyPart, Responder, lost};
use crate::usage::Usage;

pub use self::text::ScriptError;

/// A scripted model.
///
/// ```toml
/// model = "scripted-demo"
///
/// [[turn]]
/// say = "I look at the file first."
/// usage = { input = 1200, output = 80 }
/// pace-ms = 5
/// [[turn.call]]
/// tool = "read_file"
/// arguments = { path = "src/lib.rs" }
///
/// [[turn]]
/// say = "The bound is wrong."
/// fault = { kind = "close", after-events = 5, code = 1011 }
///
/// [[upgrade]]
/// status = 429
/// retry-after-ms = 1500
/// ```
///
/// All keys are in `docs/model-server.md`.
#[derive(Debug)]
pub struct Script {
    model: String,
    turns: Vec<Turn>,
    door: Door,
}

/// What is played for one turn.
#[derive(Debug)]
struct Turn {
    parts: Vec<ReplyPart>,
    usage: Option<Usage>,
    pace: Duration,
    incomplete: Option<String>,
    faults: Vec<Planned>,
    asked: AtomicU64,
}

/// What goes wrong, and how often it still will.
#[derive(Debug)]
struct Planned {
    wrong: Wrong,
    left: AtomicU32,
}

#[derive(Debug, Clone)]
enum Wrong {
    Sending(Fault),
    /// The response that is to be continued is no longer known.
    Lost,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// When it is not TOML, has a key that no script has, or tells of something impossible.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        text::parse(text)
    }

    /// How often each turn was asked for, faults included.
    #[must_use]
    pub fn asked(&self) -> Vec<u64> {
        self.turns.iter().map(|turn| turn.asked.load(Ordering::Relaxed)).collect()
    }

    fn exhausted(&self) -> ModelError {
        let turns = self.turns.len();
        let message = format!("the script has {turns} turns, and all of them have been played");
        ModelError::new(ErrorKind::BadRequest, "script_exhausted", message)
    }
}

impl Responder for Script {
    fn model(&self) -> &str {
        &self.model
    }

    fn respond(&self, asked: &Conversation) -> Reply {
        let turn = usize::try_from(asked.turn).ok().and_then(|index| self.turns.get(index));
        match turn {
            Some(turn) => turn.play(asked),
            None => Reply::refuse(self.exhausted()),
        }
    }

    fn door(&self) -> Door {
        self.door.clone()
    }
}

impl Turn {
    fn play(&self, asked: &Conversation) -> Reply {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut faults = Vec::new();
        for planned in &self.faults {
            match (&planned.wrong, &asked.previous_response_id) {
                (Wrong::Sending(fault), _) if planned.strikes() => faults.push(fault.clone()),
                (Wrong::Lost, Some(id)) if planned.strikes() => return Reply::refuse(lost(id)),
                (Wrong::Sending(_) | Wrong::Lost, _) => {}
            }
        }
        Reply {
            parts: self.parts.clone(),
            usage: self.usage,
            pace: self.pace,
            incomplete: self.incomplete.clone(),
            faults,
            refuse: None,
        }
    }
}

impl Planned {
    /// Whether it goes wrong this time.
    fn strikes(&self) -> bool {
        let one_less = |left: u32| left.checked_sub(1);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }
}

fn once() -> u32 {
    1
}

#[cfg(test)]
mod tests;
