//! Who vouches: keys as text, and signatures under statements (Ed25519, RFC 8032).
//!
//! A statement is signed together with what it is about, so that a signature of one kind is none of
//! another. This crate must not know what is signed, or whom anybody trusts.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How keys are written: with the algorithm, because there will be another one day.
const ED25519_PREFIX: &str = "ed25519:";

const SEED_BYTES: usize = 32;

/// The public half of a signer's key, as `ed25519:` and base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// Signs statements.
pub struct Signer {
    keys: Ed25519KeyPair,
}

/// A signature, in base64 where it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

/// Why a text is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not a key: write `ed25519:` and 32 bytes in base64")]
pub struct BadKey;

impl Signer {
    /// A new key, as text to be kept secret, and its signer.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn generate() -> Result<(String, Self), std::io::Error> {
        let mut seed = [0; SEED_BYTES];
        getrandom::fill(&mut seed).map_err(|err| std::io::Error::other(err.to_string()))?;
        let signer = Self::of_seed(&seed).map_err(std::io::Error::other)?;
        Ok((format!("{ED25519_PREFIX}{}", BASE64.encode(seed)), signer))
    }

    /// The signer whose key is `text`.
    ///
    /// # Errors
    ///
    /// When it is not a key. The error does not repeat it.
    pub fn of_text(text: &str) -> Result<Self, BadKey> {
        Self::of_seed(&decode::<SEED_BYTES>(text)?)
    }

    fn of_seed(seed: &[u8; SEED_BYTES]) -> Result<Self, BadKey> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(|keys| Self { keys }).map_err(|_| BadKey)
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.keys.public_key().as_ref());
        PublicKey(bytes)
    }

    /// Signs a statement. It must say itself what it is about.
    pub fn sign(&self, statement: &[u8]) -> Signature {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.keys.sign(statement).as_ref());
        Signature(signature)
    }
}

impl PublicKey {
    /// Whether the holder of the key signed this very statement.
    pub fn signed(&self, statement: &[u8], signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(statement, &signature.0).is_ok()
    }
}

fn decode<const N: usize>(text: &str) -> Result<[u8; N], BadKey> {
    let encoded = text.trim().strip_prefix(ED25519_PREFIX).ok_or(BadKey)?;
    BASE64.decode(encoded).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(BadKey)
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ED25519_PREFIX}{}", BASE64.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        decode(text).map(Self)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Shows whose it is, never the key.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.public()).finish()
    }
}

impl From<[u8; 64]> for Signature {
    fn from(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }
}

impl From<Signature> for [u8; 64] {
    fn from(signature: Signature) -> Self {
        signature.0
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = BASE64.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        let bytes = bytes.try_into().map_err(|_| D::Error::custom("a signature has 64 bytes"))?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_from_its_text_and_from_nothing_else() {
        let (text, signer) = Signer::generate().unwrap();
        assert_eq!(Signer::of_text(&format!(" {text}\n")).unwrap().public(), signer.public());
        assert_eq!(signer.public().to_string().parse(), Ok(signer.public()));
        assert!(!format!("{signer:?}").contains(&text[8..20]), "it does not show the secret");
        for bad in ["", "ed25519:", &text[8..], &text[..40], "rsa:AAAA", &format!("{text}AAAA")] {
            assert!(Signer::of_text(bad).is_err(), "{bad}");
            assert!(bad.parse::<PublicKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_signature_is_of_one_statement_by_one_key() {
        let [(_, one), (_, other)] = [Signer::generate().unwrap(), Signer::generate().unwrap()];
        let signature = one.sign(b"statement");
        assert!(one.public().signed(b"statement", &signature));
        assert!(!one.public().signed(b"statements", &signature));
        assert!(!other.public().signed(b"statement", &signature));
        let mut bytes = <[u8; 64]>::from(signature);
        bytes[9] ^= 1;
        assert!(!one.public().signed(b"statement", &bytes.into()));
    }
}
