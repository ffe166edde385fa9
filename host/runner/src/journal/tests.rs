//! What a journal promises to whoever opens it next.

use std::fs;

use session::event::Note;

use crate::disk::ThisMachine;

use super::*;

fn open(dir: &Path, run: &str) -> Result<(Journal, Vec<Record>), JournalError> {
    let machine: Arc<dyn Machine> = Arc::new(ThisMachine);
    let (mut journal, records) = Journal::open(&machine, dir, run)?;
    journal.begin_attempt();
    Ok((journal, records))
}

fn note(text: &str) -> Event {
    Event::Noted(Note::Warned { what: text.to_owned() })
}

fn written(dir: &Path, lines: usize) -> PathBuf {
    let (mut journal, _) = open(dir, "r1").unwrap();
    for n in 0..lines {
        journal.append(Phase::Init, note(&format!("line {n}"))).unwrap();
    }
    journal.path().to_owned()
}

#[test]
fn what_was_written_is_read_back_and_the_next_attempt_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 3);
    let (mut journal, records) = open(dir.path(), "r1").unwrap();
    assert_eq!(records.len(), 3);
    assert_eq!(journal.attempt(), 2);
    let (record, _) = journal.append(Phase::Init, note("more")).unwrap();
    assert_eq!((record.seq, record.attempt), (3, 2));
    assert_eq!(open(dir.path(), "r1").unwrap().1.len(), 4);
}

#[test]
fn a_line_torn_anywhere_is_dropped_and_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = written(dir.path(), 3);
    let text = fs::read(&path).unwrap();
    let last = text[..text.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for end in last..text.len() {
        fs::write(&path, &text[..end]).unwrap();
        let (mut journal, records) = open(dir.path(), "r1").unwrap();
        assert_eq!(records.len(), 2, "torn at byte {end}");
        journal.append(Phase::Init, note("again")).unwrap();
        assert_eq!(open(dir.path(), "r1").unwrap().1.len(), 3, "torn at byte {end}");
    }
}

#[test]
fn any_other_damage_says_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = written(dir.path(), 4);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let check = |changed: String, expected: &str| {
        fs::write(&path, changed).unwrap();
        let err = open(dir.path(), "r1").unwrap_err().to_string();
        assert!(err.contains(expected), "{err}");
    };
    check(text.replace("line 1", "line x"), "line 3: the line before it was changed");
    check(format!("{}\n{}\n", lines[0], lines[2]), "line 2: it has number 2, 1 was due");
    check(format!("{}\nnonsense\n{}\n", lines[0], lines[1]), "damaged at line 2");
    fs::write(&path, &text).unwrap();
    let err = open(dir.path(), "r2").unwrap_err().to_string();
    assert!(err.contains("line 1: it belongs to the run `r1`"), "{err}");
}
