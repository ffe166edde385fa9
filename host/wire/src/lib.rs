//! The Responses protocol over WebSocket and over HTTP with server-sent events, both sides of it.
//!
//! The client: an [`Endpoint`] is where the model is and how to get there, a [`Link`] an open
//! connection to it (and a [`Lane`] one conversation of several over it), a [`Request`] what is
//! asked, and [`ModelEvent`]s what comes back. The server: a [`Server`] asks
//! a [`Responder`] what to say next in a [`Conversation`]; a [`Script`] is a responder that says
//! what a file tells it to. Each side is the other's test.
//!
//! Nothing that comes from the other side is believed: texts are theirs and want escaping, sizes
//! are limited, unknown things are kept and ignored.
//!
//! This crate must not know tools, budgets, or files.

mod decode;
mod endpoint;
mod error;
mod event;
mod link;
pub mod offline;
mod request;
mod script;
mod server;
mod usage;

pub use endpoint::{Endpoint, EndpointError, KeyHeader, Secret};
pub use error::{ErrorClass, ErrorKind, ModelError, RETRY_AFTER_MAX};
pub use event::{Completed, FunctionCall, ModelEvent};
pub use link::{
    ByteStream, ConnectError, Dial, HttpMayDo, IN_FLIGHT_MAX, LANES_MAX, Lane, LaneError, Link,
    LinkError, MESSAGE_BYTES_MAX, REQUEST_BYTES_MAX, StreamId, Transport,
};
pub use request::{InputItem, Request, ToolChoice, ToolSpec};
pub use script::{Script, ScriptError};
pub use server::{
    Asked, CONNECTION_AGE_MAX, Conversation, ConversationItem, Door, Drip, ErrorShape, Fault,
    FaultKind, Framing, Greeting, InMemoryServer, Observer, Options, Post, Reply, ReplyPart,
    Responder, Server,
};
pub use usage::Usage;
