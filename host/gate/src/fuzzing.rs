//! What the fuzz targets in `fuzz/` call, and a plain test calls with their corpora: whatever bytes
//! come, a promise holds or this panics.

use std::collections::BTreeMap;

use crate::{Applied, Patch, PatchError, PatchProblem, Proposal, apply};

/// Stands between the file and the proposal; no text has it.
const SEPARATOR: u8 = 0xff;

/// What is read as a patch can be written, and is the same when it is read again.
pub fn patch(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(proposal) = Proposal::parse(text) {
        assert!(proposal.paths().next().is_some(), "a proposal of nothing");
    }
    let Ok(patch) = Patch::parse(text) else { return };
    let written = patch.to_diff();
    assert!(is(&Patch::parse(&written), &patch), "it says something else when it is written");
    if let Ok(valid) = patch.validate() {
        assert!(
            valid.paths().all(|path| path.split('/').all(|part| !["", ".", ".."].contains(&part)))
        );
    }
}

/// What applies, applies as well when each hunk says where it stands; and what the files made of a
/// proposal is a patch that fits them as it is.
///
/// The bytes are those of every file, then a separator, then a proposal; files whose names begin
/// with `n` are not there.
pub fn apply_to(bytes: &[u8]) {
    let Some(at) = bytes.iter().position(|byte| *byte == SEPARATOR) else { return };
    let (file, text) = (&bytes[..at], &bytes[at + 1..]);
    let read = |path: &str| Ok((!path.starts_with('n')).then(|| file.to_vec()));
    let Ok(Ok(proposal)) = std::str::from_utf8(text).map(Proposal::parse) else { return };
    let is_diff = proposal.form() == crate::Form::Diff;
    let Ok(patch) = proposal.resolve(&read) else { return };
    let Ok(valid) = patch.validate() else {
        assert!(is_diff, "names were checked before");
        return;
    };
    let Ok(applied) = apply(&valid, &read) else { return };
    assert!(is_diff || applied.moved.is_empty(), "the files said where it stands");
    settled(&applied, &read);
}

fn settled(applied: &Applied, read: &crate::Read<'_>) {
    let written = Patch::parse(&applied.settled.to_diff());
    assert!(is(&written, &applied.settled), "it says something else when it is written");
    let valid = applied.settled.clone().validate();
    let again = valid.map(|valid| apply(&valid, read));
    let again = again.expect("the names are the same").expect("each hunk stands where it says");
    let files = |applied: &Applied| -> BTreeMap<_, _> { applied.files.clone() };
    assert_eq!(files(&again), files(applied));
    assert_eq!((again.moved, &again.settled), (Vec::new(), &applied.settled));
}

/// Whether a text was read as a patch, or is over a ceiling, as what is written may be.
fn is(read: &Result<Patch, PatchError>, patch: &Patch) -> bool {
    match read {
        Ok(read) => read == patch,
        Err(err) => matches!(err.problem, PatchProblem::TooMany { .. }),
    }
}
