//! Every shape of error that has been seen is read, and none of them panics.

use super::*;

#[track_caller]
fn check(envelope: &Value, kind: ErrorKind, code: &str, wait: Option<u64>) {
    let error = ModelError::from_envelope(envelope, None);
    assert_eq!((error.kind, error.code.as_str()), (kind, code), "{envelope}");
    assert_eq!(error.retry_after, wait.map(Duration::from_millis), "{envelope}");
}

#[test]
fn all_three_shapes_on_a_socket_are_read() {
    check(
        &json!({"type": "error", "status": 429, "error": {"type": "rate_limit_error",
            "code": "rate_limit_exceeded", "message": "…", "headers": {"retry-after": "2"}}}),
        ErrorKind::RateLimited,
        "rate_limit_exceeded",
        Some(2000),
    );
    check(
        &json!({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}),
        ErrorKind::BadRequest,
        "invalid_request_error",
        None,
    );
    check(
        &json!({"type": "error", "code": "server_error", "message": "boom", "param": null}),
        ErrorKind::Server,
        "server_error",
        None,
    );
}

#[test]
fn codes_come_before_statuses_and_statuses_before_types() {
    let nested = |status: u16, code: &str, error_type: &str| json!({"type": "error", "status": status, "error": {"code": code, "type": error_type}});
    let generic = "invalid_request_error";
    let kinds = [
        (nested(400, "previous_response_not_found", generic), ErrorKind::PreviousResponseNotFound),
        (nested(400, "websocket_connection_limit_reached", generic), ErrorKind::ConnectionLimit),
        (nested(429, "insufficient_quota", ""), ErrorKind::QuotaExhausted),
        (nested(503, "slow_down", ""), ErrorKind::Overloaded),
        (nested(401, "news_to_us", generic), ErrorKind::Auth),
        (nested(400, "context_length_exceeded", generic), ErrorKind::ContextTooLong),
        (nested(418, "news_to_us", ""), ErrorKind::BadRequest),
        (nested(409, "news_to_us", ""), ErrorKind::Server),
        (nested(307, "news_to_us", ""), ErrorKind::BadRequest),
        (nested(502, "news_to_us", ""), ErrorKind::Server),
        (nested(200, "news_to_us", "server_error"), ErrorKind::Server),
        (nested(200, "news_to_us", ""), ErrorKind::Other),
    ];
    for (envelope, kind) in kinds {
        assert_eq!(ModelError::from_envelope(&envelope, None).kind, kind, "{envelope}");
    }
}

#[test]
fn a_lost_response_is_known_by_its_words_where_a_gateway_drops_the_code() {
    let check = |message: &str, code: Option<&str>, kind: ErrorKind| {
        let error = json!({"type": "invalid_request_error", "message": message, "code": code});
        let error = ModelError::from_envelope(&json!({"type": "error", "error": error}), None);
        assert_eq!(error.kind, kind, "{message}");
    };
    let lost = ErrorKind::PreviousResponseNotFound;
    check("Previous response with id 'resp_1' not found.", None, lost);
    check("previous_response_id resp_1 was not found", None, lost);
    check(
        "Previous response with id 'resp_1' not found.",
        Some("invalid_api_key"),
        ErrorKind::Auth,
    );
    check("Model not found", None, ErrorKind::BadRequest);
}

#[test]
fn a_wait_is_found_wherever_it_was_put() {
    let limited = |extra: Value| {
        let mut event = json!({"type": "error", "status": 429, "error": {"code": "slow"}});
        event.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        event
    };
    let wait = |event: Value, expected: Option<u64>| {
        check(&event, ErrorKind::RateLimited, "slow", expected);
    };
    wait(limited(json!({"headers": {"Retry-After-Ms": "250"}})), Some(250));
    wait(limited(json!({"headers": {"retry-after": 1.5}})), Some(1500));
    let date = |date: &str, now: Option<&str>| {
        limited(json!({"headers": {"retry-after": date, "date": now}}))
    };
    let (early, late) = ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:07 GMT");
    wait(date(late, Some(early)), Some(7000));
    wait(date(early, Some(late)), Some(0));
    wait(date("Tue, 01 Jan 2999 00:00:00 GMT", Some(early)), Some(24 * 3600 * 1000));
    wait(date(late, None), None);
    wait(date("tomorrow", Some(early)), None);
    wait(limited(json!({"headers": {"retry-after": "3", "retry-after-ms": "2500"}})), Some(2500));
    wait(limited(json!({"headers": {"retry-after": "3", "retry-after-ms": "soon"}})), Some(3000));
    wait(limited(json!({"headers": {"retry-after": "-3"}})), None);
    wait(limited(json!({"headers": {"retry-after": "1e300"}})), None);
    wait(limited(json!({"resets_in_seconds": 30})), Some(30_000));
    wait(limited(json!({"resets_in_seconds": 1e9})), Some(24 * 3600 * 1000));
    for (words, expected) in [
        ("Please try again in 1.5s.", Some(1500)),
        ("try again in 500ms", Some(500)),
        ("try again in 2 minutes", Some(120_000)),
        ("Try again in 7m12.5s.", Some(432_500)),
        ("try again in 1h0m3s", Some(3_603_000)),
        ("Please retry after 26 seconds.", Some(26_000)),
        ("try again in 3 lightyears", None),
        ("try again in 1.2.3s", None),
        ("try again in a while", None),
        ("try again in 3", None),
    ] {
        wait(limited(json!({"error": {"code": "slow", "message": words}})), expected);
    }
}

#[test]
fn the_limit_that_is_used_up_says_when_it_is_set_back() {
    let check = |status: u16, headers: &[(&str, &str)], expected: Option<u64>| {
        let headers: serde_json::Map<String, Value> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let event = json!({"type": "error", "status": status, "headers": headers});
        let wait = ModelError::from_envelope(&event, None).retry_after;
        assert_eq!(wait, expected.map(Duration::from_millis), "{event}");
    };
    let (requests, tokens) = ("x-ratelimit-reset-requests", "X-RateLimit-Reset-Tokens");
    let left = "x-ratelimit-remaining-tokens";
    check(429, &[(requests, "20ms"), (tokens, "6m0s"), (left, "0")], Some(360_000));
    check(429, &[(requests, "20ms"), (tokens, "6m0s"), (left, "17")], Some(20));
    check(429, &[(requests, "20ms"), (tokens, "6m0s"), ("retry-after", "1")], Some(1000));
    check(429, &[(requests, "1795309000")], None);
    // It is no answer to what else goes wrong: every answer carries these headers.
    check(500, &[(requests, "20ms")], None);
    check(403, &[(requests, "20ms")], None);
}

#[test]
fn what_the_server_writes_the_client_reads() {
    let error = ModelError {
        status: Some(429),
        retry_after: Some(Duration::from_millis(1500)),
        ..ModelError::new(ErrorKind::RateLimited, "rate_limit_exceeded", "later")
            .with_param("input")
    };
    assert_eq!(ModelError::from_envelope(&error.to_wire(), None), error);
}

#[test]
fn long_texts_are_cut_between_characters() {
    let long = "ä".repeat(5000);
    let error = ModelError::from_envelope(&json!({"error": {"code": long, "message": long}}), None);
    assert_eq!((error.code.len(), error.message.len()), (CODE_BYTES_MAX, MESSAGE_BYTES_MAX));
}
