//! `stepwell stats`: what many runs came to. Each trace is read, counted and let go.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use report::{By, Fleet, RUNS_MAX, Run};
use runner::Carrier;

use super::super::{print, wait_for};
use super::found::{self, NAMES};
use super::{in_a_line, page};
use crate::args::{StatsArgs, StatsBy};
use crate::exit;
use crate::problem::{Problem, ReadingProblem};
use crate::repo;
use crate::say::note;
use crate::wiring::shared::SharedRuns;

/// How far below a directory is looked: `downloads/pipeline/job/artifacts/.stepwell/out`.
const DEPTH_MAX: usize = 6;
/// The most entries of directories that are looked at.
const ENTRIES_MAX: usize = 1_000_000;
/// The most traces that are named one by one as damaged.
const NAMED_MAX: usize = 20;

/// Says what many runs came to.
pub(in crate::commands) fn stats(args: &StatsArgs) -> Result<u8, Problem> {
    let (stores, mut places): (Vec<PathBuf>, Vec<PathBuf>) =
        args.places.iter().cloned().partition(|place| is_store(place));
    if let Some(place) = places.iter().find(|place| !place.exists()) {
        return Err(ReadingProblem::NoTrace { named: place.display().to_string() }.into());
    }
    if places.is_empty() && stores.is_empty() {
        places.push(repo::runs(&args.repo.repo)?);
    }
    let mut counting = Counting::default();
    for path in traces(&places)? {
        let read = found::read(&path);
        counting.count(path, read);
    }
    for store in &stores {
        counting.store(store)?;
    }
    if counting.looked_at == 0 {
        let places = places.iter().chain(&stores);
        let places = places.map(|place| format!("`{}`", place.display())).collect();
        return Err(ReadingProblem::NoRuns { places }.into());
    }
    let fleet = counting.counted();
    let by = match args.by {
        StatsBy::Step => By::Step,
        StatsBy::Repository => By::Repository,
        StatsBy::Workflow => By::Workflow,
    };
    match &args.html {
        Some(path) => page::whole(path, fleet.html(by).as_bytes())?,
        None if args.json => print(fleet.json(by).trim_end()),
        None => print(fleet.text(by, super::columns()).trim_end()),
    }
    Ok(exit::DONE)
}

/// Whether a place is the URL of a store.
fn is_store(place: &Path) -> bool {
    place.to_str().is_some_and(|text| text.contains("://"))
}

/// What is counted so far. Each trace is read, counted and let go.
#[derive(Default)]
struct Counting {
    fleet: Fleet,
    seen: BTreeSet<(String, u64)>,
    looked_at: usize,
    left_out: usize,
    no_room: usize,
}

impl Counting {
    fn count(&mut self, path: PathBuf, read: Result<Vec<u8>, Problem>) {
        self.looked_at += 1;
        let read = read.and_then(|bytes| {
            let damaged = |source| ReadingProblem::Damaged { path, source };
            Ok(Run::read(&bytes).map_err(damaged)?)
        });
        match read {
            Ok(run) => {
                // The same run lies among artifacts and where it is kept.
                let is_new = self.seen.insert((run.name.clone(), run.began_ms));
                self.no_room += usize::from(is_new && !self.fleet.add(&run));
            }
            Err(problem) => {
                self.left_out += 1;
                if self.left_out <= NAMED_MAX {
                    note(&format!("left out: {}", in_a_line(&problem)));
                }
            }
        }
    }

    /// Counts the runs of a store, one after the other.
    fn store(&mut self, url: &Path) -> Result<(), Problem> {
        let Some(shared) = SharedRuns::named(url.to_str())? else { return Ok(()) };
        let carrier: Arc<dyn Carrier> = Arc::new(shared.clone());
        let names = wait_for(async move { shared.names().await })??;
        if names.len() > RUNS_MAX {
            note(&format!("of the runs in `{}` {RUNS_MAX} are looked at", url.display()));
        }
        for name in names.into_iter().take(RUNS_MAX) {
            let (carrier, run) = (Arc::clone(&carrier), name.clone());
            let fetched = wait_for(async move { runner::carried_journal(&carrier, &run).await })?;
            let path = url.join(name);
            match fetched {
                // Somebody wrote down how it is begun, and has not begun it.
                Ok(journal) if journal.is_empty() => {}
                Ok(journal) => self.count(path, Ok(journal)),
                Err(what) => {
                    let source = io::Error::other(what);
                    self.count(path.clone(), Err(Problem::File { what: "read", path, source }));
                }
            }
        }
        Ok(())
    }

    fn counted(self) -> Fleet {
        if self.left_out > NAMED_MAX {
            note(&format!("left out in all: {}", self.left_out));
        }
        if self.no_room > 0 {
            note(&format!("{} runs are not counted: there are too many", self.no_room));
        }
        self.fleet
    }
}

/// The traces in these places, in the order of their names.
fn traces(places: &[PathBuf]) -> Result<Vec<PathBuf>, Problem> {
    let mut looking = Looking { found: Vec::new(), entries: 0 };
    for place in places {
        if place.is_file() {
            looking.found.push(place.clone());
        } else if place.is_dir() {
            looking.below(place, 0)?;
        }
    }
    if looking.is_full() {
        note("there is more than is looked at: name fewer directories");
    }
    Ok(looking.found)
}

struct Looking {
    found: Vec<PathBuf>,
    entries: usize,
}

impl Looking {
    fn is_full(&self) -> bool {
        self.entries >= ENTRIES_MAX || self.found.len() >= RUNS_MAX
    }

    /// Links are not followed.
    fn below(&mut self, dir: &Path, depth: usize) -> Result<(), Problem> {
        let fail = |source| Problem::File { what: "read", path: dir.to_owned(), source };
        let mut inside = Vec::new();
        for entry in fs::read_dir(dir).map_err(fail)? {
            if self.is_full() {
                return Ok(());
            }
            self.entries += 1;
            inside.push(entry.map_err(fail)?);
        }
        inside.sort_by_key(fs::DirEntry::file_name);
        for entry in inside {
            let kind = entry.file_type().map_err(fail)?;
            let name = entry.file_name();
            if kind.is_file() && NAMES.iter().any(|trace| name == *trace) {
                self.found.push(entry.path());
            } else if kind.is_dir() && depth < DEPTH_MAX && !self.is_full() {
                self.below(&entry.path(), depth + 1)?;
            }
        }
        Ok(())
    }
}
