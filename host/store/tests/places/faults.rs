//! Servers that die, dawdle, refuse, cut short and forget to answer.

use std::time::Duration;

use servers::{Kind, Server};
use store::{Created, Creation, Name, Operation, Patience, Store, StoreError};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::scripted::{Scripted, answer};
use crate::stores::{Stores as _, s3_store};

/// Pauses so short that a test does not notice them.
const QUICK: Patience = Patience {
    attempt: Duration::from_secs(20),
    call: Duration::from_secs(60),
    retries_max: 2,
    pause: Duration::from_millis(1),
};

fn segment() -> Name {
    Name::new("runs/ab/0").unwrap()
}

/// A store on an S3 that answers so.
async fn answering(answers: &[String]) -> (Scripted, Store) {
    let server = Scripted::start(answers.to_vec()).await;
    let store = s3_store(server.port).with_patience(QUICK);
    (server, store)
}

const GONE: &str = "";

fn exists() -> String {
    answer("412 Precondition Failed", "<Error><Code>PreconditionFailed</Code></Error>")
}

#[tokio::test]
async fn a_server_that_died_is_said_so_and_used_again_when_it_is_back() {
    let Some(mut redis) = Kind::Redis.start() else { return };
    let store = redis.store().with_patience(QUICK);
    assert_eq!(store.create(&segment(), vec![1]).await, Ok(Created::New));
    redis.kill();
    let err = store.get(&segment()).await.unwrap_err();
    assert!(matches!(err, StoreError::NotReachable { operation: Operation::Get, .. }), "{err}");
    redis.start_again();
    assert_eq!(store.get(&segment()).await, Ok(None), "it kept nothing on a disk");
    assert_eq!(store.create(&segment(), vec![2]).await, Ok(Created::New));
}

#[tokio::test]
async fn a_cache_server_that_died_is_used_again_when_it_is_back() {
    for kind in [Kind::Memcached, Kind::BazelRemote, Kind::Casd] {
        let Some(mut cache) = kind.start() else { continue };
        let store = cache.store().with_patience(QUICK);
        assert_eq!(store.create(&segment(), vec![1]).await, Ok(Created::New));
        cache.kill();
        let err = store.get(&segment()).await.unwrap_err();
        assert!(matches!(err, StoreError::NotReachable { .. }), "{kind:?}: {err}");
        cache.start_again();
        // Of those with a disk it depends on when they write.
        let there = store.get(&segment()).await.unwrap();
        assert!(there.is_none_or(|there| there == [1]), "{kind:?}");
        store.put(&segment(), vec![2]).await.unwrap();
        assert_eq!(store.get(&segment()).await, Ok(Some(vec![2])), "{kind:?}");
    }
}

#[tokio::test]
async fn a_connection_that_died_while_it_was_kept_is_no_trouble() {
    let Some(mut memcached) = Kind::Memcached.start() else { return };
    let store = memcached.store().with_patience(Patience { retries_max: 0, ..QUICK });
    let restarted = |memcached: &mut Server| {
        memcached.kill();
        memcached.start_again();
    };
    store.put(&segment(), vec![1]).await.unwrap();
    restarted(&mut memcached);
    assert_eq!(store.get(&segment()).await, Ok(None));
    restarted(&mut memcached);
    assert_eq!(store.put(&segment(), vec![1]).await, Ok(()));
    restarted(&mut memcached);
    let err = store.create(&segment(), vec![1]).await.unwrap_err();
    assert!(matches!(err, StoreError::NotReachable { .. }), "whose it were is not known: {err}");
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_leaves_whole_objects_or_none() {
    for kind in [Kind::Memcached, Kind::BazelRemote, Kind::Casd] {
        let Some(mut cache) = kind.start() else { continue };
        let store = cache.store().with_patience(QUICK);
        let (started, mut begun) = tokio::sync::mpsc::channel(1);
        let mut writers = JoinSet::new();
        for writer in 0..32 {
            let (store, started) = (store.clone(), started.clone());
            writers.spawn(async move {
                let name = Name::new(format!("middle/{writer}")).unwrap();
                // Nobody listens after the first.
                let _heard = started.try_send(());
                let end = store.put(&name, vec![writer; 300_000]).await;
                (name, writer, end)
            });
        }
        begun.recv().await.unwrap();
        cache.kill();
        let ends = writers.join_all().await;
        cache.start_again();
        for (name, writer, end) in ends {
            assert!(matches!(end, Ok(()) | Err(StoreError::NotReachable { .. })), "{end:?}");
            let there = store.get(&name).await.unwrap();
            assert!(there.is_none_or(|there| there == vec![writer; 300_000]), "{kind:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_does_not_hold_a_call() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let redis = Store::open(&format!("redis://127.0.0.1:{port}"), |_| None).unwrap();
    let webdav = Store::open(&format!("webdav+http://127.0.0.1:{port}/x"), |_| None).unwrap();
    let rediss = Store::open(&format!("rediss://127.0.0.1:{port}"), |_| None).unwrap();
    let webdavs = Store::open(&format!("webdav://127.0.0.1:{port}/x"), |_| None).unwrap();
    let caches = ["memcached://", "reapi+http://", "reapi://"];
    let caches = caches.map(|scheme| Store::open(&format!("{scheme}127.0.0.1:{port}"), |_| None));
    let stores = [s3_store(port), redis, rediss, webdav, webdavs];
    for store in stores.into_iter().chain(caches.map(Result::unwrap)) {
        let began = tokio::time::Instant::now();
        let err = store.get(&segment()).await.unwrap_err();
        assert!(matches!(err, StoreError::NotReachable { .. }), "{err}");
        assert!(began.elapsed() <= Patience::default().call + Duration::from_secs(1));
    }
}

#[tokio::test]
async fn wrong_credentials_are_denied_and_not_shown() {
    let denied = |err: StoreError| {
        assert!(matches!(err, StoreError::Denied { .. }), "{err}");
        assert!(!err.to_string().contains("wrong-password"), "{err}");
    };
    let closed = [Kind::ClosedRedis, Kind::Webdav, Kind::ClosedMemcached, Kind::ClosedBazelRemote];
    for kind in closed {
        let Some(cache) = kind.start() else { continue };
        cache.store().put(&segment(), vec![1]).await.unwrap();
        denied(cache.store_as("wrong-password").get(&segment()).await.unwrap_err());
        denied(cache.store_as("wrong-password").put(&segment(), vec![]).await.unwrap_err());
        denied(cache.store_of_nobody().create(&segment(), vec![]).await.unwrap_err());
    }
}

#[tokio::test]
async fn a_service_that_repeats_a_secret_is_not_repeated() {
    let said = "<Error><Code>AccessDenied</Code><Message>bad the-secret-key</Message></Error>";
    let (server, store) = answering(&[answer("403 Forbidden", said)]).await;
    let err = store.get(&segment()).await.unwrap_err().to_string();
    assert!(err.contains("bad ***") && !err.contains("the-secret-key"), "{err}");
    assert_eq!(server.asked().await.len(), 1, "what is denied is not asked again");
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_read_again_and_never_returned() {
    let cut = answer("200 OK", "0123456789").replace("0123456789", "01234");
    let (server, store) = answering(&[cut.clone(), answer("200 OK", "0123456789")]).await;
    assert_eq!(store.get(&segment()).await, Ok(Some(b"0123456789".to_vec())));
    assert_eq!(server.asked().await.len(), 2);
    let (server, store) = answering(&[cut.clone(), cut.clone(), cut]).await;
    let err = store.get(&segment()).await.unwrap_err();
    assert!(matches!(err, StoreError::NotReachable { .. }), "{err}");
    assert_eq!(server.asked().await.len(), 3);
}

#[tokio::test]
async fn a_service_that_is_busy_is_asked_again() {
    let busy = answer("503 Slow Down", "<Error><Code>SlowDown</Code></Error>");
    let (server, store) = answering(&[busy.clone(), busy, answer("200 OK", "")]).await;
    assert_eq!(store.put(&segment(), vec![1]).await, Ok(()));
    assert_eq!(server.asked().await.len(), 3);
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_finds_out_whose_the_object_is() {
    let create = async |then: &[String]| {
        let (server, store) = answering(&[&[GONE.to_owned()], then].concat()).await;
        let created = store.create(&segment(), b"ours".to_vec()).await;
        assert_eq!(server.asked().await.len(), then.len() + 1);
        created
    };
    assert_eq!(create(&[answer("200 OK", "")]).await, Ok(Created::New));
    assert_eq!(create(&[exists(), answer("200 OK", "ours")]).await, Ok(Created::New));
    assert_eq!(create(&[exists(), answer("200 OK", "theirs")]).await, Ok(Created::Exists));
    assert_eq!(create(&[exists(), answer("404 Not Found", "")]).await, Ok(Created::Exists));
}

#[tokio::test]
async fn a_create_that_was_answered_is_not_looked_into() {
    let (server, store) = answering(&[exists()]).await;
    assert_eq!(store.create(&segment(), b"ours".to_vec()).await, Ok(Created::Exists));
    assert_eq!(server.asked().await, ["PUT /stepwell/some/prefix/runs/ab/0 HTTP/1.1"]);
}

#[tokio::test]
async fn a_service_that_ignores_the_condition_is_found_out_and_looked_at_first() {
    let yes = || answer("200 OK", "");
    let (server, store) = answering(&[yes(), yes(), yes()]).await;
    assert_eq!(store.capabilities().create, Creation::Atomic);
    assert_eq!(store.trial().await.unwrap().create, Creation::LooksFirst);
    assert_eq!(store.create(&segment(), vec![1]).await, Ok(Created::Exists));
    let asked = server.asked().await;
    assert!(asked[2].starts_with("HEAD "), "{asked:?}");
}

#[tokio::test]
async fn what_a_service_cannot_do_is_said_before_it_is_asked() {
    let github = |name: &str| match name {
        "ACTIONS_RUNTIME_TOKEN" => Some("a-token".to_owned()),
        "ACTIONS_RESULTS_URL" => Some("http://127.0.0.1:1/".to_owned()),
        _ => None,
    };
    let store = Store::open("ghac://stepwell-v1/runs", github).unwrap();
    let unsupported = |operation| StoreError::Unsupported {
        store: "ghac://stepwell-v1/runs".to_owned(),
        operation,
        name: segment(),
    };
    assert_eq!(store.put(&segment(), vec![]).await, Err(unsupported(Operation::Put)));
    assert_eq!(store.list(&segment()).await, Err(unsupported(Operation::List)));
    assert_eq!(store.delete(&segment()).await, Err(unsupported(Operation::Delete)));
}
