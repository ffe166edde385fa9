//! What somebody may try who can write to a store, to a restored directory, or to a domain of less
//! trust. Each ends in a miss: the call is computed, and nothing else happens.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use store::Store;

use super::remote::{Machine, Shared};
use super::*;
use crate::{Proof, Signer, Signers};

fn asked() -> [Question; 1] {
    [content("a")]
}

/// Everything that lies in the store under a kind of name, as JSON.
async fn all(shared: &Shared, kind: &str) -> Vec<(String, Value)> {
    let objects = shared.objects().await.into_iter();
    let of_kind = objects.filter(|(name, _)| name.starts_with(&format!("v1/{kind}/")));
    of_kind.map(|(name, bytes)| (name, serde_json::from_slice(&bytes).unwrap())).collect()
}

async fn put(shared: &Shared, name: &str, value: &Value) {
    shared.put(name, serde_json::to_vec(value).unwrap()).await;
}

/// Nothing is found, and what is computed then is right.
async fn is_a_miss(what: &str, machine: &Machine) {
    let found = machine.find("tool").await;
    assert!(found.is_err(), "{what}: {found:?}");
    keep(&machine.cache(), &machine.view(), &asked(), "right");
    assert_eq!(machine.find("tool").await.unwrap().0, "right", "{what}");
}

/// A signer that nobody lists, who has signed what `shared` holds anew, with `change`.
async fn sign_anew(shared: &Shared, change: impl Fn(&mut Value)) {
    let (_, stranger) = Signer::generate().unwrap();
    for kind in ["rec", "call"] {
        for (name, mut value) in all(shared, kind).await {
            change(&mut value);
            let entries: Vec<&mut Value> = match kind {
                "rec" => vec![&mut value],
                _ => value["ways"].as_array_mut().unwrap().iter_mut().collect(),
            };
            for entry in entries {
                let record = serde_json::from_value(entry["record"].clone()).unwrap();
                let proof = Proof::of_run(&stranger, "run-1", &[record]).remove(0);
                entry["proof"] = serde_json::to_value(proof).unwrap();
            }
            put(shared, &name, &value).await;
        }
    }
}

#[tokio::test]
async fn a_poisoned_record_is_a_miss() {
    type Poison = (&'static str, fn(&mut Value));
    let cases: [Poison; 5] = [
        ("its output", |value| value["output"] = json!("ZXZpbA==")),
        ("its output's digest", |value| {
            value["record"]["output"] = json!(Digest::of(b"evil"));
            value["record"]["bytes"] = json!(4);
            value["output"] = json!("ZXZpbA==");
        }),
        ("its kind", |value| value["record"]["kind"] = json!("refusal")),
        ("its length", |value| value["record"]["bytes"] = json!(u64::MAX)),
        ("its proof", |value| value["proof"]["leaf"] = json!(7)),
    ];
    for (what, poison) in cases {
        let shared = Shared::new();
        shared.machine().compute("tool", &asked(), "good").await;
        for (name, mut value) in all(&shared, "rec").await {
            poison(&mut value);
            put(&shared, &name, &value).await;
        }
        is_a_miss(what, &shared.reader()).await;
    }
}

#[tokio::test]
async fn a_replayed_old_record_is_a_miss() {
    let shared = Shared::new();
    let machine = shared.machine();
    machine.compute("tool", &asked(), "old").await;
    let (_, old) = all(&shared, "rec").await.remove(0);
    machine.world.write("a", "new");
    machine.compute("tool", &asked(), "new").await;
    // The old record under the name of the new one, and the other way round.
    for (name, _) in all(&shared, "rec").await {
        put(&shared, &name, &old).await;
    }
    let other = shared.reader();
    other.world.write("a", "new");
    assert!(other.find("tool").await.is_err());
}

#[tokio::test]
async fn a_record_of_another_call_is_a_miss() {
    let shared = Shared::new();
    shared.machine().compute("other", &asked(), "of the other").await;
    let records = all(&shared, "rec").await;
    let lists = all(&shared, "call").await;
    shared.machine().compute("tool", &asked(), "of the tool").await;
    for (kind, stolen) in [("rec", &records[0].1), ("call", &lists[0].1)] {
        for (name, _) in all(&shared, kind).await {
            put(&shared, &name, stolen).await;
        }
        is_a_miss(kind, &shared.reader()).await;
    }
}

#[tokio::test]
async fn a_record_signed_by_a_key_that_is_not_listed_is_a_miss() {
    let shared = Shared::new();
    shared.machine().compute("tool", &asked(), "good").await;
    sign_anew(&shared, |_| {}).await;
    is_a_miss("the same, by a stranger", &shared.reader()).await;
    // Where anyone is believed it is a hit: that is for a domain of one's own.
    let mut careless = shared.reader();
    careless.reads[0].2 = Signers::Anyone;
    assert_eq!(careless.find("tool").await.unwrap().0, "good");
    // Who is listed takes the place of what nobody believes.
    let one = shared.machine();
    keep(&one.cache(), &one.view(), &asked(), "good");
    assert_eq!(one.cache().push("run-2").await.records, 1);
    assert_eq!(shared.reader().find("tool").await.unwrap().0, "good");
}

#[tokio::test]
async fn what_is_revoked_is_a_miss_even_where_it_was_taken_before() {
    let shared = Shared::new();
    shared.machine().compute("tool", &asked(), "good").await;
    let signer = Signer::of_text(&shared.trusted).unwrap().public();
    let mut reader = shared.reader();
    assert!(reader.find("tool").await.is_ok());
    type Revoke = fn(&mut crate::Revoked, crate::PublicKey);
    let revocations: [Revoke; 3] = [
        |revoked, signer| revoked.signers.extend([signer]),
        |revoked, _| revoked.runs.extend(["run-1".to_owned()]),
        |revoked, _| revoked.components.extend([call("tool").identity().component]),
    ];
    for revoke in revocations {
        reader.revoked = crate::Revoked::default();
        assert!(reader.find("tool").await.is_ok());
        revoke(&mut reader.revoked, signer);
        assert_eq!(reader.find("tool").await.unwrap_err(), Why::Unproven);
        assert!(reader.cache().testimonies(10, 0).unwrap().is_empty());
    }
    // A domain that is not read any more, or that believes others now.
    reader.revoked = crate::Revoked::default();
    reader.reads[0].2 = Signers::Listed(BTreeSet::new());
    assert_eq!(reader.find("tool").await.unwrap_err(), Why::Unproven);
    reader.reads.clear();
    assert_eq!(reader.find("tool").await.unwrap_err(), Why::Unproven);
}

#[tokio::test]
async fn a_blob_that_was_swapped_in_the_store_is_a_miss() {
    let shared = Shared::new();
    shared.machine().compute("tool", &asked(), &"good ".repeat(50_000)).await;
    let objects = shared.objects().await;
    for name in objects.keys().filter(|name| name.starts_with("v1/cas/")) {
        shared.put(name, b"evil".to_vec()).await;
    }
    is_a_miss("the output", &shared.reader()).await;
}

#[tokio::test]
async fn a_pull_request_that_writes_where_trusted_runs_read_is_a_miss() {
    // The store's credentials failed: the pull request is first, at the very names. Its key is not
    // listed, so it was in vain.
    let shared = Shared::new();
    let (key, _) = Signer::generate().unwrap();
    let mut stranger = shared.machine();
    stranger.writes = Some(("trusted".to_owned(), shared.store.clone(), key));
    stranger.compute("tool", &asked(), "evil").await;
    is_a_miss("before the trusted run", &shared.reader()).await;
    shared.machine().compute("tool", &asked(), "good").await;
    assert_eq!(shared.reader().find("tool").await.unwrap().0, "good");
}

#[tokio::test]
async fn a_pull_request_reads_what_is_trusted_and_its_own_and_serves_nobody_else() {
    let shared = Shared::new();
    let own = Store::open("memory://", |_| None).unwrap();
    let (key, _) = Signer::generate().unwrap();
    let of_the_change = || {
        let mut machine = shared.machine();
        machine.reads.push(("pr-7".to_owned(), own.clone(), Signers::Anyone));
        machine.writes = Some(("pr-7".to_owned(), own.clone(), key.clone()));
        machine
    };
    shared.machine().compute("trusted", &asked(), "good").await;
    let one = of_the_change();
    one.compute("tool", &asked(), "of the change").await;
    assert_eq!(one.find("trusted").await.unwrap().1.unwrap().domain, "trusted");
    assert_eq!(of_the_change().find("tool").await.unwrap().1.unwrap().domain, "pr-7");
    is_a_miss("for a trusted run", &shared.machine()).await;
    // Nor on the machine that has taken it, once a trusted run is there.
    let mut machine = of_the_change();
    assert!(machine.find("tool").await.is_ok());
    machine.reads.truncate(1);
    assert_eq!(machine.find("tool").await.unwrap_err(), Why::Unproven);
}

/// The cache directory of one machine, on another.
fn restored(from: &World) -> World {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).unwrap();
            }
        }
    }
    let world = World::new();
    world.write("a", "1");
    world.write("b/c.toml", "2");
    copy(from.cache.path(), world.cache.path());
    world
}

fn sql(world: &World, sql: &str) {
    let index = world.cache.path().join("v2/index.0.sqlite");
    rusqlite::Connection::open(index).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_restored_cache_is_believed_for_its_signatures_alone() {
    let shared = Shared::new();
    let one = shared.machine();
    keep(&one.cache(), &one.view(), &asked(), "by its word");
    let other = shared.machine();
    other.compute("tool", &asked(), "good").await;
    let taker = shared.reader();
    assert!(taker.find("tool").await.is_ok());
    drop((one.cache(), taker.cache()));

    let unsigned = Machine { world: restored(&one.world), ..Shared::new().reader() };
    assert_eq!(unsigned.find("tool").await.unwrap_err(), Why::NeverSeen);
    let signed = Machine { world: restored(&taker.world), ..Shared::new().reader() };
    assert_eq!(signed.find("tool").await.unwrap_err(), Why::NeverSeen, "by an unknown key");
    let mut signed = Machine { world: restored(&taker.world), ..shared.reader() };
    signed.reads[0].1 = Store::open("memory://", |_| None).unwrap();
    assert_eq!(signed.find("tool").await.unwrap().0, "good", "by a listed key");
    signed.reads[0].2 = Signers::Anyone;
    assert!(signed.find("tool").await.is_err(), "it may have lain anywhere");
}

#[tokio::test]
async fn a_forged_index_is_a_miss() {
    let forgeries = [
        ("another output", "UPDATE records SET output = call"),
        ("ours by its looks", "UPDATE records SET domain = NULL, proof = NULL"),
        ("another domain", "UPDATE records SET domain = 'own'"),
        (
            "a set of a stranger's",
            "UPDATE sets SET seal = zeroblob(32); UPDATE records SET seal = zeroblob(32)",
        ),
        ("a proof that is none", "UPDATE records SET proof = '{}'"),
    ];
    for (what, forgery) in forgeries {
        let shared = Shared::new();
        shared.machine().compute("tool", &asked(), "good").await;
        let mut taker = shared.reader();
        taker.reads.push(("own".to_owned(), shared.store.clone(), Signers::Anyone));
        assert!(taker.find("tool").await.is_ok());
        sql(&taker.world, forgery);
        taker
            .reads
            .iter_mut()
            .for_each(|(_, store, _)| *store = Store::open("memory://", |_| None).unwrap());
        // What a listed key has signed is right wherever it lies, whatever is written beside it.
        let found = taker.cache().lookup(&call("tool"), &taker.view());
        match found {
            Lookup::Hit(hit) => assert_eq!(hit.output, b"good", "{what}"),
            Lookup::Miss(_) => {}
        }
        keep(&taker.cache(), &taker.view(), &asked(), "right");
    }
    // Calling a tool volatile takes the key, too.
    let world = World::new();
    world.write("a", "1");
    keep(&world.open(), &world.view(), &asked(), "out");
    let tool = call("tool").tool();
    sql(&world, &format!("INSERT INTO volatile VALUES (x'{tool}', zeroblob(32))"));
    assert_eq!(world.open().lookup(&call("tool"), &world.view()), hit("out"));
}

#[tokio::test]
async fn a_set_of_questions_that_never_ends_is_not_asked() {
    let bombs: [(&str, String); 6] = [
        ("too many", many(50_001)),
        ("twice the same", texts(&[stat("a"), stat("a")])),
        ("out of order", texts(&[stat("b"), stat("a")])),
        ("written otherwise", format!(" {}", texts(&asked()))),
        ("deep", "[".repeat(100_000)),
        ("not questions", "{}".to_owned()),
    ];
    for (what, text) in bombs {
        let shared = Shared::new();
        shared.machine().compute("tool", &asked(), "good").await;
        let signer = Signer::of_text(&shared.trusted).unwrap();
        for (name, mut list) in all(&shared, "call").await {
            // Even where somebody who is trusted has signed it.
            let way = &mut list["ways"][0];
            way["record"]["questions"] = json!(Digest::of(text.as_bytes()));
            let record = serde_json::from_value(way["record"].clone()).unwrap();
            way["proof"] =
                serde_json::to_value(Proof::of_run(&signer, "run-1", &[record]).remove(0)).unwrap();
            let digest = Digest::of(text.as_bytes()).to_string();
            shared
                .put(&format!("v1/cas/{}/{digest}", &digest[..2]), text.clone().into_bytes())
                .await;
            way["questions"] = Value::Null;
            put(&shared, &name, &list).await;
        }
        is_a_miss(what, &shared.reader()).await;
    }
    // A list of ways without end is read as far as there are ways of ours.
    let shared = Shared::new();
    shared.machine().compute("tool", &asked(), "good").await;
    for (name, mut list) in all(&shared, "call").await {
        let way = list["ways"][0].clone();
        list["ways"] = json!(vec![way; 100_000]);
        put(&shared, &name, &list).await;
    }
    is_a_miss("a list without end", &shared.reader()).await;
}

fn texts(questions: &[Question]) -> String {
    serde_json::to_string(questions).unwrap()
}

fn many(count: usize) -> String {
    texts(&(0..count).map(|number| stat(&format!("{number:08}"))).collect::<Vec<_>>())
}

#[test]
fn questions_beyond_the_grant_tell_nothing() {
    // A record may claim that a call read what it was not granted: asked again, it is refused.
    let world = World::new();
    world.write("secret", "1");
    let outside = ["secret", "../etc/passwd", "/etc/passwd", "a\0b"].map(content);
    let narrow = Grant::read(&["a".to_owned()]).unwrap();
    let snapshot = || Snapshot::directory(world.repository.path()).unwrap();
    let view = View::new(snapshot(), None, narrow);
    let cache = world.open();
    keep(&cache, &world.view(), &outside, "what it says");
    assert!(matches!(cache.lookup(&call("tool"), &view), Lookup::Miss(Why::Changed(_))));
}

/// What a store may say instead of what was stored.
fn lie() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        Just(b"null".to_vec()),
        Just(b"{\"ways\":[]}".to_vec()),
        Just(b"{\"ways\":[{}]}".to_vec()),
        Just("[".repeat(5_000).into_bytes()),
        Just(vec![b' '; 2 << 20]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_lying_remote_is_a_miss_or_the_truth(
        lie in lie(),
        at in any::<prop::sample::Index>(),
        flip in any::<Option<(prop::sample::Index, u8)>>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let shared = Shared::new();
            let output = "good ".repeat(20_000);
            shared.machine().compute("tool", &asked(), &output).await;
            let objects = shared.objects().await;
            let (name, bytes) = objects.iter().nth(at.index(objects.len())).unwrap();
            let told = match flip {
                // One byte is another one.
                Some((place, bits)) => {
                    let mut bytes = bytes.clone();
                    let place = place.index(bytes.len());
                    bytes[place] ^= bits;
                    bytes
                }
                None => lie,
            };
            shared.put(name, told).await;
            if let Ok((found, _)) = shared.reader().find("tool").await {
                prop_assert_eq!(found, output);
            }
            Ok(())
        })?;
    }
}
