//! Where things that outlive a run are kept on this machine.

use std::env;
use std::path::PathBuf;

/// The directory of the cache: `STEPWELL_CACHE_DIR`, or `stepwell` in the user's cache directory.
pub(crate) fn cache() -> PathBuf {
    let ours = env::var_os("STEPWELL_CACHE_DIR").map(PathBuf::from);
    let users = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    ours.unwrap_or_else(|| users.or_else(home).unwrap_or_else(env::temp_dir).join("stepwell"))
}

/// The ledger that the environment names, `STEPWELL_LEDGER`: other users of a machine can read a
/// command line, and a URL may hold a password.
pub(crate) fn ledger_setting() -> Option<String> {
    env::var("STEPWELL_LEDGER").ok().filter(|place| !place.is_empty())
}

/// The store of runs that the environment names, `STEPWELL_STORE`.
pub(crate) fn store_setting() -> Option<String> {
    env::var("STEPWELL_STORE").ok().filter(|url| !url.is_empty())
}

/// The user's own ledger: `ledger.sqlite` in the directory for state.
pub(crate) fn ledger() -> PathBuf {
    state().join("ledger.sqlite")
}

/// The key by which this machine knows what it has written again.
pub(crate) fn machine_key() -> PathBuf {
    state().join("machine.key")
}

/// The directory for what is neither settings nor a cache: `stepwell` in the user's.
pub(crate) fn state() -> PathBuf {
    users("XDG_STATE_HOME", ".local/state")
}

/// The directory for settings: `stepwell` in the user's.
pub(crate) fn config() -> PathBuf {
    users("XDG_CONFIG_HOME", ".config")
}

fn users(variable: &str, below_home: &str) -> PathBuf {
    let named = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(below_home));
    named.or_else(home).unwrap_or_else(env::temp_dir).join("stepwell")
}
