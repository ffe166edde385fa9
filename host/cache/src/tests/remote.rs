//! Machines that share: what one has computed, no other computes again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use store::{Name, Store};

use super::*;
use crate::{
    Domain, Found, LOOKUP_WAIT, Origin, PUBLISH_WAIT, Remote, Revoked, Signer, Signers, Trust,
};

/// A store that several machines are given, and who signs for which domain there.
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) trusted: String,
}

/// A machine: a world of its own, and its place among the others.
pub(super) struct Machine {
    pub(super) world: World,
    pub(super) reads: Vec<(String, Store, Signers)>,
    pub(super) writes: Option<(String, Store, String)>,
    pub(super) revoked: Revoked,
}

impl Shared {
    pub(super) fn new() -> Self {
        let store = Store::open("memory://", |_| None).unwrap();
        let trusted = Signer::generate().unwrap().0;
        Self { store, trusted }
    }

    pub(super) fn signers(&self) -> Signers {
        let key = Signer::of_text(&self.trusted).unwrap().public();
        Signers::Listed(BTreeSet::from([key]))
    }

    /// A machine whose runs are trusted, with its own checkout.
    pub(super) fn machine(&self) -> Machine {
        let name = || "trusted".to_owned();
        let world = World::new();
        world.write("a", "1");
        world.write("b/c.toml", "2");
        Machine {
            world,
            reads: vec![(name(), self.store.clone(), self.signers())],
            writes: Some((name(), self.store.clone(), self.trusted.clone())),
            revoked: Revoked::default(),
        }
    }

    pub(super) fn reader(&self) -> Machine {
        Machine { writes: None, ..self.machine() }
    }

    /// Every object, by its name.
    pub(super) async fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let all = self.store.list(&Name::new("v1").unwrap()).await.unwrap();
        let mut objects = BTreeMap::new();
        for entry in all {
            let bytes = self.store.get(&entry.name).await.unwrap().unwrap();
            objects.insert(entry.name.as_str().to_owned(), bytes);
        }
        objects
    }

    pub(super) async fn put(&self, name: &str, bytes: Vec<u8>) {
        self.store.put(&Name::new(name).unwrap(), bytes).await.unwrap();
    }

    pub(super) async fn remove(&self, name: &str) {
        self.store.delete(&Name::new(name).unwrap()).await.unwrap();
    }
}

impl Machine {
    pub(super) fn cache(&self) -> Cache {
        let domains =
            self.reads.iter().map(|(name, _, signers)| (name.clone(), signers.clone())).collect();
        let trust = Trust { domains, revoked: self.revoked.clone() };
        let options = Options { trust, ..self.world.options() };
        let domain =
            |name: &String, store: &Store| Domain { name: name.clone(), store: store.clone() };
        let reads = self.reads.iter().map(|(name, store, _)| domain(name, store)).collect();
        let writes = self.writes.as_ref();
        let writes =
            writes.map(|(name, store, key)| (domain(name, store), Signer::of_text(key).unwrap()));
        Cache::open(self.world.cache.path(), options).unwrap().with_remote(Remote::new(
            reads,
            writes,
            LOOKUP_WAIT,
            PUBLISH_WAIT,
        ))
    }

    pub(super) fn view(&self) -> Arc<View> {
        Arc::new(self.world.view())
    }

    /// Computes a call that asks `questions`, and shares it.
    pub(super) async fn compute(&self, tool: &str, questions: &[Question], output: &str) {
        let cache = self.cache();
        let observed = observe(&self.view(), questions);
        let (call, output) = (call(tool), output.as_bytes());
        assert_eq!(
            cache.store(&call, &observed, Output::Answer, output, COST_US).unwrap(),
            Stored::New
        );
        let published = cache.publish("run-1").await;
        assert_eq!((published.records, published.troubles), (1, vec![]));
    }

    /// What it finds, without computing anything.
    pub(super) async fn find(&self, tool: &str) -> Result<(String, Option<Origin>), Why> {
        match self.cache().find(&call(tool), &self.view()).await {
            Found::Hit(hit) => Ok((String::from_utf8(hit.output).unwrap(), hit.origin)),
            Found::Miss { why, .. } => Err(why),
        }
    }
}

fn questions() -> Vec<Question> {
    vec![content("a"), stat("missing"), glob("**/*.toml")]
}

/// Longer than what a list of ways has room for.
fn many_questions() -> Vec<Question> {
    (0..400).map(|number| stat(&format!("a/long/path/to/number/{number:020}"))).collect()
}

#[tokio::test]
async fn what_one_machine_computed_another_finds() {
    let shared = Shared::new();
    let (one, other) = (shared.machine(), shared.reader());
    let cases = [
        ("short", questions(), "out".to_owned()),
        ("long output", questions(), "out ".repeat(50_000)),
        ("many questions", many_questions(), "out".to_owned()),
        ("no questions", vec![], String::new()),
    ];
    for (tool, questions, output) in cases {
        assert_eq!(other.find(tool).await.unwrap_err(), Why::NeverSeen);
        one.compute(tool, &questions, &output).await;
        let (found, origin) = other.find(tool).await.unwrap();
        assert!(found == output, "{tool}");
        let origin = origin.unwrap();
        assert_eq!((origin.domain.as_str(), origin.proof.run.as_str()), ("trusted", "run-1"));
        // From now on it is here, with where it came from.
        assert_eq!(
            other.world.open().stat().unwrap().foreign,
            other.cache().stat().unwrap().entries
        );
        let Lookup::Hit(hit) = other.cache().lookup(&call(tool), &other.view()) else {
            panic!("{tool}")
        };
        assert_eq!(hit.origin, Some(origin));
    }
    // What is not asked about may differ; what is, may not.
    let third = shared.reader();
    third.world.write("unrelated.rs", "");
    assert_eq!(third.find("short").await.unwrap().0, "out");
    for (path, text) in [("a", "2"), ("missing", ""), ("x.toml", "")] {
        let fourth = shared.reader();
        fourth.world.write(path, text);
        assert_eq!(fourth.find("short").await.unwrap_err(), Why::NeverSeen, "{path}");
    }
}

#[tokio::test]
async fn only_what_is_new_is_shared_and_only_what_was_computed_here() {
    let shared = Shared::new();
    let one = shared.machine();
    one.compute("tool", &questions(), "out").await;
    let before = shared.objects().await;
    // A hit of another process here, and one of another machine: nobody shares it again.
    let other = shared.machine();
    for machine in [&one, &other] {
        let cache = machine.cache();
        assert!(matches!(cache.find(&call("tool"), &machine.view()).await, Found::Hit(_)));
        assert_eq!(cache.publish("run-2").await, crate::Published::default());
        assert_eq!(cache.push("run-2").await, crate::Published::default());
    }
    assert_eq!(shared.objects().await, before);
    // What a run could not share, the next one that uses it does.
    let third = shared.machine();
    keep(&third.cache(), &third.view(), &[content("a")], "later");
    third.world.write("a", "other");
    keep(&third.cache(), &third.view(), &[content("a")], "later still");
    let cache = third.cache();
    assert!(matches!(cache.lookup(&call("tool"), &third.view()), Lookup::Hit(_)));
    assert_eq!(cache.publish("run-3").await.records, 1);
    assert_eq!(third.cache().push("run-3").await.records, 1, "and push shares the rest");
}

#[tokio::test]
async fn two_ways_of_asking_are_both_kept_and_at_most_eight() {
    let shared = Shared::new();
    for number in 0..10 {
        let one = shared.machine();
        one.compute("tool", &[stat(&format!("way-{number}"))], &number.to_string()).await;
    }
    // All hold; the last one comes first.
    assert_eq!(shared.reader().find("tool").await.unwrap().0, "9");
    let other = shared.reader();
    (3..10).for_each(|number| other.world.write(&format!("way-{number}"), ""));
    assert_eq!(other.find("tool").await.unwrap().0, "2");
    other.world.write("way-2", "");
    let third = shared.reader();
    (2..10).for_each(|number| third.world.write(&format!("way-{number}"), ""));
    assert_eq!(third.find("tool").await.unwrap_err(), Why::NeverSeen);
}

#[tokio::test]
async fn whatever_part_is_lost_is_a_miss_and_comes_back() {
    for lost in ["v1/call", "v1/rec", "v1/cas"] {
        let shared = Shared::new();
        let one = shared.machine();
        one.compute("tool", &many_questions(), &"out ".repeat(50_000)).await;
        for name in shared.objects().await.keys().filter(|name| name.starts_with(lost)) {
            shared.remove(name).await;
        }
        assert_eq!(shared.reader().find("tool").await.unwrap_err(), Why::NeverSeen, "{lost}");
        shared.machine().compute("tool", &many_questions(), &"out ".repeat(50_000)).await;
        assert!(shared.reader().find("tool").await.is_ok(), "{lost}");
    }
}

#[tokio::test]
async fn a_dead_store_costs_its_share_of_two_lookups_and_is_left_alone() {
    let shared = Shared::new();
    // Nobody listens there, and nothing is waited for twice.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}/0/cache", socket.local_addr().unwrap());
    drop(socket);
    let dead = Store::open(&url, |_| None).unwrap();
    let mut machine = shared.machine();
    machine.reads.insert(0, ("dead".to_owned(), dead, Signers::Anyone));
    shared.machine().compute("tool", &questions(), "out").await;
    let cache = machine.cache();
    for number in 0..5 {
        let missed = cache.find(&call(&number.to_string()), &machine.view()).await;
        assert!(matches!(missed, Found::Miss { why: Why::NeverSeen, .. }));
    }
    let said = cache.remote().unwrap().said();
    assert!(said.len() == 1 && said[0].contains("is left alone for this run"), "{said:?}");
    assert!(cache.remote().unwrap().said().is_empty(), "once");
    assert!(matches!(cache.find(&call("tool"), &machine.view()).await, Found::Hit(_)));
}

#[tokio::test]
async fn a_store_that_cannot_be_written_is_a_trouble_and_nothing_is_lost() {
    let shared = Shared::new();
    let mut machine = shared.machine();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let url = format!("fs://{}", file.join("below").display());
    let broken = Store::open(&url, |_| None).unwrap();
    machine.writes = Some(("trusted".to_owned(), broken, shared.trusted.clone()));
    keep(&machine.cache(), &machine.view(), &questions(), "out");
    let published = machine.cache().push("run").await;
    assert!(published.records == 0 && published.troubles.len() == 1, "{published:?}");
    machine.writes = Some(("trusted".to_owned(), shared.store.clone(), shared.trusted.clone()));
    assert_eq!(machine.cache().push("run").await.records, 1);
}

#[tokio::test]
async fn lists_that_were_fetched_ahead_are_used_once() {
    let shared = Shared::new();
    shared.machine().compute("tool", &questions(), "out").await;
    let other = shared.reader();
    let cache = other.cache();
    let keys = ["tool", "unknown"].map(|tool| call(tool).key());
    cache.remote().unwrap().prefetch(&keys).await;
    // The lists are here: only the record is asked for.
    for name in shared.objects().await.keys().filter(|name| name.starts_with("v1/call")) {
        shared.remove(name).await;
    }
    assert!(matches!(cache.find(&call("tool"), &other.view()).await, Found::Hit(_)));
    let third = shared.reader();
    assert_eq!(third.find("tool").await.unwrap_err(), Why::NeverSeen);
}

#[tokio::test]
async fn a_domain_can_be_gone_through_and_taken() {
    let shared = Shared::new();
    let one = shared.machine();
    one.compute("short", &questions(), "out").await;
    one.compute("long", &many_questions(), &"out ".repeat(50_000)).await;
    shared.put("v1/rec/00/junk", b"junk".to_vec()).await;
    let other = shared.reader();
    let cache = other.cache();
    let visitor = cache.remote().unwrap().visit("trusted").unwrap();
    assert!(cache.remote().unwrap().visit("other").is_none());
    let mut taken = 0;
    for key in visitor.records().await.unwrap() {
        let Some(crate::Visited::Whole(testimony, output)) = visitor.fetch(key).await.unwrap()
        else {
            panic!("{key}")
        };
        assert!(testimony.is_believed(cache.trust()) && testimony.holds_in(&other.view()));
        let observed = observe(&other.view(), testimony.questions());
        assert!(testimony.agrees_with(&observed, Output::Answer, &output));
        assert!(!testimony.agrees_with(&observed, Output::Answer, b"another"));
        assert!(!testimony.agrees_with(&observed, Output::Refusal, &output));
        assert!(!testimony.agrees_with(&observed[1..], Output::Answer, &output));
        assert_eq!(cache.import(&testimony, &output).unwrap(), Stored::New);
        assert_eq!(cache.import(&testimony, &output).unwrap(), Stored::Known);
        taken += 1;
    }
    assert_eq!(taken, 2);
    let Lookup::Hit(hit) = cache.lookup(&call("short"), &other.view()) else { panic!("a hit") };
    assert_eq!(hit.output, b"out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_computes_and_the_others_wait() {
    let world = World::new();
    world.write("a", "1");
    let caches = [Arc::new(world.open()), Arc::new(world.open())];
    let computed = Arc::new(AtomicU32::new(0));
    let view = Arc::new(world.view());
    let everyone: Vec<_> = (0..8)
        .map(|number: usize| {
            let (cache, view) = (Arc::clone(&caches[number % 2]), Arc::clone(&view));
            let computed = Arc::clone(&computed);
            tokio::spawn(async move {
                match cache.find(&call("tool"), &view).await {
                    Found::Hit(hit) => hit.output,
                    Found::Miss { flight, .. } => {
                        computed.fetch_add(1, Ordering::Relaxed);
                        tokio::task::yield_now().await;
                        keep(&cache, &view, &[content("a")], "out");
                        drop(flight);
                        b"out".to_vec()
                    }
                }
            })
        })
        .collect();
    for one in everyone {
        assert_eq!(one.await.unwrap(), b"out");
    }
    assert_eq!(computed.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    let world = World::new();
    let (one, other) = (world.open(), world.open());
    let view = Arc::new(world.view());
    let Found::Miss { flight, .. } = one.find(&call("tool"), &view).await else { panic!("a miss") };
    // In this process, and as if in another one: the holder neither stores nor ends.
    for cache in [&one, &other] {
        let began = tokio::time::Instant::now();
        assert!(matches!(cache.find(&call("tool"), &view).await, Found::Miss { .. }));
        assert!(began.elapsed() >= Duration::from_secs(10));
    }
    drop(flight);
    let began = tokio::time::Instant::now();
    assert!(matches!(other.find(&call("tool"), &view).await, Found::Miss { .. }));
    assert!(began.elapsed() < Duration::from_secs(1), "a holder that ended is not waited for");
}
