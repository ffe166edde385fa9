//! A model that says what a file tells it to: for tests, demos and examples.
//!
//! The turn to play follows from the conversation alone: it is the one after the last that the
//! conversation holds. So a run that is killed and resumed goes on where it was, whether it
//! continues a response or sends everything again.

mod text;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{ErrorKind, ModelError};
use crate::server::{Conversation, Fault, Reply, ReplyPart, Responder};
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
/// ```
#[derive(Debug)]
pub struct Script {
    model: String,
    turns: Vec<Turn>,
}

/// What is played for one turn.
#[derive(Debug)]
struct Turn {
    parts: Vec<ReplyPart>,
    usage: Option<Usage>,
    pace: Duration,
    incomplete: Option<String>,
    fault: Option<Planned>,
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
    Refusing(ModelError),
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
            Some(turn) => turn.play(),
            None => Reply::refuse(self.exhausted()),
        }
    }
}

impl Turn {
    fn play(&self) -> Reply {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let reply = Reply {
            parts: self.parts.clone(),
            usage: self.usage,
            pace: self.pace,
            incomplete: self.incomplete.clone(),
            ..Reply::default()
        };
        match self.fault.as_ref().and_then(Planned::strike) {
            None => reply,
            Some(Wrong::Sending(fault)) => Reply { fault: Some(fault), ..reply },
            Some(Wrong::Refusing(error)) => Reply::refuse(error),
        }
    }
}

impl Planned {
    /// What goes wrong this time, if anything still does.
    fn strike(&self) -> Option<Wrong> {
        let one_less = |left: u32| left.checked_sub(1);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .is_ok()
            .then(|| self.wrong.clone())
    }
}

#[cfg(test)]
mod tests;
