//! Whatever happens to the files: a miss, never a wrong output and never a failure, and the next
//! store heals it.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::Start;

/// Keeps one call, does `harm`, and expects a miss, then a hit after the next store.
#[track_caller]
fn heals(what: &str, harm: impl Fn(&World)) -> Lookup {
    let world = World::new();
    world.write("a", "1");
    let questions = [content("a")];
    // Longer than the questions, so that the tests know which blob is which.
    let output = "output ".repeat(30);
    let cache = world.open();
    keep(&cache, &world.view(), &questions, &output);
    cache.collect_garbage(u64::MAX).unwrap();
    drop(cache);
    harm(&world);

    let cache = world.open();
    let missed = cache.lookup(&call("tool"), &world.view());
    assert!(matches!(missed, Lookup::Miss(_)), "{what}: {missed:?}");
    let stored = keep(&cache, &world.view(), &questions, &output);
    assert_eq!(stored, Stored::New, "{what}");
    for cache in [&cache, &world.open()] {
        let found = cache.lookup(&call("tool"), &world.view());
        assert_eq!(found, hit(&output), "{what}");
    }
    missed
}

fn replace(at: &Path, bytes: &[u8]) {
    fs::set_permissions(at, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(at, bytes).unwrap();
}

#[test]
fn a_damaged_blob_is_a_miss_and_heals() {
    // The smaller blob is the question set, the larger one the output.
    for (blob, name) in [(0, "a question set"), (1, "the output")] {
        let damaged = Lookup::Miss(Why::Damaged(name));
        let at = |world: &World| world.blobs()[blob].clone();
        assert_eq!(heals("emptied", |world| replace(&at(world), b"")), damaged);
        assert_eq!(heals("other bytes", |world| replace(&at(world), b"[]")), damaged);
        assert_eq!(
            heals("one bit", |world| {
                let mut bytes = fs::read(at(world)).unwrap();
                bytes[3] ^= 1;
                replace(&at(world), &bytes);
            }),
            damaged
        );
        heals("deleted", |world| fs::remove_file(at(world)).unwrap());
        heals("a directory", |world| {
            let at = at(world);
            fs::remove_file(&at).unwrap();
            fs::create_dir_all(at.join("full")).unwrap();
        });
        heals("a link to the truth", |world| {
            let truth = world.cache.path().join("truth");
            fs::rename(at(world), &truth).unwrap();
            let name = Digest::of(&fs::read(&truth).unwrap()).to_string();
            let place = world.cache.path().join("v2/cas").join(&name[..2]).join(&name);
            symlink(&truth, place).unwrap();
        });
        heals("its directory a file", |world| {
            let directory = at(world).parent().unwrap().to_owned();
            fs::remove_dir_all(&directory).unwrap();
            fs::write(directory, "").unwrap();
        });
        heals("swapped", |world| {
            let blobs = world.blobs();
            let (one, other) = (fs::read(&blobs[0]).unwrap(), fs::read(&blobs[1]).unwrap());
            replace(&blobs[blob], if blob == 0 { &other } else { &one });
        });
    }
}

fn index(world: &World, generation: u32) -> PathBuf {
    world.cache.path().join(format!("v2/index.{generation}.sqlite"))
}

#[test]
fn a_damaged_index_is_an_empty_cache_that_says_so() {
    let sql = |world: &World, sql: &str| {
        rusqlite::Connection::open(index(world, 0)).unwrap().execute_batch(sql).unwrap();
    };
    heals("garbage", |world| fs::write(index(world, 0), "not a database at all").unwrap());
    heals("emptied", |world| fs::write(index(world, 0), "").unwrap());
    heals("a directory", |world| {
        fs::remove_file(index(world, 0)).unwrap();
        fs::create_dir(index(world, 0)).unwrap();
    });
    heals("half", |world| {
        let bytes = fs::read(index(world, 0)).unwrap();
        fs::write(index(world, 0), &bytes[..bytes.len() / 2]).unwrap();
    });
    heals("another version", |world| sql(world, "PRAGMA user_version = 9"));
    heals("no tables", |world| sql(world, "DROP TABLE sets; DROP TABLE records"));
    heals("short keys", |world| sql(world, "UPDATE sets SET questions = x'00'"));
    heals("another output", |world| sql(world, "UPDATE records SET output = questions"));
    heals("another kind", |world| sql(world, "UPDATE records SET kind = 1"));
    heals("an unknown kind", |world| sql(world, "UPDATE records SET kind = 7"));
    heals("another cost", |world| sql(world, "UPDATE records SET cost = 1"));
    heals("moved to another call", |world| sql(world, "UPDATE records SET observed = call"));
    heals("a stranger's trigger", |world| {
        sql(
            world,
            "DELETE FROM records; CREATE TRIGGER t AFTER INSERT ON sets BEGIN
             DELETE FROM totals; END",
        );
    });

    let world = World::new();
    world.open().collect_garbage(u64::MAX).unwrap();
    fs::write(index(&world, 0), "not a database at all").unwrap();
    let cache = world.open();
    assert!(matches!(cache.start(), Start::Rebuilt(_)), "{:?}", cache.start());
    assert!(index(&world, 1).exists(), "the next generation");
    assert_eq!(world.open().start(), Start::Existing);
}

#[test]
fn every_byte_of_a_small_index_may_be_wrong() {
    let world = World::new();
    world.write("a", "1");
    let cache = world.open();
    keep(&cache, &world.view(), &[content("a")], "right");
    // All of it in one file.
    cache.collect_garbage(u64::MAX).unwrap();
    drop(cache);
    let sound = fs::read(index(&world, 0)).unwrap();
    // A prime distance, so that the places differ from page to page.
    for at in (0..sound.len()).step_by(211) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x55;
        let harmed = World::new();
        harmed.write("a", "1");
        drop(harmed.open());
        fs::write(index(&harmed, 0), &bytes).unwrap();
        for blob in world.blobs() {
            let place = blob.strip_prefix(world.cache.path()).unwrap();
            let copy = harmed.cache.path().join(place);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(&blob, copy).unwrap();
        }
        let cache = harmed.open();
        let found = cache.lookup(&call("tool"), &harmed.view());
        assert!(found == hit("right") || matches!(found, Lookup::Miss(_)), "byte {at}: {found:?}");
        keep(&cache, &harmed.view(), &[content("a")], "right");
    }
}

#[test]
fn damage_is_noticed_while_the_cache_is_open() {
    let world = World::new();
    world.write("a", "1");
    let (cache, other) = (world.open(), world.open());
    keep(&cache, &world.view(), &[content("a")], "out");
    let breaker = rusqlite::Connection::open(index(&world, 0)).unwrap();
    breaker.execute_batch("DROP TABLE sets; DROP TABLE totals").unwrap();
    assert!(matches!(cache.lookup(&call("tool"), &world.view()), Lookup::Miss(_)));
    assert!(matches!(cache.start(), Start::Rebuilt(_)));
    assert_eq!(keep(&cache, &world.view(), &[content("a")], "out"), Stored::New);
    assert_eq!(other.lookup(&call("tool"), &world.view()), hit("out"), "it goes on to the new one");
}
