//! What a report shows.

use crate::{Day, MicroDollars, Pattern, Scope, Tokens};

/// What a report is about; everything, without any of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Requests that belong to a scope of each of these patterns.
    pub scopes: Vec<Pattern>,
    /// From this day on.
    pub since: Option<Day>,
    /// Up to this day, and with it.
    pub until: Option<Day>,
}

/// A line of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The scope in each dimension that was asked for, in that order; `None` for requests that
    /// belong to none, such as those of no pull request.
    pub scopes: Vec<Option<Scope>>,
    /// What its requests come to.
    pub totals: Totals,
}

/// What some requests come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Runs that made them. One that went over midnight counts once a day when its days are added
    /// up (`prune`).
    pub runs: u64,
    /// The requests, open ones included.
    pub requests: u64,
    /// Those of them that were charged at what was reserved, because nobody said what they cost.
    pub unknown: u64,
    /// What was charged.
    pub spent: MicroDollars,
    /// What is set aside for requests that are not settled.
    pub reserved: MicroDollars,
    /// What requests are said to have cost beyond their reservations.
    pub excess: MicroDollars,
    /// The tokens of settled requests.
    pub tokens: Tokens,
}
