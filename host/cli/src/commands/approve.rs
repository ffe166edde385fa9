//! `stepwell approve`: a person lets a patch pass a gate, for this head, this patch and these rules.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use apply::{ApprovalFile, Asked};
use runner::Plain;
use serde_json::json;

use super::{pretty, print, resume};
use crate::args::ApproveArgs;
use crate::problem::{LeavingProblem, Problem};
use crate::{approvals, repo};

/// Approves.
pub(super) fn approve(args: &ApproveArgs) -> Result<u8, Problem> {
    let runs = repo::runs(&args.repo.repo)?;
    let run = match &args.from {
        Some(_) => args.run.clone(),
        None => resume::choose_here(&args.run, &runs)?,
    };
    let journal = match &args.from {
        Some(dir) => dir.join("trace.jsonl"),
        None => runs.join(&run).join("journal.jsonl"),
    };
    let asked = asked(&journal, &run)?;
    if asked.gate != args.gate {
        let (run, asks, named) = (asked.run, asked.gate, args.gate.clone());
        return Err(LeavingProblem::OtherGate { run, asks, named }.into());
    }
    let by = args.by.clone().unwrap_or_else(approvals::approver);
    let file = ApprovalFile::new(&asked.run, &asked.gate, &by, asked.bound.clone());
    let signer = approvals::signer()?;
    let file = match &signer {
        Some(signer) => file.signed(signer),
        None => file,
    };
    let path = match &args.out {
        Some(path) => path.clone(),
        None => approvals::place(&runs.join(&asked.run)).join(format!("{}.json", asked.gate)),
    };
    write(&path, &file.to_bytes())?;
    if args.json {
        let signer = signer.map(|signer| signer.public().to_string());
        print(&pretty(&json!({
            "run": asked.run, "gate": asked.gate, "by": by, "bound": asked.bound,
            "signer": signer, "file": path,
        })));
        return Ok(0);
    }
    if let Some(verdict) = &asked.verdict {
        print(&format!("{}: {}", asked.gate, Plain(&verdict.because)));
    }
    let patch: String = asked.bound.patch.chars().take(12).collect();
    print(&format!("approved by {} for patch {}", Plain(&by), Plain(&patch)));
    let next = match &args.out {
        Some(path) => format!("stepwell run --approval {}", path.display()),
        None => format!("stepwell resume {}", asked.run),
    };
    print(&format!("go on: {}", Plain(&next)));
    Ok(0)
}

/// What the run waits for.
fn asked(journal: &Path, named: &str) -> Result<Asked, Problem> {
    let bytes = fs::read(journal).map_err(|source| Problem::File {
        what: "read",
        path: journal.to_owned(),
        source,
    })?;
    let asked = Asked::of(&bytes)
        .map_err(|source| LeavingProblem::NotAsked { run: named.to_owned(), source })?;
    if !asked.run.starts_with(named) {
        let dir = journal.parent().unwrap_or(journal).to_owned();
        let (found, asked) = (asked.run, named.to_owned());
        return Err(LeavingProblem::OtherRun { dir, found, asked }.into());
    }
    Ok(asked)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.map_or_else(|| PathBuf::from("."), Path::to_owned);
    let written = fs::create_dir_all(&parent).and_then(|()| {
        let mut file = tempfile::NamedTempFile::new_in(&parent)?;
        file.write_all(bytes)?;
        file.as_file().sync_data()?;
        file.persist(path).map_err(|err| err.error)?;
        Ok(())
    });
    written.map_err(|source| Problem::File {
        what: "write the approval to",
        path: path.to_owned(),
        source,
    })
}
