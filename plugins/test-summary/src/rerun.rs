//! Names as runners take them, and the command that runs only what failed.

use std::collections::BTreeMap;

use crate::locate::Locator;
use crate::report::{Failure, Runner};

/// A command somebody still reads.
const NAMES_MAX: usize = 20;

/// A test by the name its runner knows it by, as far as the report tells.
pub(crate) fn id(failure: &Failure, locator: &mut Locator) -> String {
    let Failure { suite, name, .. } = failure;
    match failure.runner {
        Runner::CargoTest | Runner::CargoDoctest => name.clone(),
        Runner::Nextest => format!("{suite} {name}"),
        Runner::Pytest => pytest(suite, name, locator),
        Runner::Unknown if suite.is_empty() || name.starts_with(suite.as_str()) => name.clone(),
        Runner::Unknown => format!("{suite}::{name}"),
    }
}

/// `tests.test_a.TestX` and `test_b` are `tests/test_a.py::TestX::test_b`, if there is such a file.
fn pytest(suite: &str, name: &str, locator: &mut Locator) -> String {
    let parts: Vec<&str> = suite.split('.').collect();
    for end in (1..=parts.len()).rev() {
        if let Some(file) = locator.find(&format!("{}.py", parts[..end].join("/"))) {
            let inner = parts[end..].iter().copied().chain([name]);
            return std::iter::once(file.as_str()).chain(inner).collect::<Vec<_>>().join("::");
        }
    }
    format!("{suite}::{name}")
}

/// The commands, one a runner; `ids` are those of the failures.
pub(crate) fn commands(failures: &[Failure], ids: &[String]) -> Vec<String> {
    let mut names: BTreeMap<Runner, Vec<String>> = BTreeMap::new();
    for (failure, id) in failures.iter().zip(ids) {
        let name = match failure.runner {
            Runner::Unknown => continue,
            Runner::Nextest => format!("test(={})", failure.name),
            // A doctest's name has its line, which the filter takes as text.
            Runner::CargoTest | Runner::CargoDoctest => failure.name.clone(),
            // Without its file the name is a guess.
            Runner::Pytest if !id.contains(".py::") => continue,
            Runner::Pytest => id.clone(),
        };
        let names = names.entry(failure.runner).or_default();
        if names.len() < NAMES_MAX && !names.contains(&name) {
            names.push(name);
        }
    }
    names.iter().map(|(runner, names)| command(*runner, names)).collect()
}

fn command(runner: Runner, names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quote(name)).collect();
    let quoted = quoted.join(" ");
    match runner {
        Runner::CargoTest => format!("cargo test -- --exact {quoted}"),
        Runner::CargoDoctest => format!("cargo test --doc -- {quoted}"),
        Runner::Nextest => format!("cargo nextest run -E {}", quote(&names.join(" + "))),
        Runner::Pytest | Runner::Unknown => format!("pytest {quoted}"),
    }
}

/// For a POSIX shell. Names come from a report, so nothing in them may mean anything.
fn quote(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-:./=".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_a_command() {
        assert_eq!(quote("a::b"), "a::b");
        assert_eq!(quote("a; rm -rf $HOME"), "'a; rm -rf $HOME'");
        assert_eq!(quote("it's"), "'it'\\''s'");
        assert_eq!(quote("--help"), "'--help'");
        assert_eq!(quote(""), "''");
    }
}
