//! The commands that read a run back: show, explain, diff, verify, stats, export. They change
//! nothing, and ask nobody: but `export --format otlp` tells a collector.

mod bill;
mod fleet;
mod found;
mod page;
mod telemetry;
mod vouching;

use std::env;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use report::{Look, Run, Subject, export as to};
use session::Accounting;

use super::{pretty, print};
use crate::args::{DiffArgs, ExplainArgs, ExportArgs, ExportFormat, Hunk, ShowArgs, VerifyArgs};
use crate::exit;
use crate::pipeline::Pipeline;
use crate::problem::{Problem, ReadingProblem};
use crate::signing;
pub(super) use fleet::stats;
pub(super) use found::Found;
pub(super) use page::{PAGE, leave};
pub(super) use telemetry::after_run;
pub(super) use vouching::sign;

/// Columns where standard output is no terminal.
const COLUMNS: usize = 100;

/// Shows a run.
pub(super) fn show(args: &ShowArgs) -> Result<u8, Problem> {
    let run = Found::of(&args.run)?.run()?;
    if args.json {
        print(&pretty(&run));
    } else {
        let look = Look { columns: columns(), colours: has_colours(), records: args.records };
        print(report::show(&run, look).trim_end());
    }
    Ok(exit::DONE)
}

/// Says why things are as they are.
pub(super) fn explain(args: &ExplainArgs) -> Result<u8, Problem> {
    let run = Found::of(&args.run)?.run()?;
    let text = match (&args.hunk, args.decision) {
        (Some(Hunk::Number(number)), _) => {
            let hunks = report::trails(&run).len();
            let none = ReadingProblem::NoHunk { number: *number, hunks };
            report::explain(&run, Subject::Hunk(*number)).ok_or(none)?
        }
        (Some(Hunk::Of(path)), _) => hunks_in(&run, path)?,
        (None, Some(seq)) => {
            let none = ReadingProblem::NoRecord { seq, told: run.events.len() };
            report::explain(&run, Subject::Record(seq)).ok_or(none)?
        }
        (None, None) => report::explain(&run, Subject::Everything).unwrap_or_default(),
    };
    print(text.trim_end());
    Ok(exit::DONE)
}

fn hunks_in(run: &Run, path: &str) -> Result<String, ReadingProblem> {
    let trails = report::trails(run);
    let ours = trails.iter().filter(|trail| trail.path == path);
    let told: String =
        ours.filter_map(|trail| report::explain(run, Subject::Hunk(trail.hunk))).collect();
    if told.is_empty() {
        let mut files: Vec<String> = trails.into_iter().map(|trail| trail.path).collect();
        files.dedup();
        return Err(ReadingProblem::NoHunkIn { path: path.to_owned(), files });
    }
    Ok(told)
}

/// Says what differs between two runs.
pub(super) fn diff(args: &DiffArgs) -> Result<u8, Problem> {
    let left = Found::named(&args.left, &args.repo.repo)?;
    let right = Found::named(&args.right, &args.repo.repo)?;
    // Which of the two is damaged.
    left.run()?;
    right.run()?;
    let compared =
        report::compare(&left.bytes, &right.bytes).map_err(|source| right.damaged(source))?;
    if args.json {
        print(&pretty(&compared));
    } else {
        print(compared.to_string().trim_end());
    }
    Ok(exit::DONE)
}

/// What `verify` says to other programs.
#[derive(serde::Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    verified: &'a report::Verified,
    signature: &'a apply::Vouched,
}

/// Checks a trace and what lies beside it.
pub(super) fn verify(args: &VerifyArgs) -> Result<u8, Problem> {
    let found = Found::of(&args.run)?;
    let (result, patch) = (found.beside("result.json")?, found.beside("patch.diff")?);
    let mut verified = report::verify(&found.bytes, result.as_deref(), patch.as_deref());
    let listed = match args.signer.as_slice() {
        [] => signing::listed(signing::TRACE_SIGNERS)?,
        named => Some(named.iter().copied().collect()),
    };
    let (vouched, finding) = vouching::vouched(&found, listed.as_ref())?;
    verified.findings.push(finding);
    if args.json {
        print(&pretty(&Told { verified: &verified, signature: &vouched }));
    } else {
        print(verified.to_string().trim_end());
    }
    Ok(if verified.holds() { exit::DONE } else { exit::UNTRUSTED })
}

/// Tells a run to another program.
pub(super) fn export(args: &ExportArgs) -> Result<u8, Problem> {
    let found = Found::of(&args.run)?;
    let run = found.run()?;
    if args.endpoint.is_some() && args.format != ExportFormat::Otlp {
        return Err(ReadingProblem::NothingToSend.into());
    }
    let text = match args.format {
        ExportFormat::Otlp => {
            telemetry::export(&run, books(&found)?.as_ref(), args.endpoint.as_deref())?
        }
        ExportFormat::Atif => to::atif(&run),
        ExportFormat::Junit => to::junit(&run),
        ExportFormat::Sarif => sarif(&run),
        ExportFormat::OtlpJson => to::otlp(&run, parent().as_ref()),
        ExportFormat::OtlpMetricsJson => to::otlp_metrics(&run, &labels(), books(&found)?.as_ref()),
        ExportFormat::Prometheus => to::prometheus(&run, &labels(), books(&found)?.as_ref()),
        ExportFormat::Cyclonedx => bill::cyclonedx(&found)?,
    };
    match &args.out {
        Some(path) => written(path, text.trim_end())?,
        None => print(text.trim_end()),
    }
    Ok(exit::DONE)
}

/// The `accounting.json` beside a trace. One that cannot be read says nothing.
fn books(found: &Found) -> Result<Option<Accounting>, Problem> {
    let books = found.beside("accounting.json")?;
    Ok(books.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// The pipeline's own span, which the run's are a part of.
fn parent() -> Option<to::Parent> {
    to::Parent::parse(&env::var("TRACEPARENT").ok()?)
}

fn written(path: &Path, text: &str) -> Result<(), Problem> {
    page::whole(path, format!("{text}\n").as_bytes())
}

/// A problem and its causes, in a line.
fn in_a_line(problem: &Problem) -> String {
    let mut said = problem.to_string();
    let mut cause = std::error::Error::source(problem);
    while let Some(err) = cause {
        said = format!("{said}: {err}");
        cause = err.source();
    }
    said
}

/// As `verdicts.sarif` among the artifacts.
fn sarif(run: &Run) -> String {
    let step = run.about.as_ref().map_or("", |about| about.step.as_str());
    let verdicts = run.patches.last().map(|last| last.verdicts.as_slice()).unwrap_or_default();
    let findings = run.analysis.as_ref().map(|found| found.findings.as_slice()).unwrap_or_default();
    runner::sarif(step, verdicts, findings)
}

/// What the pipeline says of itself.
fn labels() -> to::Labels {
    let named = Pipeline::of(|name| env::var(name).ok()).named().unwrap_or_default();
    let session::Pipeline { repository, branch, workflow } = named;
    let all = [("repository", repository), ("branch", branch), ("workflow", workflow)];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(COLUMNS)
}

/// <https://no-color.org>: set and not empty means none.
fn has_colours() -> bool {
    io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
