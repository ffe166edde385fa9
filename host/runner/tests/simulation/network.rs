//! A network between the run and the model's server: slow, in pieces, and cut anywhere.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, duplex};
use wire::{ByteStream, Dial, InMemoryServer};

use crate::dice::Dice;
use crate::world::Story;

/// The way to one server.
pub(crate) struct SimNetwork {
    pub(crate) server: Arc<InMemoryServer>,
    pub(crate) dice: Dice,
    /// Of a hundred connections so many go wrong.
    pub(crate) faults: u64,
    pub(crate) story: Story,
}

/// How a direction of a connection ends before its time.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    None,
    /// After so many bytes it is cut, for both sides.
    CutAfter(u64),
    /// After so many bytes nothing comes through any more, and nobody is told.
    StallAfter(u64),
}

impl Dial for SimNetwork {
    fn dial<'a>(
        &'a self,
        _host: &'a str,
        _port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn ByteStream>>> {
        Box::pin(async move {
            if self.dice.chance(self.faults / 2) {
                match self.dice.below(2) {
                    0 => {
                        self.story.fault("connection refused");
                        return Err(io::ErrorKind::ConnectionRefused.into());
                    }
                    _ => {
                        self.story.fault("no connection");
                        return std::future::pending().await;
                    }
                }
            }
            let trouble = || {
                if !self.dice.chance(self.faults) {
                    return Trouble::None;
                }
                let bytes = self.dice.below(12_000);
                if self.dice.chance(60) {
                    self.story.fault("connection cut");
                    Trouble::CutAfter(bytes)
                } else {
                    self.story.fault("connection stalled");
                    Trouble::StallAfter(bytes)
                }
            };
            let (ours, theirs) = duplex(1 << 14);
            let delay = Duration::from_millis(self.dice.below(40));
            let (up, down) = (trouble(), trouble());
            tokio::spawn(carry(theirs, self.server.connect(), delay, up, down, self.dice.clone()));
            Ok(Box::new(ours) as Box<dyn ByteStream>)
        })
    }
}

async fn carry(
    client: DuplexStream,
    server: DuplexStream,
    delay: Duration,
    up: Trouble,
    down: Trouble,
    dice: Dice,
) {
    let (from_client, to_client) = tokio::io::split(client);
    let (from_server, to_server) = tokio::io::split(server);
    // Both directions end together: dropping the halves closes the connection.
    tokio::select! {
        biased;
        () = direction(from_client, to_server, delay, up, dice.clone()) => {}
        () = direction(from_server, to_client, delay, down, dice) => {}
    }
}

async fn direction(
    mut from: ReadHalf<DuplexStream>,
    mut to: WriteHalf<DuplexStream>,
    delay: Duration,
    trouble: Trouble,
    dice: Dice,
) {
    let mut carried = 0_u64;
    let mut piece = vec![0; 2_000];
    loop {
        let most = usize::try_from(dice.between(1, 2_000)).unwrap();
        let Ok(n @ 1..) = from.read(&mut piece[..most]).await else { return };
        tokio::time::sleep(delay).await;
        let room = match trouble {
            Trouble::None => n as u64,
            Trouble::CutAfter(bytes) | Trouble::StallAfter(bytes) => bytes.saturating_sub(carried),
        };
        let n = n.min(usize::try_from(room).unwrap());
        if to.write_all(&piece[..n]).await.is_err() {
            return;
        }
        carried += n as u64;
        match trouble {
            Trouble::CutAfter(bytes) if carried >= bytes => return,
            Trouble::StallAfter(bytes) if carried >= bytes => std::future::pending().await,
            Trouble::None | Trouble::CutAfter(_) | Trouble::StallAfter(_) => {}
        }
    }
}
