//! What the fuzz targets in `fuzz/` call, and a plain test calls with their corpora: whatever bytes
//! come, a promise holds or this panics.

use snapshot::{Answer, Digest, Question, ReadError, RepoPath, Tree};

use crate::call::{Call, Ran};
use crate::foreign::Entry;
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::outcome::Ending;
use crate::shape::{Int, Shape};
use crate::values;
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
    let entry = Entry::Function { interface: Some("a:b/c".to_owned()), name: "d".to_owned() };
    let calls =
        Call { entry: &entry, input: "{}", seed: Digest::of(b""), limits: &Limits::default() };
    let frames = questions
        .into_iter()
        .map(|question| ToHost::Ask(question).write())
        .chain(answers.map(|answer| ToWorker::Told(answer).write()))
        .chain([ToHost::Done(ended).write(), message::call(&calls), ToWorker::Stop.write()]);
    // The first byte says how the rest is cut.
    frames.flatten().map(|frame| [&[7], &frame[..]].concat()).collect()
}

/// JSON is a value of a type, or refused; and a value that is written is read as the same. The type
/// stands before the JSON, see [`shape`].
pub fn values(bytes: &[u8]) {
    let mut bytes = bytes.iter();
    let shape = shape(&mut bytes, TYPES_DEEP_MAX);
    let Ok(json) = str::from_utf8(bytes.as_slice()) else { return };
    if let Ok(value) = values::read(&shape, json) {
        let again = values::write(&shape, &value, usize::MAX).expect("it was read");
        assert_eq!(values::read(&shape, &again), Ok(value), "{again}");
    }
    drop(shape.schema());
}

/// Types inside each other, here.
const TYPES_DEEP_MAX: usize = 6;

/// A type, by bytes: one for its kind, and those of what is in it behind that.
fn shape(bytes: &mut std::slice::Iter<'_, u8>, deep: usize) -> Shape {
    let kind = bytes.next().copied().unwrap_or_default();
    let deep = deep.saturating_sub(1);
    let names = || ["a", "b-c", "d2"].map(str::to_owned).to_vec();
    let mut inner = || shape(bytes, deep);
    match if deep == 0 { kind % 16 } else { kind % 25 } {
        0 => Shape::Bool,
        1 => Shape::Int(Int::S8),
        2 => Shape::Int(Int::U8),
        3 => Shape::Int(Int::S16),
        4 => Shape::Int(Int::U16),
        5 => Shape::Int(Int::S32),
        6 => Shape::Int(Int::U32),
        7 => Shape::Int(Int::S64),
        8 => Shape::Int(Int::U64),
        9 => Shape::F32,
        10 => Shape::F64,
        11 => Shape::Char,
        12 => Shape::Text,
        13 => Shape::Bytes,
        14 => Shape::Enum(names()),
        15 => Shape::Flags(names()),
        16 => Shape::List(Box::new(inner())),
        17 => Shape::Fixed(Box::new(inner()), 2),
        18 => Shape::Map(Box::new((inner(), inner()))),
        19 => Shape::Record(names().into_iter().map(|name| (name, inner())).collect()),
        20 => Shape::Tuple(vec![inner(), inner()]),
        21 => Shape::Variant(vec![("a".to_owned(), None), ("b-c".to_owned(), Some(inner()))]),
        22 => Shape::Option(Box::new(inner())),
        23 => Shape::Result(Box::new((Some(inner()), None))),
        _ => Shape::Result(Box::new((None, Some(inner())))),
    }
}

/// Inputs for [`values`].
pub fn value_seeds() -> Vec<Vec<u8>> {
    let seeds: [(&[u8], &str); 18] = [
        (&[0], "true"),
        (&[1], "-128"),
        (&[6], "4294967295"),
        (&[7], "\"-9223372036854775808\""),
        (&[8], "9007199254740992"),
        (&[8], "1.8446744073709552e19"),
        (&[9], "3.4028236e38"),
        (&[10], "\"-Infinity\""),
        (&[10], "5e-324"),
        (&[11], "\"\\ud83d\\ude00\""),
        (&[12], "\"\\u0000\u{202e}\""),
        (&[13], r#"{"base64": "/w=="}"#),
        (&[15], r#"["d2", "a"]"#),
        (&[18, 12, 16, 2], r#"[["a", [1, 2]], ["a", []]]"#),
        (&[19, 0, 22, 22, 0, 20, 3, 4], r#"{"a": true, "b-c": {"some": null}, "d2": [-1, 1]}"#),
        (&[21, 17, 14], r#"{"b-c": ["a", "d2"]}"#),
        (&[23, 16, 13], r#"{"ok": ["text"]}"#),
        (&[24, 24, 11], r#"{"err": {"ok": null}}"#),
    ];
    seeds.iter().map(|(shape, json)| [shape, json.as_bytes()].concat()).collect()
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
