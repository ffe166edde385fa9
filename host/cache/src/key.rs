//! What was called: everything that could change an output, except the repository.

use std::fmt;

use serde_json::Value;
use snapshot::Digest;

/// The identity of a call, as a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey(Digest);

/// What makes two calls the same call.
#[derive(Debug, Clone, Copy)]
pub struct CallIdentity<'a> {
    /// The component, as it was loaded.
    pub component: Digest,
    /// The contract it was linked against, with its exact version.
    pub world: &'a str,
    /// The tool's name.
    pub tool: &'a str,
    /// The schema that the arguments were checked against.
    pub schema: Digest,
    /// The arguments. Two spellings of the same JSON are the same arguments.
    pub args: &'a Value,
    /// What the tool may read.
    pub grant: Digest,
    /// The engine and those limits that a guest can notice.
    pub profile: Digest,
    /// Changed by a person to make the cache forget.
    pub salt: &'a str,
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

impl CallKey {
    /// The key of a call.
    ///
    /// # Errors
    ///
    /// When the arguments hold a number that JSON readers disagree about.
    pub fn new(call: &CallIdentity<'_>) -> Result<Self, BadArguments> {
        let arguments = canonical(call.args)?;
        let parts: [&[u8]; 8] = [
            call.component.as_bytes(),
            call.world.as_bytes(),
            call.tool.as_bytes(),
            call.schema.as_bytes(),
            arguments.as_bytes(),
            call.grant.as_bytes(),
            call.profile.as_bytes(),
            call.salt.as_bytes(),
        ];
        Ok(Self(Digest::derive("stepwell 2026-11 call key v1", &parts)))
    }

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
        CallKey::new(&identity(&args))
    }

    fn identity(args: &Value) -> CallIdentity<'_> {
        let [component, schema, grant, profile] = [b"c", b"s", b"g", b"p"].map(|b| Digest::of(b));
        CallIdentity { component, world: "w", tool: "t", schema, args, grant, profile, salt: "" }
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
        let args = Value::Null;
        let one = identity(&args);
        let other = Digest::of(b"other");
        let calls = [
            one,
            CallIdentity { component: other, ..one },
            CallIdentity { world: "w2", ..one },
            CallIdentity { tool: "t2", ..one },
            CallIdentity { world: "wt", tool: "", ..one },
            CallIdentity { schema: other, ..one },
            CallIdentity { args: &Value::Bool(true), ..one },
            CallIdentity { grant: other, ..one },
            CallIdentity { profile: other, ..one },
            CallIdentity { salt: "1", ..one },
        ];
        let mut keys = calls.map(|call| CallKey::new(&call).unwrap()).to_vec();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 10);
    }
}
