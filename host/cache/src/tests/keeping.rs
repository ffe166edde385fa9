//! What is kept, what is served, and what is said when it is not.

use super::*;
use crate::{Changed, Refused, Start};

#[test]
fn a_hit_depends_on_what_was_asked_and_on_nothing_else() {
    let world = World::new();
    world.write("a", "1");
    let cache = world.open();
    let questions = [content("a"), stat("missing"), glob("**/*.toml"), content("a")];
    assert_eq!(cache.lookup(&call("tool"), &world.view()), Lookup::Miss(Why::NeverSeen));
    assert_eq!(keep(&cache, &world.view(), &questions, "out"), Stored::New);
    assert_eq!(keep(&cache, &world.view(), &questions, "out"), Stored::Known);
    assert_eq!(cache.lookup(&call("tool"), &world.view()), hit("out"));
    assert_eq!(cache.lookup(&call("other"), &world.view()), Lookup::Miss(Why::NeverSeen));

    world.write("b", "not asked about");
    assert_eq!(cache.lookup(&call("tool"), &world.view()), hit("out"));
    for (path, text, question) in [
        ("a", "2", content("a")),
        ("missing", "", stat("missing")),
        ("x/c.toml", "", glob("**/*.toml")),
    ] {
        world.write(path, text);
        let why = cache.why(&call("tool"), &world.view()).unwrap();
        let Why::Changed(told) = &why else { panic!("{why:?}") };
        let now = world.view().answer_digest(&question);
        assert!(told.question == question && told.now == now && told.before != now, "{told:?}");
        assert_eq!(cache.lookup(&call("tool"), &world.view()), Lookup::Miss(why));
        if path == "a" {
            world.write("a", "1");
        } else {
            world.remove(path);
        }
        assert_eq!(cache.lookup(&call("tool"), &world.view()), hit("out"), "back to what it was");
    }
    assert_eq!(cache.why(&call("tool"), &world.view()), None);
}

#[test]
fn a_miss_is_told_in_words() {
    let changed = |question| {
        let (before, now) = (Digest::of(b"before"), Digest::of(b"now"));
        Why::Changed(Box::new(Changed { question, before, now }))
    };
    let whys = [
        Why::NeverSeen,
        changed(content("Cargo.lock")),
        changed(glob("**/*.rs")),
        changed(Question::List { tree: Tree::Base, path: "src".into() }),
        Why::Evicted,
        Why::Volatile,
        Why::Unproven,
        Why::TooLong,
        Why::Damaged("the output"),
    ];
    let said: Vec<String> = whys.iter().map(Why::to_string).collect();
    let expected = [
        "not called like this before",
        "the content of \"Cargo.lock\" changed",
        "the files that match [\"**/*.rs\"] changed",
        "the names in \"src\" in the base changed",
        "its output was evicted",
        "its outputs differ for the same input",
        "who kept its output is not trusted here",
        "asking again what it asked takes too long",
        "the output was damaged",
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_refusal_and_a_cost_are_kept_as_they_were() {
    let world = World::new();
    let cache = world.open();
    let observed = observe(&world.view(), &[list("")]);
    cache.store(&call("tool"), &observed, Output::Refusal, b"no such lock file", u64::MAX).unwrap();
    let Lookup::Hit(hit) = cache.lookup(&call("tool"), &world.view()) else { panic!("a hit") };
    assert_eq!((hit.kind, hit.output.as_slice()), (Output::Refusal, &b"no such lock file"[..]));
    assert_eq!(hit.cost_us, u64::try_from(i64::MAX).unwrap());
}

#[test]
fn a_call_that_asks_nothing_is_a_hit_everywhere() {
    let world = World::new();
    let cache = world.open();
    keep(&cache, &world.view(), &[], "constant");
    world.write("a", "1");
    assert_eq!(cache.lookup(&call("tool"), &world.view()), hit("constant"));
}

#[test]
fn two_outputs_for_the_same_answers_end_the_service_for_good() {
    let world = World::new();
    world.write("a", "1");
    let cache = world.open();
    keep(&cache, &world.view(), &[content("a")], "one");
    assert_eq!(keep(&cache, &world.view(), &[content("a")], "two"), Stored::Volatile);
    assert_eq!(cache.lookup(&call("tool"), &world.view()), Lookup::Miss(Why::Volatile));
    world.write("a", "2");
    assert_eq!(keep(&cache, &world.view(), &[content("a")], "three"), Stored::Volatile);
    assert_eq!(world.open().lookup(&call("tool"), &world.view()), Lookup::Miss(Why::Volatile));
    assert_eq!(cache.stat().unwrap().volatile, 1);

    let observed = observe(&world.view(), &[]);
    let store = |kind| cache.store(&call("other"), &observed, kind, b"same", COST_US).unwrap();
    assert_eq!([store(Output::Answer), store(Output::Refusal)], [Stored::New, Stored::Volatile]);
}

#[test]
fn what_is_not_worth_keeping_is_refused_with_the_reason() {
    let world = World::new();
    let cache = world.open();
    let store = |observed: &[(Question, Digest)], output: &[u8]| {
        cache.store(&call("tool"), observed, Output::Answer, output, COST_US).unwrap()
    };
    let answer = Digest::of(b"");
    let many = |count: usize| -> Vec<_> {
        (0..count).map(|number| (stat(&number.to_string()), answer)).collect()
    };
    assert_eq!(store(&many(50_000), b""), Stored::New);
    assert_eq!(store(&many(50_001), b""), Stored::Refused(Refused::TooManyQuestions));
    let long = [(stat(&"x".repeat(8 << 20)), answer)];
    assert_eq!(store(&long, b""), Stored::Refused(Refused::TooLarge));
    assert_eq!(store(&[], &vec![0; (64 << 20) + 1]), Stored::Refused(Refused::TooLarge));
    let torn = [(stat("a"), answer), (stat("a"), Digest::of(b"other"))];
    assert_eq!(store(&torn, b""), Stored::Refused(Refused::Unstable(Box::new(stat("a")))));
}

#[test]
fn a_call_has_at_most_eight_ways_of_asking() {
    let world = World::new();
    let cache = world.open();
    let way = |number: usize| [stat(&format!("way-{number}"))];
    for number in 0..8 {
        keep(&cache, &world.view(), &way(number), &number.to_string());
    }
    // All eight hold now; the one that was of use last is asked first.
    assert_eq!(cache.lookup(&call("tool"), &world.view()), hit("7"));
    for number in 1..8 {
        world.write(&format!("way-{number}"), "");
    }
    assert_eq!(cache.lookup(&call("tool"), &world.view()), hit("0"));
    keep(&cache, &world.view(), &way(8), "8");
    assert_eq!(cache.stat().unwrap().sets, 8);
    world.write("way-8", "");
    assert_eq!(cache.lookup(&call("tool"), &world.view()), hit("0"), "it was used after the first");
}

#[test]
fn a_full_cache_forgets_what_was_of_no_use_for_longest() {
    let world = World::new();
    let cache = world.open_small(100_000);
    let store = |number: usize| {
        let output = vec![u8::try_from(number).unwrap(); 9_000];
        let call = call(&number.to_string());
        cache.store(&call, &[], Output::Answer, &output, COST_US).unwrap();
        // The first call is of use all the time.
        let other = world.open_small(100_000);
        assert!(
            matches!(other.lookup(&self::call("0"), &world.view()), Lookup::Hit(_)),
            "{number}"
        );
    };
    for number in 0..40 {
        store(number);
        let stat = cache.stat().unwrap();
        assert!(stat.bytes <= 100_000, "{stat:?}");
        assert_eq!(world.blobs().len() as u64, stat.blobs);
    }
    let misses = (0..40)
        .filter(|number| cache.why(&call(&number.to_string()), &world.view()).is_some())
        .collect::<Vec<_>>();
    assert!(misses.len() > 25 && !misses.contains(&0) && !misses.contains(&39), "{misses:?}");
}

#[test]
fn what_a_crash_left_goes_when_it_is_old_whatever_the_clock_did() {
    let world = World::new();
    world.write("a", "1");
    let cache = world.open();
    keep(&cache, &world.view(), &[content("a")], "out");
    let now = std::fs::metadata(world.blobs()[0].clone()).unwrap().modified().unwrap();
    let hours = |hours: u64| std::time::Duration::from_secs(hours * 60 * 60);
    let left = |name: &str, at| {
        let path = world.cache.path().join("v2").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "left").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
        path
    };
    let unknown = Digest::of(b"left").to_string();
    let blob = format!("cas/{}/{unknown}", &unknown[..2]);
    for (at, stays) in [(now - hours(2), false), (now, true), (now + hours(24 * 365), true)] {
        // A clock that was set back makes files of the future: they may be on their way.
        let files = [left(&blob, at), left("tmp/half", at)];
        cache.collect_garbage(u64::MAX).unwrap();
        assert_eq!(files.map(|file| file.exists()), [stays; 2]);
    }
    assert_eq!(cache.lookup(&call("tool"), &world.view()), hit("out"));
}

#[test]
fn a_cache_says_what_it_is_and_how_it_was_found() {
    let world = World::new();
    assert_eq!(world.open().start(), Start::Fresh);
    assert_eq!(world.open().start(), Start::Existing);
    let tag = fs::read_to_string(world.cache.path().join("CACHEDIR.TAG")).unwrap();
    assert!(tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55\n"));
    let file = world.cache.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(Cache::open(&file, world.options()).is_err());
}
