//! A server that is killed in the middle, and comes back: misses, said once, and nothing is lost.

use cache::{Cache, Lookup, Why};
use servers::{Kind, Server};
use tokio::time::timeout;

use crate::machine::{Case, LONG, Machine, Place, call, questions};

/// Calls whose outputs are under way when the server dies: more than are sent at the same time.
const CROWD: usize = 24;

async fn survives(kind: Kind) {
    let Some(mut server) = kind.start() else { return };
    let place = Place::new(&server);
    dead_before_a_lookup(&mut server, &place).await;
    dead_between_list_and_record(&mut server, &place).await;
    dead_while_outputs_are_shared(&mut server, &place).await;
}

/// Said once, when the second lookup failed.
async fn is_left_alone(machine: &Machine, cache: &Cache) {
    let said = || cache.remote().unwrap().said();
    for tool in ["not there", "not there either", "nor that"] {
        assert_eq!(machine.find_in(cache, tool).await.unwrap_err(), Why::NeverSeen);
    }
    let once = said();
    assert!(once.len() == 1 && once[0].contains("is left alone for this run"), "{once:?}");
    machine.find_in(cache, "not there at all").await.unwrap_err();
    assert_eq!(said(), Vec::<String>::new());
}

/// The output if the server still has it; that depends on when it writes to its disk.
async fn finds_or_misses(machine: &Machine, cache: &Cache, case: &Case) {
    match machine.find_in(cache, &case.tool).await {
        Ok(hit) => assert!(hit.output == case.output.as_bytes(), "{}", case.tool),
        Err(why) => assert_eq!(why, Why::NeverSeen, "{}", case.tool),
    }
}

fn is_here(machine: &Machine, cache: &Cache, case: &Case) {
    let found = cache.lookup(&call(&case.tool), &machine.view());
    let Lookup::Hit(hit) = found else { panic!("{}", case.tool) };
    assert!(hit.output == case.output.as_bytes());
}

async fn dead_before_a_lookup(server: &mut Server, place: &Place) {
    let (one, other) = (place.machine(), place.machine());
    let (before, meanwhile) = (Case::long("before"), Case::long("meanwhile"));
    one.compute(&before).await;
    server.kill();
    is_left_alone(&other, &other.open()).await;
    let cache = one.open();
    one.keep(&cache, &meanwhile);
    let published = Box::pin(cache.publish("run-1")).await;
    assert_eq!((published.records, published.troubles.len()), (0, 1), "{published:?}");
    is_here(&one, &cache, &before);
    is_here(&one, &cache, &meanwhile);
    server.start_again();
    let pushed = Box::pin(one.open().push("run-2")).await;
    assert_eq!((pushed.records, pushed.troubles), (1, vec![]));
    assert!(other.find("meanwhile").await.unwrap().output == meanwhile.output.as_bytes());
    finds_or_misses(&other, &other.open(), &before).await;
}

async fn dead_between_list_and_record(server: &mut Server, place: &Place) {
    let case = Case::new("between", questions(), "out");
    place.machine().compute(&case).await;
    let other = place.machine();
    let cache = other.open();
    cache.remote().unwrap().prefetch(&[call("between").key()]).await;
    server.kill();
    assert_eq!(other.find_in(&cache, "between").await.unwrap_err(), Why::NeverSeen);
    is_left_alone(&other, &cache).await;
    server.start_again();
    finds_or_misses(&other, &other.open(), &case).await;
}

async fn dead_while_outputs_are_shared(server: &mut Server, place: &Place) {
    let output = "out ".repeat(50_000);
    let case = |at| Case::new(&format!("crowd {at}"), questions(), &output);
    let mut cases: Vec<Case> = (0..CROWD).map(case).collect();
    // In the order in which they are sent.
    cases.sort_by_key(|case| call(&case.tool).key().digest());
    let one = place.machine();
    let cache = one.open();
    cases.iter().for_each(|case| one.keep(&cache, case));
    let first = cases[0].names(&one).record;
    let store = place.store();
    let kill = async {
        while store.get(&first).await.unwrap().is_none() {}
        server.kill();
    };
    let (published, killed) = tokio::join!(Box::pin(cache.publish("run-1")), timeout(LONG, kill));
    killed.unwrap();
    cases.iter().for_each(|case| is_here(&one, &cache, case));
    server.start_again();
    let pushed = Box::pin(one.open().push("run-2")).await;
    assert_eq!(pushed.troubles, Vec::<String>::new());
    assert!(published.records + pushed.records >= CROWD as u64, "{published:?} {pushed:?}");
    let other = place.machine();
    let cache = other.open();
    for case in &cases {
        finds_or_misses(&other, &cache, case).await;
    }
    assert!(cache.remote().unwrap().said().is_empty());
}

#[tokio::test]
async fn a_redis_or_a_memcached_that_dies_is_a_miss() {
    survives(Kind::Redis).await;
    survives(Kind::Memcached).await;
}

#[tokio::test]
async fn an_s3_that_dies_is_a_miss() {
    survives(Kind::S3).await;
}

#[tokio::test]
async fn a_webdav_that_dies_is_a_miss() {
    survives(Kind::Rclone).await;
}

#[tokio::test]
async fn a_bazel_cache_that_dies_is_a_miss() {
    survives(Kind::BazelRemote).await;
    survives(Kind::Casd).await;
}
