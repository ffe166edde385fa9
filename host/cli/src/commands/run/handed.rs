//! What a run hands to the platform that it runs on, besides its artifacts: values for the next
//! steps of the pipeline, and the page that people see first.
//!
//! Values are ours or paths, never words of a model: who forges an output of a step chooses what
//! the pipeline does next.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use runner::{Ended, Platform};

use crate::exit;
use crate::problem::Problem;

/// The largest summary that GitHub takes of a step, with room for what others have written.
const SUMMARY_BYTES_MAX: usize = 900 * 1024;
/// The file of values for GitLab's `artifacts:reports:dotenv`.
const DOTENV: &str = "stepwell.env";

/// Hands it over. `var` reads the environment.
pub(super) fn hand_over(
    platform: Platform,
    ended: &Ended,
    out_dir: &Path,
    var: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>, Problem> {
    let file = |name: &str| var(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    match platform {
        Platform::GitHub => {
            if let Some(path) = file("GITHUB_OUTPUT") {
                append(&path, github_outputs(&values(ended, out_dir))?.as_bytes())?;
            }
            if let Some(path) = file("GITHUB_STEP_SUMMARY") {
                append(&path, summary(out_dir)?.as_bytes())?;
            }
            Ok(Vec::new())
        }
        Platform::GitLab => {
            let path = out_dir.join(DOTENV);
            let lines = values(ended, out_dir).into_iter().filter(|(_, value)| is_one_line(value));
            let text: String =
                lines.map(|(name, value)| format!("{}={value}\n", variable(name))).collect();
            fs::write(&path, text).map_err(|source| unwritable(path, source))?;
            Ok(Vec::new())
        }
        Platform::Azure => Ok(azure_commands(&values(ended, out_dir), out_dir)),
        Platform::Plain | Platform::Buildkite | Platform::TeamCity => Ok(Vec::new()),
    }
}

/// What the next steps of a pipeline branch on.
fn values(ended: &Ended, out_dir: &Path) -> [(&'static str, String); 5] {
    let result = &ended.result;
    let outcome = serde_json::to_value(result.outcome).ok();
    let outcome = outcome.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
    [
        ("stop-reason", result.stop_reason.id().to_owned()),
        ("outcome", outcome.to_owned()),
        ("exit-code", exit::code(result).to_string()),
        ("patch", result.patch.is_some().to_string()),
        ("artifacts", out_dir.display().to_string()),
    ]
}

/// `name=value`, or between delimiters that nobody can know before.
fn github_outputs(values: &[(&str, String)]) -> Result<String, Problem> {
    let delimiter = format!("stepwell_{:032x}", u128::from_ne_bytes(random()?));
    let one = |(name, value): &(&str, String)| match is_one_line(value) {
        true => format!("{name}={value}\n"),
        false => format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"),
    };
    Ok(values.iter().map(one).collect())
}

fn random() -> Result<[u8; 16], Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|err| Problem::Start(io::Error::other(err)))?;
    Ok(bytes)
}

fn is_one_line(value: &str) -> bool {
    !value.contains(['\n', '\r'])
}

/// `STEPWELL_STOP_REASON` of `stop-reason`.
fn variable(name: &str) -> String {
    format!("STEPWELL_{}", name.replace('-', "_").to_uppercase())
}

fn azure_commands(values: &[(&str, String)], out_dir: &Path) -> Vec<String> {
    let fits = |value: &&(&str, String)| is_one_line(&value.1);
    let set = |(name, value): &(&str, String)| {
        let value = value.replace('%', "%AZP25");
        format!("##vso[task.setvariable variable={};isOutput=true]{value}", variable(name))
    };
    let mut commands: Vec<_> = values.iter().filter(fits).map(set).collect();
    let report = out_dir.join("report.md");
    let report = fs::canonicalize(&report).unwrap_or(report).display().to_string();
    if is_one_line(&report) {
        commands.push(format!("##vso[task.uploadsummary]{report}"));
    }
    commands
}

fn summary(out_dir: &Path) -> Result<String, Problem> {
    let path = out_dir.join("report.md");
    let page =
        fs::read_to_string(&path).map_err(|source| Problem::File { what: "read", path, source })?;
    if page.len() <= SUMMARY_BYTES_MAX {
        return Ok(page);
    }
    // A page that is cut may leave a fold or a fence open: what follows it is somebody else's.
    let end = page.floor_char_boundary(SUMMARY_BYTES_MAX);
    Ok(format!(
        "{}\n\n`report.md` has the rest.\n",
        page[..end].rsplit_once("\n#### ").map_or("", |(head, _)| head)
    ))
}

fn append(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|source| unwritable(path.to_owned(), source))
}

fn unwritable(path: PathBuf, source: io::Error) -> Problem {
    Problem::File { what: "write to", path, source }
}
