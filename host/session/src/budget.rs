//! What a step may spend: ceilings, reservations, and the meter that holds one against the other.
//!
//! Worst case is reserved before anything is sent; what comes back settles it. At every moment
//! settled + reserved is at most the ceiling, for each work and for the step.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use crate::price::{Price, Usage};

/// An amount of money in millionths of a US dollar.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Money(pub u64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whether it is nothing.
    pub(crate) fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}.{:04}", self.0 / 1_000_000, self.0 % 1_000_000 / 100)
    }
}

/// A stretch of work with ceilings of its own.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// From INIT to CONTEXT_READY: the tests before, and the context tools.
    Context,
    /// From CONTEXT_READY to ANALYZED: finding out.
    Analyze,
    /// From ANALYZED to PATCH_PROPOSED, and the repair rounds.
    Patch,
    /// From PATCH_PROPOSED to TESTED: the step's own tests.
    Verify,
}

impl Work {
    /// Every work, in order.
    pub const ALL: [Self; 4] = [Self::Context, Self::Analyze, Self::Patch, Self::Verify];
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Context => "context",
            Self::Analyze => "analyze",
            Self::Patch => "patch",
            Self::Verify => "verify",
        })
    }
}

/// The ceilings of one work. There is no "unlimited".
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ceiling {
    /// Milliseconds in all.
    pub time_ms: u64,
    /// Milliseconds without progress of a turn: text, arguments, items; not keepalives.
    pub idle_ms: u64,
    /// Tokens both ways, as billed.
    pub tokens: u64,
    /// Money.
    pub spend: Money,
    /// Tool calls started, cached answers included.
    pub calls: u64,
}

/// The ceilings of a step.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Budgets {
    /// Of [`Work::Context`].
    pub context: Ceiling,
    /// Of [`Work::Analyze`].
    pub analyze: Ceiling,
    /// Of [`Work::Patch`].
    pub patch: Ceiling,
    /// Of [`Work::Verify`].
    pub verify: Ceiling,
    /// Money for the whole step, whatever the works may still have.
    pub step_spend: Money,
}

impl Budgets {
    /// The ceilings of `work`.
    pub fn of(&self, work: Work) -> &Ceiling {
        match work {
            Work::Context => &self.context,
            Work::Analyze => &self.analyze,
            Work::Patch => &self.patch,
            Work::Verify => &self.verify,
        }
    }
}

/// A kind of thing that can run out.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// Tokens of a work.
    Tokens,
    /// Money of a work.
    Spend,
    /// Money of the step.
    StepSpend,
    /// Tool calls of a work.
    Calls,
}

/// A cost that a budget could not bear. The meter is left as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{work} needs {needed} {resource:?}, {left} left")]
pub struct Exhausted {
    /// Whose ceiling it is.
    pub work: Work,
    /// What ran out.
    pub resource: Resource,
    /// What it would have taken.
    pub needed: u64,
    /// What was left.
    pub left: u64,
}

/// The worst case of a request, set aside until its usage is known.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reservation {
    /// Whose ceiling it counts against.
    pub work: Work,
    /// Tokens both ways, at most.
    pub tokens: u64,
    /// Money, at most.
    pub spend: Money,
}

/// What was spent on one work.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Spent {
    /// Tokens settled.
    pub tokens: u64,
    /// Money settled.
    pub spend: Money,
    /// Calls started.
    pub calls: u64,
}

/// What a request came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// What was charged, within the ceilings.
    pub charged: Spent,
    /// Money beyond what was left of them: a server reported more than was asked for at most. It
    /// is paid all the same.
    pub excess: Money,
}

/// [`Budgets`] that are being spent.
#[derive(Debug, Clone)]
pub struct Meter {
    budgets: Budgets,
    // Invariant: for each work, spent + reserved is at most its ceiling; over all, at most
    // `step_spend`.
    spent: BTreeMap<Work, Spent>,
    // What servers reported beyond any ceiling. The step has that much less.
    excess: Money,
    reserved: Option<Reservation>,
}

impl Meter {
    /// A meter at zero.
    pub fn new(budgets: Budgets) -> Self {
        Self { budgets, spent: BTreeMap::new(), excess: Money::ZERO, reserved: None }
    }

    /// The ceilings.
    pub fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    /// What was spent on `work`.
    pub fn spent(&self, work: Work) -> Spent {
        self.spent.get(&work).copied().unwrap_or_default()
    }

    /// What was spent on everything.
    pub fn total(&self) -> Spent {
        self.spent.values().fold(Spent::default(), |sum, line| Spent {
            tokens: sum.tokens.saturating_add(line.tokens),
            spend: sum.spend.plus(line.spend),
            calls: sum.calls.saturating_add(line.calls),
        })
    }

    /// Money that servers reported beyond what was left of the ceilings.
    pub fn excess(&self) -> Money {
        self.excess
    }

    /// Money that the step still has.
    pub fn step_left(&self) -> Money {
        self.budgets.step_spend.minus(self.total().spend).minus(self.excess)
    }

    /// Tokens and money that a request of `work` may still reserve.
    pub fn left(&self, work: Work) -> (u64, Money) {
        let ceiling = self.budgets.of(work);
        let spent = self.spent(work);
        (
            ceiling.tokens.saturating_sub(spent.tokens),
            ceiling.spend.minus(spent.spend).min(self.step_left()),
        )
    }

    /// Charges one call, or refuses it.
    pub fn charge_call(&mut self, work: Work) -> Result<(), Exhausted> {
        let limit = self.budgets.of(work).calls;
        let line = self.spent.entry(work).or_default();
        if line.calls >= limit {
            return Err(Exhausted { work, resource: Resource::Calls, needed: 1, left: 0 });
        }
        line.calls += 1;
        Ok(())
    }

    /// Sets the worst case of a request aside, or refuses the whole of it.
    ///
    /// # Panics
    /// When a reservation is open: one request is in flight at a time.
    pub fn reserve(
        &mut self,
        work: Work,
        tokens: u64,
        spend: Money,
    ) -> Result<Reservation, Exhausted> {
        assert!(self.reserved.is_none(), "one request is in flight at a time");
        let ceiling = self.budgets.of(work);
        let spent = self.spent(work);
        let lines = [
            (Resource::Tokens, tokens, ceiling.tokens.saturating_sub(spent.tokens)),
            (Resource::Spend, spend.0, ceiling.spend.minus(spent.spend).0),
            (Resource::StepSpend, spend.0, self.step_left().0),
        ];
        if let Some((resource, needed, left)) =
            lines.into_iter().find(|(_, need, left)| need > left)
        {
            return Err(Exhausted { work, resource, needed, left });
        }
        let reservation = Reservation { work, tokens, spend };
        self.reserved = Some(reservation);
        Ok(reservation)
    }

    /// Settles the open reservation with what was used; `None` is charged at the reserved most.
    ///
    /// A server that reports more than it was asked for at most takes what is left of the
    /// ceiling, so that nothing more is sent; what is beyond even that is kept apart, and the step
    /// has as much less, so that another work does not spend it again.
    pub fn settle(&mut self, used: Option<(u64, Money)>) -> Settled {
        let Some(reservation) = self.reserved.take() else { return Settled::default() };
        let (tokens, spend) = used.unwrap_or((reservation.tokens, reservation.spend));
        let (tokens_left, spend_left) = self.left(reservation.work);
        let charged =
            Spent { tokens: tokens.min(tokens_left), spend: spend.min(spend_left), calls: 0 };
        let line = self.spent.entry(reservation.work).or_default();
        line.tokens = line.tokens.saturating_add(charged.tokens);
        line.spend = line.spend.plus(charged.spend);
        let excess = spend.minus(charged.spend);
        self.excess = self.excess.plus(excess);
        Settled { charged, excess }
    }

    /// Gives the open reservation back: nothing was sent.
    pub fn release(&mut self) {
        self.reserved = None;
    }

    /// Whether a reservation is open.
    pub fn is_reserved(&self) -> bool {
        self.reserved.is_some()
    }

    /// The worst case that is set aside now.
    pub fn reservation(&self) -> Option<Reservation> {
        self.reserved
    }

    /// Money reserved now.
    pub fn reserved(&self) -> Money {
        self.reserved.map_or(Money::ZERO, |reservation| reservation.spend)
    }
}

#[cfg(test)]
mod tests;
