//! What a session wants done, and what the conversation holds that it wants said.

use crate::call::{Call, CallId, ModelCall};
use crate::event::Decision;
use crate::stop::StopReason;
use crate::tested::TestsSaid;

/// What the conversation holds, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// The step's words.
    User(String),
    /// A call the host made in the model's place, to put its answer before it.
    ContextCall(ModelCall),
    /// An item of a response, byte for byte.
    Output(String),
    /// What came of a call.
    CallOutput {
        /// The provider's id of the call.
        call_id: String,
        /// JSON.
        output: String,
    },
}

impl Item {
    pub(crate) fn bytes(&self) -> u64 {
        /// What the provider wraps around an item, in bytes, at most.
        const WRAPPING: usize = 200;
        let text = match self {
            Self::User(text) | Self::Output(text) => text.len(),
            Self::ContextCall(call) => call.tool.len() + call.arguments.len() + call.call_id.len(),
            Self::CallOutput { call_id, output } => call_id.len() + output.len(),
        };
        (text + WRAPPING) as u64
    }
}

/// A request to the model. The conversation itself is [`Session::conversation`] or, where the
/// server remembers nothing, [`Session::replayable`].
///
/// [`Session::conversation`]: crate::Session::conversation
/// [`Session::replayable`]: crate::Session::replayable
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Which turn.
    pub turn: u32,
    /// Which try of it, counted from 1.
    pub try_number: u32,
    /// The most tokens its response may have.
    pub max_output_tokens: u64,
    /// Whether only the host's own tools may be offered.
    pub wrap_up: bool,
    /// Milliseconds to wait before.
    pub after_ms: u64,
    /// From how many tokens of context on the server should compact it. None while the context is
    /// far from the model's window, or the window is unknown.
    pub compact_at: Option<u64>,
}

/// What the session wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "the largest one is there once a round of tests")]
pub enum Effect {
    /// Write a decision down.
    Emit(Decision),
    /// Run the step's own tests; answered by [`Input::TestsFinished`].
    ///
    /// [`Input::TestsFinished`]: crate::Input::TestsFinished
    RunTests {
        /// 0 without a patch, then counted from 1.
        round: u32,
        /// How often the round's command has run before, with the same files.
        again: u32,
    },
    /// Carry a call out; answered by [`Input::CallAnswered`].
    ///
    /// [`Input::CallAnswered`]: crate::Input::CallAnswered
    Call(Call),
    /// Look at a patch; answered by [`Input::PatchJudged`].
    ///
    /// [`Input::PatchJudged`]: crate::Input::PatchJudged
    Judge {
        /// The call that proposes it.
        call: CallId,
        /// As the model wrote it.
        patch: String,
    },
    /// Let a gate look at what the tests of a patch said; answered by [`Input::TestsJudged`].
    ///
    /// [`Input::TestsJudged`]: crate::Input::TestsJudged
    JudgeTests {
        /// Which round, counted from 1.
        round: u32,
        /// Whether the command came to an end by itself.
        ran: bool,
        /// What they said without a patch, where they ran.
        before: Option<TestsSaid>,
        /// What they said with the patch.
        after: TestsSaid,
    },
    /// Ask the model; answered by [`Input::TurnRequested`] and what comes of it, or by
    /// [`Input::ScopeRefused`] or [`Input::LedgerFailed`] when nothing may be sent.
    ///
    /// [`Input::TurnRequested`]: crate::Input::TurnRequested
    /// [`Input::ScopeRefused`]: crate::Input::ScopeRefused
    /// [`Input::LedgerFailed`]: crate::Input::LedgerFailed
    Ask(Ask),
    /// Give up the response that is under way.
    AbortTurn,
    /// End the run of the step's own tests that is under way.
    AbortTests,
    /// Write the artifacts and end.
    Finish(StopReason),
}

/// What a resume may do with an effect whose end was not recorded. One whose end was is never
/// carried out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectClass {
    /// Touches nothing outside: it is carried out again, and nobody can tell.
    Pure,
    /// Touches only what is made anew each time (a scratch tree, the artifacts): it is carried
    /// out again from the start.
    Repeatable,
    /// May have been billed: it is charged at the most it can have cost, and never sent again as
    /// it was. The turn may be asked for in another try, if what is left covers that.
    AtMostOnce,
}

impl Effect {
    /// What a resume may do with it while it is open.
    pub fn class(&self) -> EffectClass {
        match self {
            Self::Emit(_)
            | Self::Call(_)
            | Self::Judge { .. }
            | Self::JudgeTests { .. }
            | Self::AbortTurn
            | Self::AbortTests => EffectClass::Pure,
            Self::RunTests { .. } | Self::Finish(_) => EffectClass::Repeatable,
            Self::Ask(_) => EffectClass::AtMostOnce,
        }
    }

    /// Whether it begins something, and is not only a note or an end.
    pub(crate) fn begins(&self) -> bool {
        match self {
            Self::RunTests { .. }
            | Self::Call(_)
            | Self::Judge { .. }
            | Self::JudgeTests { .. }
            | Self::Ask(_) => true,
            Self::Emit(_) | Self::AbortTurn | Self::AbortTests | Self::Finish(_) => false,
        }
    }
}
