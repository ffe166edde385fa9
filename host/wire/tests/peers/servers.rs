//! Our client against servers of other people.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::timeout;
use wire::{Completed, Endpoint, InputItem, Link, ModelEvent, Request, Transport};

use crate::{PEER_TIME_MAX, folder, serve_script};

/// How often to look whether a server listens. There is nothing to wait for but that.
const LOOK_EVERY: Duration = Duration::from_millis(50);

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn start(command: &mut Command) -> Child {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.kill_on_drop(true).spawn().unwrap()
}

/// A link to a server that is about to listen.
async fn link(base_url: &str) -> Link {
    let endpoint = Endpoint::new(base_url).unwrap();
    let trying = async {
        loop {
            if let Ok(link) = Link::connect(&endpoint, Transport::WebSocket, PEER_TIME_MAX).await {
                return link;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    timeout(PEER_TIME_MAX, trying).await.expect("the peer listens")
}

async fn complete(link: &mut Link, request: &Request) -> Completed {
    link.ask(request).await.unwrap();
    loop {
        let event = timeout(PEER_TIME_MAX, link.next()).await.expect("an event").unwrap();
        if let ModelEvent::Completed(whole) = event {
            return whole;
        }
        assert!(!event.is_terminal(), "{event:?}");
    }
}

fn user(text: &str) -> InputItem {
    InputItem::Message { role: "user".to_owned(), text: text.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_converses_with_llmsim() {
    let Some(bin) = folder::rust("llmsim", "0.6.0").await else { return };
    let port = free_port();
    let mut llmsim = Command::new(bin.join("llmsim"));
    llmsim.args(["serve", "--host", "127.0.0.1", "--generator", "fixed:pong", "--port"]);
    let _server = start(llmsim.arg(port.to_string()));
    let mut link = link(&format!("http://127.0.0.1:{port}/openai/v1")).await;
    let request = Request { input: vec![user("ping")], ..Request::new("gpt-5", 100) };
    let first = complete(&mut link, &request).await;
    assert_eq!(first.text, "pong");
    let previous_response_id = Some(first.response_id);
    let second = complete(&mut link, &Request { previous_response_id, ..request }).await;
    assert_eq!(second.text, "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_converses_with_agentic_api_and_that_with_our_server() {
    let Some(bin) = folder::python("agentic", &["agentic-api==0.9.0"]).await else { return };
    let upstream = serve_script();
    let port = free_port();
    let upstream_base = upstream.base_url();
    let upstream_base = upstream_base.trim_end_matches("/v1");
    let mut agentic = Command::new(bin.join("agentic-server"));
    agentic.args(["--llm-api-base", upstream_base, "--skip-llm-ready-check"]);
    agentic.args(["--gateway-host", "127.0.0.1", "--gateway-port", &port.to_string()]);
    let home = bin.join(format!("home-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    let _server = start(agentic.args(["--db-url", "sqlite://talk.db?mode=rwc"]).current_dir(&home));
    let mut link = link(&format!("http://127.0.0.1:{port}/v1")).await;
    let tool = wire::ToolSpec {
        name: "read_file".to_owned(),
        parameters: serde_json::json!({ "type": "object", "properties": {} }),
        ..wire::ToolSpec::default()
    };
    let tools = vec![tool];
    let request = |input| Request { input, tools: tools.clone(), ..Request::new("scripted", 100) };
    let first = complete(&mut link, &request(vec![user("hello")])).await;
    let call = first.calls.first().unwrap_or_else(|| panic!("no call in {first:?}"));
    assert_eq!((call.name.as_str(), call.arguments.as_str()), ("read_file", r#"{"path":"a"}"#));
    let output = InputItem::FunctionCallOutput {
        call_id: call.call_id.clone(),
        output: "content".to_owned(),
    };
    let previous_response_id = Some(first.response_id.clone());
    let more = Request { previous_response_id, ..request(vec![output]) };
    let second = complete(&mut link, &more).await;
    assert_eq!(second.text, "It is fine.");
    std::fs::remove_dir_all(&home).unwrap();
}
