//! Keys of the environment: who signs here, and whose word counts.

use std::collections::BTreeSet;
use std::env;

use keys::{PublicKey, Signer};

use crate::problem::{Problem, SharingProblem};

/// The variable with the key that traces are signed with.
pub(crate) const TRACE_KEY: &str = "STEPWELL_TRACE_KEY";

/// The variable with the public keys of those whose word on a trace counts.
pub(crate) const TRACE_SIGNERS: &str = "STEPWELL_TRACE_SIGNERS";

/// The public keys that a variable lists, with commas or blanks between them; none where it lists
/// nobody.
pub(crate) fn listed(name: &str) -> Result<Option<BTreeSet<PublicKey>>, Problem> {
    let Some(text) = variable(name) else { return Ok(None) };
    let keys = text.split([',', ' ', '\n']).filter(|key| !key.trim().is_empty());
    let keys: Result<_, _> = keys.map(str::parse).collect();
    keys.map(Some).map_err(|source| bad_key(name, source))
}

/// Who signs with the key in a variable; none where there is none.
pub(crate) fn signer(name: &str) -> Result<Option<Signer>, Problem> {
    let signer = variable(name).map(|text| Signer::of_text(&text)).transpose();
    signer.map_err(|source| bad_key(name, source))
}

/// A variable of the environment that says something.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn bad_key(place: &str, source: keys::BadKey) -> Problem {
    SharingProblem::Key { place: place.to_owned(), source }.into()
}
