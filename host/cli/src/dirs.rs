//! Where things that outlive a run are kept on this machine.

use std::env;
use std::path::PathBuf;

use ledger::Place;

use crate::problem::Problem;

/// The directory of the cache: `STEPWELL_CACHE_DIR`, or `stepwell` in the user's cache directory.
pub(crate) fn cache() -> PathBuf {
    let ours = env::var_os("STEPWELL_CACHE_DIR").map(PathBuf::from);
    let users = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    ours.unwrap_or_else(|| users.or_else(home).unwrap_or_else(env::temp_dir).join("stepwell"))
}

/// The ledger of this user: `stepwell/ledger.sqlite` in the user's directory for state.
pub(crate) fn ledger() -> Result<Place, Problem> {
    let users = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let path = users.or_else(home).ok_or(Problem::NoStateDirectory)?.join("stepwell");
    let made = std::fs::create_dir_all(&path);
    made.map_err(|source| Problem::File {
        what: "make the directory",
        path: path.clone(),
        source,
    })?;
    Ok(Place::File(path.join("ledger.sqlite")))
}
