//! The files a run leaves for the pipeline, on every ending.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use session::{Accounting, RunResult};

use crate::outputs::OUTPUTS;
use crate::report;

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
    put(".gitignore", b"*\n")?;
    let trace = fs::read(journal).map_err(fail(journal))?;
    put("trace.jsonl", &trace)?;
    leave_outputs(outputs, &out.join(OUTPUTS)).map_err(fail(&out.join(OUTPUTS)))?;
    match patch {
        Some(diff) => put("patch.diff", diff.as_bytes())?,
        None => remove(&out.join("patch.diff")).map_err(fail(&out.join("patch.diff")))?,
    }
    put("accounting.json", &json(accounting))?;
    put("report.md", report::markdown(result, accounting, patch).as_bytes())?;
    // Last: where it stands, the others do.
    put("result.json", &json(result))
}

/// Leaves copies of the files in `from`, and nothing else, in `to`.
fn leave_outputs(from: &Path, to: &Path) -> io::Result<()> {
    match fs::remove_dir_all(to) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
        Ok(()) | Err(_) => {}
    }
    let Ok(files) = fs::read_dir(from) else { return Ok(()) };
    fs::create_dir_all(to)?;
    for file in files {
        let file = file?;
        put_whole(to, &to.join(file.file_name()), &fs::read(file.path())?)?;
    }
    Ok(())
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
