//! Copies and differences.

use std::collections::BTreeMap;

use super::*;
use crate::{ChangeStatus, SnapshotError, apply_overlay, changes, materialize, replace_files};

#[test]
fn nothing_is_written_through_a_link() {
    let outside = Scratch::new();
    outside.write("victim", "safe");
    let scratch = Scratch::new();
    scratch.link("out", outside.path().to_str().unwrap());
    scratch.link("file", outside.path().join("victim").to_str().unwrap());
    scratch.link("in", "dir");
    scratch.write("dir/x", "x");

    let through = BTreeMap::from([(path("out/victim"), text("broken"))]);
    assert!(matches!(
        apply_overlay(&through, scratch.path()),
        Err(SnapshotError::Unwritable { .. })
    ));
    let removed = BTreeMap::from([(path("out/victim"), None), (path("in/x"), None)]);
    apply_overlay(&removed, scratch.path()).unwrap();
    let replaced = BTreeMap::from([(path("file"), text("new"))]);
    apply_overlay(&replaced, scratch.path()).unwrap();

    assert_eq!(short(&view(&outside.snapshot()).answer(&content("victim"))), r#""safe""#);
    let here = view(&scratch.snapshot());
    assert_eq!(short(&here.answer(&content("file"))), r#""new""#);
    assert_eq!(short(&here.answer(&content("dir/x"))), r#""x""#);
}

#[test]
fn a_file_is_replaced_whole_and_through_no_link() {
    let outside = Scratch::new();
    outside.write("victim", "safe");
    let scratch = Scratch::new();
    scratch.write("bin/run", "#!");
    scratch.make_executable("bin/run");
    scratch.write("gone/x", "x");
    scratch.write("was-file", "f");
    scratch.link("file", outside.path().join("victim").to_str().unwrap());
    scratch.link("out", outside.path().to_str().unwrap());
    // A process that died before its rename left it.
    scratch.write("bin/.stepwell-new", "torn");

    let mut run = text("new").unwrap();
    run.executable = true;
    let changes = BTreeMap::from([
        (path("bin/run"), Some(run)),
        (path("file"), text("mine")),
        (path("gone/x"), None),
        (path("was-file"), None),
        (path("was-file/y"), text("y")),
    ]);
    replace_files(&changes, scratch.path()).unwrap();
    // As often as one likes.
    replace_files(&BTreeMap::from([(path("file"), text("mine"))]), scratch.path()).unwrap();

    let here = view(&scratch.snapshot());
    assert_eq!(
        short(&here.answer(&list(""))),
        "bin:Directory file:File out:Symlink was-file:Directory"
    );
    assert_eq!(short(&here.answer(&list("bin"))), "run:File");
    assert_eq!(short(&here.answer(&stat("bin/run"))), "File 3 executable");
    let through = BTreeMap::from([(path("out/victim"), text("broken"))]);
    assert!(replace_files(&through, scratch.path()).is_err());
    assert_eq!(short(&view(&outside.snapshot()).answer(&content("victim"))), r#""safe""#);
}

#[test]
fn a_copy_keeps_executable_bits_and_links_and_leaves_ignored_files() {
    let scratch = Scratch::new();
    scratch.write(".gitignore", "target");
    scratch.write("target/x", "x");
    scratch.write("bin/run", "#!");
    scratch.make_executable("bin/run");
    scratch.link("link", "bin/run");
    let copy = Scratch::new();
    materialize(&scratch.snapshot(), copy.path()).unwrap();
    let copied = view(&copy.snapshot());
    assert_eq!(short(&copied.answer(&list(""))), ".gitignore:File bin:Directory link:Symlink");
    assert_eq!(short(&copied.answer(&stat("link"))), "File 2 executable");
    assert_eq!(fs::read_link(copy.path().join("link")).unwrap().to_str(), Some("bin/run"));

    assert!(materialize(&scratch.snapshot(), copy.path()).is_err(), "it is not empty");
}

#[test]
fn changes_are_what_differs_and_nothing_else() {
    let scratch = Scratch::new();
    for at in ["same", "bytes", "size", "mode", "gone", "was-file/x", ".gitignore"] {
        scratch.write(at, "one");
    }
    scratch.link("link", "same");
    let commit = scratch.commit("base");
    let base = Snapshot::git(scratch.path(), &commit).unwrap();
    let expect = |head: &Snapshot| {
        let changes = changes(&base, head).unwrap();
        let line = |change: &crate::Change| {
            let sign = match change.status {
                ChangeStatus::Added => '+',
                ChangeStatus::Modified => '~',
                ChangeStatus::Deleted => '-',
            };
            format!("{sign}{}", change.path)
        };
        changes.iter().map(line).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(expect(&scratch.snapshot()), "");

    scratch.write("bytes", "two");
    scratch.write("size", "three");
    scratch.make_executable("mode");
    fs::remove_file(scratch.path().join("gone")).unwrap();
    fs::remove_file(scratch.path().join("link")).unwrap();
    scratch.link("link", "bytes");
    scratch.write("new/a", "");
    let expected = "~bytes -gone ~link ~mode +new/a ~size";
    assert_eq!(expect(&scratch.snapshot()), expected);
    let commit = scratch.commit("head");
    assert_eq!(expect(&Snapshot::git(scratch.path(), &commit).unwrap()), expected);
    assert_eq!(expect(&base.overlay(BTreeMap::from([(path("same"), text("one"))]))), "");
}

#[test]
fn a_digest_knows_paths_bytes_links_and_modes_and_nothing_that_is_ignored() {
    let tree = |edit: &dyn Fn(&Scratch)| {
        let scratch = Scratch::new();
        scratch.write(".gitignore", "*.log");
        scratch.write("a", "a");
        scratch.link("l", "a");
        edit(&scratch);
        scratch.snapshot().digest().unwrap()
    };
    let plain = tree(&|_| {});
    assert_eq!(plain, tree(&|scratch| scratch.write("x.log", "ignored")));
    assert_eq!(plain, tree(&|scratch| fs::create_dir(scratch.path().join("empty")).unwrap()));
    let edits: [&dyn Fn(&Scratch); 5] = [
        &|scratch| scratch.write("a", "b"),
        &|scratch| scratch.write("b", ""),
        &|scratch| scratch.make_executable("a"),
        &|scratch| scratch.link("l2", "a"),
        &|scratch| {
            fs::remove_file(scratch.path().join("l")).unwrap();
            scratch.write("l", "a");
        },
    ];
    for (number, edit) in edits.iter().enumerate() {
        assert_ne!(plain, tree(edit), "edit {number}");
    }
}

#[test]
fn what_is_laid_over_a_tree_hides_what_stood_there() {
    let scratch = Scratch::new();
    scratch.write("dir/a", "1");
    scratch.write("dir/sub/b", "2");
    scratch.write("file", "3");
    scratch.write("only/child", "4");
    scratch.link("link", "dir");
    let laid = |at: &str, change: Option<FileContent>| {
        view(&scratch.snapshot().overlay(BTreeMap::from([(path(at), change)])))
    };
    let all = |view: &View| found(view, &glob(&["**"]));

    let over_directory = laid("dir", text("new"));
    assert_eq!(all(&over_directory), "dir file only/child");
    assert_eq!(short(&over_directory.answer(&stat("dir/sub/b"))), "NotFound");
    assert_eq!(short(&over_directory.answer(&list("dir/sub"))), "NotFound");
    assert_eq!(short(&over_directory.answer(&content("link"))), r#""new""#);

    let below_file = laid("file/x", text("new"));
    assert_eq!(all(&below_file), "dir/a dir/sub/b file/x only/child");
    assert_eq!(short(&below_file.answer(&content("file"))), "NotAFile");

    let below_link = laid("link/a", text("new"));
    assert_eq!(short(&below_link.answer(&content("link/a"))), r#""new""#);
    assert_eq!(short(&below_link.answer(&content("dir/a"))), r#""1""#);
    assert_eq!(short(&below_link.answer(&content("link/sub/b"))), "NotFound");
    assert_eq!(short(&below_link.answer(&list("link"))), "a:File");

    let emptied = laid("only/child", None);
    assert_eq!(short(&emptied.answer(&stat("only"))), "NotFound");
    assert_eq!(short(&emptied.answer(&list(""))), "dir:Directory file:File link:Symlink");
    let without_directory = laid("dir", None);
    assert_eq!(all(&without_directory), "file only/child");
}
