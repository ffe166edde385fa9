//! Amounts of money.

use std::fmt;
use std::str::FromStr;

/// An amount of money in millionths of a US dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MicroDollars(pub u64);

/// How many of them are a dollar.
const DOLLAR: u64 = 1_000_000;

/// Digits after the point that a millionth of a dollar has.
const DECIMALS: usize = 6;

impl MicroDollars {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The most that one reservation or one cap can be, a milliard dollars: sums of very many of
    /// them still fit the database's numbers.
    pub const MAX: Self = Self(1_000_000_000 * DOLLAR);

    /// The sum, or the largest amount there is.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or nothing.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Text that is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAmount {
    /// It is not of the form `5`, `5.00` or `$5.00`.
    #[error("`{text}` is no amount of dollars such as `5.00`, with at most six decimals")]
    Form {
        /// What was written.
        text: String,
    },
    /// It is more than [`MicroDollars::MAX`].
    #[error("`{text}` is more than {} can be", MicroDollars::MAX)]
    TooMuch {
        /// What was written.
        text: String,
    },
}

impl FromStr for MicroDollars {
    type Err = BadAmount;

    /// Reads dollars: `5`, `5.00`, `$0.000001`.
    fn from_str(text: &str) -> Result<Self, BadAmount> {
        let form = || BadAmount::Form { text: text.to_owned() };
        let number = text.strip_prefix('$').unwrap_or(text);
        let (whole, decimals) = match number.split_once('.') {
            Some((whole, decimals)) if !decimals.is_empty() => (whole, decimals),
            Some(_) => return Err(form()),
            None => (number, ""),
        };
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || !is_number(whole)
            || !is_number(decimals)
            || decimals.len() > DECIMALS
        {
            return Err(form());
        }
        // Digits alone are left: what does not fit is too much.
        let too_much = || BadAmount::TooMuch { text: text.to_owned() };
        let millionths: u64 = format!("{decimals:0<DECIMALS$}").parse().map_err(|_| form())?;
        let dollars = whole.parse::<u64>().map_err(|_| too_much())?.checked_mul(DOLLAR);
        let amount = dollars.and_then(|dollars| dollars.checked_add(millionths)).map(Self);
        amount.filter(|amount| *amount <= Self::MAX).ok_or_else(too_much)
    }
}

impl fmt::Display for MicroDollars {
    /// Writes cents, and further decimals where there are any: `$5.00`, `$0.001234`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:0DECIMALS$}", self.0 % DOLLAR);
        let (cents, beyond) = decimals.split_at(2);
        f.pad(&format!("${}.{cents}{}", self.0 / DOLLAR, beyond.trim_end_matches('0')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_written_as_dollars_and_read_back() {
        for (amount, text) in [
            (0, "$0.00"),
            (1, "$0.000001"),
            (1_500_000, "$1.50"),
            (5_000_000, "$5.00"),
            (1_234_560, "$1.23456"),
            (MicroDollars::MAX.0, "$1000000000.00"),
        ] {
            assert_eq!(MicroDollars(amount).to_string(), text);
            assert_eq!(text.parse(), Ok(MicroDollars(amount)));
        }
        assert_eq!("5".parse(), Ok(MicroDollars(5_000_000)));
        assert_eq!("0.5".parse(), Ok(MicroDollars(500_000)));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", "$", ".", "5.", ".5", "-1", "+1", "1e3", "1,50", "0.0000001", " 1", "٣"] {
            let form = BadAmount::Form { text: text.to_owned() };
            assert_eq!(text.parse::<MicroDollars>(), Err(form));
        }
        for text in ["1000000000.000001", "99999999999999999999999999"] {
            let much = BadAmount::TooMuch { text: text.to_owned() };
            assert_eq!(text.parse::<MicroDollars>(), Err(much));
        }
    }
}
