//! XML of NUnit 3: suites in suites, each test with its result.

use quick_xml::events::BytesStart;

use super::number::milliseconds;
use super::xml::{self, Attributes, Visitor};
use crate::report::{Case, Kind, Test, Writer};
use crate::text::{Head, Tail};

/// Reads as far as the XML is whole.
pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    xml::read(text, &mut Open { to, elements: Vec::new(), case: None });
}

/// What an element is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Case,
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
    label: String,
    duration_ms: Option<u64>,
    message: Head,
    trace: Head,
    output: Tail,
}

struct Open<'a, 'b> {
    to: &'a mut Writer<'b>,
    elements: Vec<Element>,
    case: Option<Ran>,
}

impl Open<'_, '_> {
    fn end_case(&mut self) {
        let Some(ran) = self.case.take() else { return };
        let Ran { suite, name, duration_ms, .. } = ran;
        match ran.result.to_ascii_lowercase().as_str() {
            "passed" | "warning" => {
                self.to.passed_test(&Test { suite, name, duration_ms, flaky: false });
            }
            "failed" => self.to.failed(Case {
                suite,
                name,
                kind: if ran.label.is_empty() { Kind::Failure } else { Kind::Error },
                title: ran.message.0,
                body: ran.trace.0,
                stdout: ran.output.0,
                duration_ms,
                ..Case::default()
            }),
            _ => self.to.skipped_test(&Test { suite, name, ..Test::default() }),
        }
    }
}

impl Visitor for Open<'_, '_> {
    fn start(&mut self, element: &BytesStart<'_>, _position: u64) {
        let name = element.local_name();
        let in_failure = self.elements.contains(&Element::Failure);
        let element = match name.as_ref() {
            "test-run" => {
                let attributes = Attributes::of(element);
                if let Some(ms) = attributes.get("duration").and_then(|took| milliseconds(&took)) {
                    self.to.took(ms);
                }
                Element::Other
            }
            "test-case" => {
                let attributes = Attributes::of(element);
                let get = |name: &str| attributes.get(name).unwrap_or_default();
                self.case = Some(Ran {
                    suite: get("classname"),
                    name: get("name"),
                    result: get("result"),
                    label: get("label"),
                    duration_ms: attributes.get("duration").and_then(|took| milliseconds(&took)),
                    ..Ran::default()
                });
                Element::Case
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
        if self.elements.pop() == Some(Element::Case) {
            self.end_case();
        }
    }

    fn text(&mut self, text: &str) {
        let (Some(case), Some(element)) = (&mut self.case, self.elements.last()) else { return };
        match element {
            Element::Message => case.message.push(text),
            Element::Trace => case.trace.push(text),
            Element::Output => case.output.push(text),
            Element::Case | Element::Failure | Element::Other => {}
        }
    }

    fn warn(&mut self, line: usize, reason: String) {
        self.to.warn(Some(line), reason);
    }

    fn give_up(&mut self, line: usize, reason: String) {
        self.to.broken(Some(line), reason);
    }
}
