//! One commit, in places that differ in everything but what was committed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

/// What the commit says of its time: 14 November 2023.
pub(crate) const COMMITTED_S: u64 = 1_700_000_000;

/// What stands in `seen.txt`.
pub(crate) const SEEN: &str = "what was committed\n";

/// What else there is.
const FILES: [(&str, &str); 5] = [
    ("seen.txt", SEEN),
    ("run.sh", "#!/bin/sh\n"),
    ("folder/a.txt", "a"),
    ("folder/deep/b.txt", "b"),
    ("z.txt", ""),
];

/// A repository, a copy of it whose files are older and elsewhere, and one without a work tree.
pub(crate) struct Places(TempDir);

impl Places {
    pub(crate) fn new() -> Self {
        let places = Self(tempfile::tempdir().unwrap());
        let one = places.checkout();
        for (path, text) in FILES {
            let path = one.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::set_permissions(one.join("run.sh"), Permissions::from_mode(0o755)).unwrap();
        symlink("seen.txt", one.join("link")).unwrap();
        git(&one, &["init", "--quiet"]);
        git(&one, &["add", "."]);
        git(&one, &["commit", "--quiet", "--message", "one"]);
        let bare = places.bare().display().to_string();
        git(&one, &["clone", "--quiet", "--bare", ".", &bare]);
        let other = places.other_checkout();
        git(&one, &["clone", "--quiet", ".", &other.display().to_string()]);
        age(&other);
        places
    }

    pub(crate) fn checkout(&self) -> PathBuf {
        self.0.path().join("one")
    }

    pub(crate) fn other_checkout(&self) -> PathBuf {
        self.0.path().join("a folder with a longer name")
    }

    pub(crate) fn bare(&self) -> PathBuf {
        self.0.path().join("bare.git")
    }
}

/// Makes everything anew that a commit does not hold: inodes and the order in folders, times, links,
/// and what others may do with a file.
fn age(checkout: &Path) {
    for (number, (path, text)) in FILES.iter().rev().enumerate() {
        let path = checkout.join(path);
        let fresh = checkout.join(format!("fresh-{number}"));
        fs::write(&fresh, text).unwrap();
        let mode = if path.ends_with("run.sh") { 0o700 } else { 0o600 };
        fs::set_permissions(&fresh, Permissions::from_mode(mode)).unwrap();
        let seconds = 86_400 * u64::try_from(number + 1).unwrap();
        let old = UNIX_EPOCH + Duration::from_secs(seconds);
        fs::OpenOptions::new().write(true).open(&fresh).unwrap().set_modified(old).unwrap();
        fs::rename(fresh, path).unwrap();
    }
    let link = checkout.join("link");
    fs::remove_file(&link).unwrap();
    symlink("seen.txt", link).unwrap();
    fs::hard_link(checkout.join("seen.txt"), checkout.join(".git/one-more-name")).unwrap();
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null");
    git.args(["-c", "user.name=a", "-c", "user.email=a@a", "-c", "commit.gpgsign=false"]);
    git.env("GIT_AUTHOR_DATE", "@1 +0000");
    git.env("GIT_COMMITTER_DATE", format!("@{COMMITTED_S} +0200"));
    assert!(git.args(arguments).status().unwrap().success(), "{arguments:?}");
}
