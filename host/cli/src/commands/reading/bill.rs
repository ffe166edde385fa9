//! `export --format cyclonedx`: the bill of materials that the tool `sbom` made in a run, byte for byte
//! as the run's own record of it says.

use serde_json::Value;
use session::event::{CallDigests, Decision, Event, Input, Record};
use session::{Answer, CallId};
use trace::{Chain, Told, digest};

use super::Found;
use crate::problem::{Problem, ReadingProblem};

/// The tool that makes bills of materials.
const TOOL: &str = "sbom";

/// What a bill says of itself: <https://cyclonedx.org/docs/1.6/json/>, `bomFormat`.
const FORMAT: &str = "CycloneDX";

/// An answer of the tool.
struct Answered {
    call: CallId,
    output: String,
    digests: CallDigests,
}

/// The last bill that the run has.
pub(super) fn cyclonedx(found: &Found) -> Result<String, Problem> {
    let mut lost = None;
    for answer in answers(found)?.into_iter().rev() {
        let call = answer.call.to_string();
        match whole(found, answer)? {
            Some(document) if is_bill(&document) => return Ok(document),
            Some(_) => {}
            None => {
                lost.get_or_insert(call);
            }
        }
    }
    Err(match lost {
        Some(call) => ReadingProblem::BillLost { call },
        None => ReadingProblem::NoDependencies,
    }
    .into())
}

/// Everything that the tool answered, in order.
fn answers(found: &Found) -> Result<Vec<Answered>, Problem> {
    let mut ours: Vec<CallId> = Vec::new();
    let mut answers = Vec::new();
    for line in Chain::new(&found.bytes) {
        let Told::Known(record) = line.map_err(|source| found.damaged(source))?.told else {
            continue;
        };
        let Record { event, .. } = *record;
        match event {
            Event::Decided(Decision::CallStarted { call }) if call.tool == TOOL => {
                ours.push(call.id);
            }
            Event::Heard(Input::CallAnswered {
                call,
                answer: Answer::Answered { output },
                digests,
                ..
            }) if ours.contains(&call) => answers.push(Answered { call, output, digests }),
            Event::Decided(_) | Event::Heard(_) | Event::Noted(_) => {}
        }
    }
    Ok(answers)
}

/// The whole of an answer: a long one lies beside the trace. None where it does not any more.
fn whole(found: &Found, answer: Answered) -> Result<Option<String>, Problem> {
    let Answered { call, output, digests } = answer;
    // A trace of an earlier program says no digest; it then has to do with what it says.
    let Some(due) = digests.output else { return Ok(Some(output)) };
    if digest(output.as_bytes()) == due {
        return Ok(Some(output));
    }
    let file = format!("outputs/{call}.txt");
    let Some(bytes) = found.beside(&file)? else { return Ok(None) };
    if digest(&bytes) != due {
        return Err(ReadingProblem::OutputChanged { file }.into());
    }
    Ok(String::from_utf8(bytes).ok())
}

fn is_bill(document: &str) -> bool {
    let read: Result<Value, _> = serde_json::from_str(document);
    read.is_ok_and(|document| document["bomFormat"] == FORMAT)
}
