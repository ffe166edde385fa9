//! What a scope may cost, and the one rule that holds spending against it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::{Dimension, MicroDollars, Pattern, Scope};

/// Over which time a cap counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// Everything that was ever spent.
    Total,
    /// One day, each anew.
    Day,
}

impl Period {
    /// The name in the database and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Day => "day",
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "total" => Ok(Self::Total),
            "day" => Ok(Self::Day),
            _ => Err("write `total` or `day`".to_owned()),
        }
    }
}

/// A cap that is kept in the ledger, and holds for everyone who uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// Which scopes. Each of them has the whole amount for itself.
    pub scopes: Pattern,
    /// Over which time.
    pub per: Period,
    /// How much.
    pub amount: MicroDollars,
}

/// The caps that a step brings with it, by dimension: its own scope of each must not cost more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caps(BTreeMap<(Dimension, Period), MicroDollars>);

impl Caps {
    /// No caps but those in the ledger.
    pub fn none() -> Self {
        Self::default()
    }

    /// With one more; of two for the same the lower one holds.
    #[must_use]
    pub fn with(mut self, dimension: Dimension, per: Period, amount: MicroDollars) -> Self {
        let held = self.0.entry((dimension, per)).or_insert(amount);
        *held = amount.min(*held);
        self
    }
}

/// A reservation that would pass a cap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{scope} may cost {cap}{}, {left} is left, and {asked} could be needed", .per.words())]
pub struct Refusal {
    /// Whose cap it is.
    pub scope: Scope,
    /// The cap.
    pub cap: MicroDollars,
    /// Over which time it counts.
    pub per: Period,
    /// What is neither spent nor reserved of it.
    pub left: MicroDollars,
    /// What was asked for.
    pub asked: MicroDollars,
}

impl Period {
    fn words(self) -> &'static str {
        match self {
            Self::Total => "",
            Self::Day => " a day",
        }
    }
}

/// What a scope has cost so far, in all or on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) scope: Scope,
    pub(crate) per: Period,
    pub(crate) reserved: MicroDollars,
    pub(crate) settled: MicroDollars,
}

/// Whether `most` can be reserved on top of `sums`. If not, the scope with the least left says why.
pub(crate) fn judge(
    sums: &[Sum],
    given: &Caps,
    kept: &[Cap],
    most: MicroDollars,
) -> Result<(), Refusal> {
    let refusals = sums.iter().flat_map(|sum| {
        let given = given.0.iter().filter(|((dimension, per), _)| {
            *dimension == sum.scope.dimension() && counts(*per, sum)
        });
        let kept = kept.iter().filter(|cap| cap.scopes.matches(&sum.scope) && counts(cap.per, sum));
        let caps = given.map(|(_, amount)| *amount).chain(kept.map(|cap| cap.amount));
        caps.filter_map(|cap| {
            let left = cap.minus(sum.reserved.plus(sum.settled));
            let refusal =
                Refusal { scope: sum.scope.clone(), cap, per: sum.per, left, asked: most };
            (most > left).then_some(refusal)
        })
    });
    match refusals.min_by_key(|refusal| refusal.left) {
        Some(refusal) => Err(refusal),
        None => Ok(()),
    }
}

/// Whether a cap over `per` is held against this sum. A day's scope has one sum, of itself.
fn counts(per: Period, sum: &Sum) -> bool {
    per == sum.per || sum.scope.dimension() == Dimension::Day
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(dimension: Dimension, name: &str, per: Period, spent: u64) -> Sum {
        let scope = Scope { dimension, repository: String::new(), name: name.to_owned() };
        Sum {
            scope,
            per,
            reserved: MicroDollars(spent / 2),
            settled: MicroDollars(spent - spent / 2),
        }
    }

    fn cap(pattern: &str, per: Period, amount: u64) -> Cap {
        Cap { scopes: pattern.parse().unwrap(), per, amount: MicroDollars(amount) }
    }

    #[track_caller]
    fn check(given: &Caps, kept: &[Cap], most: u64, expected: Option<(&str, u64)>) {
        let sums = [
            sum(Dimension::Repository, "acme/shop", Period::Total, 100),
            sum(Dimension::Repository, "acme/shop", Period::Day, 10),
            sum(Dimension::Day, "2026-11-24", Period::Total, 50),
        ];
        let refused = judge(&sums, given, kept, MicroDollars(most)).err();
        let refused = refused.map(|it| (it.scope.to_string(), it.left.0));
        assert_eq!(refused, expected.map(|(scope, left)| (scope.to_owned(), left)));
    }

    #[test]
    fn every_cap_holds_to_the_last_millionth() {
        let none = Caps::none();
        check(&none, &[], u64::MAX, None);
        let repository = [cap("repository:acme/*", Period::Total, 103)];
        check(&none, &repository, 3, None);
        check(&none, &repository, 4, Some(("repository:acme/shop", 3)));
        let daily = [cap("repository:*", Period::Day, 12), cap("repository:*", Period::Day, 99)];
        check(&none, &daily, 2, None);
        check(&none, &daily, 3, Some(("repository:acme/shop", 2)));
        check(&none, &[cap("repository:acme/other", Period::Total, 0)], 9, None);
        for per in [Period::Total, Period::Day] {
            check(&none, &[cap("day:*", per, 51)], 2, Some(("day:2026-11-24", 1)));
        }
    }

    #[test]
    fn of_a_steps_caps_and_the_ledgers_the_lowest_counts() {
        let amount = MicroDollars(120);
        let given = Caps::none().with(Dimension::Repository, Period::Total, amount);
        let given = given.with(Dimension::Repository, Period::Total, MicroDollars(500));
        let kept = [cap("repository:acme/shop", Period::Total, 110)];
        check(&given, &[], 20, None);
        check(&given, &[], 21, Some(("repository:acme/shop", 20)));
        check(&given, &kept, 21, Some(("repository:acme/shop", 10)));
    }

    #[test]
    fn a_cap_below_what_is_spent_leaves_nothing() {
        let kept = [cap("repository:acme/shop", Period::Total, 7)];
        check(&Caps::none(), &kept, 1, Some(("repository:acme/shop", 0)));
        check(&Caps::none(), &kept, 0, None);
    }
}
