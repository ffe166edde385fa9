//! A model that answers by a scenario, with the faults of its server, and a record of what it
//! bills.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use session::budget::Usage;
use wire::{
    Conversation, Drip, ErrorKind, Fault, FaultKind, ModelError, Reply, ReplyPart, Responder,
};

use crate::dice::Dice;
use crate::world::Story;

/// What the model does, turn by turn.
#[derive(Debug, Clone)]
pub(crate) enum Turn {
    /// Calls the tool so many times at once.
    Calls(u32),
    /// Proposes a patch; `true` for one that the gates let out.
    Patch(bool),
    /// Submits its analysis.
    Analysis,
    /// Says its last word.
    Goodbye,
}

/// What happens in a run if nothing fails.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) turns: Vec<Turn>,
}

/// Every scenario there is.
pub(crate) fn scenarios() -> Vec<Scenario> {
    use Turn::{Analysis, Calls, Goodbye, Patch};
    vec![
        Scenario { name: "short", turns: vec![Analysis] },
        Scenario { name: "looking", turns: vec![Calls(1), Calls(3), Calls(1), Analysis] },
        Scenario {
            name: "patch",
            turns: vec![Calls(2), Analysis, Patch(false), Patch(true), Goodbye],
        },
        Scenario { name: "words", turns: vec![Calls(1), Goodbye] },
    ]
}

/// What the server has billed, over all attempts.
pub(crate) type Bills = Arc<Mutex<Vec<(u32, Usage)>>>;

/// The model.
pub(crate) struct SimModel {
    pub(crate) scenario: Scenario,
    pub(crate) bills: Bills,
    pub(crate) dice: Dice,
    /// Of a hundred responses so many go wrong.
    pub(crate) faults: u64,
    pub(crate) story: Story,
}

impl Responder for SimModel {
    fn model(&self) -> &str {
        "m"
    }

    fn respond(&self, asked: &Conversation) -> Reply {
        if self.dice.chance(self.faults / 2) {
            return self.refuse();
        }
        let turn = asked.turn;
        let usage = Usage {
            input: 100 + 20 * asked.items.len() as u64,
            cached_input: 50,
            output: self.dice.between(10, 200),
            ..Usage::default()
        };
        let place = usize::try_from(turn).unwrap().min(self.scenario.turns.len() - 1);
        let parts = parts(&self.scenario.turns[place], turn);
        let faults = if self.dice.chance(self.faults) { vec![self.fault()] } else { vec![] };
        // Who is told to come back on another connection before anything began was refused.
        let refused = Fault::new(0, FaultKind::ConnectionLimit);
        if !faults.contains(&refused) {
            self.bills.lock().unwrap().push((turn, usage));
        }
        Reply {
            parts,
            usage: Some(wire::Usage {
                input_tokens: usage.input,
                cached_tokens: usage.cached_input,
                output_tokens: usage.output,
                ..wire::Usage::default()
            }),
            faults,
            pace: Duration::from_millis(self.dice.below(30)),
            ..Reply::default()
        }
    }
}

impl SimModel {
    /// A request that is turned away, and costs nothing.
    fn refuse(&self) -> Reply {
        let (kind, code) = self.dice.pick(&[
            (ErrorKind::RateLimited, "rate_limit_exceeded"),
            (ErrorKind::ConnectionLimit, "websocket_connection_limit_reached"),
            (ErrorKind::PreviousResponseNotFound, "previous_response_not_found"),
            (ErrorKind::Overloaded, "server_is_overloaded"),
            (ErrorKind::QuotaExhausted, "insufficient_quota"),
        ]);
        self.story.fault(&format!("server refused: {code}"));
        let mut error = ModelError::new(kind, code, "not now");
        error.retry_after =
            self.dice.chance(50).then(|| Duration::from_millis(self.dice.below(200_000)));
        Reply::refuse(error)
    }

    fn fault(&self) -> Fault {
        let drip = Drip { bytes: 7, pause: Duration::from_millis(20) };
        let error = ModelError::new(ErrorKind::Server, "server_error", "it broke");
        let kinds = [
            ("close", FaultKind::Close { code: self.dice.pick(&[1000, 1001, 1008, 1011, 1012]) }),
            ("drop", FaultKind::Drop),
            ("cut", FaultKind::Cut),
            ("silence", FaultKind::Silence { time: None }),
            ("pause", FaultKind::Silence { time: Some(Duration::from_secs(2)) }),
            ("no pong", FaultKind::NoPong),
            ("drip", FaultKind::Drip(drip)),
            ("garbage", FaultKind::Garbage),
            ("binary", FaultKind::Binary),
            ("noise", FaultKind::Noise),
            ("duplicate", FaultKind::Duplicate),
            ("swap", FaultKind::Swap),
            ("omit", FaultKind::Omit),
            ("no usage", FaultKind::NoUsage),
            ("error", FaultKind::Error { error, shape: None }),
            (
                "failed",
                FaultKind::Failed { code: "server_error".into(), message: "it broke".into() },
            ),
            ("connection limit", FaultKind::ConnectionLimit),
        ];
        let (name, kind) = self.dice.pick(&kinds);
        self.story.fault(&format!("server: {name}"));
        Fault::new(u32::try_from(self.dice.below(12)).unwrap(), kind)
    }
}

fn parts(turn: &Turn, number: u32) -> Vec<ReplyPart> {
    let call = |name: &str, arguments| ReplyPart::Call { name: name.to_owned(), arguments };
    match turn {
        Turn::Calls(count) => {
            (0..*count).map(|n| call("count", json!({ "turn": number, "n": n }))).collect()
        }
        Turn::Patch(fine) => {
            let path = if *fine { "a.txt" } else { ".github/workflows/ci.yml" };
            let patch = format!("--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-one\n+two\n");
            vec![call("propose_patch", json!({ "patch": patch, "why": "it is better" }))]
        }
        Turn::Analysis => {
            let arguments =
                json!({ "summary": "one is too few", "findings": [], "next_steps": ["count"] });
            vec![call("submit_analysis", arguments)]
        }
        Turn::Goodbye => vec![ReplyPart::Text("That is all.".to_owned())],
    }
}
