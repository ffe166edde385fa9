//! What was called: everything that could change an output, except the repository.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use snapshot::Digest;

/// The identity of a call, as a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey(Digest);

/// What makes two calls the same call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Identity {
    /// The component, as it was loaded.
    pub component: Digest,
    /// The contract it was linked against, with its exact version.
    pub world: String,
    /// The tool's name.
    pub tool: String,
    /// Digest of the schema that the arguments were checked against.
    pub schema: Digest,
    /// The arguments. Two spellings of the same JSON are the same arguments.
    pub args: Value,
    /// Digest of what the tool may read.
    pub grant: Digest,
    /// Digest of the engine and those limits that a guest can notice.
    pub profile: Digest,
    /// Changed by a person to make the cache forget.
    pub salt: String,
}

/// A call, and the key that stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    identity: Identity,
    key: CallKey,
}

/// Why arguments have no canonical form that every reader agrees on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadArguments {
    /// Beyond 2^53 two different numbers may be read as the same one.
    #[error("the number {0} is beyond 2^53; pass it as a string")]
    Number(String),
    /// They have no canonical form for another reason.
    #[error("the arguments have no canonical form: {0}")]
    Form(String),
}

/// The largest integer up to which a double tells all integers apart.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

/// Arguments as a call's key has them (RFC 8785): the same text for the same values, however they
/// were written. Who answers the call must be given this and nothing else, or one key would stand
/// for two inputs.
///
/// # Errors
///
/// When the arguments hold a number that JSON readers disagree about.
pub fn canonical(arguments: &serde_json::Value) -> Result<String, BadArguments> {
    check(arguments)?;
    serde_json_canonicalizer::to_string(arguments)
        .map_err(|err| BadArguments::Form(err.to_string()))
}

impl Call {
    /// The call that is this and no other.
    ///
    /// # Errors
    ///
    /// When the arguments hold a number that JSON readers disagree about.
    pub fn new(identity: Identity) -> Result<Self, BadArguments> {
        let arguments = canonical(&identity.args)?;
        let parts: [&[u8]; 8] = [
            identity.component.as_bytes(),
            identity.world.as_bytes(),
            identity.tool.as_bytes(),
            identity.schema.as_bytes(),
            arguments.as_bytes(),
            identity.grant.as_bytes(),
            identity.profile.as_bytes(),
            identity.salt.as_bytes(),
        ];
        let key = CallKey(Digest::derive("stepwell 2026-11 call key v1", &parts));
        Ok(Self { identity, key })
    }

    /// What makes it this call.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The key that stands for it.
    pub fn key(&self) -> CallKey {
        self.key
    }

    /// The tool, whatever it is called with: its name and its very bytes.
    pub fn tool(&self) -> Digest {
        self.identity.tool_key()
    }
}

impl Identity {
    fn tool_key(&self) -> Digest {
        let parts: [&[u8]; 2] = [self.component.as_bytes(), self.tool.as_bytes()];
        Digest::derive("stepwell 2026-11 tool v1", &parts)
    }
}

impl CallKey {
    /// It, as a digest.
    pub fn digest(&self) -> Digest {
        self.0
    }
}

impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Looks at every number. The depth is bounded by the reader of the arguments.
fn check(value: &Value) -> Result<(), BadArguments> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.abs() < INTEGER_MAX => Ok(()),
            _ => Err(BadArguments::Number(number.to_string())),
        },
        Value::Array(values) => values.iter().try_for_each(check),
        Value::Object(fields) => fields.values().try_for_each(check),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(arguments: &str) -> Result<CallKey, BadArguments> {
        let args = serde_json::from_str(arguments).unwrap();
        Call::new(Identity { args, ..identity() }).map(|call| call.key())
    }

    fn identity() -> Identity {
        let [component, schema, grant, profile] = [b"c", b"s", b"g", b"p"].map(|b| Digest::of(b));
        let (world, tool, salt) = ("w".to_owned(), "t".to_owned(), String::new());
        Identity { component, world, tool, schema, args: Value::Null, grant, profile, salt }
    }

    #[test]
    fn two_spellings_of_the_same_arguments_are_one_call() {
        assert_eq!(key(r#"{"a":1,"b":[2]}"#), key(r#" {"b" : [2.0], "a":1e0} "#));
        assert_ne!(key(r#"{"a":1}"#), key(r#"{"a":"1"}"#));
        assert_ne!(key("[1,2]"), key("[2,1]"));
        assert_ne!(key(r#""ä""#), key(r#""a\u0308""#), "text is not normalised");
    }

    #[test]
    fn a_number_that_readers_disagree_about_has_no_key() {
        for number in ["9007199254740991", "-9007199254740991", "0.1", "1e15"] {
            assert!(key(number).is_ok(), "{number}");
        }
        for number in ["9007199254740992", "-9007199254740993", "18446744073709551615", "1e300"] {
            assert!(matches!(key(number), Err(BadArguments::Number(_))), "{number}");
            assert!(key(&format!(r#"{{"a":[{number}]}}"#)).is_err(), "{number}");
        }
    }

    #[test]
    fn every_field_makes_another_call() {
        let one = identity;
        let other = Digest::of(b"other");
        let calls = [
            one(),
            Identity { component: other, ..one() },
            Identity { world: "w2".to_owned(), ..one() },
            Identity { tool: "t2".to_owned(), ..one() },
            Identity { world: "wt".to_owned(), tool: String::new(), ..one() },
            Identity { schema: other, ..one() },
            Identity { args: Value::Bool(true), ..one() },
            Identity { grant: other, ..one() },
            Identity { profile: other, ..one() },
            Identity { salt: "1".to_owned(), ..one() },
        ];
        let mut keys = calls.map(|call| Call::new(call).unwrap().key()).to_vec();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 10);
    }
}
