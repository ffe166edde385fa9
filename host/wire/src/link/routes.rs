//! Which frame is whose: the task's end of all lanes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use super::LinkError;
use super::lane::StreamId;
use super::shared::{Asking, Delivery, Outlet, Place, Shared};
use crate::decode::{BadFrame, Decoder, Frame, RESPONSE_BYTES_MAX};
use crate::error::{ErrorKind, ModelError};
use crate::event::ModelEvent;

/// Events on their way to a lane.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) events: Vec<ModelEvent>,
    bytes: usize,
    to: mpsc::Sender<Delivery>,
}

impl Parcel {
    /// Waits for room in the lane's queue, by count and by bytes. Cancel-safe: room that was
    /// found is given back. None when nobody is there to read.
    pub(super) async fn room(&self, shared: &Shared) -> Option<Room> {
        let bytes = shared.room(self.bytes).await?;
        Some(Room { bytes, slot: self.to.clone().reserve_owned().await.ok()? })
    }

    pub(super) fn put(self, room: Room) {
        room.slot.send(Delivery { events: self.events, _room: room.bytes });
    }
}

/// Room for one parcel.
#[derive(Debug)]
pub(super) struct Room {
    bytes: tokio::sync::OwnedSemaphorePermit,
    slot: mpsc::OwnedPermit<Delivery>,
}

/// Every lane that has asked.
#[derive(Debug)]
pub(super) struct Routes {
    default: Route,
    named: BTreeMap<StreamId, Route>,
}

impl Routes {
    pub(super) fn new(default: Outlet) -> Self {
        Self { default: Route::new(default), named: BTreeMap::new() }
    }

    /// A request leaves.
    pub(super) fn asked(&mut self, asking: Asking) {
        let Asking { lane, outlet, place } = asking;
        // A lane that took the name of a dropped one brings its own outlet.
        if let (Some(name), Some(outlet)) = (&lane, outlet) {
            self.named.insert(name.clone(), Route::new(outlet));
        }
        if let Some(route) = self.route(lane.as_ref()) {
            route.asked(place);
        }
    }

    /// A steer leaves.
    pub(super) fn steered(&mut self, lane: Option<&StreamId>) {
        if let Some(route) = self.route(lane) {
            route.steers = route.steers.saturating_add(1);
        }
    }

    fn route(&mut self, lane: Option<&StreamId>) -> Option<&mut Route> {
        match lane {
            Some(name) => self.named.get_mut(name),
            None => Some(&mut self.default),
        }
    }

    /// Reads a frame and addresses what it says. What nobody waits for is thrown away: keep-alives
    /// between two responses must never fill a queue that nobody reads.
    pub(super) fn sort(&mut self, text: String) -> Result<VecDeque<Parcel>, Sorted> {
        let frame = Frame::parse(text)?;
        let mut parcels = VecDeque::new();
        let age_limit = frame.is_error() && is_age_limit(&frame);
        for route in self.addressees(&frame) {
            parcels.extend(route.decode(&frame)?);
        }
        self.named.retain(|_, route| route.is_listening() || !route.outlet.events.is_closed());
        if age_limit { Err(Sorted::TooOld(parcels)) } else { Ok(parcels) }
    }

    /// The lanes that a frame is for. An error without a name is the default lane's while it is
    /// the only one, else everybody's: the protocol does not say whose.
    fn addressees(&mut self, frame: &Frame) -> Vec<&mut Route> {
        let Self { default, named } = self;
        match frame.stream_id() {
            Some(name) if !named.is_empty() => named.get_mut(name).into_iter().collect(),
            // Some servers send a name back that nobody gave them.
            Some(_) => vec![default],
            None if frame.is_error() && named.values().any(Route::is_listening) => {
                named.values_mut().chain([default]).collect()
            }
            None => vec![default],
        }
    }
}

/// What is the matter with the connection after a frame.
#[derive(Debug)]
pub(super) enum Sorted {
    /// It is as old as it may be: nothing more can be asked.
    TooOld(VecDeque<Parcel>),
    /// It is over.
    Bad(LinkError),
}

impl From<BadFrame> for Sorted {
    fn from(bad: BadFrame) -> Self {
        Self::Bad(bad.into())
    }
}

impl From<BadFrame> for LinkError {
    fn from(bad: BadFrame) -> Self {
        match bad {
            BadFrame::Garbage(why) => Self::Garbage { why },
            BadFrame::TooLarge => Self::TooLarge { limit: RESPONSE_BYTES_MAX },
        }
    }
}

fn is_age_limit(frame: &Frame) -> bool {
    ModelError::from_envelope(frame.event(), None).kind == ErrorKind::ConnectionLimit
}

/// One lane's responses.
#[derive(Debug)]
pub(super) struct Route {
    outlet: Outlet,
    decoder: Decoder,
    running: bool,
    // While it runs, or may run on after a steer.
    place: Option<Place>,
    // Steers that were sent and came to nothing yet.
    steers: u32,
}

impl Route {
    pub(super) fn new(outlet: Outlet) -> Self {
        Self { outlet, decoder: Decoder::default(), running: false, place: None, steers: 0 }
    }

    pub(super) fn asked(&mut self, place: Place) {
        self.begin();
        self.place = Some(place);
    }

    fn begin(&mut self) {
        self.decoder = Decoder::default();
        self.running = true;
        self.steers = 0;
    }

    fn is_listening(&self) -> bool {
        self.running || self.steers > 0
    }

    /// What a frame says to this lane, if it listens.
    pub(super) fn decode(&mut self, frame: &Frame) -> Result<Option<Parcel>, BadFrame> {
        if !self.is_listening() {
            return Ok(None);
        }
        if !self.running && frame.kind() == "response.created" {
            // The response that heeds a steer.
            self.begin();
        }
        let events = self.decoder.decode(frame)?;
        self.outlet.sequence_gaps.store(self.decoder.sequence_gaps(), Ordering::Relaxed);
        for event in &events {
            self.note(event);
        }
        Ok(Some(self.parcel(events, frame.text().len())))
    }

    /// An event that is in no frame.
    pub(super) fn tell(&mut self, event: ModelEvent) -> Parcel {
        self.note(&event);
        self.parcel(vec![event], 0)
    }

    fn parcel(&self, events: Vec<ModelEvent>, bytes: usize) -> Parcel {
        Parcel { events, bytes, to: self.outlet.events.clone() }
    }

    fn note(&mut self, event: &ModelEvent) {
        if event.is_terminal() {
            self.running = false;
        }
        if matches!(event, ModelEvent::SteerFailed { .. }) {
            self.steers = self.steers.saturating_sub(1);
        }
        if matches!(event, ModelEvent::SteerPending { .. }) {
            // The next request settles them all.
            self.steers = 0;
        }
        if !self.is_listening() {
            self.place = None;
        }
    }
}
