//! Clients that write their own JSON, sensible or not.

use proptest::prelude::*;

use super::*;

/// Replies with the conversation it was given.
struct Echo;

impl Responder for Echo {
    fn model(&self) -> &str {
        "echo"
    }

    fn respond(&self, asked: &Conversation) -> Reply {
        let tools: Vec<_> = asked.tools.iter().map(|tool| tool.name.as_str()).collect();
        let Conversation { model, instructions, items, turn, .. } = asked;
        Reply::text(format!("{model} {turn} {instructions:?} {tools:?} {items:?}"))
    }
}

async fn echoed(create: Value) -> String {
    let (mut stranger, _home) = Home::new(Echo).into_stranger().await;
    let mut event = create;
    event["type"] = "response.create".into();
    let last = stranger.last(&event).await;
    match last["error"]["message"].as_str() {
        Some(message) => format!("{}: {message}", last["error"]["code"]),
        None => last["response"]["output"][0]["content"][0]["text"].as_str().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn events_come_in_the_order_of_the_protocol_and_numbered() {
    let (mut stranger, _home) = Home::script(TWO_TURNS).into_stranger().await;
    let events = stranger.ask(&json!({"type": "response.create", "input": "Go."})).await;
    let numbers: Vec<_> = events.iter().map(|event| event["sequence_number"].as_u64()).collect();
    assert_eq!(numbers, (0..events.len() as u64).map(Some).collect::<Vec<_>>());
    let order: Vec<_> = events
        .iter()
        .map(|event| {
            let place = ["item_id", "output_index"].map(|key| event[key].to_string()).join(" ");
            format!("{} {place}", event["type"].as_str().unwrap())
        })
        .collect();
    insta::assert_snapshot!(order.join("\n"), @r#"
    response.created null null
    response.in_progress null null
    response.output_item.added null 0
    response.content_part.added "msg_0_0" 0
    response.output_text.delta "msg_0_0" 0
    response.output_text.delta "msg_0_0" 0
    response.output_text.done "msg_0_0" 0
    response.content_part.done "msg_0_0" 0
    response.output_item.done null 0
    response.output_item.added null 1
    response.function_call_arguments.delta "fc_0_1" 1
    response.function_call_arguments.done "fc_0_1" 1
    response.output_item.done null 1
    response.output_item.added null 2
    response.function_call_arguments.delta "fc_0_2" 2
    response.function_call_arguments.done "fc_0_2" 2
    response.output_item.done null 2
    response.completed null null
    "#);
}

#[tokio::test]
async fn a_response_has_every_field_that_a_strict_client_wants() {
    let (mut stranger, _home) = Home::script("[[turn]]\nsay = \"Hi.\"").into_stranger().await;
    let done = stranger
        .last(&json!({"type": "response.create", "model": "m", "input": "Go.", "temperature": 0.5,
            "tools": [{"type": "function", "name": "t"}, {"type": "web_search"}]}))
        .await;
    let response = done["response"].as_object().unwrap();
    let fields: Vec<_> = response.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    insta::assert_snapshot!(fields.join("\n"), @r#"
    background: false
    completed_at: 1795300000
    created_at: 1795300000
    error: null
    frequency_penalty: 0.0
    id: "resp_0_271a7b4f3fbd651c"
    incomplete_details: null
    instructions: null
    max_output_tokens: null
    max_tool_calls: null
    metadata: {}
    model: "m"
    object: "response"
    output: [{"content":[{"annotations":[],"logprobs":[],"text":"Hi.","type":"output_text"}],"id":"msg_0_0","role":"assistant","status":"completed","type":"message"}]
    parallel_tool_calls: true
    presence_penalty: 0.0
    previous_response_id: null
    prompt_cache_key: null
    reasoning: {"effort":null,"summary":null}
    safety_identifier: null
    service_tier: "default"
    status: "completed"
    store: true
    temperature: 0.5
    text: {"format":{"type":"text"}}
    tool_choice: "auto"
    tools: [{"description":null,"name":"t","parameters":null,"strict":true,"type":"function"},{"type":"web_search"}]
    top_logprobs: 0
    top_p: 1.0
    truncation: "disabled"
    usage: {"input_tokens":3,"input_tokens_details":{"cache_write_tokens":0,"cached_tokens":0},"output_tokens":1,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":4}
    "#);
}

#[tokio::test]
async fn strangers_write_their_input_as_they_like() {
    let inputs = [
        json!({}),
        json!({"model": null, "input": null, "tools": null, "instructions": null}),
        json!({"model": "m", "input": "Go.", "stream": true, "client_metadata": {"a": "b"}}),
        json!({"input": [{"role": "user", "content": "Easy."}]}),
        json!({"input": [{"role": "user", "content": [{"type": "input_text", "text": "A"},
            {"type": "input_image", "image_url": "x"}, {"type": "input_text", "text": "B"}]}]}),
        json!({"input": [{"role": "assistant", "content": "Said."}, {"role": "user", "content": "?"}]}),
        json!({"input": [{"type": "reasoning", "encrypted_content": "x"}, "bare"]}),
        json!({"input": [
            {"type": "function_call", "id": "fc", "call_id": "call_4_0", "name": "t", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_4_0",
                "output": [{"type": "input_text", "text": "ok"}]}]}),
        json!({"tools": [{"type": "function", "name": "t"}, {"type": "web_search"}]}),
    ];
    let mut read = Vec::new();
    for input in inputs {
        read.push(echoed(input).await);
    }
    insta::assert_snapshot!(read.join("\n"), @r#"
    echo 0 "" [] []
    echo 0 "" [] []
    m 0 "" [] [Message { role: "user", text: "Go." }]
    echo 0 "" [] [Message { role: "user", text: "Easy." }]
    echo 0 "" [] [Message { role: "user", text: "A\nB" }]
    echo 1 "" [] [Message { role: "assistant", text: "Said." }, Message { role: "user", text: "?" }]
    echo 0 "" [] [Other { kind: "reasoning" }, Message { role: "user", text: "bare" }]
    echo 5 "" [] [Call { item_id: Some("fc"), call_id: "call_4_0", name: "t", arguments: "{}" }, CallOutput { call_id: "call_4_0", output: "ok" }]
    echo 0 "" ["t"] []
    "#);
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_told_so() {
    let inputs = [
        json!({"input": 7}),
        json!({"input": [7]}),
        json!({"input": [{"type": "message", "content": "no role"}]}),
        json!({"input": [{"type": "function_call", "call_id": "c", "name": "t"}]}),
        json!({"input": [{"type": "function_call_output", "call_id": "c", "output": ""}]}),
        json!({"tools": {}}),
        json!({"tools": [{"type": "function"}]}),
        json!({"background": true}),
    ];
    let mut read = Vec::new();
    for input in inputs {
        read.push(echoed(input).await);
    }
    insta::assert_snapshot!(read.join("\n"), @r#"
    "invalid_type": `input` is neither a text nor a list of items
    "invalid_type": an item of `input` is neither a text nor an object
    "missing_required_parameter": an item of `input` needs `role`, a text
    "missing_required_parameter": an item of `input` needs `arguments`, a text
    "invalid_request_error": No tool call found for function call output with call_id c.
    "invalid_type": `tools` is not a list
    "invalid_type": a function tool has no `name`
    "unsupported_parameter": `background` is not supported
    "#);
}

#[tokio::test]
async fn nonsense_is_answered_and_the_socket_stays() {
    let (mut stranger, _home) = Home::script(TWO_TURNS).into_stranger().await;
    for frame in ["", "{", "[]", "{}", r#"{"type":"session.update"}"#, r#"{"type":7}"#] {
        stranger.say(frame).await;
        let error = stranger.hear().await.unwrap();
        assert_eq!((error["type"].as_str(), error["status"].as_u64()), (Some("error"), Some(400)));
        assert!(error["error"]["message"].is_string(), "{error}");
    }
    stranger.0.send(Message::binary(vec![1, 2])).await.unwrap();
    assert_eq!(stranger.hear().await.unwrap()["error"]["code"], "invalid_message");
    let last = stranger.last(&json!({"type": "response.create", "input": "Go."})).await;
    assert_eq!(last["type"], "response.completed");
}

#[tokio::test]
async fn requests_that_come_early_are_answered_in_turn() {
    let script = format!("{TWO_TURNS}pace-ms = 1\n");
    let (mut stranger, _home) = Home::script(&script).into_stranger().await;
    for text in ["One.", "Two.", "Three."] {
        stranger.say(&json!({"type": "response.create", "input": text}).to_string()).await;
    }
    let mut ids = Vec::new();
    while ids.len() < 3 {
        let event = stranger.hear().await.unwrap();
        if event["type"] == "response.completed" {
            ids.push(event["response"]["id"].as_str().unwrap().to_owned());
        }
    }
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(
        &[
            "message",
            "function_call",
            "function_call_output",
            "call_0_0",
            "msg_0_0",
            "user",
            "assistant",
            "function",
        ][..],
    );
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words.prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let key = prop::sample::select(
            &[
                "type",
                "role",
                "content",
                "text",
                "call_id",
                "id",
                "name",
                "arguments",
                "output",
                "input",
                "tools",
                "instructions",
                "model",
                "previous_response_id",
                "generate",
            ][..],
        );
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..6).prop_map(|map| {
                let map = map.into_iter().map(|(key, value)| (key.to_owned(), value));
                Value::Object(map.collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_request_is_a_panic_and_every_reply_to_it_is_complete(
        input in any_json(), tools in any_json(), other in any_json(),
    ) {
        let mut event = other.as_object().cloned().unwrap_or_default();
        event.insert("type".to_owned(), "response.create".into());
        event.insert("input".to_owned(), input);
        event.insert("tools".to_owned(), tools);
        event.remove("previous_response_id");
        if let Ok(create) = intake::create(event, |_| None, "m") {
            let turns = create.conversation.turn + u32::from(!create.warm_up);
            let reply = Echo.respond(&create.conversation);
            let play = play::play(create, reply);
            prop_assert_eq!(play.whole.held(1).turns, turns);
            prop_assert_eq!(play.frames.last().unwrap().kind(), "response.completed");
        }
    }
}
