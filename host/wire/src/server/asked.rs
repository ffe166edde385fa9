//! From a request to what is done about it: the same for both transports.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value};

use super::House;
use super::intake::{self, Create, Held};
use super::play;
use super::responder::Reply;
use super::stage::{self, Manner, Performance};
use crate::error::{ErrorKind, ModelError};

/// Stored responses (`store: true`) that a server remembers; the oldest make room.
const STORED_MAX: usize = 1024;

/// Bytes of their texts, all together.
const STORED_BYTES_MAX: usize = 256 << 20;

/// A request, as an observer of the server is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Asked {
    /// The connection, counted from 0 over the server's life.
    pub connection: u64,
    /// The request on this connection, counted from 0.
    pub request: u64,
    /// The lane of the connection, where it has a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// Whether it came over HTTP instead of a WebSocket.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub over_http: bool,
    /// The turn that is asked for, counted from 0.
    pub turn: u32,
    /// The model that is asked.
    pub model: String,
    /// Items of the whole conversation.
    pub items: usize,
    /// Whether an earlier response is continued.
    pub continued: bool,
    /// Whether nothing is to be generated.
    pub warm_up: bool,
    /// The id that the response will have.
    pub response_id: String,
}

/// From where a request comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) connection: u64,
    pub(super) request: u64,
    pub(super) lane: Option<&'a str>,
    pub(super) over_http: bool,
}

impl House {
    /// What is done for a request; `near` knows responses that only its connection does.
    pub(super) fn answer(
        &self,
        fields: Map<String, Value>,
        origin: Origin<'_>,
        near: impl FnOnce(&str) -> Option<Arc<Held>>,
    ) -> Result<Performance, ModelError> {
        let find = |id: &str| near(id).or_else(|| self.stored().find(id));
        let create = intake::create(fields, find, self.responder.model())?;
        self.tell(&create, origin);
        let mut reply = if create.warm_up {
            Reply::default()
        } else {
            self.responder.respond(&create.conversation)
        };
        if let Some(error) = reply.refuse {
            if let Some(id) = create.conversation.previous_response_id
                && error.kind == ErrorKind::PreviousResponseNotFound
            {
                self.stored().forget(&id);
            }
            return Err(error);
        }
        let manner = Manner::of(&mut reply);
        Ok(stage::plan(play::play(create, reply), manner))
    }

    /// Remembers a response for every connection, if its client lets us.
    pub(super) fn store(&self, held: &Arc<Held>) {
        if held.stored {
            self.stored().put(held.clone());
        }
    }

    /// A stored response.
    pub(super) fn find_stored(&self, id: &str) -> Option<Arc<Held>> {
        self.stored().find(id)
    }

    fn stored(&self) -> std::sync::MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, create: &Create, origin: Origin<'_>) {
        let Some(observer) = &self.options.observer else { return };
        observer(&Asked {
            connection: origin.connection,
            request: origin.request,
            lane: origin.lane.map(ToOwned::to_owned),
            over_http: origin.over_http,
            turn: create.conversation.turn,
            model: create.conversation.model.clone(),
            items: create.conversation.items.len(),
            continued: create.conversation.previous_response_id.is_some(),
            warm_up: create.warm_up,
            response_id: play::response_id(create),
        });
    }
}

/// The stored responses of all connections, oldest first.
#[derive(Debug, Default)]
pub(super) struct Stored {
    responses: VecDeque<(Arc<Held>, usize)>,
    bytes: usize,
}

impl Stored {
    fn find(&self, id: &str) -> Option<Arc<Held>> {
        self.responses.iter().rev().find(|(held, _)| held.id == id).map(|(held, _)| held.clone())
    }

    fn put(&mut self, held: Arc<Held>) {
        self.forget(&held.id);
        let bytes = held.items.iter().map(intake::size).sum();
        self.responses.push_back((held, bytes));
        self.bytes = self.bytes.saturating_add(bytes);
        while self.responses.len() > STORED_MAX || self.bytes > STORED_BYTES_MAX {
            let Some((_, bytes)) = self.responses.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }

    fn forget(&mut self, id: &str) {
        self.responses.retain(|(held, bytes)| {
            let stays = held.id != id;
            self.bytes = self.bytes.saturating_sub(if stays { 0 } else { *bytes });
            stays
        });
    }
}
