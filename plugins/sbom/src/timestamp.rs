//! A moment as the formats write it: UTC, to the second.

use serde::Deserialize;

/// `2026-11-26T09:06:20Z`, and nothing else: SPDX takes neither fractions nor other zones.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Timestamp(String);

/// What stands where a format must have a moment and the caller gave none. A tool has no clock,
/// and a moment that is obviously none misleads nobody; builds that can be repeated use it, too.
pub(crate) const NO_TIME: &str = "1970-01-01T00:00:00Z";

impl Timestamp {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Timestamp {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const SHAPE: &str = "a moment in UTC to the second, like 2026-11-26T09:06:20Z";
        let fits = text.len() == NO_TIME.len()
            && text.bytes().zip(NO_TIME.bytes()).all(|(is, like)| {
                if like.is_ascii_digit() { is.is_ascii_digit() } else { is == like }
            });
        if !fits {
            return Err(SHAPE);
        }
        let number = |at: usize, len: usize| text[at..at + len].parse::<u32>().unwrap_or(0);
        let (year, month, day) = (number(0, 4), number(5, 2), number(8, 2));
        let (hour, minute, second) = (number(11, 2), number(14, 2), number(17, 2));
        let exists = (1..=12).contains(&month)
            && (1..=days(year, month)).contains(&day)
            && year > 0
            && hour < 24
            && minute < 60
            && second < 60;
        if exists { Ok(Self(text)) } else { Err("a moment that exists") }
    }
}

fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_moment_in_utc_to_the_second_is_taken() {
        let is = |text: &str| Timestamp::try_from(text.to_owned()).is_ok();
        assert!(is(NO_TIME) && is("2024-02-29T23:59:59Z"));
        for not in [
            "2026-11-26T09:06:20.000Z",
            "2026-11-26T09:06:20+01:00",
            "2026-11-26 09:06:20Z",
            "2023-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-26T24:00:00Z",
            "2026-11-26T09:06:2éZ",
            "",
        ] {
            assert!(!is(not), "{not}");
        }
    }
}
