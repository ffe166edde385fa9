//! Version ranges in the syntax that goes with package URLs (`vers:`), where they can be said in it.

use lockgraph::{Ecosystem, query};

/// The most conditions of one range; nobody writes more by hand.
const CONDITIONS_MAX: usize = 64;

/// The versions that will do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// As the lock file has it.
    pub(crate) text: String,
    /// The same as `vers:`, where it consists of comparisons alone.
    pub(crate) vers: Option<String>,
}

impl Range {
    pub(crate) fn new(ecosystem: Ecosystem, text: &str) -> Self {
        Self { vers: vers(ecosystem, text), text: text.to_owned() }
    }
}

/// A range of comparisons separated by commas. What `^`, `~` and wildcards mean differs by
/// ecosystem: guessing would be worse than not saying it.
fn vers(ecosystem: Ecosystem, text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    if parts.len() > CONDITIONS_MAX {
        return None;
    }
    if parts == ["*"] {
        return Some(format!("vers:{}/*", ecosystem.name()));
    }
    let mut conditions = parts.into_iter().map(condition).collect::<Option<Vec<_>>>()?;
    conditions.sort_by(|(_, a), (_, b)| query::natural_order(a, b));
    conditions.dedup();
    // The syntax allows a version once.
    if conditions.windows(2).any(|pair| pair[0].1 == pair[1].1) {
        return None;
    }
    let written: Vec<String> =
        conditions.iter().map(|(sign, version)| format!("{sign}{version}")).collect();
    Some(format!("vers:{}/{}", ecosystem.name(), written.join("|")))
}

fn condition(text: &str) -> Option<(&'static str, &str)> {
    const SIGNS: [(&str, &str); 7] =
        [("==", ""), (">=", ">="), ("<=", "<="), ("!=", "!="), ("=", ""), (">", ">"), ("<", "<")];
    let (sign, version) =
        SIGNS.iter().find_map(|(from, to)| Some((*to, text.strip_prefix(from)?.trim())))?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let is_version =
        version.starts_with(|c: char| c.is_ascii_alphanumeric()) && version.chars().all(is_plain);
    is_version.then_some((sign, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_can_be_said_and_nothing_is_guessed() {
        let ranges = [
            ("<2.0, >=1.10,!=1.11", Some("vers:pypi/>=1.10|!=1.11|<2.0")),
            ("==1.0", Some("vers:pypi/1.0")),
            ("*", Some("vers:pypi/*")),
            ("^1.2", None),
            ("~=1.2", None),
            ("==1.*", None),
            (">=1,<1", None),
            ("1 || 2", None),
            ("", None),
        ];
        for (text, vers) in ranges {
            assert_eq!(Range::new(Ecosystem::Pypi, text).vers.as_deref(), vers, "{text}");
        }
    }
}
