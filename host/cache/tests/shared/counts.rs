//! How often a server is asked: twice for a hit, once for a miss, never for what is here.

use servers::Kind;

use crate::machine::{Case, Place, call, questions};
use crate::proxy::Proxy;

/// Lists that are fetched ahead.
const AHEAD: usize = 8;

async fn asks_twice(kind: Kind) {
    let Some(server) = kind.start() else { return };
    let proxy = Proxy::before(&server).await;
    let place = Place::at(&server, server.url_at(proxy.port));
    let cases: Vec<Case> =
        (0..AHEAD).map(|at| Case::new(&format!("tool {at}"), questions(), "out")).collect();
    let one = place.machine();
    for case in &cases {
        one.compute(case).await;
    }

    let other = place.machine();
    let cache = other.open();
    // The first question to a server may come with others about itself.
    other.find_in(&cache, "unknown").await.unwrap_err();
    let before = proxy.requests();
    other.find_in(&cache, "unknown as well").await.unwrap_err();
    assert_eq!(proxy.requests() - before, 1, "{kind:?}: a miss");
    let before = proxy.requests();
    assert_eq!(other.find_in(&cache, "tool 0").await.unwrap().output, b"out");
    assert_eq!(proxy.requests() - before, 2, "{kind:?}: a hit");
    let before = proxy.bytes();
    other.find_in(&cache, "tool 0").await.unwrap();
    other.find("tool 0").await.unwrap();
    assert_eq!(proxy.bytes(), before, "{kind:?}: what is here");

    let third = place.machine();
    let cache = third.open();
    third.find_in(&cache, "unknown").await.unwrap_err();
    let keys: Vec<_> = cases.iter().map(|case| call(&case.tool).key()).collect();
    let before = proxy.requests();
    // One after the other they would wait for ever.
    proxy.hold_until(AHEAD);
    cache.remote().unwrap().prefetch(&keys).await;
    assert_eq!(proxy.requests() - before, AHEAD, "{kind:?}: ahead");
    for case in &cases {
        third.find_in(&cache, &case.tool).await.unwrap();
    }
    assert_eq!(proxy.requests() - before, 2 * AHEAD, "{kind:?}: records");
    assert!(cache.remote().unwrap().said().is_empty());
}

#[tokio::test]
async fn a_hit_asks_a_redis_or_a_memcached_twice_and_a_local_one_never() {
    asks_twice(Kind::Redis).await;
    asks_twice(Kind::Memcached).await;
}

#[tokio::test]
async fn a_hit_asks_what_speaks_http_twice_and_a_local_one_never() {
    asks_twice(Kind::S3).await;
    asks_twice(Kind::Rclone).await;
}

#[tokio::test]
async fn a_hit_asks_a_bazel_cache_twice_and_a_local_one_never() {
    asks_twice(Kind::BazelRemote).await;
    asks_twice(Kind::Casd).await;
}
