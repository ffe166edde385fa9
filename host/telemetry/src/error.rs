//! What can be wrong with settings, and with sending. No text of it holds a header, a password or
//! what the other side was sent.

/// A variable that does not say what it must.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct BadSetting {
    /// Its name.
    pub variable: &'static str,
    /// What is wrong with its value, which itself is not shown.
    pub problem: String,
}

/// Why something was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It is not what it is said to be.
    #[error("it is no OTLP/JSON: {0}")]
    Message(String),
    /// The client could not be set up.
    #[error("{0}")]
    Setup(String),
    /// Nobody answered, or the connection broke.
    #[error("{0}")]
    Network(String),
    /// The collector said no.
    #[error("the collector answered {status}{said}")]
    Answered {
        /// The status, of HTTP or of gRPC.
        status: String,
        /// What it said, after a colon; empty where it said nothing.
        said: String,
        /// Whether the same may be taken a little later.
        later: bool,
    },
    /// It took too long.
    #[error("it was not taken within {} ms", .0.as_millis())]
    Late(std::time::Duration),
}

impl SendError {
    /// Whether another try may succeed.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Network(_) => true,
            Self::Answered { later, .. } => *later,
            Self::Message(_) | Self::Setup(_) | Self::Late(_) => false,
        }
    }
}

/// A text of somebody else's, so much of it: `: text`, or nothing.
pub(crate) fn said(text: &str) -> String {
    const SHOWN_MAX: usize = 200;
    let text = text.trim();
    let end = text.floor_char_boundary(SHOWN_MAX);
    if text.is_empty() { String::new() } else { format!(": {}", &text[..end]) }
}

/// An error with what is below it, in a line.
pub(crate) fn in_a_line(err: &dyn std::error::Error) -> String {
    const CAUSES_MAX: usize = 8;
    let mut text = err.to_string();
    let mut cause = err.source();
    for _ in 0..CAUSES_MAX {
        let Some(err) = cause else { break };
        let below = err.to_string();
        // Layers that only repeat what is below them.
        if !text.contains(&below) {
            text = format!("{text}: {below}");
        }
        cause = err.source();
    }
    text
}
