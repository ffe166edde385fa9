//! A step's own gates: each is shown the patch and the patched tree, and says its verdict.
//!
//! Whatever a gate does but say one refuses: a rule that cannot be asked lets nothing pass.

use gate::{FileChange, NumberedLine, OwnGate, Patch};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use session::{Answer, Place, Ruling, Verdict};
use snapshot::{Grant, RepoPath};

use crate::text::{Plain, cut};
use crate::tools::{Execution, ToolExecutor, Toolbox, Trees};

/// Bytes of what a gate answers: its places, and room to spare.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Bytes of one of its reasons: a sentence.
const REASON_BYTES_MAX: usize = 500;

/// Places that it may name.
const PLACES_MAX: usize = 100;

/// A gate of the step's own, as the host knows it.
#[derive(Debug, Clone)]
pub struct GateInfo {
    /// What the step calls it.
    pub name: String,
    /// What the step tells it: a JSON object.
    pub settings: Value,
    /// What it may read.
    pub grant: Grant,
}

/// Holds what a step tells a gate against the JSON Schema of the gate.
///
/// # Errors
/// A sentence when it does not fit, or the schema cannot be used.
pub fn check_settings(schema: &Value, settings: &Value) -> Result<(), String> {
    let validator = jsonschema::validator_for(schema)
        .map_err(|err| format!("its schema cannot be used: {err}"))?;
    validator.validate(settings).map_err(|err| {
        let place = err.instance_path().to_string();
        let place = if place.is_empty() { String::new() } else { format!("at `{place}`: ") };
        format!("{place}{err}")
    })
}

/// What a gate is shown.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    step: &'a str,
    settings: &'a Value,
    patch: &'a str,
    files: &'a [ShownFile<'a>],
}

#[derive(Debug, Serialize)]
struct ShownFile<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    status: &'static str,
    added: Vec<ShownLine<'a>>,
    removed: Vec<ShownLine<'a>>,
}

#[derive(Debug, Serialize)]
struct ShownLine<'a> {
    line: u32,
    text: &'a str,
}

/// What a gate says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    ruling: SaidRuling,
    reason: String,
    #[serde(default)]
    places: Vec<SaidPlace>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SaidRuling {
    Pass,
    Approval,
    Refuse,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidPlace {
    path: String,
    #[serde(default)]
    line: Option<u32>,
    reason: String,
}

/// What each of the gates that the rules name says of a patch in canonical form. `trees` are the
/// patched head, and the head.
pub(crate) async fn judge<E: ToolExecutor>(
    toolbox: &Toolbox<E>,
    gates: &[OwnGate],
    step: &str,
    diff: &str,
    trees: &Trees,
) -> Vec<Verdict> {
    let patch = Patch::parse(diff);
    let files: Result<Vec<ShownFile<'_>>, String> = match &patch {
        Ok(patch) => Ok(patch.files().iter().map(shown).collect()),
        Err(err) => Err(err.to_string()),
    };
    let mut verdicts = Vec::with_capacity(gates.len());
    for gate in gates {
        let name = gate.name.as_str();
        let known = toolbox.gates().iter().find(|info| info.name == name);
        let input = known.ok_or_else(|| "its component is not there".to_owned()).and_then(|info| {
            let files = files.as_deref().map_err(Clone::clone)?;
            let shown = Shown { step, settings: &info.settings, patch: diff, files };
            let input = serde_json::to_string(&shown).map_err(|err| err.to_string())?;
            Ok((info, input))
        });
        verdicts.push(match input {
            Ok((info, input)) => said(name, &toolbox.judge(info, &input, trees).await),
            Err(why) => refuses(name, &why),
        });
    }
    verdicts
}

fn shown(change: &FileChange) -> ShownFile<'_> {
    let (path, from, status) = match change {
        FileChange::Add { path, .. } => (path, None, "added"),
        FileChange::Modify { path, .. } => (path, None, "modified"),
        FileChange::Delete { path, .. } => (path, None, "deleted"),
        FileChange::Rename { from, to, .. } => (to, Some(from.as_str()), "renamed"),
    };
    let (added, removed) = (lines(change.added_lines()), lines(change.removed_lines()));
    ShownFile { path, from, status, added, removed }
}

fn lines(lines: Vec<NumberedLine<'_>>) -> Vec<ShownLine<'_>> {
    lines.into_iter().map(ShownLine::of).collect()
}

impl<'a> ShownLine<'a> {
    fn of(NumberedLine { number, text }: NumberedLine<'a>) -> Self {
        Self { line: number, text: text.strip_suffix('\n').unwrap_or(text) }
    }
}

/// The verdict in what came of a call.
fn said(gate: &str, execution: &Execution) -> Verdict {
    let problem = match &execution.answer {
        Answer::Answered { output } => match read(output) {
            Ok(said) => return verdict(gate, &said),
            Err(why) => format!("its answer is no verdict: {why}"),
        },
        Answer::Refused { message } => format!("it would not judge: {message}"),
        // A panic's message is in the log; the ending only says that there was one.
        Answer::Ended { ending, .. } => match execution.log.last() {
            Some((_, line)) => format!("it was ended: {ending} ({line})"),
            None => format!("it was ended: {ending}"),
        },
    };
    refuses(gate, &problem)
}

fn refuses(gate: &str, problem: &str) -> Verdict {
    let problem = cut(&Plain(problem).to_string(), REASON_BYTES_MAX);
    Verdict::new(gate, Ruling::Refuse, format!("the gate cannot be asked: {problem}"))
}

fn verdict(gate: &str, said: &Said) -> Verdict {
    let ruling = match said.ruling {
        SaidRuling::Pass => Ruling::Pass,
        SaidRuling::Approval => Ruling::Approval,
        SaidRuling::Refuse => Ruling::Refuse,
    };
    let place = |place: &SaidPlace| Place {
        path: place.path.clone(),
        line: place.line,
        what: Plain(&place.reason).to_string(),
    };
    let mut paths: Vec<String> = said.places.iter().map(|place| place.path.clone()).collect();
    paths.sort();
    paths.dedup();
    Verdict {
        paths,
        places: said.places.iter().map(place).collect(),
        ..Verdict::new(gate, ruling, Plain(&said.reason).to_string())
    }
}

fn read(output: &str) -> Result<Said, String> {
    if output.len() > ANSWER_BYTES_MAX {
        return Err(format!("it has {} bytes, the most is {ANSWER_BYTES_MAX}", output.len()));
    }
    // A list of the right values would be read as one, too.
    if !output.trim_start().starts_with('{') {
        return Err("it is no JSON object".to_owned());
    }
    let said: Said = serde_json::from_str(output).map_err(|err| err.to_string())?;
    let reasons = said.places.iter().map(|place| &place.reason).chain([&said.reason]);
    for reason in reasons {
        if reason.trim().is_empty() || reason.len() > REASON_BYTES_MAX {
            return Err(format!("a reason is empty, or has more than {REASON_BYTES_MAX} bytes"));
        }
    }
    if said.places.len() > PLACES_MAX {
        return Err(format!("it names {} places, the most is {PLACES_MAX}", said.places.len()));
    }
    for SaidPlace { path, line, .. } in &said.places {
        RepoPath::parse(path).map_err(|err| format!("a place is no path: {err}"))?;
        if *line == Some(0) {
            return Err("a line is 0; they are counted from 1".to_owned());
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests;
