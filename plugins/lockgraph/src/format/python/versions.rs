//! Whether a version is one that a range allows, in the words of PEP 440 and of Poetry.

use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifier, VersionSpecifiers};

/// Whether `range` allows `version`; nothing when one of the two cannot be read.
pub(super) fn allows(range: &str, version: &str) -> Option<bool> {
    let version = Version::from_str(version).ok()?;
    let mut any = Some(false);
    for alternative in range.split("||") {
        match allows_all(alternative, &version) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => any = None,
        }
    }
    any
}

fn allows_all(range: &str, version: &Version) -> Option<bool> {
    let mut all = true;
    for clause in range.split(',').map(str::trim).filter(|clause| !clause.is_empty()) {
        all &= allows_clause(clause, version)?;
    }
    Some(all)
}

fn allows_clause(clause: &str, version: &Version) -> Option<bool> {
    if clause == "*" {
        return Some(true);
    }
    // A pinned version without its local part allows any build of it, in both languages.
    if let Some(least) = clause.strip_prefix('^') {
        return within(least, version, |parts| {
            parts.iter().position(|&part| part != 0).unwrap_or(parts.len() - 1)
        });
    }
    if let Some(least) = clause.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
        return within(least, version, |parts| usize::from(parts.len() > 1));
    }
    if clause.starts_with(|c: char| c.is_ascii_digit()) {
        return allows_clause(&format!("=={clause}"), version);
    }
    // Poetry writes several bounds with spaces between them, too.
    if let Ok(specifier) = VersionSpecifier::from_str(clause) {
        return Some(specifier.contains(version));
    }
    VersionSpecifiers::from_str(clause).ok().map(|all| all.contains(version))
}

/// Whether a version lies between `least` and the next one that differs at the place `at` says.
fn within(least: &str, version: &Version, at: fn(&[u64]) -> usize) -> Option<bool> {
    let least = Version::from_str(least.trim()).ok()?;
    let parts = least.release();
    let at = at(parts);
    let mut next: Vec<u64> = parts.get(..=at)?.to_vec();
    let last = next.last_mut()?;
    *last = last.checked_add(1)?;
    let next = Version::new(next).with_epoch(least.epoch());
    Some(*version >= least && *version < next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_allows_what_its_language_says() {
        for (range, version, expected) in [
            (">=1.2,<2", "1.9", Some(true)),
            (">=1.2,<2", "2.0", Some(false)),
            ("==1.*", "1.4", Some(true)),
            ("~=1.4.2", "1.5", Some(false)),
            ("^1.2", "1.9.9", Some(true)),
            ("^1.2", "2.0", Some(false)),
            ("^0.2.3", "0.3.0", Some(false)),
            ("^0.0.3", "0.0.4", Some(false)),
            ("^0", "0.9", Some(true)),
            ("~1.2.3", "1.2.9", Some(true)),
            ("~1", "1.9", Some(true)),
            ("~1", "2.0", Some(false)),
            ("1.2.*", "1.2.7", Some(true)),
            ("1.2.3", "1.2.3", Some(true)),
            ("1.2.3", "1.2.3+cpu", Some(true)),
            ("*", "1.0", Some(true)),
            ("<1 || >=3", "3.1", Some(true)),
            ("<1 || >=3", "2", Some(false)),
            ("", "1", Some(true)),
            ("what?", "1", None),
            ("^", "1", None),
            (">=1", "what?", None),
        ] {
            assert_eq!(allows(range, version), expected, "{range} {version}");
        }
    }
}
