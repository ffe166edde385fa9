//! What the specification takes for a licence.

use spdx::{Expression, license_id};

use crate::document::{Licence, LicenceChoice};

/// Identifiers of the SPDX list that are younger than the list in the schema of CycloneDX 1.6,
/// which takes no others. Sorted.
const YOUNGER: [&str; 19] = [
    "BSD-2-Clause-pos-unchanged",
    "BSD-3-Clause-OpenWebUI",
    "BSD-Source-Code-no-disclaimer",
    "BSD-Source-alt-GPL",
    "BSD-ask-to-endorse",
    "Brian-Gladman-3-Clause-no-conversion",
    "Bugroff",
    "CC-BY-NC-3.0-IGO",
    "FDK-MPEG-H",
    "GFDL-1.1-invariants",
    "GFDL-1.1-no-invariants",
    "GFDL-1.2-invariants",
    "GFDL-1.2-no-invariants",
    "GFDL-1.3-invariants",
    "GFDL-1.3-no-invariants",
    "Hippocratic-3.0-core",
    "Informatica",
    "MVT-1.1",
    "atc-game",
];

/// A licence as its package wrote it: an identifier or an expression of the SPDX list where it is
/// one, a name otherwise. That nobody knows it, or that there is none, is no licence.
pub(crate) fn licence(text: &str) -> Option<LicenceChoice> {
    if matches!(text, "NOASSERTION" | "NONE") {
        return None;
    }
    let is_listed = license_id(text).is_some_and(|id| id.name == text);
    // The younger ones may still stand in an expression.
    if is_listed && YOUNGER.binary_search(&text).is_err() {
        return Some(LicenceChoice::License(Licence::Id(text.to_owned())));
    }
    // Cargo's old way to say "or".
    let spelled = text.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ");
    Some(match Expression::parse(&spelled) {
        Ok(_) => LicenceChoice::Expression(spelled),
        Err(_) => LicenceChoice::License(Licence::Name(text.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(serde_json::to_string(&licence(text)).unwrap(), expected);
    }

    #[test]
    fn younger_licences_are_sorted() {
        assert!(YOUNGER.is_sorted());
    }

    #[test]
    fn a_licence_is_what_the_list_knows_or_a_name() {
        check("MIT", r#"{"license":{"id":"MIT"}}"#);
        check("GPL-2.0", r#"{"license":{"id":"GPL-2.0"}}"#);
        check("Bugroff", r#"{"expression":"Bugroff"}"#);
        check("MIT OR Apache-2.0", r#"{"expression":"MIT OR Apache-2.0"}"#);
        check("MIT/Apache-2.0", r#"{"expression":"MIT OR Apache-2.0"}"#);
        check("(MIT AND BSD-3-Clause)", r#"{"expression":"(MIT AND BSD-3-Clause)"}"#);
        check("SEE LICENSE IN LICENSE.md", r#"{"license":{"name":"SEE LICENSE IN LICENSE.md"}}"#);
        check("mit", r#"{"license":{"name":"mit"}}"#);
        check("NOASSERTION", "null");
        check("UNLICENSED", r#"{"license":{"name":"UNLICENSED"}}"#);
    }
}
