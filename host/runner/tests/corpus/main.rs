//! Journals that earlier programs wrote: every later one reads them, tells them to the rules
//! again, and goes on from where they end. Damaged ones are refused, and it is said where.
//!
//! `README.md` beside this says how a corpus is added.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod entry;
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use runner::{JournalError, KeptState, RunError, kept_runs};
use session::event::SCHEMA;

use entry::{Entry, Frozen};
use world::World;

/// Where the corpus is.
fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// Every frozen run of every schema.
fn frozen() -> Vec<Frozen> {
    let of = |schema: u32| {
        let dir = corpus().join(format!("schema-{schema}"));
        let entries =
            fs::read_dir(&dir).unwrap_or_else(|_| panic!("schema {schema} has no corpus"));
        entries.map(|entry| Frozen::read(&entry.unwrap().path())).collect::<Vec<_>>()
    };
    (1..=SCHEMA).flat_map(of).collect()
}

#[test]
fn every_schema_has_a_run_of_each_ending() {
    for schema in 1..=SCHEMA {
        for entry in Entry::ALL {
            let journal = corpus().join(format!("schema-{schema}/{}/run", entry.name));
            assert!(journal.is_dir(), "{} is missing: see README.md", journal.display());
        }
    }
}

#[tokio::test]
async fn every_journal_is_read_as_it_was_when_it_was_written() {
    for frozen in frozen() {
        assert_eq!(frozen.kept_now().await, frozen.kept, "{}", frozen.name);
    }
}

#[tokio::test]
async fn every_run_goes_on_and_comes_to_what_it_came_to() {
    for frozen in frozen() {
        let world = World::of(&frozen);
        let ended = world.run(None).await.unwrap_or_else(|err| panic!("{}: {err}", frozen.name));
        let result = fs::read_to_string(world.out().join("result.json")).unwrap();
        assert_eq!(result, frozen.result, "{}: {:?}", frozen.name, ended.result.stop_reason);
    }
}

/// Changes the lines of a journal, and returns what is said about it: to whoever looks, and to
/// whoever wants to go on.
async fn refused(change: impl FnOnce(&mut Vec<String>)) -> (RunError, String) {
    let frozen = Frozen::read(&corpus().join(format!("schema-{SCHEMA}/done")));
    let world = World::of(&frozen);
    let journal = world.run_dir().join("journal.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    let mut lines = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    fs::write(&journal, lines.join("\n") + "\n").unwrap();
    let kept = kept_runs(world.run_dir().parent().unwrap()).unwrap().remove(0);
    let looked = match kept.state {
        KeptState::Damaged(damage) => damage.to_string(),
        other @ (KeptState::AtWork { .. }
        | KeptState::Unfinished
        | KeptState::Stopped(_)
        | KeptState::Over(_)) => format!("{other:?}"),
    };
    (world.run(None).await.unwrap_err(), looked)
}

#[track_caller]
fn assert_damaged(refused: (RunError, String), at: u64, because: &str) {
    let (err, looked) = refused;
    let RunError::Journal(JournalError::Damaged { line, .. }) = &err else { panic!("{err:?}") };
    assert_eq!(*line, at, "{err}");
    assert!(err.to_string().contains(because), "{err}");
    assert_eq!(err.to_string(), looked, "whoever looks is told the same");
}

#[tokio::test]
async fn a_journal_that_is_damaged_is_refused_and_it_is_said_where() {
    let nonsense = refused(|lines| lines[4] = "nonsense".to_owned()).await;
    assert_damaged(nonsense, 5, "expected");
    let half = refused(|lines| lines[4].truncate(40)).await;
    assert_damaged(half, 5, "EOF");
    let gap = refused(|lines| drop(lines.remove(6))).await;
    assert_damaged(gap, 7, "it has number 7, 6 was due: lines are missing");
    let changed =
        refused(|lines| lines[3] = lines[3].replacen("\"at-ms\":", "\"at-ms\":1", 1)).await;
    assert_damaged(changed, 5, "the line before it was changed");
    let twice = refused(|lines| lines.insert(3, lines[2].clone())).await;
    assert_damaged(twice, 4, "it has number 2, 3 was due");
    let newer = refused(|lines| {
        let (now, next) = (format!("\"schema\":{SCHEMA}"), format!("\"schema\":{}", SCHEMA + 1));
        lines[7] = lines[7].replacen(&now, &next, 1);
    });
    assert_damaged(newer.await, 8, &format!("it has schema {}", SCHEMA + 1));
    let foreign = refused(|lines| {
        let at = lines[2].find("\"run\":\"").unwrap() + "\"run\":\"".len();
        lines[2].replace_range(at..at + 16, "0123456789abcdef");
    });
    assert_damaged(foreign.await, 3, "it belongs to the run `0123456789abcdef`");
}

/// Whoever writes a whole chain can still not make the rules have decided otherwise.
#[tokio::test]
async fn a_journal_with_another_decision_is_not_gone_on_with() {
    let is_decision = |line: &String| line.contains("\"type\":\"turn-charged\"");
    let change = |lines: &mut Vec<String>| {
        let at = lines.iter().position(is_decision).unwrap();
        lines[at] = lines[at].replacen("\"spend\":", "\"spend\":1", 1);
        for later in at + 1..lines.len() {
            let before = blake3::hash(lines[later - 1].as_bytes()).to_hex().to_string();
            let start = lines[later].find("\"prev\":\"").unwrap() + "\"prev\":\"".len();
            lines[later].replace_range(start..start + before.len(), &before);
        }
    };
    let (err, _) = refused(change).await;
    let RunError::Diverged { what, .. } = &err else { panic!("{err:?}") };
    assert!(what.contains("TurnCharged"), "{err}");
}

/// Writes the corpus of the present schema: `cargo test -p runner --test corpus -- --ignored`.
#[tokio::test]
#[ignore = "writes files: for whoever raises the schema"]
async fn write_the_corpus() {
    let dir = corpus().join(format!("schema-{SCHEMA}"));
    drop(fs::remove_dir_all(&dir));
    for entry in Entry::ALL {
        entry.write(&dir.join(entry.name)).await;
    }
}
