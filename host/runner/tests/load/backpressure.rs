//! From the slowest sink to the socket: who is slow holds back whoever is before it, and never a
//! deadline; what is large is cut where it comes from; what is dropped is counted.

use std::fs;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use runner::{Ended, Execution, JournalFile, Machine, Outlet, RunPlan, ThisMachine};
use session::budget::Work;
use session::event::CallUsage;
use session::{Answer, StopReason};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::mpsc;
use wire::{ByteStream, Dial, Endpoint, InMemoryServer, Options, Script, Server};

use crate::world::{SUBMIT, dir, looks, plan, toolbox};

/// How long a work may take, on a clock that jumps.
const TIME: Duration = Duration::from_secs(20);

/// A network without sockets, which counts what the client has read of it.
struct InMemory {
    server: InMemoryServer,
    read: Arc<AtomicU64>,
}

impl InMemory {
    fn new(script: &str) -> Self {
        let script = Script::parse(&format!("model = \"m\"\n{script}")).unwrap();
        let server = Server::in_memory(Arc::new(script), Options::default());
        Self { server, read: Arc::default() }
    }

    fn endpoint(self) -> Endpoint {
        Endpoint::new("http://127.0.0.1:1/v1").unwrap().with_dialer(Arc::new(self))
    }
}

impl Dial for InMemory {
    fn dial<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Box<dyn ByteStream>>> {
        let stream = Counted { stream: self.server.connect(), read: Arc::clone(&self.read) };
        Box::pin(async move { Ok(Box::new(stream) as Box<dyn ByteStream>) })
    }
}

struct Counted {
    stream: DuplexStream,
    read: Arc<AtomicU64>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.read.fetch_add((buffer.filled().len() - before) as u64, Ordering::Relaxed);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Runs a step whose tool answers `output`, and drops seven lines of its log.
async fn run(plan: RunPlan, outlets: Vec<Outlet>, output: String) -> Ended {
    let tools = toolbox(move || {
        let answer = Answer::Answered { output: output.clone() };
        let usage = CallUsage { log_dropped: 7, ..CallUsage::default() };
        async move { Execution { answer, usage, observed: None, log: Vec::new() } }
    });
    let (_never, signals) = mpsc::channel(1);
    Box::pin(runner::run(plan, tools, outlets, false, signals)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_stalled_console_holds_the_model_back_and_never_a_deadline() {
    let dir = dir();
    // Some ten thousand deltas: two megabytes on the socket.
    let network = InMemory::new(&format!("[[turn]]\nsay = \"{}\"\n", "words ".repeat(40_000)));
    let read = Arc::clone(&network.read);
    let plan = plan(dir.path(), network.endpoint(), TIME);
    let (outlet, _never_read) = Outlet::new("console");
    let began = tokio::time::Instant::now();
    let ended = run(plan, vec![outlet], String::new()).await;
    let work = Work::Analyze;
    assert_eq!(ended.result.stop_reason, StopReason::TimeBudget { work });
    assert!(began.elapsed() < TIME + Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(ended.accounting.missed["console"].behind_at_end);
    let read = read.load(Ordering::Relaxed);
    assert!((10_000..512 * 1_024).contains(&read), "{read} bytes were read from the socket");
    for artifact in ["result.json", "accounting.json", "report.md", "trace.jsonl"] {
        assert!(dir.path().join("out").join(artifact).exists(), "{artifact}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_console_that_reads_lets_the_same_response_through() {
    let dir = dir();
    let network = InMemory::new(&format!("[[turn]]\nsay = \"{}\"\n", "words ".repeat(40_000)));
    let read = Arc::clone(&network.read);
    let plan = plan(dir.path(), network.endpoint(), TIME);
    let (outlet, mut intake) = Outlet::new("console");
    let reading = tokio::spawn(async move { while intake.next().await.is_some() {} });
    let ended = run(plan, vec![outlet], String::new()).await;
    reading.await.unwrap();
    assert_eq!(ended.result.stop_reason, StopReason::Done);
    assert!(read.load(Ordering::Relaxed) > 1_000_000);
}

/// A machine that sees how many calls have begun and are not written down yet.
#[derive(Debug, Default)]
struct Counting {
    begun: AtomicU64,
    written: AtomicU64,
    most: AtomicU64,
}

impl Counting {
    fn begin(&self) {
        let begun = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(begun - self.written.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Watched(Arc<Counting>);

impl Machine for Watched {
    fn open(&self, path: &Path) -> io::Result<Box<dyn JournalFile>> {
        Ok(Box::new(WatchedFile(ThisMachine.open(path)?, Arc::clone(&self.0))))
    }

    fn time_ms(&self) -> u64 {
        ThisMachine.time_ms()
    }
}

#[derive(Debug)]
struct WatchedFile(Box<dyn JournalFile>, Arc<Counting>);

impl JournalFile for WatchedFile {
    fn read(&mut self, most: u64) -> io::Result<Vec<u8>> {
        self.0.read(most)
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.0.cut(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let line = String::from_utf8_lossy(bytes);
        if line.contains("\"type\":\"call-answered\"") {
            assert!(bytes.len() < 4 * 1_024, "an answer is cut before it waits");
            self.1.written.fetch_add(1, Ordering::Relaxed);
        }
        self.0.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }
}

#[tokio::test]
async fn answers_that_wait_for_the_loop_are_few_and_small() {
    for (allowed, at_once) in [(8, 8), (3, 3), (1, 1), (0, 1)] {
        few_and_small(allowed, at_once).await;
    }
}

async fn few_and_small(allowed: u32, at_once: u64) {
    let dir = dir();
    let network = InMemory::new(&format!("{}{SUBMIT}", looks(32)));
    let mut plan = plan(dir.path(), network.endpoint(), TIME);
    plan.calls_at_once = allowed;
    let counting = Arc::new(Counting::default());
    plan.machine = Arc::new(Watched(Arc::clone(&counting)));
    let at_work = Arc::clone(&counting);
    let tools = toolbox(move || {
        at_work.begin();
        let answer = Answer::Answered { output: "x".repeat(1_000_000) };
        let usage = CallUsage::default();
        async move { Execution { answer, usage, observed: None, log: Vec::new() } }
    });
    let (_never, signals) = mpsc::channel(1);
    let run = runner::run(plan, tools, Vec::new(), false, signals);
    let ended = Box::pin(run).await.unwrap();
    assert_eq!(ended.result.stop_reason, StopReason::Done);
    assert_eq!(counting.written.load(Ordering::Relaxed), 32);
    // As many as are carried out at the same time.
    assert_eq!(counting.most.load(Ordering::Relaxed), at_once);
}

#[tokio::test]
async fn the_whole_of_a_long_answer_is_an_artifact_as_far_as_they_fit() {
    let check = async |calls: usize, bytes: usize, kept: usize| {
        let dir = dir();
        let network = InMemory::new(&format!("{}{SUBMIT}", looks(calls)));
        let plan = plan(dir.path(), network.endpoint(), TIME);
        let ended = run(plan, Vec::new(), "x".repeat(bytes)).await;
        let files = fs::read_dir(dir.path().join("out/outputs")).into_iter().flatten().flatten();
        let sizes: Vec<u64> = files.map(|file| file.metadata().unwrap().len()).collect();
        assert_eq!(sizes, vec![bytes as u64; kept], "{calls} × {bytes}");
        let accounting = ended.accounting;
        let cut = if bytes > 1_024 { calls } else { 0 };
        assert_eq!(accounting.outputs_cut as usize, cut);
        let lost = (cut - kept) * (bytes - 1_024.min(bytes));
        assert_eq!(accounting.output_bytes_lost, lost as u64);
        assert_eq!(accounting.log_lines_dropped, 7 * calls as u64);
    };
    check(3, 1_024, 0).await;
    check(3, 1_025, 3).await;
    // 64 MiB are kept, and not a byte more.
    check(4, 16 << 20, 4).await;
    check(5, 16 << 20, 4).await;
}

#[tokio::test]
async fn what_one_run_kept_is_not_left_by_the_next() {
    let dir = dir();
    for (bytes, kept) in [(2_000, true), (10, false)] {
        let network = InMemory::new(&format!("{}{SUBMIT}", looks(1)));
        let plan = plan(dir.path(), network.endpoint(), TIME);
        run(plan, Vec::new(), "x".repeat(bytes)).await;
        assert_eq!(dir.path().join("out/outputs/turn1.1.txt").exists(), kept);
    }
}
