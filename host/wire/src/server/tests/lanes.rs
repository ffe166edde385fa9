//! Several conversations on one connection.

use std::collections::BTreeMap;

use super::*;

fn create(lane: &str, input: &str) -> Value {
    json!({ "type": "response.create", "stream_id": lane, "input": input, "store": false })
}

const SLOW: &str = "[[turn]]\nsay = \"0123456789 0123456789 0123456789 0123456789\"\npace-ms = 100\n[[turn]]\nsay = \"Next.\"\n";

#[tokio::test(start_paused = true)]
async fn lanes_go_on_side_by_side_and_each_in_its_order() {
    let (mut stranger, _home) = Home::script(SLOW).into_stranger().await;
    for (lane, input) in [("a", "1"), ("b", "2"), ("a", "3")] {
        stranger.say(&create(lane, input).to_string()).await;
    }
    let mut heard: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut order = Vec::new();
    while order.iter().filter(|(kind, _)| kind == "response.completed").count() < 3 {
        let event = stranger.hear().await.unwrap();
        let lane = event["stream_id"].as_str().expect("every event names its lane").to_owned();
        heard.entry(lane.clone()).or_default().push(event["sequence_number"].as_u64().unwrap());
        let kind = event["type"].as_str().unwrap().to_owned();
        if matches!(kind.as_str(), "response.created" | "response.completed") {
            order.push((kind, lane));
        }
    }
    let order: Vec<_> = order.iter().map(|(kind, lane)| format!("{lane} {kind}")).collect();
    assert_eq!(
        order,
        [
            "a response.created",
            "b response.created",
            "a response.completed",
            "b response.completed",
            "a response.created",
            "a response.completed",
        ]
    );
    let once: Vec<u64> = (0..heard["b"].len() as u64).collect();
    assert_eq!(heard["b"], once);
    assert_eq!(heard["a"], [once.clone(), once].concat());
}

#[tokio::test(start_paused = true)]
async fn no_more_than_sixteen_responses_are_under_way() {
    let (mut stranger, _home) = Home::script(SLOW).into_stranger().await;
    for number in 0..20 {
        stranger.say(&create(&format!("lane-{number}"), "Go.").to_string()).await;
    }
    let (mut open, mut most, mut over) = (0_usize, 0, 0);
    while over < 20 {
        match stranger.hear().await.unwrap()["type"].as_str() {
            Some("response.created") => open += 1,
            Some("response.completed") => (open, over) = (open - 1, over + 1),
            _ => {}
        }
        most = most.max(open);
    }
    assert_eq!(most, crate::server::lanes::IN_FLIGHT_MAX);
}

#[tokio::test]
async fn names_of_lanes_are_checked_and_counted_and_errors_say_where() {
    let (mut stranger, _home) = Home::script("[[turn]]\nsay = \"Hi.\"").into_stranger().await;
    for name in [json!(""), json!("a b"), json!("é"), json!("x".repeat(257)), json!(7)] {
        let bad = json!({ "type": "response.create", "stream_id": name });
        let error = stranger.last(&bad).await;
        assert_eq!(error["error"]["code"], "invalid_stream_id", "{name}");
        assert_eq!(error["stream_id"], Value::Null);
    }
    let wrong = json!({ "type": "response.create", "stream_id": "A.b_c-9", "input": 7 });
    let error = stranger.last(&wrong).await;
    assert_eq!((&error["stream_id"], &error["status"]), (&json!("A.b_c-9"), &json!(400)));
    for number in 0..31 {
        let done = stranger.last(&create(&format!("n{number}"), "Go.")).await;
        assert_eq!(done["type"], "response.completed");
    }
    let error = stranger.last(&create("one-more", "Go.")).await;
    assert_eq!(error["error"]["code"], "websocket_stream_limit_reached");
    // Known ones and the one without a name go on.
    assert_eq!(stranger.last(&create("n0", "Go.")).await["type"], "response.completed");
    let unnamed = json!({ "type": "response.create", "input": "Go." });
    assert_eq!(stranger.last(&unnamed).await["stream_id"], Value::Null);
}

#[tokio::test]
async fn each_lane_remembers_its_latest_response_and_others_may_fork_it() {
    let (mut stranger, _home) = Home::script(SLOW).into_stranger().await;
    let id = |event: &Value| event["response"]["id"].as_str().unwrap().to_owned();
    let from = |lane: &str, parent: &str, input: Value| {
        json!({ "type": "response.create", "stream_id": lane, "store": false, "input": input,
            "previous_response_id": parent })
    };
    let first = id(&stranger.last(&create("main", "Go.")).await);
    // A fork that fails leaves its parent where it is.
    let failed = stranger.last(&from("critic", &first, json!(7))).await;
    assert_eq!(failed["error"]["code"], "invalid_type");
    let fork = stranger.last(&from("critic", &first, json!("Critic?"))).await;
    assert_eq!(fork["type"], "response.completed", "{fork}");
    // One of its own lane does not.
    let failed = stranger.last(&from("main", &first, json!(7))).await;
    assert_eq!(failed["error"]["code"], "invalid_type");
    let gone = stranger.last(&from("main", &first, json!("And?"))).await;
    assert_eq!(gone["error"]["code"], "previous_response_not_found");
}

#[tokio::test]
async fn a_long_conversation_is_compacted_and_then_costs_less() {
    let script = "[[turn]]\nsay = \"One.\"\n".repeat(3);
    let (mut stranger, _home) = Home::script(&script).into_stranger().await;
    let limit = json!([{ "type": "compaction", "compact_threshold": 500 }]);
    let first = json!({ "type": "response.create", "input": "x".repeat(4000), "store": false,
        "context_management": limit });
    let events = stranger.ask(&first).await;
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"response.compaction.compacting"), "{kinds:?}");
    let response = &events.last().unwrap()["response"];
    assert_eq!(response["output"][0]["type"], "compaction");
    assert_eq!(response["output"][1]["content"][0]["text"], "One.");
    assert!(response["usage"]["input_tokens"].as_u64().unwrap() >= 1000);

    let more = json!({ "type": "response.create", "input": "And?", "store": false,
        "context_management": limit, "previous_response_id": response["id"] });
    let second = stranger.last(&more).await;
    assert!(second["response"]["usage"]["input_tokens"].as_u64().unwrap() < 20, "{second}");
    assert_eq!(second["response"]["output"][0]["type"], "message");
    assert_eq!(second["response"]["output"][0]["id"], "msg_1_0");
}
