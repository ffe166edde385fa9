//! What is remembered of a working tree from one command to the next, so that a cached output is
//! found without reading the tree again. Without it everything works, and takes longer.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use cache::MachineKey;
use snapshot::StatCache;

use crate::dirs;

/// What is remembered of the directory `root`.
pub(crate) fn of(root: &Path) -> Option<Arc<StatCache>> {
    // Outside of the cache: a cache may come from anywhere.
    let key = MachineKey::at(&dirs::machine_key()).ok()?;
    let key = key.derived("stepwell 2026-11 stat cache v1");
    let stats = StatCache::kept(&dirs::cache().join("stats"), root, &key, SystemTime::now);
    stats.ok().map(Arc::new)
}
