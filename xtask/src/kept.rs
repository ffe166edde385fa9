//! What is made once and kept in the user's cache, for every checkout.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::places;

/// The folder `key` of a shelf, filled by `make` if it is not there whole.
pub(crate) fn kept(
    shelf: &str,
    key: &str,
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let shelf = places::cache().join(shelf);
    let home = shelf.join(key);
    let done = home.join("done");
    if done.exists() {
        return Ok(home);
    }
    fs::create_dir_all(&shelf).with_context(|| format!("cannot make {}", shelf.display()))?;
    // Held until it is closed, whichever way that comes; another checkout waits here.
    let lock = File::create(shelf.join(format!("{key}.lock")))?;
    lock.lock()?;
    if done.exists() {
        return Ok(home);
    }
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    fs::create_dir(&home)?;
    make(&home)?;
    fs::write(done, "")?;
    Ok(home)
}
