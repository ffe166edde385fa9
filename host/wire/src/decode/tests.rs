//! What servers send is understood; what they make up is kept; what is no protocol is named.

use proptest::prelude::*;
use serde_json::json;

use super::*;

impl Decoder {
    fn decode_text(&mut self, text: &str) -> Result<Vec<ModelEvent>, BadFrame> {
        self.decode(&Frame::parse(text.to_owned())?)
    }
}

/// Events as lines, short enough to compare.
fn lines(decoder: &mut Decoder, frame: &str) -> Vec<String> {
    let events = decoder.decode_text(frame).unwrap();
    events.iter().map(line).collect()
}

fn line(event: &ModelEvent) -> String {
    match event {
        ModelEvent::Created { response_id } => format!("created {response_id}"),
        ModelEvent::InProgress => "in progress".to_owned(),
        ModelEvent::ItemAdded { item_id, kind } => format!("added {kind} {item_id}"),
        ModelEvent::TextDelta { item_id, delta } => format!("text {item_id} {delta:?}"),
        ModelEvent::ReasoningDelta { item_id, delta } => format!("reasoning {item_id} {delta:?}"),
        ModelEvent::ArgumentsDelta { item_id, delta } => format!("arguments {item_id} {delta:?}"),
        ModelEvent::CallReady(call) => format!("ready {}", call_line(call)),
        ModelEvent::ItemDone { kind, item } => format!("done {kind} {} bytes", item.get().len()),
        ModelEvent::Structure { kind } => format!("structure {kind}"),
        ModelEvent::Completed(whole) => format!("completed {}", whole_line(whole)),
        ModelEvent::Incomplete { reason, response } => {
            format!("incomplete {reason} {}", whole_line(response))
        }
        ModelEvent::Failed { error, usage } => {
            format!(
                "failed {:?} {} {:?} {}",
                error.kind,
                error.code,
                error.message,
                usage.is_some()
            )
        }
        ModelEvent::SteerAccepted { steer_id, response_id } => {
            format!("steer {steer_id} of {response_id} accepted")
        }
        ModelEvent::SteerPending { steer_id, response_id, call_ids } => {
            format!("steer {steer_id} of {response_id} waits for {call_ids:?}")
        }
        ModelEvent::SteerFailed { steer_id, response_id, error } => {
            format!("steer {steer_id} of {response_id} failed: {}", error.code)
        }
        ModelEvent::Compacting { item_id } => format!("compacting {item_id}"),
        ModelEvent::Unknown { kind, raw } => format!("unknown {kind} {} bytes", raw.get().len()),
    }
}

fn call_line(call: &FunctionCall) -> String {
    format!("{} {}({})", call.call_id, call.name, call.arguments)
}

fn whole_line(whole: &Completed) -> String {
    let calls: Vec<_> = whole.calls.iter().map(call_line).collect();
    let usage = whole.usage.map(|usage| usage.total_tokens());
    let (id, items, text) = (&whole.response_id, whole.output.len(), &whole.text);
    format!("{id}: {items} items, calls {calls:?}, text {text:?}, {usage:?} tokens")
}

fn play(frames: &[Value]) -> Vec<String> {
    let mut decoder = Decoder::default();
    frames.iter().flat_map(|frame| lines(&mut decoder, &frame.to_string())).collect()
}

#[test]
fn the_catalogue_of_events_is_read_without_loss() {
    let mut decoder = Decoder::default();
    let all = include_str!("catalogue.jsonl").lines();
    let read: Vec<_> = all.flat_map(|frame| lines(&mut decoder, frame)).collect();
    assert_eq!(decoder.sequence_gaps(), 0);
    insta::assert_snapshot!(read.join("\n"), @r#"
    created resp_7Qm2
    in progress
    in progress
    added function_call fc_01
    ready call_a1 run_command({"cmd":"cargo test"})
    done function_call 138 bytes
    structure response.content_part.added
    structure response.content_part.done
    text msg_01 "Fix"
    structure response.output_text.done
    unknown response.output_text.annotation.added 255 bytes
    text msg_01 "I can"
    structure response.refusal.done
    arguments fc_01 "{\"cmd\":"
    structure response.function_call_arguments.done
    unknown response.custom_tool_call_input.delta 125 bytes
    unknown response.custom_tool_call_input.done 145 bytes
    structure response.reasoning_summary_part.added
    reasoning rs_01 "Looking at"
    structure response.reasoning_summary_text.done
    structure response.reasoning_summary_part.done
    reasoning rs_01 "The test"
    structure response.reasoning_text.done
    completed resp_7Qm2: 2 items, calls ["call_a1 run_command({\"cmd\":\"cargo test\"})"], text "", Some(2052) tokens
    incomplete max_output_tokens resp_7Qm2: 1 items, calls [], text "Fixed.", Some(2052) tokens
    failed Server server_error "The model failed to generate a response." false
    compacting cmp_01
    unknown response.shell_call_command.added 113 bytes
    unknown response.shell_call_command.delta 115 bytes
    unknown response.shell_call_command.done 118 bytes
    unknown response.shell_call_output_content.delta 166 bytes
    unknown response.shell_call_output_content.done 208 bytes
    unknown response.web_search_call.in_progress 103 bytes
    unknown response.web_search_call.searching 101 bytes
    unknown response.web_search_call.completed 101 bytes
    unknown response.file_search_call.in_progress 104 bytes
    unknown response.file_search_call.searching 102 bytes
    unknown response.file_search_call.completed 102 bytes
    unknown response.code_interpreter_call.in_progress 109 bytes
    unknown response.code_interpreter_call.interpreting 110 bytes
    unknown response.code_interpreter_call.completed 107 bytes
    unknown response.code_interpreter_call_code.delta 125 bytes
    unknown response.code_interpreter_call_code.done 125 bytes
    unknown response.mcp_list_tools.in_progress 104 bytes
    unknown response.mcp_list_tools.completed 102 bytes
    unknown response.mcp_list_tools.failed 99 bytes
    unknown response.mcp_call.in_progress 97 bytes
    unknown response.mcp_call_arguments.delta 118 bytes
    unknown response.mcp_call_arguments.done 124 bytes
    unknown response.mcp_call.completed 95 bytes
    unknown response.mcp_call.failed 92 bytes
    unknown response.image_generation_call.in_progress 109 bytes
    unknown response.image_generation_call.generating 108 bytes
    unknown response.image_generation_call.partial_image 169 bytes
    unknown response.image_generation_call.completed 107 bytes
    unknown response.audio.delta 71 bytes
    unknown response.audio.done 51 bytes
    unknown response.audio.transcript.delta 76 bytes
    unknown response.audio.transcript.done 62 bytes
    steer steer_0a1b of resp_7Qm2 accepted
    steer steer_0a1b of resp_7Qm2 waits for ["call_a1"]
    steer steer_0a1b of resp_7Qm2 failed: response_already_completed
    "#);
}

fn item(call_id: &str, status: &str) -> Value {
    json!({"id": format!("fc_{call_id}"), "type": "function_call", "status": status,
        "call_id": call_id, "name": "read_file", "arguments": "{\"a\":1}"})
}

#[test]
fn a_call_is_ready_once_and_as_early_as_it_can_be() {
    let added = json!({"type": "response.output_item.added", "item": item("c1", "in_progress")});
    let arguments = json!({"type": "response.function_call_arguments.done", "item_id": "fc_c1",
        "arguments": "{\"a\":1}"});
    let done = json!({"type": "response.output_item.done", "item": item("c1", "completed")});
    let completed = json!({"type": "response.completed",
        "response": {"id": "r", "status": "completed", "output": [item("c1", "completed")]}});
    let ready_at = |frames: &[&Value]| {
        let mut decoder = Decoder::default();
        let ready = frames.iter().enumerate().flat_map(|(at, frame)| {
            let events = decoder.decode_text(&frame.to_string()).unwrap();
            events.into_iter().filter_map(move |event| {
                if let ModelEvent::CallReady(call) = event {
                    Some((at, call.arguments))
                } else {
                    None
                }
            })
        });
        ready.collect::<Vec<_>>()
    };
    let once = |at: usize| vec![(at, "{\"a\":1}".to_owned())];
    assert_eq!(ready_at(&[&added, &arguments, &done, &completed]), once(1));
    assert_eq!(ready_at(&[&arguments, &added, &done, &completed]), once(2));
    assert_eq!(ready_at(&[&added, &done, &arguments, &completed]), once(1));
    assert_eq!(ready_at(&[&done, &completed]), once(0));
    assert_eq!(ready_at(&[&completed]), once(0));
}

#[test]
fn a_call_that_cannot_be_answered_or_was_cut_is_not_told() {
    let done = |item: Value| json!({"type": "response.output_item.done", "item": item});
    let mut nameless = item("c1", "completed");
    nameless["name"] = json!("");
    let cut = json!({"type": "response.incomplete", "response": {"id": "r",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [item("c1", "incomplete")]}});
    let told =
        play(&[done(nameless), done(item("", "completed")), done(item("c1", "incomplete")), cut]);
    insta::assert_snapshot!(told.join("\n"), @r#"
    done function_call 107 bytes
    done function_call 112 bytes
    done function_call 117 bytes
    incomplete max_output_tokens r: 1 items, calls [], text "", None tokens
    "#);
}

#[test]
fn items_without_ids_are_told_apart_by_their_place() {
    let added = |index: u8, call_id: &str| {
        json!({"type": "response.output_item.added", "output_index": index,
            "item": {"type": "function_call", "call_id": call_id, "name": "t"}})
    };
    let arguments = |index: u8| {
        json!({"type": "response.function_call_arguments.done", "output_index": index,
            "arguments": index.to_string()})
    };
    let told = play(&[added(0, "a"), added(1, "b"), arguments(1), arguments(0)]);
    assert_eq!(told[2..], ["ready b t(1)", "ready a t(0)"]);
}

#[test]
fn items_keep_their_bytes() {
    let item = r#"{ "type":"reasoning", "n": 1.50, "big":12345678901234567890123, "é":"\u00e9" }"#;
    let check = |frame: String| {
        let events = Decoder::default().decode_text(&frame).unwrap();
        let kept = match &events[..] {
            [ModelEvent::ItemDone { item, .. }] => item,
            [ModelEvent::Completed(whole)] => &whole.output[0],
            other => panic!("{other:?}"),
        };
        assert_eq!(kept.get(), item);
    };
    check(format!(r#"{{"type":"response.output_item.done","item":{item}}}"#));
    check(format!(r#"{{"type":"response.completed","response":{{"id":"r","output":[{item}]}}}}"#));
}

#[test]
fn a_response_that_leaves_its_items_out_has_those_that_were_announced() {
    let message = json!({"type": "message", "content": [{"type": "output_text", "text": "Hi."}]});
    let told = play(&[
        json!({"type": "response.created", "response": {"id": "resp_9"}}),
        json!({"type": "response.output_item.done", "item": message}),
        json!({"type": "response.completed"}),
    ]);
    assert_eq!(told[2], r#"completed resp_9: 1 items, calls [], text "Hi.", None tokens"#);
}

#[test]
fn a_response_ends_as_its_last_event_says() {
    let check = |event: Value, expected: &str| {
        let told = play(&[event]).join("\n");
        assert!(told.starts_with(expected), "{told}");
    };
    let done = |status: &str| {
        json!({"type": "response.done", "response": {"id": "r", "status": status,
            "error": {"code": "server_error", "message": "boom"},
            "incomplete_details": {"reason": "content_filter"}}})
    };
    check(done("completed"), "completed r");
    check(done("incomplete"), "incomplete content_filter r");
    check(done("failed"), r#"failed Server server_error "boom""#);
    check(done("cancelled"), "failed Server");
    check(json!({"type": "response.done"}), "completed :");
    check(
        json!({"type": "response.failed", "response": {"usage": {}}}),
        "failed Other unknown \"\" true",
    );
    check(json!({"type": "response.failed"}), "failed Other unknown \"\" false");
    check(json!({"type": "error", "error": "plain words"}), "failed Other unknown \"plain words\"");
    check(json!({"type": "error"}), "failed Other unknown");
    check(json!({"type": "response.error", "code": "slow_down"}), "failed Overloaded slow_down");
}

#[test]
fn refusals_are_told_apart_from_text() {
    let mut decoder = Decoder::default();
    let message = json!({"type": "message", "content": [
        {"type": "output_text", "text": "One."}, {"type": "refusal", "refusal": "No."}]});
    let frame = json!({"type": "response.completed", "response": {"output": [message]}});
    let events = decoder.decode_text(&frame.to_string()).unwrap();
    let [ModelEvent::Completed(whole)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((whole.text.as_str(), whole.refusal.as_deref()), ("One.", Some("No.")));
}

#[test]
fn unknown_events_are_kept_byte_for_byte() {
    for frame in [
        r#"{ "type":"codex.rate_limits",  "plan_type":"pro" }"#,
        r#"{"type":"keepalive","sequence_number":4}"#,
        r#"{"no":"type"}"#,
        r#"{"type":7}"#,
        "{}",
    ] {
        let events = Decoder::default().decode_text(frame).unwrap();
        let [ModelEvent::Unknown { raw, .. }] = &events[..] else { panic!("{events:?}") };
        assert_eq!(raw.get(), frame);
        assert!(!events[0].is_progress());
    }
}

#[test]
fn gaps_in_the_numbers_are_counted_and_nothing_else() {
    let gaps = |numbers: &[Value]| {
        let mut decoder = Decoder::default();
        for number in numbers {
            let event = json!({"type": "response.in_progress", "sequence_number": number});
            assert_eq!(lines(&mut decoder, &event.to_string()), ["in progress"]);
        }
        decoder.sequence_gaps()
    };
    assert_eq!(gaps(&[json!(0), json!(1), json!(2)]), 0);
    assert_eq!(gaps(&[json!(0), json!(3), json!(5)]), 3);
    assert_eq!(gaps(&[json!(7), json!(8)]), 0);
    assert_eq!(gaps(&[json!(3), json!(3), json!(0), json!(1)]), 0);
    assert_eq!(gaps(&[json!(null), json!("x"), json!(-1), json!(u64::MAX), json!(0)]), 0);
}

#[test]
fn half_a_character_in_a_delta_is_replaced() {
    // JavaScript servers cut texts between the halves of an emoji.
    let check = |written: &str, expected: &str| {
        let frame = format!(r#"{{"type":"response.output_text.delta","delta":"{written}"}}"#);
        let events = Decoder::default().decode_text(&frame).unwrap();
        let [ModelEvent::TextDelta { delta, .. }] = &events[..] else { panic!("{events:?}") };
        assert_eq!(delta, expected, "{written}");
    };
    check(r"a\ud83d", "a\u{fffd}");
    check(r"\ude00b", "\u{fffd}b");
    check(r"\uD83Dx\uDE00", "\u{fffd}x\u{fffd}");
    check(r"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}");
    check(r"\\ud83d \ud83d", "\\ud83d \u{fffd}");
    check(r"\ud83d\ude00", "\u{1f600}");
}

#[test]
fn what_is_no_json_object_is_garbage() {
    for frame in ["", "x", "[]", "null", "1", "{", "{\"type\":\"response.created\"", "{} {}"] {
        let bad = Decoder::default().decode_text(frame).unwrap_err();
        assert!(matches!(bad, BadFrame::Garbage(_)), "{frame}");
    }
    let deep = format!("{}{}", "{\"a\":".repeat(5000), "}".repeat(5000));
    assert!(matches!(Decoder::default().decode_text(&deep), Err(BadFrame::Garbage(_))));
}

#[test]
fn a_response_without_end_is_cut_off() {
    let mut decoder = Decoder::default();
    let delta = "x".repeat(RESPONSE_BYTES_MAX / 2 - 100);
    let frame = json!({"type": "response.output_text.delta", "delta": delta}).to_string();
    assert!(decoder.decode_text(&frame).is_ok());
    assert!(decoder.decode_text(&frame).is_ok());
    assert_eq!(decoder.decode_text(&frame).unwrap_err(), BadFrame::TooLarge);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(WORDS).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let key = prop_oneof![prop::sample::select(WORDS).prop_map(ToOwned::to_owned), ".{0,6}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..6)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

/// Keys and values at which the decoder looks.
const WORDS: &[&str] = &[
    "type",
    "response",
    "item",
    "item_id",
    "output",
    "output_index",
    "id",
    "call_id",
    "name",
    "arguments",
    "delta",
    "status",
    "error",
    "code",
    "message",
    "headers",
    "retry-after",
    "usage",
    "content",
    "text",
    "refusal",
    "sequence_number",
    "incomplete_details",
    "reason",
    "input_tokens",
    "function_call",
    "output_text",
    "completed",
    "incomplete",
    "failed",
];

/// Types at which it looks, and one at which it does not.
const TYPES: &[&str] = &[
    "response.created",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.function_call_arguments.done",
    "response.completed",
    "response.done",
    "response.incomplete",
    "response.failed",
    "error",
    "keepalive",
];

proptest! {
    #[test]
    fn no_json_object_is_a_panic(
        frames in prop::collection::vec((prop::sample::select(TYPES), any_json()), 1..6),
    ) {
        let mut decoder = Decoder::default();
        for (kind, body) in frames {
            let mut event = body.as_object().cloned().unwrap_or_default();
            event.insert("type".to_owned(), kind.into());
            let events = decoder.decode_text(&Value::Object(event).to_string());
            prop_assert!(events.is_ok_and(|events| !events.is_empty()));
        }
    }

    #[test]
    fn what_a_response_repeats_of_its_request_changes_nothing(
        at in any::<prop::sample::Index>(),
        instructions in any_json(),
        tools in any_json(),
    ) {
        let catalogue: Vec<&str> = include_str!("catalogue.jsonl").lines().collect();
        let mut event: Value = serde_json::from_str(catalogue[at.index(catalogue.len())]).unwrap();
        let plain = Frame::parse(event.to_string()).unwrap();
        let mut plain = plain.event().clone();
        if let Some(response) = event.get_mut("response").and_then(Value::as_object_mut) {
            response.insert("instructions".to_owned(), instructions);
            response.insert("tools".to_owned(), tools);
        }
        let text = event.to_string();
        let read = Frame::parse(text.clone()).unwrap();
        prop_assert_eq!(read.text(), text);
        if let Some(response) = plain.get_mut("response").and_then(Value::as_object_mut) {
            prop_assert!(response.remove("instructions").is_none());
            prop_assert!(response.remove("tools").is_none());
        }
        prop_assert_eq!(read.event(), &plain);
    }

    #[test]
    fn a_response_that_is_no_object_is_read_as_it_is(response in any_json()) {
        let mut event = json!({"type": "response.created", "response": response});
        let read = Frame::parse(event.to_string()).unwrap();
        if let Some(object) = event["response"].as_object_mut() {
            object.retain(|name, _| name != "instructions" && name != "tools");
        }
        prop_assert_eq!(read.event(), &event);
    }

    #[test]
    fn no_text_is_a_panic(text in ".{0,80}") {
        drop(Decoder::default().decode_text(&text));
    }

    #[test]
    fn the_catalogue_is_read_in_any_order_with_anything_added(
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..80),
        field in any_json(),
        new_type in "[a-z._]{1,20}",
    ) {
        let catalogue: Vec<&str> = include_str!("catalogue.jsonl").lines().collect();
        prop_assert_eq!(catalogue.len(), 61);
        let mut decoder = Decoder::default();
        for at in order {
            let mut event: Value = serde_json::from_str(catalogue[at.index(61)]).unwrap();
            let kind = event["type"].clone();
            event["x-new"] = field.clone();
            let text = event.to_string();
            let told = decoder.decode_text(&text).unwrap();
            prop_assert!(!told.is_empty());
            for event in told {
                if let ModelEvent::Unknown { kind: told, raw } = event {
                    prop_assert_eq!((Value::from(told), raw.get()), (kind.clone(), text.as_str()));
                }
            }
            event["type"] = Value::from(format!("new.{new_type}"));
            let text = event.to_string();
            let told = decoder.decode_text(&text).unwrap();
            let [ModelEvent::Unknown { raw, .. }] = &told[..] else { panic!("{told:?}") };
            prop_assert_eq!(raw.get(), text.as_str());
        }
    }
}
