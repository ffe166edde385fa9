//! What is remembered from one process to the next, of files and of walks: it is used where it is
//! true, and harmless where it is damaged, of another place or of another time.

use proptest::collection::vec;
use proptest::prelude::*;

use super::racy::{cached, later, tick};
use super::*;
use crate::StatCache;
use crate::source::Stamp;
use crate::stats::Walked;

const KEY: [u8; 32] = [7; 32];

/// Stats of `scratch` that are kept in `home`.
fn kept(home: &Scratch, scratch: &Scratch, key: &[u8; 32]) -> Arc<StatCache> {
    Arc::new(StatCache::kept(home.path(), scratch.path(), key, later).unwrap())
}

fn lie() -> Digest {
    Digest::of(b"a lie")
}

fn stamp(scratch: &Scratch, at: &str) -> Stamp {
    Stamp::of(&rustix::fs::stat(scratch.path().join(at)).unwrap())
}

/// A file that is remembered wrongly, so that it shows where that is used.
fn remembered_wrongly(home: &Scratch) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("a", "one");
    let stats = kept(home, &scratch, &KEY);
    stats.note_file(&path("a"), stamp(&scratch, "a"), lie());
    stats.save().unwrap();
    scratch
}

fn told(scratch: &Scratch, stats: &Arc<StatCache>) -> Digest {
    view(&cached(scratch, stats)).answer_digest(&content("a"))
}

fn the_truth() -> Digest {
    Answer::Content("one".into()).digest()
}

#[test]
fn what_was_kept_is_found_again_by_whoever_has_the_key() {
    let home = Scratch::new();
    let scratch = remembered_wrongly(&home);
    assert_eq!(told(&scratch, &kept(&home, &scratch, &KEY)), lie());
    assert_eq!(told(&scratch, &kept(&home, &scratch, &[8; 32])), the_truth());

    let moved = Scratch::new();
    fs::rename(scratch.path().join("a"), moved.path().join("a")).unwrap();
    assert_eq!(told(&moved, &kept(&home, &moved, &KEY)), the_truth(), "of another directory");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the damage is done by a test")]
fn what_is_damaged_counts_as_nothing_and_is_written_anew() {
    let home = Scratch::new();
    let scratch = remembered_wrongly(&home);
    let entry = fs::read_dir(home.path()).unwrap().next().unwrap().unwrap();
    let at = entry.path();
    let whole = fs::read(&at).unwrap();
    let mut bad: Vec<Vec<u8>> = (0..whole.len()).map(|end| whole[..end].to_vec()).collect();
    bad.extend((0..whole.len()).map(|place| {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        bytes
    }));
    bad.push([&whole[..], b"x"].concat());
    for bytes in bad {
        fs::write(&at, &bytes).unwrap();
        let stats = kept(&home, &scratch, &KEY);
        assert_eq!(told(&scratch, &stats), the_truth(), "{bytes:?}");
    }
    assert!(stats_know(&home, &scratch), "the last one was written anew");

    fs::remove_file(&at).unwrap();
    fs::write(home.path().join("elsewhere"), &whole).unwrap();
    std::os::unix::fs::symlink("elsewhere", &at).unwrap();
    assert_eq!(told(&scratch, &kept(&home, &scratch, &KEY)), the_truth(), "it is a link");
    fs::remove_file(&at).unwrap();
    fs::create_dir(&at).unwrap();
    let stats = kept(&home, &scratch, &KEY);
    assert_eq!(told(&scratch, &stats), the_truth(), "it is a directory");
    assert!(stats.save().is_err());
}

fn stats_know(home: &Scratch, scratch: &Scratch) -> bool {
    kept(home, scratch, &KEY).file(&path("a"), &stamp(scratch, "a")) == Some(the_truth())
}

#[test]
fn many_may_keep_at_once() {
    let home = Scratch::new();
    let scratch = Scratch::new();
    for number in 0..200 {
        scratch.write(&number.to_string(), "x");
    }
    scratch.write("a", "one");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let stats = kept(&home, &scratch, &KEY);
                    assert_eq!(told(&scratch, &stats), the_truth());
                    stats.note_file(&path("b"), stamp(&scratch, "a"), lie());
                    // Another one may be at the same place: that costs one of them its turn.
                    let _saved = stats.save().is_ok();
                }
            });
        }
    });
    let stats = kept(&home, &scratch, &KEY);
    assert_eq!(told(&scratch, &stats), the_truth());
    stats.note_file(&path("c"), stamp(&scratch, "a"), lie());
    stats.save().unwrap();
    assert!(stats_know(&home, &scratch));
}

#[test]
fn a_walk_is_remembered() {
    let (home, scratch) = (Scratch::new(), Scratch::new());
    scratch.write("a", "");
    scratch.write("b/.gitignore", "c");
    scratch.write("b/c", "");
    let all = |stats: &Arc<StatCache>| found(&view(&cached(&scratch, stats)), &glob(&["**"]));
    assert_eq!(all(&kept(&home, &scratch, &KEY)), "a b/.gitignore");
    let stats = kept(&home, &scratch, &KEY);
    let walked = stats.walked().expect("it was kept");
    let Walked { directories, rules, looked_up, index, .. } = &*walked;
    let (directories, rules) = (directories.clone(), rules.clone());
    let leaves = Arc::default();
    stats.note_walk(Walked {
        directories,
        rules,
        looked_up: looked_up.clone(),
        index: *index,
        leaves,
    });
    assert_eq!(all(&stats), "", "what is remembered is used");
    tick(&scratch);
    scratch.write("b/d", "");
    assert_eq!(all(&stats), "a b/.gitignore b/d");
}

#[test]
fn a_walk_of_what_was_just_written_is_not_remembered() {
    let scratch = Scratch::new();
    scratch.write("a", "");
    #[expect(clippy::disallowed_methods, reason = "the clock comes from outside")]
    let stats = Arc::new(StatCache::in_memory(std::time::SystemTime::now));
    assert_eq!(found(&view(&cached(&scratch, &stats)), &glob(&["**"])), "a");
    assert!(stats.walked().is_none());
}

#[derive(Debug, Clone)]
enum Edit {
    Write(&'static str, &'static str),
    Remove(&'static str),
    RemoveAll(&'static str),
    Move(&'static str, &'static str),
    Link(&'static str, &'static str),
    Track(&'static str),
    Untrack(&'static str),
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let at = || prop::sample::select(vec!["a", "b/a", "b/c/a", "b/c/x", "out/a", "out/b/x", "d"]);
    let dir = || prop::sample::select(vec!["b", "b/c", "out", "d", "a"]);
    let rules = prop::sample::select(vec![".gitignore", "b/.gitignore", "out/.gitignore"]);
    let rule = prop::sample::select(vec!["", "out/\n", "a\n", "*\n", "!a\n/b\n", "x\n"]);
    prop_oneof![
        3 => at().prop_map(|at| Edit::Write(at, "text")),
        2 => at().prop_map(Edit::Remove),
        1 => dir().prop_map(Edit::RemoveAll),
        2 => (dir(), dir()).prop_map(|(from, to)| Edit::Move(from, to)),
        1 => (at(), dir()).prop_map(|(at, to)| Edit::Link(at, to)),
        3 => (rules, rule).prop_map(|(at, text)| Edit::Write(at, text)),
        2 => at().prop_map(Edit::Track),
        1 => at().prop_map(Edit::Untrack),
    ]
}

/// As far as it can be done.
#[expect(clippy::disallowed_methods, reason = "a test makes its own files, and asks git")]
fn apply(edit: &Edit, scratch: &Scratch) {
    let at = |path: &str| scratch.path().join(path);
    let index = |arguments: &[&str]| {
        Command::new("git").args(arguments).current_dir(scratch.path()).output().map(drop)
    };
    let _done = match edit {
        Edit::Write(path, text) => fs::create_dir_all(at(path).parent().unwrap())
            .and_then(|()| fs::write(at(path), text))
            .is_ok(),
        Edit::Remove(path) => fs::remove_file(at(path)).is_ok(),
        Edit::RemoveAll(path) => fs::remove_dir_all(at(path)).is_ok(),
        Edit::Move(from, to) => fs::rename(at(from), at(to)).is_ok(),
        Edit::Link(path, to) => std::os::unix::fs::symlink(to, at(path)).is_ok(),
        Edit::Track(path) => index(&["add", "--force", path]).is_ok(),
        Edit::Untrack(path) => index(&["rm", "--quiet", "--cached", path]).is_ok(),
    };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_that_is_remembered_and_a_fresh_one_come_to_the_same(
        edits in vec(vec(any_edit(), 0..3), 1..8),
    ) {
        let (home, scratch) = (Scratch::new(), Scratch::new());
        scratch.git(&["init", "--quiet"]);
        let in_memory = Arc::new(StatCache::in_memory(later));
        for edits in edits {
            tick(&scratch);
            edits.iter().for_each(|edit| apply(edit, &scratch));
            let fresh = scratch.snapshot().files();
            for stats in [kept(&home, &scratch, &KEY), Arc::clone(&in_memory)] {
                let remembering = cached(&scratch, &stats);
                prop_assert_eq!(&remembering.files(), &fresh, "after {:?}", edits);
                let again = cached(&scratch, &stats);
                prop_assert_eq!(&again.files(), &fresh, "twice after {:?}", edits);
            }
        }
    }
}
