//! The cases of a tool: what it is called with, on which repository, and what should come of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sandbox::Limits;
use serde::Deserialize;
use serde_json::Value;

use super::fixture::Fixture;
use crate::problem::AuthoringProblem;

/// Bytes of one file of cases: what a person still reads.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Files of cases of one tool.
const FILES_MAX: usize = 256;
/// Cases of one tool; each runs for milliseconds, twice.
const CASES_MAX: usize = 2_000;

/// A case, ready to be run.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: String,
    /// The file it stands in, and its place among the cases there.
    pub(super) file: PathBuf,
    pub(super) place: usize,
    /// JSON.
    pub(super) input: String,
    pub(super) head: Fixture,
    pub(super) base: Option<Fixture>,
    /// Globs of what may be read; everything without.
    pub(super) grant: Option<Vec<String>>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) limits: Limits,
    pub(super) expected: Option<Expected>,
    /// In the words of [`snapshot::Question`], in the order of first asking.
    pub(super) questions: Option<Vec<String>>,
}

/// How a call should end.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expected {
    /// With this answer; JSON is compared as JSON.
    Answer(Value),
    /// With a refusal of these words.
    Refusal(String),
    /// By us, for a reason that begins so.
    Ended(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    case: Vec<Written>,
}

/// A case as it stands in the file.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default = "no_arguments")]
    input: String,
    #[serde(default)]
    repository: Fixture,
    base: Option<Fixture>,
    grant: Option<Vec<String>>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    limits: Lowered,
    answer: Option<String>,
    refusal: Option<String>,
    ended: Option<String>,
    questions: Option<Vec<String>>,
}

/// Limits that a case sets lower or higher than usual.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Lowered {
    fuel: Option<u64>,
    wall_ms: Option<u64>,
    memory_bytes: Option<u64>,
    output_bytes: Option<u64>,
    host_calls: Option<u64>,
    read_bytes: Option<u64>,
    questions: Option<u64>,
}

fn no_arguments() -> String {
    "{}".to_owned()
}

/// Reads the cases of a file, or of all `*.toml` of a folder.
pub(super) fn read(place: &Path) -> Result<Vec<Case>, AuthoringProblem> {
    let mut cases = Vec::new();
    let mut names = BTreeSet::new();
    for file in files(place)? {
        let bad = |why: String| AuthoringProblem::BadCases { path: file.clone(), why };
        let bytes = fs::metadata(&file).map_err(|err| bad(err.to_string()))?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(bad(format!("it has {bytes} bytes, the most is {FILE_BYTES_MAX}")));
        }
        let text = fs::read_to_string(&file).map_err(|err| bad(err.to_string()))?;
        let written: File = toml::from_str(&text).map_err(|err| bad(in_words(&err, &text)))?;
        for (place, case) in written.case.into_iter().enumerate() {
            if cases.len() >= CASES_MAX {
                return Err(bad(format!("there are more than {CASES_MAX} cases")));
            }
            if !names.insert(case.name.clone()) {
                return Err(bad(format!("two cases are named `{}`", case.name)));
            }
            cases.push(case.checked(&file, place)?);
        }
    }
    Ok(cases)
}

/// What is wrong with a file, and on which line.
fn in_words(err: &toml::de::Error, text: &str) -> String {
    let before = err.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| before.matches('\n').count() + 1);
    line.map_or_else(|| err.message().to_owned(), |line| format!("line {line}: {}", err.message()))
}

/// The files of cases at a place, sorted.
fn files(place: &Path) -> Result<Vec<PathBuf>, AuthoringProblem> {
    let bad = |why: String| AuthoringProblem::BadCases { path: place.to_owned(), why };
    if !place.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(place).map_err(|err| bad(err.to_string()))? {
        let path = entry.map_err(|err| bad(err.to_string()))?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            files.push(path);
        }
        if files.len() > FILES_MAX {
            return Err(bad(format!("there are more than {FILES_MAX} files")));
        }
    }
    files.sort();
    Ok(files)
}

impl Written {
    fn checked(self, file: &Path, place: usize) -> Result<Case, AuthoringProblem> {
        let case = self.name.clone();
        let bad = |why: String| AuthoringProblem::BadCase { case: case.clone(), why };
        let json = |what: &str, text: &str| {
            serde_json::from_str::<Value>(text).map_err(|err| bad(format!("its {what}: {err}")))
        };
        if !json("input", &self.input)?.is_object() {
            return Err(bad("its input is no JSON object".to_owned()));
        }
        let expected = match (self.answer, self.refusal, self.ended) {
            (None, None, None) => None,
            (Some(answer), None, None) => Some(Expected::Answer(json("answer", &answer)?)),
            (None, Some(refusal), None) => Some(Expected::Refusal(refusal)),
            (None, None, Some(ended)) => Some(Expected::Ended(ended)),
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                return Err(bad("it expects more than one of `answer`, `refusal`, `ended`".into()));
            }
        };
        let beside = file.parent().unwrap_or(Path::new("."));
        Ok(Case {
            limits: self.limits.applied().map_err(|err| bad(err.to_string()))?,
            name: self.name,
            file: file.to_owned(),
            place,
            input: self.input,
            head: self.repository.beside(beside),
            base: self.base.map(|base| base.beside(beside)),
            grant: self.grant,
            environment: self.environment,
            expected,
            questions: self.questions,
        })
    }
}

impl Lowered {
    fn applied(&self) -> Result<Limits, sandbox::LimitsError> {
        let usual = Limits::default();
        Limits {
            fuel: self.fuel.unwrap_or(usual.fuel),
            wall: self.wall_ms.map_or(usual.wall, Duration::from_millis),
            memory_bytes: self.memory_bytes.unwrap_or(usual.memory_bytes),
            output_bytes: self.output_bytes.unwrap_or(usual.output_bytes),
            host_calls: self.host_calls.unwrap_or(usual.host_calls),
            read_bytes: self.read_bytes.unwrap_or(usual.read_bytes),
            questions: self.questions.unwrap_or(usual.questions),
            ..usual
        }
        .checked()
    }
}
