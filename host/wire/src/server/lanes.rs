//! The lanes of a connection: who asks on which, and what each remembers.
//!
//! A lane does one thing after another; lanes go on side by side. Requests wait in the order in
//! which they came.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::intake::{self, Held};
use super::stage::Performance;
use crate::error::ModelError;

/// Responses that are under way at the same time on one connection, as the reference service
/// has it.
pub(super) const IN_FLIGHT_MAX: usize = 16;

/// Names of lanes in the life of one connection; the same there.
const NAMES_MAX: usize = 32;

/// Requests that wait on one connection. With more the client is not read until one starts.
pub(super) const WAITING_MAX: usize = 16;

/// Bytes of a lane's name.
const NAME_BYTES_MAX: usize = 256;

/// A lane: its name, or none for the one that has no name.
pub(super) type Name = Option<Arc<str>>;

/// A request that has not been answered yet.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) lane: Name,
    pub(super) fields: Map<String, Value>,
}

/// What happens on a lane, and what can be continued there.
#[derive(Default)]
pub(super) struct Lane {
    /// The latest response.
    pub(super) held: Option<Arc<Held>>,
    /// What is being sent.
    pub(super) active: Option<Active>,
    /// What a client said to a response that waits for the output of its calls.
    pub(super) pending: Option<Pending>,
}

/// A response that is being sent.
pub(super) struct Active {
    pub(super) performance: Performance,
    /// When to go on.
    pub(super) due: Instant,
    /// The response that it continues; an error forgets that one.
    pub(super) referenced: Option<String>,
    /// The request, for a successor to repeat.
    pub(super) fields: Map<String, Value>,
    /// By how much the numbers of its events have moved, since others came in between.
    pub(super) shift: u64,
    /// The number of the next event, and how many items are finished; none in the middle of one.
    pub(super) number: u64,
    pub(super) items_done: Option<usize>,
    /// What the client said meanwhile.
    pub(super) steers: Vec<Steer>,
}

/// Something that a client said to a running response.
#[derive(Debug, Clone)]
pub(super) struct Steer {
    pub(super) id: String,
    /// The items of its input.
    pub(super) input: Vec<Value>,
}

/// What waits for the next request that continues a response.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) parent: String,
    pub(super) input: Vec<Value>,
}

/// All lanes of a connection.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<Name, Lane>,
    waiting: VecDeque<Waiting>,
}

impl Lanes {
    /// The lane that an event names, known from now on.
    pub(super) fn enter(&mut self, fields: &Map<String, Value>) -> Result<Name, ModelError> {
        let name = match fields.get("stream_id") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) if is_name(name) => Some(Arc::from(name.as_str())),
            Some(_) => {
                let message = format!(
                    "`stream_id` has 1 to {NAME_BYTES_MAX} letters, digits, `_`, `.` and `-`"
                );
                return Err(intake::bad("invalid_stream_id", message).with_param("stream_id"));
            }
        };
        let names = self.lanes.keys().filter(|name| name.is_some()).count();
        if name.is_some() && !self.lanes.contains_key(&name) && names >= NAMES_MAX {
            let message = format!("a connection has at most {NAMES_MAX} named streams");
            let code = "websocket_stream_limit_reached";
            return Err(intake::bad(code, message).with_param("stream_id"));
        }
        self.lanes.entry(name.clone()).or_default();
        Ok(name)
    }

    pub(super) fn lane(&mut self, name: &Name) -> &mut Lane {
        self.lanes.entry(name.clone()).or_default()
    }

    pub(super) fn wait(&mut self, waiting: Waiting) {
        self.waiting.push_back(waiting);
    }

    /// Whether there is room for one more request.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < WAITING_MAX
    }

    /// The first request whose lane is free, if another response may start.
    pub(super) fn next_free(&mut self) -> Option<Waiting> {
        let active = self.lanes.values().filter(|lane| lane.active.is_some()).count();
        if active >= IN_FLIGHT_MAX {
            return None;
        }
        let is_free = |waiting: &Waiting| {
            self.lanes.get(&waiting.lane).is_none_or(|lane| lane.active.is_none())
        };
        let first = self.waiting.iter().position(is_free)?;
        self.waiting.remove(first)
    }

    /// The lane that goes on first, and when; fair to lanes that are due together.
    pub(super) fn next_due(&self) -> Option<(Name, Instant)> {
        let active =
            self.lanes.iter().filter_map(|(name, lane)| Some((name, lane.active.as_ref()?)));
        // Who has sent more has to wait for the others.
        let first = active.min_by_key(|(_, active)| (active.due, active.number));
        first.map(|(name, active)| (name.clone(), active.due))
    }

    /// The lane on which a response is being sent.
    pub(super) fn sending(&mut self, id: &str) -> Option<(Name, &mut Active)> {
        self.lanes.iter_mut().find_map(|(name, lane)| {
            let active = lane.active.as_mut().filter(|active| active.performance.id == id)?;
            Some((name.clone(), active))
        })
    }

    /// A response that some lane remembers. Another lane may continue it as well: a fork.
    pub(super) fn held(&self, id: &str) -> Option<Arc<Held>> {
        self.lanes.values().filter_map(|lane| lane.held.clone()).find(|held| held.id == id)
    }

    /// A continuation failed, which makes its lane forget what it wanted to continue.
    pub(super) fn evict(&mut self, name: &Name, id: Option<&str>) {
        let lane = self.lane(name);
        lane.held.take_if(|held| Some(held.id.as_str()) == id);
    }
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_allowed)
}
