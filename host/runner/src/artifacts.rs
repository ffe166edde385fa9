//! The files a run leaves for the pipeline, on every ending.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use session::{Accounting, RunResult};

use crate::outputs::{self, OUTPUTS};
use crate::{report, sarif};

/// A file that could not be left.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", path.display())]
pub struct ArtifactError {
    path: PathBuf,
    source: io::Error,
}

/// What the artifacts are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaving<'a> {
    pub(crate) result: &'a RunResult,
    pub(crate) accounting: &'a Accounting,
    /// The patch that left the gates, in canonical form.
    pub(crate) patch: Option<&'a str>,
    /// The journal, which becomes the trace.
    pub(crate) journal: &'a Path,
    /// Where the long outputs stand, if there are any.
    pub(crate) outputs: &'a Path,
}

/// Writes every artifact into `out`. Each is whole or not there; what an earlier run left and
/// this one does not make is removed.
pub(crate) fn write(out: &Path, leaving: Leaving<'_>) -> Result<(), ArtifactError> {
    let Leaving { result, accounting, patch, journal, outputs } = leaving;
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| ArtifactError { path, source }
    };
    fs::create_dir_all(out).map_err(fail(out))?;
    let put = |name: &str, bytes: &[u8]| {
        let path = out.join(name);
        put_whole(out, &path, bytes).map_err(fail(&path))
    };
    // What a run leaves belongs to the pipeline, not to the repository.
    if !out.join(".gitignore").exists() {
        put(".gitignore", b"*\n")?;
    }
    let trace = fs::read(journal).map_err(fail(journal))?;
    put("trace.jsonl", &trace)?;
    leave_outputs(outputs, &out.join(OUTPUTS)).map_err(fail(&out.join(OUTPUTS)))?;
    match patch {
        Some(diff) => put("patch.diff", diff.as_bytes())?,
        None => remove(&out.join("patch.diff")).map_err(fail(&out.join("patch.diff")))?,
    }
    let findings =
        result.analysis.as_ref().map(|analysis| analysis.findings.as_slice()).unwrap_or_default();
    put("verdicts.sarif", sarif::sarif(&result.step, &result.verdicts, findings).as_bytes())?;
    put("accounting.json", &json(accounting))?;
    put("report.md", report::markdown(result, accounting, patch).as_bytes())?;
    // Last: where it stands, the others do.
    put("result.json", &json(result))
}

/// Leaves copies of the files in `from` in `to`, and of earlier ones none. What does not bear a
/// name of ours is somebody else's, and stays.
fn leave_outputs(from: &Path, to: &Path) -> io::Result<()> {
    remove_outputs(to)?;
    let Ok(files) = fs::read_dir(from) else { return Ok(()) };
    fs::create_dir_all(to)?;
    for file in files {
        let file = file?;
        put_whole(to, &to.join(file.file_name()), &fs::read(file.path())?)?;
    }
    Ok(())
}

fn remove_outputs(dir: &Path) -> io::Result<()> {
    use io::ErrorKind::{DirectoryNotEmpty, NotADirectory, NotFound};
    if dir.is_symlink() {
        // It would turn what is written there elsewhere. What it leads to stays.
        return fs::remove_file(dir);
    }
    let files = match fs::read_dir(dir) {
        Err(err) if [NotFound, NotADirectory].contains(&err.kind()) => return Ok(()),
        files => files?,
    };
    for file in files {
        let file = file?;
        if outputs::is_output(&file.file_name().to_string_lossy()) && !file.file_type()?.is_dir() {
            remove(&file.path())?;
        }
    }
    match fs::remove_dir(dir) {
        Err(err) if ![NotFound, DirectoryNotEmpty].contains(&err.kind()) => Err(err),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// JSON as people and `diff` read it.
pub(crate) fn json(value: &impl serde::Serialize) -> Vec<u8> {
    let mut text =
        serde_json::to_vec_pretty(value).expect("every map in an artifact has text for keys");
    text.push(b'\n');
    text
}

fn put_whole(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_data()?;
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(readable)?;
    file.persist(path).map_err(|err| err.error)?;
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_keeps_among_the_outputs_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("run"), dir.path().join("outputs"));
        let there = |names: &[&str]| {
            let entries = fs::read_dir(&to).into_iter().flatten().flatten();
            let mut found: Vec<_> = entries.map(|entry| entry.file_name()).collect();
            found.sort();
            assert_eq!(found, names);
        };
        fs::create_dir_all(to.join("turn3.1.txt")).unwrap();
        for name in ["notes.txt", "turn1.1.txt", "context.2.txt", "turn.1.txt", "turn1.x.txt"] {
            fs::write(to.join(name), name).unwrap();
        }
        fs::create_dir(&from).unwrap();
        fs::write(from.join("tests0.1.txt"), "new").unwrap();
        leave_outputs(&from, &to).unwrap();
        there(&["notes.txt", "tests0.1.txt", "turn.1.txt", "turn1.x.txt", "turn3.1.txt"]);
        assert_eq!(fs::read(to.join("notes.txt")).unwrap(), b"notes.txt");
        fs::remove_dir_all(&from).unwrap();
        leave_outputs(&from, &to).unwrap();
        there(&["notes.txt", "turn.1.txt", "turn1.x.txt", "turn3.1.txt"]);
    }

    #[test]
    fn a_folder_of_outputs_goes_with_the_last_of_them() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("run"), dir.path().join("outputs"));
        fs::create_dir(&to).unwrap();
        fs::write(to.join("context.1.txt"), "old").unwrap();
        leave_outputs(&from, &to).unwrap();
        assert!(!to.exists());
        // Nor does a link lead what is left, or removed, elsewhere.
        let elsewhere = dir.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::write(elsewhere.join("context.1.txt"), "theirs").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &to).unwrap();
        leave_outputs(&from, &to).unwrap();
        assert!(!to.is_symlink() && elsewhere.join("context.1.txt").exists());
    }
}
