//! What linters and compilers say about lines of code: not tests, so counted apart, by rule.

use std::collections::{BTreeMap, BTreeSet};

use crate::text;

/// The most rules kept apart; the linters there are have some hundreds.
const RULES_MAX: usize = 2_000;
/// The most findings told apart; past these, copies are counted as often as they come.
const DISTINCT_MAX: usize = 50_000;
/// What is kept of a message.
const MESSAGE_LEN_MAX: usize = 400;
/// A path that is longer is none.
const FILE_LEN_MAX: usize = 400;
/// A rule's name.
const RULE_LEN_MAX: usize = 120;

/// How bad it is. The order is that of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Error,
    Warning,
    Note,
}

/// One thing said about one place.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    pub(crate) rule: String,
    pub(crate) message: String,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
    /// Whether its tool can fix it without being asked twice.
    pub(crate) fixable: bool,
}

/// All that was said, by rule.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    // Invariant: at most RULES_MAX.
    pub(crate) rules: BTreeMap<(Level, String), Rule>,
    // Invariant: at most DISTINCT_MAX.
    seen: BTreeSet<Place>,
    /// Findings that were there before: a crate is checked once for itself and once for its tests.
    pub(crate) copies: u64,
    /// Reports of linters, those that found nothing included.
    pub(crate) reports: u64,
}

type Place = (Level, String, Option<String>, Option<u32>, Option<u32>, String);

/// All findings of one rule.
#[derive(Debug, Default)]
pub(crate) struct Rule {
    pub(crate) count: u64,
    pub(crate) fixable: u64,
    /// Of the first.
    pub(crate) message: String,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
}

impl Findings {
    pub(crate) fn add(&mut self, finding: Finding) {
        let Finding { level, rule, message, file, line, column, fixable } = finding;
        let rule = text::cut(&text::plain(&rule).replace('\n', " "), RULE_LEN_MAX);
        let message = text::cut(text::plain(&message).trim(), MESSAGE_LEN_MAX);
        let file = file.map(|file| text::cut(&text::plain(&file).replace('\n', " "), FILE_LEN_MAX));
        let place = (level, rule.clone(), file.clone(), line, column, message.clone());
        if self.seen.contains(&place) {
            self.copies += 1;
            return;
        }
        if self.seen.len() < DISTINCT_MAX {
            self.seen.insert(place);
        }
        let full =
            self.rules.len() == RULES_MAX && !self.rules.contains_key(&(level, rule.clone()));
        let rule = if full { "(others)".to_owned() } else { rule };
        let rule = self.rules.entry((level, rule)).or_insert_with(|| Rule {
            message,
            file,
            line,
            ..Rule::default()
        });
        rule.count += 1;
        rule.fixable += u64::from(fixable);
    }

    pub(crate) fn count(&self, level: Level) -> u64 {
        let of_level = self.rules.iter().filter(|((of, _), _)| *of == level);
        of_level.map(|(_, rule)| rule.count).sum()
    }

    pub(crate) fn fixable(&self) -> u64 {
        self.rules.values().map(|rule| rule.fixable).sum()
    }

    pub(crate) fn total(&self) -> u64 {
        self.rules.values().map(|rule| rule.count).sum()
    }

    /// Errors before warnings, then the most frequent first.
    pub(crate) fn in_order(&self) -> Vec<(Level, &str, &Rule)> {
        let mut rules: Vec<_> =
            self.rules.iter().map(|((level, name), rule)| (*level, name.as_str(), rule)).collect();
        rules.sort_by_key(|(level, name, rule)| (*level, std::cmp::Reverse(rule.count), *name));
        rules
    }
}
