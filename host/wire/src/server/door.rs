//! The HTTP of the server: lets clients in as they like to come, and tells everybody else what
//! this server is, in the JSON that SDKs expect of an error.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT};
use http::header::{SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::connection::Connection;
use super::fault::Greeting;
use super::tap::{Pipe, Tap, Tapped};
use super::{House, exchange};
use crate::error::{ErrorKind, ModelError};
use crate::link::MESSAGE_BYTES_MAX;

/// How long a client may take for the head of a request, or keep a connection without one.
const HEAD_TIME_MAX: Duration = Duration::from_secs(75);

/// Bytes of the head of a request. Codex sends some 3 KiB.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// What the server answers with: all at once or event by event.
pub(super) type Body = UnsyncBoxBody<Bytes, Dropped>;

/// The connection is to end without another word.
#[derive(Debug)]
pub(super) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the connection is dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

/// One connection, while it speaks HTTP.
pub(super) struct Visit {
    pub(super) house: Arc<House>,
    pub(super) tap: Arc<Tap>,
    pub(super) number: u64,
    pub(super) requests: AtomicU64,
    upgrade: Mutex<Option<OnUpgrade>>,
}

/// Serves a connection to its end, first as HTTP, then as a WebSocket if it becomes one.
pub(super) async fn serve(pipe: impl Pipe, house: Arc<House>, number: u64) {
    let tap = Arc::new(Tap::default());
    let expires = Instant::now() + house.options.connection_age();
    let visit = Arc::new(Visit {
        house: house.clone(),
        tap: tap.clone(),
        number,
        requests: AtomicU64::new(0),
        upgrade: Mutex::default(),
    });
    let service = service_fn(|request| answer(request, visit.clone()));
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        // The date would be the one thing that differs from run to run.
        .auto_date_header(false)
        .serve_connection(TokioIo::new(Tapped::new(pipe, tap.clone())), service)
        .with_upgrades();
    // Whatever a client does wrong in HTTP concerns nobody but the client.
    if !matches!(timeout_at(expires, http).await, Ok(Ok(()))) {
        return;
    }
    let upgrade = visit.upgrade.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(upgrade) = upgrade else { return };
    let Ok(upgraded) = upgrade.await else { return };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let io = TokioIo::new(upgraded);
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    Connection::new(socket, house, tap, number).run().await;
}

/// Answers one request. Unknown headers and queries are ignored; what is before the last parts
/// of the path is the client's affair.
async fn answer(
    mut request: Request<Incoming>,
    visit: Arc<Visit>,
) -> Result<Response<Body>, Dropped> {
    let path = request.uri().path();
    let is_post = request.method() == Method::POST;
    if path.ends_with("/models") && request.method() == Method::GET {
        return Ok(json_response(StatusCode::OK, &models(visit.house.responder.model())));
    }
    let place = if path.ends_with("/responses") {
        match *request.method() {
            Method::GET => return upgrade(&mut request, &visit).await,
            _ => exchange::Place::Responses,
        }
    } else if path.ends_with("/responses/compact") {
        exchange::Place::Compact
    } else if path.ends_with("/responses/input_tokens") {
        exchange::Place::InputTokens
    } else {
        let message = "there is nothing here; try `/v1/responses`".to_owned();
        return Ok(refusal(StatusCode::NOT_FOUND, "not_found", message));
    };
    if is_post {
        return exchange::answer(place, request.into_body(), visit).await;
    }
    let message = format!("`{}` is no method of this", request.method());
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
    let allowed = if place == exchange::Place::Responses { "GET, POST" } else { "POST" };
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    Ok(response)
}

async fn upgrade(
    request: &mut Request<Incoming>,
    visit: &Visit,
) -> Result<Response<Body>, Dropped> {
    let accept = accept_key(request.headers()).filter(|_| visit.house.options.web_socket);
    let Some(accept) = accept else {
        let message = if visit.house.options.web_socket {
            "open it with `Upgrade: websocket`, or send a request with `POST`"
        } else {
            "there is no WebSocket here; send a request with `POST`"
        };
        let status = StatusCode::UPGRADE_REQUIRED;
        let mut response = refusal(status, "upgrade_required", message.to_owned());
        announce_upgrade(response.headers_mut());
        let version = HeaderValue::from_static("13");
        response.headers_mut().insert(SEC_WEBSOCKET_VERSION, version);
        return Ok(response);
    };
    if let Some(error) = greet(visit.house.next_upgrade(), visit).await? {
        return Ok(error_response(&error));
    }
    let on_upgrade = hyper::upgrade::on(request);
    *visit.upgrade.lock().unwrap_or_else(PoisonError::into_inner) = Some(on_upgrade);
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    announce_upgrade(response.headers_mut());
    response.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

/// Receives one who comes: lets them in, or gives the error to refuse them with.
pub(super) async fn greet(
    greeting: Greeting,
    visit: &Visit,
) -> Result<Option<ModelError>, Dropped> {
    match greeting {
        Greeting::Admit => Ok(None),
        Greeting::Refuse(error) => Ok(Some(error)),
        // The connection's age ends it.
        Greeting::Stall => std::future::pending().await,
        Greeting::Drop => {
            visit.tap.reset();
            Err(Dropped)
        }
    }
}

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

/// A body that is all there.
pub(super) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// A body of JSON.
pub(super) fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(whole(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An error with the status, the body and the headers that SDKs look at.
pub(super) fn error_response(error: &ModelError) -> Response<Body> {
    let status = error.status.unwrap_or_else(|| error.kind.status());
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json_response(status, &json!({ "error": error.body() }));
    if let Some(wait) = error.retry_after {
        let headers = response.headers_mut();
        let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        headers.insert(HeaderName::from_static("retry-after-ms"), milliseconds.into());
        headers.insert(RETRY_AFTER, milliseconds.div_ceil(1000).into());
    }
    response
}

fn refusal(status: StatusCode, code: &str, message: String) -> Response<Body> {
    let error = ModelError::new(ErrorKind::BadRequest, code, message);
    error_response(&ModelError { status: Some(status.as_u16()), ..error })
}
