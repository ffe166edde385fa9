//! One line of TAP: a test, or the plan.

/// What a test is marked as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    None,
    Skip,
    /// It is not expected to pass yet.
    Todo,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) ok: bool,
    pub(super) number: Option<u64>,
    pub(super) name: String,
    pub(super) directive: Directive,
}

/// `not ok 3 - a name # TODO why`
pub(super) fn of(line: &str) -> Option<Point> {
    let (ok, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok")?),
    };
    if !(rest.is_empty() || rest.starts_with([' ', '\t', '-', '#'])) {
        return None;
    }
    let rest = rest.trim_start();
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number = rest[..digits].parse().ok();
    let rest = rest[digits..].trim_start();
    let rest = rest.strip_prefix('-').unwrap_or(rest).trim();
    let (name, directive) = directive(rest);
    Some(Point { ok, number, name: name.replace("\\#", "#"), directive })
}

/// `1..4`, and whether everything is skipped.
pub(super) fn plan(line: &str) -> Option<(u64, bool)> {
    let rest = line.strip_prefix("1..")?;
    let (count, comment) = rest.split_once('#').unwrap_or((rest, ""));
    let count = count.trim().parse().ok()?;
    Some((count, count == 0 && comment.trim_start().to_ascii_lowercase().starts_with("skip")))
}

fn directive(text: &str) -> (&str, Directive) {
    for (at, _) in text.match_indices('#').filter(|(at, _)| !text[..*at].ends_with('\\')) {
        let word = text[at + 1..].trim_start().to_ascii_lowercase();
        let name = text[..at].trim_end();
        if word.starts_with("skip") {
            return (name, Directive::Skip);
        }
        if word.starts_with("todo") {
            return (name, Directive::Todo);
        }
    }
    (text, Directive::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_read_however_they_are_written() {
        let table = [
            ("ok", Some((true, None, "", Directive::None))),
            ("ok 2-description 2", Some((true, Some(2), "description 2", Directive::None))),
            ("not ok-no number 11", Some((false, None, "no number 11", Directive::None))),
            ("ok 13 - # SKIP skip 13", Some((true, Some(13), "", Directive::Skip))),
            ("not ok 20 # todo number 20", Some((false, Some(20), "", Directive::Todo))),
            ("ok 1 - a \\# b # c", Some((true, Some(1), "a # b # c", Directive::None))),
            ("okay", None),
            ("not okay", None),
        ];
        for (line, expected) in table {
            let expected = expected.map(|(ok, number, name, directive)| Point {
                ok,
                number,
                name: name.to_owned(),
                directive,
            });
            assert_eq!(of(line), expected, "{line}");
        }
        assert_eq!(plan("1..0 # Skip nothing to do"), Some((0, true)));
        assert_eq!(plan("1..3"), Some((3, false)));
    }
}
