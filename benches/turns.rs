//! Turns against the scripted model at zero think time: the link alone, and a whole run with
//! journal, tools and artifacts. A turn here is one `read_file` call and its answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use benches::runs::{Scene, plan};
use benches::{Repository, Tools};
use divan::Bencher;
use divan::counter::ItemsCount;
use runner::{Toolbox, Way};
use snapshot::Grant;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use wire::{Endpoint, InputItem, Link, ModelEvent, Request, Script, Server, Transport};

fn main() {
    divan::main();
}

/// Turns of one run.
const TURNS: usize = 30;

/// A model that reads a file each turn, and then says that it is done.
fn script() -> Script {
    let turn = "[[turn]]\n[[turn.call]]\ntool = \"read_file\"\narguments = { path = \"f7.rs\" }\n";
    let text = format!("model = \"m\"\n{}[[turn]]\nsay = \"done\"\n", turn.repeat(TURNS));
    Script::parse(&text).expect("the script is one")
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
    bencher.counter(ItemsCount::new(TURNS)).bench_local(|| {
        runtime.block_on(async {
            let mut link = Link::connect(&endpoint, Transport::WebSocket, Duration::from_secs(5))
                .await
                .expect("it connects");
            let mut previous = None;
            let mut input =
                vec![InputItem::Message { role: "user".to_owned(), text: "go".to_owned() }];
            for _ in 0..=TURNS {
                let mut request = Request::new("m", 1_000);
                request.previous_response_id = previous.take();
                request.input = std::mem::take(&mut input);
                link.ask(&request).await.expect("it is sent");
                let response = loop {
                    let event = link.next().await.expect("the server answers");
                    if let ModelEvent::Completed(response) = event {
                        break response;
                    }
                    assert!(!event.is_terminal(), "{event:?}");
                };
                let answered = |call: wire::FunctionCall| InputItem::FunctionCallOutput {
                    call_id: call.call_id,
                    output: "{}".to_owned(),
                };
                input = response.calls.into_iter().map(answered).collect();
                previous = Some(response.response_id);
            }
        });
    });
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
