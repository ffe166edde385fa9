//! Numbers and times as runners write them.

/// Longer than any run.
const SECONDS_MAX: f64 = 1e9;

/// Seconds, perhaps with a comma for the point or between the thousands; what is no time is none.
pub(super) fn milliseconds(seconds: &str) -> Option<u64> {
    let seconds = seconds.trim();
    let plain = match (seconds.contains('.'), seconds.matches(',').count()) {
        (false, 1) => seconds.replace(',', "."),
        (false | true, _) => seconds.replace(',', ""),
    };
    from_seconds(plain.parse().ok()?)
}

pub(super) fn from_seconds(seconds: f64) -> Option<u64> {
    from_milliseconds(seconds * 1000.0)
}

pub(super) fn from_milliseconds(ms: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is checked to be in range"
    )]
    (ms.is_finite() && (0.0..SECONDS_MAX * 1000.0).contains(&ms)).then_some(ms.round() as u64)
}

/// `00:01:02.5000000`, as .NET has it.
pub(super) fn clock(text: &str) -> Option<u64> {
    let mut parts = text.splitn(3, ':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let seconds: f64 = seconds.parse().ok()?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    from_seconds(f64::from(hours) * 3600.0 + f64::from(minutes) * 60.0 + seconds)
}

pub(super) fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_however_they_are_written() {
        let table = [
            ("1.5", Some(1500)),
            ("1,234.5", Some(1_234_500)),
            ("0,25", Some(250)),
            (" 2 ", Some(2000)),
            ("NaN", None),
            ("inf", None),
            ("-1", None),
            ("soon", None),
            ("", None),
        ];
        for (text, ms) in table {
            assert_eq!(milliseconds(text), ms, "{text}");
        }
        assert_eq!(clock("01:00:02.5000000"), Some(3_602_500));
        assert_eq!(clock("1:2"), None);
    }
}
