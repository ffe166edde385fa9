//! Lock files and manifests in XML, as a bounded tree of elements with lines.
//!
//! No document type is believed and no entity known but the five of XML itself. What is broken
//! costs as little as it can: an end that fits nothing is skipped, what is cut off ends where the
//! file does, and of a merge conflict both sides are read.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::errors::Error;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::attributes::Attributes;
use quick_xml::events::{BytesRef, Event};

use super::{Input, Unreadable};
use crate::text::Lines;

/// The deepest nesting: project files have eight levels.
const DEPTH_MAX: usize = 64;

/// The most elements of a file: ten for each package that is read.
const ELEMENTS_MAX: usize = 1_000_000;

/// Project files write six attributes; one behind as many is not looked for.
const ATTRIBUTES_MAX: usize = 64;

/// The most bytes of the text of an element: nothing that is read is as long.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// The most broken places that are told of one by one.
const BROKEN_MAX: usize = 100;

/// What begins the lines that a merge leaves in a file.
const CONFLICT_MARKS: [&str; 4] = ["<<<<<<< ", "||||||| ", "=======", ">>>>>>> "];

/// An element, what is in it, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// Without a prefix.
    pub(super) name: &'a str,
    /// Counted from 1.
    pub(super) line: u32,
    /// Name and attributes as written.
    tag: &'a str,
    text: Cow<'a, str>,
    children: Vec<Self>,
}

impl<'a> Element<'a> {
    /// Whether its tag has a text in it, in the value of any attribute.
    pub(super) fn tag_has(&self, text: &str) -> bool {
        self.tag.contains(text)
    }

    /// The elements in it, in the order of the file.
    pub(super) fn children(&self) -> &[Self] {
        &self.children
    }

    /// The first element in it that has a name. It looks through all of them.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All elements in it that have a name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// All elements called `inner` in all elements called `outer` in it.
    pub(super) fn nested(&self, outer: &str, inner: &str) -> impl Iterator<Item = &Self> {
        self.all(outer).flat_map(move |outer| outer.all(inner))
    }

    /// Its own text without the space around it; none when there is none.
    pub(super) fn text(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|text| !text.is_empty())
    }

    /// The text of the first element in it that has a name.
    pub(super) fn text_at(&self, name: &str) -> Option<&str> {
        self.child(name)?.text()
    }

    /// An attribute's value; where it is not quite XML, as it is written.
    pub(super) fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        let tag: &'a str = self.tag;
        let start = tag.find(|c: char| c.is_ascii_whitespace()).unwrap_or(tag.len());
        // Without the check for duplicates, which is quadratic.
        let found = Attributes::new(tag, start)
            .with_checks(false)
            .take(ATTRIBUTES_MAX)
            .filter_map(Result::ok)
            .find(|attribute| attribute.key.as_ref() == name)?;
        let value = found.normalized_value(XmlVersion::Implicit1_0).ok();
        Some(value.unwrap_or(found.value))
    }
}

/// The outermost element of a lock file. What is broken in it becomes a fault.
///
/// # Errors
///
/// When there is no element at all, or the file declares entities of its own.
pub(super) fn read<'a>(input: &mut Input<'a>) -> Result<Element<'a>, Unreadable> {
    let Parsed { root, broken } = parse(input.text, &input.lines)?;
    for (line, reason) in broken {
        input.faults.add(Some(line), reason);
    }
    Ok(root)
}

/// The outermost element of a text, and what is broken in it.
#[derive(Debug)]
pub(super) struct Parsed<'a> {
    pub(super) root: Element<'a>,
    /// Lines and what is wrong there.
    pub(super) broken: Vec<(u32, String)>,
}

/// As [`read`], of any text.
///
/// # Errors
///
/// As [`read`].
pub(super) fn parse<'a>(text: &'a str, lines: &Lines<'_>) -> Result<Parsed<'a>, Unreadable> {
    let mut tree = Tree { text, lines, open: Vec::new(), root: None, count: 0, broken: Vec::new() };
    for part in tree.between_conflicts() {
        if !tree.read(part)? {
            break;
        }
    }
    tree.finish()
}

fn syntax(line: u32, message: impl Into<String>) -> Unreadable {
    Unreadable::Syntax { language: "XML", line: Some(line), message: message.into() }
}

/// Elements in the making.
struct Tree<'a, 'l> {
    text: &'a str,
    lines: &'l Lines<'l>,
    open: Vec<Element<'a>>,
    root: Option<Element<'a>>,
    count: usize,
    broken: Vec<(u32, String)>,
}

impl<'a> Tree<'a, '_> {
    /// The text without the lines that a merge left in it.
    fn between_conflicts(&mut self) -> Vec<Range<usize>> {
        let text = self.text;
        if !text.starts_with(CONFLICT_MARKS[0]) && !text.contains("\n<<<<<<< ") {
            return std::iter::once(0..text.len()).collect();
        }
        let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
        for line in text.split_inclusive('\n') {
            if CONFLICT_MARKS.iter().any(|mark| line.starts_with(mark)) {
                parts.push(start..at);
                start = at + line.len();
                if line.starts_with(CONFLICT_MARKS[0]) {
                    self.fault(at, "a merge conflict, of which both sides are read");
                }
            }
            at += line.len();
        }
        parts.push(start..text.len());
        parts
    }

    /// Reads a part of the text; whether there is any use in reading the next.
    fn read(&mut self, part: Range<usize>) -> Result<bool, Unreadable> {
        let text: &'a str = &self.text[part.clone()];
        let mut xml = Reader::from_str(text);
        xml.config_mut().check_end_names = false;
        xml.config_mut().allow_dangling_amp = true;
        xml.config_mut().allow_unmatched_ends = true;
        let position = |xml: &Reader<&[u8]>| usize::try_from(xml.buffer_position()).unwrap_or(0);
        loop {
            let start = position(&xml);
            let at = part.start + start;
            match xml.read_event() {
                Ok(Event::Start(_)) => {
                    if !self.start(at, &text[start..position(&xml)]) {
                        return Ok(false);
                    }
                }
                Ok(Event::Empty(_)) => {
                    if !self.start(at, &text[start..position(&xml)]) {
                        return Ok(false);
                    }
                    self.close();
                }
                Ok(Event::End(end)) => self.end(at, end.local_name().as_ref()),
                Ok(Event::Text(text)) => self.add(text.into_inner()),
                Ok(Event::CData(text)) => self.add(text.into_inner()),
                Ok(Event::GeneralRef(entity)) => self.add(resolved(entity)),
                Ok(Event::DocType(declaration)) if declaration.contains('[') => {
                    let message = "it declares entities of its own; such files are not read";
                    return Err(syntax(self.lines.line(at), message));
                }
                Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
                Ok(Event::Eof) => return Ok(true),
                Err(err) => {
                    self.fault(at, &format!("no XML from here on: {}", message(&err)));
                    return Ok(true);
                }
            }
        }
    }

    /// Opens an element; `tag` is all of `<…>`. Whether there was room.
    fn start(&mut self, at: usize, tag: &'a str) -> bool {
        if self.open.len() == DEPTH_MAX {
            self.fault(at, &format!("elements nested more than {DEPTH_MAX} times"));
            return false;
        }
        if self.count == ELEMENTS_MAX {
            self.fault(at, &format!("only the first {ELEMENTS_MAX} elements are read"));
            return false;
        }
        self.count += 1;
        let tag = tag.trim_start_matches('<').trim_end_matches('>').trim_end_matches('/');
        let name = tag.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        let name = name.rsplit_once(':').map_or(name, |(_, name)| name);
        let line = self.lines.line(at);
        self.open.push(Element { name, line, tag, text: Cow::Borrowed(""), children: Vec::new() });
        true
    }

    /// Closes the innermost element of that name, and what was forgotten in it.
    fn end(&mut self, at: usize, name: &str) {
        match self.open.iter().rposition(|element| element.name == name) {
            None => self.fault(at, &format!("`</{name}>` ends nothing")),
            Some(depth) => {
                if depth + 1 < self.open.len() {
                    self.fault(at, &format!("`</{name}>` comes before what is in it has ended"));
                }
                while self.open.len() > depth {
                    self.close();
                }
            }
        }
    }

    fn close(&mut self) {
        let Some(element) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            // A second outermost element, which XML has not, is no part of the first.
            None => _ = self.root.get_or_insert(element),
        }
    }

    fn add(&mut self, text: Cow<'a, str>) {
        let Some(element) = self.open.last_mut() else { return };
        if element.text.is_empty() {
            // What is between elements is space.
            if !text.trim_start().is_empty() {
                element.text = text;
            }
        } else if element.text.len() + text.len() <= TEXT_BYTES_MAX {
            element.text.to_mut().push_str(&text);
        }
    }

    fn fault(&mut self, at: usize, reason: &str) {
        if self.broken.len() < BROKEN_MAX {
            self.broken.push((self.lines.line(at), reason.to_owned()));
        }
    }

    fn finish(mut self) -> Result<Parsed<'a>, Unreadable> {
        if let (Some(last), true) = (self.open.last(), self.broken.is_empty()) {
            let reason = format!("the file ends in `{}`, which begins here", shortened(last.name));
            self.broken.push((last.line, reason));
        }
        while !self.open.is_empty() {
            self.close();
        }
        match self.root {
            Some(root) => Ok(Parsed { root, broken: self.broken }),
            None => Err(match self.broken.into_iter().next() {
                Some((line, reason)) => syntax(line, reason),
                None => Unreadable::Shape("it has no XML element"),
            }),
        }
    }
}

/// What the parser says, without the input.
fn message(err: &Error) -> String {
    match err {
        Error::Syntax(err) => err.to_string(),
        Error::IllFormed(_)
        | Error::Io(_)
        | Error::InvalidAttr(_)
        | Error::Encoding(_)
        | Error::Escape(_)
        | Error::Namespace(_) => "it is not well-formed".to_owned(),
    }
}

/// A character that is written by its number or name; an unknown name stays as it is.
fn resolved(entity: BytesRef<'_>) -> Cow<'static, str> {
    if let Ok(Some(character)) = entity.resolve_char_ref() {
        return Cow::Owned(character.to_string());
    }
    let name = entity.into_inner();
    match resolve_predefined_entity(&name) {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(format!("&{name};")),
    }
}

/// A name that may be half a file.
fn shortened(name: &str) -> String {
    name.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str) -> Parsed<'_> {
        parse(text, &Lines::new(text)).unwrap()
    }

    fn drawn(element: &Element<'_>) -> String {
        let children: Vec<String> = element.children().iter().map(drawn).collect();
        let text = element.text().unwrap_or_default();
        format!("{}:{}({}{text})", element.name, element.line, children.join(" "))
    }

    #[test]
    fn elements_have_lines_texts_and_attributes() {
        let text = "<?xml version='1.0'?><!-- <x/> -->\n<p:a b = 'x &amp;&#33;' c=\"1>2\">\n <b>\n  1 &lt; 2<![CDATA[ <3]]>\n </b><c x='1'/></p:a>";
        let parsed = check(text);
        assert_eq!(drawn(&parsed.root), "a:2(b:3(1 < 2 <3) c:5())");
        assert_eq!(parsed.root.attribute("b").as_deref(), Some("x &!"));
        assert_eq!(parsed.root.attribute("c").as_deref(), Some("1>2"));
        assert_eq!(parsed.root.attribute("a"), None);
        assert_eq!(parsed.broken, []);
    }

    #[test]
    fn what_is_broken_costs_what_it_hits() {
        for (text, expected, line) in [
            ("<a><b>1</b><c>2", "a:1(b:1(1) c:1(2))", 1),
            ("<a><b>1</c></b></a>", "a:1(b:1(1))", 1),
            ("<a>\n<b>1</a>", "a:1(b:2(1))", 2),
            ("<a><b/>\n<c", "a:1(b:1())", 2),
            ("<a>\n<<<<<<< ours\n<b/>\n=======\n<c/>\n>>>>>>> theirs\n</a>", "a:1(b:3() c:5())", 2),
        ] {
            let parsed = check(text);
            assert_eq!(drawn(&parsed.root), expected);
            assert_eq!(parsed.broken.len(), 1, "{text}: {:?}", parsed.broken);
            assert_eq!(parsed.broken[0].0, line, "{text}");
        }
    }

    #[test]
    fn no_entity_is_expanded() {
        let bomb = "<!DOCTYPE a [<!ENTITY x 'xxx'>]><a>&x;</a>";
        let err = parse(bomb, &Lines::new(bomb)).unwrap_err();
        assert_eq!(
            err.to_string(),
            "not valid XML: it declares entities of its own; such files are not read"
        );
        assert_eq!(drawn(&check("<!DOCTYPE a SYSTEM 'x'><a>&x;&</a>").root), "a:1(&x;&)");
    }

    #[test]
    fn nesting_has_an_end() {
        let parsed_depth = |text: &str| check(text).broken.len();
        assert_eq!(parsed_depth(&("<a>".repeat(64) + &"</a>".repeat(64))), 0);
        assert_eq!(parsed_depth(&("<a>".repeat(65) + &"</a>".repeat(65))), 1);
        assert_eq!(parsed_depth(&"<a>".repeat(100_000)), 1);
    }

    #[test]
    fn what_is_no_xml_is_an_error() {
        for text in ["", "not xml", "<", "</a>", "<!-- -->"] {
            assert!(parse(text, &Lines::new(text)).is_err(), "{text}");
        }
    }
}
