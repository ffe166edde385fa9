//! A tool call, from the outside in: what an empty one costs, what reading a file adds, what is
//! paid once, and what the cache saves.

use std::process::ExitCode;

use benches::{Repository, Tools, apart, empty_tool, runtime, sandbox, shipped};
use divan::{Bencher, black_box};
use runner::{Toolbox, Trees};
use sandbox::Limits;
use snapshot::Grant;
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    if benches::is_worker() {
        return sandbox::serve();
    }
    divan::main();
    ExitCode::SUCCESS
}

const READ: &str = r#"{"path":"f7.rs"}"#;

/// Fresh store and instance each time, nothing asked: the floor of every call.
#[divan::bench(sample_size = 200)]
fn empty_tool_fresh_instance(bencher: Bencher<'_, '_>) {
    let (repository, runtime, sandbox) = (Repository::default(), runtime(), sandbox(None));
    let tool = sandbox.load(&empty_tool()).expect("the guest loads");
    let (view, never) = (repository.view(), CancellationToken::new());
    let limits = Limits::default();
    bencher.bench_local(|| {
        runtime.block_on(sandbox.call(&tool, black_box("{}"), view.clone(), &limits, &never))
    });
}

/// The same through a warm worker.
#[divan::bench(sample_size = 200)]
fn empty_tool_in_a_worker(bencher: Bencher<'_, '_>) {
    let (repository, runtime, sandbox) = (Repository::default(), runtime(), apart(None));
    let tool = sandbox.load(&empty_tool()).expect("the guest loads");
    let (view, never) = (repository.view(), CancellationToken::new());
    let limits = Limits::default();
    bencher.bench_local(|| {
        runtime.block_on(sandbox.call(&tool, black_box("{}"), view.clone(), &limits, &never))
    });
}

/// Engine, compiled code from the disk, instance, file: what a first call of a process costs.
#[divan::bench(sample_size = 5)]
fn read_file_cold(bencher: Bencher<'_, '_>) {
    let (repository, runtime) = (Repository::default(), runtime());
    let kept = tempfile::tempdir().expect("a temporary directory can be made");
    let component = shipped("read_file");
    // Compiled once, before anything is measured.
    let compiled = kept.path().join("compiled");
    drop(sandbox(Some(&compiled)).load(&component));
    let (limits, never) = (Limits::default(), CancellationToken::new());
    bencher.bench_local(|| {
        let sandbox = sandbox(Some(&compiled));
        let tool = sandbox.load(&component).expect("our tool loads");
        runtime.block_on(sandbox.call(&tool, READ, repository.view(), &limits, &never))
    });
}

/// The same with a worker that must be started.
#[divan::bench(sample_size = 5)]
fn read_file_cold_in_a_worker(bencher: Bencher<'_, '_>) {
    let (repository, runtime) = (Repository::default(), runtime());
    let kept = tempfile::tempdir().expect("a temporary directory can be made");
    let component = shipped("read_file");
    let compiled = kept.path().join("compiled");
    drop(apart(Some(&compiled)).load(&component));
    let (limits, never) = (Limits::default(), CancellationToken::new());
    bencher.bench_local(|| {
        let sandbox = apart(Some(&compiled));
        let tool = sandbox.load(&component).expect("our tool loads");
        runtime.block_on(sandbox.call(&tool, READ, repository.view(), &limits, &never))
    });
}

/// The same within a process: fresh instance, fresh view, a file of 2 KiB.
#[divan::bench(sample_size = 100)]
fn read_file_warm(bencher: Bencher<'_, '_>) {
    let (repository, runtime, sandbox) = (Repository::default(), runtime(), sandbox(None));
    let tool = sandbox.load(&shipped("read_file")).expect("our tool loads");
    let (limits, never) = (Limits::default(), CancellationToken::new());
    bencher.with_inputs(|| repository.view()).bench_local_values(|view| {
        runtime.block_on(sandbox.call(&tool, READ, view, &limits, &never))
    });
}

/// The same through a warm worker.
#[divan::bench(sample_size = 100)]
fn read_file_warm_in_a_worker(bencher: Bencher<'_, '_>) {
    let (repository, runtime, sandbox) = (Repository::default(), runtime(), apart(None));
    let tool = sandbox.load(&shipped("read_file")).expect("our tool loads");
    let (limits, never) = (Limits::default(), CancellationToken::new());
    bencher.with_inputs(|| repository.view()).bench_local_values(|view| {
        runtime.block_on(sandbox.call(&tool, READ, view, &limits, &never))
    });
}

fn trees(repository: &Repository) -> Trees {
    let names = ("the working tree".to_owned(), None);
    Trees { head: repository.snapshot(), base: None, names }
}

/// `read_file` as the runner calls it: arguments checked, and never cached, since looking it up
/// would cost what asking costs.
#[divan::bench(sample_size = 100)]
fn read_file_through_the_toolbox(bencher: Bencher<'_, '_>) {
    let (repository, runtime) = (Repository::default(), runtime());
    let toolbox = Toolbox::new(Tools::shipped(&["read_file"]), None, Grant::everything());
    bencher
        .with_inputs(|| trees(&repository))
        .bench_local_refs(|trees| runtime.block_on(toolbox.call("read_file", READ, trees)));
}

/// An SBOM of this workspace's lock file, computed.
#[divan::bench(sample_size = 5)]
fn sbom_fresh(bencher: Bencher<'_, '_>) {
    let (repository, runtime) = (Repository::default(), runtime());
    let toolbox = Toolbox::new(Tools::shipped(&["sbom"]), None, Grant::everything());
    bencher
        .with_inputs(|| trees(&repository))
        .bench_local_refs(|trees| runtime.block_on(toolbox.call("sbom", "{}", trees)));
}

/// The same from the cache: everything that it observed is asked again and compared.
#[divan::bench(sample_size = 20)]
fn sbom_cached(bencher: Bencher<'_, '_>) {
    let (repository, runtime) = (Repository::default(), runtime());
    let kept = tempfile::tempdir().expect("a temporary directory can be made");
    let key = cache::MachineKey::passing().expect("the system has randomness");
    let cache =
        cache::Cache::open(kept.path(), cache::Options::new(key)).expect("the cache can be opened");
    let tools = Tools::shipped(&["sbom"]);
    let toolbox = Toolbox::new(tools, Some(cache), Grant::everything());
    runtime.block_on(toolbox.call("sbom", "{}", &trees(&repository)));
    bencher.with_inputs(|| trees(&repository)).bench_local_refs(|trees| {
        let called = runtime.block_on(toolbox.call("sbom", "{}", trees));
        assert_eq!(called.source, session::Source::Cache);
        called
    });
}
