//! What is kept under a key.

use cache::Shown;
use runner::Plain;
use serde_json::json;
use snapshot::Question;

use super::super::{pretty, print};
use super::trouble;
use crate::args::CacheShowArgs;
use crate::problem::{Problem, SharingProblem};
use crate::sharing;

/// Questions that are shown of a call, unless all are asked for.
const QUESTIONS_SHOWN: usize = 12;

/// The exit code where nothing is kept.
const NOTHING: u8 = 1;

/// Shows the records whose key begins so.
pub(in crate::commands) fn show(args: &CacheShowArgs) -> Result<u8, Problem> {
    let is_digit = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
    if !(4..=64).contains(&args.key.len()) || !args.key.bytes().all(is_digit) {
        return Err(SharingProblem::BadDigits { digits: args.key.clone() }.into());
    }
    let cache = sharing::open(None)?;
    let found = cache.show(&args.key).map_err(trouble)?;
    let asked = |shown: &Shown| {
        let testimony = cache.testimony_of(shown.record.observed);
        testimony.map(|testimony| testimony.questions().to_vec()).unwrap_or_default()
    };
    if args.json {
        let shown: Vec<_> = found.iter().map(|shown| as_json(shown, &asked(shown))).collect();
        print(&pretty(&shown));
    } else if found.is_empty() {
        print(&format!("nothing is kept under {}", args.key));
    } else {
        for shown in &found {
            print(&as_text(shown, &asked(shown), args.all));
        }
    }
    Ok(if found.is_empty() { NOTHING } else { 0 })
}

fn as_json(shown: &Shown, questions: &[Question]) -> serde_json::Value {
    json!({
        "record": shown.record,
        "call": shown.call.as_ref().map(cache::Call::identity),
        "origin": shown.origin.as_ref().map(|origin| json!({
            "domain": origin.domain, "signer": origin.proof.signer, "run": origin.proof.run,
        })),
        "believed": shown.is_believed,
        "questions": questions,
    })
}

fn as_text(shown: &Shown, questions: &[Question], all: bool) -> String {
    let Shown { record, call, origin, is_believed } = shown;
    let mut lines = vec![format!("{}", record.observed)];
    let mut line = |word: &str, rest: String| lines.push(format!("  {word:<10}{}", Plain(&rest)));
    if let Some(call) = call {
        let identity = call.identity();
        line("call", format!("{} {}", identity.tool, identity.args));
        line("component", identity.component.to_string());
    }
    line("key", record.call.to_string());
    let kind = match record.kind {
        cache::Output::Answer => "answer",
        cache::Output::Refusal => "refusal",
    };
    let ms = record.cost_us / 1000;
    line("output", format!("{kind}, {} bytes, {ms} ms: {}", record.bytes, record.output));
    line(
        "from",
        match origin {
            None => "this machine".to_owned(),
            Some(origin) => {
                let proof = &origin.proof;
                format!("`{}`, signed by {} in {}", origin.domain, proof.signer, proof.run)
            }
        },
    );
    if !is_believed {
        line("not served", "who kept it is not trusted here".to_owned());
    }
    line("asked", format!("{} questions", questions.len()));
    let most = if all { questions.len() } else { QUESTIONS_SHOWN };
    for question in questions.iter().take(most) {
        line("", question.to_string());
    }
    if questions.len() > most {
        line("", format!("and {} more: --all shows them", questions.len() - most));
    }
    lines.join("\n")
}
