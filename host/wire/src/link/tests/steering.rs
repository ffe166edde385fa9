//! Saying something to a model while it responds.

use super::*;

/// A link whose response `r1` has begun, and the server's end of it.
async fn begun() -> (Link, WebSocketStream<DuplexStream>) {
    let (mut link, mut server) = asked_pair().await;
    server.next().await.unwrap().unwrap();
    tell(&mut server, r#"{"type":"response.created","response":{"id":"r1"}}"#).await;
    assert!(matches!(link.next().await, Ok(ModelEvent::Created { .. })));
    (link, server)
}

async fn tell(server: &mut WebSocketStream<DuplexStream>, event: &str) {
    server.send(Message::text(event)).await.unwrap();
}

async fn steer(link: &mut Link, server: &mut WebSocketStream<DuplexStream>) {
    link.steer("r1", "stop").await.unwrap();
    let text = server.next().await.unwrap().unwrap().into_text().unwrap();
    let steer = r#"{"input":"stop","previous_response_id":"r1","type":"response.steer"}"#;
    assert_eq!(text.as_str(), steer);
}

const ACCEPTED: &str =
    r#"{"type":"response.steer.accepted","steer":{"id":"s","previous_response_id":"r1"}}"#;

#[tokio::test]
async fn a_steered_response_is_followed_by_one_that_nobody_asked_for() {
    for end in [
        r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"steered"}}}"#,
        r#"{"type":"response.completed","response":{"id":"r1"}}"#,
    ] {
        let (mut link, mut server) = begun().await;
        steer(&mut link, &mut server).await;
        tell(&mut server, ACCEPTED).await;
        let Ok(ModelEvent::SteerAccepted { response_id, .. }) = link.next().await else {
            panic!("accepted")
        };
        assert_eq!(response_id, "r1");
        tell(&mut server, end).await;
        assert!(link.next().await.unwrap().is_terminal());
        tell(&mut server, r#"{"type":"response.created","response":{"id":"r2"}}"#).await;
        let Ok(ModelEvent::Created { response_id }) = link.next().await else { panic!("created") };
        assert_eq!(response_id, "r2");
        assert_eq!(link.ask(&request()).await.unwrap_err(), LinkError::Busy);
        // The new response names nothing: its id is the one it began with.
        tell(&mut server, r#"{"type":"response.completed"}"#).await;
        let Ok(ModelEvent::Completed(whole)) = link.next().await else { panic!("completed") };
        assert_eq!(whole.response_id, "r2");
        link.ask(&request()).await.unwrap();
    }
}

#[tokio::test]
async fn a_steer_that_came_too_late_is_answered_all_the_same() {
    let (mut link, mut server) = begun().await;
    tell(&mut server, r#"{"type":"response.completed"}"#).await;
    steer(&mut link, &mut server).await;
    assert!(link.next().await.unwrap().is_terminal());
    tell(
        &mut server,
        r#"{"type":"response.steer.failed","steer":{"id":"s","previous_response_id":"r1"},
            "error":{"type":"invalid_request_error","code":"response_already_completed"}}"#,
    )
    .await;
    let Ok(ModelEvent::SteerFailed { error, .. }) = link.next().await else { panic!("failed") };
    assert_eq!(error.code, "response_already_completed");
    link.ask(&request()).await.unwrap();
}

#[tokio::test]
async fn a_steer_that_waits_for_calls_names_them_and_the_next_request_brings_them() {
    let (mut link, mut server) = begun().await;
    steer(&mut link, &mut server).await;
    tell(&mut server, ACCEPTED).await;
    tell(&mut server, r#"{"type":"response.completed"}"#).await;
    tell(
        &mut server,
        r#"{"type":"response.steer.pending","steer":{"id":"s","previous_response_id":"r1"},
            "required_input":[{"type":"function_call_output","call_id":"c1"}]}"#,
    )
    .await;
    assert!(matches!(link.next().await, Ok(ModelEvent::SteerAccepted { .. })));
    assert!(link.next().await.unwrap().is_terminal());
    let Ok(ModelEvent::SteerPending { call_ids, .. }) = link.next().await else { panic!("waits") };
    assert_eq!(call_ids, ["c1"]);
    link.ask(&request()).await.unwrap();
    tell(&mut server, r#"{"type":"response.completed"}"#).await;
    assert!(matches!(link.next().await, Ok(ModelEvent::Completed(_))));
}
