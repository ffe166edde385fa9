//! A model that answers by a scenario, with the faults of its server, and a record of what it
//! bills.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use session::budget::Usage;
use wire::{Conversation, Door, Reply, ReplyPart, Responder};

use crate::dice::Dice;
use crate::faults;
use crate::oracle::PRICE;
use crate::world::Story;

/// What else goes wrong with a reply, by the names under which it is counted.
pub(crate) const SPOILS: &[&str] = &[SEVERAL, SLOW_PACE, INCOMPLETE, WRONG_USAGE];
const SEVERAL: &str = "server: several faults at once";
const SLOW_PACE: &str = "server: slow pace";
const INCOMPLETE: &str = "server: incomplete";
const WRONG_USAGE: &str = "server: wrong usage";

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
    /// Whether its server's connections grow old.
    pub(crate) retires: bool,
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
        let reply = Reply {
            parts: parts(&self.scenario.turns[place], turn),
            usage: Some(wire::Usage {
                input_tokens: usage.input,
                cached_tokens: usage.cached_input,
                output_tokens: usage.output,
                ..wire::Usage::default()
            }),
            pace: Duration::from_millis(self.dice.below(30)),
            ..Reply::default()
        };
        let reply = if self.dice.chance(self.faults) { self.spoil(reply) } else { reply };
        if !faults::turn_away(&reply.faults) {
            self.bills.lock().unwrap().push((turn, billed(usage, reply.usage)));
        }
        reply
    }

    fn door(&self) -> Door {
        if !self.dice.chance(self.faults) {
            return Door::default();
        }
        let (door, names) = faults::door(&self.dice);
        names.iter().for_each(|name| self.story.fault(name));
        door
    }
}

impl SimModel {
    /// A request that is turned away, and costs nothing.
    fn refuse(&self) -> Reply {
        let error = faults::refusal(&self.dice);
        self.story.fault(faults::name_of_refusal(&error));
        Reply::refuse(error)
    }

    /// Makes a reply go wrong: while it is sent, in how fast it comes, in where it ends, or in
    /// what it claims to have taken.
    fn spoil(&self, mut reply: Reply) -> Reply {
        let dice = &self.dice;
        if dice.chance(85) {
            let (faults, names) = faults::faults(dice, self.retires);
            names.into_iter().for_each(|name| self.story.fault(name));
            if faults.len() > 1 {
                self.story.fault(SEVERAL);
            }
            reply.faults = faults;
        }
        if dice.chance(10) {
            self.story.fault(SLOW_PACE);
            reply.pace = Duration::from_millis(dice.below(7_000));
        }
        if dice.chance(5) {
            self.story.fault(INCOMPLETE);
            reply.incomplete = Some(dice.pick(&["max_output_tokens", "content_filter"]).to_owned());
        }
        if dice.chance(5) {
            self.story.fault(WRONG_USAGE);
            let claims = [0, 1, 1_000_000, u64::MAX];
            let [input_tokens, output_tokens] = [(); 2].map(|()| dice.pick(&claims));
            reply.usage =
                Some(wire::Usage { input_tokens, output_tokens, ..wire::Usage::default() });
        }
        reply
    }
}

/// What is billed of what a response took: not more than what its server claims, where that can
/// be believed at all.
fn billed(took: Usage, claimed: Option<wire::Usage>) -> Usage {
    let claimed = claimed.filter(|claimed| claimed.input_tokens > 0).map(|claimed| Usage {
        input: claimed.input_tokens,
        cached_input: claimed.cached_tokens,
        output: claimed.output_tokens,
        ..Usage::default()
    });
    claimed.into_iter().chain([took]).min_by_key(|usage| PRICE.of(*usage)).unwrap_or(took)
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
