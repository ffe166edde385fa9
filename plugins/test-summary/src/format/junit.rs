//! JUnit XML. There is no standard, only what runners write: suites in suites or none, several
//! roots, names that are missing, failures without words, words in attributes, text or CDATA.
//! Everything but the elements themselves is optional here.

use quick_xml::events::BytesStart;

use super::number::milliseconds;
use super::pytest;
use super::xml::{self, Attributes, Visitor};
use crate::report::{Case, Kind, Runner, Test, Writer};
use crate::text::{Head, Tail};

/// Reads as far as the XML is whole.
pub(crate) fn read(text: &str, to: &mut Writer<'_>) {
    xml::read(text, &mut Open::new(text, to));
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
    duration_ms: Option<u64>,
    skipped: bool,
    /// Attempts before this one.
    retries: u32,
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
    elements: Vec<Element>,
    suites: Vec<Suite>,
    cases: Vec<OpenCase>,
}

impl<'a, 'b> Open<'a, 'b> {
    fn new(xml: &'a str, to: &'a mut Writer<'b>) -> Self {
        let (elements, suites, cases) = Default::default();
        Self { xml, to, elements, suites, cases }
    }

    fn begin(&mut self, element: &BytesStart<'_>, position: u64) {
        let name = element.local_name();
        let element = match name.as_ref() {
            "testsuites" | "testsuite" => self.start_suite(element, position),
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
                    case.retries += 1;
                }
                Element::Attempt
            }
            _ => Element::Other,
        };
        self.elements.push(element);
    }

    fn start_suite(&mut self, element: &BytesStart<'_>, position: u64) -> Element {
        let attributes = Attributes::of(element);
        let name = attributes.get("name").or_else(|| attributes.get("id"));
        let name = name.unwrap_or_default();
        let runner = match name.as_str() {
            "nextest-run" => Some(Runner::Nextest),
            "pytest" | "pytest tests" => Some(Runner::Pytest),
            _ => self.suites.last().and_then(|suite| suite.runner),
        };
        let declared = attributes.get("tests").and_then(|tests| tests.parse().ok());
        let declared = declared.filter(|_| self.suites.is_empty()).map(|tests| (tests, position));
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
            duration_ms: attributes.get("time").and_then(|time| milliseconds(&time)),
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

    fn say(&mut self, text: &str) {
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

    fn close(&mut self) {
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
            let OpenCase { suite, name, duration_ms, .. } = case;
            let test = Test { suite, name, duration_ms, flaky: case.retries > 0 };
            if case.skipped {
                self.to.skipped_test(&test);
            } else {
                self.to.passed_test(&test);
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
        let runner = suite.and_then(|suite| suite.runner).unwrap_or(Runner::Unknown);
        let body = trouble.body.0;
        self.to.failed(Case {
            runner,
            suite: case.suite,
            name: case.name,
            kind: trouble.kind,
            file: case.file,
            line: case.line,
            title: trouble.title,
            body: if runner == Runner::Pytest { pytest::said(&body) } else { body },
            stdout: output,
            duration_ms: case.duration_ms,
            tries: case.retries + 1,
            ..Case::default()
        });
    }

    fn end_suite(&mut self, suite: Suite) {
        if let Some(trouble) = suite.trouble {
            self.to.error(Case {
                suite: suite.name,
                name: "(the whole suite)".to_owned(),
                kind: trouble.kind,
                title: trouble.title,
                body: trouble.body.0,
                stdout: suite.output.0,
                ..Case::default()
            });
        }
        let found = self.to.counts().tests - suite.tests_before;
        if let Some((declared, position)) = suite.declared
            && declared != found
        {
            // To find the line is to read all before it: not for a warning that is dropped.
            let line = self.to.keeps_warnings().then(|| xml::line(self.xml, position));
            self.to.warn(line, format!("says it has {declared} tests, and has {found}"));
        }
    }
}

impl Visitor for Open<'_, '_> {
    fn start(&mut self, element: &BytesStart<'_>, position: u64) {
        self.begin(element, position);
    }

    fn end(&mut self) {
        self.close();
    }

    fn text(&mut self, text: &str) {
        self.say(text);
    }

    fn warn(&mut self, line: usize, reason: String) {
        self.to.warn(Some(line), reason);
    }

    /// What failed before the place counts; a test that is cut off there and did not fail yet
    /// does not.
    fn give_up(&mut self, line: usize, reason: String) {
        self.to.broken(Some(line), reason);
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
