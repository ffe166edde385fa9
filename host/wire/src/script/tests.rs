//! Scripts say what they mean, and mistakes in them say where they are.

use serde_json::json;

use super::*;
use crate::server::{Drip, ErrorShape, FaultKind, Framing, Greeting, Post};

fn turn(number: u32) -> Conversation {
    Conversation { turn: number, ..Conversation::default() }
}

#[test]
fn a_script_plays_turn_by_turn() {
    let script = Script::parse(
        r#"
        model = "demo"
        [[turn]]
        say = "I look."
        usage = { input = 1200, output = 80, cached = 1000, reasoning = 8 }
        pace-ms = 5
        [[turn.call]]
        tool = "read_file"
        arguments = { path = "src/lib.rs", lines = [1, 2.5, true], on = 2026-01-02 }
        [[turn.call]]
        tool = "list_files"
        [[turn]]
        say = "Done."
        incomplete = "max_output_tokens"
        "#,
    )
    .unwrap();
    assert_eq!(script.model(), "demo");
    let first = script.respond(&turn(0));
    let arguments = json!({"path": "src/lib.rs", "lines": [1, 2.5, true], "on": "2026-01-02"});
    let expected = vec![
        ReplyPart::Text("I look.".to_owned()),
        ReplyPart::Call { name: "read_file".to_owned(), arguments },
        ReplyPart::Call { name: "list_files".to_owned(), arguments: json!({}) },
    ];
    assert_eq!(first.parts, expected);
    assert_eq!(first.pace, Duration::from_millis(5));
    assert_eq!(
        first.usage.map(|usage| (usage.total_tokens(), usage.cached_tokens)),
        Some((1280, 1000))
    );

    // The same conversation has the same turn, whoever asks.
    assert_eq!(script.respond(&turn(0)), first);
    let second = script.respond(&turn(1));
    assert_eq!(second.incomplete.as_deref(), Some("max_output_tokens"));
    assert_eq!(script.asked(), [2, 1]);

    let beyond = script.respond(&turn(2)).refuse.unwrap();
    assert_eq!((beyond.code.as_str(), beyond.kind), ("script_exhausted", ErrorKind::BadRequest));
    assert_eq!(script.asked(), [2, 1]);
}

#[test]
fn a_fault_strikes_as_often_as_it_should_and_then_the_turn_plays() {
    let script = Script::parse(
        r#"
        [[turn]]
        say = "Hi."
        fault = [
            { kind = "close", after-events = 5, code = 1012, times = 2 },
            { kind = "noise" },
        ]
        "#,
    )
    .unwrap();
    let close = Fault::new(5, FaultKind::Close { code: 1012 });
    let noise = Fault::new(0, FaultKind::Noise);
    let faults = [(); 3].map(|()| script.respond(&turn(0)).faults);
    assert_eq!(faults, [vec![close.clone(), noise], vec![close], vec![]]);
    assert_eq!(script.asked(), [3]);
}

#[test]
fn every_fault_can_be_written() {
    let check = |fault: &str, expected: Fault| {
        let script = Script::parse(&format!("[[turn]]\nfault = {{ {fault} }}")).unwrap();
        let struck = Reply { faults: vec![expected], ..Reply::default() };
        assert_eq!(script.respond(&turn(0)), struck, "{fault}");
        assert_eq!(script.respond(&turn(0)), Reply::default(), "{fault}");
    };
    let ms = Duration::from_millis;
    check(r#"kind = "close""#, Fault::new(0, FaultKind::Close { code: 1011 }));
    check(r#"kind = "drop", after-events = 3"#, Fault::new(3, FaultKind::Drop));
    check(r#"kind = "cut", after-events = 3"#, Fault::new(3, FaultKind::Cut));
    check(r#"kind = "silence""#, Fault::new(0, FaultKind::Silence { time: None }));
    let silence = FaultKind::Silence { time: Some(ms(9)) };
    check(r#"kind = "silence", for-ms = 9"#, Fault::new(0, silence));
    check(r#"kind = "no-pong""#, Fault::new(0, FaultKind::NoPong));
    let drip = FaultKind::Drip(Drip { bytes: 3, pause: ms(7) });
    check(r#"kind = "drip", bytes = 3, pause-ms = 7"#, Fault::new(0, drip));
    check(r#"kind = "garbage", after-events = 3"#, Fault::new(3, FaultKind::Garbage));
    check(r#"kind = "binary""#, Fault::new(0, FaultKind::Binary));
    check(r#"kind = "oversized", bytes = 9"#, Fault::new(0, FaultKind::Oversized { bytes: 9 }));
    check(r#"kind = "duplicate""#, Fault::new(0, FaultKind::Duplicate));
    check(r#"kind = "swap""#, Fault::new(0, FaultKind::Swap));
    check(r#"kind = "omit""#, Fault::new(0, FaultKind::Omit));
    check(r#"kind = "no-usage""#, Fault::new(0, FaultKind::NoUsage));
    check(r#"kind = "connection-limit""#, Fault::new(0, FaultKind::ConnectionLimit));
    let failed = FaultKind::Failed { code: "server_error".to_owned(), message: "boom".to_owned() };
    check(r#"kind = "failed", message = "boom""#, Fault::new(0, failed));
    let error = ModelError {
        status: Some(429),
        retry_after: Some(ms(20)),
        ..ModelError::new(ErrorKind::RateLimited, "rate_limit_exceeded", "later")
    };
    check(
        r#"kind = "error", status = 429, message = "later", retry-after-ms = 20"#,
        Fault::new(0, FaultKind::Error { error, shape: None }),
    );
    let words = "the script says `server_error`. Please try again in 1.5s.";
    let error = ModelError::new(ErrorKind::Server, "server_error", words);
    check(
        r#"kind = "error", retry-after-ms = 1500, retry-in = "words", shape = "flat""#,
        Fault::new(0, FaultKind::Error { error, shape: Some(ErrorShape::Flat) }),
    );
}

#[test]
fn only_what_is_continued_can_be_lost() {
    let script = Script::parse("[[turn]]\nsay = \"Hi.\"\nfault = { kind = \"lost\" }").unwrap();
    assert_eq!(script.respond(&turn(0)).refuse, None);
    let continued = Conversation { previous_response_id: Some("resp_1".to_owned()), ..turn(0) };
    let lost = script.respond(&continued).refuse.unwrap();
    assert_eq!(lost.kind, ErrorKind::PreviousResponseNotFound);
    assert_eq!(script.respond(&continued).refuse, None);
}

#[test]
fn a_door_can_be_written() {
    let script = Script::parse(
        r#"
        [[upgrade]]
        status = 429
        retry-after-ms = 1500
        [[upgrade]]
        fault = "stall"
        times = 2
        [[upgrade]]
        [[upgrade]]
        fault = "drop"
        [[post]]
        framing = "crlf"
        [[post]]
        status = 503
        [[turn]]
        say = "Hi."
        "#,
    )
    .unwrap();
    let mut greetings = script.door().upgrades.into_iter();
    let Some(Greeting::Refuse(error)) = greetings.next() else { panic!("a refusal") };
    assert_eq!((error.status, error.kind), (Some(429), ErrorKind::RateLimited));
    assert_eq!(error.retry_after, Some(Duration::from_millis(1500)));
    let rest = [Greeting::Stall, Greeting::Stall, Greeting::Admit, Greeting::Drop];
    assert_eq!(greetings.collect::<Vec<_>>(), rest);
    let posts = script.door().posts;
    assert_eq!(posts[0], Post { greeting: Greeting::Admit, framing: Framing::Crlf });
    assert!(matches!(&posts[1].greeting, Greeting::Refuse(error) if error.status == Some(503)));
}

#[test]
fn a_mistake_says_where_it_is() {
    let turn = |keys: &str| Script::parse(&format!("[[turn]]\n{keys}")).unwrap_err().to_string();
    let mistakes = [
        Script::parse("").unwrap_err().to_string(),
        Script::parse("model = \"m\"\nmodle = 1").unwrap_err().to_string(),
        Script::parse("[[turn]]\nsay = \"a\n").unwrap_err().to_string(),
        turn("sya = \"a\""),
        turn("say = 1"),
        turn(""),
        turn("say = \"a\"\npace-ms = 60001"),
        turn("[[turn.call]]\narguments = {}"),
        turn("[[turn.call]]\ntool = \"\""),
        turn("[[turn.call]]\ntool = \"t\"\narguments = { a = [nan] }"),
        turn("fault = { kind = \"earthquake\" }"),
        turn("fault = { kind = \"close\", code = 1006 }"),
        turn("fault = { kind = \"close\", code = \"x\" }"),
        turn("fault = { kind = \"garbage\", code = 1000 }"),
        turn("fault = { kind = \"no-usage\", after-events = 1 }"),
        turn("fault = { kind = \"drop\", bytes = 1 }"),
        turn("fault = { kind = \"drop\", speed = 1 }"),
        turn("fault = { kind = \"error\", retry-in = \"words\" }"),
        turn("fault = { kind = \"oversized\", bytes = 1000000000 }"),
        turn("fault = { kind = \"silence\", for-ms = 1000000000 }"),
        turn("say = \"a\"\n[[upgrade]]\nstatus = 200"),
        turn("say = \"a\"\n[[upgrade]]\nstatus = 401\nfault = \"drop\""),
        turn("say = \"a\"\n[[upgrade]]\n[[upgrade]]\nmessage = \"x\""),
        turn("say = \"a\"\n[[upgrade]]\nframing = \"crlf\""),
        turn("say = \"a\"\n[[post]]\nstatus = 500\nframing = \"crlf\""),
        turn("say = \"a\"\n[[post]]\ntimes = 10001"),
        turn("fault = { kind = \"error\", code = 500 }"),
        turn("fault = { kind = \"error\", status = 200 }"),
        Script::parse(&"#".repeat(5 << 20)).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(mistakes.join("\n"), @r#"
    the script has 0 turns; it needs at least 1 and at most 10000
    line 2 of the script: unknown field `modle`, expected one of `model`, `turn`, `upgrade`, `post`
    line 2 of the script: invalid basic string, expected `"`
    line 2 of the script: unknown field `sya`, expected one of `say`, `call`, `usage`, `pace-ms`, `incomplete`, `fault`
    line 2 of the script: invalid type: integer `1`, expected a string
    turn 1 of the script: it says nothing; give it `say`, a `call` or a `fault`
    turn 1 of the script: `pace-ms` is more than 60000
    line 2 of the script: missing field `tool`
    turn 1 of the script: the `tool` of a call has no name
    turn 1 of the script: `NaN` in the arguments is not a number of JSON
    line 2 of the script: a fault: unknown variant `earthquake`, expected one of `close`, `drop`, `cut`, `silence`, `no-pong`, `drip`, `garbage`, `binary`, `noise`, `oversized`, `duplicate`, `swap`, `omit`, `no-usage`, `error`, `failed`, `connection-limit`, `lost`
    turn 1 of the script: the `code` of a close is a number that a close frame may carry
    turn 1 of the script: the `code` of a close is a number that a close frame may carry
    turn 1 of the script: its fault has no use for `code`
    turn 1 of the script: its fault has no use for `after-events`
    turn 1 of the script: its fault has no use for `bytes`
    line 2 of the script: a fault: unknown field `speed`, expected one of `kind`, `after-events`, `code`, `status`, `message`, `retry-after-ms`, `retry-in`, `shape`, `for-ms`, `pause-ms`, `bytes`, `times`
    turn 1 of the script: `retry-in` says where `retry-after-ms` stands, and that is missing
    turn 1 of the script: `bytes` is more than 67108864
    turn 1 of the script: 1000000000 ms is more than 3600000 ms
    `upgrade` 1 of the script: the `status` of an error is between 400 and 599
    `upgrade` 1 of the script: it has both a `status` and a `fault`
    `upgrade` 2 of the script: it has no use for `message` without a `status`
    line 4 of the script: unknown field `framing`, expected one of `status`, `code`, `message`, `retry-after-ms`, `retry-in`, `fault`, `times`
    `post` 1 of the script: it has no use for `framing`
    `post` 1 of the script: `times` is more than 10000
    turn 1 of the script: the `code` of an error is a text, such as `server_error`
    turn 1 of the script: the `status` of an error is between 400 and 599
    the script has more than 4194304 bytes
    "#);
}

#[test]
fn every_example_of_the_page_is_a_script() {
    let page = include_str!("../../../../docs/model-server.md");
    let examples: Vec<_> =
        page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() > 20, "the page has {} examples", examples.len());
    for example in &examples {
        // A part of a script is a whole one with a turn.
        let whole = if example.contains("[[turn]]") {
            (*example).to_owned()
        } else if example.starts_with("[[") {
            format!("{example}\n[[turn]]\nsay = \"a\"")
        } else {
            format!("[[turn]]\nsay = \"a\"\n{example}")
        };
        Script::parse(&whole).unwrap_or_else(|err| panic!("{err}:\n{example}"));
    }
    // And it leaves none out.
    let keys = [
        "close",
        "drop",
        "cut",
        "silence",
        "no-pong",
        "drip",
        "garbage",
        "binary",
        "noise",
        "oversized",
        "duplicate",
        "swap",
        "omit",
        "no-usage",
        "error",
        "failed",
        "connection-limit",
        "lost",
    ];
    for kind in keys {
        let key = format!("kind = \"{kind}\"");
        assert!(examples.iter().any(|example| example.contains(&key)), "{kind} is missing");
    }
}
