//! Real sockets, and those who come without a WebSocket.

use tokio::net::TcpStream;

use super::*;

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

#[tokio::test]
async fn a_whole_conversation_goes_over_a_real_socket() {
    let script: Arc<dyn Responder> = Arc::new(Script::parse(TWO_TURNS).unwrap());
    let server = Server::bind(loopback(), script).unwrap();
    let endpoint = Endpoint::new(&server.base_url()).unwrap();
    let mut link =
        Link::connect(&endpoint, Transport::WebSocket, Duration::from_secs(30)).await.unwrap();
    let tools = vec![ToolSpec { name: "read_file".to_owned(), ..ToolSpec::default() }];
    let first = Request { tools, ..request(vec![user("Go.")]) };
    let first = complete(&mut link, &first).await;
    let outputs = vec![output("call_0_1"), output("call_0_2")];
    let more = Request { previous_response_id: Some(first.response_id), ..request(outputs) };
    assert_eq!(complete(&mut link, &more).await.text, "Fixed.");
    link.close().await;

    // Any prefix and any query will do.
    let address = format!("ws://{}/openai/v9/responses?model=x", server.local_addr());
    Link::connect(&Endpoint::new(&address).unwrap(), Transport::WebSocket, Duration::from_secs(30))
        .await
        .unwrap();

    let mut link =
        Link::connect(&endpoint, Transport::WebSocket, Duration::from_secs(30)).await.unwrap();
    drop(server);
    assert!(matches!(link.next().await, Err(LinkError::Closed { .. } | LinkError::Io { .. })));
}

#[tokio::test]
async fn a_server_hides_from_other_machines_unless_told_not_to() {
    let script = || Arc::new(Script::parse(TWO_TURNS).unwrap());
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let error = Server::bind(everywhere, script()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    let options = Options { beyond_loopback: true, ..Options::default() };
    Server::bind_with(everywhere, script(), options).unwrap();
}

async fn http(server: &Server, request: &str) -> String {
    let mut tcp = TcpStream::connect(server.local_addr()).await.unwrap();
    let request = request.replace('\n', "\r\n");
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    answer.replace('\r', "")
}

#[tokio::test]
async fn who_comes_without_a_web_socket_is_told_what_this_is() {
    let script: Arc<dyn Responder> = Arc::new(Script::parse(TWO_TURNS).unwrap());
    let server = Server::bind(loopback(), script).unwrap();
    let tail = "HTTP/1.1\nHost: h\nConnection: close\n\n";
    let put = "PUT /v1/responses HTTP/1.1\nHost: h\nConnection: close\nContent-Length: 2\n\n{}";
    let old = "GET /v1/responses HTTP/1.1\nHost: h\nConnection: upgrade, close\n\
               Upgrade: websocket\nSec-WebSocket-Version: 8\nSec-WebSocket-Key: x\n\n";
    let answers = [
        http(&server, &format!("GET /v1/models {tail}")).await,
        http(&server, &format!("GET /v1/responses {tail}")).await,
        http(&server, put).await,
        http(&server, &format!("GET / {tail}")).await,
        http(&server, "nonsense\n\n").await,
    ];
    assert_eq!(http(&server, old).await, answers[1]);
    insta::assert_snapshot!(answers.join("\n---\n"), @r#"
    HTTP/1.1 200 OK
    content-type: application/json
    connection: close
    content-length: 95

    {"data":[{"created":0,"id":"scripted","object":"model","owned_by":"stepwell"}],"object":"list"}
    ---
    HTTP/1.1 426 Upgrade Required
    content-type: application/json
    connection: upgrade, close
    upgrade: websocket
    sec-websocket-version: 13
    content-length: 158

    {"error":{"code":"upgrade_required","message":"open it with `Upgrade: websocket`, or send a request with `POST`","param":null,"type":"invalid_request_error"}}
    ---
    HTTP/1.1 405 Method Not Allowed
    content-type: application/json
    allow: GET, POST
    connection: close
    content-length: 122

    {"error":{"code":"method_not_allowed","message":"`PUT` is no method of this","param":null,"type":"invalid_request_error"}}
    ---
    HTTP/1.1 404 Not Found
    content-type: application/json
    connection: close
    content-length: 129

    {"error":{"code":"not_found","message":"there is nothing here; try `/v1/responses`","param":null,"type":"invalid_request_error"}}
    ---
    HTTP/1.1 400 Bad Request
    connection: close
    content-length: 0
    "#);
}
