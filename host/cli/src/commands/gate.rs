//! `stepwell gate`: what the gates say of a patch, without a run and without a model.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use gate::PATCH_BYTES_MAX;
use runner::{Judged, Plain};
use serde_json::json;
use session::{Ruling, Verdict};

use super::run::{self, Ready};
use super::{pretty, print, runtime};
use crate::args::{GateArgs, GateFormat, RunArgs};
use crate::problem::Problem;
use crate::{exit, repo};

/// Holds a patch against the gates.
pub(super) fn gate(args: &GateArgs) -> Result<u8, Problem> {
    let text = patch(&args.patch)?;
    let trees = repo::open(&args.repo.repo, args.head.as_deref(), args.base.as_deref())?;
    let format = if args.json { GateFormat::Json } else { args.format };
    let of_run = RunArgs {
        step: args.step.clone(),
        repo: args.repo.clone(),
        base: args.base.clone(),
        head: args.head.clone(),
        quiet: format != GateFormat::Text,
        ..RunArgs::default()
    };
    let Ready { plan, toolbox, .. } = run::ready(&of_run, &trees, false)?;
    let head_id = trees.head_id()?;
    let head = trees.head.snapshot;
    let judged = runtime()?.block_on(runner::judge_patch(
        &text,
        head,
        head_id,
        plan.rules.clone(),
        &plan.name,
        &toolbox,
    ));
    match format {
        GateFormat::Text if args.explain => print(runner::explain(&judged.verdicts).trim_end()),
        GateFormat::Text => print(&lines(&judged)),
        GateFormat::Json => print(&pretty(&json!({
            "problem": judged.problem,
            "patch": judged.digest,
            "files": judged.files,
            "verdicts": judged.verdicts,
            "bound": judged.bound,
        }))),
        GateFormat::Sarif => print(runner::sarif(&plan.name, &judged.verdicts, &[]).trim_end()),
        GateFormat::Markdown => print(runner::explain(&judged.verdicts).trim_end()),
    }
    Ok(code(&judged))
}

/// A line a gate, the places it is about below it, and what it comes to.
fn lines(judged: &Judged) -> String {
    /// Places of a gate that are shown; the other formats have all.
    const PLACES_MAX: usize = 10;
    let mut lines = Vec::new();
    for verdict in &judged.verdicts {
        let word = match verdict.ruling() {
            Ruling::Pass => "pass",
            Ruling::Approval => "approval",
            Ruling::Refuse => "refuse",
        };
        lines.push(format!("{word:<9} {:<18} {}", verdict.gate, Plain(&verdict.because)));
        for place in verdict.places.iter().take(PLACES_MAX) {
            let line = place.line.map_or_else(String::new, |line| format!(":{line}"));
            let (path, what) = (Plain(&place.path), Plain(&place.what));
            lines.push(format!("{:29}{path}{line}: {what}", ""));
        }
        let more = verdict.places.len().saturating_sub(PLACES_MAX);
        if more > 0 {
            lines.push(format!("{:29}and {more} more", ""));
        }
    }
    // What a gate refuses stands in its line; what no gate speaks of (files that a patch does not
    // fit) stands here.
    let is_said = judged.verdicts.iter().any(|verdict| verdict.ruling() == Ruling::Refuse);
    if let Some(problem) = judged.problem.as_ref().filter(|_| !is_said) {
        lines.push(format!("refused: {}", Plain(problem)));
    }
    lines.join("\n")
}

fn code(judged: &Judged) -> u8 {
    match judged.verdicts.iter().map(Verdict::ruling).max() {
        _ if judged.problem.is_some() => exit::REFUSED,
        Some(Ruling::Refuse) => exit::REFUSED,
        Some(Ruling::Approval) => exit::APPROVAL,
        Some(Ruling::Pass) | None => exit::DONE,
    }
}

/// The patch, as far as the gates take one: what is longer is refused by them, not by us.
fn patch(path: &Path) -> Result<String, Problem> {
    let unreadable =
        |source| Problem::File { what: "read the patch", path: path.to_owned(), source };
    let most = PATCH_BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(unreadable)?;
    String::from_utf8(bytes)
        .map_err(|_| unreadable(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8")))
}
