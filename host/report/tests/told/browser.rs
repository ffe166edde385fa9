//! The page in a real browser: it draws what it must, runs nobody else's script, asks nobody.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use report::{By, Fleet, Run, html};

use crate::{journal, runs};

/// Where Debian has it.
const CHROMIUM: &str = "/usr/bin/chromium";

/// Where the pictures are left for people to look at.
fn pictures() -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("report");
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// A page as a browser sees it; none where there is no browser.
struct Opened {
    dom: String,
}

/// Has a browser open an address, as nobody who could ask anybody; what it writes.
fn browse(address: &str, arguments: &[String]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(CHROMIUM);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]);
    command.args(["--disable-dev-shm-usage", "--no-first-run", "--disable-extensions"]);
    command.args(["--disable-background-networking", "--disable-component-update"]);
    command.arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1");
    command.arg(format!("--user-data-dir={}", dir.path().join("profile").display()));
    let out = command.args(arguments).arg(address).stdin(Stdio::null()).output().unwrap();
    String::from_utf8(out.stdout).unwrap()
}

/// Opens a page; `anchor` is what follows its address. A picture of it is left as `name.png`.
fn open(name: &str, page: &str, anchor: &str) -> Option<Opened> {
    if !Path::new(CHROMIUM).exists() {
        eprintln!("SKIPPED: no {CHROMIUM}: nothing was opened in a browser");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.html");
    File::create(&file).unwrap().write_all(page.as_bytes()).unwrap();
    let address = format!("file://{}{anchor}", file.display());
    let dom = browse(&address, &["--dump-dom".to_owned()]);
    let picture = pictures().join(format!("{name}.png"));
    let size = "--window-size=1280,4200".to_owned();
    browse(&address, &[format!("--screenshot={}", picture.display()), size]);
    assert!(picture.exists(), "no picture of {name}");
    Some(Opened { dom })
}

impl Opened {
    /// What the page says of itself.
    fn data(&self, name: &str) -> Option<&str> {
        let begin = self.dom.split_once(&format!("data-{name}=\""))?.1;
        begin.split('"').next()
    }

    #[track_caller]
    fn is_well(&self) {
        assert_eq!(self.data("ready"), Some("true"), "the script did not come to its end");
        assert_eq!(self.data("errors"), Some("0"), "a script failed");
        assert_eq!(self.data("violations"), Some("0"), "something was forbidden");
    }

    #[track_caller]
    fn has(&self, text: &str) {
        assert!(self.dom.contains(text), "`{text}` is not in the page");
    }
}

#[test]
fn a_run_is_drawn_whole() {
    let run = Run::read(&runs::repair()).unwrap();
    let Some(page) = open("repair", &html(&run), "") else { return };
    page.is_well();
    for text in [
        "data-mood=\"good\"",
        "slots_that_touch_become_one",
        "if next.start &lt;= slot.end",
        "server-overloaded",
        "protected-paths",
        "id=\"timeline\"",
        "class=\"bar call cache answered\"",
        "at most $0.20",
    ] {
        page.has(text);
    }
}

#[test]
fn a_run_that_failed_says_so() {
    let run = Run::read(&runs::failed()).unwrap();
    let Some(page) = open("failed", &html(&run), "") else { return };
    page.is_well();
    for text in ["data-mood=\"bad\"", "out of money: analyze", "attempt 2", "out-of-fuel"] {
        page.has(text);
    }
}

#[test]
fn what_earlier_programs_wrote_is_drawn_too() {
    let run = Run::read(&journal("repairs")).unwrap();
    let Some(page) = open("earlier", &html(&run), "") else { return };
    page.is_well();
    page.has("the trace does not say what it might have spent");
}

#[test]
fn a_link_opens_one_call_or_one_turn() {
    let page = html(&Run::read(&runs::repair()).unwrap());
    for (name, anchor, text) in [
        ("call", "#open=turn1.2", "48,213,551"),
        ("turn", "#open=turn1", "11,840, 7,104 of them read before"),
    ] {
        let Some(page) = open(name, &page, anchor) else { return };
        page.is_well();
        page.has("<dialog class=\"drawer\" aria-label=\"details\" open=\"\">");
        page.has(text);
    }
}

#[test]
fn fifty_thousand_records_are_filtered_as_they_load() {
    let run = Run::read(&runs::large(50_000)).unwrap();
    assert!(run.records >= 50_000);
    let Some(page) = open("large", &html(&run), "#records&q=module_700%2Ffile_7.rs") else {
        return;
    };
    page.is_well();
    assert_eq!(page.data("found"), Some("1"), "the call of that file");
    let (load, filter) = (page.data("load-ms").unwrap(), page.data("filter-ms").unwrap());
    eprintln!("50,000 records: loaded in {load} ms, filtered in {filter} ms");
}

#[test]
fn nothing_in_a_trace_runs_or_asks_anybody() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let asked = server.local_addr().unwrap();
    let bad = format!(
        "</script></title></style>--><!--<script>document.documentElement.dataset.owned='1'</script>\
         <img src=http://{asked}/x onerror=\"document.documentElement.dataset.owned='1'\">\
         <style>@import 'http://{asked}/y';</style><a href=\"javascript:void(0)\">]]>'\"\u{202e}\u{2028}\u{0}\u{1b}[2J"
    );
    let run = Run::read(&runs::hostile(&bad)).unwrap();
    let Some(page) = open("hostile", &html(&run), "") else { return };
    page.is_well();
    assert_eq!(page.data("owned"), None, "a script of the trace ran");
    assert!(!page.dom.contains("<img"), "an element of the trace is in the page");
    page.has("&lt;img src=");
    page.has("\\u{202e}");
    let mut fleet = Fleet::default();
    assert!(fleet.add(&run));
    let page = open("hostile-fleet", &fleet.html(By::Step), "").unwrap();
    assert!(!page.dom.contains("<img") && !page.dom.contains("data-owned"));
    assert!(server.accept().is_err(), "the page asked somebody");
}

/// The pictures that `docs/observability.md` and the README show, as they really are.
#[test]
#[ignore = "writes into docs/"]
fn takes_the_pictures_for_docs() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.html");
    let page = html(&Run::read(&runs::repair()).unwrap());
    File::create(&file).unwrap().write_all(page.as_bytes()).unwrap();
    let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/images");
    fs::create_dir_all(&docs).unwrap();
    for (name, scheme) in [("report-light", 1), ("report-dark", 0)] {
        let picture = docs.join(name).with_extension("png");
        let arguments = [
            format!("--screenshot={}", picture.display()),
            "--window-size=1280,860".to_owned(),
            format!("--blink-settings=preferredColorScheme={scheme}"),
        ];
        browse(&format!("file://{}", file.display()), &arguments);
        let bytes = fs::metadata(&picture).unwrap().len();
        assert!((1..150_000).contains(&bytes), "{name} has {bytes} bytes");
    }
}
