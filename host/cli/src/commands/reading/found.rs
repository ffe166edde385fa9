//! Where the trace of a run lies, by what people call it; and its bytes, so many of them.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use report::Run;

use crate::args::OfRun;
use crate::commands::resume;
use crate::problem::{KeptProblem, Problem, ReadingProblem};
use crate::repo;

/// Bytes of a trace, or of a file beside it, that are read: a hundred times what a long run writes.
pub(crate) const TRACE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The trace among artifacts, and that of a run that is kept.
pub(super) const NAMES: [&str; 2] = ["trace.jsonl", "journal.jsonl"];

/// A trace that was found.
pub(in crate::commands) struct Found {
    /// Where.
    pub(in crate::commands) path: PathBuf,
    /// What it holds.
    pub(in crate::commands) bytes: Vec<u8>,
}

impl Found {
    /// The trace that a command line names.
    pub(in crate::commands) fn of(run: &OfRun) -> Result<Self, Problem> {
        match &run.of {
            Some(named) => Self::named(named, &run.repo.repo),
            None => Self::at(repo::root(&run.repo.repo)?.join(".stepwell/out")),
        }
    }

    /// The trace at a path, or else of the run of the repository that has this name.
    pub(super) fn named(named: &str, repo: &Path) -> Result<Self, Problem> {
        if !named.is_empty() && Path::new(named).exists() {
            return Self::at(PathBuf::from(named));
        }
        let runs = repo::runs(repo)?;
        match resume::choose_here(named, &runs) {
            Ok(run) => Self::at(runs.join(run)),
            Err(Problem::Kept(KeptProblem::NoRun { .. })) => {
                Err(ReadingProblem::NoTrace { named: named.to_owned() }.into())
            }
            Err(problem) => Err(problem),
        }
    }

    /// The trace among the artifacts in a directory.
    pub(super) fn in_dir(dir: &Path) -> Result<Self, Problem> {
        let path = dir.join(NAMES[0]);
        let bytes = read(&path)?;
        Ok(Self { path, bytes })
    }

    fn at(path: PathBuf) -> Result<Self, Problem> {
        let path = if path.is_file() {
            path
        } else {
            let inside = NAMES.iter().map(|name| path.join(name)).find(|file| file.is_file());
            inside.ok_or(ReadingProblem::NoTraceIn { dir: path })?
        };
        let bytes = read(&path)?;
        Ok(Self { path, bytes })
    }

    /// The run that it tells of.
    pub(in crate::commands) fn run(&self) -> Result<Run, Problem> {
        Run::read(&self.bytes).map_err(|source| self.damaged(source))
    }

    /// It is not what was written.
    pub(in crate::commands) fn damaged(&self, source: report::Damage) -> Problem {
        ReadingProblem::Damaged { path: self.path.clone(), source }.into()
    }

    /// A file beside it; none where there is none.
    pub(in crate::commands) fn beside(&self, name: &str) -> Result<Option<Vec<u8>>, Problem> {
        let path = self.path.with_file_name(name);
        if path.is_file() { read(&path).map(Some) } else { Ok(None) }
    }
}

/// A whole file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let fail = |source: io::Error| Problem::File { what: "read", path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(fail)?;
    file.take(TRACE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > TRACE_BYTES_MAX {
        let path = path.to_owned();
        return Err(ReadingProblem::TooLarge { path, most: TRACE_BYTES_MAX }.into());
    }
    Ok(bytes)
}
