//! Errors the model's provider reports, in every shape seen on a socket or at the upgrade.

mod wait;

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use self::wait::{headers_in, of_body, of_headers, of_limits};

/// The longest wait a provider may ask of us; anything above is cut to it. A day is longer
/// than any run, and keeps sums of waits from overflowing.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// Bytes kept of a code. The longest known one has 44.
const CODE_BYTES_MAX: usize = 128;

/// Bytes kept of a message: enough to act on, small enough for one line of a log.
const MESSAGE_BYTES_MAX: usize = 2048;

/// The code of an error that the provider gave none.
const UNNAMED: &str = "unknown";

/// What an error asks the client to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Too many requests or tokens for now: wait, then send the full input.
    RateLimited,
    /// The money or the plan is used up: waiting does not help.
    QuotaExhausted,
    /// No capacity: wait well.
    Overloaded,
    /// The key is missing, wrong, or may not do this.
    Auth,
    /// The server no longer holds the response that was to be continued: send the full input.
    PreviousResponseNotFound,
    /// The connection is too old: open another one.
    ConnectionLimit,
    /// The conversation is longer than the model can read.
    ContextTooLong,
    /// The request is wrong; sending it again is no use.
    BadRequest,
    /// The server failed; it may not fail again.
    Server,
    /// None of these.
    Other,
}

impl ErrorKind {
    /// What is known from the code, else from the HTTP status, else from the error's type: codes
    /// are the most exact, and gateways call nearly everything an `invalid_request_error`.
    #[must_use]
    pub fn of(code: &str, status: Option<u16>, error_type: &str) -> Self {
        Self::of_name(code)
            .or_else(|| Self::of_status(status))
            .or_else(|| Self::of_name(error_type))
            .unwrap_or(Self::Other)
    }

    fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "rate_limit_exceeded" | "rate_limit_error" | "too_many_requests" => Self::RateLimited,
            "insufficient_quota"
            | "credit_balance_exhausted"
            | "usage_limit_reached"
            | "billing_hard_limit_reached" => Self::QuotaExhausted,
            "server_is_overloaded" | "slow_down" | "overloaded_error" => Self::Overloaded,
            "invalid_api_key"
            | "authentication_error"
            | "permission_error"
            | "account_deactivated" => Self::Auth,
            "previous_response_not_found" => Self::PreviousResponseNotFound,
            "websocket_connection_limit_reached" => Self::ConnectionLimit,
            "context_length_exceeded" => Self::ContextTooLong,
            "server_error" | "internal_error" | "vector_store_timeout" => Self::Server,
            "invalid_prompt"
            | "invalid_request_error"
            | "invalid_stream_id"
            | "websocket_stream_limit_reached" => Self::BadRequest,
            _ => return None,
        })
    }

    fn of_status(status: Option<u16>) -> Option<Self> {
        Some(match status? {
            429 => Self::RateLimited,
            401 | 403 => Self::Auth,
            503 | 529 => Self::Overloaded,
            408 | 409 | 500..=599 => Self::Server,
            // Redirects are not followed.
            300..=499 => Self::BadRequest,
            _ => return None,
        })
    }

    /// Whether it is about how much may be asked in a time.
    fn is_limit(self) -> bool {
        matches!(self, Self::RateLimited)
    }

    /// The status that goes with it where nobody said which.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::RateLimited | Self::QuotaExhausted => 429,
            Self::Overloaded => 503,
            Self::Auth => 401,
            Self::PreviousResponseNotFound
            | Self::ConnectionLimit
            | Self::ContextTooLong
            | Self::BadRequest => 400,
            Self::Server | Self::Other => 500,
        }
    }

    /// The `error.type` that goes with it.
    fn wire_type(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limit_error",
            Self::QuotaExhausted => "insufficient_quota",
            Self::Auth => "authentication_error",
            Self::PreviousResponseNotFound
            | Self::ConnectionLimit
            | Self::ContextTooLong
            | Self::BadRequest => "invalid_request_error",
            Self::Overloaded | Self::Server | Self::Other => "server_error",
        }
    }
}

/// An error as the provider reported it. The texts are theirs: escape them before showing them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the model's server answered `{code}`: {message}")]
pub struct ModelError {
    /// What to do about it.
    pub kind: ErrorKind,
    /// The provider's code, or `unknown`.
    pub code: String,
    /// The provider's words, cut to a bounded length.
    pub message: String,
    /// The HTTP status, where one was given.
    pub status: Option<u16>,
    /// Which parameter is to blame, where it was named.
    pub param: Option<String>,
    /// How long to wait before trying again, where it was said.
    pub retry_after: Option<Duration>,
    /// Whether to try again, where the server says so itself (`x-should-retry`).
    pub should_retry: Option<bool>,
}

/// Whether another try may do better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Another try may succeed, within the caller's budget for tries.
    Retryable,
    /// Another try would fail the same way.
    Final,
}

impl ModelError {
    /// An error of `kind` in words of our own.
    pub fn new(kind: ErrorKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.into(),
            message: message.into(),
            status: None,
            param: None,
            retry_after: None,
            should_retry: None,
        }
    }

    /// Whether the server named what is wrong, beyond a status.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.code != UNNAMED
    }

    /// Whether another try may succeed: by the server's own word, else by the kind.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        let by_kind = match self.kind {
            ErrorKind::RateLimited
            | ErrorKind::Overloaded
            | ErrorKind::ConnectionLimit
            | ErrorKind::Server => true,
            ErrorKind::QuotaExhausted
            | ErrorKind::Auth
            | ErrorKind::PreviousResponseNotFound
            | ErrorKind::ContextTooLong
            | ErrorKind::BadRequest
            | ErrorKind::Other => false,
        };
        if self.should_retry.unwrap_or(by_kind) { ErrorClass::Retryable } else { ErrorClass::Final }
    }

    /// The same, blaming a parameter of the request.
    #[must_use]
    pub fn with_param(self, param: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..self }
    }

    /// Reads an event of type `error`, or the body of a refused request: the error is nested
    /// with or without a status beside it, or its fields lie flat.
    pub(crate) fn from_envelope(envelope: &Value, status: Option<u16>) -> Self {
        let nested = envelope.get("error").filter(|error| error.is_object());
        let error = nested.unwrap_or(envelope);
        let status = ["status", "status_code"]
            .iter()
            .find_map(|key| status_of(envelope.get(key)?))
            .or(status)
            .or_else(|| status_of(error.get("code")?));
        let code = text(error.get("code"), CODE_BYTES_MAX);
        // Flat errors have the event's own type here.
        let error_type = nested.and_then(|error| text(error.get("type"), CODE_BYTES_MAX));
        // LiteLLM and others put a bare string where the object belongs.
        let message = text(error.get("message"), MESSAGE_BYTES_MAX)
            .or_else(|| text(envelope.get("error"), MESSAGE_BYTES_MAX))
            .unwrap_or_default();
        let mut kind = ErrorKind::of(
            code.as_deref().unwrap_or(""),
            status,
            error_type.as_deref().unwrap_or(""),
        );
        if matches!(kind, ErrorKind::BadRequest | ErrorKind::Other) && is_of_lost_response(&message)
        {
            kind = ErrorKind::PreviousResponseNotFound;
        }
        let places = [error, envelope];
        let headers = headers_in(&places);
        let retry_after = of_headers(&headers)
            .or_else(|| of_body(&places, &message))
            .or_else(|| kind.is_limit().then(|| of_limits(&headers))?);
        Self {
            kind,
            code: code.or(error_type).unwrap_or_else(|| UNNAMED.to_owned()),
            message,
            status,
            param: text(error.get("param"), CODE_BYTES_MAX),
            retry_after,
            should_retry: None,
        }
    }

    /// Reads a refusal over HTTP. The body may be no JSON, or cut short.
    pub(crate) fn from_refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let envelope = serde_json::from_slice(body).unwrap_or_default();
        let mut error = Self::from_envelope(&envelope, Some(status.as_u16()));
        // The status line is the server's word; a status in the body may be a gateway's.
        error.status = Some(status.as_u16());
        if error.message.is_empty() && status.is_redirection() {
            "it redirects elsewhere, and is not followed".clone_into(&mut error.message);
        }
        let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        error.retry_after = of_headers(&header)
            .or(error.retry_after)
            .or_else(|| error.kind.is_limit().then(|| of_limits(&header))?);
        error.should_retry = header("x-should-retry").and_then(|word| word.trim().parse().ok());
        error
    }

    /// The `error` event for a socket, as the reference service writes it.
    pub(crate) fn to_wire(&self) -> Value {
        let mut error = self.body();
        let mut event = json!({
            "type": "error",
            "status": self.status.unwrap_or_else(|| self.kind.status()),
        });
        if let Some(wait) = self.retry_after {
            let headers = json!({ "retry-after-ms": wait.as_millis().to_string() });
            error["headers"] = headers.clone();
            event["headers"] = headers;
        }
        event["error"] = error;
        event
    }

    /// The `error` object alone.
    pub(crate) fn body(&self) -> Value {
        json!({
            "type": self.kind.wire_type(),
            "code": self.code,
            "message": self.message,
            "param": self.param,
        })
    }
}

/// Gateways pass the words on and leave the code behind.
fn is_of_lost_response(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let names_it =
        ["previous response", "previous_response_id"].iter().any(|it| message.contains(it));
    names_it && message.contains("not found")
}

/// A text cut at `bytes_max`; numbers count as text, since some gateways number their codes.
fn text(value: Option<&Value>, bytes_max: usize) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => {
            Some(text[..text.floor_char_boundary(bytes_max)].to_owned())
        }
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

/// A number that can be an HTTP status.
fn status_of(value: &Value) -> Option<u16> {
    let status = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u16::try_from(status).ok().filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests;
