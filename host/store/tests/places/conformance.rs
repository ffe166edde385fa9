//! The same promises, place by place.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::{Capabilities, Created, Creation, Entry, Name, Store};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::servers::{Redis, S3, Webdav};

/// No name is the folder of another; `b-x` must not count as below `b`.
const NAMES: [&str; 6] = ["a", "b/c", "b/d.jsonl", "b-x", "e/f/g", "e/f/0_1"];
const PREFIXES: [&str; 5] = ["b", "e", "e/f", "a", "none"];

#[derive(Debug, Clone)]
enum Op {
    Get(usize),
    Put(usize, Vec<u8>),
    Create(usize, Vec<u8>),
    List(usize),
    Delete(usize),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let name = 0..NAMES.len();
    let bytes = prop_oneof![
        9 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => any::<u8>().prop_map(|byte| vec![byte; 300_000]),
    ];
    let op = prop_oneof![
        name.clone().prop_map(Op::Get),
        (name.clone(), bytes.clone()).prop_map(|(name, bytes)| Op::Put(name, bytes)),
        (name.clone(), bytes).prop_map(|(name, bytes)| Op::Create(name, bytes)),
        (0..PREFIXES.len()).prop_map(Op::List),
        name.prop_map(Op::Delete),
    ];
    proptest::collection::vec(op, 1..24)
}

fn name(case: u32, name: &str) -> Name {
    Name::new(format!("case-{case}/{name}")).unwrap()
}

/// Does one operation on the store and on the map; both must answer the same.
async fn step(store: &Store, map: &mut BTreeMap<Name, Vec<u8>>, case: u32, op: &Op) {
    match op {
        Op::Get(at) => {
            let name = name(case, NAMES[*at]);
            assert_eq!(store.get(&name).await.unwrap(), map.get(&name).cloned());
        }
        Op::Put(at, bytes) => {
            let name = name(case, NAMES[*at]);
            store.put(&name, bytes.clone()).await.unwrap();
            map.insert(name, bytes.clone());
        }
        Op::Create(at, bytes) => {
            let name = name(case, NAMES[*at]);
            let created = store.create(&name, bytes.clone()).await.unwrap();
            let expected = if map.contains_key(&name) { Created::Exists } else { Created::New };
            assert_eq!(created, expected);
            map.entry(name).or_insert_with(|| bytes.clone());
        }
        Op::List(at) => {
            let prefix = name(case, PREFIXES[*at]);
            let below = format!("{prefix}/");
            let expected: Vec<Entry> = map
                .iter()
                .filter(|(name, _)| name.as_str().starts_with(&below))
                .map(|(name, bytes)| Entry { name: name.clone(), bytes: bytes.len() as u64 })
                .collect();
            assert_eq!(store.list(&prefix).await.unwrap(), expected);
        }
        Op::Delete(at) => {
            let name = name(case, NAMES[*at]);
            store.delete(&name).await.unwrap();
            map.remove(&name);
        }
    }
}

fn behaves_as_a_map(store: &Store, cases: u32) {
    let runtime = Runtime::new().unwrap();
    let mut runner =
        TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let case = std::cell::Cell::new(0);
    let played = runner.run(&ops(), |ops| {
        case.set(case.get() + 1);
        let mut map = BTreeMap::new();
        runtime.block_on(async {
            for op in &ops {
                step(store, &mut map, case.get(), op).await;
            }
        });
        Ok(())
    });
    if let Err(failure) = played {
        panic!("{failure}");
    }
}

/// Tasks that create one name.
const RIVALS: u8 = 12;

fn has_one_winner(open: impl Fn() -> Store, rounds: u32) {
    let runtime = Runtime::new().unwrap();
    for round in 0..rounds {
        runtime.block_on(async {
            let name = Name::new(format!("race/{round}/segment")).unwrap();
            let mut rivals = JoinSet::new();
            for rival in 0..RIVALS {
                let (store, name) = (open(), name.clone());
                rivals.spawn(async move {
                    (rival, store.create(&name, vec![rival; 5000]).await.unwrap())
                });
            }
            let ends = rivals.join_all().await;
            let winners: Vec<u8> =
                ends.iter().filter(|(_, end)| *end == Created::New).map(|(r, _)| *r).collect();
            let [winner] = winners[..] else { panic!("not one winner: {ends:?}") };
            let there = open().get(&name).await.unwrap();
            assert_eq!(there, Some(vec![winner; 5000]));
        });
    }
}

#[track_caller]
fn tried_out(store: &Store, create: Creation) {
    let found = Runtime::new().unwrap().block_on(store.trial()).unwrap();
    assert_eq!(found, Capabilities { create, replace: true, list: true, delete: true });
}

#[test]
fn memory_is_a_store() {
    let store = Store::open("memory://", |_| None).unwrap();
    tried_out(&store, Creation::Atomic);
    behaves_as_a_map(&store, 64);
    has_one_winner(|| store.clone(), 20);
}

#[test]
fn a_directory_is_a_store_that_leaves_nothing_unfinished() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("fs://{}", folder.path().display());
    let open = || Store::open(&url, |_| None).unwrap();
    tried_out(&open(), Creation::Atomic);
    behaves_as_a_map(&open(), 48);
    has_one_winner(open, 20);
    let race = std::fs::read_dir(folder.path().join("race/0")).unwrap();
    assert_eq!(race.count(), 1, "the losers' files are gone");
}

#[test]
fn a_redis_is_a_store() {
    let Some(redis) = Redis::start() else { return };
    tried_out(&redis.store(), Creation::Atomic);
    behaves_as_a_map(&redis.store(), 32);
    behaves_as_a_map(&redis.store_with("-passing&ttl=14d", None), 16);
    has_one_winner(|| redis.store(), 10);
}

#[test]
fn an_s3_is_a_store() {
    let Some(s3) = S3::start() else { return };
    tried_out(&s3.store(), Creation::Atomic);
    behaves_as_a_map(&s3.store(), 12);
    has_one_winner(|| s3.store(), 3);
}

#[test]
fn a_webdav_is_a_store_that_looks_before_it_creates() {
    let Some(webdav) = Webdav::start() else { return };
    tried_out(&webdav.store(), Creation::LooksFirst);
    behaves_as_a_map(&webdav.store(), 12);
}
