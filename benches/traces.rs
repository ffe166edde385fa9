//! Traces of long runs, made without running anything.

use session::event::{CallDigests, CallUsage, Decision, Event, Input, Record, SCHEMA};
use session::{Answer, Call, CallId, Origin, Phase, Source, StopReason};

/// A run that reads file after file, with so many calls a turn, of `records` records or up to a turn more.
#[must_use]
pub fn long_run(records: u64, calls: u32) -> Vec<u8> {
    let mut trace = Trace { bytes: Vec::new(), prev: trace::digest(b"bench"), seq: 0 };
    let mut turn = 0;
    while trace.seq < records {
        turn += 1;
        let calls = (0..calls).map(|index| Call {
            id: CallId { origin: Origin::Turn(turn), index },
            tool: "read_file".to_owned(),
            arguments: format!(r#"{{"path":"src/module_{turn}/file_{index}.rs"}}"#),
        });
        let calls: Vec<Call> = calls.collect();
        for call in &calls {
            trace.put(Event::Decided(Decision::CallStarted { call: call.clone() }));
        }
        for call in calls {
            let output = format!(r#"{{"text":"pub fn number() -> u64 {{ {turn} }}"}}"#);
            trace.put(Event::Heard(Input::CallAnswered {
                call: call.id,
                answer: Answer::Answered { output },
                source: Source::Fresh,
                usage: CallUsage { wall_us: 1_200, ..CallUsage::default() },
                digests: CallDigests::default(),
            }));
        }
    }
    trace.put(Event::Decided(Decision::Stopped { reason: StopReason::Done }));
    trace.bytes
}

struct Trace {
    bytes: Vec<u8>,
    prev: String,
    seq: u64,
}

impl Trace {
    fn put(&mut self, event: Event) {
        let record = Record {
            schema: SCHEMA,
            run: "bench".to_owned(),
            attempt: 1,
            phase: Phase::Init,
            seq: self.seq,
            at_ms: self.seq,
            time_ms: 1_795_600_000_000 + self.seq,
            prev: self.prev.clone(),
            event,
        };
        let line = serde_json::to_vec(&record).expect("a record is JSON");
        self.prev = trace::digest(&line);
        self.seq += 1;
        self.bytes.extend(line);
        self.bytes.push(b'\n');
    }
}
