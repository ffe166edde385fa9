//! Proposals of a stranger, one a file of `hostile/`, each named by its trick: all are refused.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use gate::{Proposal, apply, check_room};

use crate::tree::Tree;

/// The fewest tricks that the corpus may have.
const TRICKS_MIN: usize = 60;

/// Which stage refuses a proposal, and why.
fn refusal(text: &str, tree: &Tree) -> Option<(&'static str, String)> {
    let read = |path: &str| tree.read(path);
    let proposal = match Proposal::parse(text) {
        Ok(proposal) => proposal,
        Err(err) => return Some(("read", err.to_string())),
    };
    let patch = match proposal.resolve(&read) {
        Ok(patch) => patch,
        Err(err) => return Some(("resolve", err.to_string())),
    };
    let valid = match patch.validate() {
        Ok(valid) => valid,
        Err(err) => return Some(("names", err.to_string())),
    };
    if let Err(err) = check_room(&valid, &|directory| Ok(tree.list(directory))) {
        return Some(("tree", err.to_string()));
    }
    apply(&valid, &read).err().map(|err| ("fit", err.to_string()))
}

#[test]
fn every_trick_is_refused_with_its_reason() {
    #[expect(clippy::disallowed_methods, reason = "a test reads its corpus")]
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= TRICKS_MIN, "{} tricks", files.len());
    let (tree, mut table) = (Tree::example(), String::new());
    for path in files {
        let trick = path.file_stem().unwrap().to_str().unwrap();
        let (stage, why) = refusal(&read(&path), &tree).unwrap_or_else(|| panic!("{trick} passes"));
        let why = why.replace('\n', "\n      ");
        writeln!(table, "{trick}\n  {stage}: {why}").unwrap();
    }
    insta::assert_snapshot!(table);
}
