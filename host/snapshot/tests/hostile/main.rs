//! Repositories that were written to be read, made by chance from a seed: whatever is asked of them,
//! an answer comes, it is of bounded size, and nothing of it stands outside.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and has files"
)]

mod crafted;
mod questions;
mod replaced;
mod repository;

use std::fs::File;
use std::io::Read;

use snapshot::{Answer, GlobQuery, Grant, Question, RepoPath, SearchQuery, Snapshot, View};

use questions::questions;
use repository::{Hostile, SECRET};

/// How many repositories are made. A failure names the seed of its repository.
const SEEDS: u64 = 8;

/// The most bytes of a file that one answer carries.
const CONTENT_BYTES_MAX: usize = 16 << 20;

fn view(snapshot: &Snapshot) -> View {
    View::new(snapshot.clone(), None, Grant::everything())
}

/// Every text that an answer holds.
fn shown(answer: &Answer) -> Vec<u8> {
    if let Answer::Content(bytes) | Answer::Range(bytes) = answer {
        return bytes.clone();
    }
    serde_json::to_vec(answer).unwrap()
}

/// What holds of every answer.
#[track_caller]
fn check(at: &str, question: &Question, answer: &Answer) {
    let shown = shown(answer);
    let leaks = shown.windows(SECRET.len()).any(|bytes| bytes == SECRET.as_bytes());
    assert!(!leaks, "{at}: {question} tells what is outside");
    if let Answer::Content(bytes) = answer {
        assert!(bytes.len() <= CONTENT_BYTES_MAX, "{at}: {question}: {} bytes", bytes.len());
    }
    if let (Answer::Range(bytes), Question::Range { length, .. }) = (answer, question) {
        assert!(bytes.len() <= *length as usize, "{at}: {question}: {} bytes", bytes.len());
    }
    if let Answer::List(entries) = answer {
        let odd = entries.iter().find(|entry| entry.name.is_empty() || entry.name.contains('/'));
        assert_eq!(odd, None, "{at}: {question}");
    }
    if let Answer::Glob(found) = answer {
        assert!(found.paths.len() <= GlobQuery::PATHS_MAX as usize, "{at}: {question}");
        assert!(found.paths.iter().all(|path| RepoPath::parse(path).is_ok()), "{at}: {found:?}");
    }
    if let Answer::Search(matches) = answer {
        assert!(matches.lines.len() <= SearchQuery::MATCHES_MAX as usize, "{at}: {question}");
    }
}

#[test]
fn whatever_is_asked_the_answer_is_bounded_and_of_the_repository_alone() {
    for seed in 0..SEEDS {
        let mut hostile = Hostile::new(seed);
        hostile.commit();
        hostile.add_what_git_cannot_hold();
        let (first, second) = (view(&hostile.directory()), view(&hostile.directory()));
        for question in questions(&hostile) {
            let (answer, digest) = first.observe(&question);
            check(&format!("seed {seed}"), &question, &answer);
            assert_eq!(second.answer_digest(&question), digest, "seed {seed}: {question}");
        }
    }
}

#[test]
fn a_commit_of_it_says_what_its_checkout_says() {
    for seed in 0..SEEDS {
        let hostile = Hostile::new(seed);
        let commit = hostile.commit();
        let commit = Snapshot::git(&hostile.root(), &commit).unwrap();
        let (checkout, committed) = (view(&hostile.directory()), view(&commit));
        for question in questions(&hostile) {
            let answer = committed.answer(&question);
            check(&format!("the commit of seed {seed}"), &question, &answer);
            assert_eq!(answer, checkout.answer(&question), "seed {seed}: {question}");
        }
        assert_eq!(commit.digest(), hostile.directory().digest(), "seed {seed}");
    }
}

/// Else the tests above would show nothing.
#[test]
fn the_secret_is_there_for_whoever_follows_links() {
    let mut reached = 0_u64;
    for seed in 0..SEEDS {
        let hostile = Hostile::new(seed);
        for path in hostile.paths() {
            let mut read = Vec::new();
            // Some lead to what has no end.
            if let Ok(file) = File::open(hostile.root().join(path)) {
                file.take(64).read_to_end(&mut read).unwrap_or_default();
            }
            reached += u64::from(read == SECRET.as_bytes());
        }
    }
    assert!(reached > SEEDS, "only {reached} links lead out");
}
