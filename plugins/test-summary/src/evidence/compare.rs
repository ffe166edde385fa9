//! What was expected and what came instead, where a message says so in one of the usual ways.

/// Two sides, as labels that begin a line. The first two of these that are both there are it.
const LABELS: &[(&str, &str)] = &[
    // Rust: `assert_eq!` calls the sides left and right and leaves open which is which; the
    // first is by habit what came.
    ("right:", "left:"),
    ("expected:", "actual:"),
    ("Expected:", "Received:"),
    ("Expected:", "Actual:"),
    ("expected:", "received:"),
    ("expected:", "got:"),
    ("want:", "got:"),
    ("expected substring:", "panic message:"),
    ("Expected value to deeply and strictly equal to:", "Received:"),
];
/// One sentence with both sides: what stands before, between and after them.
const SENTENCES: &[(&str, &str, &str)] = &[
    // JUnit 4 and 5, Hamcrest, AssertJ.
    ("expected:<", "> but was:<", ">"),
    ("expected: <", "> but was: <", ">"),
];

/// Expected and actual, each where it is said.
pub(super) fn sides(title: &str, body: &str) -> (Option<String>, Option<String>) {
    for text in [title, body] {
        for (before, between, after) in SENTENCES {
            if let Some((_, rest)) = text.split_once(before)
                && let Some((expected, rest)) = rest.split_once(between)
                && let Some((actual, _)) = rest.rsplit_once(after)
            {
                let actual = actual.lines().next().unwrap_or_default().trim_end_matches('>');
                return (Some(expected.to_owned()), Some(actual.to_owned()));
            }
        }
    }
    for (expected, actual) in LABELS {
        let sides = (labelled(body, expected), labelled(body, actual));
        if let (Some(_), Some(_)) = &sides {
            return sides;
        }
    }
    difference(body).map_or((None, None), |(expected, actual)| (Some(expected), Some(actual)))
}

/// Jest and vitest show the lines that differ, under a heading that says which side is which.
fn difference(body: &str) -> Option<(String, String)> {
    let (_, lines) = body.split_once("- Expected")?;
    let (_, lines) = lines.split_once("+ Received")?;
    let side = |sign: char| {
        let lines = lines.lines().filter_map(|line| line.trim_start().strip_prefix(sign));
        let side = lines.map(str::trim).collect::<Vec<_>>().join("\n");
        side.trim_end_matches(',').to_owned()
    };
    let (expected, actual) = (side('-'), side('+'));
    (!expected.is_empty() || !actual.is_empty()).then_some((expected, actual))
}

/// What follows a label on its line, or on the next when the line ends with it.
fn labelled(body: &str, label: &str) -> Option<String> {
    let mut lines = body.lines();
    let rest = lines.by_ref().find_map(|line| line.trim_start().strip_prefix(label))?.trim();
    let said = if rest.is_empty() { lines.next()?.trim() } else { rest };
    // Node prints an object's fields, each with a comma.
    let said = said.trim_end_matches(',');
    (!said.is_empty()).then(|| said.to_owned())
}
