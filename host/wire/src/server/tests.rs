//! The server, asked by our own client, by strangers, and by nonsense.

mod conversations;
mod door;
mod exchanges;
mod lanes;
mod steering;
mod strangers;
mod trouble;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::*;
use crate::{
    ByteStream, Completed, Endpoint, ErrorKind, InputItem, Link, LinkError, ModelError, ModelEvent,
    Request, Script, ToolSpec, Transport,
};

/// A server whose connections are in memory. Dropping it ends them.
struct Home(InMemoryServer);

impl Home {
    fn new(responder: impl Responder) -> Self {
        Self::with(responder, Options::default())
    }

    fn with(responder: impl Responder, options: Options) -> Self {
        Self(Server::in_memory(Arc::new(responder), options))
    }

    fn script(script: &str) -> Self {
        Self::new(Script::parse(script).unwrap())
    }

    async fn link(&self) -> Link {
        let stream: Box<dyn ByteStream> = Box::new(self.0.connect());
        Link::over(client_async(URL, stream).await.unwrap().0)
    }

    async fn stranger(&self) -> Stranger {
        Stranger(client_async(URL, self.0.connect()).await.unwrap().0)
    }

    /// One stranger, and the home that must outlive them.
    async fn into_stranger(self) -> (Stranger, Self) {
        (self.stranger().await, self)
    }

    /// Sends one request by hand, and reads to the end of the connection, or for half an
    /// hour where it has none.
    async fn http(&self, request: &str) -> String {
        let mut pipe = self.0.connect();
        pipe.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let reading = pipe.read_to_end(&mut answer);
        drop(tokio::time::timeout(Duration::from_mins(30), reading).await);
        // Chunks cut characters, so for now each byte is one.
        answer.into_iter().map(char::from).collect()
    }

    /// Posts JSON, and reads the whole answer. A model is named in any case.
    async fn post(&self, path: &str, body: &Value) -> String {
        let mut body = body.clone();
        body["model"] = "m".into();
        let body = body.to_string();
        let length = body.len();
        self.http(&format!(
            "POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await
    }
}

const URL: &str = "ws://server/v1/responses";

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
            if matches!(
                kind.as_str(),
                "response.completed" | "response.incomplete" | "response.failed" | "error"
            ) {
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
