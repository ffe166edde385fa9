//! What a hit costs: after one file, a hundred and ten thousand, in process, beside what the same
//! machine takes at the least for the same in the same minute; and an SBOM of a whole repository
//! from the cache, from the start of the process to its end.
#![expect(clippy::print_stdout, reason = "a table is what it is run for")]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use benches::runs;
use cache::{Cache, Call, Identity, Lookup, MachineKey, Options, Output};
use rusqlite::Connection;
use snapshot::{Digest, Grant, Question, Snapshot, StatCache, Tree, View};

/// Files that the cached call has read.
const COUNTS: [usize; 3] = [1, 100, 10_000];
/// Bytes of each.
const FILE_BYTES: usize = 4 << 10;
/// Bytes of what the call answered.
const OUTPUT_BYTES: usize = 16 << 10;
/// What a row may take, and how often it is done.
const TIME_MAX: Duration = Duration::from_millis(1_500);
const TIMES_MAX: usize = 3_000;
/// Processes that are started for a row.
const PROCESSES: usize = 40;
/// Files younger than this are read every time.
const SETTLED: Duration = Duration::from_millis(2_500);

fn main() {
    if runs::is_measured() {
        in_process();
        whole_process();
    }
}

fn in_process() {
    println!("cache: microseconds a hit in process, the fastest and the middle one");
    for count in COUNTS {
        let files = Files::new(count);
        println!("\nafter {count} files of {} KiB:", FILE_BYTES >> 10);
        let stat = row("floor: stat of each", || files.stat());
        let read = row("floor: read and hash each", || files.read());
        let rest = row("floor: one get, 16 KiB read and verified", files.get_and_blob());
        let stats = Arc::new(StatCache::in_memory(hence));
        let hit = Hit::new(&files);
        let with = row("hit, files unchanged by stat", || hit.one(Some(&stats)));
        let without = row("hit, files read again", || hit.one(None));
        row("  of it the answers, unchanged by stat", || hit.answers(Some(&stats)));
        row("  the same, asked all at once", || hit.answers_at_once(Some(&stats)));
        let ratio = |took: Duration, floor: Duration| took.as_secs_f64() / floor.as_secs_f64();
        println!(
            "ratio of the fastest: {:.1} to stat and get, {:.1} to read and get",
            ratio(with, stat + rest),
            ratio(without, read + rest),
        );
    }
}

fn options() -> Options {
    Options::new(MachineKey::passing().expect("the system has randomness"))
}

/// A clock that is ahead: the files were made just now, and count as settled.
fn hence() -> SystemTime {
    SystemTime::now() + Duration::from_hours(1)
}

/// Files in directories of fifty.
struct Files {
    dir: tempfile::TempDir,
    paths: Vec<String>,
}

impl Files {
    fn new(count: usize) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let path = |number: usize| format!("src/part{:03}/file{number:05}.rs", number / 50);
        let paths: Vec<String> = (0..count).map(path).collect();
        for path in &paths {
            write(&dir.path().join(path), path.repeat(FILE_BYTES / path.len()).as_bytes());
        }
        Self { dir, paths }
    }

    fn full(&self) -> impl Iterator<Item = PathBuf> {
        self.paths.iter().map(|path| self.dir.path().join(path))
    }

    fn stat(&self) {
        for path in self.full() {
            black_box(fs::symlink_metadata(path).expect("it was just written"));
        }
    }

    fn read(&self) {
        for path in self.full() {
            black_box(Digest::of(&fs::read(path).expect("it was just written")));
        }
    }

    /// One row of an index, and one blob.
    fn get_and_blob(&self) -> impl FnMut() {
        let connection = Connection::open_in_memory().expect("SQLite opens");
        let table = "CREATE TABLE t (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID";
        connection.execute(table, []).expect("it is empty");
        let key = Digest::of(b"key");
        let row = (key.as_bytes(), [7_u8; 120]);
        connection.execute("INSERT INTO t VALUES (?1, ?2)", row).expect("it is new");
        let blob = self.dir.path().join("blob");
        fs::write(&blob, vec![b'x'; OUTPUT_BYTES]).expect("it can be written");
        move || {
            let mut get =
                connection.prepare_cached("SELECT v FROM t WHERE k = ?1").expect("it is SQL");
            let got: Vec<u8> =
                get.query_row([key.as_bytes()], |row| row.get(0)).expect("it is there");
            black_box((got, Digest::of(&fs::read(&blob).expect("it was written"))));
        }
    }
}

/// A call that is in the cache.
struct Hit<'a> {
    files: &'a Files,
    cache: Cache,
    call: Call,
    questions: Arc<[Question]>,
    _kept: tempfile::TempDir,
}

impl<'a> Hit<'a> {
    fn new(files: &'a Files) -> Self {
        let kept = tempfile::tempdir().expect("a temporary directory can be made");
        let cache = Cache::open(kept.path(), options()).expect("the cache can be opened");
        let [component, schema, grant, profile] =
            [b"c", b"s", b"g", b"p"].map(|field| Digest::of(field));
        let call = Call::new(Identity {
            component,
            world: "bench".to_owned(),
            tool: "bench".to_owned(),
            schema,
            args: serde_json::Value::Null,
            grant,
            profile,
            salt: String::new(),
        });
        let content = |path: &String| Question::Content { tree: Tree::Head, path: path.to_owned() };
        let questions: Arc<[Question]> = files.paths.iter().map(content).collect();
        let hit = Self { files, cache, call: call.expect("it has a key"), questions, _kept: kept };
        let view = hit.view(None);
        let digest = |question: &Question| (question.clone(), view.answer_digest(question));
        let observed: Vec<_> = hit.questions.iter().map(digest).collect();
        let output = vec![b'x'; OUTPUT_BYTES];
        hit.cache
            .store(&hit.call, &observed, Output::Answer, &output, 1_000_000)
            .expect("the cache can be written");
        hit
    }

    /// As each call has one of its own.
    fn view(&self, stats: Option<&Arc<StatCache>>) -> View {
        let snapshot = Snapshot::directory_with(self.files.dir.path(), stats.cloned());
        View::new(snapshot.expect("the directory is there"), None, Grant::everything())
    }

    fn one(&self, stats: Option<&Arc<StatCache>>) {
        let looked = self.cache.lookup(&self.call, &self.view(stats));
        assert!(matches!(looked, Lookup::Hit(_)), "{looked:?}");
    }

    fn answers(&self, stats: Option<&Arc<StatCache>>) {
        let view = self.view(stats);
        for question in &*self.questions {
            black_box(view.answer_digest(question));
        }
    }

    fn answers_at_once(&self, stats: Option<&Arc<StatCache>>) {
        black_box(self.view(stats).answer_digests(&self.questions, 0..self.questions.len()));
    }
}

/// The fastest time.
fn row(name: &str, mut act: impl FnMut()) -> Duration {
    act();
    let (began, mut took) = (Instant::now(), Vec::new());
    while took.len() < TIMES_MAX && (took.len() < 5 || began.elapsed() < TIME_MAX) {
        let began = Instant::now();
        act();
        took.push(began.elapsed());
    }
    shown(name, took)
}

fn shown(name: &str, mut took: Vec<Duration>) -> Duration {
    took.sort();
    let micros = |took: Duration| took.as_secs_f64() * 1e6;
    let (fastest, middle) = (took[0], took[took.len() / 2]);
    println!("{name:<44} {:>10.1} {:>10.1}  of {}", micros(fastest), micros(middle), took.len());
    fastest
}

/// A repository of ten thousand files with the lock file of this workspace, and `stepwell tool call
/// sbom` in it.
fn whole_process() {
    println!("\nprocess: microseconds from its start to its end, the fastest and the middle one");
    let Some(program) = benches::program() else { return };
    let files = Files::new(COUNTS[2]);
    let state = tempfile::tempdir().expect("a temporary directory can be made");
    let root = files.dir.path();
    let lock = fs::read(benches::root().join("Cargo.lock")).expect("the workspace has one");
    write(&root.join("Cargo.lock"), &lock);
    write(&root.join(".gitignore"), b"target/\n*.log\n");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=bench", "-c", "user.email=bench@example.com"]).args(arguments);
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        let done = git.current_dir(root).stdout(Stdio::null()).status();
        assert!(done.is_ok_and(|status| status.success()), "git {arguments:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "all"]);
    thread::sleep(SETTLED);

    let stepwell = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).current_dir(root).stdout(Stdio::null());
        command.env("STEPWELL_CACHE_DIR", state.path().join("cache"));
        command.env("XDG_STATE_HOME", state.path().join("state"));
        let began = Instant::now();
        let done = command.status();
        assert!(done.is_ok_and(|status| status.success()), "stepwell {arguments:?}");
        began.elapsed()
    };
    let sbom = ["tool", "call", "sbom"];
    let of_commit = ["tool", "call", "sbom", "--rev", "HEAD"];
    println!("{:<44} {:>10.1}", "sbom, first", stepwell(&sbom).as_secs_f64() * 1e6);
    for (name, arguments) in [
        ("stepwell --version", &["--version"][..]),
        ("stepwell tool list", &["tool", "list"]),
        ("sbom of the working tree, hit", &sbom),
        ("sbom of the commit, hit", &of_commit),
    ] {
        stepwell(arguments);
        shown(name, (0..PROCESSES).map(|_| stepwell(arguments)).collect());
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("it has a name")).expect("it can be made");
    fs::write(path, bytes).expect("it can be written");
}
