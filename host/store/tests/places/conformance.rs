//! The same promises, place by place.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use servers::Kind;
use store::{Capabilities, Created, Creation, Entry, Name, Store};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::stores::Stores as _;

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

/// What a store can do; a service without a list has none to compare.
fn ops(can: Capabilities) -> impl Strategy<Value = Vec<Op>> {
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
    let possible = move |op: &Op| match op {
        Op::Get(_) | Op::Put(..) | Op::Create(..) => true,
        Op::List(_) => can.list,
        Op::Delete(_) => can.delete,
    };
    proptest::collection::vec(op.prop_filter("the service has it", possible), 1..24)
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
    let played = runner.run(&ops(store.capabilities()), |ops| {
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

/// Sizes on both sides of where services go over to another way of carrying an object.
const SIZES: [usize; 5] = [0, 64 * 1024, 64 * 1024 + 1, 1024 * 1024, 5_000_000];

fn carries_large_objects(store: &Store) {
    Runtime::new().unwrap().block_on(async {
        for (size, fill) in SIZES.into_iter().zip(1..) {
            let name = Name::new(format!("large/{size}")).unwrap();
            store.put(&name, vec![fill; size]).await.unwrap();
            assert_eq!(store.create(&name, vec![0; 5]).await, Ok(Created::Exists));
            assert!(store.get(&name).await.unwrap() == Some(vec![fill; size]), "{size}");
            let (over, other) = (SIZES[SIZES.len() - usize::from(fill)], vec![0; size / 2]);
            store.put(&name, vec![fill; over]).await.unwrap();
            assert!(store.get(&name).await.unwrap() == Some(vec![fill; over]), "{size}");
            store.put(&name, other.clone()).await.unwrap();
            assert!(store.get(&name).await.unwrap() == Some(other), "{size}");
        }
    });
}

/// Tasks that use one store at once.
const CROWD: u8 = 32;

fn serves_a_crowd(store: &Store) {
    Runtime::new().unwrap().block_on(async {
        let mut crowd = JoinSet::new();
        for member in 0..CROWD {
            let store = store.clone();
            crowd.spawn(async move {
                let name = Name::new(format!("crowd/{member}")).unwrap();
                let bytes = vec![member; usize::from(member) * 5000];
                assert_eq!(store.get(&name).await, Ok(None));
                assert_eq!(store.create(&name, bytes.clone()).await, Ok(Created::New));
                assert_eq!(store.get(&name).await, Ok(Some(bytes)));
            });
        }
        crowd.join_all().await;
    });
}

/// What a store says that it can do, once it was tried out.
const ALL: Capabilities =
    Capabilities { create: Creation::Atomic, replace: true, list: true, delete: true };

#[track_caller]
fn tried_out(store: &Store, expected: Capabilities) {
    let found = Runtime::new().unwrap().block_on(store.trial()).unwrap();
    assert_eq!(found, expected);
}

#[test]
fn memory_is_a_store() {
    let store = Store::open("memory://", |_| None).unwrap();
    tried_out(&store, ALL);
    behaves_as_a_map(&store, 64);
    has_one_winner(|| store.clone(), 20);
}

#[test]
fn a_directory_is_a_store_that_leaves_nothing_unfinished() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("fs://{}", folder.path().display());
    let open = || Store::open(&url, |_| None).unwrap();
    tried_out(&open(), ALL);
    behaves_as_a_map(&open(), 48);
    has_one_winner(open, 20);
    let race = std::fs::read_dir(folder.path().join("race/0")).unwrap();
    assert_eq!(race.count(), 1, "the losers' files are gone");
}

#[test]
fn a_redis_is_a_store() {
    let Some(redis) = Kind::Redis.start() else { return };
    tried_out(&redis.store(), ALL);
    behaves_as_a_map(&redis.store(), 32);
    let passing = format!("{}-passing&ttl=14d", redis.url());
    behaves_as_a_map(&Store::open(&passing, |_| None).unwrap(), 16);
    has_one_winner(|| redis.store(), 10);
}

#[test]
fn an_s3_is_a_store() {
    let Some(s3) = Kind::S3.start() else { return };
    tried_out(&s3.store(), ALL);
    behaves_as_a_map(&s3.store(), 12);
    has_one_winner(|| s3.store(), 3);
}

#[test]
fn a_webdav_is_a_store_that_looks_before_it_creates() {
    let Some(webdav) = Kind::Webdav.start() else { return };
    tried_out(&webdav.store(), Capabilities { create: Creation::LooksFirst, ..ALL });
    behaves_as_a_map(&webdav.store(), 12);
}

#[test]
fn rclone_is_a_webdav_like_another() {
    let Some(rclone) = Kind::Rclone.start() else { return };
    tried_out(&rclone.store(), Capabilities { create: Creation::LooksFirst, ..ALL });
    behaves_as_a_map(&rclone.store(), 24);
}

#[test]
fn a_memcached_is_a_store_without_a_list() {
    for kind in [Kind::Memcached, Kind::MemcachedSocket] {
        let Some(memcached) = kind.start() else { return };
        tried_out(&memcached.store(), Capabilities { list: false, ..ALL });
        behaves_as_a_map(&memcached.store(), 32);
        has_one_winner(|| memcached.store(), 10);
        carries_large_objects(&memcached.store());
        serves_a_crowd(&memcached.store());
    }
}

#[test]
fn a_bazel_cache_is_a_store_without_a_list_that_looks_before_it_creates() {
    for kind in [Kind::BazelRemote, Kind::Casd] {
        let Some(cache) = kind.start() else { continue };
        let expected = Capabilities {
            create: Creation::LooksFirst,
            replace: true,
            list: false,
            delete: false,
        };
        // One store for all, each in a runtime of its own.
        let store = cache.store();
        tried_out(&store, expected);
        behaves_as_a_map(&store, 12);
        carries_large_objects(&store);
        serves_a_crowd(&store);
    }
}
