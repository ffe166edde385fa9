//! Value checks: an author's rules over the facts of a run, that tell when it is not worth going on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::state::Phase;

/// The most checks of a step: more is a program, not a list of rules.
pub const CHECKS_MAX: usize = 32;
/// The most conditions of one check.
pub const CONDITIONS_MAX: usize = 8;

/// What happens when all conditions hold at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Check {
    /// Its name, for people and for whoever approves; one a step.
    pub name: String,
    /// All of these must hold; a check without any never fires.
    pub when: Vec<Condition>,
    /// What happens then.
    pub then: Action,
}

/// What a check does. Each does it once a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The run is over.
    Stop,
    /// The run ends and waits for a human. A response under way is paid for: it is taken first.
    Ask,
    /// The operator reads of it.
    Warn,
}

/// One condition on one fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Condition {
    /// How much of something there is.
    Quantity {
        /// Of what.
        fact: Quantity,
        /// Compared how.
        op: Op,
        /// With how much, in the fact's own unit.
        value: u64,
    },
    /// How far the step has come.
    Phase {
        /// Compared how: later phases are more.
        op: Op,
        /// With which.
        phase: Phase,
    },
    /// Whether the analysis names a test.
    NamesFailingTest {
        /// What must be the case.
        is: bool,
    },
}

/// How a fact is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// The fact is the value or more.
    AtLeast,
    /// The fact is the value or less.
    AtMost,
    /// The fact is the value.
    Is,
}

/// A fact that is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// Milliseconds of this attempt.
    TimeMs,
    /// Milliseconds of this attempt in the current work.
    WorkTimeMs,
    /// Milliseconds of this attempt since the step last got on: came to a phase, took an
    /// analysis, had a patch judged.
    SinceProgressMs,
    /// Responses that completed.
    Turns,
    /// Those of them since the step last got on.
    TurnsSinceProgress,
    /// Tool calls started, cached answers included.
    Calls,
    /// Money settled, in millionths of a dollar.
    Spend,
    /// Tokens settled, both ways.
    Tokens,
    /// Files that the last patch touches, whether or not the gates let it out.
    PatchFiles,
    /// Lines that it adds or removes.
    PatchLines,
    /// Patches judged.
    PatchTries,
    /// Rounds of the step's own tests, the one before not counted.
    TestRounds,
}

impl Quantity {
    /// Every one of them.
    pub const ALL: [Self; 12] = [
        Self::TimeMs,
        Self::WorkTimeMs,
        Self::SinceProgressMs,
        Self::Turns,
        Self::TurnsSinceProgress,
        Self::Calls,
        Self::Spend,
        Self::Tokens,
        Self::PatchFiles,
        Self::PatchLines,
        Self::PatchTries,
        Self::TestRounds,
    ];

    /// Whether it grows though nothing happens.
    pub fn is_time(self) -> bool {
        matches!(self, Self::TimeMs | Self::WorkTimeMs | Self::SinceProgressMs)
    }

    /// What people read.
    pub fn name(self) -> &'static str {
        match self {
            Self::TimeMs => "milliseconds",
            Self::WorkTimeMs => "milliseconds in this work",
            Self::SinceProgressMs => "milliseconds since progress",
            Self::Turns => "turns",
            Self::TurnsSinceProgress => "turns since progress",
            Self::Calls => "calls",
            Self::Spend => "micro-dollars spent",
            Self::Tokens => "tokens",
            Self::PatchFiles => "files in the patch",
            Self::PatchLines => "lines in the patch",
            Self::PatchTries => "patches judged",
            Self::TestRounds => "test rounds",
        }
    }
}

/// What checks are held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) time_ms: u64,
    pub(crate) work_time_ms: u64,
    pub(crate) since_progress_ms: u64,
    pub(crate) turns: u64,
    pub(crate) turns_since_progress: u64,
    pub(crate) calls: u64,
    pub(crate) spend: u64,
    pub(crate) tokens: u64,
    pub(crate) patch_files: u64,
    pub(crate) patch_lines: u64,
    pub(crate) patch_tries: u64,
    pub(crate) test_rounds: u64,
    pub(crate) phase: Phase,
    pub(crate) names_failing_test: bool,
}

impl Facts {
    fn get(&self, fact: Quantity) -> u64 {
        match fact {
            Quantity::TimeMs => self.time_ms,
            Quantity::WorkTimeMs => self.work_time_ms,
            Quantity::SinceProgressMs => self.since_progress_ms,
            Quantity::Turns => self.turns,
            Quantity::TurnsSinceProgress => self.turns_since_progress,
            Quantity::Calls => self.calls,
            Quantity::Spend => self.spend,
            Quantity::Tokens => self.tokens,
            Quantity::PatchFiles => self.patch_files,
            Quantity::PatchLines => self.patch_lines,
            Quantity::PatchTries => self.patch_tries,
            Quantity::TestRounds => self.test_rounds,
        }
    }
}

impl Op {
    fn holds<T: Ord + Copy>(self, fact: T, value: T) -> bool {
        match self {
            Self::AtLeast => fact >= value,
            Self::AtMost => fact <= value,
            Self::Is => fact == value,
        }
    }
}

impl Condition {
    fn holds(&self, facts: &Facts) -> bool {
        match *self {
            Self::Quantity { fact, op, value } => op.holds(facts.get(fact), value),
            Self::Phase { op, phase } => op.holds(facts.phase, phase),
            Self::NamesFailingTest { is } => facts.names_failing_test == is,
        }
    }

    /// From how many milliseconds on, and until how many, it holds if nothing happens.
    fn holds_within(&self, facts: &Facts) -> Option<(u64, u64)> {
        match *self {
            Self::Quantity { fact, op, value } if fact.is_time() => {
                let until = value.checked_sub(facts.get(fact));
                match op {
                    Op::AtLeast => Some((until.unwrap_or(0), u64::MAX)),
                    Op::AtMost => until.map(|until| (0, until)),
                    Op::Is => until.map(|until| (until, until)),
                }
            }
            Self::Quantity { .. } | Self::Phase { .. } | Self::NamesFailingTest { .. } => {
                self.holds(facts).then_some((0, u64::MAX))
            }
        }
    }

    fn because(&self, facts: &Facts) -> String {
        match *self {
            Self::Quantity { fact, op, value } => {
                format!("{} {}, {op} {value}", facts.get(fact), fact.name())
            }
            Self::Phase { op, phase } => format!("phase {}, {op} {phase}", facts.phase),
            Self::NamesFailingTest { is: true } => "a failing test is named".to_owned(),
            Self::NamesFailingTest { is: false } => "no failing test is named".to_owned(),
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtLeast => "at least",
            Self::AtMost => "at most",
            Self::Is => "exactly",
        })
    }
}

impl Check {
    pub(crate) fn holds(&self, facts: &Facts) -> bool {
        !self.when.is_empty() && self.when.iter().all(|condition| condition.holds(facts))
    }

    /// In how many milliseconds it holds if nothing happens until then.
    pub(crate) fn holds_in(&self, facts: &Facts) -> Option<u64> {
        if self.when.is_empty() {
            return None;
        }
        let within = self.when.iter().try_fold((0, u64::MAX), |(from, until), condition| {
            let (f, u) = condition.holds_within(facts)?;
            Some((from.max(f), until.min(u)))
        });
        within.filter(|(from, until)| from <= until).map(|(from, _)| from)
    }

    /// The facts that make it hold.
    pub(crate) fn because(&self, facts: &Facts) -> String {
        let parts: Vec<String> = self.when.iter().map(|one| one.because(facts)).collect();
        parts.join("; ")
    }
}
