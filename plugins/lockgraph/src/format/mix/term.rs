//! Elixir's literals, as far as a `mix.lock` has them.

/// The deepest nesting: a lock file has four levels.
const DEPTH_MAX: usize = 32;

/// The most values of one entry: a package with a hundred dependencies has a thousand.
const VALUES_MAX: usize = 20_000;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Term<'a> {
    /// A text, with its escapes as they are written.
    Text(&'a str),
    /// `:name`, `:"name"`, `name`, a number.
    Atom(&'a str),
    List(Vec<Self>),
    /// A tuple; `key: value` is one of an atom and a value.
    Tuple(Vec<Self>),
}

impl<'a> Term<'a> {
    pub(super) fn text(&self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Atom(_) | Self::List(_) | Self::Tuple(_) => None,
        }
    }

    pub(super) fn atom(&self) -> Option<&'a str> {
        match self {
            Self::Atom(text) => Some(text),
            Self::Text(_) | Self::List(_) | Self::Tuple(_) => None,
        }
    }

    /// The items of a list or a tuple; none of anything else.
    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) | Self::Tuple(items) => items,
            Self::Text(_) | Self::Atom(_) => &[],
        }
    }

    /// The value under a key of a list of pairs.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.items().iter().find_map(|item| match item.items() {
            [name, value] if name.atom() == Some(key) => Some(value),
            _ => None,
        })
    }
}

/// A reader of values, one after the other.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, values: 0 }
    }

    /// How many bytes are read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character that is no space and in no remark.
    pub(super) fn peek(&mut self) -> Option<char> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            match trimmed.chars().next() {
                Some('#') => self.at += trimmed.find('\n').unwrap_or(trimmed.len()),
                next => return next,
            }
        }
    }

    /// Steps over `text` when it comes next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        self.peek();
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// `"name":` or `"name" =>`, with the value.
    pub(super) fn entry(&mut self) -> Result<(&'a str, Term<'a>), &'static str> {
        self.values = 0;
        let key = self.quoted()?;
        if !self.take(":") && !self.take("=>") {
            return Err("no value after the name");
        }
        Ok((key, self.term(0)?))
    }

    fn term(&mut self, depth: usize) -> Result<Term<'a>, &'static str> {
        self.values += 1;
        if depth == DEPTH_MAX || self.values == VALUES_MAX {
            return Err("more values than any package has");
        }
        match self.peek() {
            Some('"') => {
                let text = self.quoted()?;
                // `"name": value`, a pair.
                if self.rest().starts_with(':') {
                    self.at += 1;
                    return Ok(Term::Tuple(vec![Term::Atom(text), self.term(depth + 1)?]));
                }
                Ok(Term::Text(text))
            }
            Some('[') => Ok(Term::List(self.items(']', depth)?)),
            Some('{') => Ok(Term::Tuple(self.items('}', depth)?)),
            Some(':') => {
                self.at += 1;
                if self.rest().starts_with('"') {
                    return Ok(Term::Atom(self.quoted()?));
                }
                self.name().map(Term::Atom)
            }
            Some(_) => {
                let name = self.name()?;
                if self.rest().starts_with(": ") {
                    self.at += 1;
                    return Ok(Term::Tuple(vec![Term::Atom(name), self.term(depth + 1)?]));
                }
                Ok(Term::Atom(name))
            }
            None => Err("it ends too early"),
        }
    }

    fn items(&mut self, end: char, depth: usize) -> Result<Vec<Term<'a>>, &'static str> {
        // The bracket that opens it.
        self.at += 1;
        let mut items = Vec::new();
        while self.peek() != Some(end) {
            items.push(self.term(depth + 1)?);
            match self.peek() {
                Some(',') => self.at += 1,
                Some(next) if next == end => {}
                Some(_) => return Err("no comma between values"),
                None => return Err("it ends too early"),
            }
        }
        self.at += end.len_utf8();
        Ok(items)
    }

    fn quoted(&mut self) -> Result<&'a str, &'static str> {
        let rest = self.rest();
        let Some(content) = rest.strip_prefix('"') else { return Err("no text where one belongs") };
        let mut escaped = false;
        for (at, byte) in content.bytes().enumerate() {
            match byte {
                // A lock file has no text of several lines: the quote is missing.
                b'\n' => break,
                b'"' if !escaped => {
                    self.at += at + 2;
                    return Ok(&content[..at]);
                }
                _ => escaped = byte == b'\\' && !escaped,
            }
        }
        Err("a text without an end")
    }

    fn name(&mut self) -> Result<&'a str, &'static str> {
        let is_part = |c: char| c.is_alphanumeric() || "_@.-?!".contains(c);
        let rest = self.rest();
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        if end == 0 {
            return Err("no value this tool knows");
        }
        self.at += end;
        Ok(&rest[..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_read_as_it_is_written() {
        let mut reader = Reader::new(
            r#""a": {:hex, :"b c", "1\"0", [x: 1, y: [:z]], nil, # remark
            []}"#,
        );
        let (key, term) = reader.entry().unwrap();
        assert_eq!(key, "a");
        let items = term.items();
        assert_eq!(items[0].atom(), Some("hex"));
        assert_eq!(items[1].atom(), Some("b c"));
        assert_eq!(items[2].text(), Some("1\\\"0"));
        assert_eq!(items[3].get("y"), Some(&Term::List(vec![Term::Atom("z")])));
        assert_eq!(items[4].atom(), Some("nil"));
        assert_eq!(items[5], Term::List(Vec::new()));
    }

    #[test]
    fn nesting_and_size_have_an_end() {
        for (open, count) in [("{", 100_000), ("[:a, ", 100_000), ("a: ", 100_000)] {
            let text = format!("\"a\": {}", open.repeat(count));
            assert!(Reader::new(&text).entry().is_err());
        }
        let text = format!("\"a\": [{}]", "[],".repeat(VALUES_MAX));
        assert_eq!(Reader::new(&text).entry(), Err("more values than any package has"));
    }
}
