//! XML of xUnit.net 2 and 3 (its own "v2" format): assemblies, collections, and each test with its
//! result. What broke outside of a test stands in `errors`.

use quick_xml::events::BytesStart;

use super::number::milliseconds;
use super::xml::{self, Attributes, Visitor};
use crate::report::{Case, Kind, Test, Writer};
use crate::text::{Head, Tail};

/// Reads as far as the XML is whole.
pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    xml::read(text, &mut Open { to, elements: Vec::new(), ran: None });
}

/// What an element is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Test,
    /// What broke outside of a test.
    Error,
    Failure,
    Message,
    Trace,
    Output,
    Other,
}

#[derive(Debug, Default)]
struct Ran {
    suite: String,
    name: String,
    result: String,
    duration_ms: Option<u64>,
    message: Head,
    trace: Head,
    output: Tail,
}

struct Open<'a, 'b> {
    to: &'a mut Writer<'b>,
    elements: Vec<Element>,
    /// The test or the error that is open.
    ran: Option<Ran>,
}

impl Open<'_, '_> {
    fn end_of(&mut self, element: Element) {
        let is_whole = matches!(element, Element::Test | Element::Error);
        let Some(ran) = self.ran.take_if(|_| is_whole) else { return };
        let Ran { suite, name, duration_ms, .. } = ran;
        let case = Case {
            title: ran.message.0,
            body: ran.trace.0,
            stdout: ran.output.0,
            duration_ms,
            ..Case::default()
        };
        match (element, ran.result.to_ascii_lowercase().as_str()) {
            (Element::Error, _) => {
                self.to.error(Case { suite, name, kind: Kind::Error, ..case });
            }
            (_, "pass") => self.to.passed_test(&Test { suite, name, duration_ms, flaky: false }),
            (_, "fail") => self.to.failed(Case { suite, name, kind: Kind::Failure, ..case }),
            // `Skip`, and `NotRun` of version 3.
            _ => self.to.skipped_test(&Test { suite, name, ..Test::default() }),
        }
    }

    fn assembly(&mut self, element: &BytesStart<'_>) {
        let attributes = Attributes::of(element);
        if let Some(ms) = attributes.get("time").and_then(|took| milliseconds(&took)) {
            self.to.took(ms);
        }
        if let Some(framework) = attributes.get("test-framework") {
            self.to.tool(&framework);
        }
    }
}

impl Visitor for Open<'_, '_> {
    fn start(&mut self, element: &BytesStart<'_>, _position: u64) {
        let name = element.local_name();
        let in_failure = self.elements.contains(&Element::Failure);
        let element = match name.as_ref() {
            "assembly" => {
                self.assembly(element);
                Element::Other
            }
            "test" | "error" if self.ran.is_none() => {
                let attributes = Attributes::of(element);
                let get = |name: &str| attributes.get(name).unwrap_or_default();
                self.ran = Some(Ran {
                    suite: get("type"),
                    name: get("name"),
                    result: get("result"),
                    duration_ms: attributes.get("time").and_then(|took| milliseconds(&took)),
                    ..Ran::default()
                });
                if name.as_ref() == "test" { Element::Test } else { Element::Error }
            }
            "failure" => Element::Failure,
            "message" if in_failure => Element::Message,
            "stack-trace" if in_failure => Element::Trace,
            "output" => Element::Output,
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
        let (Some(ran), Some(element)) = (&mut self.ran, self.elements.last()) else { return };
        match element {
            Element::Message => ran.message.push(text),
            Element::Trace => ran.trace.push(text),
            Element::Output => ran.output.push(text),
            Element::Test | Element::Error | Element::Failure | Element::Other => {}
        }
    }

    fn warn(&mut self, line: usize, reason: String) {
        self.to.warn(Some(line), reason);
    }

    fn give_up(&mut self, line: usize, reason: String) {
        self.to.broken(Some(line), reason);
    }
}
