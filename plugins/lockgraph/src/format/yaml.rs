//! Lock files and manifests in YAML, as a tree of texts with lines.
//!
//! Values stay the texts they were written as: what `1.10` or `no` means is the format's affair.

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput};

use super::{Input, Unreadable};

/// The deepest nesting: lock files have five levels, workflows ten.
const DEPTH_MAX: usize = 64;

/// The most values of a file, those that aliases repeat included: ten for each package that is read.
const VALUES_MAX: usize = 1_000_000;

/// The most documents of a file: pnpm writes two.
const DOCUMENTS_MAX: usize = 16;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Yaml<'a> {
    /// Counted from 1.
    pub(super) line: u32,
    value: Value<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value<'a> {
    Text { text: Cow<'a, str>, plain: bool },
    List(Vec<Yaml<'a>>),
    Map(Vec<(Yaml<'a>, Yaml<'a>)>),
}

impl<'a> Yaml<'a> {
    /// The text of a scalar; none for what stands for nothing.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text { text, plain } => {
                let nothing =
                    *plain && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
                (!nothing).then_some(text.as_ref())
            }
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether it is the plain word `true`.
    pub(super) fn is_true(&self) -> bool {
        matches!(&self.value, Value::Text { text, plain: true } if text == "true")
    }

    /// The members of a mapping in the order of the file; none of anything else.
    pub(super) fn members(&self) -> &[(Self, Self)] {
        match &self.value {
            Value::Map(members) => members,
            Value::Text { .. } | Value::List(_) => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Text { .. } | Value::Map(_) => &[],
        }
    }

    /// The first member with a key. It looks through all of them: for small mappings.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let is_it = |(name, _): &&(Self, Self)| name.text() == Some(key);
        self.members().iter().find(is_it).map(|(_, value)| value)
    }

    /// The text of a member.
    pub(super) fn text_at(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// How many values it is.
    fn size(&self) -> usize {
        match &self.value {
            Value::Text { .. } => 1,
            Value::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Value::Map(members) => {
                1 + members.iter().map(|(key, value)| key.size() + value.size()).sum::<usize>()
            }
        }
    }
}

/// The documents of a lock file; at least one.
///
/// # Errors
///
/// When it is no YAML, is nested too deeply, or has too many values.
pub(super) fn documents<'a>(input: &Input<'a>) -> Result<Vec<Yaml<'a>>, Unreadable> {
    parse(input.text)
}

/// The documents of a text.
///
/// # Errors
///
/// As [`documents`].
pub(super) fn parse(text: &str) -> Result<Vec<Yaml<'_>>, Unreadable> {
    let mut tree = Tree::default();
    let mut parser: Parser<'_, StrInput<'_>> = Parser::new_from_str(text);
    let last = 1 + text.bytes().filter(|&byte| byte == b'\n').count();
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|err| syntax(&err, last))?;
        tree.take(event, line(&span.start, last))?;
    }
    if tree.documents.is_empty() {
        return Err(Unreadable::Shape("it is empty"));
    }
    Ok(tree.documents)
}

fn syntax(err: &ScanError, last: usize) -> Unreadable {
    let line = Some(line(err.marker(), last));
    Unreadable::Syntax { language: "YAML", line, message: err.info().to_owned() }
}

/// The parser ends a line at the end of the text, too, and at a carriage return alone, as nobody
/// does who shows the text.
fn line(marker: &Marker, last: usize) -> u32 {
    u32::try_from(marker.line().min(last)).unwrap_or(u32::MAX)
}

/// Values in the making.
#[derive(Default)]
struct Tree<'a> {
    documents: Vec<Yaml<'a>>,
    open: Vec<Open<'a>>,
    // By the parser's number; only what is complete can be repeated.
    anchors: Vec<(usize, Yaml<'a>)>,
    values: usize,
}

/// A list or a mapping that has not ended.
struct Open<'a> {
    line: u32,
    anchor: usize,
    is_map: bool,
    values: Vec<Yaml<'a>>,
}

impl<'a> Tree<'a> {
    fn take(&mut self, event: Event<'a>, line: u32) -> Result<(), Unreadable> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let value = Value::Text { text, plain: style == ScalarStyle::Plain };
                self.add(Yaml { line, value }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.open(line, anchor, false),
            Event::MappingStart(anchor, _) => self.open(line, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                let meant = self.anchors.iter().find(|(number, _)| *number == anchor);
                let meant = meant.map(|(_, value)| value.clone());
                let meant = meant.ok_or_else(|| refused(line, "an alias of nothing"))?;
                // Its own values were counted where they were written, not here.
                self.values += meant.size() - 1;
                self.add(meant, 0)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn open(&mut self, line: u32, anchor: usize, is_map: bool) -> Result<(), Unreadable> {
        if self.open.len() == DEPTH_MAX {
            return Err(refused(line, "nested more deeply than any lock file"));
        }
        self.open.push(Open { line, anchor, is_map, values: Vec::new() });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Unreadable> {
        let Some(Open { line, anchor, is_map, values }) = self.open.pop() else { return Ok(()) };
        let value = if is_map { Value::Map(pairs(values)) } else { Value::List(values) };
        self.add(Yaml { line, value }, anchor)
    }

    fn add(&mut self, value: Yaml<'a>, anchor: usize) -> Result<(), Unreadable> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(refused(value.line, "more values than any lock file has"));
        }
        if anchor > 0 {
            self.anchors.push((anchor, value.clone()));
        }
        match self.open.last_mut() {
            Some(open) => open.values.push(value),
            None if self.documents.len() == DOCUMENTS_MAX => {
                return Err(refused(value.line, "more documents than any lock file has"));
            }
            None => self.documents.push(value),
        }
        Ok(())
    }
}

fn pairs<'a>(values: Vec<Yaml<'a>>) -> Vec<(Yaml<'a>, Yaml<'a>)> {
    let mut values = values.into_iter();
    std::iter::from_fn(|| Some((values.next()?, values.next()?))).collect()
}

fn refused(line: u32, message: &str) -> Unreadable {
    Unreadable::Syntax { language: "YAML", line: Some(line), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_texts_with_lines() {
        let documents =
            parse("a: &x\n  b: '1.10'\n  c: [no, ~]\n\"d e\": *x\n---\nf: true\n").unwrap();
        let [first, second] = documents.as_slice() else { panic!("two documents") };
        let a = first.get("a").unwrap();
        assert_eq!((a.get("b").unwrap().line, a.text_at("b")), (2, Some("1.10")));
        let texts: Vec<Option<&str>> = a.get("c").unwrap().items().iter().map(Yaml::text).collect();
        assert_eq!(texts, [Some("no"), None]);
        assert_eq!(first.get("d e"), Some(a));
        assert!(second.get("f").unwrap().is_true());
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = (1..9).fold("a0: &a0 [x, x]\n".to_owned(), |text, level| {
            let item = format!("*a{}", level - 1);
            text + &format!("a{level}: &a{level} [{}]\n", vec![item; 10].join(", "))
        });
        let err = parse(&bomb).unwrap_err();
        assert_eq!(err.to_string(), "not valid YAML: more values than any lock file has");
        let err = parse(&"[".repeat(100_000)).unwrap_err();
        assert!(err.to_string().starts_with("not valid YAML: "), "{err}");
    }

    #[test]
    fn what_is_no_yaml_says_where() {
        let err = parse("a: b\nc: [\n").unwrap_err();
        assert_eq!(err.line(), Some(3));
        assert_eq!(parse(""), Err(Unreadable::Shape("it is empty")));
    }

    #[test]
    fn a_line_is_one_of_the_text() {
        for (text, last) in [("a:", 1), ("- a\n- b:", 2), ("- a\r- b:", 1), ("- a\r\n- b:\n", 2)] {
            let documents = parse(text).unwrap();
            let mut lines = Vec::new();
            let mut open: Vec<&Yaml<'_>> = documents.iter().collect();
            while let Some(value) = open.pop() {
                lines.push(value.line);
                open.extend(value.items());
                open.extend(value.members().iter().flat_map(|(key, value)| [key, value]));
            }
            assert_eq!(lines.into_iter().max(), Some(last), "{text:?}");
        }
        for text in ["a: [", "a: \"", "a:\rb: ["] {
            assert_eq!(parse(text).unwrap_err().line(), Some(1), "{text:?}");
        }
    }
}
