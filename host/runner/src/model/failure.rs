//! Why a try of a turn came to nothing, in the words of the rules.

use std::time::Duration;

use session::FailureClass;
use session::budget::Usage;
use wire::ErrorKind;

use super::usage;

/// The code of a response that the server no longer holds.
pub(super) const PREVIOUS_LOST: &str = "previous_response_not_found";
/// The code of a link that the server lets grow no older.
pub(super) const TOO_OLD: &str = "websocket_connection_limit_reached";

/// The wait for a server without capacity that does not say how long. It is busy with others, too.
const OVERLOADED_WAIT: Duration = Duration::from_secs(10);

/// Why a job ended without a response.
pub(super) struct Failure {
    pub(super) class: FailureClass,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) sent: bool,
    pub(super) usage: Option<Usage>,
    pub(super) retry_after: Option<Duration>,
}

pub(super) fn failed(error: wire::ModelError, used: Option<wire::Usage>, began: bool) -> Failure {
    let class = class_of(&error);
    let busy = (error.kind == ErrorKind::Overloaded).then_some(OVERLOADED_WAIT);
    // These are refused before any work is done for them, unless the response had begun.
    let refused = !began
        && matches!(
            error.kind,
            ErrorKind::RateLimited
                | ErrorKind::QuotaExhausted
                | ErrorKind::Auth
                | ErrorKind::PreviousResponseNotFound
                | ErrorKind::ConnectionLimit
        );
    let code = if error.kind == ErrorKind::PreviousResponseNotFound {
        PREVIOUS_LOST.to_owned()
    } else {
        error.code
    };
    Failure {
        class,
        code,
        message: error.message,
        sent: !refused,
        usage: used.map(usage),
        retry_after: error.retry_after.or(busy),
    }
}

/// What may be done about it: by the server's own word where it has one for this case, else by
/// the kind of error. No word makes a used up quota or a wrong key worth another try.
fn class_of(error: &wire::ModelError) -> FailureClass {
    let by_kind = match error.kind {
        ErrorKind::QuotaExhausted | ErrorKind::Auth => return FailureClass::Account,
        ErrorKind::RateLimited
        | ErrorKind::Overloaded
        | ErrorKind::ConnectionLimit
        | ErrorKind::PreviousResponseNotFound
        | ErrorKind::Server
        | ErrorKind::Other => FailureClass::Provider,
        ErrorKind::ContextTooLong | ErrorKind::BadRequest => FailureClass::Request,
    };
    match error.should_retry {
        Some(true) => FailureClass::Provider,
        Some(false) => FailureClass::Request,
        None => by_kind,
    }
}

pub(super) fn not_connected(err: &wire::ConnectError) -> Failure {
    if let wire::ConnectError::Refused { error, .. } = err {
        let named = error.is_named();
        let failure = failed(error.clone(), None, false);
        let code = if named { failure.code } else { "not-connected".to_owned() };
        return Failure { code, message: with_causes(err), sent: false, ..failure };
    }
    let retryable = err.class() == wire::ErrorClass::Retryable;
    let class = if retryable { FailureClass::Provider } else { FailureClass::Account };
    Failure {
        class,
        code: "not-connected".to_owned(),
        message: with_causes(err),
        sent: false,
        usage: None,
        retry_after: None,
    }
}

pub(super) fn lost(err: &wire::LinkError) -> Failure {
    let sent = !err.is_local();
    let class = match err.class() {
        wire::ErrorClass::Retryable => FailureClass::Provider,
        wire::ErrorClass::Final => FailureClass::Request,
    };
    Failure { class, ..link_failure(&with_causes(err), sent) }
}

pub(super) fn link_failure(message: &str, sent: bool) -> Failure {
    Failure {
        class: FailureClass::Provider,
        code: "link-lost".to_owned(),
        message: message.to_owned(),
        sent,
        usage: None,
        retry_after: None,
    }
}

pub(super) fn with_causes(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text = format!("{text}: {err}");
        cause = err.source();
    }
    text
}
