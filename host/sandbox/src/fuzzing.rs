//! What the fuzz targets in `fuzz/` call, and a plain test calls with their corpora: whatever bytes
//! come, a promise holds or this panics.

use snapshot::{Answer, Digest, Question, ReadError, RepoPath, Tree};

use crate::call::{Call, Ran};
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::outcome::Ending;
use crate::wasi::Names;
use crate::worker::{Frames, ToHost, ToWorker, message};

/// Bytes of a frame that are waited for here.
const FRAME_BYTES_MAX: usize = 64 * 1024;

/// A component, or the manifest in one, is read or refused.
pub fn manifest(bytes: &[u8]) {
    drop(Manifest::of(bytes));
    if let Ok(manifest) = Manifest::parse(bytes) {
        let again = serde_json::to_vec(&manifest).expect("it was JSON");
        // Whatever was left out is not needed; numbers may be written in another way.
        let again = Manifest::parse(&again).map(|again| (again.name, again.description));
        assert_eq!(again, Ok((manifest.name, manifest.description)));
    }
}

/// What comes over a worker's line is a message or refused, in either direction, however it is
/// cut; and a message that is written again is the same.
pub fn frames(bytes: &[u8]) {
    let Some((&cut, bytes)) = bytes.split_first() else { return };
    let mut frames = Frames::default();
    for piece in bytes.chunks(usize::from(cut).max(1)) {
        let mut piece = piece;
        while !piece.is_empty() {
            let room = frames.room();
            let taken = room.len().min(piece.len());
            room[..taken].copy_from_slice(&piece[..taken]);
            frames.came(taken);
            piece = &piece[taken..];
        }
        loop {
            match frames.next(FRAME_BYTES_MAX) {
                Ok(Some(frame)) => message(frame),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

fn message(frame: &[u8]) {
    /// Bytes of a frame's length.
    const HEAD: usize = 4;
    if let Ok(message) = ToWorker::read(frame) {
        let again = message.write().expect("it came in one frame");
        let again = ToWorker::read(&again[HEAD..]).map(|again| format!("{again:?}"));
        assert_eq!(again, Ok(format!("{message:?}")));
    }
    let limits = Limits::default();
    if let Ok(message) = ToHost::read(frame, &limits) {
        let again = message.write().expect("it came in one frame");
        let again = ToHost::read(&again[HEAD..], &limits).map(|again| format!("{again:?}"));
        assert_eq!(again, Ok(format!("{message:?}")));
    }
}

/// Inputs for [`frames`] that hold one message each.
pub fn frame_seeds() -> Vec<Vec<u8>> {
    let tree = Tree::Base;
    let path = || "a/ä".to_owned();
    let questions = [
        Question::Content { tree, path: path() },
        Question::Range { tree, path: path(), offset: 1, length: 2 },
        Question::Time { tree },
    ];
    let answers = [
        Answer::Content(b"text".to_vec()),
        Answer::Link(Some(path())),
        Answer::Time(1),
        Answer::Denied(ReadError::NotGranted(path())),
    ];
    let ended = Ran::ended(Ending::Trapped { what: "it gave up".to_owned() });
    let calls = Call { input: "{}", seed: Digest::of(b""), limits: &Limits::default() };
    let frames = questions
        .into_iter()
        .map(|question| ToHost::Ask(question).write())
        .chain(answers.map(|answer| ToWorker::Told(answer).write()))
        .chain([ToHost::Done(ended).write(), message::call(&calls), ToWorker::Stop.write()]);
    // The first byte says how the rest is cut.
    frames.flatten().map(|frame| [&[7], &frame[..]].concat()).collect()
}

/// A path is inside the repository, or refused: as the contract spells it, and as WASI does.
pub fn paths(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(path) = RepoPath::parse(text) {
        assert_eq!(path.as_str(), text);
        assert_inside(&path);
    }
    if let Ok(names) = Names::of(text)
        && let Ok(path) = RepoPath::parse(&names.below("d"))
    {
        assert_inside(&path);
        assert!(path.as_str() == "d" || path.as_str().starts_with("d/"), "{path:?}");
    }
}

fn assert_inside(path: &RepoPath) {
    let bad = |name: &str| matches!(name, "" | "." | "..") || name.contains(['/', '\0']);
    assert!(!path.names().any(bad), "{path:?}");
    assert!(!path.as_str().starts_with('/'), "{path:?}");
}
