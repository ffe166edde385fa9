//! What a link, its lanes and its task all know, and what they say to each other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use super::lane::{LaneError, StreamId};
use super::{IN_FLIGHT_MAX, LANES_MAX, LinkError, MESSAGE_BYTES_MAX};
use crate::event::ModelEvent;

/// Frames of one lane that wait to be read. A response of plain text has some hundred; this is
/// enough to keep a reader busy who looks away for a moment.
pub(super) const FRAMES_MAX: usize = 64;

/// Bytes of all frames that wait to be read, of all lanes: a few small ones beside a largest one.
pub(super) const FRAME_BYTES_MAX: usize = 2 * MESSAGE_BYTES_MAX;

/// Commands that wait for the task: a request and a close.
pub(super) const COMMANDS_MAX: usize = 2;

/// What a lane tells the task.
#[derive(Debug)]
pub(super) enum Command {
    /// Send a request; `sent` is told when it has left.
    Ask { asking: Asking, text: String, sent: oneshot::Sender<()> },
    /// Steer the running response.
    Steer { lane: Option<StreamId>, text: String, sent: oneshot::Sender<()> },
    /// Say goodbye.
    Close,
}

/// Who asks, and where the answer goes.
#[derive(Debug)]
pub(super) struct Asking {
    /// The lane; none is the default one.
    pub(super) lane: Option<StreamId>,
    /// The way to the lane, with its first request.
    pub(super) outlet: Option<Outlet>,
    /// The response's place among those that run.
    pub(super) place: Place,
}

/// The task's end of a lane.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) events: mpsc::Sender<Delivery>,
    pub(super) sequence_gaps: Arc<AtomicU64>,
}

/// What one frame gave, and the room that it takes until it is read.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) events: Vec<ModelEvent>,
    pub(super) _room: OwnedSemaphorePermit,
}

/// A response that runs: one of [`IN_FLIGHT_MAX`], and its lane's name is taken.
#[derive(Debug)]
pub(super) struct Place {
    _one: OwnedSemaphorePermit,
    _name: Arc<NameInUse>,
}

/// Held by a lane, and by its response if that outlives it.
#[derive(Debug)]
pub(super) struct NameInUse;

/// What link, lanes and task share.
#[derive(Debug)]
pub(super) struct Shared {
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
    ending: watch::Sender<Option<LinkError>>,
    places: Arc<Semaphore>,
    /// Every name that this connection has seen.
    names: Mutex<BTreeMap<StreamId, Weak<NameInUse>>>,
    room: Arc<Semaphore>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            bytes_sent: AtomicU64::new(0),
            bytes_received: AtomicU64::new(0),
            ending: watch::Sender::new(None),
            places: Arc::new(Semaphore::new(IN_FLIGHT_MAX)),
            names: Mutex::new(BTreeMap::new()),
            room: Arc::new(Semaphore::new(FRAME_BYTES_MAX)),
        }
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.bytes_sent.fetch_add(count(bytes), Ordering::Relaxed);
    }

    pub(super) fn received(&self, bytes: usize) {
        self.bytes_received.fetch_add(count(bytes), Ordering::Relaxed);
    }

    pub(super) fn bytes_sent(&self) -> u64 {
        self.bytes_sent.load(Ordering::Relaxed)
    }

    pub(super) fn bytes_received(&self) -> u64 {
        self.bytes_received.load(Ordering::Relaxed)
    }

    /// Why nothing can be asked any more, if so.
    pub(super) fn ending(&self) -> Option<LinkError> {
        self.ending.borrow().clone()
    }

    /// Settles why the connection is over. The first reason stands.
    pub(super) fn end(&self, error: LinkError) {
        self.ending.send_if_modified(|ending| {
            let first = ending.is_none();
            ending.get_or_insert(error);
            first
        });
    }

    /// Waits until the connection is over.
    pub(super) async fn ended(&self) -> LinkError {
        let mut ending = self.ending.subscribe();
        let ended = ending.wait_for(Option::is_some).await.ok().and_then(|ending| ending.clone());
        ended.unwrap_or_else(LinkError::dropped)
    }

    /// A place for one more response.
    pub(super) fn place(&self, name: &Arc<NameInUse>) -> Result<Place, LinkError> {
        let one = self.places.clone().try_acquire_owned().map_err(|_| LinkError::Full)?;
        Ok(Place { _one: one, _name: name.clone() })
    }

    /// Takes a name for a lane.
    pub(super) fn name(&self, name: &StreamId) -> Result<Arc<NameInUse>, LaneError> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let known = names.get(name);
        if known.is_some_and(|known| known.strong_count() > 0) {
            return Err(LaneError::InUse { name: name.clone() });
        }
        if known.is_none() && names.len() >= LANES_MAX {
            return Err(LaneError::TooMany);
        }
        let in_use = Arc::new(NameInUse);
        names.insert(name.clone(), Arc::downgrade(&in_use));
        Ok(in_use)
    }

    /// Waits for room for a frame of so many bytes. Cancel-safe.
    pub(super) async fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        // No frame is larger than MESSAGE_BYTES_MAX.
        let permits = u32::try_from(bytes.min(FRAME_BYTES_MAX)).ok()?;
        self.room.clone().acquire_many_owned(permits).await.ok()
    }
}

/// Ends the connection for everybody when the task is gone, whatever the reason.
#[derive(Debug)]
pub(super) struct EndsWithTask(pub(super) Arc<Shared>);

impl Drop for EndsWithTask {
    fn drop(&mut self) {
        self.0.end(LinkError::dropped());
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
