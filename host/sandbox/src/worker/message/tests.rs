//! What a worker says is cut to what it may say, or not heard at all.

use super::*;

fn limits() -> Limits {
    Limits {
        fuel: 100,
        memory_bytes: 200,
        output_bytes: 10,
        log_lines: 2,
        log_bytes: 5,
        ..Limits::MAX
    }
}

fn ran() -> Ran {
    let line = |text: &str| LogLine { level: Level::Info, text: text.to_owned() };
    Ran {
        outcome: Outcome::Answered("\"8 bytes\"".to_owned()),
        fuel: 1,
        memory_peak: 2,
        log: vec![line("ab"), line("cde")],
        log_dropped: 3,
    }
}

/// What of a frame is heard.
fn heard(message: &ToHost) -> Result<ToHost, Garbled> {
    let frame = message.write().unwrap();
    ToHost::read(&frame[4..], &limits())
}

#[track_caller]
fn heard_ran(ran: Ran) -> Result<Ran, Garbled> {
    let ToHost::Done(ran) = heard(&ToHost::Done(ran))? else { panic!("it was said to be over") };
    Ok(ran)
}

#[test]
fn the_end_of_a_call_arrives_as_it_was_said() {
    let heard = heard_ran(ran()).unwrap();
    assert_eq!(format!("{heard:?}"), format!("{:?}", ran()));
}

#[test]
fn numbers_above_the_limits_are_cut() {
    let heard = heard_ran(Ran { fuel: u64::MAX, memory_peak: u64::MAX, ..ran() }).unwrap();
    assert_eq!((heard.fuel, heard.memory_peak), (100, 200));
    let long = Outcome::Refused { message: "x".repeat(10_000) };
    let heard = heard_ran(Ran { outcome: long, ..ran() }).unwrap();
    assert!(matches!(heard.outcome, Outcome::Refused { message } if message.len() == 4_096));
    let long = Outcome::Ended(Ending::Trapped { what: "x".repeat(10_000) });
    let heard = heard_ran(Ran { outcome: long, ..ran() }).unwrap();
    assert!(matches!(heard.outcome, Outcome::Ended(Ending::Trapped { what }) if what.len() == 256));
}

#[test]
fn more_than_a_guest_can_say_is_not_heard() {
    let line = |text: &str| LogLine { level: Level::Debug, text: text.to_owned() };
    let liars = [
        Ran { outcome: Outcome::Answered("x".repeat(11)), ..ran() },
        Ran { log: vec![line(""); 3], ..ran() },
        Ran { log: vec![line("abcdef")], ..ran() },
    ];
    for liar in liars {
        assert_eq!(heard_ran(liar).unwrap_err(), Garbled);
    }
}

#[test]
fn a_worker_cannot_put_words_into_the_mouth_of_the_step() {
    // An ending that only the process of the step can know is no more than "I was told to stop".
    let endings = [
        Ending::ReadTooMuch { limit: 1 },
        Ending::Unstable { question: "q".to_owned() },
        Ending::WorkerLost { what: "w".to_owned() },
        Ending::BadAnswer { why: "y".to_owned() },
    ];
    for ending in endings {
        let heard = heard_ran(Ran { outcome: Outcome::Ended(ending), ..ran() }).unwrap();
        assert_eq!(heard.outcome, Outcome::Ended(Ending::Cancelled));
    }
    // And the limits in an ending are those that were set.
    let set = limits();
    let endings = [
        (Ending::OutOfFuel { limit: 7 }, Ending::OutOfFuel { limit: 100 }),
        (Ending::StackExhausted { limit: 7 }, Ending::StackExhausted { limit: set.stack_bytes }),
        (Ending::TooManyHandles { limit: 7 }, Ending::TooManyHandles { limit: set.handles }),
    ];
    for (said, meant) in endings {
        let heard = heard_ran(Ran { outcome: Outcome::Ended(said), ..ran() }).unwrap();
        assert_eq!(heard.outcome, Outcome::Ended(meant));
    }
}

#[test]
fn whatever_bytes_come_they_are_a_message_or_refused() {
    // Every frame that can be said, with every byte changed and every end cut.
    let messages = [
        ToHost::Failed("what".to_owned()),
        ToHost::Done(ran()),
        ToHost::Compiled,
        ToHost::Unfitting(Unfitting::Missing(vec!["a".to_owned()])),
        ToHost::Tried(Tried::Refused("no".to_owned())),
        ToHost::Ask(Question::List { tree: snapshot::Tree::Base, path: "a".to_owned() }),
    ];
    for message in messages {
        let frame = message.write().unwrap();
        let frame = &frame[4..];
        assert!(ToHost::read(frame, &limits()).is_ok(), "{message:?}");
        for at in 0..frame.len() {
            assert!(ToHost::read(&frame[..at], &limits()).is_err(), "{message:?} cut at {at}");
            for byte in 0..=u8::MAX {
                let mut frame = frame.to_vec();
                frame[at] = byte;
                drop(ToHost::read(&frame, &limits()));
                drop(ToWorker::read(&frame));
            }
        }
    }
}

#[test]
fn what_a_worker_is_for_arrives() {
    let tasks = Trial::ALL.map(Task::Trial).into_iter();
    for task in tasks.chain([Task::Guest, Task::Compile, Task::Probe]) {
        let room = Room { memory_bytes: 1 << 40, stack_bytes: 1 << 20 };
        let start = Start { parent: 7, pool: true, room, task };
        let frame = ToWorker::Start(start).write().unwrap();
        let ToWorker::Start(heard) = ToWorker::read(&frame[4..]).unwrap() else {
            panic!("{task:?}")
        };
        assert_eq!(heard, start);
    }
    let (seed, limits) = (Digest::of(b"a call"), Limits::default());
    let function = |interface: Option<String>| Entry::Function { interface, name: "d".to_owned() };
    let entries =
        [Entry::Handler, Entry::Command, function(None), function(Some("a:b/c".to_owned()))];
    for asked in entries {
        let frame = call(&Call { entry: &asked, input: "{}", seed, limits: &limits }).unwrap();
        let heard = ToWorker::read(&frame[4..]).unwrap();
        let ToWorker::Call { entry, input, seed: heard_seed, limits: heard_limits } = heard else {
            panic!()
        };
        assert_eq!((entry, input.as_str()), (asked, "{}"));
        assert_eq!((heard_seed, heard_limits), (seed, limits));
    }
}
