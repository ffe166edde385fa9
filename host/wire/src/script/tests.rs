//! Scripts say what they mean, and mistakes in them say where they are.

use serde_json::json;

use super::*;

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
        fault = { kind = "close", after-events = 5, code = 1012, times = 2 }
        "#,
    )
    .unwrap();
    let close = Some(Fault::CloseAfter { events: 5, code: 1012 });
    let faults = [(); 3].map(|()| script.respond(&turn(0)).fault);
    assert_eq!(faults, [close, close, None]);
    assert_eq!(script.asked(), [3]);
}

#[test]
fn every_fault_can_be_written() {
    let check = |fault: &str, expected: Reply| {
        let script = Script::parse(&format!("[[turn]]\nfault = {{ {fault} }}")).unwrap();
        assert_eq!(script.respond(&turn(0)), expected, "{fault}");
        assert_eq!(script.respond(&turn(0)), Reply::default(), "{fault}");
    };
    let sending = |fault| Reply { fault: Some(fault), ..Reply::default() };
    check(r#"kind = "close""#, sending(Fault::CloseAfter { events: 0, code: 1011 }));
    check(r#"kind = "drop", after-events = 3"#, sending(Fault::DropAfter { events: 3 }));
    check(r#"kind = "garbage", after-events = 3"#, sending(Fault::GarbageAfter { events: 3 }));
    check(r#"kind = "silence", after-events = 3"#, sending(Fault::SilentAfter { events: 3 }));
    let error = ModelError {
        status: Some(429),
        retry_after: Some(Duration::from_millis(20)),
        ..ModelError::new(ErrorKind::RateLimited, "rate_limit_exceeded", "later")
    };
    check(
        r#"kind = "error", code = "rate_limit_exceeded", status = 429, message = "later", retry-after-ms = 20"#,
        Reply::refuse(error),
    );
    let error =
        ModelError::new(ErrorKind::Server, "server_error", "the script says `server_error`");
    check(r#"kind = "error""#, Reply::refuse(error));
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
        turn("fault = { kind = \"error\", after-events = 1 }"),
        turn("fault = { kind = \"error\", code = 500 }"),
        turn("fault = { kind = \"error\", status = 200 }"),
        Script::parse(&"#".repeat(5 << 20)).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(mistakes.join("\n"), @r#"
    the script has 0 turns; it needs at least 1 and at most 10000
    line 2 of the script: unknown field `modle`, expected `model` or `turn`
    line 2 of the script: invalid basic string, expected `"`
    line 2 of the script: unknown field `sya`, expected one of `say`, `call`, `usage`, `pace-ms`, `incomplete`, `fault`
    line 2 of the script: invalid type: integer `1`, expected a string
    turn 1 of the script: it says nothing; give it `say`, a `call` or a `fault`
    turn 1 of the script: `pace-ms` is more than 60000
    line 2 of the script: missing field `tool`
    turn 1 of the script: the `tool` of a call has no name
    turn 1 of the script: `NaN` in the arguments is not a number of JSON
    line 2 of the script: unknown variant `earthquake`, expected one of `close`, `drop`, `garbage`, `silence`, `error`
    turn 1 of the script: the `code` of a close is a number that a close frame may carry
    turn 1 of the script: the `code` of a close is a number that a close frame may carry
    turn 1 of the script: its fault has no use for `code`
    turn 1 of the script: its fault has no use for `after-events`
    turn 1 of the script: the `code` of an error is a text, such as `server_error`
    turn 1 of the script: the `status` of an error is between 400 and 599
    the script has more than 4194304 bytes
    "#);
}
