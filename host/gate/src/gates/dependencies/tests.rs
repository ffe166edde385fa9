//! What is said of each change of dependencies, by each rule.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::{RuleSpec, Then};

fn change(package: &str, kind: ChangeKind) -> DependencyChange {
    DependencyChange {
        package: package.to_owned(),
        ecosystem: None,
        kind,
        licence: LicenceFact::Unchanged,
        source: None,
        published_days_ago: None,
    }
}

fn new(package: &str) -> DependencyChange {
    change(package, ChangeKind::New { to: "1.0".to_owned() })
}

fn licensed(licence: &str) -> DependencyChange {
    let after = Some(licence.to_owned());
    DependencyChange { licence: LicenceFact::Is { before: None, after }, ..new("it") }
}

fn compared(changes: Vec<DependencyChange>) -> Dependencies {
    Dependencies::Compared { changes, left_out: 0, files: vec!["Cargo.lock".to_owned()] }
}

fn said(known: &Dependencies, spec: DependencySpec) -> String {
    let rules = Rules::new(&RuleSpec { dependencies: spec, ..RuleSpec::default() }).unwrap();
    let Verdict { ruling, because, .. } = judge_dependencies(known, &rules);
    format!("{ruling}: {because}")
}

/// An upgrade step: what it is for is free.
fn upgrades() -> DependencySpec {
    DependencySpec {
        new: Ruling::Pass,
        removed: Ruling::Pass,
        upgraded: Ruling::Pass,
        ..DependencySpec::default()
    }
}

#[test]
fn a_person_looks_at_every_change_unless_the_step_says_otherwise() {
    let kinds = vec![
        new("left\u{1b}pad"),
        change("gone", ChangeKind::Removed { from: "2".to_owned() }),
        change("up", ChangeKind::Upgraded { from: "1".to_owned(), to: "2".to_owned() }),
        change("down", ChangeKind::Downgraded { from: "2".to_owned(), to: "1".to_owned() }),
        change("same", ChangeKind::Kept { version: "1".to_owned() }),
    ];
    let evil = change("evil", ChangeKind::ContentChanged { version: "1".to_owned() });
    let unknown = Dependencies::Unknown {
        why: "the tool `sbom` is not among the step's tools".to_owned(),
        files: vec!["go.mod".to_owned()],
    };
    let cut = Dependencies::Compared { changes: vec![], left_out: 7, files: vec![] };
    let default = DependencySpec::default;
    let found = [
        said(&Dependencies::Untouched, default()),
        said(&compared(vec![]), default()),
        said(&compared(kinds.clone()), default()),
        said(&compared(vec![new("fine"), evil]), default()),
        said(&compared(kinds), upgrades()),
        said(&unknown, upgrades()),
        said(&cut, upgrades()),
    ];
    insta::assert_snapshot!(found.join("\n"), @r"
    pass: no file that dependencies come in by
    pass: 0 changed packages, all as the rules allow
    approval: 4 dependency changes: `left\u{1b}pad` 1.0 is new; `gone` 2 is removed; `up` is upgraded from 1 to 2; and 1 more
    refuse: 2 dependency changes: `evil` 1 has other content under the same version; `fine` 1.0 is new
    approval: 1 dependency change: `down` is downgraded from 2 to 1
    approval: dependencies may change with `go.mod`, and nobody can tell how: the tool `sbom` is not among the step's tools
    approval: 1 dependency change: 7 changes more than are looked at
    ");
}

#[test]
fn what_comes_from_elsewhere_is_refused() {
    let source = Some("git+https://example.com/x".to_owned());
    let known = compared(vec![DependencyChange { source, ..new("x") }]);
    let lowered = DependencySpec { other_source: Then::Approval, ..upgrades() };
    let found = [said(&known, upgrades()), said(&known, lowered)];
    insta::assert_snapshot!(found.join("\n"), @"
    refuse: 1 dependency change: `x` 1.0 is new, comes from `git+https://example.com/x` and not from its registry
    approval: 1 dependency change: `x` 1.0 is new, comes from `git+https://example.com/x` and not from its registry
    ");
}

#[test]
fn a_version_must_have_been_out_for_a_while() {
    let aged = |days| {
        let known = DependencyChange { published_days_ago: days, ..new("x") };
        said(&compared(vec![known]), DependencySpec { cooldown_days: Some(7), ..upgrades() })
    };
    let found = [aged(Some(6)), aged(Some(7)), aged(None)];
    insta::assert_snapshot!(found.join("\n"), @"
    refuse: 1 dependency change: `x` 1.0 is new, was published 6 days ago, the least is 7
    pass: 1 changed package, all as the rules allow
    approval: 1 dependency change: `x` 1.0 is new, nobody knows whether it was published 7 days ago
    ");
}

#[test]
fn a_licence_must_fit_the_lists() {
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let judged = |licence: &str, allowed: &[&str], denied: &[&str]| {
        let spec = DependencySpec {
            licences_allowed: list(allowed),
            licences_denied: list(denied),
            ..upgrades()
        };
        said(&compared(vec![licensed(licence)]), spec)
    };
    let permissive = ["MIT", "Apache-2.0"];
    let table = [
        ("MIT", &permissive[..], &[][..], "pass"),
        ("MIT OR GPL-3.0-only", &permissive, &[], "pass"),
        ("MIT AND GPL-3.0-only", &permissive, &[], "refuse"),
        ("Apache-2.0 WITH LLVM-exception", &permissive, &[], "pass"),
        ("MIT/Apache-2.0", &permissive, &[], "pass"),
        ("AGPL-3.0-only", &[], &["AGPL-3.0-only"], "refuse"),
        ("AGPL-3.0-only OR MIT", &[], &["AGPL-3.0-only"], "pass"),
        ("GPL-2.0+", &["GPL-2.0-or-later"], &[], "pass"),
        ("Beerware, mostly", &permissive, &[], "approval"),
        ("NOASSERTION", &permissive, &[], "approval"),
        ("Beerware, mostly", &[], &[], "pass"),
    ];
    for (licence, allowed, denied, expected) in table {
        let said = judged(licence, allowed, denied);
        assert!(said.starts_with(expected), "{licence}: {said}");
    }
    insta::assert_snapshot!(judged("MIT AND GPL-3.0-only", &permissive, &[]), @"refuse: 1 dependency change: `it` 1.0 is new, has the licence `MIT AND GPL-3.0-only`, which is not among the allowed");
}

static DEFAULT: LazyLock<Rules> = LazyLock::new(|| Rules::new(&RuleSpec::default()).unwrap());

proptest! {
    /// More changes are never less severe, and everything that is found has a place.
    #[test]
    fn one_bad_change_is_not_hidden_among_good_ones(good in 0..30_usize, at in 0..30_usize) {
        let mut changes = vec![new("fine"); good];
        let evil = change("evil", ChangeKind::ContentChanged { version: "1".to_owned() });
        changes.insert(at.min(good), evil);
        let verdict = judge_dependencies(&compared(changes), &DEFAULT);
        prop_assert_eq!(verdict.ruling, Ruling::Refuse);
        prop_assert!(verdict.because.contains("`evil`"));
        prop_assert_eq!(verdict.found, verdict.places.len() as u64);
    }
}
