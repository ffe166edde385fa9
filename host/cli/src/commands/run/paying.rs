//! Which books a run is entered in, and under what.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use ledger::{Caps, Day, Name, Place, RunId, Scopes};
use runner::RunLedger;

use super::Answerer;
use crate::args::RunArgs;
use crate::commands::ledger::named_place;
use crate::dirs;
use crate::pipeline::Pipeline;
use crate::problem::Problem;
use crate::wiring::books::{Account, RunBooks};

/// The books that a run is entered in: those that were asked for, or the user's own where a model
/// costs money.
pub(super) fn ledger(
    args: &RunArgs,
    answerer: &Answerer,
    pipeline: &Pipeline,
    step: &str,
    root: &Path,
    run: &str,
    dir: PathBuf,
) -> Result<Option<Arc<dyn RunLedger>>, Problem> {
    let place = match named_place(args.ledger.as_deref())? {
        Some(place) => place,
        None if answerer.is_billed => users_own()?,
        None => return Ok(None),
    };
    let account = Account {
        run: RunId::new(run).map_err(|source| Problem::LedgerName { source })?,
        holder: name(&holder(pipeline))?,
        dir,
        scopes: scopes(pipeline, step, root)?,
        caps: Caps::none(),
    };
    Ok(Some(RunBooks::new(place, account)))
}

fn users_own() -> Result<Place, Problem> {
    let file = dirs::ledger();
    if let Some(path) = file.parent() {
        let made = std::fs::create_dir_all(path);
        let path = path.to_owned();
        made.map_err(|source| Problem::File { what: "make the directory", path, source })?;
    }
    Ok(Place::File(file))
}

/// What a run counts against, as the pipeline names it.
fn scopes(pipeline: &Pipeline, step: &str, root: &Path) -> Result<Scopes, Problem> {
    let directory = root.file_name().map(|name| name.to_string_lossy().into_owned());
    let repository = pipeline.repository.clone().or(directory);
    let optional = |text: &Option<String>| text.as_deref().map(name).transpose();
    Ok(Scopes {
        step: name(step)?,
        repository: name(&repository.unwrap_or_else(|| "repository".to_owned()))?,
        pull_request: optional(&pipeline.pull_request)?,
        branch: optional(&pipeline.branch)?,
        workflow: optional(&pipeline.workflow)?,
        day: Day::of(SystemTime::now()),
    })
}

fn holder(pipeline: &Pipeline) -> String {
    match &pipeline.job {
        Some(job) => job.clone(),
        None => format!("process {}", std::process::id()),
    }
}

fn name(text: &str) -> Result<Name, Problem> {
    Name::new(text).map_err(|source| Problem::LedgerName { source })
}
