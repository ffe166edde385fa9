//! The link without a WebSocket: one connection, a `POST` and a stream of events for each turn.

use super::*;

/// A link over HTTP, and the raw other end of it.
async fn http_pair() -> (Link, DuplexStream) {
    let (endpoint, mut served) = memory("http://model.example/v1?v=1");
    let endpoint = endpoint.with_client_request_id("run-7").unwrap();
    let link = Link::connect(&endpoint, Transport::Http, LONG).await.unwrap();
    (link, served.recv().await.unwrap().1)
}

/// The same, where the server has read the request.
async fn asked() -> (Link, DuplexStream) {
    let (mut link, mut server) = http_pair().await;
    link.ask(&request()).await.unwrap();
    take(&mut server).await;
    (link, server)
}

/// Reads a request: its head and its body.
async fn take(server: &mut DuplexStream) -> (String, String) {
    let head = head(server).await;
    let (_, length) = head.split_once("content-length: ").unwrap();
    let mut body = vec![0; length.split("\r\n").next().unwrap().parse().unwrap()];
    server.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

const STREAM: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const COMPLETED: &str = "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\"}}\n\n";
const END: &str = "0\r\n\r\n";

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

async fn say(server: &mut DuplexStream, text: &str) {
    server.write_all(text.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn turns_follow_each_other_on_one_connection() {
    let (mut link, mut server) = http_pair().await;
    let mut said = 0;
    for turn in 0..3 {
        let before = link.bytes_sent();
        link.ask(&request()).await.unwrap();
        assert_eq!(link.ask(&request()).await.unwrap_err(), LinkError::Busy);
        let (head, body) = take(&mut server).await;
        assert!(head.starts_with("post /v1/responses?v=1 http/1.1\r\n"), "{head}");
        for line in [
            "host: model.example",
            "accept: text/event-stream",
            "content-type: application/json",
            &format!("x-client-request-id: run-7-{turn}"),
        ] {
            assert!(head.contains(&format!("\r\n{line}\r\n")), "{line} in {head}");
        }
        assert_eq!(body, request().to_body());
        assert_eq!(link.bytes_sent() - before, body.len() as u64);
        assert_eq!(link.request_bytes(&request()), body.len());
        let events = format!(": hello\r\n\r\ndata: {}\r\n\r\n", delta(turn));
        say(&mut server, &format!("{STREAM}{}{}{END}", chunk(&events), chunk(COMPLETED))).await;
        let Ok(ModelEvent::TextDelta { delta, .. }) = link.next().await else { panic!("a delta") };
        assert_eq!(delta, turn.to_string());
        assert!(matches!(link.next().await, Ok(ModelEvent::Completed(_))));
        assert!(link.is_open());
        said += events.len() + COMPLETED.len();
        assert_eq!(link.bytes_received(), said as u64);
    }
}

#[tokio::test]
async fn a_refusal_is_a_failed_response_and_the_connection_stays() {
    let (mut link, mut server) = http_pair().await;
    let mut check = async |status: &str, headers: &str, body: &str| {
        link.ask(&request()).await.unwrap();
        take(&mut server).await;
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        say(&mut server, &head).await;
        let Ok(ModelEvent::Failed { error, .. }) = link.next().await else { panic!("{status}") };
        assert!(link.is_open(), "{status}");
        let wait = error.retry_after.map(|wait| wait.as_millis());
        (error.kind, error.class() == ErrorClass::Retryable, wait, error.code, error.message)
    };
    let told = |kind, retry, wait, code: &str, message: &str| {
        (kind, retry, wait, code.to_owned(), message.to_owned())
    };
    let unknown = |kind, retry, wait| told(kind, retry, wait, "unknown", "");
    assert_eq!(
        check(
            "401 No",
            "",
            r#"{"error":{"code":"invalid_api_key","message":"bad key","type":"authentication_error"}}"#
        )
        .await,
        told(ErrorKind::Auth, false, None, "invalid_api_key", "bad key")
    );
    let limited = unknown(ErrorKind::RateLimited, true, Some(2000));
    assert_eq!(check("429 Later", "Retry-After: 2\r\n", "{}").await, limited);
    let limited = unknown(ErrorKind::RateLimited, true, Some(90_000));
    let date = "Date: Sun, 25 Oct 2026 07:28:00 GMT\r\n\
                Retry-After: Sun, 25 Oct 2026 07:29:30 GMT\r\n";
    assert_eq!(check("429 Later", date, "").await, limited);
    let limited = unknown(ErrorKind::RateLimited, true, Some(250));
    let both = "retry-after-ms: 250\r\nRetry-After: 1\r\n";
    assert_eq!(check("429 Later", both, "").await, limited);
    let told_so = "x-should-retry: false\r\n";
    assert_eq!(check("429 No", told_so, "").await, unknown(ErrorKind::RateLimited, false, None));
    let told_so = "x-should-retry: true\r\n";
    assert_eq!(check("422 Yes", told_so, "").await, unknown(ErrorKind::BadRequest, true, None));
    assert_eq!(check("409 Again", "", "").await, unknown(ErrorKind::Server, true, None));
    assert_eq!(check("502 Bad", "", "<html>").await, unknown(ErrorKind::Server, true, None));
    let redirect = "it redirects elsewhere, and is not followed";
    assert_eq!(
        check("307 There", "Location: http://other/\r\n", "").await,
        told(ErrorKind::BadRequest, false, None, "unknown", redirect)
    );
}

#[tokio::test]
async fn a_refusal_without_end_is_told_and_the_connection_given_up() {
    let (mut link, mut server) = asked().await;
    say(&mut server, "HTTP/1.1 503 Busy\r\nContent-Length: 9999999\r\n\r\n").await;
    let mut serving = JoinSet::new();
    // Nobody reads all of it.
    serving.spawn(async move { server.write_all(&[b'x'; 9_999_999]).await });
    let Ok(ModelEvent::Failed { error, .. }) = link.next().await else { panic!("a failure") };
    assert_eq!(error.kind, ErrorKind::Overloaded);
    assert!(!link.is_open());
}

#[tokio::test]
async fn an_error_inside_the_stream_is_a_failed_response() {
    let (mut link, mut server) = asked().await;
    let error = "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\"}\n\n";
    say(&mut server, &format!("{STREAM}{}{END}", chunk(error))).await;
    let Ok(ModelEvent::Failed { error, .. }) = link.next().await else { panic!("a failure") };
    assert_eq!(error.kind, ErrorKind::Server);
    assert!(link.is_open());
}

#[tokio::test]
async fn whatever_ends_before_the_response_is_a_failure() {
    let early = LinkError::ended("it ended the stream before the response");
    let html = "HTTP/1.1 200 OK\r\nContent-Type: text/html; x\r\nContent-Length: 1\r\n\r\n.";
    let garbage = |why: &str| LinkError::Garbage { why: why.to_owned() };
    let check = async |answer: &str, expected: &dyn Fn(&LinkError) -> bool| {
        let (mut link, mut server) = asked().await;
        say(&mut server, answer).await;
        drop(server);
        let error = link.next().await.unwrap_err();
        assert!(expected(&error), "{answer}: {error:?}");
        assert_eq!(link.next().await.unwrap_err(), error);
        assert_eq!(link.ask(&request()).await.unwrap_err(), error);
        assert!(!link.is_open());
    };
    check(&format!("{STREAM}{END}"), &|error| *error == early).await;
    check(&format!("{STREAM}{}", chunk("data: [DONE]\n\n")), &|error| *error == early).await;
    check("", &|error| *error == LinkError::dropped()).await;
    check("HTTP/1.1 200", &|error| error.class() == ErrorClass::Retryable).await;
    check(STREAM, &|error| *error == LinkError::dropped()).await;
    check(&format!("{STREAM}{}", &chunk(COMPLETED)[..20]), &|error| *error == LinkError::dropped())
        .await;
    check("SSH-2.0-OpenSSH_9.9\r\n\r\n", &|error| matches!(error, LinkError::Garbage { .. })).await;
    check(html, &|error| *error == garbage("`text/html` where `text/event-stream` belongs")).await;
    let words = chunk("data: not json\n\n");
    check(&format!("{STREAM}{words}"), &|error| matches!(error, LinkError::Garbage { .. })).await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (mut link, mut server) = asked().await;
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        server.write_all(b"HTTP/1.1 200 OK\r\nx: ").await.unwrap();
        server.write_all(&[b'x'; 200_000]).await.ok();
    });
    let error = link.next().await.unwrap_err();
    assert!(matches!(error, LinkError::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_closes_after_a_response_has_given_all_of_it() {
    let (mut link, mut server) = asked().await;
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    say(&mut server, &format!("{head}{COMPLETED}")).await;
    drop(server);
    assert!(matches!(link.next().await, Ok(ModelEvent::Completed(_))));
    // Known before anything more is asked, so that nothing is sent into the void.
    assert!(!link.is_open());
    let before = link.bytes_sent();
    let error = link.ask(&request()).await.unwrap_err();
    assert_eq!((error.class(), link.bytes_sent()), (ErrorClass::Retryable, before));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stays_open_after_its_response_costs_the_connection() {
    let (mut link, mut server) = asked().await;
    say(&mut server, &format!("{STREAM}{}", chunk(COMPLETED))).await;
    assert!(matches!(link.next().await, Ok(ModelEvent::Completed(_))));
    assert!(!link.is_open());
}

#[tokio::test]
async fn a_connection_that_dies_while_idle_says_so() {
    let (mut link, server) = http_pair().await;
    assert!(link.is_open());
    drop(server);
    let error = link.next().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Retryable);
    assert!(!link.is_open());
    assert_eq!(link.ask(&request()).await.unwrap_err(), error);
    assert_eq!(link.bytes_sent(), 0);
}

#[tokio::test]
async fn what_needs_a_web_socket_is_not_sent() {
    let (mut link, _server) = http_pair().await;
    let warm_up = Request { generate: false, ..request() };
    let error = link.ask(&warm_up).await.unwrap_err();
    assert_eq!(error, LinkError::WebSocketOnly { what: "a warm-up" });
    assert!(error.is_local());
    let error = link.steer("resp_1", "stop").await.unwrap_err();
    assert_eq!(error, LinkError::WebSocketOnly { what: "steering" });
    let lane = link.lane(StreamId::new("a").unwrap());
    assert_eq!(lane.unwrap_err(), LaneError::NotOffered);
    assert_eq!((link.bytes_sent(), link.is_open()), (0, true));
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_slows_the_server_down_and_loses_nothing() {
    const ALL: usize = 5000;
    let (mut link, mut server) = asked().await;
    let (progress, sent) = tokio::sync::watch::channel(0);
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        say(&mut server, STREAM).await;
        for number in 0..ALL {
            say(&mut server, &chunk(&format!("data: {}\n\n", delta(number)))).await;
            progress.send_replace(number);
        }
        server
    });
    sleep(Duration::from_secs(600)).await;
    let waiting = *sent.borrow();
    assert!((shared::FRAMES_MAX..ALL - 1).contains(&waiting), "{waiting}");
    for number in 0..ALL {
        let Ok(ModelEvent::TextDelta { delta, .. }) = link.next().await else { panic!("{number}") };
        assert_eq!(delta, number.to_string());
    }
}

#[tokio::test]
async fn dropping_or_closing_a_link_cancels_what_runs() {
    for close in [true, false] {
        let (link, mut server) = asked().await;
        if close {
            link.close().await;
        } else {
            drop(link);
        }
        assert_eq!(server.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    }
}
