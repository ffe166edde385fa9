//! Whatever many holders do in whatever order, the ledger does what a model in memory does, and no
//! cap is passed.

mod oracle;

use std::time::Duration;

use ledger::{
    Caps, Dimension, EntryKey, Filter, Lease, Ledger, MicroDollars, Name, Pattern, Period, Scopes,
    Tokens, Usage,
};
use proptest::collection::vec;
use proptest::prelude::*;

use self::oracle::{Answer, Oracle, answer};
use crate::support::*;

/// Who acts: two processes on each of two runs.
const ACTORS: usize = 4;

#[derive(Debug, Clone)]
pub(crate) enum Act {
    Take,
    Renew,
    Release,
    Reserve {
        /// What is settled in the same act.
        settled: Option<(EntryKey, Usage)>,
        key: EntryKey,
        scopes: Scopes,
        most: u64,
        own_cap: Option<(Dimension, Period, u64)>,
    },
    Settle {
        key: EntryKey,
        usage: Usage,
    },
    ReleaseEntry {
        key: EntryKey,
    },
    SetCap {
        pattern: Pattern,
        per: Period,
        amount: u64,
    },
    RemoveCap {
        pattern: Pattern,
        per: Period,
    },
    Wait(Duration),
    /// The actor's process ends, and another begins with the same lease.
    Reopen,
}

fn any_key() -> impl Strategy<Value = EntryKey> {
    (0..2_u64, 0..3_u32, 0..2_u32).prop_map(|(began, turn, retry)| EntryKey { began, turn, retry })
}

fn any_scopes() -> impl Strategy<Value = Scopes> {
    let name = |names: &'static [&str]| {
        prop::sample::select(names).prop_map(|name| Name::new(name).unwrap())
    };
    let day = prop::sample::select(vec!["2026-11-24", "2026-11-25"]);
    (
        name(&["triage", "review"]),
        name(&["acme/shop", "acme/site"]),
        prop::option::of(name(&["17", "18"])),
        prop::option::of(name(&["main"])),
        prop::option::of(name(&["ci"])),
        day,
    )
        .prop_map(|(step, repository, pull_request, branch, workflow, day)| {
            let day = day.parse().unwrap();
            Scopes { step, repository, pull_request, branch, workflow, day }
        })
}

fn any_per() -> impl Strategy<Value = Period> {
    prop::sample::select(vec![Period::Total, Period::Day])
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    let patterns = vec![
        "repository:*",
        "repository:acme/shop",
        "pull-request:acme/shop#*",
        "pull-request:acme/site#17",
        "step:acme/*",
        "branch:*",
        "workflow:*",
        "day:*",
        "day:2026-11-25",
    ];
    prop::sample::select(patterns).prop_map(|pattern| pattern.parse().unwrap())
}

fn any_usage() -> impl Strategy<Value = Usage> {
    prop_oneof![
        4 => (0..80_u64).prop_map(|spent| Usage::Known {
            spent: MicroDollars(spent),
            tokens: Tokens::default(),
        }),
        1 => Just(Usage::Unknown),
    ]
}

fn any_act() -> impl Strategy<Value = Act> {
    let own_cap = (prop::sample::select(&Dimension::ALL[..]), any_per(), 0..150_u64);
    prop_oneof![
        3 => Just(Act::Take),
        1 => Just(Act::Renew),
        1 => Just(Act::Release),
        8 => (
            prop::option::of((any_key(), any_usage())),
            any_key(),
            any_scopes(),
            0..60_u64,
            prop::option::of(own_cap),
        )
            .prop_map(|(settled, key, scopes, most, own_cap)| {
                Act::Reserve { settled, key, scopes, most, own_cap }
            }),
        5 => (any_key(), any_usage()).prop_map(|(key, usage)| Act::Settle { key, usage }),
        2 => any_key().prop_map(|key| Act::ReleaseEntry { key }),
        1 => (any_pattern(), any_per(), 0..200_u64).prop_map(
            |(pattern, per, amount)| Act::SetCap { pattern, per, amount }
        ),
        1 => (any_pattern(), any_per()).prop_map(
            |(pattern, per)| Act::RemoveCap { pattern, per }
        ),
        1 => (0..90_u64).prop_map(|seconds| Act::Wait(Duration::from_secs(seconds))),
        1 => Just(Act::Reopen),
    ]
}

/// A process that works on a run, with the last lease it had.
struct Actor {
    ledger: Ledger,
    lease: Option<Lease>,
}

async fn play(world: &World, acts: &[(usize, Act)]) {
    let mut oracle = Oracle::new();
    let mut actors = Vec::new();
    for _ in 0..ACTORS {
        actors.push(Actor { ledger: world.open().await, lease: None });
    }
    for (number, act) in acts {
        let run = format!("run {}", number % 2);
        let told = carry_out(world, &mut actors[*number], &run, act).await;
        let expected = oracle.carry_out(*number, &run, act);
        assert_eq!(told, expected, "{act:?}");
        let ledger = &actors[*number].ledger;
        for dimension in Dimension::ALL {
            let lines = ledger.report(&[dimension], &Filter::default()).await.unwrap();
            let found = lines.into_iter().filter_map(|line| {
                let scope = line.scopes.into_iter().next().flatten()?;
                Some((scope, line.totals.spent.0, line.totals.reserved.0))
            });
            assert_eq!(found.collect::<Vec<_>>(), oracle.by(dimension), "after {act:?}");
        }
        oracle.assert_caps_hold();
    }
}

async fn carry_out(world: &World, actor: &mut Actor, run_name: &str, act: &Act) -> Answer {
    let Actor { ledger, lease } = actor;
    match (act, lease.as_ref()) {
        (Act::Take, _) => {
            let taken = ledger.take_lease(&run(run_name), &"it".parse().unwrap(), TTL).await;
            if let Ok(taken) = &taken {
                *lease = Some(taken.clone());
            }
            answer(taken.map(|lease| lease.fence().to_string()))
        }
        (Act::SetCap { pattern, per, amount }, _) => {
            let cap = cap(&pattern.to_string(), *per, *amount);
            answer(ledger.set_cap(&cap).await.map(|()| String::new()))
        }
        (Act::RemoveCap { pattern, per }, _) => {
            answer(ledger.remove_cap(pattern, *per).await.map(|there| there.to_string()))
        }
        (Act::Wait(span), _) => {
            world.clock.advance(*span);
            answer(Ok(String::new()))
        }
        (Act::Reopen, _) => {
            *ledger = world.open().await;
            answer(Ok(String::new()))
        }
        (_, None) => "no lease".to_owned(),
        (Act::Renew, Some(lease)) => answer(ledger.renew(lease, TTL).await.map(|()| String::new())),
        (Act::Release, Some(lease)) => answer(ledger.release(lease).await.map(|()| String::new())),
        (Act::Reserve { settled, key, scopes, most, own_cap }, Some(lease)) => {
            let caps = own_cap.map_or_else(Caps::none, |(dimension, per, amount)| {
                Caps::none().with(dimension, per, MicroDollars(amount))
            });
            let most = MicroDollars(*most);
            let reserved = match settled {
                None => ledger.reserve(lease, *key, scopes, most, &caps).await,
                Some(settled) => {
                    let settled = std::slice::from_ref(settled);
                    ledger.settle_and_reserve(lease, settled, *key, scopes, most, &caps).await
                }
            };
            answer(reserved.map(|reserved| format!("{reserved:?}")))
        }
        (Act::Settle { key, usage }, Some(lease)) => {
            answer(ledger.settle(lease, *key, *usage).await.map(|settled| format!("{settled:?}")))
        }
        (Act::ReleaseEntry { key }, Some(lease)) => {
            answer(ledger.release_entry(lease, *key).await.map(|()| String::new()))
        }
    }
}

fn any_acts() -> impl Strategy<Value = Vec<(usize, Act)>> {
    vec((0..ACTORS, any_act()), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_file_does_what_the_model_does(acts in any_acts()) {
        block_on(play(&World::of_a_file(), &acts));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 16,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_server_does_what_the_model_does(acts in any_acts()) {
        if let Some(world) = World::of_a_server() {
            block_on(play(&world, &acts));
        }
    }
}
