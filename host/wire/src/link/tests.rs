//! The link against servers that are slow, rude, silent or broken.

mod http;
mod lanes;
mod steering;
mod ways;

use std::io;

use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::*;
use crate::error::{ErrorClass, ErrorKind};

/// A network in memory: whoever is dialled is handed to the test.
struct Memory(mpsc::UnboundedSender<(String, DuplexStream)>);

impl Dial for Memory {
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn ByteStream>>> {
        Box::pin(async move {
            let (ours, theirs) = duplex(1 << 16);
            let refused = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
            self.0.send((format!("{host}:{port}"), theirs)).map_err(refused)?;
            Ok(Box::new(ours) as Box<dyn ByteStream>)
        })
    }
}

/// An endpoint in memory, and who was dialled.
fn memory(base_url: &str) -> (Endpoint, mpsc::UnboundedReceiver<(String, DuplexStream)>) {
    let (dialled, served) = mpsc::unbounded_channel();
    (Endpoint::new(base_url).unwrap().with_dialer(Arc::new(Memory(dialled))), served)
}

/// Long enough for anything that happens at all.
const LONG: Duration = Duration::from_secs(30);

/// Reads the head of an HTTP message, in small letters, and nothing beyond it.
async fn head(stream: &mut (impl ByteStream + ?Sized)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

/// A link, and the raw other end of it.
async fn raw_pair(buffer: usize) -> (Link, DuplexStream) {
    let (ours, theirs) = duplex(buffer);
    let stream: Box<dyn ByteStream> = Box::new(ours);
    let limits = Some(connect::limits());
    let socket = WebSocketStream::from_raw_socket(stream, Role::Client, limits).await;
    (Link::over(socket), theirs)
}

/// A link, and a server's end of its WebSocket.
async fn pair() -> (Link, WebSocketStream<DuplexStream>) {
    let (link, theirs) = raw_pair(1 << 16).await;
    (link, WebSocketStream::from_raw_socket(theirs, Role::Server, None).await)
}

/// The same, where a response is awaited.
async fn asked_pair() -> (Link, WebSocketStream<DuplexStream>) {
    let (mut link, server) = pair().await;
    link.ask(&request()).await.unwrap();
    (link, server)
}

fn request() -> Request {
    Request::new("m", 16)
}

fn delta(number: usize) -> String {
    format!(r#"{{"type":"response.output_text.delta","item_id":"m","delta":"{number}"}}"#)
}

#[tokio::test]
async fn what_is_asked_arrives_and_its_bytes_are_counted() {
    let (mut link, mut server) = pair().await;
    assert_eq!(link.bytes_sent(), 0);
    link.ask(&request()).await.unwrap();
    let frame = server.next().await.unwrap().unwrap();
    assert_eq!(frame, Message::text(request().to_json()));
    assert_eq!(link.bytes_sent(), frame.len() as u64);
    assert_eq!(link.request_bytes(&request()), frame.len());

    server.send(Message::text(delta(1))).await.unwrap();
    assert!(matches!(link.next().await.unwrap(), ModelEvent::TextDelta { .. }));
    assert_eq!(link.bytes_received(), delta(1).len() as u64);
}

#[tokio::test]
async fn a_link_serves_one_response_at_a_time() {
    let (mut link, mut server) = pair().await;
    link.ask(&request()).await.unwrap();
    assert_eq!(link.ask(&request()).await.unwrap_err(), LinkError::Busy);
    server.send(Message::text(r#"{"type":"error","code":"x"}"#)).await.unwrap();
    assert!(link.next().await.unwrap().is_terminal());
    link.ask(&request()).await.unwrap();
}

#[tokio::test]
async fn a_request_that_no_server_takes_is_not_sent() {
    let (mut link, _server) = pair().await;
    let instructions = "x".repeat(REQUEST_BYTES_MAX);
    let error = link.ask(&Request { instructions, ..request() }).await.unwrap_err();
    assert!(matches!(error, LinkError::RequestTooLarge { .. }), "{error}");
    assert_eq!((link.bytes_sent(), link.is_open()), (0, true));
}

#[tokio::test]
async fn every_close_before_the_end_is_a_failure_of_its_class() {
    for (code, class) in [
        (1000, ErrorClass::Retryable),
        (1001, ErrorClass::Retryable),
        (1002, ErrorClass::Final),
        (1003, ErrorClass::Final),
        (1007, ErrorClass::Final),
        (1008, ErrorClass::Final),
        (1009, ErrorClass::Final),
        (1011, ErrorClass::Retryable),
        (1012, ErrorClass::Retryable),
        (1013, ErrorClass::Retryable),
        (4000, ErrorClass::Final),
    ] {
        let (mut link, mut server) = pair().await;
        link.ask(&request()).await.unwrap();
        let frame = CloseFrame { code: CloseCode::from(code), reason: "why".into() };
        server.close(Some(frame)).await.unwrap();
        let error = link.next().await.unwrap_err();
        assert_eq!(error, LinkError::Closed { code: Some(code), reason: "why".to_owned() });
        assert_eq!(error.class(), class, "{code}");
        // It stays that way.
        assert_eq!(link.next().await.unwrap_err(), error);
        assert_eq!(link.ask(&request()).await.unwrap_err(), error);
        assert!(!link.is_open());
    }
}

#[tokio::test]
async fn what_came_before_the_end_is_still_read() {
    let (mut link, mut server) = asked_pair().await;
    server.send(Message::text(delta(1))).await.unwrap();
    server.close(None).await.unwrap();
    drop(server);
    assert!(matches!(link.next().await, Ok(ModelEvent::TextDelta { .. })));
    let error = link.next().await.unwrap_err();
    assert_eq!(error, LinkError::Closed { code: None, reason: String::new() });
    assert_eq!(error.to_string(), "the model's server closed the connection (without a word)");
}

#[tokio::test]
async fn a_dropped_connection_is_a_close_without_a_code() {
    let (mut link, server) = pair().await;
    drop(server);
    let error = link.next().await.unwrap_err();
    assert_eq!(error, LinkError::Closed { code: None, reason: String::new() });
    assert_eq!(error.class(), ErrorClass::Retryable);
}

#[tokio::test]
async fn what_is_not_the_protocol_ends_the_link() {
    for message in [
        Message::text("not json"),
        Message::text("[]"),
        Message::binary(Bytes::from_static(b"{}")),
        Message::text(""),
    ] {
        let (mut link, mut server) = asked_pair().await;
        server.send(message).await.unwrap();
        server.send(Message::text(delta(1))).await.ok();
        let error = link.next().await.unwrap_err();
        assert!(matches!(error, LinkError::Garbage { .. }), "{error}");
        assert_eq!(link.next().await.unwrap_err(), error);
        assert_eq!(link.ask(&request()).await.unwrap_err(), error);
        assert!(!link.is_open());
    }
}

#[tokio::test]
async fn broken_frames_and_texts_that_are_none_are_garbage() {
    let http = format!("HTTP/1.1 500 Internal Server Error\r\n\r\n{}", " ".repeat(100));
    let frames: [&[u8]; 4] =
        [&[0xf1, 0x00], &[0x81, 0x02, 0xff, 0xfe], &[0x83, 0x00], http.as_bytes()];
    for frame in frames {
        let (mut link, mut server) = raw_pair(1 << 12).await;
        server.write_all(frame).await.unwrap();
        let error = link.next().await.unwrap_err();
        assert!(matches!(error, LinkError::Garbage { .. }), "{frame:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_by_its_first_bytes() {
    let (mut link, mut server) = raw_pair(1 << 12).await;
    let size = MESSAGE_BYTES_MAX as u64 + 1;
    server.write_all(&[0x81, 0x7f]).await.unwrap();
    server.write_all(&size.to_be_bytes()).await.unwrap();
    let error = link.next().await.unwrap_err();
    assert_eq!(error, LinkError::TooLarge { limit: MESSAGE_BYTES_MAX });
    assert_eq!(error.class(), ErrorClass::Final);
}

#[tokio::test]
async fn a_large_message_in_many_frames_arrives_whole() {
    let (mut link, server) = asked_pair().await;
    let long = "x".repeat(5 << 20);
    let frame = format!(r#"{{"type":"response.output_text.delta","delta":"{long}"}}"#);
    let mut sending = JoinSet::new();
    sending.spawn(async move {
        let mut server = server;
        server.send(Message::text(frame)).await.unwrap();
        server
    });
    let Ok(ModelEvent::TextDelta { delta, .. }) = link.next().await else { panic!("a delta") };
    assert_eq!(delta, long);
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_while_nobody_reads() {
    let (_link, mut server) = pair().await;
    server.send(Message::Ping(Bytes::from_static(b"there?"))).await.unwrap();
    let answer = server.next().await.unwrap().unwrap();
    assert_eq!(answer, Message::Pong(Bytes::from_static(b"there?")));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_pings_is_alive_however_long_it_thinks() {
    let (mut link, mut server) = asked_pair().await;
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let over = Instant::now() + Duration::from_secs(1800);
        // Reading is all it takes: the library answers pings.
        while tokio::time::timeout_at(over, server.next()).await.is_ok() {}
        server.send(Message::text(delta(1))).await.unwrap();
        server
    });
    assert!(matches!(link.next().await, Ok(ModelEvent::TextDelta { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_nothing_is_gone_after_a_minute() {
    let (mut link, _server) = pair().await;
    let start = Instant::now();
    let error = link.next().await.unwrap_err();
    assert_eq!(error, LinkError::PeerSilent { after: Duration::from_secs(60) });
    assert_eq!(start.elapsed().as_secs(), 60);
    assert_eq!(error.class(), ErrorClass::Retryable);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_does_not_leave_is_given_up() {
    let (mut link, _server) = raw_pair(64).await;
    let instructions = "x".repeat(1 << 20);
    let start = Instant::now();
    let error = link.ask(&Request { instructions, ..request() }).await.unwrap_err();
    assert_eq!(error, LinkError::Stalled { after: Duration::from_secs(30) });
    assert_eq!(start.elapsed().as_secs(), 30);
    // It may have been read in part: the caller sees that it was sent.
    assert!(link.bytes_sent() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_slows_the_server_down_and_loses_nothing() {
    const ALL: usize = 5000;
    let (mut link, mut server) = asked_pair().await;
    let (progress, sent) = tokio::sync::watch::channel(0);
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        for number in 0..ALL {
            server.send(Message::text(delta(number))).await.unwrap();
            progress.send_replace(number);
        }
        server
    });
    // Nobody reads for ten minutes: the link stays, the server waits.
    sleep(Duration::from_secs(600)).await;
    let waiting = *sent.borrow();
    assert!((shared::FRAMES_MAX..ALL - 1).contains(&waiting), "{waiting}");
    for number in 0..ALL {
        let Ok(ModelEvent::TextDelta { delta, .. }) = link.next().await else { panic!("{number}") };
        assert_eq!(delta, number.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn closing_says_goodbye_and_waits_for_nobody() {
    let (link, mut server) = pair().await;
    let start = Instant::now();
    // The server does not answer.
    link.close().await;
    assert_eq!(start.elapsed(), CLOSE_TIME_MAX);
    assert_eq!(server.next().await.unwrap().unwrap(), Message::Close(None));
}

#[tokio::test]
async fn dropping_a_link_ends_its_connection() {
    let (link, mut server) = raw_pair(1 << 12).await;
    drop(link);
    assert_eq!(server.read_to_end(&mut Vec::new()).await.unwrap(), 0);
}

/// Connects to a server that answers every connection with `answer` and hangs up.
async fn connect_to(answer: &'static str) -> ConnectError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new(&format!("http://{}/v1", listener.local_addr().unwrap())).unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        let read = tcp.read(&mut head).await.unwrap();
        assert!(head[..read].starts_with(b"GET /v1/responses HTTP/1.1\r\n"));
        tcp.write_all(answer.as_bytes()).await.unwrap();
    });
    Link::connect(&endpoint, Transport::WebSocket, Duration::from_secs(5)).await.unwrap_err()
}

#[tokio::test]
async fn a_refused_upgrade_says_why() {
    let error = connect_to(
        "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n\r\n\
         {\"error\":{\"type\":\"invalid_request_error\",\"code\":\"invalid_api_key\",\"message\":\"bad key\"}}",
    )
    .await;
    let ConnectError::Refused { status: 401, error: model } = &error else { panic!("{error:?}") };
    assert_eq!((model.kind, model.code.as_str()), (ErrorKind::Auth, "invalid_api_key"));
    assert_eq!(model.message, "bad key");
    assert_eq!(error.class(), ErrorClass::Final);

    let error = connect_to("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n\r\n{}").await;
    let ConnectError::Refused { error: model, .. } = &error else { panic!("{error:?}") };
    assert_eq!(model.kind, ErrorKind::RateLimited);
    assert_eq!(model.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(error.class(), ErrorClass::Retryable);

    let error = connect_to(
        "HTTP/1.1 503 Busy\r\nDate: Wed, 21 Oct 2026 07:28:00 GMT\r\n\
         Retry-After: Wed, 21 Oct 2026 07:28:30 GMT\r\n\r\n",
    )
    .await;
    let ConnectError::Refused { error: model, .. } = &error else { panic!("{error:?}") };
    assert_eq!(model.retry_after, Some(Duration::from_secs(30)));

    let error = connect_to("HTTP/1.1 500 Oops\r\n\r\n<html>").await;
    assert!(matches!(&error, ConnectError::Refused { status: 500, .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Retryable);

    let error = connect_to("HTTP/1.1 302 Found\r\nLocation: http://other/\r\n\r\n").await;
    assert!(matches!(&error, ConnectError::Refused { status: 302, .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Final);
}

#[tokio::test]
async fn a_403_without_a_word_may_be_one_connection_too_many() {
    let check = async |answer: &'static str, class: ErrorClass, wait: Option<u64>| {
        let error = connect_to(answer).await;
        let ConnectError::Refused { status: 403, error: model } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(model.retry_after, wait.map(Duration::from_secs), "{answer}");
        assert_eq!((error.class(), error.http_may_do()), (class, HttpMayDo::No), "{answer}");
    };
    check("HTTP/1.1 403 Forbidden\r\n\r\n", ErrorClass::Retryable, Some(1)).await;
    check("HTTP/1.1 403 No\r\nRetry-After: 9\r\n\r\n", ErrorClass::Retryable, Some(9)).await;
    let named = "HTTP/1.1 403 No\r\n\r\n{\"error\":{\"code\":\"account_deactivated\"}}";
    check(named, ErrorClass::Final, None).await;
}

#[tokio::test]
async fn where_a_web_socket_does_not_come_about_http_may_do() {
    let check = async |answer: &'static str, expected: HttpMayDo| {
        assert_eq!(connect_to(answer).await.http_may_do(), expected, "{answer}");
    };
    check("HTTP/1.1 426 Upgrade Required\r\n\r\n", HttpMayDo::Yes).await;
    check("HTTP/1.1 200 OK\r\n\r\n<html>", HttpMayDo::Yes).await;
    check("HTTP/1.1 400 Bad Request\r\n\r\n<html>", HttpMayDo::Yes).await;
    let named = "HTTP/1.1 400 No\r\n\r\n{\"error\":{\"code\":\"invalid_prompt\"}}";
    check(named, HttpMayDo::No).await;
    check("HTTP/1.1 401 Unauthorized\r\n\r\n", HttpMayDo::No).await;
    check("HTTP/1.1 429 Too Many Requests\r\n\r\n", HttpMayDo::No).await;
    check("HTTP/1.1 302 Found\r\nLocation: http://other/\r\n\r\n", HttpMayDo::No).await;
    let upgraded = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    check(upgraded, HttpMayDo::Yes).await;
    check("SSH-2.0-OpenSSH_9.9\r\n\r\n", HttpMayDo::No).await;
    check("", HttpMayDo::IfAgain).await;
}

#[tokio::test]
async fn an_upgrade_offers_no_compression_and_no_protocol_of_its_own() {
    let (endpoint, mut dialled) = memory("http://h/v1");
    let mut connecting = JoinSet::new();
    connecting.spawn(async move { Link::connect(&endpoint, Transport::WebSocket, LONG).await });
    let (_, mut stream) = dialled.recv().await.unwrap();
    let head = head(&mut stream).await;
    assert!(head.starts_with("get /v1/responses http/1.1\r\n"), "{head}");
    assert!(!head.contains("sec-websocket-extensions"), "{head}");
    assert!(!head.contains("sec-websocket-protocol"), "{head}");
}

#[tokio::test]
async fn a_server_without_a_web_socket_is_told_apart() {
    for answer in [
        "HTTP/1.1 426 Upgrade Required\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\n\r\n",
        "HTTP/1.1 405 Method Not Allowed\r\n\r\n",
        "HTTP/1.1 501 Not Implemented\r\n\r\n",
    ] {
        let error = connect_to(answer).await;
        assert!(matches!(error, ConnectError::NoWebSocket { .. }), "{answer}: {error:?}");
    }
    for answer in [
        "SSH-2.0-OpenSSH_9.9\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
         Sec-WebSocket-Accept: wrong\r\n\r\n",
    ] {
        let error = connect_to(answer).await;
        assert!(matches!(error, ConnectError::NotWebSocket { .. }), "{answer}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_or_is_not_there_is_unreachable() {
    let error = connect_to("").await;
    assert!(matches!(error, ConnectError::Dropped { .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Retryable);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let endpoint = Endpoint::new(&format!("http://{address}/v1")).unwrap();
    let error =
        Link::connect(&endpoint, Transport::WebSocket, Duration::from_secs(5)).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new(&format!("http://{}/v1", listener.local_addr().unwrap())).unwrap();
    let error =
        Link::connect(&endpoint, Transport::WebSocket, Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(error, ConnectError::Timeout { after: Duration::from_secs(5), reached: true });
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_not_trusted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint =
        Endpoint::new(&format!("https://{}/v1", listener.local_addr().unwrap())).unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        tcp
    });
    let error =
        Link::connect(&endpoint, Transport::WebSocket, Duration::from_secs(5)).await.unwrap_err();
    assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Final);
}
