//! Trees that a step grants beside the repository: by their digest, to be read, and nothing else.

use std::fs;
use std::path::Path;

use crate::support::World;

const STEP: &str = "name = \"advise\"\ntask = \"look\"\ngoal = \"diagnose\"\n\
                    [model]\nname = \"m\"\nprice = { input = 1.00, output = 1.00 }\n";

const LOOKS: &str = r#"
model = "m"
[[turn]]
[[turn.call]]
tool = "read_file"
arguments = { path = ".stepwell/trees/advisories/one/a.json" }
[[turn]]
say = "seen"
"#;

fn world(digest: &str) -> World {
    let step = format!(
        "{STEP}[tools.trees]\nadvisories = {{ path = \"../advisories\", digest = \"{digest}\" }}\n"
    );
    let world = World::files(&[(".stepwell/step.toml", &step), ("a.txt", "a")]);
    fs::create_dir_all(world.path("../advisories/one")).unwrap();
    fs::write(world.path("../advisories/one/a.json"), "{\"id\":\"ADVISORY-7\"}").unwrap();
    world
}

#[test]
fn a_tree_is_read_by_its_digest_and_is_no_part_of_the_repository() {
    let wrong = world(&"0".repeat(64));
    let ran = wrong.run_model(LOOKS);
    assert_ne!(ran.code, Some(0));
    assert!(ran.err.contains("the tree `advisories` cannot be granted"), "{}", ran.err);
    let (_, rest) = ran.err.split_once("has the digest ").expect("the error says what it is");
    let digest = &rest[..64];

    let world = world(digest);
    world.run_model(LOOKS).code(0);
    let trace = world.read(".stepwell/out/trace.jsonl");
    assert!(trace.contains("ADVISORY-7"), "{trace}");

    // Another content is another tree.
    fs::write(world.path("../advisories/one/a.json"), "{\"id\":\"FORGED\"}").unwrap();
    let ran = world.run_model(LOOKS);
    assert!(ran.err.contains(&format!("not {digest}")), "{}", ran.err);
    assert!(!world.read(".stepwell/out/trace.jsonl").contains("FORGED"));
}

#[test]
fn a_repository_cannot_slip_anything_into_a_tree() {
    let world = world(&"0".repeat(64));
    world.write(".stepwell/trees/advisories/one/b.json", "{\"id\":\"FORGED\"}");
    let ran = world.run_model(LOOKS);
    assert!(ran.err.contains("the repository has something at"), "{}", ran.err);
}

/// What a tree may come to: as many bytes, or as many files.
#[test]
fn trees_have_an_end_in_bytes_and_in_files() {
    // Four of the largest files that can be read.
    const FILE_BYTES_MAX: u64 = 16 << 20;
    const FILES_MAX: u32 = 20_000;
    let refused = |world: &World| {
        let err = world.run_model(LOOKS).err;
        if err.contains("the trees have more than 67108864 bytes or 20000 files") {
            return true;
        }
        assert!(err.contains("has the digest "), "{err}");
        false
    };
    let world = world(&"0".repeat(64));
    let here = fs::metadata(world.path("../advisories/one/a.json")).unwrap().len();
    // Only holes: they take no room on the disk.
    let large = [0, 1, 2, 3].map(|n| world.path(&format!("../advisories/large{n}")));
    let resize = |path: &Path, bytes| fs::File::create(path).unwrap().set_len(bytes).unwrap();
    large.iter().for_each(|path| resize(path, FILE_BYTES_MAX));
    resize(&large[0], FILE_BYTES_MAX - here);
    assert!(!refused(&world));
    resize(&large[0], FILE_BYTES_MAX - here + 1);
    assert!(refused(&world));

    large.iter().for_each(|path| fs::remove_file(path).unwrap());
    // One is there.
    for number in 1..FILES_MAX {
        fs::write(world.path(&format!("../advisories/{number}")), "").unwrap();
    }
    assert!(!refused(&world));
    fs::write(world.path("../advisories/0"), "").unwrap();
    assert!(refused(&world));
}
