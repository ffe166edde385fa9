//! Where things lie: in the repository, and in the user's cache.

use std::env;
use std::path::{Path, PathBuf};

/// Workspaces of their own: what runs inside the sandbox, and what it is written with.
pub(crate) const GUESTS: [&str; 5] =
    ["sdk/rust", "plugins", "examples/custom-tool", "examples/custom-gate", "benches/guest"];

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    // Cargo sets it for `cargo run`; the compiled-in value may be another checkout's.
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

/// Where cargo puts what it builds for the host.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Where cargo puts what it builds for guests: apart, since their flags differ.
pub(crate) fn guest_target() -> PathBuf {
    root().join("target/guests")
}

/// What is worth keeping between checkouts: the standard library for guests, the tools of checks.
pub(crate) fn cache() -> PathBuf {
    cache_of(env::var_os("XDG_CACHE_HOME").map(PathBuf::from), env::home_dir())
        .unwrap_or_else(|| root().join("target/cache"))
}

fn cache_of(xdg: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    // The XDG rules: a relative path is as good as none.
    let absolute = |dir: &PathBuf| dir.is_absolute();
    xdg.filter(absolute)
        .or_else(|| home.filter(absolute).map(|home| home.join(".cache")))
        .map(|dir| dir.join("stepwell"))
}

/// Where cargo keeps the sources of registries, one folder a registry, in a stable order.
pub(crate) fn registry_sources() -> Vec<PathBuf> {
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let Some(sources) = cargo_home.and_then(|home| home.join("registry/src").read_dir().ok())
    else {
        return Vec::new();
    };
    let mut folders: Vec<PathBuf> = sources.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_follows_the_xdg_rules() {
        let cache = |xdg: Option<&str>, home: Option<&str>| {
            let dir = cache_of(xdg.map(PathBuf::from), home.map(PathBuf::from));
            dir.map(|dir| dir.display().to_string())
        };
        assert_eq!(cache(Some("/c"), Some("/h")).as_deref(), Some("/c/stepwell"));
        assert_eq!(cache(Some("c"), Some("/h")).as_deref(), Some("/h/.cache/stepwell"));
        assert_eq!(cache(None, Some("/h")).as_deref(), Some("/h/.cache/stepwell"));
        assert_eq!(cache(None, None), None);
    }
}
