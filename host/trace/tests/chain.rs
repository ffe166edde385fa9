//! What a trace promises to whoever reads it.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use proptest::prelude::*;
use session::Phase;
use session::event::{Event, Note, Record, SCHEMA};
use trace::{Chain, Told, Wrong, digest, read};

const RUN: &str = "r1";

/// A trace of these lines' texts.
fn trace(texts: &[String]) -> Vec<u8> {
    let mut prev = digest(RUN.as_bytes());
    let mut bytes = Vec::new();
    for (text, seq) in texts.iter().zip(0..) {
        let event = Event::Noted(Note::Warned { what: text.clone() });
        let (run, phase) = (RUN.to_owned(), Phase::Init);
        let (attempt, at_ms, time_ms) = (1, seq, seq);
        let record =
            Record { schema: SCHEMA, run, attempt, phase, seq, at_ms, time_ms, prev, event };
        let line = serde_json::to_vec(&record).unwrap();
        prev = digest(&line);
        bytes.extend(line);
        bytes.push(b'\n');
    }
    bytes
}

fn of(texts: &[&str]) -> Vec<u8> {
    trace(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

/// How the trace is damaged, or how many records it has.
fn outcome(bytes: &[u8]) -> Result<usize, String> {
    let lines: Result<Vec<_>, _> = Chain::new(bytes).collect();
    lines.map(|lines| lines.len()).map_err(|damage| damage.to_string())
}

/// The text with a second line in which `from` stands as `to`, and lines after it that belong to it.
fn rewritten(from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(of(&["a", "b"])).unwrap();
    let (first, second) = text.split_once('\n').unwrap();
    assert!(second.contains(from), "{second}");
    format!("{first}\n{}", second.replace(from, to)).into_bytes()
}

#[test]
fn damage_names_the_record() {
    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(outcome(bytes), Err(expected.to_owned()));
    }
    let text = String::from_utf8(of(&["a", "b", "c"])).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    check(text.replace("\"b\"", "\"x\"").as_bytes(), "line 3: the line before it was changed");
    check(
        format!("{}\n{}\n", lines[0], lines[2]).as_bytes(),
        "line 2: it has number 2, 1 was due: lines are missing",
    );
    check(
        &rewritten("\"schema\":1", "\"schema\":9"),
        "line 2: it has schema 9, this program writes 1",
    );
    check(&rewritten("\"run\":\"r1\"", "\"run\":\"r2\""), "line 2: it belongs to the run `r2`");
    assert!(outcome(b"nonsense\n").unwrap_err().starts_with("line 1: "));
    assert_eq!(outcome(b""), Ok(0));
}

#[test]
fn what_a_newer_program_wrote_is_kept_as_it_stands_and_not_gone_on_from() {
    for (from, to) in [
        (r#"{"noted":{"type":"warned","what":"b"}}"#, r#"{"noted":{"type":"sang","tune":[1, 2]}}"#),
        (r#"{"noted":{"type":"warned","what":"b"}}"#, r#"{"dreamt":7}"#),
    ] {
        let bytes = rewritten(from, to);
        let lines: Vec<_> = Chain::new(&bytes).collect::<Result<_, _>>().unwrap();
        let Told::Unknown { head, event, because } = &lines[1].told else { panic!("{lines:?}") };
        assert_eq!((head.seq, event.as_str()), (1, to));
        assert!(because.contains("unknown variant"), "{because}");
        let damage = read(RUN, &bytes).unwrap_err();
        assert_eq!(damage.line, 2);
        assert!(matches!(damage.wrong, Wrong::NoRecord { .. }), "{damage:?}");
    }
    // A phase of a newer program, too.
    let bytes = rewritten("\"INIT\"", "\"DREAMING\"");
    assert_eq!(outcome(&bytes), Ok(2));
}

#[test]
fn a_trace_of_another_run_is_not_gone_on_from() {
    let damage = read("r2", &of(&["a"])).unwrap_err();
    assert_eq!(damage.to_string(), "line 1: it belongs to the run `r1`");
}

proptest! {
    #[test]
    fn what_was_written_is_read_up_to_where_it_is_torn(
        texts in prop::collection::vec(".{0,20}", 1..6),
        at in any::<prop::sample::Index>(),
    ) {
        let bytes = trace(&texts);
        let torn = &bytes[..at.index(bytes.len() + 1)];
        let found = read(RUN, torn).unwrap();
        let lines = torn.iter().filter(|byte| **byte == b'\n').count();
        prop_assert_eq!(found.records.len(), lines);
        let whole = torn.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        prop_assert_eq!(found.bytes, whole as u64);
        let mut chain = Chain::new(torn);
        prop_assert_eq!(chain.by_ref().count(), lines);
        prop_assert_eq!(chain.whole() + chain.torn(), torn.len() as u64);
    }

    #[test]
    fn no_byte_before_the_last_line_changes_unseen(
        texts in prop::collection::vec("[a-z]{1,9}", 2..5),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        let mut bytes = trace(&texts);
        let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
        let at = at.index(last);
        bytes[at] ^= 1 << bit;
        let intact: Result<Vec<_>, _> = Chain::of(RUN, &bytes).collect();
        prop_assert!(intact.is_err());
    }
}
