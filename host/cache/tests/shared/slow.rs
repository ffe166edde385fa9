//! A store that takes every question and answers none: it costs its share of two lookups.
//!
//! Where the clock is paused it moves on when everybody waits, and so by no more than was waited for.

use std::net::TcpListener;
use std::time::Duration;

use cache::{Domain, LOOKUP_WAIT, Remote, Why};
use servers::Kind;
use store::Store;
use tokio::time::Instant;

use crate::machine::{Case, LONG, Place, questions};
use crate::proxy::Proxy;

/// Waited for on a clock that runs.
const SHORT: Duration = Duration::from_millis(20);

/// As many requests as nobody makes.
const FOR_EVER: usize = usize::MAX / 2;

/// Listens, and never says a word.
struct Silent(TcpListener);

impl Silent {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}/0/x", self.0.local_addr().unwrap())
    }
}

fn domain(name: &str, store: Store) -> Domain {
    Domain { name: name.to_owned(), store }
}

#[tokio::test(start_paused = true)]
async fn a_silent_store_costs_two_lookups_their_wait_and_no_other() {
    let silent = Silent::new();
    for scheme in ["redis", "memcached", "reapi+http", "webdav+http"] {
        let machine = Place::in_memory().machine();
        let store = Store::open(&silent.url(scheme), |_| None).unwrap();
        let cache = machine.open_remote(Remote::new(
            vec![domain("silent", store)],
            None,
            LOOKUP_WAIT,
            LONG,
        ));
        for (at, tool) in ["one", "two", "three", "four"].iter().enumerate() {
            let began = Instant::now();
            assert_eq!(machine.find_in(&cache, tool).await.unwrap_err(), Why::NeverSeen);
            let expected = if at < 2 { LOOKUP_WAIT } else { Duration::ZERO };
            let taken = began.elapsed();
            assert!(expected <= taken && taken <= expected + Duration::from_millis(5), "{taken:?}");
        }
        let said = cache.remote().unwrap().said();
        assert!(said.len() == 1 && said[0].contains("is left alone"), "{scheme}: {said:?}");
        assert!(cache.remote().unwrap().said().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_store_does_not_hide_what_another_one_has() {
    let silent = Silent::new();
    let place = Place::in_memory();
    let (one, other) = (place.machine(), place.machine());
    let case = Case::new("tool", questions(), "out");
    let shared = place.store();
    let writes = Some((domain("sound", shared.clone()), place.signer()));
    let cache = one.open_remote(Remote::new(vec![], writes, LOOKUP_WAIT, LONG));
    one.keep(&cache, &case);
    assert_eq!(Box::pin(cache.publish("run-1")).await.records, 1);

    let store = Store::open(&silent.url("redis"), |_| None).unwrap();
    let reads = vec![domain("silent", store), domain("sound", shared)];
    let cache = other.open_remote(Remote::new(reads, None, LOOKUP_WAIT, LONG));
    let began = Instant::now();
    assert_eq!(other.find_in(&cache, "tool").await.unwrap().output, b"out");
    assert!(began.elapsed() <= LOOKUP_WAIT);
}

#[tokio::test]
async fn a_server_whose_answers_never_come_is_asked_twice_and_left_alone() {
    for kind in [Kind::Redis, Kind::Memcached, Kind::Rclone, Kind::BazelRemote, Kind::Casd] {
        let Some(server) = kind.start() else { continue };
        let proxy = Proxy::before(&server).await;
        proxy.hold_until(FOR_EVER);
        let place = Place::at(&server, server.url_at(proxy.port));
        let reads = vec![domain("swallowed", place.store())];
        let machine = place.machine();
        let cache = machine.open_remote(Remote::new(reads, None, SHORT, LONG));
        for tool in ["one", "two", "three", "four", "five"] {
            assert_eq!(machine.find_in(&cache, tool).await.unwrap_err(), Why::NeverSeen);
        }
        assert!(proxy.requests() <= 2, "{kind:?}: {}", proxy.requests());
        let said = cache.remote().unwrap().said();
        assert!(said.len() == 1 && said[0].contains("is left alone"), "{kind:?}: {said:?}");
    }
}
