//! Places in code, out of the traces of many languages: one line, one place.

use crate::text;

/// The most frames kept; the project's own are few.
const FRAMES_MAX: usize = 30;
/// A path that is longer is none.
const PATH_LEN_MAX: usize = 400;
/// What is shown of a function's name; those of generics are long.
const FUNCTION_LEN_MAX: usize = 200;
/// What a trace goes through that nobody here wrote.
const FOREIGN: &[&str] = &[
    "/rustc/",
    "library/std/src/",
    "library/core/src/",
    "library/alloc/src/",
    "library/test/src/",
    ".cargo/registry/",
    "node_modules/",
    "node:",
    "internal/process/",
    "internal/modules/",
    "internal/timers.js",
    "package:test_api/",
    "dart:",
    "site-packages/",
    "dist-packages/",
    "/lib/python",
    "/usr/lib/",
    "<frozen ",
    "vendor/",
    "/go/pkg/mod/",
    "/usr/local/go/",
    "src/testing/testing.go",
    "src/runtime/",
    "/gems/",
    "_testmain.go",
];
/// The same for Java and .NET, which name no directories.
const FOREIGN_FUNCTIONS: &[&str] = &[
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "com.sun.",
    "kotlin.",
    "scala.",
    "groovy.",
    "org.junit.",
    "junit.",
    "org.testng.",
    "org.mockito.",
    "org.hamcrest.",
    "org.assertj.",
    "org.gradle.",
    "org.apache.maven.",
    "org.codehaus.",
    "worker.org.gradle.",
    "System.",
    "Microsoft.",
    "Xunit.",
    "NUnit.",
];

/// A place in code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// As the trace has it.
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) function: Option<String>,
}

/// All places a text names, the innermost first.
pub(super) fn frames(text: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut function: Option<String> = None;
    for line in text.lines() {
        match frame(line) {
            Some(found) => {
                let function = found.function.or(function.take());
                let function = function.map(|name| text::cut(&name, FUNCTION_LEN_MAX));
                let known = |frame: &Frame| (&frame.file, frame.line) == (&found.file, found.line);
                if !frames.iter().any(known) {
                    frames.push(Frame { function, ..found });
                }
            }
            None => function = symbol(line),
        }
        if frames.len() == FRAMES_MAX {
            break;
        }
    }
    // Python alone names the innermost last.
    let is_python = |frame: &Frame| frame.file.ends_with(".py");
    if !frames.is_empty() && frames.iter().all(is_python) {
        frames.reverse();
    }
    frames
}

/// Puts a place first, where the trace has it further down or not at all.
pub(super) fn first(frames: &mut Vec<Frame>, file: &str, line: u32) {
    let at = frames.iter().position(|frame| frame.file == file && frame.line == line);
    let frame = match at {
        Some(at) => frames.remove(at),
        None => Frame { file: file.to_owned(), line, function: None },
    };
    frames.insert(0, frame);
}

/// Only what the project itself wrote, or all of it where that is nothing.
pub(super) fn own(frames: Vec<Frame>) -> Vec<Frame> {
    let is_foreign = |frame: &Frame| {
        let function = frame.function.as_deref().unwrap_or_default();
        FOREIGN.iter().any(|part| frame.file.contains(part))
            || FOREIGN_FUNCTIONS.iter().any(|prefix| function.starts_with(prefix))
    };
    if frames.iter().all(is_foreign) {
        return frames;
    }
    frames.into_iter().filter(|frame| !is_foreign(frame)).collect()
}

/// The place a line of a trace names.
pub(super) fn frame(line: &str) -> Option<Frame> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("File \"") {
        return python(rest);
    }
    if let Some(rest) = line.strip_prefix("at ") {
        return called_at(rest);
    }
    // vitest points at it, rustc has an arrow.
    let line = line.strip_prefix("❯ ").or_else(|| line.strip_prefix("--> ")).unwrap_or(line);
    // Go, pytest, PHPUnit, C++: the line begins with it.
    let word = line.split([' ', '\t']).next()?;
    let (file, number) = place(word.trim_end_matches(':'))?;
    Some(Frame { file, line: number, function: None })
}

/// Whether a line names a place and says what is wrong there, as Go does.
pub(super) fn says(line: &str) -> bool {
    let rest = line.trim().split_once(".go:").map(|(_, rest)| rest);
    let words = rest.map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':'));
    words.is_some_and(|words| words.starts_with(' ') && !words.starts_with(" +0x"))
}

/// `tests/test_a.py", line 12, in test_b`
fn python(rest: &str) -> Option<Frame> {
    let (file, rest) = rest.split_once("\", line ")?;
    let (number, function) = rest
        .split_once(", in ")
        .map_or((rest, None), |(number, function)| (number, Some(function.trim().to_owned())));
    let line = number.trim().parse().ok()?;
    (file.len() <= PATH_LEN_MAX).then(|| Frame { file: file.to_owned(), line, function })
}

/// `com.acme.Test.run(Test.java:12)`, `Object.<anonymous> (/src/b.test.js:1:122)`, `./src/lib.rs:6:26`
fn called_at(rest: &str) -> Option<Frame> {
    // .NET: `Acme.Test.Run() in /src/Test.cs:line 12`
    if let Some((function, place)) = rest.rsplit_once(" in ")
        && let Some((file, line)) = place.rsplit_once(":line ")
        && let Ok(line) = line.trim().parse()
        && file.len() <= PATH_LEN_MAX
    {
        let function = function.split('(').next().unwrap_or_default();
        let file = file.trim_start_matches("/_/").to_owned();
        return Some(Frame { file, line, function: Some(function.to_owned()) });
    }
    if let Some((function, file)) = rest.rsplit_once('(')
        && let Some((file, line)) = file.split_once(')').and_then(|(file, _)| place(file))
    {
        let function = function.trim().trim_start_matches("async ");
        let function = (!function.is_empty()).then(|| function.to_owned());
        return Some(Frame { file, line, function });
    }
    let (file, line) = place(rest.trim_start_matches("async "))?;
    Some(Frame { file, line, function: None })
}

/// `src/lib.rs:6:26` or `Test.java:12`: a path with an extension, a line, maybe a column.
fn place(text: &str) -> Option<(String, u32)> {
    let text = text.strip_prefix("file://").unwrap_or(text);
    let (rest, last) = text.rsplit_once(':')?;
    let last: u32 = last.parse().ok()?;
    let (file, line) = match rest.rsplit_once(':') {
        Some((file, line)) if line.parse::<u32>().is_ok() => (file, line.parse().ok()?),
        Some(_) | None => (rest, last),
    };
    let name = file.rsplit(['/', '\\']).next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    let is_path = !stem.is_empty()
        && (1..=5).contains(&extension.len())
        && extension.starts_with(|c: char| c.is_ascii_alphabetic())
        && extension.bytes().all(|c| c.is_ascii_alphanumeric())
        && !file.contains(['(', ')', '"', '\'', '<', '>'])
        && file.len() <= PATH_LEN_MAX;
    is_path.then(|| (file.trim_start_matches("./").to_owned(), line))
}

/// `   4: sample::tests::fails`: the function of Rust's next line.
fn symbol(line: &str) -> Option<String> {
    let (number, symbol) = line.trim_start().split_once(": ")?;
    let is_number = !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit());
    is_number.then(|| symbol.trim().to_owned())
}
