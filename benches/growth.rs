//! How time and memory grow: ten, a hundred, a thousand and ten thousand turns, files, events and
//! entries of the cache, drawn into `docs/images` with the exponent beside each line.
//!
//! Each point is a process of its own, the middle one of three by its time: so memory is what that
//! one thing takes at its peak, its beginning included, and time is of that one thing alone.
#![expect(clippy::print_stdout, reason = "a table is what it is run for")]

use std::fs;
use std::hint::black_box;
use std::io::{self, BufRead as _, Read as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::chart::{Chart, Line, Panel};
use benches::process::{numbers, peak_kib, start};
use benches::runs::{self, Answers, Scene};
use benches::{Tools, runtime, traces};
use cache::{Cache, Call, Identity, Lookup, MachineKey, Options, Output};
use runner::{Journal, Machine, ThisMachine, ToolInfo, Toolbox, Trees, Way};
use session::event::{Decision, Event};
use session::{CallId, Origin, Phase};
use snapshot::{Digest, Grant, Question, Snapshot, Tree, View};
use tokio::sync::mpsc;
use wire::{Endpoint, Server};

/// Processes for a point.
const TIMES: usize = 3;
const COUNTS: [usize; 4] = [10, 100, 1_000, 10_000];
/// A run ends after 200 turns whatever its budgets are; more of them are several conversations.
const TURNS: [usize; 4] = [10, 50, 100, 200];
const TURNS_MAX: usize = 200;
/// Bytes of a file, and of a tool's answer, about.
const FILE_BYTES: usize = 4 << 10;
const ANSWER_BYTES: usize = 2_048;
/// How often a short thing is done for its middle time.
const REPEATED: usize = 100;

/// A thing that grows: its name, its counts, and what measures it once.
type Thing = (&'static str, &'static [usize], fn(usize) -> Duration);

/// A chart: its file, its title, what is counted, and its lines.
type Subject = (&'static str, &'static str, &'static str, &'static [Thing]);

const SUBJECTS: [Subject; 4] = [
    (
        "turns",
        "Turns with a tool call, against a scripted model that takes no time",
        "turns",
        &[("a run", &TURNS, whole_run), ("the protocol alone", &COUNTS, link)],
    ),
    (
        "files",
        "Files of 4 KiB in a repository",
        "files",
        &[
            ("search in all", &COUNTS, search),
            ("digest of each", &COUNTS, digests),
            ("a hit after all", &COUNTS, hit_after_files),
        ],
    ),
    (
        "events",
        "Events of a run",
        "events",
        &[
            ("written", &COUNTS, written),
            ("read and checked", &COUNTS, read),
            ("made a page", &COUNTS, page),
        ],
    ),
    (
        "cache",
        "Answers in the cache of a machine",
        "entries",
        &[("all stored", &COUNTS, stored), ("one hit", &COUNTS, hit_among)],
    ),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve", turns] => serve(turns.parse().expect("a number of turns")),
        ["once", name, count] => {
            let things = SUBJECTS.iter().flat_map(|(.., things)| things.iter());
            let thing = things.into_iter().find(|(thing, ..)| thing == name);
            let (.., measure) = thing.expect("it is one of ours");
            let took = measure(count.parse().expect("a number"));
            println!("{} {}", took.as_nanos() / 1_000, peak_kib());
        }
        _ if runs::is_measured() => SUBJECTS.iter().for_each(draw),
        _ => {}
    }
}

/// Measures one subject, prints its numbers, and draws them.
fn draw((file, title, counted, things): &Subject) {
    println!("growth: {title}");
    println!("{:<20} {:>8} {:>12} {:>12}", "", counted, "time", "peak memory");
    let (mut times, mut peaks) = (Vec::new(), Vec::new());
    for (name, counts, _) in *things {
        let line = |points| Line { name: (*name).to_owned(), points };
        let (mut time, mut peak) = (Vec::new(), Vec::new());
        for count in *counts {
            let (us, kib) = point(name, *count);
            println!("{name:<20} {count:>8} {:>9} ms {kib:>8} KiB", millis(us));
            time.push((float(*count), us.max(1.0) / 1e3));
            peak.push((float(*count), float_of(kib) / 1_024.0));
        }
        let (time, peak) = (line(time), line(peak));
        println!(
            "{name:<20}     time n^{:.2}, at the end n^{:.2}; memory n^{:.2}, at the end n^{:.2}",
            time.exponent(),
            time.last_exponent(),
            peak.exponent(),
            peak.last_exponent()
        );
        times.push(time);
        peaks.push(peak);
    }
    println!();
    let panel = |cost: &str, lines| Panel { cost: cost.to_owned(), lines };
    let chart = Chart {
        title: (*title).to_owned(),
        counted: (*counted).to_owned(),
        panels: vec![panel("time, ms", times), panel("peak memory, MiB", peaks)],
    };
    let path = benches::root().join(format!("docs/images/growth-{file}.svg"));
    fs::write(path, chart.svg()).expect("the folder of pictures is there");
}

/// Microseconds and KiB of the middle one of three processes.
fn point(name: &str, count: usize) -> (f64, u64) {
    let mut all: Vec<[u64; 2]> = (0..TIMES)
        .map(|_| {
            let once = start(&["once", name, &count.to_string()]).wait_with_output();
            let once = once.expect("it can be waited for");
            assert!(once.status.success(), "{name} {count}: {}", once.status);
            numbers(&String::from_utf8(once.stdout).expect("we write text"))
        })
        .collect();
    all.sort_unstable();
    let [us, kib] = all[TIMES / 2];
    (float_of(us), kib)
}

fn float(count: usize) -> f64 {
    float_of(count as u64)
}

fn float_of(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn millis(us: f64) -> String {
    format!("{:.3}", us / 1e3)
}

fn timed(act: impl FnOnce()) -> Duration {
    let began = Instant::now();
    act();
    began.elapsed()
}

/// The middle time of a short thing, once it was done already.
fn middle(mut act: impl FnMut()) -> Duration {
    act();
    let mut took: Vec<Duration> = (0..REPEATED).map(|_| timed(&mut act)).collect();
    took.sort();
    took[REPEATED / 2]
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(runs::fast_dir()).expect("a temporary directory can be made")
}

/// The model's process: a call each turn but the last.
fn serve(turns: usize) {
    let runtime = runtime_of_many();
    let _within = runtime.enter();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let script = runs::calls("look", "{ n = 1 }", turns - 1);
    let server = Server::bind(address, Arc::new(script)).expect("loopback can be listened on");
    println!("{}", server.base_url());
    io::stdin().read_to_end(&mut Vec::new()).expect("the other side lives or has ended");
}

fn runtime_of_many() -> tokio::runtime::Runtime {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.expect("a runtime can be made")
}

/// A server for so many turns. It ends when its input does.
fn served(turns: usize) -> (Child, Endpoint) {
    let mut server = start(&["serve", &turns.to_string()]);
    let mut output = io::BufReader::new(server.stdout.take().expect("it is piped"));
    let mut address = String::new();
    output.read_line(&mut address).expect("the server says where it listens");
    (server, Endpoint::new(address.trim()).expect("the server's address is one"))
}

fn ended(mut server: Child) {
    drop(server.stdin.take());
    server.wait().expect("it can be waited for");
}

/// One conversation after the other, each as long as a run may be.
fn link(turns: usize) -> Duration {
    let each = turns.min(TURNS_MAX);
    let (server, endpoint) = served(each);
    let runtime = runtime();
    let took = timed(|| {
        (0..turns / each).for_each(|_| runtime.block_on(runs::converse(&endpoint, each)));
    });
    ended(server);
    took
}

/// Journal, tool, artifacts; the tool does nothing, and answers 2 KiB.
fn whole_run(turns: usize) -> Duration {
    let (server, endpoint) = served(turns);
    let (runtime, dir) = (runtime_of_many(), folder());
    let info = ToolInfo {
        name: "look".to_owned(),
        description: "Looks at something.".to_owned(),
        schema: serde_json::json!({ "type": "object", "properties": { "n": { "type": "integer" } } }),
        component: Digest::of(b"look"),
        profile: Digest::of(b"none"),
        grant: Grant::everything(),
        asks: None,
    };
    let answers = Answers::new(vec![info], runs::piece_of_source(ANSWER_BYTES));
    let toolbox = Arc::new(Toolbox::new(answers, None, Grant::everything()));
    let head = Snapshot::directory(dir.path()).expect("it was just made");
    let tools = vec!["look".to_owned()];
    let plan = runs::plan(Scene { head, endpoint, way: Way::default(), tools, dir: dir.path() });
    let (_never, signals) = mpsc::channel(1);
    let took = timed(|| {
        let run = runner::run(plan, toolbox, Vec::new(), true, signals);
        let run = runtime.block_on(run).expect("the run comes to its end");
        assert_eq!(run.accounting.turns as usize, turns);
    });
    ended(server);
    took
}

/// Files in directories of fifty.
fn repository(files: usize) -> (tempfile::TempDir, Vec<String>) {
    let dir = folder();
    let path = |number: usize| format!("src/part{:03}/file{number:05}.rs", number / 50);
    let paths: Vec<String> = (0..files).map(path).collect();
    for path in &paths {
        let full = dir.path().join(path);
        fs::create_dir_all(full.parent().expect("it has a name")).expect("it can be made");
        fs::write(full, format!("{path}\n").repeat(FILE_BYTES / path.len()))
            .expect("it can be written");
    }
    (dir, paths)
}

fn view(dir: &tempfile::TempDir) -> View {
    let head = Snapshot::directory(dir.path()).expect("it was just made");
    View::new(head, None, Grant::everything())
}

/// The shipped tool looks for what one file has.
fn search(files: usize) -> Duration {
    let (dir, _) = repository(files);
    let tools = Tools::shipped(&["search_text"]);
    let (toolbox, runtime) = (Toolbox::new(tools, None, Grant::everything()), runtime());
    timed(|| {
        let head = Snapshot::directory(dir.path()).expect("it was just made");
        let trees = Trees { head, base: None, names: ("the working tree".to_owned(), None) };
        let arguments = r#"{"pattern":"file00007"}"#;
        black_box(runtime.block_on(toolbox.call("search_text", arguments, &trees)));
    })
}

fn questions(paths: &[String]) -> Arc<[Question]> {
    let content = |path: &String| Question::Content { tree: Tree::Head, path: path.to_owned() };
    paths.iter().map(content).collect()
}

fn digests(files: usize) -> Duration {
    let (dir, paths) = repository(files);
    let questions = questions(&paths);
    timed(|| drop(black_box(view(&dir).answer_digests(&questions, 0..questions.len()))))
}

fn call(number: usize) -> Call {
    let [component, schema, grant, profile] =
        [b"c", b"s", b"g", b"p"].map(|field| Digest::of(field));
    let call = Call::new(Identity {
        component,
        world: "bench".to_owned(),
        tool: "bench".to_owned(),
        schema,
        args: serde_json::json!({ "n": number }),
        grant,
        profile,
        salt: String::new(),
    });
    call.expect("it has a key")
}

fn open_cache(dir: &tempfile::TempDir) -> Cache {
    let key = MachineKey::passing().expect("the system has randomness");
    Cache::open(&dir.path().join("cache"), Options::new(key)).expect("the cache can be opened")
}

fn store(cache: &Cache, number: usize, view: &View, questions: &[Question]) {
    let digest = |question: &Question| (question.clone(), view.answer_digest(question));
    let observed: Vec<_> = questions.iter().map(digest).collect();
    let output = format!("{number} ").repeat(200);
    let stored =
        cache.store(&call(number), &observed, Output::Answer, output.as_bytes(), 1_000_000);
    black_box(stored.expect("the cache can be written"));
}

fn is_hit(cache: &Cache, number: usize, dir: &tempfile::TempDir) {
    let looked = cache.lookup(&call(number), &view(dir));
    assert!(matches!(looked, Lookup::Hit(_)), "{looked:?}");
}

fn hit_after_files(files: usize) -> Duration {
    let (dir, paths) = repository(files);
    let (kept, questions) = (folder(), questions(&paths));
    let cache = open_cache(&kept);
    store(&cache, 1, &view(&dir), &questions);
    timed(|| is_hit(&cache, 1, &dir))
}

/// Entries of one file each.
fn filled(entries: usize) -> (Cache, tempfile::TempDir, tempfile::TempDir, Duration) {
    let (dir, paths) = repository(1);
    let kept = folder();
    let (cache, view, questions) = (open_cache(&kept), view(&dir), questions(&paths));
    let took = timed(|| (0..entries).for_each(|number| store(&cache, number, &view, &questions)));
    (cache, dir, kept, took)
}

fn stored(entries: usize) -> Duration {
    filled(entries).3
}

fn hit_among(entries: usize) -> Duration {
    let (cache, dir, _kept, _) = filled(entries);
    middle(|| is_hit(&cache, entries / 2, &dir))
}

/// Encoded, chained, and appended to a file.
fn written(events: usize) -> Duration {
    let dir = folder();
    let machine: Arc<dyn Machine> = Arc::new(ThisMachine);
    let (mut journal, _) = Journal::open(&machine, dir.path(), "run").expect("it is new");
    let id = CallId { origin: Origin::Turn(1), index: 0 };
    let arguments = r#"{"path":"src/merge.rs"}"#.to_owned();
    let call = session::Call { id, tool: "read_file".to_owned(), arguments };
    timed(|| {
        for _ in 0..events {
            let event = Event::Decided(Decision::CallStarted { call: call.clone() });
            black_box(journal.append(Phase::ContextReady, event).expect("it can be written"));
        }
        journal.sync().expect("it can be synced");
    })
}

fn read(events: usize) -> Duration {
    let trace = traces::long_run(events as u64, 1);
    timed(|| drop(black_box(trace::read("bench", &trace).expect("it was just written"))))
}

fn page(events: usize) -> Duration {
    let trace = traces::long_run(events as u64, 1);
    let run = report::Run::read(&trace).expect("it was just written");
    timed(|| drop(black_box(report::html(&run))))
}
