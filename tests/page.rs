//! `report.html` of real runs in a real browser: what the demo and each ending leave is drawn whole, and
//! no script of it fails or is forbidden.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::endings;
use crate::support::{World, workspace};

/// Where Debian has it.
const CHROMIUM: &str = "/usr/bin/chromium";

/// Where pictures are left for people to look at.
fn pictures() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// A browser that asks nobody, and keeps nothing.
fn browse(arguments: &[&str], page: &Path) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(CHROMIUM);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]);
    command.args(["--disable-dev-shm-usage", "--no-first-run", "--disable-extensions"]);
    command.args(["--disable-background-networking", "--disable-component-update"]);
    command.arg("--host-resolver-rules=MAP * ~NOTFOUND");
    command.arg(format!("--user-data-dir={}", dir.path().join("profile").display()));
    command.args(arguments).arg(format!("file://{}", page.display()));
    String::from_utf8(command.stdin(Stdio::null()).output().unwrap().stdout).unwrap()
}

/// Opens the page that a run left, and finds `words` in what the browser makes of it, which is returned.
#[track_caller]
fn opens(name: &str, world: &World, words: &[&str]) -> String {
    let page = world.path(".stepwell/out/report.html");
    let dom = browse(&["--dump-dom"], &page);
    for word in ["data-ready=\"true\"", "data-errors=\"0\"", "data-violations=\"0\""] {
        assert!(dom.contains(word), "{name}: {word} is not in the page");
    }
    for word in words {
        assert!(dom.contains(word), "{name}: {word} is not in the page");
    }
    dom
}

/// Leaves a picture of the page for people to look at.
#[track_caller]
fn leave_picture(name: &str, world: &World) {
    let picture = pictures().join(name).with_extension("png");
    let to = format!("--screenshot={}", picture.display());
    browse(&[&to, "--window-size=1280,2400"], &world.path(".stepwell/out/report.html"));
    assert!(picture.exists(), "no picture of {name}");
}

/// How the head of a page begins whose run came to its end; the style sheet names the mood, too.
const GOOD: &str = "<header class=\"top\" data-mood=\"good\">";

#[test]
fn the_pages_of_the_demo_and_of_each_ending_are_drawn_whole() {
    if !Path::new(CHROMIUM).exists() {
        eprintln!("SKIPPED LOUDLY: no {CHROMIUM}: nothing was opened in a browser");
        return;
    }
    let demo = World::example();
    demo.run_script(&["--quiet"]).code(0);
    let words = [GOOD, "slots_that_touch_become_one", "protected-paths"];
    opens("demo", &demo, &words);
    leave_picture("demo", &demo);
    for entry in fs::read_dir(workspace().join("examples/endings")).unwrap().flatten() {
        if entry.path().is_dir() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let world = World::example();
            endings::run(&world, &name, &["--quiet"]);
            let reason = world.json(".stepwell/out/result.json")["stop-reason"]["id"].clone();
            let page = opens(&name, &world, &["slots"]);
            assert_eq!(page.contains(GOOD), reason == "done", "{name}");
            if name == "failing" {
                leave_picture(&name, &world);
            }
        }
    }
}
