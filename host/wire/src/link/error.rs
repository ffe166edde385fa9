//! Why a connection is over, or why nothing was sent.

use std::time::Duration;

use super::{IN_FLIGHT_MAX, REQUEST_BYTES_MAX};
use crate::error::ErrorClass;

/// Why a connection is over, or why nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The server closed it, or it was lost. Before a terminal event this is a failure with
    /// any code, also 1000.
    #[error("the model's server closed the connection ({})", closing(*code, reason))]
    Closed {
        /// The close code; none when the connection was dropped, or is no WebSocket.
        code: Option<u16>,
        /// The server's words, or ours where it has none.
        reason: String,
    },
    /// The server sent something that is not the protocol.
    #[error("the model's server sent something that is not the protocol: {why}")]
    Garbage {
        /// What is wrong with it.
        why: String,
    },
    /// The server sent more than is taken.
    #[error("the model's server sent more than {limit} bytes at once or for one response")]
    TooLarge {
        /// The limit that was exceeded, in bytes.
        limit: usize,
    },
    /// The request is larger than a server takes. Nothing was sent.
    #[error("the request has {bytes} bytes; at most {REQUEST_BYTES_MAX} can be sent")]
    RequestTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The system reported an error on the connection.
    #[error("the connection to the model's server failed: {why}")]
    Io {
        /// What the system said.
        why: String,
    },
    /// Nothing came for too long, not even the answer to a ping.
    #[error("the model's server has not been heard of for {} s", after.as_secs())]
    PeerSilent {
        /// How long.
        after: Duration,
    },
    /// The request did not leave: the server does not read.
    #[error("the model's server did not take the request within {} s", after.as_secs())]
    Stalled {
        /// How long.
        after: Duration,
    },
    /// A response is running; a lane serves one at a time. Nothing was sent.
    #[error("a response is running on this link; read it to its end, or close the link")]
    Busy,
    /// As many responses run on this connection as a server runs at once. Nothing was sent.
    #[error("{IN_FLIGHT_MAX} responses are running on this link, and no server runs more at once")]
    Full,
    /// It takes a WebSocket, and this link is none. Nothing was sent.
    #[error("{what} needs a WebSocket, and this link is plain HTTP")]
    WebSocketOnly {
        /// What was wanted.
        what: &'static str,
    },
}

impl LinkError {
    /// Whether another link may do better. Of the close codes, those that both official SDKs
    /// recover from.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Closed { code: None | Some(1000 | 1001 | 1005 | 1006 | 1011..=1015), .. }
            | Self::Garbage { .. }
            | Self::Io { .. }
            | Self::PeerSilent { .. }
            | Self::Stalled { .. } => ErrorClass::Retryable,
            Self::Closed { code: Some(_), .. }
            | Self::TooLarge { .. }
            | Self::RequestTooLarge { .. }
            | Self::Busy
            | Self::Full
            | Self::WebSocketOnly { .. } => ErrorClass::Final,
        }
    }

    /// Whether it says by itself that nothing was sent, and leaves the link as it was. After any
    /// other error the caller compares [`Link::bytes_sent`](super::Link::bytes_sent).
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::RequestTooLarge { .. } | Self::Busy | Self::Full | Self::WebSocketOnly { .. } => {
                true
            }
            Self::Closed { .. }
            | Self::Garbage { .. }
            | Self::TooLarge { .. }
            | Self::Io { .. }
            | Self::PeerSilent { .. }
            | Self::Stalled { .. } => false,
        }
    }

    /// The connection is gone, and nobody said why.
    pub(super) fn dropped() -> Self {
        Self::ended("")
    }

    /// The connection is over, in words of our own.
    pub(super) fn ended(reason: &str) -> Self {
        Self::Closed { code: None, reason: reason.to_owned() }
    }
}

fn closing(code: Option<u16>, reason: &str) -> String {
    match (code, reason) {
        (None, "") => "without a word".to_owned(),
        (None, reason) => reason.to_owned(),
        (Some(code), "") => code.to_string(),
        (Some(code), reason) => format!("{code}: {reason}"),
    }
}
