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
