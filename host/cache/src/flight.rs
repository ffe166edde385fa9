//! One computes, the others wait: within a process and between those that share the directory.
//!
//! Nobody waits for long, and nobody waits for the dead: a lock of a process that is gone is gone
//! with it. Who has waited long enough computes, too; that wastes time and breaks nothing.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep, timeout_at};

use crate::cache::lock;
use crate::{CacheError, CallKey};

/// How long somebody else's run of the same call is waited for.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// How often another process's lock is tried: soon at first, as most calls take milliseconds.
const TRY_FIRST: Duration = Duration::from_millis(2);
const TRY_MAX: Duration = Duration::from_millis(50);

/// Calls that are remembered to be under way; more than a process runs at once.
const CALLS_MAX: usize = 1024;

/// Digits of a call's key that name its lock: 4,096 files, which are never removed.
const LOCK_DIGITS: usize = 3;

/// The calls that are being computed.
#[derive(Debug)]
pub(crate) struct Flights {
    directory: PathBuf,
    here: Mutex<HashMap<CallKey, Weak<tokio::sync::Mutex<()>>>>,
}

/// The right to compute a call. Others wait until it is dropped.
#[derive(Debug)]
pub struct Flight {
    has_waited: bool,
    _process: Option<File>,
    _here: Option<OwnedMutexGuard<()>>,
}

impl Flights {
    pub(crate) fn open(root: &Path) -> Result<Self, CacheError> {
        let directory = root.join("locks");
        fs::create_dir_all(&directory).map_err(CacheError::file(&directory))?;
        Ok(Self { directory, here: Mutex::default() })
    }

    /// Waits until nobody else computes the call, or long enough.
    pub(crate) async fn join(&self, key: CallKey) -> Flight {
        let deadline = Instant::now() + WAIT_MAX;
        let gate = self.gate(key);
        let (here, waited_here) = match Arc::clone(&gate).try_lock_owned() {
            Ok(guard) => (Some(guard), false),
            Err(_) => (timeout_at(deadline, gate.lock_owned()).await.ok(), true),
        };
        let (process, waited_there) = self.lock_file(key, deadline).await;
        Flight { has_waited: waited_here || waited_there, _process: process, _here: here }
    }

    fn gate(&self, key: CallKey) -> Arc<tokio::sync::Mutex<()>> {
        let mut here = lock(&self.here);
        if let Some(gate) = here.get(&key).and_then(Weak::upgrade) {
            return gate;
        }
        if here.len() >= CALLS_MAX {
            here.retain(|_, gate| gate.strong_count() > 0);
        }
        let gate = Arc::new(tokio::sync::Mutex::new(()));
        here.insert(key, Arc::downgrade(&gate));
        gate
    }

    /// The lock between processes, and whether it was waited for. A directory where nothing can be
    /// locked is one where nobody waits.
    async fn lock_file(&self, key: CallKey, deadline: Instant) -> (Option<File>, bool) {
        let name = key.to_string();
        let path = self.directory.join(&name[..LOCK_DIGITS]);
        let opened = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let Ok(file) = opened else { return (None, false) };
        let (mut pause, mut waited) = (TRY_FIRST, false);
        loop {
            match file.try_lock() {
                Ok(()) => return (Some(file), waited),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    waited = true;
                    sleep(pause).await;
                    pause = (pause * 2).min(TRY_MAX);
                }
                Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return (None, waited),
            }
        }
    }
}

impl Flight {
    /// Whether somebody else was computing: then the answer may be there.
    pub(crate) fn has_waited(&self) -> bool {
        self.has_waited
    }
}
