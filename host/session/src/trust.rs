//! Whose word something is, and what a run may do whose inputs are of such.
//!
//! Every input of a run has a label; a run is worth as much as the least of what enters it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose word something is, the least first.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Anybody's: a pull request from a fork, an issue, a comment; and whatever nobody can tell.
    Stranger,
    /// What a tool or a model made of things: no better than what it read, and no worse than a head.
    Output,
    /// The change under test, of somebody who may write to the repository.
    Head,
    /// Somebody who may write to the repository, in the name of it: a push, a schedule.
    Member,
    /// What is merged: the base commit with its step file.
    Base,
    /// Whoever runs the program on a machine of their own.
    Operator,
}

/// Something that a run does only for those who may ask it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Tools see variables of the environment.
    ShowEnvironmentToTools,
    /// The step's own tests get variables that the step names besides the usual ones.
    PassEnvironmentToTests,
    /// The step file and the tools' components may be those of the head.
    TakeStepFromHead,
    /// What tools answered is offered to other runs as true.
    VouchForAnswers,
    /// Spans and metrics go where the environment says, which a change may have written.
    SendTelemetry,
}

impl Trust {
    /// Of two things together.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        self.min(other)
    }

    /// Whether a run of that worth may do it.
    pub fn may(self, what: Capability) -> bool {
        let least = match what {
            Capability::ShowEnvironmentToTools
            | Capability::PassEnvironmentToTests
            | Capability::TakeStepFromHead
            | Capability::VouchForAnswers
            | Capability::SendTelemetry => Self::Head,
        };
        self >= least
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stranger => "stranger",
            Self::Output => "output",
            Self::Head => "head",
            Self::Member => "member",
            Self::Base => "base",
            Self::Operator => "operator",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Trust; 6] =
        [Trust::Stranger, Trust::Output, Trust::Head, Trust::Member, Trust::Base, Trust::Operator];
    const CAPABILITIES: [Capability; 5] = [
        Capability::ShowEnvironmentToTools,
        Capability::PassEnvironmentToTests,
        Capability::TakeStepFromHead,
        Capability::VouchForAnswers,
        Capability::SendTelemetry,
    ];

    fn trust() -> impl Strategy<Value = Trust> {
        prop::sample::select(ALL.to_vec())
    }

    proptest! {
        #[test]
        fn nothing_that_enters_a_run_lets_it_do_more(
            inputs in prop::collection::vec(trust(), 1..8),
            more in trust(),
        ) {
            let of = |inputs: &[Trust]| inputs.iter().copied().fold(Trust::Operator, Trust::join);
            let before = of(&inputs);
            let after = before.join(more);
            prop_assert!(after <= before && after <= more);
            for what in CAPABILITIES {
                prop_assert!(before.may(what) || !after.may(what));
            }
        }
    }

    #[test]
    fn a_stranger_may_nothing_and_an_operator_everything() {
        assert!(!CAPABILITIES.iter().any(|what| Trust::Stranger.may(*what)));
        assert!(CAPABILITIES.iter().all(|what| Trust::Operator.may(*what)));
    }
}
