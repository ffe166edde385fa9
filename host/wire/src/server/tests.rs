//! The server, asked by our own client, by strangers, and by nonsense.

mod conversations;
mod door;
mod strangers;
mod trouble;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{DuplexStream, duplex};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::{
    ByteStream, Completed, Endpoint, ErrorKind, InputItem, Link, LinkError, ModelError, ModelEvent,
    Request, Script, ToolSpec, Transport,
};

/// A server whose connections are in memory. Dropping it ends them.
struct Home {
    house: Arc<House>,
    connections: JoinSet<()>,
}

impl Home {
    fn new(responder: impl Responder) -> Self {
        Self::with(responder, Options::default())
    }

    fn with(responder: impl Responder, options: Options) -> Self {
        let responder = Arc::new(responder);
        let house = Arc::new(House { responder, options, connections: AtomicU64::new(0) });
        Self { house, connections: JoinSet::new() }
    }

    fn script(script: &str) -> Self {
        Self::new(Script::parse(script).unwrap())
    }

    async fn open(&mut self) -> DuplexStream {
        let (ours, theirs) = duplex(1 << 16);
        let number = self.house.connections.fetch_add(1, Ordering::Relaxed);
        let socket = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
        self.connections
            .spawn(connection::Connection::new(socket, self.house.clone(), number).run());
        ours
    }

    async fn link(&mut self) -> Link {
        let transport: Box<dyn ByteStream> = Box::new(self.open().await);
        Link::over(WebSocketStream::from_raw_socket(transport, Role::Client, None).await)
    }

    /// One stranger, and the home that must outlive them.
    async fn into_stranger(mut self) -> (Stranger, Self) {
        let ours = self.open().await;
        (Stranger(WebSocketStream::from_raw_socket(ours, Role::Client, None).await), self)
    }
}

/// A client that writes its own JSON.
struct Stranger(WebSocketStream<DuplexStream>);

impl Stranger {
    async fn say(&mut self, frame: &str) {
        self.0.send(Message::text(frame)).await.unwrap();
    }

    async fn hear(&mut self) -> Option<Value> {
        let message = self.0.next().await?.ok()?;
        Some(serde_json::from_str(message.to_text().unwrap()).unwrap())
    }

    /// All events up to the last one of a response.
    async fn ask(&mut self, event: &Value) -> Vec<Value> {
        self.say(&event.to_string()).await;
        let mut events = Vec::new();
        loop {
            let event = self.hear().await.expect("an event before the end");
            let kind = event["type"].as_str().unwrap().to_owned();
            events.push(event);
            if matches!(kind.as_str(), "response.completed" | "response.incomplete" | "error") {
                return events;
            }
        }
    }

    async fn last(&mut self, event: &Value) -> Value {
        self.ask(event).await.pop().unwrap()
    }
}

const TWO_TURNS: &str = r#"
[[turn]]
say = "I look at two files, side by side."
usage = { input = 1200, output = 80, cached = 1024 }
[[turn.call]]
tool = "read_file"
arguments = { path = "a.rs" }
[[turn.call]]
tool = "read_file"
arguments = { path = "b.rs" }
[[turn]]
say = "Fixed."
"#;

fn user(text: &str) -> InputItem {
    InputItem::Message { role: "user".to_owned(), text: text.to_owned() }
}

fn output(call_id: &str) -> InputItem {
    InputItem::FunctionCallOutput { call_id: call_id.to_owned(), output: "ok".to_owned() }
}

fn request(input: Vec<InputItem>) -> Request {
    Request { input, instructions: "Fix it.".to_owned(), ..Request::new("demo", 1000) }
}

/// Asks, and reads to the end of the response.
async fn ask(link: &mut Link, request: &Request) -> Result<Vec<ModelEvent>, LinkError> {
    link.ask(request).await?;
    let mut events = Vec::new();
    while !events.last().is_some_and(ModelEvent::is_terminal) {
        events.push(link.next().await?);
    }
    Ok(events)
}

async fn complete(link: &mut Link, request: &Request) -> Completed {
    let end = ask(link, request).await.unwrap().pop();
    let Some(ModelEvent::Completed(whole)) = end else { panic!("{end:?}") };
    whole
}

async fn fail(link: &mut Link, request: &Request) -> ModelError {
    let end = ask(link, request).await.unwrap().pop();
    let Some(ModelEvent::Failed { error, .. }) = end else { panic!("{end:?}") };
    error
}
