//! A repository that was written to be read: whatever a guest asks of it, nothing comes that is not
//! of it, and every question comes to its end.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, Dev, FileType, Mode, OFlags};
use sandbox::{Limits, Report, Tool};
use tempfile::TempDir;

use crate::Bench;
use crate::guests::in_words;

/// What no answer may hold. It stands beside the repository, and in its git directory.
const SECRET: &str = "\"5TEP 5ECRET\"";

/// What came of a question, in a word: after `!` an end, a letter for a refusal.
fn brief(report: &Report) -> String {
    assert!(!format!("{report:?}").contains("5ECRET"), "{report:?}");
    let words = in_words(report);
    let (how, what) = words.split_once(": ").unwrap();
    match how {
        "answered" | "refused" => what.to_owned(),
        _ => format!("! {what}"),
    }
}

/// A repository with a file, a directory and a git directory; a secret outside of it, and whoever
/// asks.
struct Guarded {
    bench: Bench,
    asks: Tool,
    outside: TempDir,
}

impl Guarded {
    fn new() -> Self {
        let outside = TempDir::new().unwrap();
        fs::create_dir(outside.path().join("inner")).unwrap();
        fs::write(outside.path().join("secret"), SECRET).unwrap();
        let bench = Bench::new().file("a.json", "1");
        fs::create_dir(bench.path().join("sub")).unwrap();
        for directory in [".git", "sub/.GIT"] {
            fs::create_dir(bench.path().join(directory)).unwrap();
            fs::write(bench.path().join(directory).join("secret"), SECRET).unwrap();
        }
        let asks = bench.load("asks");
        Self { bench: bench.file("sub/b.json", "2"), asks, outside }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.bench.path().join(name)
    }

    /// Where the secret's directory is, from the repository.
    fn beside(&self) -> String {
        format!("../{}", self.outside.path().file_name().unwrap().to_str().unwrap())
    }

    /// What is answered to each kind of question about `name`.
    async fn ask(&self, kinds: &str, name: &str) -> String {
        let mut answers = Vec::new();
        for kind in kinds.chars() {
            let input = format!("{kind}{name}");
            answers.push(brief(&self.bench.call(&self.asks, &input).await));
        }
        answers.join(" ")
    }
}

/// Ways to spell a path that somebody has been fooled by, and what they are.
#[rustfmt::skip]
const SPELLINGS: [(&str, &str); 36] = [
    ("to the file", "a.json"), ("through", "sub/../a.json"), ("through nothing", "none/../a.json"),
    ("up", ".."), ("up with a slash", "../"), ("here", "."), ("here first", "./a.json"),
    ("two slashes", "sub//b.json"), ("a slash after", "a.json/"), ("only a slash", "/"),
    ("slashes before", "//a.json"), ("nul", "a.json\0"), ("nul inside", "sub\0/../b.json"),
    ("backslashes", "..\\..\\etc\\passwd"), ("backslash", "sub\\b.json"),
    ("drive", "C:\\a.json"), ("drive of slashes", "C:/a.json"), ("device", "\\\\?\\C:\\a.json"),
    ("git", ".git/secret"), ("git upper", ".GIT/secret"), ("git inside", "sub/.GIT/secret"),
    ("git short", "git~1/secret"), ("git dot", ".git./secret"), ("git space", ".git /secret"),
    ("git stream", ".git::$INDEX_ALLOCATION/secret"), ("git unseen", ".g\u{200c}it/secret"),
    ("git mark", "\u{feff}.git/secret"), ("percent", "%2e%2e/secret"), ("tilde", "~/secret"),
    ("fullwidth", "\u{ff0e}\u{ff0e}/secret"), ("one dot leader", "\u{2024}\u{2024}/secret"),
    ("proc", "/proc/self/environ"), ("proc inside", "proc/self/environ"),
    ("descriptor", "/dev/fd/0"), ("url", "file:///etc/passwd"), ("line", "a.json\n"),
];

#[tokio::test]
async fn no_spelling_of_a_path_leads_out() {
    let guarded = Guarded::new();
    let beside = format!("{}/secret", guarded.beside());
    let absolute = guarded.outside.path().join("secret").display().to_string();
    let [deep, long, too_long] = [
        format!("sub/{}etc/passwd", "../".repeat(40)),
        "a/".repeat(2_047) + "b",
        "a/".repeat(2_047) + "bc",
    ];
    let built = [
        ("beside", &*beside),
        ("absolute", &absolute),
        ("deep", &deep),
        ("longest", &long),
        ("too long", &too_long),
    ];
    let mut said = Vec::new();
    for (label, spelling) in SPELLINGS.into_iter().chain(built) {
        said.push(format!("{label}: {}", guarded.ask("rpsl", spelling).await));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    to the file: 1 1 "ok" c
    through: d d d d
    through nothing: d d d d
    up: d d d d
    up with a slash: d d d d
    here: d d d d
    here first: d d d d
    two slashes: d d d d
    a slash after: d d d d
    only a slash: d d d d
    slashes before: d d d d
    nul: d d d d
    nul inside: d d d d
    backslashes: a a a a
    backslash: a a a a
    drive: a a a a
    drive of slashes: a a a a
    device: a a a a
    git: a a a a
    git upper: a a a a
    git inside: a a a a
    git short: a a a a
    git dot: a a a a
    git space: a a a a
    git stream: a a a a
    git unseen: a a a a
    git mark: a a a a
    percent: a a a a
    tilde: a a a a
    fullwidth: a a a a
    one dot leader: a a a a
    proc: d d d d
    proc inside: a a a a
    descriptor: d d d d
    url: d d d d
    line: a a a a
    beside: d d d d
    absolute: d d d d
    deep: d d d d
    longest: a a a a
    too long: d d d d
    "#);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_no_path() {
    let guarded = Guarded::new();
    let report = guarded.bench.run("asks-in-bad-text", "").await;
    assert!(in_words(&report).starts_with("ended: it trapped: invalid utf-8"), "{report:?}");
    assert_eq!(report.usage.host_calls, 0, "it was no question");
}

#[tokio::test]
async fn no_pattern_and_no_search_finds_what_is_outside() {
    let guarded = Guarded::new();
    symlink(guarded.outside.path(), guarded.path("out")).unwrap();
    let beside = format!("{}/**", guarded.beside());
    let mut said = Vec::new();
    for (label, pattern) in [
        ("everything", "**"),
        ("everything deeper", "**/**/**"),
        ("secrets", "**/*secret*"),
        ("the link", "out/**"),
        ("git", "**/.git/**"),
        ("git in classes", "**/.[gG][iI][tT]/*"),
        ("beside", &beside),
        ("absolute", "/**"),
        ("up", "{..,.}/**"),
        ("brackets", "[.][.]/**"),
        ("deep", "{{{{{{{{{{**}}}}}}}}}}"),
    ] {
        said.push(format!("{label}: {}", guarded.ask("g", pattern).await));
    }
    said.push(format!("a search: {}", guarded.ask("f", "5TEP").await));
    insta::assert_snapshot!(said.join("\n"), @r#"
    everything: "ok"
    everything deeper: "ok"
    secrets: "none"
    the link: "none"
    git: "none"
    git in classes: "none"
    beside: i
    absolute: i
    up: "none"
    brackets: "none"
    deep: "ok"
    a search: "none"
    "#);
}

#[tokio::test]
async fn links_with_slashes_behind_them_lead_no_further_than_without() {
    let guarded = Guarded::new();
    let out = guarded.outside.path().display().to_string();
    let beside = guarded.beside();
    let targets = [
        ("plain", out.clone()),
        ("slash", format!("{out}/")),
        ("slashes", format!("{out}//.//")),
        ("beside", beside.clone()),
        ("beside-slash", format!("{beside}/")),
        ("by-inner", format!("{beside}/inner/../")),
        ("dot", "./".to_owned()),
        ("up", "../".to_owned()),
        ("sub-slash", "sub/".to_owned()),
        ("file-slash", "a.json/".to_owned()),
        ("file-dot", "a.json/.".to_owned()),
        ("git-slash", ".git/".to_owned()),
        ("proc", "/proc/self/".to_owned()),
        ("circle", "circle/".to_owned()),
        ("empty-end", "sub/none/".to_owned()),
    ];
    let mut said = Vec::new();
    for (name, target) in targets {
        symlink(&target, guarded.path(name)).unwrap();
        let mut answers = Vec::new();
        for behind in ["", "/", "/secret", "/b.json"] {
            answers.push(guarded.ask("rsl", &format!("{name}{behind}")).await);
        }
        said.push(format!("{name}: {}", answers.join(" | ")));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    plain: e "ok" e | d d d | e e e | e e e
    slash: e "ok" e | d d d | e e e | e e e
    slashes: e "ok" e | d d d | e e e | e e e
    beside: e "ok" e | d d d | e e e | e e e
    beside-slash: e "ok" e | d d d | e e e | e e e
    by-inner: e "ok" e | d d d | e e e | e e e
    dot: b "ok" "ok" | d d d | a a a | a a a
    up: e "ok" e | d d d | e e e | e e e
    sub-slash: b "ok" "ok" | d d d | a a a | 2 "ok" c
    file-slash: b "ok" c | d d d | a a a | a a a
    file-dot: b "ok" c | d d d | a a a | a a a
    git-slash: b "ok" c | d d d | a a a | a a a
    proc: e "ok" e | d d d | e e e | e e e
    circle: b "ok" c | d d d | a a a | a a a
    empty-end: b "ok" c | d d d | a a a | a a a
    "#);
}

#[tokio::test]
async fn what_is_no_file_is_neither_read_nor_waited_for() {
    let guarded = Guarded::new();
    let path = |name: &str| guarded.path(name);
    rustix::fs::mknodat(CWD, path("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let _listens = UnixListener::bind(path("socket")).unwrap();
    symlink("pipe", path("to-pipe")).unwrap();
    symlink("/dev/zero", path("to-device")).unwrap();
    let mut said = Vec::new();
    for name in ["pipe", "socket", "to-pipe", "to-device", "pipe/x"] {
        said.push(format!("{name}: {}", guarded.ask("rpsl", name).await));
    }
    said.push(format!("a search: {}", guarded.ask("f", "x").await));
    insta::assert_snapshot!(said.join("\n"), @r#"
    pipe: b b b c
    socket: b b b c
    to-pipe: b b b c
    to-device: e e "ok" e
    pipe/x: a a a a
    a search: "none"
    "#);
    let device: Dev = rustix::fs::makedev(1, 5);
    let made =
        rustix::fs::mknodat(CWD, path("zero"), FileType::CharacterDevice, Mode::RWXU, device);
    match made {
        Ok(()) => assert_eq!(guarded.ask("rpsl", "zero").await, guarded.ask("rpsl", "pipe").await),
        #[expect(clippy::print_stderr, reason = "what is skipped is said loudly")]
        Err(err) => eprintln!("SKIPPED LOUDLY: a device cannot be made here: {err}"),
    }
}

/// Calls `guest` about a file that becomes another one all the time.
fn read_while_it_changes(guarded: &Guarded, guest: &str, calls: usize) -> Vec<Report> {
    let (file, other) = (guarded.path("a.json"), guarded.path("b.tmp"));
    let tool = guarded.bench.load(guest);
    // In one move: a file that is cut short for a moment is empty, which is always kept.
    let change = |turn: usize| {
        fs::write(&other, format!("{turn:08}")).unwrap();
        fs::rename(&other, &file).unwrap();
    };
    change(1);
    let over = AtomicBool::new(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| (2..).take_while(|_| !over.load(Ordering::Relaxed)).for_each(change));
        let call = |_| runtime.block_on(guarded.bench.call(&tool, "a.json"));
        let reports = (0..calls).map(call).collect();
        over.store(true, Ordering::Relaxed);
        reports
    })
}

#[test]
fn a_file_that_changes_while_it_is_read_does_not_change_for_the_guest() {
    for report in read_while_it_changes(&Guarded::new(), "compares-readings", 20) {
        let words = in_words(&report);
        assert_ne!(words, r#"answered: "changed""#);
        assert_eq!(report.observations.len(), 1, "{words}");
    }
}

#[test]
fn a_file_that_changes_and_is_not_kept_ends_the_call() {
    let mut guarded = Guarded::new();
    (1..=4).for_each(|n| sparse(&guarded.path(&format!("big-{n}")), 16 << 20));
    let (fuel, host_calls) = (Limits::MAX.fuel, Limits::MAX.host_calls);
    let wall = Limits::MAX.wall;
    guarded.bench.limits = Limits { fuel, host_calls, wall, ..Limits::default() };
    let reports = read_while_it_changes(&guarded, "reads-what-is-not-kept", 1);
    assert_eq!(
        in_words(&reports[0]),
        "ended: the repository changed while it was read: the content of `a.json`"
    );
    assert!(!reports[0].is_cacheable());
}

/// Makes a file of so many bytes, none of which are anywhere.
fn sparse(path: &Path, bytes: u64) {
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::RWXU).unwrap();
    rustix::fs::ftruncate(&file, bytes).unwrap();
}

#[tokio::test]
async fn a_huge_file_with_nothing_in_it_is_named_and_read_in_parts() {
    let guarded = Guarded::new();
    sparse(&guarded.path("sparse"), 1 << 40);
    let said = [
        format!("a file: {}", guarded.ask("rs", "sparse").await),
        format!("a part: {}", guarded.ask("p", "sparse").await.replace('\0', "0")),
        format!("a search: {}", guarded.ask("f", "x").await),
        format!("a walk: {}", guarded.ask("g", "sparse*").await),
    ];
    insta::assert_snapshot!(said.join("\n"), @r#"
    a file: g "ok"
    a part: ! its answer cannot be used: it is not JSON: expected value at line 1 column 1
    a search: "none"
    a walk: "ok"
    "#);
}

#[tokio::test]
async fn a_directory_of_very_many_names_ends_where_a_limit_is() {
    const NAMES: usize = 5_000;
    let mut guarded = Guarded::new();
    fs::create_dir(guarded.path("many")).unwrap();
    for n in 0..NAMES {
        fs::write(guarded.path(&format!("many/{n}-name-that-is-somewhat-long")), "").unwrap();
    }
    let mut said = vec![guarded.ask("lg", "many").await, guarded.ask("g", "many/*9*").await];
    for limits in [
        Limits { read_bytes: 100_000, ..Limits::default() },
        Limits { memory_bytes: 1 << 18, ..Limits::default() },
        Limits { fuel: 50_000, ..Limits::default() },
    ] {
        guarded.bench.limits = limits;
        said.push(guarded.ask("l", "many").await);
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    "ok" "none"
    "ok"
    ! it read more of the repository than the limit of 100000 bytes
    ! out of memory: it needs more than the limit of 262144 bytes
    ! out of fuel: it did more work than the limit of 50000 units
    "#);
}

#[tokio::test]
async fn names_that_are_no_text_are_in_no_answer() {
    let guarded = Guarded::new();
    let odd = guarded.path("odd");
    fs::create_dir(&odd).unwrap();
    assert_eq!(guarded.ask("lg", "odd").await, r#""none" "none""#);
    for name in [&b"\xff"[..], b"a\xc0\xae", b"\xed\xa0\x80", b".g\xffit"] {
        fs::write(odd.join(std::ffi::OsStr::from_bytes(name)), SECRET).unwrap();
    }
    let said = [
        guarded.ask("l", "odd").await,
        guarded.ask("g", "odd/*").await,
        guarded.ask("f", "5TEP").await,
        guarded.ask("rsl", "odd/\u{fffd}").await,
    ];
    insta::assert_snapshot!(said.join("\n"), @r#"
    "none"
    "none"
    "none"
    a a a
    "#);
}
