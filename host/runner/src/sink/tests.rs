//! The operator's log, as it is read.

use session::budget::{Reservation, Work};
use session::event::{CallDigests, SCHEMA};
use session::{Call, CallId, Origin, Phase, StopReason};

use super::*;

fn record(at_ms: u64, event: Event) -> Record {
    Record {
        schema: SCHEMA,
        run: "r".into(),
        attempt: 1,
        phase: Phase::Init,
        seq: 0,
        at_ms,
        time_ms: 0,
        prev: String::new(),
        event,
    }
}

#[test]
fn an_event_is_one_aligned_line_and_hostile_text_stays_in_it() {
    let id = CallId { origin: Origin::Turn(2), index: 0 };
    let call = Call { id, tool: "read_file".into(), arguments: r#"{"path":"a"}"#.into() };
    let usage = CallUsage { wall_us: 1_234, ..CallUsage::default() };
    let answer = Answer::Answered { output: "x".repeat(3_000) };
    let hostile = "\u{1b}[2Jdone\n::set-output name=x::y".to_owned();
    // What the guest `logs-forgeries` of the sandbox's tests writes.
    let forged = "done\r\n::error::forged\n##[error]forged\n##vso[task.complete]".to_owned();
    let events = [
        Event::Decided(Decision::PhaseEntered { phase: Phase::ContextReady }),
        Event::Decided(Decision::TurnReserved {
            turn: 2,
            try_number: 1,
            reservation: Reservation { work: Work::Analyze, tokens: 12_345, spend: Money(23_400) },
            max_output_tokens: 100,
            wrap_up: false,
        }),
        Event::Decided(Decision::CallStarted { call }),
        Event::Heard(Input::CallAnswered {
            call: id,
            answer,
            source: Source::Fresh,
            usage,
            digests: CallDigests::default(),
        }),
        Event::Noted(Note::Warned { what: hostile }),
        Event::Noted(Note::ToolLogged { call: id, level: "warning".into(), line: forged }),
        Event::Decided(Decision::Stopped { reason: StopReason::Done }),
    ];
    let mut log = Operator::new(Vec::new());
    for (at, event) in (0..).zip(events) {
        log.record(&record(at * 1_230, event)).unwrap();
        log.text(at * 1_230, if at == 0 { "It is\nline " } else { "" }).unwrap();
    }
    insta::assert_snapshot!(String::from_utf8(log.out).unwrap());
}

#[test]
fn numbers_read_well() {
    let shown = [grouped(7), grouped(1_234), grouped(1_234_567), bytes(1_023), bytes(1_536)];
    assert_eq!(shown.join(" | "), "7 | 1,234 | 1,234,567 | 1023 B | 1.5 KiB");
    assert_eq!([micros(12), micros(1_234), micros(61_000_000)].join(" "), "12 µs 1.2 ms 61 s");
    assert_eq!(count(1, "file") + &count(2, "file"), "1 file2 files");
}
