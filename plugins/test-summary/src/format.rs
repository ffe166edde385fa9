//! The formats, one module each. A new one is a module, a variant, and its lines in `detect`,
//! `read` and `name`.

use crate::report::{Summary, Writer};
use crate::text;

mod cargo_json;
mod compiler;
mod ctrf;
mod dart;
mod eslint;
mod go;
mod jest;
mod json;
mod junit;
mod libtest;
mod libtest_json;
mod mocha;
mod nextest;
mod number;
mod nunit;
mod plain;
mod pytest;
mod pytest_json;
mod rspec;
mod ruff;
mod sarif;
mod tap;
mod trx;
mod xml;
mod xunit;

/// What is looked at to tell JSON documents apart: their first keys stand here.
const HEAD_LEN_MAX: usize = 4 * 1024;
/// How many lines of JSON are looked at for one that names its format.
const LINES_LOOKED_AT_MAX: usize = 200;

/// A format of test reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// XML as the Ant task once wrote it, in any of its dialects.
    Junit,
    /// What Visual Studio and `dotnet test` write.
    Trx,
    /// XML of NUnit 3.
    Nunit,
    /// XML of xUnit.net.
    Xunit,
    /// What `cargo test` prints.
    Libtest,
    /// The same as lines of JSON; nextest can write it, too.
    LibtestJson,
    /// What `cargo nextest run` prints.
    Nextest,
    /// Messages of cargo or rustc as lines of JSON: compiler errors and lints.
    CargoJson,
    /// What `go test -json` prints.
    Go,
    /// What Dart and Flutter print with `--machine`.
    Dart,
    /// What pytest prints.
    Pytest,
    /// The report of pytest-json-report.
    PytestJson,
    /// The JSON of Jest, which Vitest writes, too.
    Jest,
    /// The JSON of Mocha.
    Mocha,
    /// The JSON of RSpec.
    Rspec,
    /// The Test Anything Protocol, 13 and 14.
    Tap,
    /// The Common Test Report Format.
    Ctrf,
    /// The Static Analysis Results Interchange Format, 2.1.0.
    Sarif,
    /// The JSON of `ESLint`.
    Eslint,
    /// The JSON of Ruff.
    Ruff,
    /// Anything else that says what failed.
    Plain,
    /// Runners that are known by their last lines only, beside one that is known better.
    Others,
}

/// Reads a report into the summary; false where the bytes are no report.
pub(crate) fn read(path: &str, bytes: &[u8], summary: &mut Summary) -> bool {
    let (text, warning) = text::decode(bytes);
    let text = text::plain(&text);
    let formats = detect(&text);
    let Some(first) = formats.first() else { return false };
    if let Some(warning) = warning {
        summary.warn(path, None, warning);
    }
    let mut writer = summary.writer(path, first.name());
    for format in &formats {
        format.read(&text, &mut writer);
    }
    if formats.len() > 1 {
        let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
        writer.tool(&names.join(" and "));
    }
    writer.finish();
    true
}

/// By what the text says, never by the name of its file. A log can hold what several runners
/// printed, one after the other.
fn detect(text: &str) -> Vec<Format> {
    let start = text.trim_start();
    if start.starts_with('<') {
        return match xml::root(text).as_deref() {
            Some("testsuites" | "testsuite" | "testcase") => vec![Format::Junit],
            Some("TestRun") => vec![Format::Trx],
            Some("test-run") => vec![Format::Nunit],
            Some("assemblies" | "assembly") => vec![Format::Xunit],
            Some(_) | None => Vec::new(),
        };
    }
    match json_lines(text) {
        // It reads the other lines, too.
        Some(Format::CargoJson) => return vec![Format::CargoJson],
        Some(format) => return std::iter::once(format).chain(printed(text)).collect(),
        None => {}
    }
    if is_json(start) {
        return json_document(start).into_iter().collect();
    }
    let printed = printed(text);
    if printed.is_empty() && plain::is_it(text) {
        return vec![Format::Plain];
    }
    printed
}

/// What runners print for people.
fn printed(text: &str) -> Vec<Format> {
    // What nextest shows of a test looks like libtest.
    let cargo = if nextest::is_it(text) {
        Some(Format::Nextest)
    } else {
        libtest::is_it(text).then_some(Format::Libtest)
    };
    let pytest = pytest::is_it(text).then_some(Format::Pytest);
    let tap = tap::is_it(text).then_some(Format::Tap);
    let mut found: Vec<Format> = [cargo, pytest, tap].into_iter().flatten().collect();
    if !found.is_empty() && plain::has_runner(text) {
        found.push(Format::Others);
    }
    found
}

/// Lines of JSON, perhaps among others: what else a command printed.
fn json_lines(text: &str) -> Option<Format> {
    let lines = text.lines().filter(|line| line.starts_with('{') && line.ends_with('}'));
    lines.take(LINES_LOOKED_AT_MAX).find_map(|line| {
        let has = |key: &str| line.contains(key);
        if has("\"Action\":\"") && (has("\"Package\":") || has("\"ImportPath\":")) {
            return Some(Format::Go);
        }
        if has("\"Action\":\"") && has("\"Test\":") {
            return Some(Format::Go);
        }
        if has("\"reason\":\"") && (has("\"package_id\"") || has("\"build-finished\"")) {
            return Some(Format::CargoJson);
        }
        if has("\"type\":\"testStart\"")
            || (has("\"protocolVersion\":") && has("\"runnerVersion\":"))
        {
            return Some(Format::Dart);
        }
        if has("\"$message_type\":\"diagnostic\"") {
            return Some(Format::CargoJson);
        }
        let line = line.replace(' ', "");
        let is_libtest = line.contains("\"event\":\"")
            && ["suite", "test", "bench"]
                .iter()
                .any(|kind| line.contains(&format!("\"type\":\"{kind}\"")));
        is_libtest.then_some(Format::LibtestJson)
    })
}

/// A bracket begins lines of logs, too.
fn is_json(start: &str) -> bool {
    let inner = start.strip_prefix(['{', '[']).map(str::trim_start);
    inner.is_some_and(|inner| inner.is_empty() || inner.starts_with(['"', '{', '[', '}', ']']))
}

/// One document, known by its first keys.
fn json_document(text: &str) -> Option<Format> {
    let head = &text[..text.floor_char_boundary(HEAD_LEN_MAX)];
    let has = |key: &str| head.contains(&format!("\"{key}\""));
    if text.starts_with('[') {
        let is_empty = text.trim_end().trim_end_matches(']').trim_end() == "[";
        return match () {
            () if has("filePath") && has("messages") => Some(Format::Eslint),
            () if has("noqa_row") || (has("filename") && has("end_location")) => Some(Format::Ruff),
            // What eslint and ruff write when there is nothing to say.
            () if is_empty => Some(Format::Ruff),
            () => None,
        };
    }
    match () {
        () if has("reportFormat") && head.contains("\"CTRF\"") => Some(Format::Ctrf),
        () if head.contains("sarif") && has("$schema") => Some(Format::Sarif),
        () if has("runs") && has("2.1.0") => Some(Format::Sarif),
        () if has("numFailedTests") || has("numTotalTests") => Some(Format::Jest),
        () if has("testResults") && has("assertionResults") => Some(Format::Jest),
        () if has("stats") && has("passes") => Some(Format::Mocha),
        () if has("examples") && (has("version") || has("summary_line")) => Some(Format::Rspec),
        () if has("exitcode") && (has("created") || has("summary")) => Some(Format::PytestJson),
        () => None,
    }
}

impl Format {
    fn read(self, text: &str, to: &mut Writer<'_>) {
        match self {
            Self::Junit => junit::read(text, to),
            Self::Trx => trx::read(text, to),
            Self::Nunit => nunit::read(text, to),
            Self::Xunit => xunit::read(text, to),
            Self::Libtest => libtest::read(text, to),
            Self::LibtestJson => libtest_json::read(text, to),
            Self::Nextest => nextest::read(text, to),
            Self::CargoJson => cargo_json::read(text, to),
            Self::Go => go::read(text, to),
            Self::Dart => dart::read(text, to),
            Self::Pytest => pytest::read(text, to),
            Self::PytestJson => pytest_json::read(text, to),
            Self::Jest => jest::read(text, to),
            Self::Mocha => mocha::read(text, to),
            Self::Rspec => rspec::read(text, to),
            Self::Tap => tap::read(text, to),
            Self::Ctrf => ctrf::read(text, to),
            Self::Sarif => sarif::read(text, to),
            Self::Eslint => eslint::read(text, to),
            Self::Ruff => ruff::read(text, to),
            Self::Plain => plain::read(text, to),
            Self::Others => plain::read_runners(text, to),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Trx => "trx",
            Self::Nunit => "nunit",
            Self::Xunit => "xunit",
            Self::Libtest => "libtest",
            Self::LibtestJson => "libtest-json",
            Self::Nextest => "nextest",
            Self::CargoJson => "cargo-json",
            Self::Go => "go-json",
            Self::Dart => "dart-json",
            Self::Pytest => "pytest",
            Self::PytestJson => "pytest-json",
            Self::Jest => "jest-json",
            Self::Mocha => "mocha-json",
            Self::Rspec => "rspec-json",
            Self::Tap => "tap",
            Self::Ctrf => "ctrf",
            Self::Sarif => "sarif",
            Self::Eslint => "eslint-json",
            Self::Ruff => "ruff-json",
            Self::Plain | Self::Others => "log",
        }
    }
}
