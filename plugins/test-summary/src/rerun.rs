//! Names as runners take them, and the command that runs only what failed.

use std::collections::BTreeMap;

use crate::locate::Locator;
use crate::report::{Failure, Runner};

/// A command somebody still reads.
const NAMES_MAX: usize = 20;

/// What the names of all commands may take.
const NAMES_BYTES_MAX: usize = 4_000;

/// A test by the name its runner knows it by, as far as the report tells.
pub(crate) fn id(failure: &Failure, locator: &mut Locator) -> String {
    let Failure { suite, name, .. } = failure;
    match failure.runner {
        Runner::CargoTest | Runner::CargoDoctest => name.clone(),
        Runner::Nextest | Runner::Go => format!("{suite} {name}").trim_start().to_owned(),
        Runner::Pytest if !suite.is_empty() => pytest(suite, name, locator),
        Runner::Jest | Runner::Vitest | Runner::Mocha => {
            let file = locator.find(suite).unwrap_or_else(|| suite.clone());
            if file.is_empty() { name.clone() } else { format!("{file} {name}") }
        }
        Runner::Unknown | Runner::Pytest
            if suite.is_empty() || name.starts_with(suite.as_str()) =>
        {
            name.clone()
        }
        Runner::Unknown | Runner::Pytest => format!("{suite}::{name}"),
    }
}

/// `tests.test_a.TestX` and `test_b` are `tests/test_a.py::TestX::test_b`, if there is such a file.
fn pytest(suite: &str, name: &str, locator: &mut Locator) -> String {
    // pytest's own words have the path.
    if suite.contains(".py") || suite.contains('/') {
        return format!("{suite}::{name}");
    }
    let parts: Vec<&str> = suite.split('.').collect();
    for end in (1..=parts.len()).rev() {
        if let Some(file) = locator.find(&format!("{}.py", parts[..end].join("/"))) {
            let inner = parts[end..].iter().copied().chain([name]);
            return std::iter::once(file.as_str()).chain(inner).collect::<Vec<_>>().join("::");
        }
    }
    format!("{suite}::{name}")
}

/// What a runner is told to run: where, and which.
type Target = (Runner, String);

/// The commands, one a runner and place.
pub(crate) fn commands(failures: &[(&Failure, &str)]) -> Vec<String> {
    let mut targets: BTreeMap<Target, Vec<String>> = BTreeMap::new();
    let mut bytes_left = NAMES_BYTES_MAX;
    for (failure, id) in failures {
        let runner = failure.runner;
        let (place, name) = match runner {
            Runner::Unknown => continue,
            Runner::Nextest => (String::new(), format!("test(={})", failure.name)),
            // A doctest's name has its line, which the filter takes as text.
            Runner::CargoTest | Runner::CargoDoctest => (String::new(), failure.name.clone()),
            Runner::Go if failure.suite.is_empty() => continue,
            // Without its file the name is a guess.
            Runner::Pytest if !id.contains(".py") => continue,
            Runner::Pytest => {
                let file = id.strip_suffix("::(collection)").unwrap_or(id);
                (String::new(), file.to_owned())
            }
            Runner::Go => (failure.suite.clone(), failure.name.clone()),
            Runner::Jest | Runner::Vitest | Runner::Mocha => {
                let file = failure.suite.as_str();
                let file = id.strip_suffix(&failure.name).map_or(file, str::trim_end);
                // What is wrong with a file is in all of it.
                let name = if failure.outside { String::new() } else { failure.name.clone() };
                (file.to_owned(), name)
            }
        };
        let names = targets.entry((runner, place)).or_default();
        if names.len() < NAMES_MAX && name.len() <= bytes_left && !names.contains(&name) {
            bytes_left -= name.len();
            names.push(name);
        }
    }
    targets.retain(|_, names| !names.is_empty());
    targets
        .iter()
        .take(NAMES_MAX)
        .map(|((runner, at), names)| command(*runner, at, names))
        .collect()
}

fn command(runner: Runner, place: &str, names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quote(name)).collect();
    let quoted = quoted.join(" ");
    let place = quote(place);
    match runner {
        Runner::CargoTest => format!("cargo test -- --exact {quoted}"),
        Runner::CargoDoctest => format!("cargo test --doc -- {quoted}"),
        Runner::Nextest => format!("cargo nextest run -E {}", quote(&names.join(" + "))),
        Runner::Go => format!("go test {place} -run {}", quote(&go_pattern(names))),
        Runner::Jest => format!("npx jest {place}{}", only(" -t ", names)),
        Runner::Vitest => format!("npx vitest run {place}{}", only(" -t ", names)),
        Runner::Mocha => format!("npx mocha {place}{}", only(" -g ", names)),
        Runner::Pytest | Runner::Unknown => format!("pytest {quoted}"),
    }
}

/// Go takes a pattern for each level of subtests; a test is named by its first.
fn go_pattern(names: &[String]) -> String {
    let mut tests: Vec<String> = Vec::new();
    for test in names.iter().map(|name| literal(name.split('/').next().unwrap_or_default())) {
        if !tests.contains(&test) {
            tests.push(test);
        }
    }
    format!("^({})$", tests.join("|"))
}

/// The option that takes the names, unless all of a file is meant.
fn only(option: &str, names: &[String]) -> String {
    if names.iter().any(String::is_empty) {
        return String::new();
    }
    format!("{option}{}", quote(&either(names)))
}

/// A pattern that any of the names matches, and with luck nothing else.
fn either(names: &[String]) -> String {
    names.iter().map(|name| literal(name)).collect::<Vec<_>>().join("|")
}

/// A name in a regular expression.
fn literal(name: &str) -> String {
    let mut pattern = String::new();
    for c in name.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
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

    #[test]
    fn patterns_match_names_and_nothing_else() {
        let names = ["TestA/b".to_owned(), "TestA/c".to_owned(), "TestB".to_owned()];
        assert_eq!(go_pattern(&names), "^(TestA|TestB)$");
        assert_eq!(either(&["adds (1+1)".to_owned()]), "adds \\(1\\+1\\)");
    }
}
