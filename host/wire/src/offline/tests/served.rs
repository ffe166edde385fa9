//! The analyst behind our own server, asked by our own client.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{SUBMIT, TOOLS, broken_project, conversation};
use crate::offline::Analyst;
use crate::{Completed, Endpoint, InputItem, Link, ModelEvent, Request, Server, Transport};

/// How a client continues a conversation.
#[derive(Clone, Copy)]
enum Continuing {
    /// By the id of the response before.
    ById,
    /// By sending everything again, over a new link.
    InFull,
}

async fn answer(link: &mut Link, request: &Request) -> Completed {
    link.ask(request).await.unwrap();
    loop {
        let event = link.next().await.unwrap();
        assert!(!matches!(event, ModelEvent::Failed { .. }), "{event:?}");
        if let ModelEvent::Completed(completed) = event {
            return completed;
        }
    }
}

/// Plays a triage over the protocol; the names of the tools that were called, a line a turn, and
/// the arguments of the submission.
async fn triage(continuing: Continuing) -> (String, String) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::bind(address, Arc::new(Analyst)).unwrap();
    let endpoint = Endpoint::new(&server.base_url()).unwrap();
    let connect = || Link::connect(&endpoint, Transport::WebSocket, Duration::from_secs(30));

    let mut link = connect().await.unwrap();
    let mut request = Request::new("offline-analyst", 10_000);
    request.tools = conversation(&TOOLS).tools;
    request.input =
        vec![InputItem::Message { role: "user".into(), text: "Triage this change.".into() }];
    let (mut turns, mut submission) = (String::new(), String::new());
    loop {
        let completed = answer(&mut link, &request).await;
        let names: Vec<&str> = completed.calls.iter().map(|call| call.name.as_str()).collect();
        turns.push_str(&names.join(" "));
        turns.push('\n');
        if completed.calls.is_empty() {
            return (turns, submission);
        }
        let outputs = completed.calls.iter().map(|call| {
            let output = if call.name == SUBMIT {
                submission.clone_from(&call.arguments);
                json!({ "taken": true }).to_string()
            } else {
                broken_project(&call.name, &serde_json::from_str(&call.arguments).unwrap())
            };
            InputItem::FunctionCallOutput { call_id: call.call_id.clone(), output }
        });
        let outputs: Vec<InputItem> = outputs.collect();
        match continuing {
            Continuing::ById => {
                request.previous_response_id = Some(completed.response_id);
                request.input = outputs;
            }
            Continuing::InFull => {
                link = connect().await.unwrap();
                request.input.extend(completed.output.into_iter().map(InputItem::Verbatim));
                request.input.extend(outputs);
            }
        }
    }
}

#[tokio::test]
async fn a_lost_link_changes_nothing_about_a_triage() {
    let by_id = triage(Continuing::ById).await;
    insta::assert_snapshot!(by_id.0, @"
    test_summary changed_files dependency_graph dependency_graph
    read_file read_file
    submit_analysis
    ");
    assert_eq!(by_id, triage(Continuing::InFull).await);
}
