//! Patterns, labels and days.

use super::*;

fn scopes() -> Scopes {
    Scopes {
        step: "triage".parse().unwrap(),
        repository: "acme/shop".parse().unwrap(),
        pull_request: Some("17".parse().unwrap()),
        branch: Some("feature/*".parse().unwrap()),
        workflow: None,
        day: "2026-11-24".parse().unwrap(),
    }
}

#[test]
fn a_scope_is_named_with_its_repository() {
    let labels = Dimension::ALL.map(|dimension| scopes().of(dimension).map(|it| it.to_string()));
    let expected = [
        Some("repository:acme/shop"),
        Some("step:acme/shop:triage"),
        Some("pull-request:acme/shop#17"),
        Some("branch:acme/shop@feature/*"),
        None,
        Some("day:2026-11-24"),
    ];
    assert_eq!(labels, expected.map(|label| label.map(str::to_owned)));
}

#[test]
fn a_pattern_means_one_label_or_all_that_begin_alike() {
    let check = |pattern: &str, expected: &[Dimension]| {
        let parsed: Pattern = pattern.parse().unwrap();
        assert_eq!(parsed.to_string(), pattern);
        let matched: Vec<Dimension> = Dimension::ALL
            .into_iter()
            .filter(|dimension| scopes().of(*dimension).is_some_and(|it| parsed.matches(&it)))
            .collect();
        assert_eq!(matched, expected, "{pattern}");
    };
    check("pull-request:*", &[Dimension::PullRequest]);
    check("pull-request:acme/*", &[Dimension::PullRequest]);
    check("pull-request:acme/shop#17", &[Dimension::PullRequest]);
    check("pull-request:acme/shop#1", &[]);
    check("pull-request:acme/shop#1*", &[Dimension::PullRequest]);
    check("step:acme/shop:triage", &[Dimension::Step]);
    check("workflow:*", &[]);
    check("day:2026-*", &[Dimension::Day]);
}

#[test]
fn what_is_no_pattern_says_why() {
    let check = |pattern: &str, expected: &str| {
        let message = pattern.parse::<Pattern>().unwrap_err().to_string();
        assert!(message.contains(expected), "{pattern}: {message}");
    };
    check("repository", "not of the form");
    check("repository:", "not of the form");
    check("repo:acme", "is none of");
    check("repository:*/shop", "not at its end");
    check("repository:**", "not at its end");
}

#[test]
fn a_day_is_one_of_the_calendar() {
    for day in ["2026-11-24", "2024-02-29", "1970-01-01", "9999-12-31"] {
        assert_eq!(day.parse::<Day>().unwrap().as_str(), day);
    }
    for text in ["", "2026-11-31", "2023-02-29", "2026-13-01", "26-11-24", "2026-11-24T", "today"] {
        assert!(text.parse::<Day>().is_err(), "{text}");
    }
    let day: Day = "2026-03-01".parse().unwrap();
    assert_eq!(day.before(1).as_str(), "2026-02-28");
    assert_eq!(day.before(u32::MAX).as_str(), "1970-01-01");
}
