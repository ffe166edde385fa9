//! A server without sockets, for simulations and tests: everything happens on the clock and the
//! threads of the runtime it lives in.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{DuplexStream, duplex};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{House, door};

/// Bytes that wait in each direction of a connection, as a small socket buffer has them.
const BUFFER_BYTES: usize = 64 << 10;

/// A server in memory. Dropping it ends its connections.
pub struct InMemoryServer {
    house: Arc<House>,
    room: Arc<Semaphore>,
    connections: Mutex<JoinSet<()>>,
}

impl InMemoryServer {
    pub(super) fn new(house: Arc<House>) -> Self {
        let most = house.options.connections_max.clamp(1, Semaphore::MAX_PERMITS);
        Self { house, room: Arc::new(Semaphore::new(most)), connections: Mutex::default() }
    }

    /// A new connection, which speaks HTTP/1.1 and what that can be upgraded to, as over TCP.
    /// Where the server has as many as it may, it is served when another one ends.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn connect(&self) -> DuplexStream {
        let (ours, theirs) = duplex(BUFFER_BYTES);
        let (house, room) = (self.house.clone(), self.room.clone());
        let number = house.next_number();
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            // Nobody closes the semaphore.
            let Ok(_room) = room.acquire().await else { return };
            door::serve(theirs, house, number).await;
        });
        ours
    }
}

impl fmt::Debug for InMemoryServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.house.options;
        formatter.debug_struct("InMemoryServer").field("options", options).finish_non_exhaustive()
    }
}
