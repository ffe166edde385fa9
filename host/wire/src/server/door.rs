//! The HTTP that comes before the WebSocket: lets clients of the protocol in, and tells
//! everybody else what this server is, in the JSON that SDKs expect of an error.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY};
use http::header::{SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::House;
use super::connection::Connection;
use crate::error::{ErrorKind, ModelError};
use crate::link::MESSAGE_BYTES_MAX;

/// How long a client may take for the head of a request.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);

/// Bytes of the head of a request. Codex sends some 3 KiB.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Serves a connection to its end, first as HTTP, then as a WebSocket if it becomes one.
pub(super) async fn serve(tcp: TcpStream, house: Arc<House>, number: u64) {
    // Events are whole messages: waiting for more of them only costs time. A system that
    // cannot be told so is merely slower.
    tcp.set_nodelay(true).ok();
    let upgrade = Arc::new(Mutex::new(None));
    let service = service_fn(|request: Request<Incoming>| {
        let response = answer(request, house.responder.model(), &upgrade);
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        // The date would be the one thing that differs from run to run.
        .auto_date_header(false)
        .serve_connection(TokioIo::new(tcp), service)
        .with_upgrades();
    // Whatever a client does wrong in HTTP concerns nobody but the client.
    if http.await.is_err() {
        return;
    }
    let upgrade: Option<OnUpgrade> = upgrade.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(upgrade) = upgrade else { return };
    let Ok(upgraded) = upgrade.await else { return };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let io = TokioIo::new(upgraded);
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    Connection::new(socket, house, number).run().await;
}

/// Answers one request. Unknown headers and queries are ignored; what is before the last part
/// of the path is the client's affair.
fn answer(
    mut request: Request<Incoming>,
    model: &str,
    upgrade: &Mutex<Option<OnUpgrade>>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if path.ends_with("/models") && request.method() == Method::GET {
        return json_response(StatusCode::OK, &models(model));
    }
    if !path.ends_with("/responses") {
        return refusal(StatusCode::NOT_FOUND, "there is nothing here; try `/v1/responses`");
    }
    if request.method() != Method::GET {
        let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, WEB_SOCKET_ONLY);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        return response;
    }
    let Some(accept) = accept_key(request.headers()) else {
        let mut response = refusal(StatusCode::UPGRADE_REQUIRED, WEB_SOCKET_ONLY);
        announce_upgrade(response.headers_mut());
        let version = HeaderValue::from_static("13");
        response.headers_mut().insert(SEC_WEBSOCKET_VERSION, version);
        return response;
    };
    let on_upgrade = hyper::upgrade::on(&mut request);
    *upgrade.lock().unwrap_or_else(PoisonError::into_inner) = Some(on_upgrade);
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    announce_upgrade(response.headers_mut());
    response.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

const WEB_SOCKET_ONLY: &str = "this server speaks WebSocket only: open `GET …/responses` with \
                               `Upgrade: websocket`, and send `response.create` there";

/// What a correct request for an upgrade is answered with.
fn accept_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let upgrades = has_token(headers, &CONNECTION, "upgrade")
        && has_token(headers, &UPGRADE, "websocket")
        && has_token(headers, &SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| upgrades)?;
    HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok()
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(token))
}

fn announce_upgrade(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

fn models(model: &str) -> Value {
    json!({
        "object": "list",
        "data": [{ "id": model, "object": "model", "created": 0, "owned_by": "stepwell" }],
    })
}

fn refusal(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    let code = if status == StatusCode::NOT_FOUND { "not_found" } else { "websocket_only" };
    let error = ModelError::new(ErrorKind::BadRequest, code, message);
    json_response(status, &json!({ "error": error.body() }))
}

fn json_response(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
