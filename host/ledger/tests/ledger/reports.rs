//! What was spent, by whatever one asks for; and what is left of it after years.

use ledger::{
    Caps, Day, Dimension, Filter, Ledger, LedgerError, MicroDollars, Period, Pruned, Scopes,
    Totals, Usage,
};

use crate::support::*;

on_each_place!(
    a_report_adds_up_by_what_is_asked_for,
    a_filter_takes_patterns_and_days,
    adding_days_up_changes_no_sum_and_no_cap,
    what_nobody_settled_for_months_is_charged_in_full,
);

fn at(repository: &str, pull_request: Option<&str>, day: &str) -> Scopes {
    Scopes {
        repository: repository.parse().unwrap(),
        pull_request: pull_request.map(|number| number.parse().unwrap()),
        day: day.parse().unwrap(),
        ..scopes()
    }
}

/// Four settled requests of two runs, one of which nobody knows the cost of, and an open one.
async fn fill(ledger: &Ledger) {
    let requests = [
        ("first", 1, at("acme/shop", Some("17"), "2026-11-24"), Some(known(40))),
        ("first", 2, at("acme/shop", Some("17"), "2026-11-25"), Some(Usage::Unknown)),
        ("second", 1, at("acme/shop", None, "2026-11-25"), Some(known(130))),
        ("second", 2, at("acme/site", Some("17"), "2026-11-25"), Some(known(5))),
        ("second", 3, at("acme/site", Some("17"), "2026-11-26"), None),
    ];
    let leases = [take(ledger, "first").await, take(ledger, "second").await];
    for (run, turn, scopes, usage) in requests {
        let lease = leases.iter().find(|lease| lease.run().as_str() == run).unwrap();
        let most = MicroDollars(100);
        ledger.reserve(lease, key(turn), &scopes, most, &Caps::none()).await.unwrap();
        if let Some(usage) = usage {
            ledger.settle(lease, key(turn), usage).await.unwrap();
        }
    }
}

/// The lines of a report as text: scopes, spent, reserved, excess; requests, unknown, runs.
async fn lines(ledger: &Ledger, by: &[Dimension], filter: &Filter) -> Vec<String> {
    let lines = ledger.report(by, filter).await.unwrap();
    let line = |line: ledger::Line| {
        let scopes: Vec<String> = (line.scopes.iter())
            .map(|scope| scope.as_ref().map_or("none".to_owned(), ledger::Scope::label))
            .collect();
        let Totals { runs, requests, unknown, spent, reserved, excess, .. } = line.totals;
        let (spent, reserved, excess) = (spent.0, reserved.0, excess.0);
        let scopes = scopes.join(" ");
        format!("{scopes}: {spent} {reserved} {excess}; {requests} {unknown} {runs}")
    };
    lines.into_iter().map(line).collect()
}

async fn a_report_adds_up_by_what_is_asked_for(world: &World) {
    use Dimension::{Day, PullRequest, Repository, Workflow};
    let ledger = world.open().await;
    let all = Filter::default();
    assert_eq!(lines(&ledger, &[Repository], &all).await, [""; 0]);
    assert_eq!(lines(&ledger, &[], &all).await, [": 0 0 0; 0 0 0"]);
    fill(&ledger).await;
    assert_eq!(lines(&ledger, &[], &all).await, [": 245 100 30; 5 1 2"]);
    assert_eq!(
        lines(&ledger, &[Repository], &all).await,
        ["acme/shop: 240 0 30; 3 1 2", "acme/site: 5 100 0; 2 0 1"]
    );
    // Two repositories have a pull request 17.
    assert_eq!(
        lines(&ledger, &[PullRequest], &all).await,
        ["none: 100 0 30; 1 0 1", "acme/shop#17: 140 0 0; 2 1 1", "acme/site#17: 5 100 0; 2 0 1",]
    );
    assert_eq!(
        lines(&ledger, &[Day, Repository], &all).await,
        [
            "2026-11-24 acme/shop: 40 0 0; 1 0 1",
            "2026-11-25 acme/shop: 200 0 30; 2 1 2",
            "2026-11-25 acme/site: 5 0 0; 1 0 1",
            "2026-11-26 acme/site: 0 100 0; 1 0 1",
        ]
    );
    let by = lines(&ledger, &[Workflow], &all).await;
    assert_eq!(by, ["none: 240 0 30; 3 1 2", "none: 5 100 0; 2 0 1"]);
}

async fn a_filter_takes_patterns_and_days(world: &World) {
    let ledger = world.open().await;
    fill(&ledger).await;
    let check = async |patterns: &[&str], since: Option<&str>, until: Option<&str>, spent: u64| {
        let day = |text: &str| text.parse::<Day>().unwrap();
        let filter = Filter {
            scopes: patterns.iter().map(|pattern| pattern.parse().unwrap()).collect(),
            since: since.map(day),
            until: until.map(day),
        };
        let lines = ledger.report(&[], &filter).await.unwrap();
        assert_eq!(lines[0].totals.spent, MicroDollars(spent), "{filter:?}");
    };
    check(&["pull-request:acme/shop#17"], None, None, 140).await;
    check(&["pull-request:acme/*"], None, None, 145).await;
    check(&["pull-request:*"], None, None, 145).await;
    check(&["pull-request:*", "repository:acme/site"], None, None, 5).await;
    check(&["repository:acme"], None, None, 0).await;
    check(&["day:2026-11-24"], None, None, 40).await;
    check(&["workflow:*"], None, None, 0).await;
    check(&[], Some("2026-11-25"), None, 205).await;
    check(&[], None, Some("2026-11-24"), 40).await;
    check(&["repository:acme/s%"], None, None, 0).await;
}

async fn adding_days_up_changes_no_sum_and_no_cap(world: &World) {
    use Dimension::{Branch, Day, PullRequest, Repository, Step, Workflow};
    let ledger = world.open().await;
    ledger.set_cap(&cap("repository:*", Period::Total, 300)).await.unwrap();
    fill(&ledger).await;
    let by = [Day, Repository, PullRequest, Branch, Workflow, Step];
    let before = lines(&ledger, &by, &Filter::default()).await;
    // Two of the days are older than 90 days by then.
    let today = "2027-02-24".parse().unwrap();
    let pruned = ledger.prune(&today).await.unwrap();
    assert_eq!(pruned, Pruned { requests: 4, charged_in_full: 0 });
    assert_eq!(ledger.prune(&today).await.unwrap(), Pruned::default());
    assert_eq!(lines(&ledger, &by, &Filter::default()).await, before);

    let lease = take(&ledger, "third").await;
    let late = at("acme/shop", None, "2027-02-24");
    // What was taken beyond the reservations counts, too.
    for (most, fits) in [(31, false), (30, true)] {
        let most = MicroDollars(most);
        let asked = ledger.reserve(&lease, key(1), &late, most, &Caps::none()).await;
        match asked {
            Ok(_) => assert!(fits),
            Err(err) => assert!(matches!(err, LedgerError::Refused(_)) && !fits, "{err:?}"),
        }
    }
}

async fn what_nobody_settled_for_months_is_charged_in_full(world: &World) {
    let ledger = world.open().await;
    fill(&ledger).await;
    let lease = take(&ledger, "third").await;
    let pruned = ledger.prune(&"2027-03-01".parse().unwrap()).await.unwrap();
    assert_eq!(pruned, Pruned { requests: 5, charged_in_full: 1 });
    assert_eq!(lines(&ledger, &[], &Filter::default()).await, [": 345 0 30; 5 2 5"]);
    // Years later nothing is left, but for who works.
    ledger.prune(&"2029-01-01".parse().unwrap()).await.unwrap();
    assert_eq!(lines(&ledger, &[], &Filter::default()).await, [": 0 0 0; 0 0 0"]);
    let new = reserve(&ledger, &lease, 1, 1).await;
    assert!(new.is_ok(), "{new:?}");
}
