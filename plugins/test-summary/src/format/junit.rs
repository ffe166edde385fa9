//! JUnit XML. There is no standard, only what runners write: suites in suites or none, several
//! roots, names that are missing, failures without words, words in attributes, text or CDATA.
//! Everything but the elements themselves is optional here.
//!
//! Document types with entities of their own are refused: no runner writes any, and they are
//! how XML readers are attacked.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};

use crate::report::{Case, Kind, Runner, Writer};
use crate::text::{Head, Tail, plain};

/// Suites lie in suites as directories do; deeper is an attack.
const DEPTH_MAX: usize = 200;
/// Runners write ten; a name behind as many is not looked for.
const ATTRIBUTES_MAX: usize = 64;

/// Whether the first element is one of JUnit's.
pub(crate) fn is_it(text: &str) -> bool {
    let mut xml = Reader::from_str(text);
    loop {
        match xml.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                let name = element.local_name();
                return matches!(name.as_ref(), "testsuites" | "testsuite" | "testcase");
            }
            Ok(Event::Eof) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}

/// Reads as far as the XML is whole.
pub(crate) fn read(text: &str, to: &mut Writer<'_>) {
    let mut xml = Reader::from_str(text);
    xml.config_mut().expand_empty_elements = true;
    xml.config_mut().allow_dangling_amp = true;
    let mut open = Open::new(text, to);
    let mut unknown_entity = false;
    loop {
        open.position = xml.buffer_position();
        match xml.read_event() {
            Ok(Event::Start(element)) => {
                if open.elements.len() == DEPTH_MAX {
                    let reason = format!("elements are nested deeper than {DEPTH_MAX}");
                    return open.give_up(reason);
                }
                open.start(&element);
            }
            Ok(Event::End(_)) => open.end(),
            Ok(Event::Text(text)) => open.text(&text.into_inner()),
            Ok(Event::CData(text)) => open.text(&text.into_inner()),
            Ok(Event::GeneralRef(entity)) => {
                let character = entity.resolve_char_ref().ok().flatten();
                let name = entity.into_inner();
                if let Some(character) = character {
                    open.text(character.encode_utf8(&mut [0; 4]));
                } else if let Some(text) = resolve_predefined_entity(&name) {
                    open.text(text);
                } else {
                    open.text(&format!("&{name};"));
                    if !std::mem::replace(&mut unknown_entity, true) {
                        let reason = "uses an entity that XML does not know; it is shown as it is";
                        open.warn(reason);
                    }
                }
            }
            Ok(Event::DocType(declaration)) if declaration.contains('[') => {
                let reason = "declares entities of its own; such files are not read";
                return open.give_up(reason);
            }
            Ok(Event::Eof) => {
                if !open.elements.is_empty() {
                    open.give_up("ends in the middle; what is before is counted");
                }
                return;
            }
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
            Ok(Event::Empty(_)) => debug_assert!(false, "empty elements are expanded"),
            Err(error) => {
                let reason = format!("is no XML from here on ({error}); what is before is counted");
                open.position = xml.error_position();
                return open.give_up(reason);
            }
        }
    }
}

/// What an element is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Suite,
    Case,
    Trouble,
    Output,
    /// Another attempt at the same test: what is in it is not this attempt's.
    Attempt,
    Other,
}

#[derive(Debug, Default)]
struct Suite {
    name: String,
    runner: Option<Runner>,
    /// How many tests it says it has, if it is a root, and where it says so.
    declared: Option<(u64, u64)>,
    tests_before: u64,
    trouble: Option<Trouble>,
    output: Tail,
}

#[derive(Debug, Default)]
struct OpenCase {
    suite: String,
    name: String,
    file: Option<String>,
    line: Option<u32>,
    skipped: bool,
    retried: bool,
    trouble: Option<Trouble>,
    output: Tail,
}

#[derive(Debug)]
struct Trouble {
    kind: Kind,
    title: String,
    body: Head,
}

#[derive(Debug)]
struct Open<'a, 'b> {
    xml: &'a str,
    to: &'a mut Writer<'b>,
    /// The byte of the XML that is being read.
    position: u64,
    elements: Vec<Element>,
    suites: Vec<Suite>,
    cases: Vec<OpenCase>,
}

impl<'a, 'b> Open<'a, 'b> {
    fn new(xml: &'a str, to: &'a mut Writer<'b>) -> Self {
        let (elements, suites, cases) = Default::default();
        Self { xml, to, position: 0, elements, suites, cases }
    }

    fn start(&mut self, element: &BytesStart<'_>) {
        let name = element.local_name();
        let element = match name.as_ref() {
            "testsuites" | "testsuite" => self.start_suite(element),
            "testcase" => self.start_case(element),
            "failure" => self.trouble(Kind::Failure, element),
            "error" => self.trouble(Kind::Error, element),
            "skipped" | "ignored" | "disabled" => {
                if let Some(case) = self.cases.last_mut() {
                    case.skipped = true;
                }
                Element::Other
            }
            "system-out" | "system-err" => Element::Output,
            "flakyFailure" | "flakyError" | "rerunFailure" | "rerunError" => {
                if let Some(case) = self.cases.last_mut() {
                    case.retried = true;
                }
                Element::Attempt
            }
            _ => Element::Other,
        };
        self.elements.push(element);
    }

    fn start_suite(&mut self, element: &BytesStart<'_>) -> Element {
        let attributes = Attributes::of(element);
        let name = attributes.get("name").or_else(|| attributes.get("id"));
        let name = name.unwrap_or_default();
        let runner = match name.as_str() {
            "nextest-run" => Some(Runner::Nextest),
            "pytest" | "pytest tests" => Some(Runner::Pytest),
            _ => self.suites.last().and_then(|suite| suite.runner),
        };
        let declared = attributes.get("tests").and_then(|tests| tests.parse().ok());
        let declared =
            declared.filter(|_| self.suites.is_empty()).map(|tests| (tests, self.position));
        let tests_before = self.to.counts().tests;
        let (trouble, output) = Default::default();
        self.suites.push(Suite { name, runner, declared, tests_before, trouble, output });
        Element::Suite
    }

    fn start_case(&mut self, element: &BytesStart<'_>) -> Element {
        let suite = || self.suites.last().map(|suite| suite.name.clone()).unwrap_or_default();
        let attributes = Attributes::of(element);
        let name = attributes.get("name").or_else(|| attributes.get("id"));
        let status = attributes.get("status").or_else(|| attributes.get("result"));
        let status = status.unwrap_or_default().to_ascii_lowercase();
        let skipped =
            matches!(status.as_str(), "notrun" | "disabled" | "skipped" | "ignored" | "suppressed");
        self.cases.push(OpenCase {
            suite: attributes
                .get("classname")
                .filter(|name| !name.is_empty())
                .unwrap_or_else(suite),
            name: name.filter(|name| !name.is_empty()).unwrap_or_else(|| "(no name)".to_owned()),
            file: attributes.get("file"),
            line: attributes.get("line").and_then(|line| line.parse().ok()),
            skipped,
            ..OpenCase::default()
        });
        Element::Case
    }

    /// A failure of the innermost test, or of the suite when none is open.
    fn trouble(&mut self, kind: Kind, element: &BytesStart<'_>) -> Element {
        if self.elements.contains(&Element::Attempt) {
            return Element::Other;
        }
        let case = self.cases.last_mut().map(|case| &mut case.trouble);
        let suite = self.suites.last_mut().map(|suite| &mut suite.trouble);
        let Some(trouble) = case.or(suite) else { return Element::Other };
        let title = Attributes::of(element).get("message").unwrap_or_default();
        match trouble {
            // Some runners write one element per failed assertion.
            Some(trouble) => trouble.body.push(&format!("\n{title}\n")),
            None => *trouble = Some(Trouble { kind, title, body: Head::default() }),
        }
        Element::Trouble
    }

    fn text(&mut self, text: &str) {
        let Some(element) = self.elements.last() else { return };
        let in_trouble = *element == Element::Trouble;
        if !(in_trouble || *element == Element::Output) || self.elements.contains(&Element::Attempt)
        {
            return;
        }
        let (trouble, output) = match (self.cases.last_mut(), self.suites.last_mut()) {
            (Some(case), _) => (&mut case.trouble, &mut case.output),
            (None, Some(suite)) => (&mut suite.trouble, &mut suite.output),
            (None, None) => return,
        };
        match trouble {
            Some(trouble) if in_trouble => trouble.body.push(text),
            Some(_) | None => output.push(text),
        }
    }

    fn end(&mut self) {
        match self.elements.pop() {
            Some(Element::Case) => {
                if let Some(case) = self.cases.pop() {
                    self.end_case(case);
                }
            }
            Some(Element::Suite) => {
                if let Some(suite) = self.suites.pop() {
                    self.end_suite(suite);
                }
            }
            Some(Element::Trouble | Element::Output | Element::Attempt | Element::Other) | None => {
            }
        }
    }

    fn end_case(&mut self, case: OpenCase) {
        let Some(trouble) = case.trouble else {
            if case.skipped {
                self.to.skipped(1);
            } else {
                self.to.passed(1);
                self.to.flaky(u64::from(case.retried));
            }
            return;
        };
        let suite = self.suites.last();
        // Bazel keeps the words of a test in its suite.
        let output = if case.output.0.trim().is_empty() {
            suite.map(|suite| suite.output.0.clone()).unwrap_or_default()
        } else {
            case.output.0
        };
        self.to.failed(Case {
            runner: suite.and_then(|suite| suite.runner).unwrap_or(Runner::Unknown),
            suite: plain(&case.suite),
            name: plain(&case.name),
            kind: trouble.kind,
            file: case.file,
            line: case.line,
            title: plain(&trouble.title),
            body: plain(&trouble.body.0),
            stdout: plain(&output),
        });
    }

    fn end_suite(&mut self, suite: Suite) {
        if let Some(trouble) = suite.trouble {
            self.to.error(Case {
                runner: Runner::Unknown,
                suite: plain(&suite.name),
                name: "(the whole suite)".to_owned(),
                kind: trouble.kind,
                file: None,
                line: None,
                title: plain(&trouble.title),
                body: plain(&trouble.body.0),
                stdout: plain(&suite.output.0),
            });
        }
        let found = self.to.counts().tests - suite.tests_before;
        if let Some((declared, position)) = suite.declared
            && declared != found
        {
            self.position = position;
            self.warn(format!("says it has {declared} tests, and has {found}"));
        }
    }

    /// What failed before the place counts; a test that is cut off there and did not fail yet
    /// does not.
    fn give_up(&mut self, reason: impl Into<String>) {
        self.to.broken(Some(self.line()), reason);
        while let Some(case) = self.cases.pop() {
            if case.trouble.is_some() {
                self.end_case(case);
            }
        }
        while let Some(suite) = self.suites.pop() {
            self.end_suite(Suite { declared: None, ..suite });
        }
    }
}

impl Open<'_, '_> {
    fn warn(&mut self, reason: impl Into<String>) {
        self.to.warn(Some(self.line()), reason);
    }

    /// Counted when it is needed: keeping count would cost more than the parsing.
    fn line(&self) -> usize {
        let position = usize::try_from(self.position).unwrap_or(usize::MAX);
        let before = &self.xml.as_bytes()[..position.min(self.xml.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }
}

/// An element's attributes, gone through once.
struct Attributes<'a>(Vec<Attribute<'a>>);

impl<'a> Attributes<'a> {
    fn of(element: &'a BytesStart<'_>) -> Self {
        // Without the check for duplicates, which is quadratic.
        Self(element.attributes().with_checks(false).flatten().take(ATTRIBUTES_MAX).collect())
    }

    /// An attribute's value; where it is not quite XML, as it is written.
    fn get(&self, name: &str) -> Option<String> {
        let attribute = self.0.iter().find(|attribute| attribute.key.as_ref() == name)?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        Some(value.unwrap_or_else(|_| attribute.value.clone()).into_owned())
    }
}
