//! Spans and metrics on their way to somebody's collector, by the OpenTelemetry protocol (OTLP 1.x).
//!
//! What is sent comes as OTLP/JSON, so that there is one source of it; where it goes, and how, is
//! what OpenTelemetry's own variables say ([`Destinations`]). It travels as JSON, as protobuf or by
//! gRPC, in parts that a collector takes ([`PART_ITEMS_MAX`]), and however the other side behaves it
//! is over in a bounded time ([`SENDING_MAX`]).
//!
//! Reading order: `settings` (what the variables mean), then `send` (how it is sent).
//!
//! This crate must not know runs, traces, the terminal or the environment: whoever calls looks the
//! variables up.

mod error;
mod grpc;
mod message;
mod send;
mod settings;
mod web;

pub use error::{BadSetting, SendError};
pub use message::{Kind, Message, PART_ITEMS_MAX, PARTS_MAX};
pub use send::{SENDING_MAX, Sent, TRIES_MAX, send};
pub use settings::{Destination, Destinations, Headers, Protocol};
