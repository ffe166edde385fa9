//! One run has one writer.

use std::time::Duration;

use ledger::{Clock, LedgerError, Moment, Name, TTL_MAX};
use tokio::task::JoinSet;

use crate::support::*;

on_each_place!(
    of_many_takers_one_gets_the_run,
    a_lease_is_held_until_its_end,
    who_knows_that_the_holder_is_gone_does_not_wait,
    who_lost_the_lease_can_change_nothing,
    a_lease_that_is_over_is_good_until_somebody_takes_it,
    a_number_is_never_given_twice,
    a_lease_from_a_wrong_clock_holds_nobody_up,
    the_places_own_clock_ends_leases,
);

async fn of_many_takers_one_gets_the_run(world: &World) {
    let mut takers = JoinSet::new();
    for number in 0..8 {
        let ledger = world.open().await;
        let holder = format!("taker {number}").parse().unwrap();
        takers.spawn(async move { ledger.take_lease(&run("run"), &holder, TTL).await });
    }
    let taken = takers.join_all().await;
    let (won, lost): (Vec<_>, Vec<_>) = taken.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for lost in lost {
        assert!(matches!(lost, Err(LedgerError::Held { .. })), "{lost:?}");
    }
}

async fn a_lease_is_held_until_its_end(world: &World) {
    let ledger = world.open().await;
    let lease = take(&ledger, "run").await;
    take(&ledger, "another run").await;
    let step = Duration::from_millis(1);
    world.clock.advance(TTL - step);
    let held = ledger.take_lease(&run("run"), &"late".parse().unwrap(), TTL).await;
    let Err(LedgerError::Held { by, until, .. }) = held else { panic!("{held:?}") };
    assert_eq!((by.as_str(), until), ("somebody", START.after(TTL)));
    ledger.renew(&lease, TTL).await.unwrap();
    world.clock.advance(TTL - step);
    let held = ledger.take_lease(&run("run"), &"late".parse().unwrap(), TTL).await;
    assert!(matches!(held, Err(LedgerError::Held { .. })), "{held:?}");
    world.clock.advance(step);
    assert!(take(&ledger, "run").await.fence() > lease.fence());
}

async fn who_knows_that_the_holder_is_gone_does_not_wait(world: &World) {
    let ledger = world.open().await;
    let (seat, other) = ("seat 1".parse().unwrap(), "seat 2".parse().unwrap());
    let take = async |seat: &Name, number: u64| {
        let holder = format!("process {number} at {seat}").parse().unwrap();
        ledger.take_lease_at(seat, &run("run"), &holder, TTL).await
    };
    let first = take(&seat, 1).await.unwrap();
    let held = take(&other, 2).await;
    assert!(matches!(held, Err(LedgerError::Held { .. })), "{held:?}");
    let second = take(&seat, 3).await.unwrap();
    assert!(second.fence() > first.fence());
    let lost = ledger.renew(&first, TTL).await;
    assert!(matches!(lost, Err(LedgerError::LeaseLost { .. })), "{lost:?}");
    let held = ledger.take_lease(&run("run"), &"process 4".parse().unwrap(), TTL).await;
    assert!(matches!(held, Err(LedgerError::Held { .. })), "{held:?}");
}

async fn who_lost_the_lease_can_change_nothing(world: &World) {
    let (ledger, other) = (world.open().await, world.open().await);
    let old = take(&ledger, "run").await;
    reserve(&ledger, &old, 1, 100).await.unwrap();
    reserve(&ledger, &old, 2, 100).await.unwrap();
    ledger.settle(&old, key(1), known(1)).await.unwrap();
    world.clock.advance(TTL);
    let new = take(&other, "run").await;
    assert!(new.fence() > old.fence());

    let lost = [
        reserve(&ledger, &old, 2, 100).await.map(drop),
        reserve(&ledger, &old, 3, 100).await.map(drop),
        ledger.settle(&old, key(2), known(1)).await.map(drop),
        ledger.settle(&old, key(3), known(1)).await.map(drop),
        ledger.release_entry(&old, key(2)).await,
        ledger.renew(&old, TTL).await,
    ];
    for lost in lost {
        assert!(matches!(lost, Err(LedgerError::LeaseLost { .. })), "{lost:?}");
    }
    // What it had settled it may be told again.
    assert_eq!(ledger.settle(&old, key(1), known(1)).await.unwrap(), settled(1, 0, true));
    // And what is not its own it cannot give back.
    ledger.release(&old).await.unwrap();
    reserve(&other, &new, 3, 100).await.unwrap();
}

async fn a_lease_that_is_over_is_good_until_somebody_takes_it(world: &World) {
    let ledger = world.open().await;
    let lease = take(&ledger, "run").await;
    world.clock.advance(TTL * 2);
    reserve(&ledger, &lease, 1, 100).await.unwrap();
    ledger.renew(&lease, TTL).await.unwrap();
    ledger.release(&lease).await.unwrap();
    let over = reserve(&ledger, &lease, 2, 100).await;
    assert!(matches!(over, Err(LedgerError::LeaseLost { .. })), "{over:?}");
    take(&ledger, "run").await;
}

async fn a_number_is_never_given_twice(world: &World) {
    let ledger = world.open().await;
    let mut last = 0;
    for _ in 0..3 {
        let lease = take(&ledger, "run").await;
        assert!(lease.fence() > last);
        last = lease.fence();
        ledger.release(&lease).await.unwrap();
        // Takes the lease's row away.
        ledger.prune(&scopes().day).await.unwrap();
    }
}

async fn a_lease_from_a_wrong_clock_holds_nobody_up(world: &World) {
    let ahead = Clock::by_hand(START.after(TTL_MAX + Duration::from_millis(1)));
    let wrong = ledger::Ledger::open_with(&world.place.parse().unwrap(), ahead).await.unwrap();
    let lost = take(&wrong, "run").await;
    let ledger = world.open().await;
    let lease = take(&ledger, "run").await;
    assert!(lease.fence() > lost.fence());
    let over = reserve(&wrong, &lost, 1, 1).await;
    assert!(matches!(over, Err(LedgerError::LeaseLost { .. })), "{over:?}");
    // Nobody gets a lease that others would not believe.
    ledger.renew(&lease, TTL_MAX * 2).await.unwrap();
    let held = ledger.take_lease(&run("run"), &"late".parse().unwrap(), TTL).await;
    assert!(matches!(held, Err(LedgerError::Held { .. })), "{held:?}");
}

async fn the_places_own_clock_ends_leases(world: &World) {
    let place = world.place.parse().unwrap();
    let ledger = ledger::Ledger::open(&place).await.unwrap();
    take(&ledger, "over").await;
    let over = ledger.take_lease(&run("none"), &"a".parse().unwrap(), Duration::ZERO).await;
    take(&ledger, "none").await;
    let held = ledger.take_lease(&run("over"), &"b".parse().unwrap(), TTL).await;
    let Err(LedgerError::Held { until, .. }) = held else { panic!("{held:?}") };
    // Some time in the life of this program.
    assert!(until > Moment(1_700_000_000_000) && until < Moment(4_102_444_800_000), "{until}");
    assert!(over.is_ok());
}
