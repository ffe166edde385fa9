//! The same promises, server by server.

use std::time::Duration;

use cache::{Domain, Lookup, Published, Remote, Visited, Why};
use servers::Kind;

use crate::machine::{Case, LONG, Machine, Parts, Place, call, many_questions, questions, stat};

/// Calls whose outputs are shared at once: more than are sent at the same time.
const CROWD: usize = 24;

fn conforms(kind: Kind) {
    let Some(server) = kind.start() else { return };
    let place = Place::new(&server);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        each_output_is_found_kept_and_not_shared_again(&place).await;
        what_was_not_asked_about_may_differ(&place).await;
        a_part_that_is_lost_or_damaged_is_a_miss_and_comes_back(&place).await;
        two_that_share_at_once_lose_a_hint_at_worst(&place).await;
        many_are_shared_at_once(&place).await;
    });
}

/// Finds it, and says by what bytes.
async fn finds(machine: &Machine, case: &Case) {
    let hit = machine.find(&case.tool).await.unwrap_or_else(|why| panic!("{}: {why}", case.tool));
    assert!(hit.output == case.output.as_bytes(), "{}", case.tool);
    let origin = hit.origin.unwrap();
    assert_eq!((origin.domain.as_str(), origin.proof.run.as_str()), ("trusted", "run-1"));
}

async fn each_output_is_found_kept_and_not_shared_again(place: &Place) {
    let (one, other) = (place.machine(), place.machine());
    let cases = [
        Case::new("short", questions(), "out"),
        Case::new("long output", questions(), &"out ".repeat(50_000)),
        Case::new("many questions", many_questions(), "out"),
        Case::new("no questions", vec![], ""),
        Case::long("long and many"),
    ];
    for case in &cases {
        assert_eq!(other.find(&case.tool).await.unwrap_err(), Why::NeverSeen);
        one.compute(case).await;
        finds(&other, case).await;
    }
    // From now on all is there, and vouched for by whoever computed it.
    let cache = other.open();
    for case in &cases {
        let Lookup::Hit(hit) = cache.lookup(&call(&case.tool), &other.view()) else {
            panic!("{}", case.tool)
        };
        assert!(hit.output == case.output.as_bytes() && hit.origin.is_some(), "{}", case.tool);
    }
    let stat = cache.stat().unwrap();
    assert_eq!((stat.entries, stat.foreign), (cases.len() as u64, cases.len() as u64));
    assert_eq!(Box::pin(cache.publish("run-2")).await, Published::default());
    assert_eq!(Box::pin(cache.push("run-2")).await, Published::default());
    assert_eq!(Box::pin(one.open().push("run-2")).await, Published::default());
}

async fn what_was_not_asked_about_may_differ(place: &Place) {
    let case = Case::new("exact", questions(), "out");
    place.machine().compute(&case).await;
    let unrelated = place.machine();
    unrelated.write("unrelated.rs", "");
    finds(&unrelated, &case).await;
    for (path, text) in [("a", "2"), ("missing", ""), ("x.toml", "")] {
        let relevant = place.machine();
        relevant.write(path, text);
        assert_eq!(relevant.find(&case.tool).await.unwrap_err(), Why::NeverSeen, "{path}");
    }
}

async fn a_part_that_is_lost_or_damaged_is_a_miss_and_comes_back(place: &Place) {
    for part in 0..4 {
        for harm in [Harm::Lost, Harm::Damaged] {
            let case = Case::long(&format!("{harm:?} {part}"));
            let one = place.machine();
            one.compute(&case).await;
            let harmed = harm.to(place, &case.names(&one), part).await;
            let reader = harmed.machine();
            let why = reader.find(&case.tool).await.unwrap_err();
            assert_eq!(why, Why::NeverSeen, "{}", case.tool);
            harmed.machine().compute(&case).await;
            finds(&reader, &case).await;
        }
    }
}

/// What becomes of an object in a store.
#[derive(Debug, Clone, Copy)]
enum Harm {
    Lost,
    Damaged,
}

impl Harm {
    async fn to(self, place: &Place, parts: &Parts, part: usize) -> Place {
        match self {
            Self::Lost => lose(place, parts, part).await,
            Self::Damaged => {
                let name = &parts.all()[part];
                place.store().put(name, b"{ \"ways\": 7 }".to_vec()).await.unwrap();
                place.clone()
            }
        }
    }
}

/// The place without one of the parts: deleted there, or never brought to another place.
async fn lose(place: &Place, parts: &Parts, lost: usize) -> Place {
    let names = parts.all();
    let store = place.store();
    if store.capabilities().delete {
        store.delete(&names[lost]).await.unwrap();
        return place.clone();
    }
    let without = place.beside(&format!("without-{lost}"));
    let to = without.store();
    for (_, name) in names.iter().enumerate().filter(|(at, _)| *at != lost) {
        to.put(name, store.get(name).await.unwrap().unwrap()).await.unwrap();
    }
    without
}

async fn two_that_share_at_once_lose_a_hint_at_worst(place: &Place) {
    for (tool, ways) in [("the same way", ["way", "way"]), ("two ways", ["one way", "another"])] {
        let machines = [place.machine(), place.machine()];
        let caches = machines.each_ref().map(Machine::open);
        let cases = ways.map(|way| Case::new(tool, vec![stat(way)], "out"));
        for at in 0..2 {
            machines[at].keep(&caches[at], &cases[at]);
        }
        let [one, other] = &caches;
        let (one, other) =
            tokio::join!(Box::pin(one.publish("run-1")), Box::pin(other.publish("run-1")));
        assert_eq!((one.troubles, other.troubles), (vec![], vec![]), "{tool}");
        finds(&place.machine(), &cases[0]).await;
        // A record is never lost by it: the next run of the same way gives the hint again.
        for (case, machine) in cases.iter().zip(&machines) {
            let record = case.names(machine).record;
            assert!(place.store().get(&record).await.unwrap().is_some(), "{tool}");
        }
    }
}

async fn many_are_shared_at_once(place: &Place) {
    let cases: Vec<Case> =
        (0..CROWD).map(|at| Case::new(&format!("crowd {at}"), questions(), "out")).collect();
    let (one, other) = (place.machine(), place.machine());
    let cache = one.open();
    cases.iter().for_each(|case| one.keep(&cache, case));
    let published = Box::pin(cache.publish("run-1")).await;
    assert_eq!((published.records, published.troubles), (CROWD as u64, vec![]));
    let cache = other.open();
    let keys: Vec<_> = cases.iter().map(|case| call(&case.tool).key()).collect();
    cache.remote().unwrap().prefetch(&keys).await;
    for case in &cases {
        assert_eq!(other.find_in(&cache, &case.tool).await.unwrap().output, b"out");
    }
}

#[tokio::test]
async fn who_goes_through_a_domain_waits_longer_than_a_lookup() {
    let Some(server) = Kind::Redis.start() else { return };
    let place = Place::new(&server);
    place.machine().compute(&Case::long("tool")).await;
    let other = place.machine();
    let domain = Domain { name: "trusted".to_owned(), store: place.store() };
    let cache = other.open_remote(Remote::new(vec![domain], None, Duration::ZERO, LONG));
    assert_eq!(other.find_in(&cache, "tool").await.unwrap_err(), Why::NeverSeen);
    let visitor = cache.remote().unwrap().visit("trusted").unwrap();
    let [record] = visitor.records().await.unwrap()[..] else { panic!("one record") };
    assert!(matches!(visitor.fetch(record).await.unwrap(), Some(Visited::Whole(..))));
}

#[test]
fn machines_share_through_a_redis() {
    conforms(Kind::Redis);
}

#[test]
fn machines_share_through_a_memcached() {
    conforms(Kind::Memcached);
}

#[test]
fn machines_share_through_an_s3() {
    conforms(Kind::S3);
}

#[test]
fn machines_share_through_two_kinds_of_webdav() {
    conforms(Kind::Webdav);
    conforms(Kind::Rclone);
}

#[test]
fn machines_share_through_two_kinds_of_bazel_cache() {
    conforms(Kind::BazelRemote);
    conforms(Kind::Casd);
}
