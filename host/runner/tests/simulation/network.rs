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

/// How fast a connection is, and in which pieces.
#[derive(Debug, Clone, Copy)]
struct Pace {
    delay: Duration,
    piece_max: u64,
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
            // Now and then so fast that even the largest event arrives.
            let pace = match self.dice.chance(20) {
                true => Pace { delay: Duration::ZERO, piece_max: 1 << 16 },
                false => {
                    Pace { delay: Duration::from_millis(self.dice.below(40)), piece_max: 2_000 }
                }
            };
            let (up, down) = (trouble(), trouble());
            tokio::spawn(carry(theirs, self.server.connect(), pace, up, down, self.dice.clone()));
            Ok(Box::new(ours) as Box<dyn ByteStream>)
        })
    }
}

async fn carry(
    client: DuplexStream,
    server: DuplexStream,
    pace: Pace,
    up: Trouble,
    down: Trouble,
    dice: Dice,
) {
    let (from_client, to_client) = tokio::io::split(client);
    let (from_server, to_server) = tokio::io::split(server);
    // Both directions end together: dropping the halves closes the connection.
    tokio::select! {
        biased;
        () = direction(from_client, to_server, pace, up, dice.clone()) => {}
        () = direction(from_server, to_client, pace, down, dice) => {}
    }
}

async fn direction(
    mut from: ReadHalf<DuplexStream>,
    mut to: WriteHalf<DuplexStream>,
    Pace { delay, piece_max }: Pace,
    trouble: Trouble,
    dice: Dice,
) {
    let mut carried = 0_u64;
    let mut piece = vec![0; usize::try_from(piece_max).unwrap()];
    loop {
        let most = usize::try_from(dice.between(1, piece_max)).unwrap();
        let Ok(n @ 1..) = from.read(&mut piece[..most]).await else { return };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
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
