//! Several conversations over one WebSocket, and what comes while there is none.

use proptest::prelude::*;

use super::*;

/// A link to a server with lanes, and the server's end of it.
async fn pair_with_lanes() -> (Link, WebSocketStream<DuplexStream>) {
    let (mut link, server) = pair().await;
    link.has_lanes = true;
    (link, server)
}

fn name(name: impl Into<String>) -> StreamId {
    StreamId::new(name).unwrap()
}

fn of_lane(lane: Option<&str>, event: &str) -> Message {
    let lane = lane.map(|lane| format!(r#","stream_id":"{lane}""#)).unwrap_or_default();
    Message::text(event.replacen('}', &format!("{lane}}}"), 1))
}

const COMPLETED: &str = r#"{"type":"response.completed"}"#;
const FAILED: &str = r#"{"type":"error","code":"server_error"}"#;
const AGE_LIMIT: &str = r#"{"type":"error","code":"websocket_connection_limit_reached"}"#;
const KEEPALIVE: &str = r#"{"type":"keepalive"}"#;

/// Asks, and lets the server take the request.
async fn ask(lane: &mut Lane, server: &mut WebSocketStream<DuplexStream>) {
    lane.ask(&request()).await.unwrap();
    let text = server.next().await.unwrap().unwrap().into_text().unwrap();
    assert_eq!(text.as_str(), request().to_frame(lane.name().map(StreamId::as_str)));
}

/// Waits until the link has heard everything so far.
async fn heard(server: &mut WebSocketStream<DuplexStream>) {
    server.send(Message::Ping(Bytes::from_static(b"there?"))).await.unwrap();
    let pong = Message::Pong(Bytes::from_static(b"there?"));
    while server.next().await.unwrap().unwrap() != pong {}
}

async fn deltas(lane: &mut Lane) -> Vec<String> {
    let mut found = Vec::new();
    while let ModelEvent::TextDelta { delta, .. } = lane.next().await.unwrap() {
        found.push(delta);
    }
    assert!(!lane.asking, "what ends the deltas ends the response");
    found
}

/// Plays deltas to three lanes in the order of `lanes`, the first of them the default one.
async fn interleaved(lanes: &[usize]) {
    let (mut link, mut server) = pair_with_lanes().await;
    let mut a = link.lane(name("a")).unwrap();
    let mut b = link.lane(name("b")).unwrap();
    ask(&mut link.lane, &mut server).await;
    ask(&mut a, &mut server).await;
    ask(&mut b, &mut server).await;
    let names = [None, Some("a"), Some("b")];
    let mut expected = [Vec::new(), Vec::new(), Vec::new()];
    let mut sending = JoinSet::new();
    let mut messages = Vec::new();
    for (number, lane) in lanes.iter().enumerate() {
        expected[*lane].push(number.to_string());
        messages.push(of_lane(names[*lane], &delta(number)));
    }
    messages.extend(names.map(|name| of_lane(name, COMPLETED)));
    sending.spawn(async move {
        for message in messages {
            server.send(message).await.unwrap();
        }
        server
    });
    let found = tokio::join!(deltas(&mut link.lane), deltas(&mut a), deltas(&mut b));
    assert_eq!([found.0, found.1, found.2], expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn each_lane_hears_its_own_events_in_order(
        lanes in prop::collection::vec(0_usize..3, 0..200),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(interleaved(&lanes));
    }
}

#[test]
fn a_lane_has_a_name_of_the_protocol() {
    let check = |name: &str, good: bool| {
        assert_eq!(StreamId::new(name).is_ok(), good, "{name}");
    };
    check("job-812_a.B", true);
    check(&"x".repeat(256), true);
    check(&"x".repeat(257), false);
    for bad in ["", " ", "a b", "ä", "a/b", "\n"] {
        check(bad, false);
    }
}

#[tokio::test]
async fn an_error_without_a_name_is_everybodys_once_there_are_names() {
    let (mut link, mut server) = pair_with_lanes().await;
    let mut a = link.lane(name("a")).unwrap();
    let mut idle = link.lane(name("idle")).unwrap();
    ask(&mut idle, &mut server).await;
    server.send(of_lane(Some("idle"), COMPLETED)).await.unwrap();
    assert!(idle.next().await.unwrap().is_terminal());
    ask(&mut a, &mut server).await;
    ask(&mut link.lane, &mut server).await;
    server.send(of_lane(None, FAILED)).await.unwrap();
    for lane in [&mut a, &mut link.lane] {
        assert!(matches!(lane.next().await, Ok(ModelEvent::Failed { .. })));
    }

    // With a name it is one lane's, and the others go on.
    ask(&mut a, &mut server).await;
    ask(&mut idle, &mut server).await;
    server.send(of_lane(Some("a"), FAILED)).await.unwrap();
    server.send(of_lane(Some("idle"), COMPLETED)).await.unwrap();
    assert!(matches!(a.next().await, Ok(ModelEvent::Failed { .. })));
    assert!(matches!(idle.next().await, Ok(ModelEvent::Completed(_))));

    // Without one it is the default lane's while no other waits.
    ask(&mut link.lane, &mut server).await;
    server.send(of_lane(None, FAILED)).await.unwrap();
    assert!(matches!(link.next().await, Ok(ModelEvent::Failed { .. })));
    assert!(link.is_open());
}

#[tokio::test]
async fn names_and_responses_have_their_limits() {
    let (link, mut server) = pair_with_lanes().await;
    let open = |number: usize| link.lane(name(number.to_string()));
    let mut lanes: Vec<Lane> = (0..LANES_MAX).map(|number| open(number).unwrap()).collect();
    assert_eq!(open(LANES_MAX).unwrap_err(), LaneError::TooMany);
    assert_eq!(open(0).unwrap_err(), LaneError::InUse { name: name("0") });

    for lane in &mut lanes[..IN_FLIGHT_MAX] {
        ask(lane, &mut server).await;
    }
    let error = lanes[IN_FLIGHT_MAX].ask(&request()).await.unwrap_err();
    assert_eq!((error.clone(), error.is_local()), (LinkError::Full, true));
    server.send(of_lane(Some("0"), COMPLETED)).await.unwrap();
    assert!(lanes[0].next().await.unwrap().is_terminal());
    ask(&mut lanes[IN_FLIGHT_MAX], &mut server).await;

    // A name is free again when its lane and its response are gone.
    drop(lanes.swap_remove(0));
    let mut again = open(0).unwrap();
    drop(lanes.remove(1));
    assert_eq!(open(1).unwrap_err(), LaneError::InUse { name: name("1") });
    server.send(of_lane(Some("1"), COMPLETED)).await.unwrap();
    heard(&mut server).await;
    ask(&mut again, &mut server).await;
    server.send(of_lane(Some("0"), COMPLETED)).await.unwrap();
    assert!(again.next().await.unwrap().is_terminal());
    assert!(open(1).is_ok());
}

#[tokio::test]
async fn a_lane_that_is_dropped_holds_nobody_up() {
    let (mut link, mut server) = pair_with_lanes().await;
    let mut gone = link.lane(name("gone")).unwrap();
    ask(&mut gone, &mut server).await;
    ask(&mut link.lane, &mut server).await;
    drop(gone);
    for number in 0..3 * shared::FRAMES_MAX {
        server.send(of_lane(Some("gone"), &delta(number))).await.unwrap();
    }
    server.send(of_lane(None, COMPLETED)).await.unwrap();
    assert!(matches!(link.next().await, Ok(ModelEvent::Completed(_))));
}

#[tokio::test]
async fn lanes_end_with_their_link() {
    let (link, mut server) = pair_with_lanes().await;
    let mut asking = link.lane(name("asking")).unwrap();
    let mut idle = link.lane(name("idle")).unwrap();
    ask(&mut asking, &mut server).await;
    drop(link);
    for lane in [&mut asking, &mut idle] {
        assert_eq!(lane.next().await.unwrap_err(), LinkError::dropped());
        assert_eq!(lane.ask(&request()).await.unwrap_err(), LinkError::dropped());
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_nothing_runs_fills_no_queue() {
    let (mut link, mut server) = pair().await;
    // An hour of keep-alives while tools run, and pings that must be answered all the same.
    for _ in 0..240 {
        server.send(Message::text(KEEPALIVE)).await.unwrap();
        sleep(Duration::from_secs(15)).await;
    }
    server.send(Message::text(FAILED)).await.unwrap();
    heard(&mut server).await;
    // Nothing of it is taken for the next response.
    link.ask(&request()).await.unwrap();
    server.send(Message::text(COMPLETED)).await.unwrap();
    assert!(matches!(link.next().await, Ok(ModelEvent::Completed(_))));
    server.close(None).await.unwrap();
    assert!(link.next().await.is_err());
}

#[tokio::test]
async fn a_link_that_is_told_its_age_while_idle_is_closed_and_no_more() {
    let (mut link, mut server) = pair().await;
    ask(&mut link.lane, &mut server).await;
    server.send(Message::text(COMPLETED)).await.unwrap();
    assert!(link.next().await.unwrap().is_terminal());
    server.send(Message::text(AGE_LIMIT)).await.unwrap();
    server.close(None).await.unwrap();
    let error = link.next().await.unwrap_err();
    assert_eq!(error, LinkError::ended("it is as old as the server lets it grow"));
    assert_eq!(error.class(), ErrorClass::Retryable);
    let before = link.bytes_sent();
    assert_eq!(link.ask(&request()).await.unwrap_err(), error);
    assert_eq!((link.is_open(), link.bytes_sent()), (false, before));
}

#[tokio::test]
async fn a_response_that_meets_the_age_limit_fails_and_closes_the_link() {
    let (mut link, mut server) = asked_pair().await;
    server.send(Message::text(AGE_LIMIT)).await.unwrap();
    let Ok(ModelEvent::Failed { error, .. }) = link.next().await else { panic!("a failure") };
    assert_eq!(error.kind, ErrorKind::ConnectionLimit);
    assert!(!link.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_link_knows_its_age() {
    let (link, _server) = pair().await;
    sleep(Duration::from_mins(55)).await;
    let rollover_after = |url: &str| Endpoint::new(url).unwrap().rollover_after();
    assert!(link.age() >= rollover_after("https://api.openai.com/v1"));
    assert_eq!(rollover_after("https://api.x.ai/v1"), Duration::from_mins(24));
}
