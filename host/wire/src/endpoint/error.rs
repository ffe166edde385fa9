//! What cannot be an endpoint, or a part of one.

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
    /// A header that belongs to the connection.
    #[error("the header `{name}` belongs to the connection and cannot be set")]
    ReservedHeader {
        /// Its name.
        name: String,
    },
}
