//! What the cache is worth over a real history: a repository of the successive versions of a published
//! package, every cached tool called on every commit with one cache, and the reason of each miss.
//!
//! A version becomes two commits, as its authors made it: what they worked on, and the release, which
//! is what changes its manifest and its lock file. `STEPWELL_HISTORY` names a repository whose own last
//! commits are taken instead.
#![expect(clippy::print_stdout, reason = "a table is what it is run for")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use benches::{Tools, runs, runtime};
use cache::Cache;
use runner::{Toolbox, Trees};
use session::Source;
use snapshot::{Grant, Snapshot, changes};

/// Its packages have a lock file, few files, and come often.
const PACKAGE: &str = "typos-cli";
/// Versions that are taken, the newest ones.
const VERSIONS_MAX: usize = 160;
/// With fewer it is no history.
const COMMITS_MIN: usize = 200;
/// Commits that are taken of a repository.
const COMMITS_MAX: usize = 400;
/// The calls. All other tools of ours are never cached.
const CALLS: [(&str, &str); 4] = [
    ("sbom", "{}"),
    ("dependency_graph", r#"{"query":"summary"}"#),
    ("dependency_graph", r#"{"query":"duplicates"}"#),
    ("test_summary", "{}"),
];
/// What an SBOM is made of.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "Cargo.lock"];
/// Reasons that are told of one call.
const REASONS_MAX: usize = 6;

fn main() {
    if !runs::is_measured() {
        return;
    }
    if let Some(repository) = std::env::var_os("STEPWELL_HISTORY").map(PathBuf::from) {
        let most = format!("--max-count={COMMITS_MAX}");
        let listed = git(&repository, &["rev-list", "--first-parent", &most, "--reverse", "HEAD"]);
        let commits: Vec<String> = listed.lines().map(str::to_owned).collect();
        println!("history: the last {} commits of a repository", commits.len());
        call_all(&repository, &commits);
        return;
    }
    let versions = versions();
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let commits = history(dir.path(), &versions);
    println!("history: {} commits of {} versions of {PACKAGE}", commits.len(), versions.len());
    if commits.len() < COMMITS_MIN {
        println!("SKIPPED LOUDLY: fewer than {COMMITS_MIN} commits: cargo cannot fetch them here");
        return;
    }
    call_all(dir.path(), &commits);
}

/// Where cargo has unpacked the newest versions, the oldest first.
fn versions() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let users = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let Some(registry) = home.or_else(users).map(|home| home.join("registry")) else {
        return Vec::new();
    };
    fetch(PACKAGE);
    let (first, second) = (&PACKAGE[..2], &PACKAGE[2..4]);
    let indexes = entries(&registry.join("index")).into_iter();
    let index = indexes.map(|index| index.join(".cache").join(first).join(second).join(PACKAGE));
    let known = index.filter_map(|index| fs::read(index).ok()).next().unwrap_or_default();
    let mut versions: Vec<[u32; 3]> = known.split(|byte| *byte == 0).filter_map(version).collect();
    versions.sort_unstable();
    versions.dedup();
    let newest = versions.len().saturating_sub(VERSIONS_MAX);
    let unpacked = |[major, minor, patch]: [u32; 3]| {
        let version = format!("{major}.{minor}.{patch}");
        let find = || {
            let sources = entries(&registry.join("src")).into_iter();
            let mut at = sources.map(|source| source.join(format!("{PACKAGE}-{version}")));
            at.find(|at| at.join("Cargo.lock").is_file())
        };
        find().or_else(|| {
            fetch(&format!("{PACKAGE}@{version}"));
            find()
        })
    };
    versions.split_off(newest).into_iter().filter_map(unpacked).collect()
}

/// A plain version, without a name behind it.
fn version(text: &[u8]) -> Option<[u32; 3]> {
    let mut numbers = std::str::from_utf8(text).ok()?.split('.').map(str::parse);
    let version = [numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?];
    numbers.next().is_none().then_some(version)
}

/// Has cargo look at a package, and so download it.
fn fetch(package: &str) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["info", "--quiet", package]).stdout(Stdio::null()).stderr(Stdio::null());
    // What cannot be had shows by its absence.
    let _fetched = cargo.current_dir(std::env::temp_dir()).status().is_ok();
}

/// Makes a repository of them; returns its commits, the oldest first.
fn history(root: &Path, versions: &[PathBuf]) -> Vec<String> {
    git(root, &["init", "--quiet"]);
    let mut commits = Vec::new();
    for version in versions {
        let name = version.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for entry in entries(root) {
            let is_kept = entry.ends_with(".git") || MANIFESTS.iter().any(|at| entry.ends_with(at));
            if entry.is_dir() && !is_kept {
                fs::remove_dir_all(entry).expect("it is ours");
            } else if !is_kept {
                fs::remove_file(entry).expect("it is ours");
            }
        }
        let is_manifest = |at: &Path| MANIFESTS.iter().any(|manifest| at.ends_with(manifest));
        for release in [false, true] {
            copy(version, root, &|at| is_manifest(at) == release);
            commits.extend(commit(root, &name));
        }
    }
    commits
}

fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&Path) -> bool) {
    for entry in entries(from) {
        let name = entry.file_name().expect("it was listed");
        let at = to.join(name);
        let is_cargos = name.to_string_lossy().starts_with(".cargo");
        if entry.is_dir() && !is_cargos {
            fs::create_dir_all(&at).expect("it can be made");
            copy(&entry, &at, wanted);
        } else if !is_cargos && wanted(&entry) {
            fs::copy(&entry, &at).expect("it can be copied");
        }
    }
}

/// Commits what is there, if that is anything new.
fn commit(root: &Path, message: &str) -> Option<String> {
    git(root, &["add", "--all", "--force"]);
    if git(root, &["status", "--porcelain"]).is_empty() {
        return None;
    }
    git(root, &["commit", "--quiet", "--message", message]);
    Some(git(root, &["rev-parse", "HEAD"]))
}

fn git(root: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "gc.auto=0"]);
    git.args(arguments).current_dir(root);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let done = git.output().expect("git can be run");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

/// What became of one call over the history.
#[derive(Debug, Default)]
struct Row {
    hits: usize,
    misses: usize,
    /// Misses on commits that touch no manifest.
    needless: usize,
    reasons: BTreeMap<String, usize>,
    saved_us: u64,
}

fn call_all(root: &Path, commits: &[String]) {
    let kept = tempfile::tempdir().expect("a temporary directory can be made");
    let key = cache::MachineKey::passing().expect("the system has randomness");
    let cache =
        Cache::open(kept.path(), cache::Options::new(key)).expect("the cache can be opened");
    let tools = Tools::shipped(&["sbom", "dependency_graph", "test_summary"]);
    let toolbox = Toolbox::new(tools, Some(cache), Grant::everything());
    let (runtime, mut rows) = (runtime(), BTreeMap::<usize, Row>::new());
    let mut before: Option<Snapshot> = None;
    for commit in commits {
        let head = Snapshot::git(root, commit).expect("it was just made");
        let changed = before.as_ref().map(|before| changes(before, &head).expect("both are there"));
        let is_release = changed.is_none_or(|changed| {
            changed.iter().any(|change| MANIFESTS.contains(&change.path.name()))
        });
        let names = (commit.clone(), None);
        let trees = Trees { head: head.clone(), base: before.take(), names };
        for (place, (tool, arguments)) in CALLS.iter().enumerate() {
            let called = runtime.block_on(toolbox.call(tool, arguments, &trees));
            let row = rows.entry(place).or_default();
            if called.source == Source::Cache {
                row.hits += 1;
                row.saved_us += called.usage.saved_us;
                continue;
            }
            row.misses += 1;
            row.needless += usize::from(!is_release);
            let reason = called.missed.unwrap_or_else(|| "it is never kept".to_owned());
            *row.reasons.entry(reason).or_default() += 1;
        }
        before = Some(head);
    }
    println!("{:<46} {:>6} {:>6} {:>9} {:>9}", "call", "hits", "misses", "needless", "saved ms");
    for (place, row) in rows {
        let (tool, arguments) = CALLS[place];
        let Row { hits, misses, needless, reasons, saved_us } = row;
        let call = format!("{tool} {arguments}");
        println!("{call:<46} {hits:>6} {misses:>6} {needless:>9} {:>9}", saved_us / 1_000);
        let mut reasons: Vec<_> =
            reasons.into_iter().map(|(reason, count)| (count, reason)).collect();
        reasons.sort_unstable_by(|a, b| b.cmp(a));
        let more = reasons.len().saturating_sub(REASONS_MAX);
        for (count, reason) in reasons.into_iter().take(REASONS_MAX) {
            println!("  {count:>6} times: {reason}");
        }
        if more > 0 {
            println!("  and {more} more reasons");
        }
    }
    println!("needless: misses on commits that touch neither Cargo.toml nor Cargo.lock");
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).collect()
}
