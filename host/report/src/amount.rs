//! Numbers, sizes, times and moments as people read them.

/// `1 file`, `2 files`.
pub(crate) fn count(n: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// A number with commas.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A size.
pub(crate) fn bytes(n: u64) -> String {
    match n {
        0..1_024 => format!("{n} B"),
        1_024..1_048_576 => format!("{}.{} KiB", n / 1_024, n % 1_024 * 10 / 1_024),
        _ => format!("{}.{} MiB", n / 1_048_576, n % 1_048_576 * 10 / 1_048_576),
    }
}

/// A time, of microseconds.
pub(crate) fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => millis(us / 1_000),
    }
}

/// A time, of milliseconds.
pub(crate) fn millis(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => two(ms / 60_000, "min", ms % 60_000 / 1_000, "s"),
        _ => two(ms / 3_600_000, "h", ms % 3_600_000 / 60_000, "min"),
    }
}

/// `2 min 5 s`, and `2 min`.
fn two(long: u64, unit: &str, rest: u64, small: &str) -> String {
    if rest == 0 { format!("{long} {unit}") } else { format!("{long} {unit} {rest} {small}") }
}

/// Money, of millionths of a dollar.
pub(crate) fn money(micros: u64) -> String {
    format!("${}.{:04}", micros / 1_000_000, micros % 1_000_000 / 100)
}

/// `12 of 20 (60 %)`.
pub(crate) fn part(n: u64, of: u64) -> String {
    if of == 0 { "0 of 0".to_owned() } else { format!("{n} of {of} ({})", percent(n, of)) }
}

/// `60 %`.
pub(crate) fn percent(n: u64, of: u64) -> String {
    format!("{} %", (u128::from(n) * 100).checked_div(u128::from(of)).unwrap_or(0))
}

/// A moment of milliseconds since 1970 in UTC, as RFC 3339 writes it.
pub(crate) fn moment(ms: u64) -> String {
    let (days, rest) = (ms / 86_400_000, ms % 86_400_000);
    let (year, month, day) = date(days);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, milli) = (rest / 1_000 % 60, rest % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Year, month and day of the days since 1970, by the proleptic Gregorian calendar. Counted from
/// the first of March of the year 0, so that the leap day is the last of its year.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + later, month, of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_what_the_calendar_says() {
        for (ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (1_798_761_599_001, "2026-12-31T23:59:59.001Z"),
        ] {
            assert_eq!(moment(ms), expected);
        }
        // A clock that is wrong by any amount is no reason to end.
        assert!(moment(u64::MAX).ends_with('Z'));
    }

    #[test]
    fn numbers_are_short() {
        let told = [
            grouped(0),
            grouped(999),
            grouped(1_234_567),
            bytes(1_023),
            bytes(1_536),
            bytes(3 * 1_048_576 + 1),
            micros(999),
            micros(1_500),
            micros(2_300_000),
            millis(59_999),
            millis(60_000),
            millis(3_661_000),
            money(1),
            money(12_345_678),
            part(2, 3),
            part(0, 0),
            count(1, "file"),
            count(2_000, "file"),
        ];
        let expected = [
            "0",
            "999",
            "1,234,567",
            "1023 B",
            "1.5 KiB",
            "3.0 MiB",
            "999 µs",
            "1.5 ms",
            "2.3 s",
            "59.9 s",
            "1 min",
            "1 h 1 min",
            "$0.0000",
            "$12.3456",
            "2 of 3 (66 %)",
            "0 of 0",
            "1 file",
            "2,000 files",
        ];
        assert_eq!(told, expected);
    }
}
