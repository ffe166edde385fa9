//! `stepwell tool test`: a tool's own cases, and what the host sees of each.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use runner::Plain;
use sandbox::Outcome;
use serde_json::json;
use toml_edit::{Array, DocumentMut, Item, Table, value};

use super::cases::Case;
use super::subject::Subject;
use super::trial::Trial;
use super::verdict::{Verdict, questions};
use crate::args::ToolTestArgs;
use crate::commands::{pretty, print, runtime};
use crate::problem::{AuthoringProblem, Problem};

/// The exit code of a tool that does not do what its cases say.
const NOT_AS_EXPECTED: u8 = 1;

/// Runs the cases.
pub(super) fn test(args: &ToolTestArgs) -> Result<u8, Problem> {
    let subject = Subject::open(&args.tool)?;
    subject.one()?;
    let mut cases = subject.cases()?;
    if let Some(only) = &args.only {
        cases.retain(|case| case.name.contains(only));
    }
    if cases.is_empty() {
        return Err(AuthoringProblem::NoCases { tool: args.tool.tool.clone() }.into());
    }
    let trial = Trial::new(&subject.path.display().to_string(), &subject.component)?;
    let runtime = runtime()?;
    let mut verdicts = Vec::new();
    for case in &cases {
        let verdict = Verdict::of(case, runtime.block_on(trial.run(case))?);
        if !args.json && !args.update {
            show(&verdict.text());
        }
        verdicts.push(verdict);
    }
    if args.update {
        return update(&verdicts);
    }
    let failed = verdicts.iter().filter(|verdict| !verdict.passes()).count();
    if args.json {
        let shown = json!({
            "tool": trial.manifest().name,
            "component": subject.component.digest().to_string(),
            "bytes": subject.component.bytes().len(),
            "passed": verdicts.len() - failed,
            "failed": failed,
            "cases": verdicts.iter().map(Verdict::json).collect::<Vec<_>>(),
        });
        print(&pretty(&shown));
    } else {
        let bytes = subject.component.bytes().len();
        let name = &trial.manifest().name;
        print(&format!(
            "{name}: {} passed, {failed} failed; {bytes} bytes",
            verdicts.len() - failed
        ));
    }
    Ok(if failed == 0 { 0 } else { NOT_AS_EXPECTED })
}

/// Prints lines that may hold words of the tool.
fn show(text: &str) {
    text.lines().for_each(|line| print(&Plain(line).to_string()));
}

/// Writes what came out into the files of the cases, and leaves everything else there as it is.
fn update(verdicts: &[Verdict<'_>]) -> Result<u8, Problem> {
    let mut by_file: BTreeMap<PathBuf, Vec<&Verdict<'_>>> = BTreeMap::new();
    for verdict in verdicts.iter().filter(|verdict| !verdict.passes()) {
        by_file.entry(verdict.case.file.clone()).or_default().push(verdict);
    }
    for (path, verdicts) in by_file {
        let unreadable = |source| Problem::File { what: "read", path: path.clone(), source };
        let text = fs::read_to_string(&path).map_err(unreadable)?;
        let bad = |why: String| AuthoringProblem::BadCases { path: path.clone(), why };
        let mut document: DocumentMut =
            text.parse().map_err(|err: toml_edit::TomlError| bad(err.to_string()))?;
        for verdict in verdicts {
            let tables = document.get_mut("case").and_then(Item::as_array_of_tables_mut);
            let table = tables.and_then(|tables| tables.get_mut(verdict.case.place));
            let table = table.ok_or_else(|| bad("its cases are not tables `[[case]]`".into()))?;
            write_down(table, verdict);
            print(&Plain(&format!("{}: {}", path.display(), verdict.case.name)).to_string());
        }
        let unwritable = |source| Problem::File { what: "write", path: path.clone(), source };
        fs::write(&path, document.to_string()).map_err(unwritable)?;
    }
    // What is not deterministic cannot be written down.
    let wild: Vec<_> = verdicts.iter().filter(|one| !one.tried.differs.is_empty()).collect();
    for verdict in &wild {
        show(&verdict.text());
    }
    Ok(if wild.is_empty() { 0 } else { NOT_AS_EXPECTED })
}

fn write_down(table: &mut Table, verdict: &Verdict<'_>) {
    for key in ["answer", "refusal", "ended"] {
        table.remove(key);
    }
    let report = &verdict.tried.report;
    match &report.outcome {
        Outcome::Answered(text) => table.insert("answer", value(text)),
        Outcome::Refused { message } => table.insert("refusal", value(message)),
        Outcome::Ended(ending) => table.insert("ended", value(ending.to_string())),
    };
    let Case { questions: expected, .. } = verdict.case;
    if expected.is_some() {
        table.insert("questions", value(questions(report).into_iter().collect::<Array>()));
    }
}
