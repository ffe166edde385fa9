//! How much the tests write to the disk.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The shortest time between two looks.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// How many times as long as a look takes nobody looks again: a large tree costs the tests little.
const PAUSE_FACTOR: u32 = 20;

/// Comes back when there is more than `most` bytes below `dir`.
pub(super) async fn overflow(dir: PathBuf, most: u64) {
    let mut pause = PAUSE_MIN;
    loop {
        tokio::time::sleep(pause).await;
        let (dir, began) = (dir.clone(), Instant::now());
        let looked = tokio::task::spawn_blocking(move || is_beyond(&dir, most)).await;
        if looked.unwrap_or(false) {
            return;
        }
        pause = (began.elapsed() * PAUSE_FACTOR).max(PAUSE_MIN);
    }
}

/// Whether there is more than `most` bytes below `dir`. Links are not followed; what is removed
/// meanwhile does not count.
pub(super) fn is_beyond(dir: &Path, most: u64) -> bool {
    /// Bytes of a block, as the system counts them.
    const BLOCK: u64 = 512;
    let mut bytes = 0_u64;
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                left.push(entry.path());
            }
            bytes = bytes.saturating_add(metadata.blocks().saturating_mul(BLOCK));
            if bytes > most {
                return true;
            }
        }
    }
    false
}
