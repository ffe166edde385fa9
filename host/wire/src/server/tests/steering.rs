//! Clients that change their mind while a response is sent.

use super::*;

const TALKS: &str = r#"
[[turn]]
say = "0123456789 0123456789 0123456789"
pace-ms = 1000
[[turn]]
say = "As you wish."
"#;

/// Asks, waits for the first event, and says something to the response.
async fn steered(stranger: &mut Stranger, input: Value) -> String {
    stranger.say(r#"{"type":"response.create","input":"Go."}"#).await;
    let created = stranger.hear().await.unwrap();
    let id = created["response"]["id"].as_str().unwrap().to_owned();
    stranger.say(&steer(&id, input)).await;
    id
}

fn steer(id: &str, input: impl Into<Value>) -> String {
    let input: Value = input.into();
    json!({ "type": "response.steer", "previous_response_id": id, "input": input }).to_string()
}

/// The types of all events up to an idle moment, without deltas, and the last of them.
async fn rest(stranger: &mut Stranger) -> (Vec<String>, Vec<Value>) {
    let (mut kinds, mut events) = (Vec::new(), Vec::new());
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_mins(1), stranger.hear()).await
    {
        let kind = event["type"].as_str().unwrap();
        if ["response.completed", "response.incomplete", "response.created", "error"]
            .contains(&kind)
            || kind.starts_with("response.steer")
        {
            kinds.push(kind.to_owned());
            events.push(event);
        }
    }
    (kinds, events)
}

#[tokio::test(start_paused = true)]
async fn a_steered_response_ends_and_its_successor_follows() {
    let script = TALKS.replacen(
        "pace-ms",
        "fault = { kind = \"silence\", after-events = 1, for-ms = 500 }\npace-ms",
        1,
    );
    let (mut stranger, _home) = Home::script(&script).into_stranger().await;
    let first = steered(&mut stranger, json!("Not that.")).await;
    let (kinds, events) = rest(&mut stranger).await;
    assert_eq!(
        kinds,
        [
            "response.steer.accepted",
            "response.incomplete",
            "response.created",
            "response.completed"
        ]
    );
    assert_eq!(events[0]["steer"]["previous_response_id"], first.as_str());
    assert_eq!(events[0]["sequence_number"], 1);
    assert_eq!(events[1]["sequence_number"], 2);
    assert_eq!(events[1]["response"]["incomplete_details"]["reason"], "steered");
    assert_eq!(events[1]["response"]["output"], json!([]));
    assert_eq!(events[2]["response"]["previous_response_id"], first.as_str());
    assert_eq!(events[3]["response"]["output"][0]["content"][0]["text"], "As you wish.");

    // Over by now.
    let kind = async |stranger: &mut Stranger, steer: String| {
        stranger.say(&steer).await;
        let event = stranger.hear().await.unwrap();
        assert_eq!(event["type"], "response.steer.failed");
        event["error"]["code"].as_str().unwrap().to_owned()
    };
    let last = events[3]["response"]["id"].as_str().unwrap().to_owned();
    assert_eq!(kind(&mut stranger, steer(&last, json!("x"))).await, "response_already_completed");
    assert_eq!(kind(&mut stranger, steer("resp_none", json!("x"))).await, "response_not_found");
    for bad in [json!(""), json!([]), json!(7), json!([{ "role": "system", "content": "x" }])] {
        assert_eq!(kind(&mut stranger, steer(&last, bad)).await, "invalid_input");
    }
}

#[tokio::test(start_paused = true)]
async fn in_its_last_item_a_response_completes_and_its_successor_follows() {
    let (mut stranger, _home) = Home::script(TALKS).into_stranger().await;
    stranger.say(r#"{"type":"response.create","input":"Go."}"#).await;
    let mut id = Value::Null;
    loop {
        let event = stranger.hear().await.unwrap();
        if event["type"] == "response.created" {
            id = event["response"]["id"].clone();
        }
        if event["type"] == "response.content_part.added" {
            break;
        }
    }
    for _ in 0..8 {
        stranger.say(&steer(id.as_str().unwrap(), json!("Shorter."))).await;
    }
    stranger.say(&steer(id.as_str().unwrap(), json!("Longer."))).await;
    let (kinds, events) = rest(&mut stranger).await;
    assert_eq!(kinds[..8], ["response.steer.accepted"; 8].map(ToOwned::to_owned));
    assert_eq!(events[8]["error"]["code"], "too_many_pending_steers");
    assert_eq!(kinds[9..], ["response.completed", "response.created", "response.completed"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_to_a_response_with_calls_waits_for_their_output() {
    let script = r#"
        [[turn]]
        say = "I look. I look for long."
        pace-ms = 1000
        [[turn.call]]
        tool = "read_file"
        [[turn]]
        say = "Done."
    "#;
    let told = Arc::new(Mutex::new(Vec::new()));
    let keep = told.clone();
    let observer: Observer = Arc::new(move |asked: &Asked| keep.lock().unwrap().push(asked.items));
    let options = Options { observer: Some(observer), ..Options::default() };
    let home = Home::with(Script::parse(script).unwrap(), options);
    let mut stranger = home.stranger().await;
    let first = steered(&mut stranger, json!("Not that.")).await;
    let (kinds, events) = rest(&mut stranger).await;
    assert_eq!(kinds, ["response.steer.accepted", "response.completed", "response.steer.pending"]);
    let required = &events[2]["required_input"];
    assert_eq!(
        *required,
        json!([{ "type": "function_call_output", "call_id": "call_0_1", "name": "read_file" }])
    );
    let output = json!({ "type": "function_call_output", "call_id": "call_0_1", "output": "ok" });
    let more = json!({ "type": "response.create", "previous_response_id": first,
        "input": [output] });
    assert_eq!(stranger.last(&more).await["type"], "response.completed");
    // The question, two items of the reply, what was said, the output.
    assert_eq!(*told.lock().unwrap(), [1, 5]);
}
