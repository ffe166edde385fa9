//! Errors as a script writes them, in a turn and at the door.

use std::time::Duration;

use serde::Deserialize;

use crate::error::{ErrorKind, ModelError, RETRY_AFTER_MAX};

/// The longest wait that a script can ask for. A minute is longer than any timer of a step that
/// it should trip.
const WAIT_MAX: Duration = Duration::from_mins(60);

/// Where an error says how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RetryIn {
    Headers,
    Words,
}

/// What a script says of an error.
#[derive(Debug, Default)]
pub(super) struct RefusalText {
    pub(super) code: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) message: Option<String>,
    pub(super) retry_after_ms: Option<u64>,
    pub(super) retry_in: Option<RetryIn>,
}

impl RefusalText {
    pub(super) fn read(self) -> Result<ModelError, String> {
        if self.status.is_some_and(|status| !(400..600).contains(&status)) {
            return Err("the `status` of an error is between 400 and 599".to_owned());
        }
        if self.retry_in.is_some() && self.retry_after_ms.is_none() {
            return Err("`retry-in` says where `retry-after-ms` stands, and that is missing".into());
        }
        let code = self.code.unwrap_or_else(|| code_of(self.status).to_owned());
        let kind = ErrorKind::of(&code, self.status, "");
        let mut message = self.message.unwrap_or_else(|| format!("the script says `{code}`"));
        let mut retry_after =
            self.retry_after_ms.map(|ms| Duration::from_millis(ms).min(RETRY_AFTER_MAX));
        if self.retry_in == Some(RetryIn::Words)
            && let Some(wait) = retry_after.take()
        {
            let wait = wait.as_secs_f64();
            message = format!("{}. Please try again in {wait}s.", message.trim_end_matches('.'));
        }
        Ok(ModelError { status: self.status, retry_after, ..ModelError::new(kind, code, message) })
    }
}

/// The code that usually goes with a status.
fn code_of(status: Option<u16>) -> &'static str {
    match status {
        Some(401) => "invalid_api_key",
        Some(403) => "permission_error",
        Some(404) => "not_found",
        Some(426) => "upgrade_required",
        Some(429) => "rate_limit_exceeded",
        Some(503) => "server_is_overloaded",
        Some(400..500) => "invalid_request_error",
        Some(_) | None => "server_error",
    }
}

/// A wait that is not longer than any test.
pub(super) fn milliseconds(ms: u64) -> Result<Duration, String> {
    let wait = Duration::from_millis(ms);
    if wait > WAIT_MAX {
        return Err(format!("{ms} ms is more than {} ms", WAIT_MAX.as_millis()));
    }
    Ok(wait)
}
