//! Opening a connection, in steps that fail with names: address, connection, TLS, upgrade.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::{ErrorClass, MESSAGE_BYTES_MAX};
use crate::endpoint::Endpoint;
use crate::error::{ErrorKind, ModelError};

/// Addresses of a host that are tried, one after another. Names with more are load balancers,
/// whose addresses are alike.
const ADDRESSES_MAX: usize = 4;

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
    /// What answers is not a WebSocket server.
    #[error("what answers at `{address}` is not a WebSocket server: {why}")]
    NotWebSocket {
        /// Host and port.
        address: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// It took too long.
    #[error("no connection within {} ms", after.as_millis())]
    Timeout {
        /// How long.
        after: Duration,
    },
}

impl ConnectError {
    /// Whether another try may succeed.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Dns { .. } | Self::Unreachable { .. } | Self::Timeout { .. } => {
                ErrorClass::Retryable
            }
            Self::Refused { error, .. } => match error.kind {
                ErrorKind::RateLimited
                | ErrorKind::Overloaded
                | ErrorKind::ConnectionLimit
                | ErrorKind::Server => ErrorClass::Retryable,
                ErrorKind::QuotaExhausted
                | ErrorKind::Auth
                | ErrorKind::PreviousResponseNotFound
                | ErrorKind::ContextTooLong
                | ErrorKind::BadRequest
                | ErrorKind::Other => ErrorClass::Final,
            },
            Self::Tls { .. } | Self::NoWebSocket { .. } | Self::NotWebSocket { .. } => {
                ErrorClass::Final
            }
        }
    }
}

/// What a WebSocket can run over.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Opens a connection; the caller limits the time.
pub(super) async fn open(
    endpoint: &Endpoint,
) -> Result<WebSocketStream<Box<dyn Transport>>, ConnectError> {
    let tcp = reach(endpoint).await?;
    let transport: Box<dyn Transport> = if endpoint.is_encrypted() {
        Box::new(encrypt(endpoint, tcp).await?)
    } else {
        Box::new(tcp)
    };
    upgrade(endpoint, transport).await
}

/// How much of what comes is taken.
pub(super) fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
}

async fn reach(endpoint: &Endpoint) -> Result<TcpStream, ConnectError> {
    let (host, port) = (endpoint.host(), endpoint.port());
    let dns = |why: String| ConnectError::Dns { host: host.to_owned(), why };
    let addresses =
        tokio::net::lookup_host((host, port)).await.map_err(|err| dns(err.to_string()))?;
    let mut last = dns("it has no address".to_owned());
    for address in addresses.take(ADDRESSES_MAX) {
        match TcpStream::connect(address).await {
            Ok(tcp) => {
                // Requests are whole messages: waiting for more of them only costs time. A
                // system that cannot be told so is merely slower.
                tcp.set_nodelay(true).ok();
                return Ok(tcp);
            }
            Err(err) => last = unreachable(endpoint, &err),
        }
    }
    Err(last)
}

async fn encrypt(
    endpoint: &Endpoint,
    tcp: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, ConnectError> {
    let tls = |why: String| ConnectError::Tls { host: endpoint.host().to_owned(), why };
    let name = ServerName::try_from(endpoint.host().to_owned())
        .map_err(|_| tls("its name cannot stand in a certificate".to_owned()))?;
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|err| tls(err.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(|err| tls(err.to_string()))
}

async fn upgrade(
    endpoint: &Endpoint,
    transport: Box<dyn Transport>,
) -> Result<WebSocketStream<Box<dyn Transport>>, ConnectError> {
    let request = endpoint.upgrade().map_err(|why| not_web_socket(endpoint, why))?;
    match client_async_with_config(request, transport, Some(limits())).await {
        Ok((socket, _response)) => Ok(socket),
        Err(Error::Http(response)) => Err(refused(&response)),
        Err(Error::Io(err)) => Err(unreachable(endpoint, &err)),
        Err(Error::Protocol(ProtocolError::HandshakeIncomplete)) => {
            let err = io::Error::new(io::ErrorKind::UnexpectedEof, "it hung up before answering");
            Err(unreachable(endpoint, &err))
        }
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
        ) => Err(not_web_socket(endpoint, err.to_string())),
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
    let body = serde_json::from_slice(body).unwrap_or_default();
    let mut error = ModelError::from_envelope(&body, Some(status));
    // The status line is the server's word; a status in the body may be a gateway's.
    error.status = Some(status);
    for name in ["retry-after", "retry-after-ms"] {
        if let Some(value) = response.headers().get(name).and_then(|value| value.to_str().ok()) {
            error = error.with_header(name, value);
        }
    }
    ConnectError::Refused { status, error }
}

fn unreachable(endpoint: &Endpoint, err: &io::Error) -> ConnectError {
    ConnectError::Unreachable { address: address(endpoint), why: err.to_string() }
}

fn not_web_socket(endpoint: &Endpoint, why: String) -> ConnectError {
    ConnectError::NotWebSocket { address: address(endpoint), why }
}

fn address(endpoint: &Endpoint) -> String {
    format!("{}:{}", endpoint.host(), endpoint.port())
}
