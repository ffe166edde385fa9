//! `stepwell resume`: from a run's name to the command that began it, and on from there.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use runner::{Carrier, KeptState};

use super::run::{self, KeptCommand};
use super::wait_for;
use crate::args::ResumeArgs;
use crate::problem::{KeptProblem, Problem};
use crate::repo;
use crate::wiring::shared::SharedRuns;

/// Goes on with a run.
pub(super) fn resume(args: &ResumeArgs) -> Result<u8, Problem> {
    let root = repo::root(&args.repo.repo)?;
    let runs = repo::runs(&args.repo.repo)?;
    let shared = SharedRuns::named(args.store.store.as_deref())?;
    let run = match &shared {
        // A whole name needs no list, which a store may have too much for.
        Some(_) if runner::is_run_name(&args.run) => args.run.clone(),
        Some(shared) => choose(&args.run, here(&runs)?, wait_for(shared.names())??)?,
        None => choose(&args.run, here(&runs)?, Vec::new())?,
    };
    refuse_what_is_over(&run, &runs, shared.as_ref())?;
    let kept = match (KeptCommand::of_dir(&runs.join(&run), &run)?, &shared) {
        (Some(kept), _) => Some(kept),
        (None, Some(shared)) => {
            let bytes = wait_for(shared.command(&run))??;
            bytes.map(|bytes| KeptCommand::of_others(&bytes, &run)).transpose()?
        }
        (None, None) => None,
    };
    let kept = kept.ok_or_else(|| Problem::Kept(KeptProblem::NoCommand { run: run.clone() }))?;
    run::go(&kept.arguments(args, &root)?, Some(&kept))
}

/// The names of the runs below a directory.
fn here(runs: &Path) -> Result<Vec<String>, Problem> {
    let entries = match fs::read_dir(runs) {
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(Problem::File { what: "read", path: runs.to_owned(), source });
        }
        Ok(entries) => entries,
    };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    Ok(names.filter(|name| runner::is_run_name(name)).collect())
}

/// The one run of this machine whose name begins so.
pub(super) fn choose_here(named: &str, runs: &Path) -> Result<String, Problem> {
    choose(named, here(runs)?, Vec::new())
}

/// The one run whose name begins so.
fn choose(named: &str, here: Vec<String>, elsewhere: Vec<String>) -> Result<String, Problem> {
    let mut all: Vec<String> = here.into_iter().chain(elsewhere).collect();
    all.sort();
    all.dedup();
    let begins = |name: &&String| !named.is_empty() && name.starts_with(named);
    let found: Vec<String> = all.iter().filter(begins).cloned().collect();
    match found.as_slice() {
        [run] => Ok(run.clone()),
        [] => Err(Problem::Kept(KeptProblem::NoRun { named: named.to_owned(), among: all })),
        _ => Err(Problem::Kept(KeptProblem::ManyRuns { named: named.to_owned(), among: found })),
    }
}

/// To go on with a run that is over would be to begin it again.
fn refuse_what_is_over(run: &str, runs: &Path, shared: Option<&SharedRuns>) -> Result<(), Problem> {
    let path = runs.to_owned();
    let kept =
        runner::kept_runs(runs).map_err(|source| Problem::File { what: "read", path, source });
    if let Some(found) = kept?.into_iter().find(|kept| kept.name == run) {
        return match found.state {
            KeptState::Over(reason) => {
                Err(Problem::Kept(KeptProblem::RunOver { run: run.to_owned(), reason }))
            }
            KeptState::AtWork { .. }
            | KeptState::Unfinished
            | KeptState::Stopped(_)
            | KeptState::Damaged(_) => Ok(()),
        };
    }
    let Some(shared) = shared else { return Ok(()) };
    let carrier: Arc<dyn Carrier> = Arc::new(shared.clone());
    let found = wait_for(runner::carried_run(&carrier, run))?;
    match found
        .map_err(|what| Problem::Kept(KeptProblem::StoreSaid { what }))?
        .map(|found| found.state)
    {
        Some(KeptState::Over(reason)) => {
            Err(Problem::Kept(KeptProblem::RunOver { run: run.to_owned(), reason }))
        }
        Some(_) => Ok(()),
        None => Err(Problem::Kept(KeptProblem::RunGone { run: run.to_owned() })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_name_is_enough_where_it_is_one_runs() {
        let choose = |named: &str| {
            let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            choose(named, names(&["aa11", "ab22"]), names(&["ab22", "bb33"]))
        };
        assert_eq!(choose("aa").unwrap(), "aa11");
        assert_eq!(choose("ab").unwrap(), "ab22");
        assert_eq!(choose("bb33").unwrap(), "bb33");
        assert!(
            matches!(choose("a"), Err(Problem::Kept(KeptProblem::ManyRuns { among, .. })) if among.len() == 2)
        );
        assert!(
            matches!(choose("c"), Err(Problem::Kept(KeptProblem::NoRun { among, .. })) if among.len() == 3)
        );
        assert!(matches!(choose(""), Err(Problem::Kept(KeptProblem::NoRun { .. }))));
    }
}
