//! How a run differs from the one before: what fails now and did not, and the other way round.

use serde::Serialize;

use crate::report::{Named, Outcome, Outcomes};

/// Names of one kind that are listed; all are counted.
const LISTED_MAX: usize = 20;

/// Both runs, compared by the names of their tests.
#[derive(Debug, Serialize)]
pub(crate) struct Difference {
    pub(crate) newly_failing: Names,
    pub(crate) fixed: Names,
    pub(crate) still_failing: Names,
    /// Tests that the run before did not have, those that fail included.
    pub(crate) new: Names,
    /// Tests that only the run before had.
    pub(crate) vanished: Names,
    /// Why the lists may say too much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) caution: Option<&'static str>,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Names {
    pub(crate) count: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tests: Vec<String>,
}

impl Names {
    fn push(&mut self, test: &Named) {
        self.count += 1;
        if self.tests.len() < LISTED_MAX {
            self.tests.push(test.shown());
        }
    }
}

impl Difference {
    pub(crate) fn of(before: &Outcomes, now: &Outcomes) -> Self {
        let (mut newly_failing, mut fixed, mut still_failing) = <(Names, Names, Names)>::default();
        let (mut new, mut vanished) = <(Names, Names)>::default();
        for (test, outcome) in &now.known {
            let was = before.known.get(test);
            if was.is_none() {
                new.push(test);
            }
            match (was, outcome) {
                (Some(Outcome::Bad), Outcome::Bad) => still_failing.push(test),
                (Some(Outcome::Good | Outcome::Skipped) | None, Outcome::Bad) => {
                    newly_failing.push(test);
                }
                (Some(Outcome::Bad), Outcome::Good) => fixed.push(test),
                (Some(Outcome::Bad), Outcome::Skipped)
                | (
                    Some(Outcome::Good | Outcome::Skipped) | None,
                    Outcome::Good | Outcome::Skipped,
                ) => {}
            }
        }
        before
            .known
            .keys()
            .filter(|test| !now.known.contains_key(test))
            .for_each(|test| vanished.push(test));
        let caution = if before.known.is_empty() {
            Some("the previous reports have no tests with names: everything looks new")
        } else if before.unknown + now.unknown > 0 {
            Some("not every test has a name in these reports, so some may look new or vanished")
        } else {
            None
        };
        Self { newly_failing, fixed, still_failing, new, vanished, caution }
    }
}
