//! The line in which a runner says how many tests passed and failed.

use crate::format::number::milliseconds;

/// What such lines say, together.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
    pub(super) took_ms: Option<u64>,
}

impl Totals {
    /// Takes what a line says; false where it is no such line.
    pub(super) fn read(&mut self, line: &str) -> bool {
        let found = jest(line)
            .or_else(|| vitest(line))
            .or_else(|| maven(line))
            .or_else(|| phpunit(line))
            .or_else(|| rspec(line))
            .or_else(|| one(line));
        if let Some(found) = found {
            self.add(found);
            return true;
        }
        // `Ran 5 tests in 0.001s` and `FAILED (failures=1, skipped=1)` are lines of one run.
        if let Some((tests, took_ms)) = unittest_ran(line) {
            self.add(Self { passed: tests, took_ms, ..Self::default() });
            return true;
        }
        if let Some(Self { failed, skipped, .. }) = unittest_end(line) {
            self.passed = self.passed.saturating_sub(failed.saturating_add(skipped));
            self.add(Self { failed, skipped, ..Self::default() });
            return true;
        }
        false
    }

    fn add(&mut self, more: Self) {
        self.passed = self.passed.saturating_add(more.passed);
        self.failed = self.failed.saturating_add(more.failed);
        self.skipped = self.skipped.saturating_add(more.skipped);
        if let Some(ms) = more.took_ms {
            self.took_ms = Some(self.took_ms.unwrap_or(0).saturating_add(ms));
        }
    }

    fn count(&mut self, count: u64, word: &str) {
        let to = match word {
            "passed" | "passing" | "pass" => &mut self.passed,
            "failed" | "failing" | "fail" | "cancelled" => &mut self.failed,
            "skipped" | "pending" | "todo" => &mut self.skipped,
            _ => return,
        };
        *to = to.saturating_add(count);
    }
}

/// Counts with a word each: `1 failed, 2 passed, 3 total`.
fn counted(parts: &str, separator: &str) -> Option<Totals> {
    let mut totals = Totals::default();
    for part in parts.split(separator) {
        let (count, word) = part.trim().split_once(' ')?;
        totals.count(count.parse().ok()?, word.split(' ').next().unwrap_or_default());
    }
    Some(totals)
}

/// `Tests:       1 failed, 2 passed, 3 total`
fn jest(line: &str) -> Option<Totals> {
    let rest = line.strip_prefix("Tests: ")?.trim();
    if rest.ends_with(" total") { counted(rest, ", ") } else { None }
}

/// `      Tests  1 failed | 2 passed | 1 skipped (4)`
fn vitest(line: &str) -> Option<Totals> {
    let rest = line.trim().strip_prefix("Tests  ")?;
    let (rest, _all) = rest.rsplit_once(" (")?;
    counted(rest, " | ")
}

/// `[ERROR] Tests run: 5, Failures: 1, Errors: 0, Skipped: 1`; the lines of the classes have a
/// time, too.
fn maven(line: &str) -> Option<Totals> {
    let (_level, rest) = line.split_once("Tests run: ")?;
    if rest.contains("Time elapsed") {
        return None;
    }
    let numbers: Vec<u64> = rest
        .split(", ")
        .map(|part| part.rsplit(' ').next().unwrap_or_default().trim())
        .filter_map(|number| number.parse().ok())
        .collect();
    let [tests, failures, errors, skipped] = numbers.as_slice() else { return None };
    let failed = failures.saturating_add(*errors);
    let passed = tests.saturating_sub(failed.saturating_add(*skipped));
    Some(Totals { passed, failed, skipped: *skipped, took_ms: None })
}

/// `Tests: 5, Assertions: 9, Failures: 1, Skipped: 1.`, or `OK (5 tests, 9 assertions)`
fn phpunit(line: &str) -> Option<Totals> {
    if let Some(rest) = line.strip_prefix("OK (") {
        let (tests, rest) = rest.split_once(" test")?;
        return rest
            .contains("assertion")
            .then(|| Totals { passed: tests.parse().unwrap_or(0), ..Totals::default() });
    }
    let rest = line.strip_prefix("Tests: ")?.strip_suffix('.')?;
    let number = |what: &str| {
        let part = rest.split(", ").find_map(|part| part.strip_prefix(what));
        part.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    let tests: u64 = rest.split(',').next()?.parse().ok()?;
    let failed = number("Failures: ").saturating_add(number("Errors: "));
    let skipped = number("Skipped: ").saturating_add(number("Incomplete: "));
    let passed = tests.saturating_sub(failed.saturating_add(skipped));
    Some(Totals { passed, failed, skipped, took_ms: None })
}

/// `3 examples, 1 failure, 1 pending`
fn rspec(line: &str) -> Option<Totals> {
    let (examples, rest) = line.split_once(" example")?;
    let examples: u64 = examples.parse().ok()?;
    let number = |what: &str| {
        let part = rest.split(", ").find(|part| part.contains(what))?;
        part.split(' ').next()?.parse::<u64>().ok()
    };
    let failed = number("failure")?;
    let skipped = number("pending").unwrap_or(0);
    let passed = examples.saturating_sub(failed.saturating_add(skipped));
    Some(Totals { passed, failed, skipped, took_ms: None })
}

/// `  1 passing (5ms)` as Mocha has it, `ℹ pass 1` as node has it.
fn one(line: &str) -> Option<Totals> {
    let mut totals = Totals::default();
    if let Some(rest) = line.strip_prefix("ℹ ") {
        let (word, count) = rest.split_once(' ')?;
        if word == "tests" || word == "suites" || word == "duration_ms" {
            return None;
        }
        totals.count(count.trim().parse().ok()?, word);
        return Some(totals);
    }
    let (count, word) = line.strip_prefix("  ")?.split_once(' ')?;
    let word = word.split(' ').next().unwrap_or_default();
    let is_mocha = matches!(word, "passing" | "failing" | "pending");
    totals.count(count.parse().ok().filter(|_| is_mocha)?, word);
    Some(totals)
}

/// `Ran 5 tests in 0.001s`
fn unittest_ran(line: &str) -> Option<(u64, Option<u64>)> {
    let (tests, took) = line.strip_prefix("Ran ")?.split_once(" test")?;
    let took = took.rsplit(' ').next().unwrap_or_default();
    Some((tests.parse().ok()?, milliseconds(took.trim_end_matches('s'))))
}

/// `FAILED (failures=1, errors=1, skipped=1)`, `OK (skipped=1)`
fn unittest_end(line: &str) -> Option<Totals> {
    let rest = line.strip_prefix("FAILED (").or_else(|| line.strip_prefix("OK ("))?;
    let rest = rest.strip_suffix(')')?;
    let mut totals = Totals::default();
    for part in rest.split(", ") {
        let (word, count) = part.split_once('=')?;
        let count: u64 = count.parse().ok()?;
        match word {
            "failures" | "errors" | "unexpected successes" => {
                totals.failed = totals.failed.saturating_add(count);
            }
            "skipped" => totals.skipped = totals.skipped.saturating_add(count),
            _ => {}
        }
    }
    Some(totals)
}

#[cfg(test)]
mod tests {
    use super::Totals;

    #[test]
    fn the_last_lines_of_runners_are_read() {
        let table: &[(&[&str], [u64; 3])] = &[
            (&["Tests:       1 failed, 2 skipped, 3 passed, 6 total"], [3, 1, 2]),
            (&["      Tests  1 failed | 2 passed | 1 skipped (4)"], [2, 1, 1]),
            (&["[ERROR] Tests run: 5, Failures: 1, Errors: 1, Skipped: 1"], [2, 2, 1]),
            (&["Tests: 5, Assertions: 9, Failures: 1, Skipped: 1."], [3, 1, 1]),
            (&["OK (5 tests, 9 assertions)"], [5, 0, 0]),
            (&["3 examples, 1 failure, 1 pending"], [1, 1, 1]),
            (&["  4 passing (5ms)", "  1 pending", "  2 failing"], [4, 2, 1]),
            (&["ℹ tests 4", "ℹ pass 1", "ℹ fail 1", "ℹ skipped 1", "ℹ todo 1"], [1, 1, 2]),
            (&["Ran 5 tests in 0.001s", "FAILED (failures=1, errors=1, skipped=1)"], [2, 2, 1]),
            (&["Ran 1 test in 0.001s", "OK"], [1, 0, 0]),
            (&["Tests: none", "1 example of many", "Ran away", "  2 dogs"], [0, 0, 0]),
        ];
        for (lines, expected) in table {
            let mut totals = Totals::default();
            lines.iter().for_each(|line| _ = totals.read(line));
            assert_eq!([totals.passed, totals.failed, totals.skipped], *expected, "{lines:?}");
        }
    }
}
