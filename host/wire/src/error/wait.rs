//! How long a server asks a client to wait, wherever it says so.

use std::time::Duration;

use serde_json::Value;

use super::{CODE_BYTES_MAX, RETRY_AFTER_MAX, text};

/// What a limit of the service counts, in the names of its headers.
const LIMITED: [&str; 2] = ["requests", "tokens"];

/// Words before a wait in a message.
const BEFORE_A_WAIT: [&str; 2] = ["try again in ", "retry after "];

/// The value of a header, by its name in small letters.
pub(super) type Headers<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The headers that stand in one of `places`; names are read in any case.
pub(super) fn headers_in<'a>(places: &'a [&Value]) -> impl Fn(&str) -> Option<String> + 'a {
    |wanted| {
        let headers = places.iter().filter_map(|place| place.get("headers")?.as_object());
        let mut found = headers.flatten().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.find_map(|(_, value)| text(Some(value), CODE_BYTES_MAX))
    }
}

/// Reads `retry-after-ms`, else `retry-after`: seconds or a date.
pub(super) fn of_headers(get: Headers<'_>) -> Option<Duration> {
    let millis = || get("retry-after-ms")?.trim().parse::<f64>().ok();
    if let Some(wait) = millis().and_then(|millis| seconds(millis / 1000.0)) {
        return Some(wait);
    }
    let value = get("retry-after")?;
    match value.trim().parse() {
        Ok(number) => seconds(number),
        Err(_) => until(&value, get),
    }
}

/// Counted from the server's own `date`, which answers over HTTP have, so that nobody's clock
/// need be right. Without one a date says nothing.
fn until(date: &str, get: Headers<'_>) -> Option<Duration> {
    let then = httpdate::parse_http_date(date.trim()).ok()?;
    let now = httpdate::parse_http_date(get("date")?.trim()).ok()?;
    Some(then.duration_since(now).unwrap_or_default().min(RETRY_AFTER_MAX))
}

/// Reads `resets_in_seconds`, else the message's words.
pub(super) fn of_body(places: &[&Value], message: &str) -> Option<Duration> {
    places
        .iter()
        .find_map(|place| seconds(place.get("resets_in_seconds")?.as_f64()?))
        .or_else(|| of_words(message))
}

/// When the limit that is used up is set back (`x-ratelimit-reset-…`). A limit that does not say
/// what remains of it is taken to be used up.
pub(super) fn of_limits(get: Headers<'_>) -> Option<Duration> {
    let reset = |what: &&str| {
        let remains = get(&format!("x-ratelimit-remaining-{what}"));
        if remains.is_some_and(|remains| remains.trim() != "0") {
            return None;
        }
        span(get(&format!("x-ratelimit-reset-{what}"))?.trim())
    };
    LIMITED.iter().filter_map(reset).max()
}

/// Reads "try again in 1.5s", "… in 500ms", "… in 2 minutes", "retry after 26 seconds".
fn of_words(message: &str) -> Option<Duration> {
    let message = message.to_ascii_lowercase();
    BEFORE_A_WAIT.iter().find_map(|words| span(message.split_once(words)?.1))
}

/// The span that a text begins with, such as `6m0s`, `20ms` or `2 minutes`; numbers without a
/// unit are none.
fn span(mut text: &str) -> Option<Duration> {
    let mut sum = None;
    while let Some((part, rest)) = part(text) {
        sum = seconds(sum.map_or(0.0, |sum: Duration| sum.as_secs_f64()) + part);
        text = rest;
    }
    sum
}

/// A number with its unit, in seconds, and what follows.
fn part(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (number, rest) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let rest = rest.trim_start();
    let end = rest.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let seconds = match unit {
        "ms" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "second" | "seconds" => 1.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        _ => return None,
    };
    Some((number * seconds, rest))
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok().map(|wait| wait.min(RETRY_AFTER_MAX))
}
