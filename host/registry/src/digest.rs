//! SHA-256 as registries write it: `sha256:` and 64 hex digits.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

/// The algorithm, as the OCI image specification writes it before a digest.
const PREFIX: &str = "sha256:";

/// Names bytes by what they are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no digest: write `sha256:` and 64 hex digits in lower case")]
pub struct BadSha256;

impl Sha256 {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The 64 digits alone, for the name of a file.
    pub fn hex(&self) -> String {
        use fmt::Write as _;

        self.0.iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.hex())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = BadSha256;

    fn from_str(text: &str) -> Result<Self, BadSha256> {
        let hex = text.strip_prefix(PREFIX).ok_or(BadSha256)?.as_bytes();
        let is_lower = |digit: &u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(digit);
        if hex.len() != 64 || !hex.iter().all(is_lower) {
            return Err(BadSha256);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| BadSha256)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| BadSha256)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_digest_is_read_back_and_nothing_else_is_one(bytes in any::<Vec<u8>>(), at in 0_usize..71) {
            let text = Sha256::of(&bytes).to_string();
            prop_assert_eq!(text.parse(), Ok(Sha256::of(&bytes)));
            let mut other = text.clone().into_bytes();
            other[at] = b'G';
            prop_assert!(String::from_utf8(other).unwrap().parse::<Sha256>().is_err());
            prop_assert!(text[..at].parse::<Sha256>().is_err());
        }
    }
}
