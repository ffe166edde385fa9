//! `stepwell stats`: what many runs came to. Each trace is read, counted and let go.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use report::{By, Fleet, RUNS_MAX, Run};

use super::super::print;
use super::found::{self, NAMES};
use super::{in_a_line, page};
use crate::args::{StatsArgs, StatsBy};
use crate::exit;
use crate::problem::{Problem, ReadingProblem};
use crate::repo;
use crate::say::note;

/// How far below a directory is looked: `downloads/pipeline/job/artifacts/.stepwell/out`.
const DEPTH_MAX: usize = 6;
/// The most entries of directories that are looked at.
const ENTRIES_MAX: usize = 1_000_000;
/// The most traces that are named one by one as damaged.
const NAMED_MAX: usize = 20;

/// Says what many runs came to.
pub(in crate::commands) fn stats(args: &StatsArgs) -> Result<u8, Problem> {
    if let Some(place) = args.places.iter().find(|place| !place.exists()) {
        return Err(ReadingProblem::NoTrace { named: place.display().to_string() }.into());
    }
    let mut places = args.places.clone();
    if places.is_empty() {
        places.push(repo::runs(&args.repo.repo)?);
    }
    let traces = traces(&places)?;
    if traces.is_empty() {
        let places = places.iter().map(|place| format!("`{}`", place.display())).collect();
        return Err(ReadingProblem::NoRuns { places }.into());
    }
    let fleet = counted(&traces);
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

fn counted(traces: &[PathBuf]) -> Fleet {
    let mut fleet = Fleet::default();
    let (mut seen, mut left_out, mut no_room) = (BTreeSet::new(), 0_usize, 0_usize);
    for path in traces {
        let read = found::read(path).and_then(|bytes| {
            let damaged = |source| ReadingProblem::Damaged { path: path.clone(), source };
            Ok(Run::read(&bytes).map_err(damaged)?)
        });
        match read {
            Ok(run) => {
                // The same run lies among artifacts and where it is kept.
                let is_new = seen.insert((run.name.clone(), run.began_ms));
                no_room += usize::from(is_new && !fleet.add(&run));
            }
            Err(problem) => {
                left_out += 1;
                if left_out <= NAMED_MAX {
                    note(&format!("left out: {}", in_a_line(&problem)));
                }
            }
        }
    }
    if left_out > NAMED_MAX {
        note(&format!("left out in all: {left_out}"));
    }
    if no_room > 0 {
        note(&format!("{no_room} runs are not counted: there are too many"));
    }
    fleet
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
