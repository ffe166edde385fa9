//! A cached answer is the answer, exactly as long as what it observed is unchanged.

use crate::support::World;

const LOCK: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n\
    dependencies = [\"dep\"]\n\n[[package]]\nname = \"dep\"\nversion = \"1.2.3\"\n\
    source = \"registry+https://example.org/index\"\n\
    checksum = \"1111111111111111111111111111111111111111111111111111111111111111\"\n";

fn source(world: &World) -> (String, String) {
    let ran = world.stepwell(&["tool", "call", "sbom", "--json"]).code(0);
    let called: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let output = called["answer"]["output"].as_str().unwrap().to_owned();
    (called["source"].as_str().unwrap().to_owned(), output)
}

fn why(world: &World) -> String {
    world.stepwell(&["cache", "why", "sbom"]).code(0).out
}

#[test]
fn an_sbom_is_kept_until_what_it_read_changes() {
    let world = World::files(&[
        ("Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\n"),
        ("Cargo.lock", LOCK),
        ("src/main.rs", "fn main() {}\n"),
    ]);
    assert!(why(&world).contains("not called like this before"), "{}", why(&world));
    let (first, output) = source(&world);
    assert_eq!(first, "fresh");
    assert_eq!(source(&world), ("cache".to_owned(), output.clone()));
    assert!(why(&world).contains("a hit"));

    world.write("src/main.rs", "fn main() { changed() }\n");
    world.write("docs/unrelated.txt", "new\n");
    assert_eq!(source(&world), ("cache".to_owned(), output.clone()));

    world.write("Cargo.lock", &LOCK.replace("1.2.3", "1.2.4"));
    assert!(why(&world).contains("Cargo.lock"), "{}", why(&world));
    let (third, changed) = source(&world);
    assert_eq!(third, "fresh");
    assert!(changed.contains("dep@1.2.4") && output.contains("dep@1.2.3"));

    world.write("Cargo.lock", LOCK);
    assert_eq!(
        source(&world),
        ("cache".to_owned(), output),
        "what was once computed is found again"
    );
}

#[test]
fn every_call_says_what_it_took_and_what_it_was_made_of() {
    let world = World::files(&[("Cargo.lock", LOCK)]);
    let call = |arguments: &[&str]| -> serde_json::Value {
        let ran = world.stepwell(&[&["tool", "call", "sbom", "--json"], arguments].concat());
        serde_json::from_str(&ran.code(0).out).unwrap()
    };
    let (fresh, kept, uncached) = (call(&[]), call(&[]), call(&["--no-cache"]));
    assert_eq!([&fresh["source"], &kept["source"]], ["fresh", "cache"]);

    // What it was made of is the same wherever the answer came from; no cache, no key.
    let digests = fresh["digests"].as_object().unwrap();
    let names: Vec<&str> = digests.keys().map(String::as_str).collect();
    assert_eq!(names, ["component", "input", "key", "output"]);
    assert!(digests.values().all(|digest| digest.as_str().unwrap().len() == 64), "{fresh}");
    assert_eq!(kept["digests"], fresh["digests"]);
    let mut unkeyed = digests.clone();
    unkeyed.remove("key");
    assert_eq!(uncached["digests"].as_object(), Some(&unkeyed));

    let took = |called: &serde_json::Value, what: &str| called["usage"][what].as_u64().unwrap();
    let output = fresh["answer"]["output"].as_str().unwrap().len() as u64;
    for what in ["wall-us", "fuel", "memory-peak", "read-bytes", "questions", "host-calls"] {
        assert!(took(&fresh, what) > 0, "{what}: {fresh}");
        assert_eq!(took(&kept, what), 0, "{what}: {kept}");
    }
    assert_eq!([&fresh, &kept, &uncached].map(|called| took(called, "output-bytes")), [output; 3]);
    assert_eq!(took(&fresh, "fuel"), took(&uncached, "fuel"));
    assert_eq!(took(&kept, "saved-us"), took(&fresh, "wall-us"));
}

#[test]
fn a_checkout_and_its_commit_share_their_answers() {
    let world = World::files(&[("Cargo.lock", LOCK)]);
    world.commit("one");
    assert_eq!(source(&world).0, "fresh");
    let of_commit = world.stepwell(&["tool", "call", "sbom", "--json", "--rev", "HEAD"]).code(0);
    assert!(of_commit.out.contains("\"source\": \"cache\""), "{}", of_commit.out);
}

#[test]
fn a_damaged_cache_is_a_miss_and_mends_itself() {
    let world = World::files(&[("Cargo.lock", LOCK)]);
    let (_, output) = source(&world);
    for entry in files_below(&world.path("../cache/tools")) {
        let mut writable = std::fs::metadata(&entry).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut writable, 0o644);
        std::fs::set_permissions(&entry, writable).unwrap();
        std::fs::write(&entry, "damaged").unwrap();
    }
    assert_eq!(source(&world).1, output);
    assert_eq!(source(&world), ("cache".to_owned(), output));
}

fn files_below(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn the_cache_says_what_it_holds() {
    let world = World::files(&[("Cargo.lock", LOCK)]);
    source(&world);
    let ran = world.stepwell(&["cache", "stat", "--json"]).code(0);
    let stat: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert!(stat["entries"].as_u64().unwrap() >= 1, "{stat}");
}

#[test]
fn arguments_that_mean_the_same_share_one_answer_and_no_refusal() {
    let world = World::files(&[("Cargo.lock", LOCK)]);
    for arguments in ["", " ", "{}", "{ }"] {
        let ran = world.stepwell(&["tool", "call", "sbom", "--args", arguments]).code(0);
        assert!(ran.out.contains("dep@1.2.3"), "`{arguments}`: {}", ran.out);
    }
}
