//! What a CTRF document must look like, as the schema of version 1.0 has it: every key with its
//! type. What is wrong is told, and the rest of the document is read all the same.

use serde_json::{Map, Value};

/// What is told of one document: one thing wrong is often wrong in every test.
const PROBLEMS_MAX: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Must,
    May,
}
use Need::{May, Must};

enum Type {
    Text,
    /// A text that is not empty.
    Name,
    Version,
    Format,
    Status,
    Integer,
    /// An integer from 1 on.
    Ordinal,
    Number,
    Bool,
    Texts,
    /// At least one text.
    FilledTexts,
    Anything,
    Labels,
    One(&'static Keys),
    Many(&'static Keys),
}
use Type::{
    Anything, Bool, FilledTexts, Format, Integer, Labels, Many, Name, Number, One, Ordinal, Status,
    Text, Texts, Version,
};

type Keys = [(&'static str, Need, Type)];

static DOCUMENT: &Keys = &[
    ("reportFormat", Must, Format),
    ("specVersion", Must, Version),
    ("reportId", May, Name),
    ("runId", May, Name),
    ("timestamp", May, Text),
    ("generatedBy", May, Text),
    ("extra", May, Anything),
    ("results", Must, One(RESULTS)),
    ("insights", May, One(RUN_INSIGHTS)),
    ("baseline", May, One(BASELINE)),
];
static RESULTS: &Keys = &[
    ("tool", Must, One(TOOL)),
    ("summary", Must, One(SUMMARY)),
    ("tests", Must, Many(TEST)),
    ("environment", May, One(ENVIRONMENT)),
    ("extra", May, Anything),
];
static TOOL: &Keys = &[("name", Must, Name), ("version", May, Text), ("extra", May, Anything)];
static SUMMARY: &Keys = &[
    ("tests", Must, Integer),
    ("passed", Must, Integer),
    ("failed", Must, Integer),
    ("skipped", Must, Integer),
    ("pending", Must, Integer),
    ("other", Must, Integer),
    ("flaky", May, Integer),
    ("suites", May, Integer),
    ("start", Must, Integer),
    ("stop", Must, Integer),
    ("duration", May, Integer),
    ("extra", May, Anything),
];
static TEST: &Keys = &[
    ("id", May, Name),
    ("testId", May, Name),
    ("executionId", May, Name),
    ("name", Must, Name),
    ("status", Must, Status),
    ("duration", Must, Integer),
    ("start", May, Integer),
    ("stop", May, Integer),
    ("suite", May, FilledTexts),
    ("message", May, Text),
    ("trace", May, Text),
    ("snippet", May, Text),
    ("ai", May, Text),
    ("line", May, Integer),
    ("rawStatus", May, Text),
    ("tags", May, Texts),
    ("labels", May, Labels),
    ("type", May, Text),
    ("filePath", May, Text),
    ("retries", May, Integer),
    ("retryAttempts", May, Many(ATTEMPT)),
    ("flaky", May, Bool),
    ("stdout", May, Texts),
    ("stderr", May, Texts),
    ("threadId", May, Text),
    ("browser", May, Text),
    ("device", May, Text),
    ("screenshot", May, Text),
    ("attachments", May, Many(ATTACHMENT)),
    ("parameters", May, Anything),
    ("steps", May, Many(STEP)),
    ("insights", May, One(TEST_INSIGHTS)),
    ("extra", May, Anything),
];
static ATTEMPT: &Keys = &[
    ("attempt", Must, Ordinal),
    ("attemptId", May, Name),
    ("status", Must, Status),
    ("duration", May, Integer),
    ("message", May, Text),
    ("trace", May, Text),
    ("line", May, Integer),
    ("snippet", May, Text),
    ("stdout", May, Texts),
    ("stderr", May, Texts),
    ("start", May, Integer),
    ("stop", May, Integer),
    ("attachments", May, Many(ATTACHMENT)),
    ("extra", May, Anything),
];
static ATTACHMENT: &Keys = &[
    ("attachmentId", May, Name),
    ("name", Must, Text),
    ("contentType", Must, Text),
    ("path", Must, Text),
    ("extra", May, Anything),
];
static STEP: &Keys = &[("name", Must, Text), ("status", Must, Status), ("extra", May, Anything)];
static ENVIRONMENT: &Keys = &[
    ("reportName", May, Text),
    ("appName", May, Text),
    ("appVersion", May, Text),
    ("buildId", May, Text),
    ("buildName", May, Text),
    ("buildNumber", May, Integer),
    ("buildUrl", May, Text),
    ("repositoryName", May, Text),
    ("repositoryUrl", May, Text),
    ("commit", May, Text),
    ("branchName", May, Text),
    ("osPlatform", May, Text),
    ("osRelease", May, Text),
    ("osVersion", May, Text),
    ("testEnvironment", May, Text),
    ("shardId", May, Name),
    ("healthy", May, Bool),
    ("extra", May, Anything),
];
static TEST_INSIGHTS: &Keys = &[
    ("passRate", May, One(DELTA)),
    ("failRate", May, One(DELTA)),
    ("flakyRate", May, One(DELTA)),
    ("averageTestDuration", May, One(DELTA)),
    ("p95TestDuration", May, One(DELTA)),
    ("executedInRuns", May, Integer),
    ("extra", May, Anything),
];
static RUN_INSIGHTS: &Keys = &[
    ("passRate", May, One(DELTA)),
    ("failRate", May, One(DELTA)),
    ("flakyRate", May, One(DELTA)),
    ("averageRunDuration", May, One(DELTA)),
    ("p95RunDuration", May, One(DELTA)),
    ("averageTestDuration", May, One(DELTA)),
    ("runsAnalyzed", May, Integer),
    ("extra", May, Anything),
];
static DELTA: &Keys =
    &[("current", May, Number), ("baseline", May, Number), ("change", May, Number)];
static BASELINE: &Keys = &[
    ("reportId", Must, Name),
    ("timestamp", May, Text),
    ("source", May, Text),
    ("buildNumber", May, Integer),
    ("buildName", May, Text),
    ("buildUrl", May, Text),
    ("commit", May, Text),
    ("extra", May, Anything),
];

/// What of the document is not as it must be, the first things first.
pub(super) fn problems(document: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    match document.as_object() {
        Some(object) => check(object, DOCUMENT, "", &mut problems),
        None => problems.push("it is no object".to_owned()),
    }
    problems
}

fn check(object: &Map<String, Value>, keys: &Keys, at: &str, problems: &mut Vec<String>) {
    for (key, need, of) in keys {
        if problems.len() >= PROBLEMS_MAX {
            return;
        }
        match object.get(*key) {
            Some(value) => check_value(value, of, &format!("{at}{key}"), problems),
            None if *need == Must => problems.push(format!("`{at}{key}` is missing")),
            None => {}
        }
    }
    let unknown = object.keys().filter(|key| !keys.iter().any(|(known, ..)| known == key));
    let room = PROBLEMS_MAX.saturating_sub(problems.len());
    problems.extend(unknown.take(room).map(|key| format!("`{at}` has no key {key:?} in CTRF 1.0")));
}

fn check_value(value: &Value, of: &Type, at: &str, problems: &mut Vec<String>) {
    let text = value.as_str();
    let texts = value.as_array().filter(|texts| texts.iter().all(Value::is_string));
    let (good, expected) = match of {
        Text => (text.is_some(), "a text"),
        Name => (text.is_some_and(|text| !text.is_empty()), "a text that is not empty"),
        Version => (text.is_some_and(is_version), "a version such as `1.0.0`"),
        Format => (text == Some("CTRF"), "`CTRF`"),
        Status => (text.is_some_and(is_status), "passed, failed, skipped, pending or other"),
        Integer => (value.is_i64() || value.is_u64(), "an integer"),
        Ordinal => (value.as_u64().is_some_and(|number| number > 0), "an integer from 1 on"),
        Number => (value.is_number(), "a number"),
        Bool => (value.is_boolean(), "true or false"),
        Texts => (texts.is_some(), "a list of texts"),
        FilledTexts => (texts.is_some_and(|texts| !texts.is_empty()), "a list with a text"),
        Anything => (value.is_object(), "an object"),
        Labels => (value.as_object().is_some_and(|all| all.values().all(is_label)), "labels"),
        One(keys) => {
            if let Some(object) = value.as_object() {
                return check(object, keys, &format!("{at}."), problems);
            }
            (false, "an object")
        }
        Many(keys) => {
            let Some(items) = value.as_array() else {
                return problems.push(format!("`{at}` must be a list"));
            };
            for (number, item) in items.iter().enumerate() {
                if problems.len() >= PROBLEMS_MAX {
                    return;
                }
                match item.as_object() {
                    Some(item) => check(item, keys, &format!("{at}[{number}]."), problems),
                    None => problems.push(format!("`{at}[{number}]` must be an object")),
                }
            }
            return;
        }
    };
    if !good {
        problems.push(format!("`{at}` must be {expected}"));
    }
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(is_number)
}

fn is_status(text: &str) -> bool {
    matches!(text, "passed" | "failed" | "skipped" | "pending" | "other")
}

fn is_label(value: &Value) -> bool {
    let is_plain = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
    let is_list = |all: &Vec<Value>| !all.is_empty() && all.iter().all(is_plain);
    is_plain(value) || value.as_array().is_some_and(is_list)
}
