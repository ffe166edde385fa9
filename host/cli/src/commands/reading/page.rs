//! `report.html`, which lies beside the other artifacts of a run.

use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use report::Run;

use super::{found, in_a_line};
use crate::problem::{Problem, ReadingProblem};
use crate::say::note;

/// Its name.
pub(in crate::commands) const PAGE: &str = "report.html";

/// Leaves the page of the run whose artifacts are in `out_dir`; says whether it is there. A page
/// that cannot be made is no reason to end a run otherwise.
pub(in crate::commands) fn leave(out_dir: &Path) -> bool {
    let left = make(out_dir).and_then(|page| whole(&out_dir.join(PAGE), page.as_bytes()));
    if let Err(problem) = &left {
        // What an earlier run left is of another run.
        std::fs::remove_file(out_dir.join(PAGE)).ok();
        note(&format!("there is no {PAGE}: {}", in_a_line(problem)));
    }
    left.is_ok()
}

fn make(out_dir: &Path) -> Result<String, Problem> {
    let path = out_dir.join(found::NAMES[0]);
    let bytes = found::read(&path)?;
    let run = Run::read(&bytes).map_err(|source| ReadingProblem::Damaged { path, source })?;
    Ok(report::html(&run))
}

/// Writes a file that is whole or not there.
pub(super) fn whole(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(parent.unwrap_or(Path::new(".")))?;
        file.write_all(bytes)?;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        file.persist(path).map_err(|err| err.error)?;
        Ok(())
    };
    write().map_err(|source| Problem::File { what: "write", path: path.to_owned(), source })
}
