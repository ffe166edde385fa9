//! What the records say of the model's turns: what came back, and what it cost.

use session::budget::{Money, Usage, Work};
use session::{Analysis, CallId, HostTool, ModelCall, Origin};

use super::parts::{Asked, SpendPoint, TurnState};
use super::reading::{Reading, place};

impl Reading {
    pub(super) fn completed(
        &mut self,
        turn: u32,
        at: u64,
        response_id: String,
        calls: &[ModelCall],
        text: &str,
        usage: Option<Usage>,
    ) {
        let is = |call: &ModelCall, tool| HostTool::named(&call.tool) == Some(tool);
        self.analyses = calls
            .iter()
            .filter(|call| is(call, HostTool::SubmitAnalysis))
            .filter_map(|call| Analysis::parse(&call.arguments).ok())
            .collect();
        if calls.is_empty() && self.run.analysis.is_none() && !text.trim().is_empty() {
            self.analyses.push_back(Analysis::of_text(text));
        }
        self.proposed = calls.iter().find(|call| is(call, HostTool::ProposePatch)).cloned();
        let asked = calls.iter().map(|call| Asked {
            call_id: call.call_id.clone(),
            tool: call.tool.clone(),
            arguments: self.purse.keep(&call.arguments),
            call: None,
        });
        let asked: Vec<Asked> = asked.collect();
        let text = self.purse.keep(text);
        if let Some(turn) = self.turn(turn) {
            turn.first = turn.first.or(Some(at));
            turn.end = Some(at);
            turn.state = TurnState::Completed;
            (turn.response_id, turn.text, turn.usage) = (Some(response_id), text, usage);
            turn.asked = asked;
        }
        self.match_calls(turn, calls);
    }

    /// Says of each call in a response which of those that were started early it is.
    pub(super) fn match_calls(&mut self, turn: u32, calls: &[ModelCall]) {
        let of = |index| CallId { origin: Origin::Turn(turn), index };
        let mut free: Vec<CallId> =
            self.calls.range(of(0)..=of(u32::MAX)).map(|(id, _)| *id).collect();
        for (place, asked) in calls.iter().enumerate() {
            let found = free.iter().position(|id| {
                let call = self.calls.get(id).and_then(|at| self.run.calls.get(*at));
                call.is_some_and(|call| {
                    call.tool == asked.tool && asked.arguments.starts_with(&call.arguments.text)
                })
            });
            let id = found.map(|at| free.remove(at));
            if let Some(turn) = self.turn(turn)
                && let Some(asked) = turn.asked.get_mut(place)
            {
                asked.call = id;
            }
        }
    }

    pub(super) fn not_sent(&mut self, turn: u32, at: u64, code: &str, message: String) {
        if let Some(turn) = self.turn(turn) {
            turn.end = Some(at);
            turn.state = TurnState::Failed { class: None, code: code.to_owned(), message };
        }
        self.point(at, 0, 0, 0);
    }

    pub(super) fn charged(
        &mut self,
        turn: u32,
        at: u64,
        tokens: u64,
        money: (Money, Money),
        known: bool,
    ) {
        let (spend, excess) = money;
        let all = spend.0.saturating_add(excess.0);
        let mut work = None;
        if let Some(turn) = self.turn(turn) {
            (turn.tokens, turn.spend, turn.known) = (tokens, all, known);
            work = Some(turn.work);
        }
        let spent = &mut self.run.works[place(work.unwrap_or(Work::Analyze))].spent;
        spent.tokens = spent.tokens.saturating_add(tokens);
        spent.spend = Money(spent.spend.0.saturating_add(all));
        self.point(at, tokens, all, 0);
    }

    pub(super) fn point(&mut self, at: u64, tokens: u64, spend: u64, reserved: u64) {
        let last = self.run.spend.last();
        let (spent, had) = last.map_or((0, 0), |last| (last.spend, last.tokens));
        self.run.spend.push(SpendPoint {
            at,
            spend: spent.saturating_add(spend),
            tokens: had.saturating_add(tokens),
            reserved,
        });
    }
}
