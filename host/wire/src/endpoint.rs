//! Where the model is, and how to identify ourselves there.

use std::fmt;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Uri};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// A key to a model. It is shown nowhere, and only ever leaves in the `Authorization` header.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a key as it is; surrounding white space, such as a file's last newline, is dropped.
    pub fn new(key: impl AsRef<str>) -> Self {
        Self(key.as_ref().trim().to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

/// A server of the Responses protocol.
#[derive(Clone)]
pub struct Endpoint {
    // Invariant: scheme `ws` or `wss`, with a host, and without user information.
    uri: Uri,
    // Values are marked sensitive.
    headers: HeaderMap,
}

/// Why something cannot be an endpoint, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is not a URL, or not one with a host.
    #[error("`{url}` is not a URL of a server; write it like `https://api.openai.com/v1`")]
    NotAUrl {
        /// What was given.
        url: String,
    },
    /// Something other than HTTP or WebSocket.
    #[error("`{scheme}` is not a scheme of a model's server; use `https`, `http`, `wss` or `ws`")]
    Scheme {
        /// What was given.
        scheme: String,
    },
    /// A user or a password in the URL. The URL is not repeated here: it is a secret.
    #[error("the server's URL holds a user or password; give the key apart from the URL")]
    Credentials,
    /// The key cannot be sent in a header.
    #[error("the key holds characters that no HTTP header can carry")]
    Key,
    /// A header cannot be sent.
    #[error("the header `{name}` cannot be sent; its name or its value holds wrong characters")]
    Header {
        /// Its name.
        name: String,
    },
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
        Ok(Self { uri, headers })
    }

    /// The same endpoint, opened with a key.
    ///
    /// # Errors
    /// When the key is not something a header can carry.
    pub fn with_key(mut self, key: &Secret) -> Result<Self, EndpointError> {
        let mut bearer =
            HeaderValue::try_from(format!("Bearer {}", key.0)).map_err(|_| EndpointError::Key)?;
        bearer.set_sensitive(true);
        self.headers.insert(AUTHORIZATION, bearer);
        Ok(self)
    }

    /// The same endpoint with one more header on the upgrade.
    ///
    /// # Errors
    /// When it is not a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, EndpointError> {
        let wrong = || EndpointError::Header { name: name.to_owned() };
        let name = HeaderName::try_from(name).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| wrong())?;
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

    /// The request for an upgrade, with a fresh key of the handshake.
    pub(crate) fn upgrade(&self) -> Result<Request<()>, String> {
        let mut request = self.uri.clone().into_client_request().map_err(|err| err.to_string())?;
        request.headers_mut().extend(self.headers.clone());
        Ok(request)
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
mod tests {
    use super::*;

    #[test]
    fn the_address_follows_from_the_base_url_as_in_the_official_sdks() {
        let check = |base: &str, url: &str, host: &str, port: u16| {
            let endpoint = Endpoint::new(base).unwrap();
            assert_eq!(
                (endpoint.url().as_str(), endpoint.host(), endpoint.port()),
                (url, host, port)
            );
        };
        check("https://api.x.com/v1", "wss://api.x.com/v1/responses", "api.x.com", 443);
        check("http://127.0.0.1:8/v1/", "ws://127.0.0.1:8/v1/responses", "127.0.0.1", 8);
        check("https://h", "wss://h/responses", "h", 443);
        check("http://[::1]/a?model=m", "ws://[::1]/a/responses?model=m", "::1", 80);
        check("wss://h/v1/responses", "wss://h/v1/responses", "h", 443);
        check(" ws://h:9/v1/responses/ ", "ws://h:9/v1/responses", "h", 9);
    }

    #[test]
    fn what_is_no_address_says_so_and_repeats_no_password() {
        let check = |base: &str, expected: &str| {
            assert_eq!(Endpoint::new(base).unwrap_err().to_string(), expected, "{base}");
        };
        let example = "is not a URL of a server; write it like `https://api.openai.com/v1`";
        check("", &format!("`` {example}"));
        check("api.openai.com/v1", &format!("`api.openai.com/v1` {example}"));
        check("/v1", &format!("`/v1` {example}"));
        check("https://me:hunter2@h o", &format!("`…@h o` {example}"));
        check(
            "ftp://h/v1",
            "`ftp` is not a scheme of a model's server; use `https`, `http`, `wss` or `ws`",
        );
        check(
            "https://me:hunter2@h/v1",
            "the server's URL holds a user or password; give the key apart from the URL",
        );
    }

    #[test]
    fn a_key_is_sent_and_never_shown() {
        let key = Secret::new("sk-hunter2\n");
        let endpoint = Endpoint::new("https://h/v1").unwrap();
        let endpoint = endpoint.with_key(&key).unwrap().with_header("x-org", "hunter2").unwrap();
        let request = endpoint.upgrade().unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer sk-hunter2");
        assert_eq!(request.headers()["x-org"], "hunter2");
        assert!(!format!("{key} {key:?} {endpoint:?} {request:?}").contains("hunter2"));
    }

    #[test]
    fn a_key_or_header_that_cannot_be_sent_is_refused() {
        let endpoint = || Endpoint::new("https://h/v1").unwrap();
        assert_eq!(endpoint().with_key(&Secret::new("a\nb")).unwrap_err(), EndpointError::Key);
        let header = EndpointError::Header { name: "a b".to_owned() };
        assert_eq!(endpoint().with_header("a b", "c").unwrap_err(), header);
    }
}
