//! The rules as one text: what an approval is bound to.

use std::fmt::Write as _;

use super::protected::{DECIDING, MANIFESTS, OTHER_SOURCES};
use super::{DependencySpec, OwnGate, RuleSpec, Rules, Then, ThenSpec};
use crate::Ruling;
use crate::gates::formats;

/// Raised when a gate decides otherwise by the same rules: no approval of before counts then.
const VERSION: u32 = 1;

impl Rules {
    /// The effective rules, one a line: equal rules give equal texts, in whatever order their
    /// lists were written, and different ones different texts. Known secrets are no part of it.
    #[must_use]
    pub fn canonical(&self) -> String {
        let RuleSpec { files_max, lines_max, protected, allowed, then, dependencies } = &self.spec;
        let mut text = format!("gates {VERSION}\n");
        let own = protected.iter().map(String::as_str);
        let lines = [("files-max", files_max.to_string()), ("lines-max", lines_max.to_string())];
        for (key, value) in lines.into_iter().chain(thens(*then)) {
            let _infallible = writeln!(text, "{key} {value}");
        }
        let deciding = DECIDING.iter().chain(MANIFESTS).copied();
        list(&mut text, "protected", deciding.chain(own));
        list(&mut text, "allowed", allowed.iter().map(String::as_str));
        list(&mut text, "sources", MANIFESTS.iter().chain(OTHER_SOURCES).copied());
        list(&mut text, "secret-formats", formats::patterns());
        of_dependencies(&mut text, dependencies);
        self.published.canonical(&mut text);
        of_own(&mut text, self.own());
        text
    }
}

fn thens(then: ThenSpec) -> impl Iterator<Item = (&'static str, String)> {
    let ThenSpec { files_max, lines_max, protected_paths, hidden_characters, tests } = then;
    let all = [
        ("then.files-max", files_max),
        ("then.lines-max", lines_max),
        ("then.protected-paths", protected_paths),
        ("then.hidden-characters", hidden_characters),
        ("then.tests", tests),
    ];
    all.into_iter().map(|(key, then)| (key, Ruling::from(then).to_string()))
}

fn of_dependencies(text: &mut String, spec: &DependencySpec) {
    let DependencySpec {
        new,
        removed,
        upgraded,
        downgraded,
        content_changed,
        other_source,
        licence,
        licences_allowed,
        licences_denied,
        cooldown_days,
        too_young,
    } = spec;
    let then = |then: &Then| Ruling::from(*then);
    let rulings = [
        ("new", *new),
        ("removed", *removed),
        ("upgraded", *upgraded),
        ("downgraded", *downgraded),
        ("content-changed", then(content_changed)),
        ("other-source", then(other_source)),
        ("licence", then(licence)),
        ("too-young", then(too_young)),
    ];
    for (key, ruling) in rulings {
        let _infallible = writeln!(text, "dependencies.{key} {ruling}");
    }
    if let Some(days) = cooldown_days {
        let _infallible = writeln!(text, "dependencies.cooldown-days {days}");
    }
    list(text, "dependencies.licences-allowed", licences_allowed.iter().map(String::as_str));
    list(text, "dependencies.licences-denied", licences_denied.iter().map(String::as_str));
}

/// In the order of their names: which of them speaks first decides nothing.
fn of_own(text: &mut String, own: &[OwnGate]) {
    let mut sorted: Vec<&OwnGate> = own.iter().collect();
    sorted.sort_by_key(|gate| &gate.name);
    for OwnGate { name, component, settings, read } in sorted {
        let name = name.as_str();
        let _infallible = writeln!(text, "own {name} component {component:?}");
        let _infallible = writeln!(text, "own {name} settings {settings:?}");
        list(text, &format!("own {name} read"), read.iter().map(String::as_str));
    }
}

/// Quoted, so that no value can look like the next line.
fn list<'a>(text: &mut String, key: &str, values: impl Iterator<Item = &'a str>) {
    let sorted: std::collections::BTreeSet<&str> = values.collect();
    for value in sorted {
        let _infallible = writeln!(text, "{key} {value:?}");
    }
}
