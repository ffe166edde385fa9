//! A step's own gates, as far as the rules know them: what they are called, and what an approval
//! of what they ask about is bound to. Who runs them is the caller's.

use crate::gates::GateName;

/// Most gates of a step's own: each runs a component for each patch.
pub const OWN_GATES_MAX: usize = 16;

/// Longest name, in bytes: a word of a command line, and the end of a rule in SARIF.
const NAME_BYTES_MAX: usize = 64;

/// A gate that the step brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnGate {
    /// What it is called.
    pub name: OwnGateName,
    /// What names its code: a digest of the component, in hex.
    pub component: String,
    /// What the step tells it, as JSON in canonical form.
    pub settings: String,
    /// What it may read: patterns over whole paths.
    pub read: Vec<String>,
}

/// The name of a gate that the step brings: `a-z` first, then `a-z`, `0-9` and `-`, at most 64, and
/// none of the built-in gates'.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnGateName(String);

/// Why a step's own gates cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnGateError {
    /// Not a name.
    #[error("`{}` is no name of a gate", .0.escape_debug())]
    BadName(String),
    /// The name of a gate that is built in.
    #[error("`{0}` is the name of a gate that is built in")]
    BuiltIn(String),
    /// The name of two gates.
    #[error("two gates are called `{0}`")]
    Twice(String),
    /// Too many.
    #[error("there are {0} gates of the step's own, the most is {OWN_GATES_MAX}")]
    TooMany(usize),
}

impl OwnGateName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// When it is none, or that of a built-in gate.
    pub fn parse(name: &str) -> Result<Self, OwnGateError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let begins = name.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
        if !begins || name.len() > NAME_BYTES_MAX || !name.bytes().all(fits) {
            return Err(OwnGateError::BadName(name.to_owned()));
        }
        if GateName::named(name).is_some() {
            return Err(OwnGateError::BuiltIn(name.to_owned()));
        }
        Ok(Self(name.to_owned()))
    }

    /// Reads the names of all gates of a step.
    ///
    /// # Errors
    ///
    /// When one is none, two are the same, or there are too many.
    pub fn parse_all(names: &[&str]) -> Result<Vec<Self>, OwnGateError> {
        if names.len() > OWN_GATES_MAX {
            return Err(OwnGateError::TooMany(names.len()));
        }
        let mut all: Vec<Self> = Vec::with_capacity(names.len());
        for name in names {
            let name = Self::parse(name)?;
            if all.contains(&name) {
                return Err(OwnGateError::Twice(name.0));
            }
            all.push(name);
        }
        Ok(all)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_no_other_gate_has() {
        let told = |names: &[&str]| match OwnGateName::parse_all(names) {
            Ok(names) => names.iter().map(OwnGateName::as_str).collect::<Vec<_>>().join(" "),
            Err(err) => err.to_string(),
        };
        let long = "a".repeat(NAME_BYTES_MAX + 1);
        let many = vec!["a"; OWN_GATES_MAX + 1];
        let all = [
            told(&["api-changelog", "b2"]),
            told(&["secrets"]),
            told(&["a", "a"]),
            told(&["-a"]),
            told(&["A"]),
            told(&["a\u{202e}"]),
            told(&[""]),
            told(&many),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        api-changelog b2
        `secrets` is the name of a gate that is built in
        two gates are called `a`
        `-a` is no name of a gate
        `A` is no name of a gate
        `a\u{202e}` is no name of a gate
        `` is no name of a gate
        there are 17 gates of the step's own, the most is 16
        ");
        assert!(OwnGateName::parse(&long).is_err() && OwnGateName::parse(&long[1..]).is_ok());
    }
}
