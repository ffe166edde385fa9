//! What goes wrong on purpose, and takes the time that it should.

use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_pace_is_kept_and_pings_are_answered_meanwhile() {
    let (mut stranger, _home) =
        Home::script("[[turn]]\nsay = \"0123456789 0123456789 0123456789\"\npace-ms = 1000")
            .into_stranger()
            .await;
    let start = Instant::now();
    stranger.say(r#"{"type":"response.create","input":"Go."}"#).await;
    // Up to the first delta there is no pace.
    for _ in 0..4 {
        stranger.hear().await.unwrap();
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    stranger.0.send(Message::Ping(vec![7].into())).await.unwrap();
    assert_eq!(stranger.0.next().await.unwrap().unwrap(), Message::Pong(vec![7].into()));
    while stranger.hear().await.unwrap()["type"] != "response.completed" {}
    assert_eq!(start.elapsed(), Duration::from_secs(2));
}

async fn struck(fault: &str) -> (Vec<ModelEvent>, Result<Completed, LinkError>) {
    let script = format!("[[turn]]\nsay = \"Hello, you there.\"\nfault = {{ {fault} }}");
    let home = Home::script(&script);
    let mut link = home.link().await;
    link.ask(&request(vec![user("Go.")])).await.unwrap();
    let mut events = Vec::new();
    loop {
        match link.next().await {
            Ok(ModelEvent::Completed(whole)) => return (events, Ok(whole)),
            Ok(event) => events.push(event),
            Err(error) => {
                // A new connection, and the turn plays.
                let whole = complete(&mut home.link().await, &request(vec![user("Go.")])).await;
                assert_eq!(whole.text, "Hello, you there.");
                return (events, Err(error));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn faults_strike_where_they_should_and_once() {
    for events in 0..8 {
        let (seen, end) = struck(&format!("kind = \"close\", after-events = {events}")).await;
        assert_eq!(seen.len(), events);
        let closed = LinkError::Closed { code: Some(1011), reason: String::new() };
        assert_eq!(end.unwrap_err(), closed);

        let (seen, end) = struck(&format!("kind = \"drop\", after-events = {events}")).await;
        assert_eq!(seen.len(), events);
        let dropped = LinkError::Closed { code: None, reason: String::new() };
        assert_eq!(end.unwrap_err(), dropped);

        let (seen, end) = struck(&format!("kind = \"garbage\", after-events = {events}")).await;
        assert_eq!(seen.len(), events);
        assert!(matches!(end.unwrap_err(), LinkError::Garbage { .. }));
    }
    // There are nine events: after the last one, the response is complete all the same.
    let (_, end) = struck("kind = \"close\", after-events = 99").await;
    assert_eq!(end.unwrap().text, "Hello, you there.");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_still_answers_pings_and_so_only_the_caller_can_tell() {
    let home =
        Home::script("[[turn]]\nsay = \"Hi.\"\nfault = { kind = \"silence\", after-events = 2 }");
    let mut link = home.link().await;
    link.ask(&request(vec![user("Go.")])).await.unwrap();
    assert!(matches!(link.next().await, Ok(ModelEvent::Created { .. })));
    assert!(matches!(link.next().await, Ok(ModelEvent::InProgress)));
    let idle = tokio::time::timeout(Duration::from_secs(900), link.next()).await;
    assert!(idle.is_err());
    assert!(link.is_open());
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_is_told_to_go_also_when_idle() {
    let (mut stranger, _home) = Home::script(TWO_TURNS).into_stranger().await;
    let start = Instant::now();
    let error = stranger.hear().await.unwrap();
    assert_eq!(start.elapsed(), CONNECTION_AGE_MAX);
    assert_eq!(error["error"]["code"], "websocket_connection_limit_reached");
    assert_eq!(
        error["error"]["message"],
        "This connection is 60 minutes old; open a new one to go on.",
    );
    let Some(Ok(Message::Close(Some(frame)))) = stranger.0.next().await else { panic!("a close") };
    assert_eq!(u16::from(frame.code), 1000);
}

/// All that a client of a faulty turn gets on its socket: events as their types, all else in
/// brackets.
async fn frames(fault: &str) -> Vec<String> {
    let script = format!("[[turn]]\nsay = \"Hello.\"\nfault = {{ {fault} }}");
    let (mut stranger, _home) = Home::script(&script).into_stranger().await;
    stranger.say(r#"{"type":"response.create","input":"Go."}"#).await;
    let mut heard = Vec::new();
    loop {
        let hearing = tokio::time::timeout(Duration::from_mins(30), stranger.0.next());
        heard.push(match hearing.await {
            Err(_) => "[silence]".to_owned(),
            Ok(None) => "[end]".to_owned(),
            Ok(Some(Err(_))) => "[broken]".to_owned(),
            Ok(Some(Ok(Message::Text(text)))) => match serde_json::from_str::<Value>(&text) {
                Ok(event) => match event["sequence_number"].as_u64() {
                    Some(number) => format!("{number} {}", event["type"].as_str().unwrap()),
                    None => event["type"].as_str().unwrap().to_owned(),
                },
                Err(_) => "[garbage]".to_owned(),
            },
            Ok(Some(Ok(Message::Close(frame)))) => {
                format!("[close {}]", frame.map_or(0, |frame| u16::from(frame.code)))
            }
            Ok(Some(Ok(Message::Binary(_)))) => "[binary]".to_owned(),
            Ok(Some(Ok(other))) => format!("[{other:?}]"),
        });
        let last = heard.last().unwrap();
        if ["[silence]", "[end]", "[broken]"].contains(&last.as_str()) {
            return heard;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_fault_does_what_the_page_says() {
    let names = [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ];
    let plain: Vec<String> =
        names.iter().enumerate().map(|(at, name)| format!("{at} response.{name}")).collect();
    let check = async |fault: &str, sent: &[usize], then: &[&str]| {
        let mut expected: Vec<String> = sent.iter().map(|&at| plain[at].clone()).collect();
        expected.extend(then.iter().map(|&it| it.to_owned()));
        assert_eq!(frames(fault).await, expected, "{fault}");
    };
    let all: Vec<usize> = (0..9).collect();
    check("kind = \"close\", after-events = 2, code = 1001", &[0, 1], &["[close 1001]", "[end]"])
        .await;
    check("kind = \"drop\", after-events = 2", &[0, 1], &["[broken]"]).await;
    check("kind = \"cut\", after-events = 2", &[0, 1], &["[broken]"]).await;
    check("kind = \"silence\", after-events = 2", &[0, 1], &["[silence]"]).await;
    check("kind = \"no-pong\", after-events = 2", &[0, 1], &["[silence]"]).await;
    check("kind = \"silence\", after-events = 2, for-ms = 9000", &all, &["[silence]"]).await;
    check("kind = \"drip\", after-events = 2", &all, &["[silence]"]).await;
    check("kind = \"no-usage\"", &all, &["[silence]"]).await;
    check("kind = \"lost\"", &all, &["[silence]"]).await;
    check(
        "kind = \"duplicate\", after-events = 1",
        &[0, 1, 1, 2, 3, 4, 5, 6, 7, 8],
        &["[silence]"],
    )
    .await;
    check("kind = \"swap\", after-events = 3", &[0, 1, 2, 4, 3, 5, 6, 7, 8], &["[silence]"]).await;
    check("kind = \"omit\", after-events = 3", &[0, 1, 2, 4, 5, 6, 7, 8], &["[silence]"]).await;
    check("kind = \"failed\", after-events = 2", &[0, 1], &["2 response.failed", "[silence]"])
        .await;
    check("kind = \"error\"", &[], &["error", "[silence]"]).await;
    let flat = "kind = \"error\", shape = \"flat\", after-events = 3";
    check(flat, &[0, 1, 2], &["3 error", "[silence]"]).await;
    check(
        "kind = \"connection-limit\", after-events = 1",
        &[0],
        &["error", "[close 1000]", "[end]"],
    )
    .await;
    check("kind = \"garbage\", after-events = 99", &all, &["[garbage]", "[silence]"]).await;
    check("kind = \"binary\", after-events = 99", &all, &["[binary]", "[silence]"]).await;
    check(
        "kind = \"oversized\", bytes = 100, after-events = 99",
        &all,
        &["stepwell.oversized", "[silence]"],
    )
    .await;
    let noise = ["keepalive", "codex.rate_limits", "stepwell.unheard_of", "[silence]"];
    check("kind = \"noise\", after-events = 99", &all, &noise).await;
}

#[tokio::test(start_paused = true)]
async fn errors_are_written_as_the_script_wants_them() {
    let check = async |keys: &str, expected: Value| {
        let script = format!(
            "[[turn]]\nfault = {{ kind = \"error\", status = 429, message = \"Slow down.\", {keys} }}"
        );
        let (mut stranger, _home) = Home::script(&script).into_stranger().await;
        let error = stranger.last(&json!({ "type": "response.create" })).await;
        assert_eq!(error, expected, "{keys}");
    };
    let body = json!({ "code": "rate_limit_exceeded", "message": "Slow down.", "param": null,
        "type": "rate_limit_error" });
    let mut flat = body.clone();
    flat["type"] = "error".into();
    flat["sequence_number"] = 0.into();
    check("shape = \"flat\"", flat).await;
    check("shape = \"no-status\"", json!({ "type": "error", "error": body })).await;
    check("shape = \"nested\"", json!({ "type": "error", "status": 429, "error": body })).await;
    let mut worded = body.clone();
    worded["message"] = "Slow down. Please try again in 1.5s.".into();
    let worded = json!({ "type": "error", "status": 429, "error": worded });
    check("retry-after-ms = 1500, retry-in = \"words\"", worded).await;
    let headers = json!({ "retry-after-ms": "1500" });
    let mut inside = body.clone();
    inside["headers"] = headers.clone();
    let headed = json!({ "type": "error", "status": 429, "error": inside, "headers": headers });
    check("retry-after-ms = 1500", headed).await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_looks_dead_answers_no_ping_and_a_silent_one_does() {
    for (kind, answers) in [("silence", true), ("no-pong", false)] {
        let script = format!("[[turn]]\nfault = {{ kind = \"{kind}\", after-events = 1 }}");
        let (mut stranger, _home) = Home::script(&script).into_stranger().await;
        stranger.say(r#"{"type":"response.create","input":"Go."}"#).await;
        stranger.hear().await.unwrap();
        stranger.0.send(Message::Ping(vec![7].into())).await.unwrap();
        let pong = tokio::time::timeout(Duration::from_mins(1), stranger.0.next()).await;
        assert_eq!(pong.is_ok(), answers, "{kind}");
    }
}

#[tokio::test]
async fn a_reset_is_a_reset_on_a_real_socket() {
    let script = "[[turn]]\nsay = \"Hi.\"\nfault = { kind = \"drop\", after-events = 1 }";
    let script: Arc<dyn Responder> = Arc::new(Script::parse(script).unwrap());
    let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), script).unwrap();
    let tcp = tokio::net::TcpStream::connect(server.local_addr()).await.unwrap();
    let mut stranger = client_async(URL, tcp).await.unwrap().0;
    stranger.send(Message::text(r#"{"type":"response.create"}"#)).await.unwrap();
    assert!(stranger.next().await.unwrap().unwrap().is_text());
    let error = stranger.next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("reset"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_door_treats_those_who_upgrade_in_their_order() {
    let home = Home::script(
        "[[upgrade]]\nstatus = 429\nretry-after-ms = 1500\n[[upgrade]]\nfault = \"drop\"\n\
         [[upgrade]]\nfault = \"stall\"\n[[upgrade]]\nstatus = 401\n[[turn]]\nsay = \"Hi.\"",
    );
    let upgrade = "GET /v1/responses HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n";
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(home.http(upgrade).await);
    }
    let starts: Vec<_> = answers.iter().map(|it| it.get(9..12).unwrap_or_default()).collect();
    assert_eq!(starts, ["429", "", "", "401", "101"]);
    assert!(answers[0].contains("retry-after-ms: 1500\r\nretry-after: 2\r\n"), "{}", answers[0]);

    let without = Options { web_socket: false, ..Options::default() };
    let home = Home::with(Script::parse("[[turn]]\nsay = \"Hi.\"").unwrap(), without);
    assert!(home.http(upgrade).await.starts_with("HTTP/1.1 426 "));
}

#[tokio::test(start_paused = true)]
async fn with_all_places_taken_the_next_connection_waits() {
    let options = Options { connections_max: 1, ..Options::default() };
    let home = Home::with(Script::parse("[[turn]]\nsay = \"Hi.\"").unwrap(), options);
    let first = home.stranger().await;
    let second = tokio::time::timeout(Duration::from_mins(1), home.stranger()).await;
    assert!(second.is_err());
    drop(first);
    let event = json!({ "type": "response.create" });
    assert_eq!(home.stranger().await.last(&event).await["type"], "response.completed");
}
