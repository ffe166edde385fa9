//! What the specifications take for a licence.

use spdx::{AdditionItem, Expression, LicenseItem, license_id};

/// A licence as its package wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Licence {
    /// An identifier of the SPDX list.
    Listed(String),
    /// An expression that can be read, of listed licences and of `LicenseRef-`s.
    Expression {
        text: String,
        /// The `LicenseRef-`s in it, sorted, each once.
        references: Vec<String>,
    },
    /// Anything else.
    Named(String),
}

impl Licence {
    /// The `LicenseRef-`s in it.
    pub(crate) fn references(&self) -> impl Iterator<Item = &String> {
        let references: &[String] = match self {
            Self::Expression { references, .. } => references,
            Self::Listed(_) | Self::Named(_) => &[],
        };
        references.iter()
    }
}

/// A licence; that nobody knows it, or that there is none, is no licence.
pub(crate) fn licence(text: &str) -> Option<Licence> {
    if matches!(text.trim(), "" | "NOASSERTION" | "NONE") {
        return None;
    }
    if license_id(text).is_some_and(|id| id.name == text) {
        return Some(Licence::Listed(text.to_owned()));
    }
    // Cargo's old way to say "or".
    let spelled = text.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ");
    let parsed = Expression::parse(&spelled).ok();
    Some(match parsed.and_then(|expression| references(&expression)) {
        Some(references) => Licence::Expression { text: spelled, references },
        None => Licence::Named(text.to_owned()),
    })
}

/// The `LicenseRef-`s of an expression; nothing when it refers to another document or to an
/// exception nobody knows, which a lock file cannot explain.
fn references(expression: &Expression) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for requirement in expression.requirements() {
        if matches!(requirement.req.addition, Some(AdditionItem::Other(_))) {
            return None;
        }
        match &requirement.req.license {
            LicenseItem::Spdx { .. } => {}
            LicenseItem::Other(reference) if reference.doc_ref.is_some() => return None,
            LicenseItem::Other(reference) => {
                found.push(format!("LicenseRef-{}", reference.lic_ref));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_what_the_list_knows_or_a_name() {
        let expression = |text: &str, references: &[&str]| {
            let references = references.iter().map(|&text| text.to_owned()).collect();
            Some(Licence::Expression { text: text.to_owned(), references })
        };
        let listed = |text: &str| Some(Licence::Listed(text.to_owned()));
        let named = |text: &str| Some(Licence::Named(text.to_owned()));
        for (text, expected) in [
            ("MIT", listed("MIT")),
            ("GPL-2.0", listed("GPL-2.0")),
            ("Bugroff", listed("Bugroff")),
            ("MIT OR Apache-2.0", expression("MIT OR Apache-2.0", &[])),
            ("MIT/Apache-2.0", expression("MIT OR Apache-2.0", &[])),
            ("(MIT AND BSD-3-Clause)", expression("(MIT AND BSD-3-Clause)", &[])),
            ("MIT OR LicenseRef-x", expression("MIT OR LicenseRef-x", &["LicenseRef-x"])),
            ("DocumentRef-a:LicenseRef-x", named("DocumentRef-a:LicenseRef-x")),
            ("SEE LICENSE IN LICENSE.md", named("SEE LICENSE IN LICENSE.md")),
            ("mit", named("mit")),
            ("UNLICENSED", named("UNLICENSED")),
            ("NOASSERTION", None),
            (" ", None),
        ] {
            assert_eq!(licence(text), expected, "{text}");
        }
    }
}
