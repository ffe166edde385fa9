//! Where the model is, and how to identify ourselves there.

mod error;
mod secret;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use egress::{Proxies, Proxy, Roots};
use http::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

pub use self::error::EndpointError;
pub use self::secret::Secret;
use crate::link::{Dial, Network};

/// Tells the requests of a client apart, in the server's logs and ours.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");

/// Bytes of a client's request id, without the number of the request. The service takes 512.
const CLIENT_REQUEST_ID_BYTES_MAX: usize = 480;

/// Headers that say where a message ends or what becomes of the connection: not to be set from
/// outside, and neither is `Sec-WebSocket-…`.
const FRAMING: [HeaderName; 8] =
    [ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TE, TRANSFER_ENCODING, UPGRADE];

/// How old a link to a server that says nothing else may grow: servers end it at 60 minutes.
const ROLLOVER_AFTER: Duration = Duration::from_mins(55);

/// The same for `api.x.ai`, which ends it at 25 minutes.
const ROLLOVER_AFTER_XAI: Duration = Duration::from_mins(24);

/// Where a key stands in a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyHeader {
    /// `Authorization: Bearer …`: OpenAI, xAI and nearly everybody else; Azure takes it, too.
    #[default]
    Bearer,
    /// `api-key: …`: Azure's own.
    ApiKey,
}

/// A server of the Responses protocol, and the way there.
///
/// OpenAI is `https://api.openai.com/v1`, with [`Endpoint::with_header`] for
/// `OpenAI-Organization` and `OpenAI-Project` where an account has several; Azure is
/// `https://{resource}.openai.azure.com/openai/v1`, where a model is a deployment's name; xAI is
/// `https://api.x.ai/v1`. Any other base URL will do, also with a query.
#[derive(Clone)]
pub struct Endpoint {
    // Invariant: scheme `ws` or `wss`, with a host, and without user information.
    uri: Uri,
    // Values are marked sensitive.
    headers: HeaderMap,
    dialer: Arc<dyn Dial>,
    proxies: Proxies,
    roots: Roots,
    lanes: bool,
    rollover_after: Duration,
    client_request_id: Option<String>,
    // Requests so far that carried the id, over all links.
    requests: Arc<AtomicU64>,
}

impl Endpoint {
    /// An endpoint from a base URL such as `https://api.openai.com/v1`, by the rule of the
    /// official SDKs: `http` becomes `ws`, `https` becomes `wss`, `/responses` is appended
    /// unless it is there already, and a query stays.
    ///
    /// # Errors
    /// When it is no such URL; see [`EndpointError`].
    pub fn new(base_url: &str) -> Result<Self, EndpointError> {
        let not_a_url = || EndpointError::NotAUrl { url: without_user(base_url) };
        let base: Uri = base_url.trim().parse().map_err(|_| not_a_url())?;
        let authority = base.authority().ok_or_else(not_a_url)?;
        if authority.as_str().contains('@') {
            return Err(EndpointError::Credentials);
        }
        if authority.host().is_empty() {
            return Err(not_a_url());
        }
        let scheme = match base.scheme_str() {
            Some("http" | "ws") => "ws",
            Some("https" | "wss") => "wss",
            Some(other) => return Err(EndpointError::Scheme { scheme: other.to_owned() }),
            None => return Err(not_a_url()),
        };
        let uri = responses_uri(scheme, authority, &base).ok_or_else(not_a_url)?;
        let mut headers = HeaderMap::new();
        let ourselves = concat!("stepwell/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(ourselves));
        // Nobody else documents lanes; a server that ignores them would mix up the responses.
        let lanes = authority.host() == "api.openai.com";
        let is_xai = authority.host() == "api.x.ai";
        let rollover_after = if is_xai { ROLLOVER_AFTER_XAI } else { ROLLOVER_AFTER };
        Ok(Self {
            uri,
            headers,
            dialer: Arc::new(Network),
            proxies: Proxies::default(),
            roots: Roots::default(),
            lanes,
            rollover_after,
            client_request_id: None,
            requests: Arc::default(),
        })
    }

    /// The same endpoint, opened with a key.
    ///
    /// # Errors
    /// When the key is not something a header can carry.
    pub fn with_key(self, key: &Secret) -> Result<Self, EndpointError> {
        self.with_key_in(KeyHeader::Bearer, key)
    }

    /// The same, with the key in a header of choice.
    ///
    /// # Errors
    /// When the key is not something a header can carry.
    pub fn with_key_in(mut self, place: KeyHeader, key: &Secret) -> Result<Self, EndpointError> {
        let (name, value) = match place {
            KeyHeader::Bearer => (AUTHORIZATION, format!("Bearer {}", key.reveal())),
            KeyHeader::ApiKey => (HeaderName::from_static("api-key"), key.reveal().to_owned()),
        };
        let mut value = HeaderValue::try_from(value).map_err(|_| EndpointError::Key)?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// The same endpoint, whose upgrades and `POST`s carry `X-Client-Request-Id: {id}-{number}`,
    /// so that both sides' logs can be laid beside each other.
    ///
    /// # Errors
    /// When it is not ASCII that a header can carry, or longer than 480 bytes.
    pub fn with_client_request_id(mut self, id: &str) -> Result<Self, EndpointError> {
        let fits = id.len() <= CLIENT_REQUEST_ID_BYTES_MAX && id.is_ascii();
        if !fits || HeaderValue::try_from(id).is_err() {
            return Err(EndpointError::Header { name: CLIENT_REQUEST_ID.to_string() });
        }
        self.client_request_id = Some(id.to_owned());
        Ok(self)
    }

    /// The same endpoint, reached through `dialer` instead of the network.
    #[must_use]
    pub fn with_dialer(self, dialer: Arc<dyn Dial>) -> Self {
        Self { dialer, ..self }
    }

    /// The same endpoint, reached through a proxy where `proxies` name one for it.
    #[must_use]
    pub fn with_proxies(self, proxies: Proxies) -> Self {
        Self { proxies, ..self }
    }

    /// The same endpoint, whose certificate may come from any of `roots`.
    #[must_use]
    pub fn with_roots(self, roots: Roots) -> Self {
        Self { roots, ..self }
    }

    /// The same endpoint, known to serve several lanes of one WebSocket, or not to. Without
    /// this, only OpenAI's own service is taken to do so.
    #[must_use]
    pub fn with_lanes(self, lanes: bool) -> Self {
        Self { lanes, ..self }
    }

    /// The same endpoint, whose links get a successor at this age. Without this, a little before
    /// the age that OpenAI and most others allow, or xAI.
    #[must_use]
    pub fn with_rollover_after(self, rollover_after: Duration) -> Self {
        Self { rollover_after, ..self }
    }

    /// The same endpoint with one more header on each upgrade and each `POST`.
    ///
    /// # Errors
    /// When it is not a header, or one that belongs to the connection.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, EndpointError> {
        let wrong = || EndpointError::Header { name: name.to_owned() };
        let name = HeaderName::try_from(name).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| wrong())?;
        if FRAMING.contains(&name) || name.as_str().starts_with("sec-websocket-") {
            return Err(EndpointError::ReservedHeader { name: name.to_string() });
        }
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// The URL that is connected to; it holds no secret.
    #[must_use]
    pub fn url(&self) -> String {
        self.uri.to_string()
    }

    /// The host, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, also where the URL leaves it to the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(if self.is_encrypted() { 443 } else { 80 })
    }

    /// Whether the connection is a TLS one.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.uri.scheme_str() == Some("wss")
    }

    /// How old a link may grow before the next response should get a new one: a little less
    /// than what the server allows.
    #[must_use]
    pub fn rollover_after(&self) -> Duration {
        self.rollover_after
    }

    /// Whether the server serves several lanes of one WebSocket.
    pub(crate) fn has_lanes(&self) -> bool {
        self.lanes
    }

    pub(crate) fn dialer(&self) -> &dyn Dial {
        &*self.dialer
    }

    pub(crate) fn proxy(&self) -> Option<Proxy> {
        self.proxies.proxy_for(self.host(), self.is_encrypted())
    }

    pub(crate) fn roots(&self) -> &Roots {
        &self.roots
    }

    /// The request for an upgrade, with a fresh key of the handshake.
    pub(crate) fn upgrade(&self) -> Result<Request<()>, String> {
        let mut request = self.uri.clone().into_client_request().map_err(|err| err.to_string())?;
        request.headers_mut().extend(self.headers.clone());
        self.number(request.headers_mut());
        Ok(request)
    }

    /// The request for a response without a WebSocket.
    pub(crate) fn post<B>(&self, body: B) -> Result<Request<B>, String> {
        let path = self.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let host = self.uri.authority().map_or("", Authority::as_str);
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(HOST, host)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream");
        let mut request = request.body(body).map_err(|err| err.to_string())?;
        request.headers_mut().extend(self.headers.clone());
        self.number(request.headers_mut());
        Ok(request)
    }

    fn number(&self, headers: &mut HeaderMap) {
        let Some(id) = &self.client_request_id else { return };
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        if let Ok(value) = HeaderValue::try_from(format!("{id}-{number}")) {
            headers.insert(CLIENT_REQUEST_ID, value);
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Endpoint")
            .field("url", &self.url())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish()
    }
}

fn responses_uri(scheme: &str, authority: &Authority, base: &Uri) -> Option<Uri> {
    let path = base.path().trim_end_matches('/');
    let path = path.strip_suffix("/responses").unwrap_or(path);
    let query = base.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = PathAndQuery::try_from(format!("{path}/responses{query}")).ok()?;
    Uri::builder()
        .scheme(Scheme::try_from(scheme).ok()?)
        .authority(authority.clone())
        .path_and_query(path)
        .build()
        .ok()
}

/// A URL that cannot be parsed may still hold a password.
fn without_user(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests;
