//! Git repositories as people have them: shallow, packed, without commits, with submodules.

use super::*;
use crate::{OpenError, Repository};

fn history() -> (Scratch, Vec<String>) {
    let scratch = Scratch::new();
    let commit = |number: usize| {
        scratch.write("file", format!("version {number}\n").repeat(200));
        scratch.commit(&format!("commit {number}"))
    };
    let commits = (0..3).map(commit).collect();
    (scratch, commits)
}

#[test]
fn a_revision_is_read_without_a_checkout_packed_or_not() {
    let (scratch, commits) = history();
    scratch.write("file", "dirty");
    let read = |revision: &str| {
        let snapshot = Snapshot::git(scratch.path(), revision).unwrap();
        let bytes = snapshot.read(&path("file")).unwrap();
        String::from_utf8(bytes).unwrap().lines().next().unwrap().to_owned()
    };
    let expected = ["version 1", "version 0", "version 2"];
    assert_eq!(["HEAD~1", commits[0].as_str(), "main"].map(read), expected);
    scratch.git(&["repack", "-a", "-d", "--quiet"]);
    assert_eq!(["HEAD~1", commits[0].as_str(), "main"].map(read), expected);
}

#[test]
fn what_cannot_be_opened_is_named() {
    let (scratch, _) = history();
    let none = Scratch::new();
    let opened = |path: &Path, revision: &str| Snapshot::git(path, revision).map(|_| ());
    assert!(matches!(opened(scratch.path(), "nope"), Err(OpenError::Revision { .. })));
    assert!(matches!(opened(scratch.path(), ""), Err(OpenError::Revision { .. })));
    assert!(matches!(opened(scratch.path(), "HEAD:file"), Err(OpenError::Revision { .. })));
    assert!(matches!(opened(none.path(), "HEAD"), Err(OpenError::Repository { .. })));
    let missing = Snapshot::directory(&none.path().join("missing"));
    assert!(matches!(missing, Err(OpenError::Directory { .. })));
    assert!(Repository::discover(none.path()).is_none());
}

#[test]
fn a_repository_knows_what_its_commits_are_called() {
    let (scratch, commits) = history();
    std::fs::create_dir_all(scratch.path().join("a/b")).unwrap();
    let repository = Repository::discover(&scratch.path().join("a/b")).unwrap();
    assert_eq!(repository.root().canonicalize().unwrap(), scratch.path().canonicalize().unwrap());
    assert_eq!(repository.head_commit().unwrap().as_str(), commits[2]);
    assert_eq!(repository.resolve("HEAD~2").unwrap().as_str(), commits[0]);
    assert!(repository.resolve("HEAD~3").is_err());
    assert_eq!(repository.merge_base("HEAD", "HEAD~2").unwrap().as_str(), commits[0]);
    assert_eq!(repository.origin_url(), None);
    scratch.git(&["remote", "add", "origin", "https://example.com/x.git"]);
    let repository = Repository::discover(scratch.path()).unwrap();
    assert_eq!(repository.origin_url().as_deref(), Some("https://example.com/x.git"));
}

#[test]
fn the_base_is_where_the_branch_left_its_target() {
    let (origin, commits) = history();
    let default = |scratch: &Scratch| {
        let repository = Repository::discover(scratch.path()).unwrap();
        repository.default_base().map(|base| base.to_string())
    };
    assert_eq!(default(&origin), Some(commits[1].clone()), "no target: the first parent");

    let clone = Scratch::new();
    clone.git(&["clone", "--quiet", origin.path().to_str().unwrap(), "."]);
    assert_eq!(default(&clone), Some(commits[1].clone()), "on the target itself");
    clone.git(&["checkout", "--quiet", "-b", "topic"]);
    clone.write("one", "1");
    clone.commit("one");
    clone.write("two", "2");
    clone.commit("two");
    assert_eq!(default(&clone), Some(commits[2].clone()));

    // What it hangs on: nothing that a commit elsewhere moves, and what a commit here does.
    let repository = Repository::discover(clone.path()).unwrap();
    let before = repository.heads().unwrap();
    clone.git(&["branch", "--quiet", "elsewhere", "HEAD~1"]);
    clone.git(&["update-ref", "refs/heads/origin/HEAD", "HEAD"]);
    assert_eq!(repository.heads(), Some(before.clone()));
    assert_eq!(repository.default_base().unwrap().as_str(), commits[2], "not the remote's");
    clone.write("three", "3");
    clone.commit("three");
    let moved = repository.heads().unwrap();
    assert_ne!(moved, before);
    clone.git(&["update-ref", "refs/remotes/origin/HEAD", "HEAD"]);
    assert_ne!(repository.heads(), Some(moved));
    assert_ne!(repository.default_base().unwrap().as_str(), commits[2]);

    let empty = Scratch::new();
    empty.git(&["init", "--quiet"]);
    assert_eq!(default(&empty), None);
    empty.write("a", "a");
    empty.commit("first");
    assert_eq!(default(&empty), None);
}

#[test]
fn a_shallow_clone_is_a_repository_with_less_history() {
    let (origin, commits) = history();
    let url = format!("file://{}", origin.path().display());
    let clone = Scratch::new();
    clone.git(&["clone", "--quiet", "--depth", "1", &url, "."]);
    let repository = Repository::discover(clone.path()).unwrap();
    assert_eq!(repository.head_commit().unwrap().as_str(), commits[2]);
    assert_eq!(repository.default_base(), None);
    assert_eq!(repository.heads(), None, "more can come below, and no head move");
    let head = Snapshot::git(clone.path(), "HEAD").unwrap();
    assert_eq!(head.digest(), clone.snapshot().digest());
}

#[test]
fn a_submodule_is_absent_and_a_large_file_pointer_is_what_it_is() {
    let (inner, _) = history();
    let scratch = Scratch::new();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    scratch.write("big.bin", pointer);
    scratch.write(".gitattributes", "*.bin filter=lfs");
    scratch.git(&["init", "--quiet"]);
    scratch.git(&["add", "."]);
    scratch.git(&["submodule", "--quiet", "add", inner.path().to_str().unwrap(), "sub"]);
    scratch.git(&["commit", "--quiet", "--message", "all"]);
    scratch.git(&["config", "filter.lfs.clean", "touch filter-ran; cat"]);
    scratch.git(&["config", "filter.lfs.smudge", "touch filter-ran; cat"]);
    scratch.git(&["config", "core.fsmonitor", "touch monitor-ran"]);

    let snapshot = Snapshot::git(scratch.path(), "HEAD").unwrap();
    let view = view(&snapshot);
    assert_eq!(short(&view.answer(&stat("sub"))), "NotFound");
    assert_eq!(short(&view.answer(&list(""))), ".gitattributes:File .gitmodules:File big.bin:File");
    assert_eq!(snapshot.read(&path("big.bin")).unwrap(), pointer.as_bytes());
    assert!(Repository::discover(scratch.path()).unwrap().head_commit().is_some());
    assert!(!scratch.path().join("filter-ran").exists());
    assert!(!scratch.path().join("monitor-ran").exists());
}
