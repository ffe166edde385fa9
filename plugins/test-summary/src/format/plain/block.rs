//! Where a log begins to say what failed: a heading with a name, as runners write it.

use crate::format::number::milliseconds;
use crate::report::Kind;

/// What the lines stand in.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    #[default]
    Nothing,
    /// `1) a name`, as Mocha, `RSpec` and `PHPUnit` number failures.
    Numbered,
    /// `✖ a name (2ms)`, as node lists them in the end.
    Marked,
}

/// The heading of a failure.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) duration_ms: Option<u64>,
    /// Whether the name may go on in the next lines.
    pub(super) goes_on: bool,
    /// Whether only lines that are indented belong to it.
    pub(super) indented: bool,
}

/// Which list begins or ends here.
pub(super) fn listing(line: &str, before: Listing) -> Listing {
    let word = line.trim();
    let is_mocha = line.starts_with("  ")
        && word.strip_suffix(" failing").is_some_and(|n| n.parse::<u64>().is_ok());
    let is_phpunit = (word.starts_with("There was ") || word.starts_with("There were "))
        && [" failure:", " failures:", " error:", " errors:"].iter().any(|end| word.ends_with(end));
    if word == "✖ failing tests:" {
        Listing::Marked
    } else if is_mocha || is_phpunit || line == "Failures:" {
        Listing::Numbered
    } else if matches!(line, "FAILURES!" | "ERRORS!" | "Failed examples:") {
        Listing::Nothing
    } else {
        before
    }
}

/// What fails, if a line is a heading.
pub(super) fn heading(line: &str, listing: Listing) -> Option<Heading> {
    let plain = |name: &str, kind: Kind| {
        let name = name.trim().to_owned();
        (!name.is_empty()).then_some(Heading {
            name,
            kind,
            duration_ms: None,
            goes_on: false,
            indented: false,
        })
    };
    if let Some(name) = go_failed(line) {
        let (name, took) = name;
        return Some(Heading { duration_ms: took, indented: true, ..plain(name, Kind::Failure)? });
    }
    let trimmed = line.trim_start();
    // Jest heads a test by where it stands, and what is no test by a sentence.
    if let Some(name) = trimmed.strip_prefix("● ").filter(|name| name.contains(" › ")) {
        return plain(name, Kind::Failure);
    }
    if let Some(name) = trimmed.strip_prefix("FAIL  ").filter(|name| name.contains(" > ")) {
        return plain(name, Kind::Failure);
    }
    // unittest: `FAIL: test_x (tests.TestX.test_x)`
    for (word, kind) in [("FAIL: ", Kind::Failure), ("ERROR: ", Kind::Error)] {
        if let Some(name) = line.strip_prefix(word).filter(|name| is_unittest(name)) {
            return plain(name, kind);
        }
    }
    // Maven: `[ERROR] com.acme.FooTest.bar -- Time elapsed: 0.01 s <<< FAILURE!`
    for (end, kind) in [("<<< FAILURE!", Kind::Failure), ("<<< ERROR!", Kind::Error)] {
        if let Some(name) =
            line.trim_end().strip_suffix(end).filter(|name| !name.contains("Tests run:"))
        {
            let name = name.strip_prefix("[ERROR] ").unwrap_or(name);
            let name = name.split(" -- Time elapsed").next().unwrap_or_default();
            return plain(name.split("  Time elapsed").next().unwrap_or_default(), kind);
        }
    }
    match listing {
        Listing::Nothing => None,
        Listing::Numbered => {
            let (number, name) = trimmed.split_once(") ")?;
            number.parse::<u32>().ok()?;
            let goes_on = line.starts_with("  ") && !name.contains("::");
            Some(Heading { goes_on, ..plain(name, Kind::Failure)? })
        }
        Listing::Marked => {
            let (name, took) = trimmed.strip_prefix("✖ ")?.rsplit_once(" (")?;
            let ms = took.strip_suffix("ms)")?.parse().ok();
            let duration_ms = ms.and_then(crate::format::number::from_milliseconds);
            Some(Heading { duration_ms, ..plain(name, Kind::Failure)? })
        }
    }
}

/// `test_x (tests.TestX.test_x)`
fn is_unittest(name: &str) -> bool {
    let parts = name.strip_suffix(')').and_then(|name| name.split_once(" ("));
    parts.is_some_and(|(test, path)| !test.contains(' ') && !path.contains([' ', '(']))
}

/// What is said of a failure ends before such a line.
pub(super) fn ends(line: &str) -> bool {
    let begins = [
        "=====",
        "⎯⎯⎯",
        "Ran ",
        "[INFO]",
        "[ERROR]",
        "FAILURES!",
        "ERRORS!",
        "Finished in ",
        "test at ",
        "Tests:",
        "Failed examples:",
        " Test Files ",
        "FAIL\t",
        "ok  \t",
        "Test Suites:",
    ];
    begins.iter().any(|begin| line.starts_with(begin))
}

/// `    --- FAIL: TestA/b (0.00s)`
fn go_failed(line: &str) -> Option<(&str, Option<u64>)> {
    go(line, "--- FAIL: ")
}

/// A test of Go with this mark, and how long it took.
pub(super) fn go<'a>(line: &'a str, mark: &str) -> Option<(&'a str, Option<u64>)> {
    let (name, took) = line.trim_start().strip_prefix(mark)?.rsplit_once(" (")?;
    Some((name, milliseconds(took.strip_suffix("s)")?)))
}
