//! Whether a patch finds room in a tree.

use std::cell::RefCell;

use gate::{Patch, TreeConflict, ValidPatch, check_room};

use crate::tree::Tree;

fn new_files(paths: &[&str]) -> ValidPatch {
    let file = |path: &&str| format!("diff --git a/{path} b/{path}\nnew file mode 100644\n");
    Patch::parse(&paths.iter().map(file).collect::<String>()).unwrap().validate().unwrap()
}

fn check(paths: &[&str]) -> Result<(), TreeConflict> {
    let tree = Tree::example();
    check_room(&new_files(paths), &|directory| Ok(tree.list(directory)))
}

#[test]
fn new_directories_and_old_files_are_no_conflict() {
    assert_eq!(check(&["x", "src/x", "a/b/c/d", "README.md", "caf\u{e9}.txt"]), Ok(()));
}

#[test]
fn every_conflict_is_told_at_once() {
    let conflict = check(&["a/b", "ReadMe.md", "docs", "link/x", "src/LIB.rs/x"]).unwrap_err();
    insta::assert_snapshot!(conflict.to_string().replace("; ", "\n"), @"
    `ReadMe.md`: some systems take `README.md`, which is there, for the same name
    `docs`: a directory of this name is there
    `link/x`: `link`, which is there, is a symbolic link, not a directory
    `src/LIB.rs/x`: some systems take `src/lib.rs`, which is there, for the same name
    ");
}

#[test]
fn a_directory_that_cannot_be_listed_is_not_taken_for_an_empty_one() {
    let refused = check_room(&new_files(&["x"]), &|_| Err("too many entries".to_owned()));
    let said = refused.unwrap_err().to_string();
    assert_eq!(said, "`x`: its directory cannot be listed: too many entries");
}

#[test]
fn a_directory_is_listed_once_and_what_is_not_there_never() {
    let (tree, asked) = (Tree::example(), RefCell::new(Vec::new()));
    let list = |directory: &str| {
        asked.borrow_mut().push(directory.to_owned());
        Ok(tree.list(directory))
    };
    assert_eq!(check_room(&new_files(&["src/x", "src/y", "new/x", "new/y/z"]), &list), Ok(()));
    assert_eq!(asked.into_inner(), ["", "src"]);
}
