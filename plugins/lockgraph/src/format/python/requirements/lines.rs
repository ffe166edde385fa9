//! The lines of a requirement file as pip joins them, and the comments that say who needs them.

/// The most lines that say something: four for each package that is read.
pub(super) const LINES_MAX: usize = 400_000;

/// A line with those it is continued by, without comments.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it begins, counted from 1.
    pub(super) number: u32,
    pub(super) text: String,
    /// Who needs it, as `# via` says: below the line, or at its end.
    pub(super) via: Vec<String>,
}

/// The lines that say something, of which there may be one more than are read.
pub(super) fn logical(text: &str) -> Vec<Line> {
    let mut joined = Joined::default();
    for (at, physical) in text.lines().enumerate() {
        joined.take(u32::try_from(at + 1).unwrap_or(u32::MAX), physical);
        if joined.lines.len() > LINES_MAX {
            break;
        }
    }
    joined.lines
}

#[derive(Default)]
struct Joined {
    lines: Vec<Line>,
    /// Whether the last line goes on.
    open: bool,
    /// Whether comments go on saying who needs the last line.
    in_via: bool,
}

impl Joined {
    fn take(&mut self, number: u32, physical: &str) {
        if let Some(comment) = physical.trim_start().strip_prefix('#') {
            self.open = false;
            return self.comment(comment);
        }
        self.in_via = false;
        let (text, comment) = split_comment(physical);
        let (text, goes_on) = match text.strip_suffix('\\') {
            Some(text) if comment.is_none() => (text, true),
            _ => (text, false),
        };
        match self.lines.last_mut().filter(|_| self.open) {
            Some(line) => line.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => {
                self.lines.push(Line { number, text: text.to_owned(), via: Vec::new() });
            }
        }
        self.open = goes_on && (self.open || !text.trim().is_empty());
        if let Some(comment) = comment {
            self.comment(comment);
        }
    }

    fn comment(&mut self, comment: &str) {
        let Some(line) = self.lines.last_mut() else { return };
        let body = comment.trim();
        let begins = body.strip_prefix("via").filter(|rest| {
            rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == ':')
        });
        let goes_on = self.in_via && comment.starts_with("  ");
        self.in_via = begins.is_some() || goes_on;
        let listed = match begins {
            Some(rest) => rest.trim_start_matches(':'),
            None if goes_on => body,
            None => return,
        };
        let users = listed.split(',').map(str::trim).filter(|user| !user.is_empty());
        line.via.extend(users.map(str::to_owned));
    }
}

/// A comment begins at a number sign that stands first or behind a space: addresses have others.
fn split_comment(line: &str) -> (&str, Option<&str>) {
    let is_comment = |&(at, _): &(usize, &str)| line[..at].ends_with(char::is_whitespace);
    match line.match_indices('#').find(is_comment) {
        Some((at, _)) => (line[..at].trim_end(), Some(&line[at + 1..])),
        None => (line.trim_end(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_as_pip_does() {
        let text = "# via nobody\n\na==1 \\\n  --hash=sha256:1 \\\n  # in between\n  --hash=x\nb @ https://h.example/#c # d\nc \\\n";
        let shown: Vec<(u32, String)> =
            logical(text).into_iter().map(|line| (line.number, line.text)).collect();
        let expected = [
            (3, "a==1   --hash=sha256:1 "),
            (6, "  --hash=x"),
            (7, "b @ https://h.example/#c"),
            (8, "c "),
        ];
        assert_eq!(shown, expected.map(|(number, text)| (number, text.to_owned())));
    }

    #[test]
    fn comments_say_who_needs_a_line() {
        let text = "a==1 \\\n    --hash=sha256:1\n    # via\n    #   -r base.in\n    #   b\nb==1  # via c, d\n    # because\n    #   e\nc==1\n    # viaduct\n";
        let shown: Vec<Vec<String>> = logical(text).into_iter().map(|line| line.via).collect();
        assert_eq!(shown, [vec!["-r base.in", "b"], vec!["c", "d"], vec![]]);
    }
}
