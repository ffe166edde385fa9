//! One path of the program at a time, done as often as is asked and nothing else, so that something
//! outside can count its instructions: `cargo xtask instructions` does, below valgrind, and compares them
//! with `instructions.toml`. It measures no time, and as a bench it has nothing to say.
//!
//! What a path works on is made here, of fixed texts: a count must change with the program alone.
#![expect(clippy::print_stdout, reason = "who counts asks what there is")]

use std::fs;
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use benches::{Tools, empty_tool, runs, runtime};
use cache::{Cache, MachineKey, Options};
use futures_util::future::BoxFuture;
use gate::{Proposal, RuleSpec, Rules};
use runner::{Journal, JournalFile, Machine, Toolbox, Trees};
use sandbox::{Limits, Sandbox};
use session::event::{CallDigests, CallUsage, Decision, Event, Input};
use session::{Answer, Call, CallId, Origin, Phase, Source};
use snapshot::{Grant, Snapshot, View};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio_util::sync::CancellationToken;
use wire::{ByteStream, Dial, Endpoint, Link, ModelEvent, Request, Transport};

/// Files of the repository that tools see.
const FILES: usize = 100;
/// Packages of its lock file.
const PACKAGES: usize = 100;
/// Events of the response that is read.
const FRAMES: usize = 200;
/// Files that the patch changes, and places in each.
const PATCHED: usize = 8;
const HUNKS: usize = 4;
/// Bytes that a canned response may have.
const RESPONSE_BYTES_MAX: usize = 1 << 20;

/// A path, how often it is done for a count, and what makes it ready.
type PathOf = (&'static str, usize, fn(&Scene) -> Act);
/// Does it once.
type Act = Box<dyn FnMut()>;

const PATHS: [PathOf; 8] = [
    ("call-empty", 50, call_empty),
    ("call-read-file", 20, call_read_file),
    ("cache-hit", 10, cache_hit),
    ("event", 50, event),
    ("trace-read", 5, trace_read),
    ("frames", 2, frames),
    ("patch", 5, patch),
    ("sbom", 1, sbom),
];

/// `paths` says what there is, `ready DIR` compiles what is called into `DIR`, and `PATH DIR` does a
/// path.
fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["paths"] => PATHS.iter().for_each(|(name, times, _)| println!("{name} {times}")),
        ["ready", dir] => {
            let scene = Scene::new(Path::new(dir));
            for (_, _, ready) in PATHS {
                ready(&scene)();
            }
        }
        [name, dir] => {
            let Some((_, times, ready)) = PATHS.iter().find(|(path, ..)| path == name) else {
                return ExitCode::FAILURE;
            };
            let scene = Scene::new(Path::new(dir));
            let mut act = ready(&scene);
            // Once for what is only paid the first time.
            act();
            counted(*times, &mut act);
        }
        // As cargo starts a bench.
        _ => {}
    }
    ExitCode::SUCCESS
}

/// Counting begins where this is entered, and ends where it is left: valgrind knows it by its name.
#[inline(never)]
fn counted(times: usize, act: &mut dyn FnMut()) {
    for _ in 0..times {
        act();
    }
}

/// What every path can have.
struct Scene {
    /// Where compiled code is.
    compiled: PathBuf,
    /// A repository.
    files: TempDir,
    /// A cache.
    kept: TempDir,
}

impl Scene {
    fn new(dir: &Path) -> Self {
        let files = folder();
        for number in 0..FILES {
            let text = format!("pub fn f{number}() {{}}\n").repeat(100);
            fs::write(files.path().join(format!("f{number}.rs")), text).expect("it can be written");
        }
        fs::write(files.path().join("Cargo.toml"), MANIFEST).expect("it can be written");
        fs::write(files.path().join("Cargo.lock"), lock_file()).expect("it can be written");
        Self { compiled: dir.join("compiled"), files, kept: folder() }
    }

    fn head(&self) -> Snapshot {
        Snapshot::directory(self.files.path()).expect("the directory was just made")
    }

    fn sandbox(&self) -> Sandbox {
        benches::sandbox(Some(&self.compiled))
    }

    fn trees(&self) -> Trees {
        let names = ("the working tree".to_owned(), None);
        Trees { head: self.head(), base: None, names }
    }

    /// A call through the toolbox, as the runner makes it.
    fn call(
        &self,
        tool: &'static str,
        arguments: &'static str,
        cache: Option<Cache>,
        from: Source,
    ) -> Act {
        let tools = Tools::in_sandbox(self.sandbox(), &[tool]);
        let toolbox = Toolbox::new(tools, cache, Grant::everything());
        let (runtime, trees) = (runtime(), self.trees());
        Box::new(move || {
            let called = runtime.block_on(toolbox.call(tool, arguments, &trees));
            assert_eq!(called.source, from);
            black_box(called);
        })
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

const MANIFEST: &str = "[package]\nname = \"p0\"\nversion = \"1.0.0\"\nedition = \"2024\"\n";

/// A lock file of packages that each depend on the next three.
fn lock_file() -> String {
    let package = |number: usize| {
        let needs = (number + 1..PACKAGES).take(3).map(|next| format!(" \"p{next}\",\n"));
        let needs: String = needs.collect();
        // The first is the workspace's own.
        let origin = match number {
            0 => String::new(),
            _ => format!(
                "source = \"registry+https://packages.test/index\"\n\
                 checksum = \"{number:064x}\"\n"
            ),
        };
        format!(
            "\n[[package]]\nname = \"p{number}\"\nversion = \"1.0.{number}\"\n{origin}\
             dependencies = [\n{needs}]\n"
        )
    };
    let packages: String = (0..PACKAGES).map(package).collect();
    format!("version = 4\n{packages}")
}

/// Store, instance, the guest's nothing, and the way back.
fn call_empty(scene: &Scene) -> Act {
    let (runtime, sandbox) = (runtime(), scene.sandbox());
    let tool = sandbox.load(&empty_tool()).expect("the guest loads");
    let view = Arc::new(View::new(scene.head(), None, Grant::everything()));
    let (limits, never) = (Limits::default(), CancellationToken::new());
    Box::new(move || {
        black_box(runtime.block_on(sandbox.call(&tool, "{}", view.clone(), &limits, &never)));
    })
}

/// A file of some 2 KiB, with arguments checked.
fn call_read_file(scene: &Scene) -> Act {
    scene.call("read_file", r#"{"path":"f7.rs"}"#, None, Source::Fresh)
}

/// An SBOM of a lock file, computed.
fn sbom(scene: &Scene) -> Act {
    scene.call("sbom", "{}", None, Source::Fresh)
}

/// The same again, after everything that it observed was asked again.
fn cache_hit(scene: &Scene) -> Act {
    let key = MachineKey::passing().expect("the system has randomness");
    let open =
        || Cache::open(scene.kept.path(), Options::new(key.clone())).expect("it can be opened");
    scene.call("sbom", "{}", Some(open()), Source::Fresh)();
    scene.call("sbom", "{}", Some(open()), Source::Cache)
}

/// A disk that keeps nothing.
#[derive(Debug)]
struct Nowhere;

impl Machine for Nowhere {
    fn open(&self, _path: &Path) -> io::Result<Box<dyn JournalFile>> {
        Ok(Box::new(Self))
    }

    fn time_ms(&self) -> u64 {
        1_795_600_000_000
    }
}

impl JournalFile for Nowhere {
    fn read(&mut self, _most: u64) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn cut(&mut self, _bytes: u64) -> io::Result<()> {
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        black_box(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The two records of a call, of which the second has an answer of 2 KiB.
fn records_of_call() -> [Event; 2] {
    let id = CallId { origin: Origin::Turn(1), index: 0 };
    let arguments = r#"{"path":"src/merge.rs"}"#.to_owned();
    let call = Call { id, tool: "read_file".to_owned(), arguments };
    let answered = Input::CallAnswered {
        call: id,
        answer: Answer::Answered { output: runs::piece_of_source(2_048) },
        source: Source::Fresh,
        usage: CallUsage { wall_us: 1_200, ..CallUsage::default() },
        digests: CallDigests::default(),
    };
    [Event::Decided(Decision::CallStarted { call }), Event::Heard(answered)]
}

fn journal() -> Journal {
    let machine: Arc<dyn Machine> = Arc::new(Nowhere);
    Journal::open(&machine, Path::new("nowhere"), "run").expect("it is empty").0
}

/// Encoded, and chained to what was before.
fn event(_scene: &Scene) -> Act {
    let (mut journal, events) = (journal(), records_of_call());
    Box::new(move || {
        for event in events.clone() {
            black_box(journal.append(Phase::ContextReady, event).expect("it is kept nowhere"));
        }
    })
}

/// A hundred records read back, each checked against the one before.
fn trace_read(_scene: &Scene) -> Act {
    let mut journal = journal();
    let mut put = |event| journal.append(Phase::ContextReady, event).expect("it is kept nowhere").1;
    let trace: Vec<u8> = (0..50).flat_map(|_| records_of_call()).flat_map(&mut put).collect();
    Box::new(move || {
        let whole = trace::read("run", black_box(&trace)).expect("it was just written");
        assert_eq!(whole.records.len(), 100);
    })
}

/// A server that answers whatever it is asked with the same bytes.
struct Canned(Arc<[u8]>);

impl Dial for Canned {
    fn dial<'a>(
        &'a self,
        _host: &'a str,
        _port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn ByteStream>>> {
        let answer = self.0.clone();
        Box::pin(async move {
            let (ours, mut theirs) = duplex(RESPONSE_BYTES_MAX);
            tokio::spawn(async move {
                let mut asked = [0; 64 << 10];
                let mut answer = Some(answer);
                while theirs.read(&mut asked).await.is_ok_and(|bytes| bytes > 0) {
                    let Some(answer) = answer.take() else { continue };
                    theirs.write_all(&answer).await.expect("the buffer has room");
                }
            });
            Ok(Box::new(ours) as Box<dyn ByteStream>)
        })
    }
}

/// A response that thinks, says something in pieces and calls a tool, as server-sent events.
fn response() -> Vec<u8> {
    let item = r#"{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"That is it.","annotations":[]}]}"#;
    let call = r#"{"id":"fc_1","type":"function_call","status":"completed","call_id":"call_1","name":"read_file","arguments":"{\"path\":\"a\"}"}"#;
    let mut events = vec![
        r#""response.created","response":{"id":"resp_1","status":"in_progress","output":[]}"#
            .to_owned(),
        format!(r#""response.output_item.added","output_index":0,"item":{item}"#),
    ];
    let delta = |number: usize| {
        format!(
            r#""response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":" word {number}","logprobs":[]"#
        )
    };
    events.extend((0..FRAMES).map(delta));
    events.extend([
        format!(r#""response.output_item.done","output_index":0,"item":{item}"#),
        format!(r#""response.output_item.added","output_index":1,"item":{call}"#),
        format!(r#""response.output_item.done","output_index":1,"item":{call}"#),
        format!(
            r#""response.completed","response":{{"id":"resp_1","status":"completed","output":[{item},{call}],"usage":{{"input_tokens":100,"output_tokens":200,"total_tokens":300}}}}"#
        ),
    ]);
    let sent = events.iter().enumerate().map(|(number, event)| {
        let kind = event.split('"').nth(1).unwrap_or_default();
        format!("event: {kind}\ndata: {{\"type\":{event},\"sequence_number\":{number}}}\n\n")
    });
    let text: String = sent.collect();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    [head, text].concat().into_bytes()
}

/// A response of two hundred events, from the bytes of a connection on.
fn frames(_scene: &Scene) -> Act {
    let dial = Arc::new(Canned(response().into()));
    let endpoint = Endpoint::new("http://model.test/v1").expect("it is an address");
    let (endpoint, runtime) = (endpoint.with_dialer(dial), runtime());
    let mut request = Request::new("m", 1_000);
    request.input =
        vec![wire::InputItem::Message { role: "user".to_owned(), text: "go".to_owned() }];
    Box::new(move || {
        let heard = runtime.block_on(async {
            let mut link = Link::connect(&endpoint, Transport::Http, Duration::from_secs(60))
                .await
                .expect("memory can be connected to");
            link.ask(&request).await.expect("it is sent");
            let mut heard = 0;
            loop {
                let event = link.next().await.expect("it is answered");
                heard += 1;
                if let ModelEvent::Completed(response) = event {
                    assert_eq!(response.calls.len(), 1);
                    break heard;
                }
                assert!(!event.is_terminal(), "{event:?}");
            }
        });
        assert!(heard > FRAMES, "{heard}");
    })
}

/// Text to patch that is found in one place only.
fn patched(number: usize) -> String {
    (0..200).map(|line| format!("    let value_{line} = compute({number}, {line});\n")).collect()
}

/// The change of one of those files.
fn patch_of(number: usize) -> String {
    let hunk = |hunk: usize| {
        let line = hunk * 40 + 10;
        let old = |line: usize| format!("    let value_{line} = compute({number}, {line});\n");
        format!(
            "@@ -{start},3 +{start},3 @@\n {}-{}+    let value_{} = checked({number});\n {}",
            old(line),
            old(line + 1),
            line + 1,
            old(line + 2),
            start = line + 1
        )
    };
    let hunks: String = (0..HUNKS).map(hunk).collect();
    format!("--- a/src/part{number}.rs\n+++ b/src/part{number}.rs\n{hunks}")
}

/// A patch that is read, resolved, checked, judged by every rule and applied.
fn patch(_scene: &Scene) -> Act {
    let text: String = (0..PATCHED).map(patch_of).collect();
    let rules = Rules::new(&RuleSpec::default()).expect("the defaults are rules");
    let read = |path: &str| -> Result<Option<Vec<u8>>, String> {
        let number = path.trim_start_matches("src/part").trim_end_matches(".rs").parse();
        Ok(number.ok().map(|number| patched(number).into_bytes()))
    };
    Box::new(move || {
        let proposal = Proposal::parse(black_box(&text)).expect("it is a patch");
        let patch = proposal.resolve(&read).expect("the files are there");
        let valid = patch.validate().expect("its names are good");
        black_box(gate::judge(&valid, &rules));
        let applied = gate::apply(&valid, &read).expect("it fits");
        assert_eq!((applied.files.len(), applied.moved.len()), (PATCHED, 0));
    })
}
