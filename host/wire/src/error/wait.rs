//! How long a server asks a client to wait, wherever it says so.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{CODE_BYTES_MAX, RETRY_AFTER_MAX, text};

/// The wait that one of `places` asks for in its headers, or the message in words.
pub(super) fn retry_after(places: &[&Value], message: &str) -> Option<Duration> {
    let headers = places.iter().filter_map(|place| place.get("headers")?.as_object());
    headers
        .flat_map(Map::iter)
        .find_map(|(name, value)| wait_of(name, &text(Some(value), CODE_BYTES_MAX)?))
        .or_else(|| {
            seconds(places.iter().find_map(|place| place.get("resets_in_seconds")?.as_f64())?)
        })
        .or_else(|| wait_in_words(message))
}

/// Reads `retry-after-ms` and `retry-after` in seconds. A date is ignored: it needs a clock.
pub(super) fn wait_of(name: &str, value: &str) -> Option<Duration> {
    let number: f64 = value.trim().parse().ok()?;
    if name.eq_ignore_ascii_case("retry-after-ms") {
        seconds(number / 1000.0)
    } else if name.eq_ignore_ascii_case("retry-after") {
        seconds(number)
    } else {
        None
    }
}

/// Reads "try again in 1.5s", "… in 500ms", "… in 2m".
fn wait_in_words(message: &str) -> Option<Duration> {
    let (_, rest) = message.split_once("try again in ")?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (number, unit) = rest.split_at(end);
    let number: f64 = number.parse().ok()?;
    let unit = unit.trim_start();
    if unit.starts_with("ms") || unit.starts_with("milli") {
        seconds(number / 1000.0)
    } else if unit.starts_with('s') {
        seconds(number)
    } else if unit.starts_with('m') {
        seconds(number * 60.0)
    } else {
        None
    }
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok().map(|wait| wait.min(RETRY_AFTER_MAX))
}
