//! TRX, as Visual Studio and `dotnet test` write it: results first, then which class each test
//! is of, then what the run as a whole says.

use std::collections::BTreeMap;

use quick_xml::events::BytesStart;

use super::number::clock;
use super::xml::{self, Attributes, Visitor};
use crate::report::{Case, Kind, Test, Writer};
use crate::text::{Head, Tail};

/// Reads as far as the XML is whole.
pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    let mut open = Open::new(to);
    xml::read(text, &mut open);
    open.finish();
}

/// What an element is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Result,
    Message,
    Trace,
    Output,
    /// A message of the run itself.
    Info,
    InfoText,
    Definition,
    Other,
}

/// A test with its outcome.
#[derive(Debug, Default)]
struct Ran {
    id: String,
    name: String,
    outcome: String,
    duration_ms: Option<u64>,
    /// Data rows, each a result of its own.
    has_rows: bool,
    message: Head,
    trace: Head,
    output: Tail,
}

struct Open<'a, 'b> {
    to: &'a mut Writer<'b>,
    elements: Vec<Element>,
    /// Results that are open: rows lie in the result of their test.
    open: Vec<Ran>,
    ran: Vec<Ran>,
    /// The test whose definition is open, and the class of each.
    defines: String,
    classes: BTreeMap<String, String>,
    /// The message of the run that is open: whether it is an error, and its text.
    info: (bool, Head),
    infos: Vec<String>,
}

impl<'a, 'b> Open<'a, 'b> {
    fn new(to: &'a mut Writer<'b>) -> Self {
        let (elements, open, ran, infos) = Default::default();
        let (defines, classes, info) = Default::default();
        Self { to, elements, open, ran, defines, classes, info, infos }
    }

    fn end_of(&mut self, element: Element) {
        match element {
            Element::Result => {
                let Some(ran) = self.open.pop() else { return };
                if let Some(test) = self.open.last_mut() {
                    test.has_rows = true;
                }
                // Its rows are the tests then.
                if !ran.has_rows {
                    self.ran.push(ran);
                }
            }
            Element::Info => {
                let (is_error, text) = std::mem::take(&mut self.info);
                if is_error {
                    self.infos.push(text.0);
                }
            }
            Element::Message
            | Element::Trace
            | Element::Output
            | Element::InfoText
            | Element::Definition
            | Element::Other => {}
        }
    }

    /// The class of a test is known only when all is read.
    fn finish(self) {
        for ran in self.ran {
            let suite = self.classes.get(&ran.id).cloned().unwrap_or_default();
            let Ran { name, duration_ms, .. } = ran;
            let kind = match ran.outcome.to_ascii_lowercase().as_str() {
                "passed" | "passedbutrunaborted" | "completed" | "warning" => {
                    self.to.passed_test(&Test { suite, name, duration_ms, flaky: false });
                    continue;
                }
                "failed" => Kind::Failure,
                "error" | "timeout" | "aborted" => Kind::Error,
                _ => {
                    self.to.skipped_test(&Test { suite, name, ..Test::default() });
                    continue;
                }
            };
            self.to.failed(Case {
                suite,
                name,
                kind,
                title: ran.message.0,
                body: ran.trace.0,
                stdout: ran.output.0,
                duration_ms,
                ..Case::default()
            });
        }
        // An error of the run that is about a test stands with the test, too.
        if self.to.counts().bad() == 0 {
            for text in self.infos {
                self.to.error(Case {
                    name: "(the whole run)".to_owned(),
                    kind: Kind::Error,
                    body: text,
                    ..Case::default()
                });
            }
        }
    }
}

impl Visitor for Open<'_, '_> {
    fn start(&mut self, element: &BytesStart<'_>, _position: u64) {
        let name = element.local_name();
        let in_result = !self.open.is_empty();
        let element = match name.as_ref() {
            "UnitTestResult" | "TestResult" | "WebTestResult" | "GenericTestResult" => {
                let attributes = Attributes::of(element);
                let get = |name: &str| attributes.get(name).unwrap_or_default();
                self.open.push(Ran {
                    id: get("testId"),
                    name: get("testName"),
                    outcome: get("outcome"),
                    duration_ms: attributes.get("duration").and_then(|text| clock(&text)),
                    ..Ran::default()
                });
                Element::Result
            }
            "Message" if in_result => Element::Message,
            "StackTrace" if in_result => Element::Trace,
            "StdOut" | "StdErr" if in_result => Element::Output,
            "RunInfo" => {
                let outcome = Attributes::of(element).get("outcome").unwrap_or_default();
                self.info = (outcome == "Error", Head::default());
                Element::Info
            }
            "Text" if self.elements.contains(&Element::Info) => Element::InfoText,
            "UnitTest" => {
                self.defines = Attributes::of(element).get("id").unwrap_or_default();
                Element::Definition
            }
            "TestMethod" => {
                if let Some(class) = Attributes::of(element).get("className") {
                    // Older ones append the assembly.
                    let class = class.split(',').next().unwrap_or_default().to_owned();
                    self.classes.insert(self.defines.clone(), class);
                }
                Element::Other
            }
            _ => Element::Other,
        };
        self.elements.push(element);
    }

    fn end(&mut self) {
        if let Some(element) = self.elements.pop() {
            self.end_of(element);
        }
    }

    fn text(&mut self, text: &str) {
        let Some(element) = self.elements.last() else { return };
        match (element, self.open.last_mut()) {
            (Element::Message, Some(ran)) => ran.message.push(text),
            (Element::Trace, Some(ran)) => ran.trace.push(text),
            (Element::Output, Some(ran)) => ran.output.push(text),
            (Element::InfoText, _) => self.info.1.push(text),
            (
                Element::Message
                | Element::Trace
                | Element::Output
                | Element::Result
                | Element::Info
                | Element::Definition
                | Element::Other,
                _,
            ) => {}
        }
    }

    fn warn(&mut self, line: usize, reason: String) {
        self.to.warn(Some(line), reason);
    }

    fn give_up(&mut self, line: usize, reason: String) {
        self.to.broken(Some(line), reason);
    }
}
