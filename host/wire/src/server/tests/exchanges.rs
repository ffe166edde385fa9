//! Responses over HTTP: as one object, as events, and in the ways in which that goes wrong.

use super::*;

const HELLO: &str = "[[turn]]\nsay = \"Hé, you there.\"\n[[turn]]\nsay = \"Again.\"\n";

/// The body of an answer, without its chunks.
fn body(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Vec<u8> = body.chars().map(|byte| u8::try_from(byte).unwrap()).collect();
    if !head.contains("transfer-encoding: chunked") {
        return String::from_utf8(body).unwrap();
    }
    let (mut bytes, mut rest) = (Vec::new(), body.as_slice());
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        rest = &rest[end + 2..];
        bytes.extend_from_slice(&rest[..size.min(rest.len())]);
        rest = rest.get(size + 2..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn json_of(answer: &str) -> Value {
    serde_json::from_str(&body(answer)).unwrap_or_else(|err| panic!("{err}: {answer}"))
}

fn status(answer: &str) -> u16 {
    answer.get(9..12).and_then(|it| it.parse().ok()).unwrap_or(0)
}

/// The data of server-sent events, by the letter of the standard.
fn events(body: &str) -> Vec<String> {
    let body = body.replace("\r\n", "\n");
    let blocks = body.split("\n\n").map(|block| {
        let lines = block.lines().filter_map(|line| line.strip_prefix("data: "));
        lines.collect::<Vec<_>>().join("\n")
    });
    blocks.filter(|data| !data.is_empty()).collect()
}

fn hello() -> Value {
    json!({ "model": "m", "input": "Go.", "stream": true })
}

#[tokio::test]
async fn the_events_over_http_are_those_of_the_socket() {
    let home = Home::script(HELLO);
    let answer = home.post("/v1/responses", &hello()).await;
    assert!(answer.contains("content-type: text/event-stream; charset=utf-8"), "{answer}");
    let mut create = hello();
    create["type"] = "response.create".into();
    let over_socket = home.stranger().await.ask(&create).await;
    let over_http: Vec<Value> =
        events(&body(&answer)).iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    assert_eq!(over_http, over_socket);
    let first = body(&answer).lines().next().map(ToOwned::to_owned);
    assert_eq!(first.as_deref(), Some("event: response.created"));

    let mut whole = hello();
    whole["stream"] = false.into();
    let one = json_of(&home.post("/any/prefix/responses?model=x", &whole).await);
    assert_eq!(one, over_http.last().unwrap()["response"]);
}

#[tokio::test]
async fn a_stored_response_is_continued_over_http_and_another_is_not() {
    let home = Home::script(HELLO);
    for (store, expected) in [(json!(true), 200), (json!(null), 200), (json!(false), 400)] {
        let create = json!({ "input": [{ "role": "user", "content": "Go." }], "store": store,
            "instructions": store.to_string() });
        let first = json_of(&home.post("/v1/responses", &create).await);
        let more = json!({ "input": "And?", "previous_response_id": first["id"] });
        let second = home.post("/v1/responses", &more).await;
        assert_eq!(status(&second), expected, "{second}");
        let second = json_of(&second);
        if expected == 200 {
            assert_eq!(second["output"][0]["content"][0]["text"], "Again.");
        } else {
            assert_eq!(second["error"]["code"], "previous_response_not_found");
            assert_eq!(second["error"]["param"], "previous_response_id");
        }
    }
    // And over the other transport.
    let create = json!({ "input": "Socket.", "store": true });
    let id = json_of(&home.post("/v1/responses", &create).await)["id"].clone();
    let more = json!({ "type": "response.create", "input": "?", "previous_response_id": id });
    assert_eq!(home.stranger().await.last(&more).await["type"], "response.completed");
}

#[tokio::test(start_paused = true)]
async fn a_bad_request_has_a_status_and_says_why() {
    let home = Home::script(HELLO);
    let check = async |request: String, expected: (u16, &str)| {
        let answer = home.http(&request).await;
        let code = json_of(&answer)["error"]["code"].as_str().unwrap().to_owned();
        assert_eq!((status(&answer), code.as_str()), expected, "{answer}");
    };
    let post = |path: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    check(post("/v1/responses", "{"), (400, "invalid_json")).await;
    check(post("/v1/responses", "[]"), (400, "invalid_json")).await;
    check(post("/v1/responses", r#"{"model":"m","input":7}"#), (400, "invalid_type")).await;
    check(
        post("/v1/responses", r#"{"model":"m","background":true}"#),
        (400, "unsupported_parameter"),
    )
    .await;
    check(post("/v1/responses", "{}"), (400, "missing_required_parameter")).await;
    check(post("/v1/chat/completions", "{}"), (404, "not_found")).await;
    check(post("/v1/responses/resp_1/cancel", "{}"), (404, "not_found")).await;
    let get = "GET /v1/responses/compact HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    check(get.to_owned(), (405, "method_not_allowed")).await;
    let long = "POST /v1/responses HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n{";
    check(long.to_owned(), (413, "invalid_body")).await;
    let late = "POST /v1/responses HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{";
    check(late.to_owned(), (408, "invalid_body")).await;
}

#[tokio::test]
async fn a_conversation_can_be_measured_and_compacted() {
    let home = Home::script(HELLO);
    let create = json!({ "input": [
        { "role": "user", "content": "x".repeat(4000) },
        { "type": "message", "id": "msg_0_0", "role": "assistant", "content": "y" },
    ] });
    let measured = json_of(&home.post("/v1/responses/input_tokens", &create).await);
    let tokens = measured["input_tokens"].as_u64().unwrap();
    assert!((1000..1100).contains(&tokens), "{measured}");

    let compacted = json_of(&home.post("/v1/responses/compact", &create).await);
    assert_eq!(compacted["object"], "response.compaction");
    let kinds: Vec<_> =
        compacted["output"].as_array().unwrap().iter().map(|it| &it["type"]).collect();
    assert_eq!(kinds, ["message", "compaction"]);
    assert_eq!(compacted["usage"]["input_tokens"], tokens);

    // What goes on from there goes on with the next turn, and costs less.
    let mut input = compacted["output"].as_array().unwrap().clone();
    input.push(json!({ "role": "user", "content": "And?" }));
    let next = json_of(&home.post("/v1/responses", &json!({ "input": input })).await);
    assert_eq!(next["output"][0]["content"][0]["text"], "Again.");
    assert!(next["usage"]["input_tokens"].as_u64().unwrap() < 20, "{next}");
}

#[tokio::test]
async fn every_framing_says_the_same() {
    let plain = Home::script(HELLO).post("/v1/responses", &hello()).await;
    let plain: Vec<Value> =
        events(&body(&plain)).iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    for framing in ["lf", "crlf", "comments", "lines", "shreds", "done"] {
        let home = Home::script(&format!("{HELLO}[[post]]\nframing = \"{framing}\""));
        let answer = body(&home.post("/v1/responses", &hello()).await);
        let mut data = events(&answer);
        assert_eq!(answer.contains("\r\n"), framing == "crlf");
        assert_eq!(answer.contains("\n: "), framing == "comments");
        if framing == "done" {
            assert_eq!(data.pop().as_deref(), Some("[DONE]"));
        }
        let read: Vec<Value> = data.iter().map(|it| serde_json::from_str(it).unwrap()).collect();
        assert_eq!(read, plain, "{framing}");
    }
}

/// What a client of a faulty turn gets over HTTP, and when its connection ended.
async fn struck(fault: &str) -> (String, Duration) {
    let home = Home::script(&format!("[[turn]]\nsay = \"Hello.\"\nfault = {{ {fault} }}"));
    let start = tokio::time::Instant::now();
    let answer = home.post("/v1/responses", &hello()).await;
    (answer, start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn faults_have_their_form_over_http() {
    let error = r#"kind = "error", status = 429, retry-after-ms = 1500"#;
    let (refused, _) = struck(error).await;
    assert_eq!(status(&refused), 429);
    assert!(refused.contains("retry-after-ms: 1500\r\nretry-after: 2\r\n"), "{refused}");

    let (streamed, _) = struck(&format!("{error}, after-events = 2")).await;
    let last = events(&body(&streamed)).pop().unwrap();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(
        (&last["type"], &last["code"], &last["sequence_number"]),
        (&json!("error"), &json!("rate_limit_exceeded"), &json!(2))
    );

    let (silent, took) = struck(r#"kind = "silence""#).await;
    assert_eq!((status(&silent), body(&silent).len()), (200, 0));
    assert_eq!(took, Duration::from_mins(30), "the reader gave up");

    let (cut, took) = struck(r#"kind = "cut", after-events = 2"#).await;
    assert_eq!(events(&body(&cut)).len(), 3);
    assert!(serde_json::from_str::<Value>(events(&body(&cut)).last().unwrap()).is_err());
    assert_eq!(took, Duration::ZERO);

    let (closed, _) = struck(r#"kind = "close", after-events = 2"#).await;
    assert_eq!(events(&body(&closed)).len(), 2);
    assert!(closed.ends_with("0\r\n\r\n"));

    let (dropped, _) = struck(r#"kind = "drop", after-events = 2"#).await;
    assert_eq!(events(&body(&dropped)).len(), 2);
    assert!(!dropped.ends_with("0\r\n\r\n"));
    assert_eq!(struck(r#"kind = "drop""#).await.0, "");

    let (dripped, took) = struck(r#"kind = "drip", bytes = 1, pause-ms = 100"#).await;
    assert!(dripped.contains("response.completed"));
    assert!(took > Duration::from_mins(2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_door_treats_those_who_post_in_their_order() {
    let home = Home::script(
        "[[post]]\nstatus = 503\nretry-after-ms = 2000\n[[post]]\nfault = \"drop\"\n\
         [[post]]\nfault = \"stall\"\n[[turn]]\nsay = \"Hi.\"",
    );
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(status(&home.post("/v1/responses", &hello()).await));
    }
    assert_eq!(answers, [503, 0, 0, 200]);
}
