//! Turns against the scripted model at zero think time: the link alone, and a whole run with
//! journal, tools and artifacts. A turn here is one `read_file` call and its answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use benches::runs::{Scene, calls, converse, plan};
use benches::{Repository, Tools};
use divan::Bencher;
use divan::counter::ItemsCount;
use runner::{Toolbox, Way};
use snapshot::Grant;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use wire::{Endpoint, Script, Server};

fn main() {
    divan::main();
}

/// Turns of one run.
const TURNS: usize = 30;

/// A model that reads a file each turn, and then says that it is done.
fn script() -> Script {
    calls("read_file", "{ path = \"f7.rs\" }", TURNS)
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be made")
}

fn serve() -> (Server, Endpoint) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::bind(address, Arc::new(script())).expect("loopback can be listened on");
    let endpoint = Endpoint::new(&server.base_url()).expect("the server's address is one");
    (server, endpoint)
}

/// The protocol alone: request, streamed response, continuation.
#[divan::bench(sample_size = 1)]
fn link_30_turns(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    let _within = runtime.enter();
    let (_server, endpoint) = serve();
    bencher
        .counter(ItemsCount::new(TURNS))
        .bench_local(|| runtime.block_on(converse(&endpoint, TURNS + 1)));
}

/// A whole run of 30 tool turns: journal synced before each request, tools, artifacts.
#[divan::bench(sample_size = 1)]
fn run_30_turns(bencher: Bencher<'_, '_>) {
    let (repository, runtime) = (Repository::default(), runtime());
    let _within = runtime.enter();
    let (_server, endpoint) = serve();
    let tools = Tools::shipped(&["read_file"]);
    let toolbox = Arc::new(Toolbox::new(tools, None, Grant::everything()));
    bencher
        .counter(ItemsCount::new(TURNS))
        .with_inputs(|| tempfile::tempdir().expect("a temporary directory can be made"))
        .bench_local_values(|dir| {
            let plan = plan(Scene {
                head: repository.snapshot(),
                endpoint: endpoint.clone(),
                way: Way::default(),
                tools: vec!["read_file".to_owned()],
                dir: dir.path(),
            });
            let (_never, signals) = mpsc::channel(1);
            let run = runner::run(plan, Arc::clone(&toolbox), Vec::new(), true, signals);
            let ended = runtime.block_on(run).expect("the run comes to its end");
            assert_eq!(ended.accounting.turns as usize, TURNS + 1);
            dir
        });
}
