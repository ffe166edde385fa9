//! Reserve, settle, release, and the caps they are held against.

use ledger::{Caps, Dimension, EntryKey, LedgerError, MicroDollars, Period, Refusal, Reserved};

use crate::support::*;

on_each_place!(
    what_is_reserved_is_settled_once,
    asking_twice_reserves_once,
    more_than_was_reserved_is_told_apart_and_counts,
    a_cost_that_nobody_knows_is_charged_in_full,
    what_was_not_sent_costs_nothing,
    a_refusal_names_the_scope_and_changes_nothing,
    a_cap_holds_from_now_on_for_everyone,
    amounts_beyond_all_reason_are_refused,
    what_a_dead_process_left_is_found,
);

async fn what_is_reserved_is_settled_once(world: &World) {
    let ledger = world.open().await;
    let lease = take(&ledger, "run").await;
    let new = reserve(&ledger, &lease, 1, 100).await.unwrap();
    assert_eq!(new, Reserved::New { most: MicroDollars(100) });
    assert_eq!(ledger.settle(&lease, key(1), known(70)).await.unwrap(), settled(70, 0, true));
    // Later ones change nothing, whatever they say.
    for usage in [known(70), known(5), known(500), ledger::Usage::Unknown] {
        let again = world.open().await.settle(&lease, key(1), usage).await.unwrap();
        assert_eq!(again, settled(70, 0, true));
    }
    let done = reserve(&ledger, &lease, 1, 100).await.unwrap();
    assert_eq!(done, Reserved::Settled(settled(70, 0, true)));
    let nothing = ledger.settle(&lease, key(2), known(1)).await;
    assert!(matches!(nothing, Err(LedgerError::NotReserved { .. })), "{nothing:?}");
}

async fn asking_twice_reserves_once(world: &World) {
    let ledger = world.open().await;
    ledger.set_cap(&cap("repository:*", Period::Total, 100)).await.unwrap();
    let lease = take(&ledger, "run").await;
    reserve(&ledger, &lease, 1, 100).await.unwrap();
    let again = reserve(&ledger, &lease, 1, 100).await.unwrap();
    assert_eq!(again, Reserved::Again { most: MicroDollars(100), fence: lease.fence() });
    let other = reserve(&ledger, &lease, 1, 99).await;
    assert!(matches!(other, Err(LedgerError::OtherAmount { .. })), "{other:?}");
    let key = EntryKey { began: 1, turn: 1, retry: 1 };
    let retry = ledger.reserve(&lease, key, &scopes(), MicroDollars(1), &Caps::none()).await;
    assert!(matches!(retry, Err(LedgerError::Refused(_))), "{retry:?}");
}

async fn more_than_was_reserved_is_told_apart_and_counts(world: &World) {
    let ledger = world.open().await;
    ledger.set_cap(&cap("repository:*", Period::Total, 150)).await.unwrap();
    let lease = take(&ledger, "run").await;
    reserve(&ledger, &lease, 1, 100).await.unwrap();
    let cut = ledger.settle(&lease, key(1), known(130)).await.unwrap();
    assert_eq!(cut, settled(100, 30, true));
    let refused = reserve(&ledger, &lease, 2, 21).await;
    let Err(LedgerError::Refused(Refusal { left, .. })) = refused else { panic!("{refused:?}") };
    assert_eq!(left, MicroDollars(20));
    reserve(&ledger, &lease, 2, 20).await.unwrap();
    // A cap that is passed lets nothing more be sent.
    assert_eq!(ledger.settle(&lease, key(2), known(70)).await.unwrap(), settled(20, 50, true));
    let refused = reserve(&ledger, &lease, 3, 1).await;
    assert!(matches!(refused, Err(LedgerError::Refused(_))), "{refused:?}");
    ledger.set_cap(&cap("repository:*", Period::Total, 1000)).await.unwrap();
    reserve(&ledger, &lease, 3, 1).await.unwrap();
    let absurd = ledger.settle(&lease, key(3), known(u64::MAX)).await.unwrap();
    assert_eq!(absurd, settled(1, MicroDollars::MAX.0, true));
}

async fn a_cost_that_nobody_knows_is_charged_in_full(world: &World) {
    let ledger = world.open().await;
    let lease = take(&ledger, "run").await;
    reserve(&ledger, &lease, 1, 100).await.unwrap();
    let charged = ledger.settle(&lease, key(1), ledger::Usage::Unknown).await.unwrap();
    assert_eq!(charged, settled(100, 0, false));
}

async fn what_was_not_sent_costs_nothing(world: &World) {
    let ledger = world.open().await;
    ledger.set_cap(&cap("step:*", Period::Total, 100)).await.unwrap();
    let lease = take(&ledger, "run").await;
    reserve(&ledger, &lease, 1, 100).await.unwrap();
    ledger.release_entry(&lease, key(1)).await.unwrap();
    ledger.release_entry(&lease, key(1)).await.unwrap();
    let new = reserve(&ledger, &lease, 1, 60).await.unwrap();
    assert_eq!(new, Reserved::New { most: MicroDollars(60) });
    ledger.settle(&lease, key(1), known(60)).await.unwrap();
    let late = ledger.release_entry(&lease, key(1)).await;
    assert!(matches!(late, Err(LedgerError::AlreadySettled { .. })), "{late:?}");
    reserve(&ledger, &lease, 2, 40).await.unwrap();
}

async fn a_refusal_names_the_scope_and_changes_nothing(world: &World) {
    let ledger = world.open().await;
    ledger.set_cap(&cap("day:*", Period::Day, 1_000)).await.unwrap();
    ledger.set_cap(&cap("pull-request:acme/*", Period::Total, 100)).await.unwrap();
    let lease = take(&ledger, "run").await;
    reserve(&ledger, &lease, 1, 60).await.unwrap();
    let Err(LedgerError::Refused(refusal)) = reserve(&ledger, &lease, 2, 41).await else {
        panic!("not refused")
    };
    let expected = Refusal {
        scope: scopes().of(Dimension::PullRequest).unwrap(),
        cap: MicroDollars(100),
        per: Period::Total,
        left: MicroDollars(40),
        asked: MicroDollars(41),
    };
    assert_eq!(refusal, expected);
    let caps = Caps::none().with(Dimension::Step, Period::Day, MicroDollars(70));
    let steps = ledger.reserve(&lease, key(2), &scopes(), MicroDollars(11), &caps).await;
    assert!(
        matches!(&steps, Err(LedgerError::Refused(it)) if it.scope.dimension() == Dimension::Step),
        "{steps:?}"
    );
    // Nothing of what was refused is set aside.
    reserve(&ledger, &lease, 2, 40).await.unwrap();
}

async fn a_cap_holds_from_now_on_for_everyone(world: &World) {
    let (ledger, other) = (world.open().await, world.open().await);
    let lease = take(&ledger, "run").await;
    reserve(&ledger, &lease, 1, 60).await.unwrap();
    let caps = [cap("branch:*", Period::Day, 500), cap("branch:*", Period::Total, 100)];
    for cap in [&cap("branch:*", Period::Total, 9), &caps[1], &caps[0]] {
        other.set_cap(cap).await.unwrap();
    }
    assert_eq!(ledger.caps().await.unwrap(), caps);
    let refused = reserve(&ledger, &lease, 2, 41).await;
    assert!(matches!(refused, Err(LedgerError::Refused(_))), "{refused:?}");
    let pattern = "branch:*".parse().unwrap();
    assert!(other.remove_cap(&pattern, Period::Total).await.unwrap());
    assert!(!other.remove_cap(&pattern, Period::Total).await.unwrap());
    reserve(&ledger, &lease, 2, 41).await.unwrap();
}

async fn amounts_beyond_all_reason_are_refused(world: &World) {
    let ledger = world.open().await;
    let lease = take(&ledger, "run").await;
    let most = MicroDollars::MAX.0;
    reserve(&ledger, &lease, 1, most).await.unwrap();
    for much in [most + 1, u64::MAX] {
        let refused = reserve(&ledger, &lease, 2, much).await;
        assert!(matches!(refused, Err(LedgerError::TooMuch { .. })), "{refused:?}");
        let refused = ledger.set_cap(&cap("day:*", Period::Day, much)).await;
        assert!(matches!(refused, Err(LedgerError::TooMuch { .. })), "{refused:?}");
    }
}

async fn what_a_dead_process_left_is_found(world: &World) {
    let ledger = world.open().await;
    let (dead, other) = (take(&ledger, "dead").await, take(&ledger, "other").await);
    for (lease, turn) in [(&dead, 1), (&dead, 2), (&other, 1)] {
        reserve(&ledger, lease, turn, 10).await.unwrap();
    }
    ledger.settle(&dead, key(1), known(4)).await.unwrap();
    assert_eq!(ledger.open_entries(None).await.unwrap().len(), 2);

    world.clock.advance(TTL);
    let heir = take(&ledger, "dead").await;
    let left = ledger.open_entries(Some(heir.run())).await.unwrap();
    let [entry] = left.as_slice() else { panic!("{left:?}") };
    assert_eq!((entry.key, entry.most, entry.fence), (key(2), MicroDollars(10), dead.fence()));
    assert_eq!((entry.holder.as_str(), entry.since), ("somebody", START));
    assert_eq!(entry.scopes, scopes());
    // Its number says that it is not the heir's own, so that it is not sent a second time.
    let again = reserve(&ledger, &heir, 2, 10).await.unwrap();
    assert_eq!(again, Reserved::Again { most: MicroDollars(10), fence: dead.fence() });
    ledger.settle(&heir, key(2), ledger::Usage::Unknown).await.unwrap();
    assert_eq!(ledger.open_entries(Some(heir.run())).await.unwrap(), []);
}
