//! Caches that lie, forget, refuse and answer something else.

use store::{Created, Name, Operation, Patience, Store, StoreError};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::Code;

use crate::bazel::Fake;

const BLAKE3: i32 = 9;
const SHA1: i32 = 2;
const SHA256: i32 = 1;

const TOKEN: (&str, &str) = ("STEPWELL_REAPI_TOKEN", "the-secret-token");

/// More than stands in an entry.
const LARGE: usize = 70_000;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// One attempt.
fn once(store: Store) -> Store {
    store.with_patience(Patience { retries_max: 0, ..Patience::default() })
}

/// The word for an end: what a caller would match.
fn kind<T>(end: &Result<T, StoreError>) -> &'static str {
    match end {
        Ok(_) => "done",
        Err(StoreError::BadUrl { .. }) => "bad url",
        Err(StoreError::NoCredentials { .. }) => "no credentials",
        Err(StoreError::NotReachable { .. }) => "not reachable",
        Err(StoreError::Denied { .. }) => "denied",
        Err(StoreError::TooLarge { .. }) => "too large",
        Err(StoreError::TooMany { .. }) => "too many",
        Err(StoreError::Unsupported { .. }) => "unsupported",
        Err(StoreError::Failed { .. }) => "failed",
    }
}

#[tokio::test]
async fn a_server_is_spoken_to_by_the_digests_that_it_takes() {
    for (announced, refused, taken) in [
        (&[][..], &[][..], SHA256),
        (&[SHA256], &[], SHA256),
        (&[SHA1, BLAKE3], &[], BLAKE3),
        (&[SHA256, BLAKE3], &[], BLAKE3),
        (&[SHA256, BLAKE3], &[BLAKE3], SHA256),
        (&[BLAKE3, SHA256], &[SHA256], BLAKE3),
    ] {
        let server = Fake::start(announced).await;
        server.state().refused = refused.to_vec();
        let store = server.store();
        for size in [5, LARGE] {
            store.put(&name("a"), vec![7; size]).await.unwrap();
            // One that comes later finds what this one wrote.
            assert_eq!(server.store().get(&name("a")).await, Ok(Some(vec![7; size])));
        }
        assert_eq!(server.state().functions, [taken, taken], "{announced:?} without {refused:?}");
    }
    let server = Fake::start(&[SHA1]).await;
    assert_eq!(kind(&server.store().get(&name("a")).await), "failed");
}

#[tokio::test]
async fn what_a_server_says_about_a_failure_decides_what_becomes_of_it() {
    let server = Fake::start(&[SHA256]).await;
    let store = once(server.store_with("", &[TOKEN]));
    for (code, expected) in [
        (Code::NotFound, "done"),
        (Code::Unavailable, "not reachable"),
        (Code::DeadlineExceeded, "not reachable"),
        (Code::ResourceExhausted, "not reachable"),
        (Code::Aborted, "not reachable"),
        (Code::PermissionDenied, "denied"),
        (Code::Unauthenticated, "denied"),
        (Code::Unimplemented, "unsupported"),
        (Code::Internal, "failed"),
        (Code::InvalidArgument, "failed"),
        (Code::Unknown, "failed"),
    ] {
        server.state().failing = Some(code);
        let end = store.get(&name("a")).await;
        let shown = end.as_ref().map_or_else(ToString::to_string, |_| String::new());
        assert!(!shown.contains("the-secret-token"), "{shown}");
        assert_eq!(kind(&end), expected, "{code:?}");
    }
}

#[tokio::test]
async fn a_server_is_told_who_asks_as_it_wants_to_be_told() {
    let user = ("STEPWELL_REAPI_USERNAME", "ci");
    let password = ("STEPWELL_REAPI_PASSWORD", "right-password");
    for (options, settings, expected) in [
        ("", &[][..], None),
        ("", &[TOKEN], Some("authorization: Bearer the-secret-token")),
        ("", &[user, password], Some("authorization: Basic Y2k6cmlnaHQtcGFzc3dvcmQ=")),
        ("?header=X-Api-Key", &[TOKEN], Some("x-api-key: the-secret-token")),
    ] {
        let server = Fake::start(&[SHA256]).await;
        let store = server.store_with(options, settings);
        assert_eq!(store.get(&name("a")).await, Ok(None));
        assert_eq!(server.state().credentials, Vec::from_iter(expected));
    }
}

#[tokio::test]
async fn an_entry_that_stands_under_a_wrong_key_is_found_out() {
    let server = Fake::start(&[SHA256]).await;
    let store = server.store();
    store.put(&name("a"), b"of a".to_vec()).await.unwrap();
    let of_a = server.state().entries.clone();
    server.state().entries.clear();
    store.put(&name("b"), b"of b".to_vec()).await.unwrap();
    let result = of_a.into_values().next().unwrap();
    server.state().entries.values_mut().for_each(|entry| *entry = result.clone());
    let err = store.get(&name("b")).await.unwrap_err();
    assert!(err.to_string().ends_with("it answers with the entry of another object"), "{err}");
    assert_eq!(kind(&store.create(&name("b"), vec![]).await), "failed");
    server.state().entries.values_mut().for_each(|entry| entry.stdout_raw = b"a build".to_vec());
    assert_eq!(kind(&store.get(&name("b")).await), "failed");
    store.put(&name("b"), b"mended".to_vec()).await.unwrap();
    assert_eq!(store.get(&name("b")).await, Ok(Some(b"mended".to_vec())));
}

#[tokio::test]
async fn a_blob_that_is_another_is_never_returned_and_one_that_is_gone_is_no_object() {
    let server = Fake::start(&[BLAKE3]).await;
    let store = server.store();
    store.put(&name("a"), vec![7; LARGE]).await.unwrap();
    server.state().blobs.values_mut().for_each(|blob| blob[LARGE / 2] ^= 1);
    assert_eq!(kind(&store.get(&name("a")).await), "failed");
    assert_eq!(store.create(&name("a"), vec![8; LARGE]).await, Ok(Created::Exists));
    server.state().blobs.clear();
    assert_eq!(store.get(&name("a")).await, Ok(None));
    assert_eq!(store.create(&name("a"), vec![8; LARGE]).await, Ok(Created::New));
    assert_eq!(store.get(&name("a")).await, Ok(Some(vec![8; LARGE])));
}

#[tokio::test]
async fn an_entry_that_promises_too_much_is_not_read() {
    let server = Fake::start(&[SHA256]).await;
    let store = server.store();
    store.put(&name("a"), vec![7; LARGE]).await.unwrap();
    let promise = |bytes: i64| {
        let mut state = server.state();
        let entry = state.entries.values_mut().next().unwrap();
        entry.output_files[0].digest.as_mut().unwrap().size_bytes = bytes;
    };
    promise(1 << 40);
    assert_eq!(kind(&store.get(&name("a")).await), "too large");
    promise(-1);
    assert_eq!(kind(&store.get(&name("a")).await), "failed");
    let again = server.state().entries.values().next().unwrap().output_files[0].clone();
    server.state().entries.values_mut().for_each(|entry| entry.output_files.push(again.clone()));
    assert_eq!(kind(&store.get(&name("a")).await), "failed");
}

#[tokio::test]
async fn an_entry_whose_output_the_server_moved_is_followed() {
    let server = Fake::start(&[SHA256]).await;
    let store = server.store();
    store.put(&name("a"), b"small".to_vec()).await.unwrap();
    server.move_outputs();
    assert_eq!(store.get(&name("a")).await, Ok(Some(b"small".to_vec())));
    assert_eq!(store.create(&name("a"), vec![]).await, Ok(Created::Exists));
    server.state().blobs.clear();
    assert_eq!(store.get(&name("a")).await, Ok(None));
}

#[tokio::test]
async fn what_a_bazel_cache_cannot_do_is_said_before_it_is_asked() {
    let store = Store::open("reapi://127.0.0.1:1", |_| None).unwrap();
    let unsupported = |operation| StoreError::Unsupported {
        store: "reapi://127.0.0.1:1".to_owned(),
        operation,
        name: name("a"),
    };
    assert_eq!(store.list(&name("a")).await, Err(unsupported(Operation::List)));
    assert_eq!(store.delete(&name("a")).await, Err(unsupported(Operation::Delete)));
}

/// What comes of a get that a memcached answers so, and then hangs up.
async fn answered(answer: Vec<u8>) -> Result<Option<Vec<u8>>, StoreError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut served = JoinSet::new();
    served.spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut asked = String::new();
        stream.read_line(&mut asked).await.unwrap();
        assert_eq!(asked, "get ci/a\r\n");
        stream.write_all(&answer).await.unwrap();
    });
    let store = Store::open(&format!("memcached://127.0.0.1:{port}/ci"), |_| None).unwrap();
    let end = once(store).get(&name("a")).await;
    served.join_all().await;
    end
}

#[tokio::test]
async fn each_answer_of_a_memcached_is_taken_for_what_it_is() {
    for (answer, expected) in [
        ("END\r\n", "done"),
        ("VALUE ci/a 0 3\r\nabc\r\nEND\r\n", "done"),
        ("VALUE ci/a 7 0\r\n\r\nEND\r\n", "done"),
        ("VALUE ci/b 0 3\r\nabc\r\nEND\r\n", "failed"),
        ("VALUE ci/a 0 -3\r\nabc\r\nEND\r\n", "failed"),
        ("VALUE ci/a 0 3\r\nabcd\r\nEND\r\n", "failed"),
        ("VALUE ci/a 0 3\r\nabc\r\nVALUE ci/b 0 1\r\nx\r\nEND\r\n", "failed"),
        ("VALUE ci/a 0 99999999999\r\n", "too large"),
        ("VALUE ci/a 0 60000000\r\nabc", "not reachable"),
        ("VALUE ci/a 0 3\r\nabc\r\n", "not reachable"),
        ("", "not reachable"),
        ("SERVER_ERROR out of memory\r\n", "not reachable"),
        ("SERVER_ERROR object too large for cache\r\n", "too large"),
        ("CLIENT_ERROR unauthenticated\r\n", "denied"),
        ("ERROR\r\n", "failed"),
        ("HTTP/1.1 400 Bad Request\n", "failed"),
    ] {
        assert_eq!(kind(&answered(answer.into()).await), expected, "{answer}");
    }
    assert_eq!(kind(&answered(vec![b'x'; 1024]).await), "failed");
}
