//! What the words of a failing test are worth: its message, what was expected, where it went
//! through the project's own code, and the end of its output. The rest is dropped here.

mod compare;
mod trace;

pub(crate) use trace::Frame;

use crate::report::Case;
use crate::text;

/// What is kept of a message; an answer shows less.
const MESSAGE_LEN_MAX: usize = 8 * 1024;
/// What is kept of either side of a comparison.
const SIDE_LEN_MAX: usize = 2 * 1024;
/// What is kept of the output, in lines and bytes.
const OUTPUT_LINES_MAX: usize = 60;
const OUTPUT_LEN_MAX: usize = 6 * 1024;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) message: String,
    pub(crate) expected: Option<String>,
    pub(crate) actual: Option<String>,
    /// The innermost first; only the project's own, unless there are none.
    pub(crate) trace: Vec<Frame>,
    pub(crate) output: String,
}

impl Evidence {
    pub(crate) fn of(case: &Case) -> Self {
        let panic = panic(&case.body).or_else(|| panic(&case.title));
        let mut trace = trace::frames(&case.body);
        if trace.is_empty() {
            trace = trace::frames(&case.title);
        }
        let message = match &panic {
            Some(panic) => {
                trace::first(&mut trace, panic.file, panic.line);
                panic.message.clone()
            }
            None => message(&case.title, &case.body),
        };
        let (expected, actual) = compare::sides(&case.title, &case.body);
        let (expected, actual) = match (&case.expected, &case.actual) {
            (None, None) => (expected, actual),
            (expected, actual) => (expected.clone(), actual.clone()),
        };
        let side = |side: Option<String>| side.map(|side| text::cut(&side, SIDE_LEN_MAX));
        Self {
            message: text::cut(message.trim(), MESSAGE_LEN_MAX),
            expected: side(expected),
            actual: side(actual),
            trace: trace::own(trace),
            output: text::tail(&case.stdout, OUTPUT_LINES_MAX, OUTPUT_LEN_MAX),
        }
    }
}

/// The report's own message, or what stands before the trace, or both where they differ.
fn message(title: &str, body: &str) -> String {
    let said = after_traceback(body).unwrap_or_else(|| before_trace(body));
    let (title, said) = (title.trim(), said.trim());
    match (title.is_empty(), said.is_empty()) {
        (true, true) => body.trim().to_owned(),
        (false, true) => title.to_owned(),
        (true, false) => said.to_owned(),
        (false, false) => {
            // Attributes lose their line ends, so compare without.
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let (title_words, said_words) = (words(title), words(said));
            if said_words.contains(&title_words) {
                said.to_owned()
            } else if title_words.contains(&said_words) {
                title.to_owned()
            } else {
                format!("{title}\n{said}")
            }
        }
    }
}

/// What stands before the first place.
fn before_trace(body: &str) -> String {
    let lines = body.lines().take_while(|line| trace::frame(line).is_none() || trace::says(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// Python says what went wrong after its trace, in lines that are not indented.
fn after_traceback(body: &str) -> Option<String> {
    let (_, trace) = body.rsplit_once("Traceback (most recent call last):\n")?;
    let is_trace = |line: &&str| line.is_empty() || line.starts_with([' ', '\t']);
    let said: Vec<&str> = trace.lines().skip_while(is_trace).collect();
    (!said.is_empty()).then(|| said.join("\n"))
}

/// A panic of Rust: `thread 'x' (1) panicked at src/lib.rs:6:26:` and the lines after it.
struct Panic<'a> {
    file: &'a str,
    line: u32,
    message: String,
}

fn panic(text: &str) -> Option<Panic<'_>> {
    let mut lines = text.lines();
    let place = lines.by_ref().find_map(|line| {
        let (_name, rest) = line.trim_start().strip_prefix("thread '")?.split_once("' ")?;
        rest.split_once("panicked at ")
    });
    let (_id, place) = place?;
    let mut parts = place.trim_end_matches(':').rsplitn(3, ':');
    let (_column, line, file) = (parts.next()?, parts.next()?, parts.next()?);
    let is_message = |line: &&str| {
        let ends = ["stack backtrace:", "note: run with `RUST_BACKTRACE", "thread '", "---- "];
        !ends.iter().any(|end| line.starts_with(end))
    };
    let said: Vec<&str> = lines.take_while(is_message).collect();
    let mut message = said.join("\n").trim().to_owned();
    // A test that should have panicked with other words says so at its very end.
    if let Some(at) = text.find("note: panic did not contain expected string")
        && !message.contains("note: panic did not contain")
    {
        message.push('\n');
        message.push_str(text[at..].split("\n\n").next().unwrap_or_default());
    }
    Some(Panic { file, line: line.parse().ok()?, message })
}

#[cfg(test)]
mod tests;
