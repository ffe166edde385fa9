//! Threads and processes at once on one directory.

use std::sync::Barrier;

use super::*;

const CALLS: usize = 20;

/// Stores and looks up the same calls as everybody else, in an order of its own.
fn hammer(directory: &Path, repository: &Path, machine: &Path, first: usize) {
    let cache = Cache::open(directory, options(machine)).unwrap();
    let view = || View::new(Snapshot::directory(repository).unwrap(), None, Grant::everything());
    for number in (0..CALLS).cycle().skip(first).take(CALLS * 3) {
        let call = call(&number.to_string());
        let output = format!("output {number} ").repeat(number * 50);
        match cache.lookup(&call, &view()) {
            Lookup::Hit(hit) => assert_eq!(hit.output, output.as_bytes()),
            Lookup::Miss(why) => {
                assert_eq!(why, Why::NeverSeen);
                let observed = observe(&view(), &[content("a"), stat(&number.to_string())]);
                let stored = cache
                    .store(&call, &observed, Output::Answer, output.as_bytes(), COST_US)
                    .unwrap();
                assert!(matches!(stored, Stored::New | Stored::Known), "{stored:?}");
            }
        }
    }
}

#[test]
fn threads_with_a_cache_each_and_with_one_together_agree() {
    let world = World::new();
    world.write("a", "1");
    let start = Barrier::new(6);
    let together = world.open();
    std::thread::scope(|threads| {
        for number in 0..3 {
            let (start, world, together) = (&start, &world, &together);
            threads.spawn(move || {
                start.wait();
                let paths = [&world.cache, &world.repository, &world.machine].map(TempDir::path);
                hammer(paths[0], paths[1], paths[2], number * 7);
            });
            threads.spawn(move || {
                start.wait();
                for _ in 0..20 {
                    keep(together, &world.view(), &[content("a")], "shared");
                    assert_eq!(together.lookup(&call("tool"), &world.view()), hit("shared"));
                }
            });
        }
    });
    assert_eq!(together.stat().unwrap().entries, CALLS as u64 + 1);
    assert_eq!(together.stat().unwrap().blobs, world.blobs().len() as u64);
}

/// Set for the processes that the test below starts; they find the world there.
const WORLD: &str = "CACHE_TEST_WORLD";

#[test]
#[ignore = "a process of the next test"]
#[expect(clippy::disallowed_methods, reason = "how a parent tells its child where to work")]
fn a_process_that_shares() {
    if let Ok(world) = std::env::var(WORLD) {
        let paths: Vec<&Path> = world.split(':').map(Path::new).collect();
        hammer(paths[0], paths[1], paths[2], std::process::id() as usize % CALLS);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it takes two processes to share a directory")]
fn processes_that_share_a_directory_agree() {
    let world = World::new();
    world.write("a", "1");
    let paths = [&world.cache, &world.repository, &world.machine];
    let paths = paths.map(|path| path.path().to_str().unwrap());
    let start = |_| {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "tests::sharing::a_process_that_shares"])
            .env(WORLD, paths.join(":"))
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..3).map(start).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    let cache = world.open();
    assert_eq!(cache.stat().unwrap().entries, CALLS as u64);
    for number in 0..CALLS {
        assert!(cache.why(&call(&number.to_string()), &world.view()).is_none());
    }
}
