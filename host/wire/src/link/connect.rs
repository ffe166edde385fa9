//! Opening a connection, in steps that fail with names: address, connection, proxy, TLS, upgrade.

use std::time::Duration;

use http::{Response, StatusCode};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::MESSAGE_BYTES_MAX;
use super::dial::{ByteStream, NoAddress};
use super::proxy::tunnel;
use super::tls::encrypt;
use crate::endpoint::Endpoint;
use crate::error::{ErrorClass, ErrorKind, ModelError};

/// Bytes of the head of an HTTP answer. Services send some 4 KiB.
pub(super) const HEAD_BYTES_MAX: usize = 64 << 10;

/// Bytes that are read from a socket at once, set aside for as long as it is open. Most events
/// have some hundred; the library's own 128 KiB would be half of what a session takes.
const READ_BUFFER_BYTES: usize = 8 << 10;
/// The wait after a 403 that says nothing: the service lets one connection in a second.
const FORBIDDEN_WAIT: Duration = Duration::from_secs(1);

/// Why there is no connection. Nothing was asked, so nothing can have been billed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The host has no address.
    #[error("`{host}` cannot be found: {why}")]
    Dns {
        /// The host.
        host: String,
        /// What the system said.
        why: String,
    },
    /// Nobody answers at the address, or the connection broke.
    #[error("`{address}` cannot be reached: {why}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the system said.
        why: String,
    },
    /// The server could not prove who it is, or speaks another TLS.
    #[error("no trusted connection to `{host}`: {why}")]
    Tls {
        /// The host.
        host: String,
        /// What the TLS library said.
        why: String,
    },
    /// The server knows the protocol, and will not have us.
    #[error("the model's server refused the connection with status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the server says about it.
        #[source]
        error: ModelError,
    },
    /// There is a server, but no WebSocket there (status 404, 405, 426, 501): HTTP may work.
    #[error("the server has no WebSocket at this address (status {status})")]
    NoWebSocket {
        /// The HTTP status.
        status: u16,
    },
    /// The proxy cannot be reached, or opens no tunnel.
    #[error("no way through the proxy `{proxy}`: {why}")]
    Proxy {
        /// Host and port.
        proxy: String,
        /// The HTTP status, where it answered.
        status: Option<u16>,
        /// What is the matter.
        why: String,
    },
    /// The proxy wants to know who asks (status 407).
    #[error("the proxy `{proxy}` {}", proxy_wants(*given))]
    ProxyAuth {
        /// Host and port.
        proxy: String,
        /// Whether its URL held a user.
        given: bool,
    },
    /// The proxy is of a kind that is not supported, such as SOCKS.
    #[error("the proxy `{proxy}` cannot be used: {why}; use an `http://` or `https://` one")]
    ProxyScheme {
        /// Host and port.
        proxy: String,
        /// What is the matter.
        why: String,
    },
    /// What answers is not a WebSocket server.
    #[error("what answers at `{address}` is not a WebSocket server: {why}")]
    NotWebSocket {
        /// Host and port.
        address: String,
        /// What is wrong with the answer.
        why: String,
        /// Whether it is HTTP, at least.
        is_http: bool,
    },
    /// The server was reached, and hung up instead of answering the upgrade: something on the
    /// way may know no WebSockets.
    #[error("the connection to `{address}` broke before a WebSocket was open: {why}")]
    Dropped {
        /// Host and port.
        address: String,
        /// What the system said.
        why: String,
    },
    /// It took too long.
    #[error("no connection within {} ms{}", after.as_millis(), until(*reached))]
    Timeout {
        /// How long.
        after: Duration,
        /// Whether the server was reached, and only the WebSocket did not come about.
        reached: bool,
    },
}

/// Whether plain HTTP may do where a WebSocket did not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpMayDo {
    /// The same would become of it, or it is not known why it should not.
    No,
    /// If it happens again: then something on the way drops what it does not know.
    IfAgain,
    /// HTTP was answered, and no WebSocket.
    Yes,
}

impl ConnectError {
    /// Whether another try may succeed.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Dns { .. }
            | Self::Unreachable { .. }
            | Self::Dropped { .. }
            | Self::Timeout { .. } => ErrorClass::Retryable,
            Self::Refused { error, .. } => error.class(),
            // Of a proxy's refusals, those that say that the way behind it is not open now.
            Self::Proxy { status: None | Some(408 | 429 | 500..), .. } => ErrorClass::Retryable,
            Self::Proxy { status: Some(_), .. }
            | Self::ProxyAuth { .. }
            | Self::ProxyScheme { .. }
            | Self::Tls { .. }
            | Self::NoWebSocket { .. }
            | Self::NotWebSocket { .. } => ErrorClass::Final,
        }
    }

    /// Whether plain HTTP may do instead.
    #[must_use]
    pub fn http_may_do(&self) -> HttpMayDo {
        match self {
            Self::NoWebSocket { .. } | Self::NotWebSocket { is_http: true, .. } => HttpMayDo::Yes,
            // A proxy that drops the wish for an upgrade leaves an ordinary request, and a server
            // answers that with what it has there, or that it makes no sense.
            Self::Refused { status: 200..=299, .. } => HttpMayDo::Yes,
            Self::Refused { status: 400, error } if !error.is_named() => HttpMayDo::Yes,
            Self::Dropped { .. } | Self::Timeout { reached: true, .. } => HttpMayDo::IfAgain,
            Self::Refused { .. }
            | Self::NotWebSocket { is_http: false, .. }
            | Self::Timeout { reached: false, .. }
            | Self::Dns { .. }
            | Self::Unreachable { .. }
            | Self::Tls { .. }
            | Self::Proxy { .. }
            | Self::ProxyAuth { .. }
            | Self::ProxyScheme { .. } => HttpMayDo::No,
        }
    }
}

fn until(reached: bool) -> &'static str {
    if reached { ": the server was reached, and opened no WebSocket" } else { "" }
}

/// Opens a byte stream to the endpoint: through its proxy, with TLS where its URL says so.
pub(super) async fn open(endpoint: &Endpoint) -> Result<Box<dyn ByteStream>, ConnectError> {
    let stream = match endpoint.proxy() {
        Some(proxy) => tunnel(endpoint, &proxy).await?,
        None => dial(endpoint, endpoint.host(), endpoint.port()).await?,
    };
    if !endpoint.is_encrypted() {
        return Ok(stream);
    }
    let tls = encrypt(endpoint.host(), endpoint.roots(), stream).await;
    Ok(Box::new(tls.map_err(|why| ConnectError::Tls { host: endpoint.host().to_owned(), why })?))
}

/// How much of what comes is taken.
pub(super) fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
}

pub(super) async fn dial(
    endpoint: &Endpoint,
    host: &str,
    port: u16,
) -> Result<Box<dyn ByteStream>, ConnectError> {
    endpoint.dialer().dial(host, port).await.map_err(|err| {
        let why = err.to_string();
        if err.get_ref().is_some_and(|inner| inner.is::<NoAddress>()) {
            ConnectError::Dns { host: host.to_owned(), why }
        } else {
            ConnectError::Unreachable { address: format!("{host}:{port}"), why }
        }
    })
}

/// Makes a WebSocket of a byte stream. Redirects are not followed.
pub(super) async fn upgrade(
    endpoint: &Endpoint,
    transport: Box<dyn ByteStream>,
) -> Result<WebSocketStream<Box<dyn ByteStream>>, ConnectError> {
    let request = endpoint.upgrade().map_err(|why| not_web_socket(endpoint, why, false))?;
    match client_async_with_config(request, transport, Some(limits())).await {
        Ok((socket, _response)) => Ok(socket),
        Err(Error::Http(response)) => Err(refused(&response)),
        Err(Error::Io(err)) => Err(dropped(endpoint, &err.to_string())),
        Err(Error::Protocol(ProtocolError::HandshakeIncomplete)) => {
            Err(dropped(endpoint, "it hung up before answering"))
        }
        Err(Error::Protocol(
            err @ (ProtocolError::MissingUpgradeWebSocketHeader
            | ProtocolError::MissingConnectionUpgradeHeader
            | ProtocolError::SecWebSocketAcceptKeyMismatch),
        )) => Err(not_web_socket(endpoint, err.to_string(), true)),
        Err(
            err @ (Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Tls(_)
            | Error::Capacity(_)
            | Error::Protocol(_)
            | Error::WriteBufferFull(_)
            | Error::Utf8(_)
            | Error::AttackAttempt
            | Error::Url(_)
            | Error::HttpFormat(_)),
        ) => Err(not_web_socket(endpoint, err.to_string(), false)),
    }
}

/// Reads a refusal. The body may be cut: only what came together with the headers is there.
fn refused(response: &Response<Option<Vec<u8>>>) -> ConnectError {
    let status = response.status().as_u16();
    if matches!(
        response.status(),
        StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::UPGRADE_REQUIRED
            | StatusCode::NOT_IMPLEMENTED
    ) {
        return ConnectError::NoWebSocket { status };
    }
    let body = response.body().as_deref().unwrap_or_default();
    let mut error = ModelError::from_refusal(response.status(), response.headers(), body);
    if response.status() == StatusCode::FORBIDDEN && !error.is_named() {
        // So too many connections are refused, and so are wrong keys by some gateways.
        error.kind = ErrorKind::Overloaded;
        error.retry_after = error.retry_after.or(Some(FORBIDDEN_WAIT));
        if error.message.is_empty() {
            "too many connections are open, or the key is wrong".clone_into(&mut error.message);
        }
    }
    ConnectError::Refused { status, error }
}

fn proxy_wants(given: bool) -> &'static str {
    if given {
        "does not accept the user and password in its URL (status 407)"
    } else {
        "wants a user and a password (status 407): write them into its URL, \
         `http://user:password@host:port`"
    }
}

pub(super) fn unreachable(endpoint: &Endpoint, why: &str) -> ConnectError {
    ConnectError::Unreachable { address: address(endpoint), why: why.to_owned() }
}

fn dropped(endpoint: &Endpoint, why: &str) -> ConnectError {
    ConnectError::Dropped { address: address(endpoint), why: why.to_owned() }
}

fn not_web_socket(endpoint: &Endpoint, why: String, is_http: bool) -> ConnectError {
    ConnectError::NotWebSocket { address: address(endpoint), why, is_http }
}

fn address(endpoint: &Endpoint) -> String {
    format!("{}:{}", endpoint.host(), endpoint.port())
}
