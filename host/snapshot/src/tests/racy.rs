//! Files that change behind the back of whoever remembers them by what the file system says: never
//! is a digest told that is not that of the bytes.

use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use super::*;
use crate::source::Stamp;
use crate::{ReadError, StatCache};

/// The real one.
#[expect(clippy::disallowed_methods, reason = "the clock comes from outside, here from a test")]
fn clock() -> SystemTime {
    SystemTime::now()
}

/// One that is ahead: whatever was just written has been left alone for long.
pub(super) fn later() -> SystemTime {
    clock() + Duration::from_hours(1)
}

pub(super) fn cached(scratch: &Scratch, stats: &Arc<StatCache>) -> Snapshot {
    Snapshot::directory_with(scratch.path(), Some(Arc::clone(stats))).unwrap()
}

/// Lets the clock of the file system go on: what is written next has other times.
pub(super) fn tick(scratch: &Scratch) {
    let elsewhere = Scratch::new();
    let changed = |dir: &Scratch| {
        dir.write("tick", "");
        Stamp::of(&rustix::fs::stat(dir.path().join("tick")).unwrap()).changed_ns
    };
    let before = changed(&elsewhere);
    while changed(&elsewhere) == before {}
    assert!(scratch.path().exists());
}

fn set_modified(scratch: &Scratch, at: &str, seconds: i64) {
    let time = Timespec { tv_sec: seconds, tv_nsec: 7 };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, scratch.path().join(at), &times, AtFlags::empty()).unwrap();
}

fn digest_of(text: &str) -> Digest {
    Answer::Content(text.into()).digest()
}

/// Both ways to be told a digest, each in a call of its own.
#[track_caller]
fn check(scratch: &Scratch, stats: &Arc<StatCache>, at: &str, text: &str) {
    let snapshot = cached(scratch, stats);
    let (one, many) = (
        view(&snapshot).answer_digest(&content(at)),
        digests_at_once(&view(&snapshot), &[content(at)]),
    );
    assert_eq!((one, many), (digest_of(text), vec![digest_of(text)]), "{at} is {text:?}");
}

#[test]
fn a_file_that_is_rewritten_within_a_tick_is_read_again() {
    let scratch = Scratch::new();
    let stats = Arc::new(StatCache::in_memory(clock));
    for round in 100..300 {
        let text = round.to_string();
        scratch.write("a", &text);
        set_modified(&scratch, "a", 1_000_000_000);
        check(&scratch, &stats, "a", &text);
    }
}

#[test]
fn a_rewritten_file_is_read_again_whatever_its_times_are_made_to_say() {
    for clock in [clock as crate::Clock, later] {
        let scratch = Scratch::new();
        let stats = Arc::new(StatCache::in_memory(clock));
        let soon = i64::try_from(later().elapsed().map_or(4_000_000_000, |past| past.as_secs()));
        for seconds in [1_000_000_000, 4_000_000_000, soon.unwrap_or(0), -1] {
            for text in ["one", "two", "one", "six"] {
                tick(&scratch);
                scratch.write("a", text);
                set_modified(&scratch, "a", seconds);
                check(&scratch, &stats, "a", text);
                check(&scratch, &stats, "a", text);
            }
        }
    }
}

#[test]
fn an_old_file_that_is_moved_over_a_new_one_is_seen() {
    let scratch = Scratch::new();
    let stats = Arc::new(StatCache::in_memory(later));
    for (at, text) in [("old", "old"), ("a", "new"), ("b/a", "sub")] {
        scratch.write(at, text);
        check(&scratch, &stats, at, text);
    }
    tick(&scratch);
    let at = |name: &str| scratch.path().join(name);
    fs::rename(at("a"), at("kept")).unwrap();
    fs::rename(at("old"), at("a")).unwrap();
    check(&scratch, &stats, "a", "old");
    check(&scratch, &stats, "kept", "new");
    fs::remove_file(at("a")).unwrap();
    fs::hard_link(at("kept"), at("a")).unwrap();
    check(&scratch, &stats, "a", "new");
    fs::rename(at("b"), at("c")).unwrap();
    scratch.write("b/a", "SUB");
    check(&scratch, &stats, "b/a", "SUB");
    check(&scratch, &stats, "c/a", "sub");
}

#[test]
fn what_stands_at_a_path_instead_is_seen() {
    let outside = Scratch::new();
    outside.write("a", "one");
    let scratch = Scratch::new();
    let stats = Arc::new(StatCache::in_memory(later));
    scratch.write("d/a", "one");
    check(&scratch, &stats, "d/a", "one");
    fs::rename(scratch.path().join("d"), outside.path().join("d")).unwrap();
    scratch.link("d", outside.path().join("d").to_str().unwrap());
    let told = |question: &Question| {
        digests_at_once(&view(&cached(&scratch, &stats)), std::slice::from_ref(question))
    };
    assert_eq!(told(&content("d/a")), [Answer::Denied(ReadError::Outside).digest()]);
    fs::remove_file(scratch.path().join("d")).unwrap();
    assert_eq!(told(&content("d/a")), [Answer::Denied(ReadError::NotFound).digest()]);
    scratch.write("d/a/b", "");
    assert_eq!(told(&content("d/a")), [Answer::Denied(ReadError::NotAFile).digest()]);
    scratch.write(".git/a", "x");
    assert_eq!(told(&content(".git/a")), [Answer::Denied(ReadError::NotFound).digest()]);
}

#[test]
fn a_file_that_is_edited_between_two_looks_of_a_call_makes_it_fail() {
    for stats in [None, Some(Arc::new(StatCache::in_memory(later)))] {
        let scratch = Scratch::new();
        scratch.write("a", "one");
        let snapshot = Snapshot::directory_with(scratch.path(), stats).unwrap();
        let (told, looked_up) = (view(&snapshot), view(&snapshot));
        assert_eq!(told.answer(&content("a")), Answer::Content("one".into()));
        assert_eq!(looked_up.answer_digest(&content("a")), digest_of("one"));
        tick(&scratch);
        scratch.write("a", "two");
        assert_eq!(told.observe(&content("a")).1, digest_of("one"), "the first answer stands");
        let (answer, _) = looked_up.observe(&content("a"));
        assert!(answer.is_failure(), "{answer:?}");
        assert_eq!(view(&snapshot).observe(&content("a")).1, digest_of("two"));
    }
}

/// A lookup asks a set part by part, perhaps twice, and sets that share questions.
#[test]
fn what_was_told_of_a_set_stands_whoever_asks_next() {
    let scratch = Scratch::new();
    let files = ["a", "b", "c", "d"];
    files.iter().for_each(|at| scratch.write(at, "one"));
    let view = view(&scratch.snapshot());
    let set: Arc<[Question]> = ["a", "b", "c"].map(content).into();
    let other: Arc<[Question]> = ["b", "c", "d"].map(content).into();
    assert_eq!(view.answer_digests(&set, 0..2), [digest_of("one"); 2]);
    tick(&scratch);
    files.iter().for_each(|at| scratch.write(at, "two"));
    let [one, two] = ["one", "two"].map(digest_of);
    assert_eq!(view.answer_digests(&set, 2..3), [two]);
    assert_eq!(view.answer_digests(&set, 0..3), [one, one, two]);
    assert_eq!(view.answer_digests(&other, 0..3), [one, two, two]);
    assert_eq!(view.answer_digest(&content("a")), one);
    assert!(view.answer(&content("b")).is_failure());
    assert_eq!(view.answer(&content("c")), Answer::Content("two".into()));
}

/// What is remembered is believed for a digest, and never for bytes.
#[test]
fn a_tool_is_given_what_is_there_whatever_is_remembered() {
    let scratch = Scratch::new();
    scratch.write("a", "one");
    let stats = Arc::new(StatCache::in_memory(later));
    let stamp = Stamp::of(&rustix::fs::stat(scratch.path().join("a")).unwrap());
    let lie = Digest::of(b"a lie");
    stats.note_file(&path("a"), stamp, lie);
    let snapshot = cached(&scratch, &stats);
    assert_eq!(view(&snapshot).answer_digest(&content("a")), lie);
    let (answer, digest) = view(&snapshot).observe(&content("a"));
    assert_eq!((answer, digest), (Answer::Content("one".into()), digest_of("one")));
}
