//! Numbers as people read them.

/// `1 file`, `2 files`.
pub fn count(n: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// A number with commas.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let head = digits.len() % 3;
    let mut parts: Vec<&str> = Vec::new();
    if head > 0 {
        parts.push(&digits[..head]);
    }
    parts.extend((head..digits.len()).step_by(3).map(|at| &digits[at..at + 3]));
    parts.join(",")
}

/// A size that a person reads.
pub fn bytes(n: u64) -> String {
    match n {
        0..1_024 => format!("{n} B"),
        1_024..1_048_576 => format!("{}.{} KiB", n / 1_024, n % 1_024 * 10 / 1_024),
        _ => format!("{}.{} MiB", n / 1_048_576, n % 1_048_576 * 10 / 1_048_576),
    }
}

/// A time that a person reads.
pub(crate) fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..10_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => format!("{} s", us / 1_000_000),
    }
}

/// A span of time that a person reads, in seconds, minutes or hours.
pub(crate) fn span(ms: u64) -> String {
    match ms / 1_000 {
        s @ 0..60 => format!("{s} s"),
        s @ 60..3_600 => format!("{} min {} s", s / 60, s % 60),
        s => format!("{} h {} min", s / 3_600, s % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let shown = [grouped(7), grouped(1_234), grouped(1_234_567), bytes(1_023), bytes(1_536)];
        assert_eq!(shown.join(" | "), "7 | 1,234 | 1,234,567 | 1023 B | 1.5 KiB");
        assert_eq!([micros(12), micros(1_234), micros(61_000_000)].join(" "), "12 µs 1.2 ms 61 s");
        assert_eq!(count(1, "file") + &count(2, "file"), "1 file2 files");
        assert_eq!(
            [span(59_999), span(61_000), span(7_260_000)].join(", "),
            "59 s, 1 min 1 s, 2 h 1 min"
        );
    }
}
