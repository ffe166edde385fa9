//! What is told of a run that is only looked at.

use std::collections::BTreeMap;
use std::sync::Mutex;

use session::budget::Price;
use session::event::Input;

use super::*;
use crate::disk::{Machine, ThisMachine};
use crate::journal::Journal;
use crate::lease::Lease;
use crate::ledger::Later;

const RUN: &str = "00112233445566ff";

fn started() -> Event {
    Event::Noted(Note::RunStarted {
        step: "triage".to_owned(),
        key: String::new(),
        version: String::new(),
        provider: "script".to_owned(),
        model: "m".to_owned(),
        head: "the working tree".to_owned(),
        base: None,
        tools: Vec::new(),
        grants: Vec::new(),
        price: Price::default(),
        isolation: String::new(),
        budgets: None,
        trust: None,
        pipeline: None,
    })
}

fn completed(turn: u32) -> Event {
    Event::Heard(Input::TurnCompleted {
        turn,
        response_id: String::new(),
        items: Vec::new(),
        calls: Vec::new(),
        text: String::new(),
        usage: None,
        compacted_at: None,
    })
}

fn charged_event(turn: u32, known: bool) -> Event {
    Event::Decided(Decision::TurnCharged {
        turn,
        tokens: 1,
        spend: Money(100),
        known,
        excess: Money::ZERO,
    })
}

fn stopped(reason: StopReason) -> Event {
    Event::Decided(Decision::Stopped { reason })
}

/// The directory of runs with one in it, and the run's.
fn kept(events: &[Event]) -> (tempfile::TempDir, PathBuf) {
    let runs = tempfile::tempdir().unwrap();
    let dir = runs.path().join(RUN);
    fs::create_dir(&dir).unwrap();
    let machine: Arc<dyn Machine> = Arc::new(ThisMachine);
    let (mut journal, _) = Journal::open(&machine, &dir, RUN).unwrap();
    journal.begin_attempt();
    for event in events {
        journal.append(Phase::Analyzed, event.clone()).unwrap();
    }
    (runs, dir)
}

#[track_caller]
fn only(runs: &tempfile::TempDir) -> KeptRun {
    let mut found = kept_runs(runs.path()).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_run_tells_how_far_it_got_and_what_it_cost() {
    let events = [started(), completed(1), charged_event(1, true), charged_event(2, false)];
    let (runs, _) = kept(&events);
    let run = only(&runs);
    assert_eq!((run.name.as_str(), run.step.as_str()), (RUN, "triage"));
    assert_eq!((run.phase, run.attempts, run.records), (Phase::Analyzed, 1, 4));
    assert_eq!(run.spend, Money(200));
    assert_eq!(run.reusable, Reusable { turns: 1, calls: 0, spend: Money(100) });
    assert!(run.worked_ms > 0);
}

#[test]
fn a_run_goes_on_unless_it_is_over_or_somebody_has_it() {
    let check = |last: Option<StopReason>, left: bool, expected: bool| {
        let events: Vec<Event> =
            [Some(started()), last.clone().map(stopped)].into_iter().flatten().collect();
        let (runs, dir) = kept(&events);
        if left {
            fs::write(dir.join(LEFT), "").unwrap();
        }
        assert_eq!(only(&runs).is_open(), expected, "{last:?} {left}");
        let _lease = Lease::take(&dir).unwrap();
        let state = only(&runs).state;
        assert!(matches!(state, KeptState::AtWork { .. }), "{last:?} {left}: {state:?}");
    };
    check(None, false, true);
    check(Some(StopReason::Done), false, true);
    check(Some(StopReason::Done), true, false);
    check(Some(StopReason::JobDeadline), false, true);
    check(Some(StopReason::GateRefused), false, false);
}

#[test]
fn to_look_at_a_run_changes_nothing() {
    let (runs, dir) = kept(&[started(), completed(1)]);
    let path = dir.join(JOURNAL);
    let whole = fs::read(&path).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for end in first..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let run = only(&runs);
        assert!(matches!(run.state, KeptState::Unfinished), "torn at byte {end}: {run:?}");
        assert_eq!(run.records, 1, "torn at byte {end}");
        assert_eq!(fs::read(&path).unwrap(), whole[..end], "torn at byte {end}");
    }
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "no lock was made");
}

#[test]
fn a_damaged_run_says_where_and_what_came_before() {
    let (runs, dir) = kept(&[started(), completed(1), completed(2)]);
    let path = dir.join(JOURNAL);
    let text = fs::read_to_string(&path).unwrap().replace("\"turn\":1", "\"turn\":7");
    fs::write(&path, text).unwrap();
    let run = only(&runs);
    let KeptState::Damaged(JournalError::Damaged { line: 3, .. }) = &run.state else {
        panic!("{run:?}")
    };
    assert!(!run.is_open());
    assert_eq!((run.step.as_str(), run.records), ("triage", 2));
}

#[test]
fn what_is_no_run_is_passed_over() {
    let (runs, _) = kept(&[started()]);
    for name in ["latest.json", "0011", "../0011223344556", "00112233445566FF"] {
        assert!(!is_run_name(name), "{name}");
    }
    fs::write(runs.path().join("latest.json"), "{}").unwrap();
    fs::create_dir(runs.path().join("x")).unwrap();
    fs::create_dir(runs.path().join("aaaaaaaaaaaaaaaa")).unwrap();
    only(&runs);
    assert!(kept_runs(&runs.path().join("none")).unwrap().is_empty());
}

#[derive(Debug, Default)]
struct Place(Mutex<BTreeMap<String, Vec<u8>>>);

impl Carrier for Place {
    fn get(&self, name: String) -> Later<'_, Result<Option<Vec<u8>>, String>> {
        Box::pin(async move { Ok(self.0.lock().unwrap().get(&name).cloned()) })
    }

    fn create(&self, name: String, bytes: Vec<u8>) -> Later<'_, Result<bool, String>> {
        Box::pin(async move { Ok(self.0.lock().unwrap().insert(name, bytes).is_none()) })
    }

    fn list(&self, prefix: String) -> Later<'_, Result<Vec<String>, String>> {
        Box::pin(async move {
            let kept = self.0.lock().unwrap();
            Ok(kept.keys().filter(|name| name.starts_with(&prefix)).cloned().collect())
        })
    }

    fn delete(&self, name: String) -> Later<'_, Result<(), String>> {
        Box::pin(async move {
            self.0.lock().unwrap().remove(&name);
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_run_that_others_share_is_told_from_its_segments() {
    let (_runs, dir) = kept(&[started(), completed(1)]);
    let journal = fs::read(dir.join(JOURNAL)).unwrap();
    let first = journal.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let place: Arc<dyn Carrier> = Arc::new(Place::default());
    let keep = async |name: &str, bytes: &[u8]| {
        assert!(place.create(name.to_owned(), bytes.to_vec()).await.unwrap());
    };
    keep(&format!("{RUN}/command"), b"{}").await;
    keep(&format!("{RUN}/g0000/journal/0000000000"), &journal[..first]).await;
    keep(&format!("{RUN}/g0000/journal/0000000001"), &journal[first..]).await;
    let found = carried_runs(&place, [RUN.to_owned()]).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].records, found[0].reusable.turns), (2, 1));
    assert!(found[0].is_open());
    keep(&format!("{RUN}/g0000/left"), b"").await;
    assert!(carried_runs(&place, [RUN.to_owned()]).await.is_empty(), "it is over");
}

#[tokio::test]
async fn a_shared_run_that_cannot_be_read_hides_no_other() {
    const BAD: &str = "ffffffffffffffff";
    let (_runs, dir) = kept(&[started()]);
    let place: Arc<dyn Carrier> = Arc::new(Place::default());
    let journal = fs::read(dir.join(JOURNAL)).unwrap();
    place.create(format!("{RUN}/g0000/journal/0000000000"), journal).await.unwrap();
    for segment in 0..5_000 {
        place.create(format!("{BAD}/g0000/journal/{segment:010}"), Vec::new()).await.unwrap();
    }
    let found = carried_runs(&place, [BAD.to_owned(), RUN.to_owned()]).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].is_open() && found[0].name == RUN, "{found:?}");
    let KeptState::Damaged(JournalError::Io { source, .. }) = &found[1].state else {
        panic!("{found:?}")
    };
    assert!(source.to_string().contains("segments"), "{source}");
}
