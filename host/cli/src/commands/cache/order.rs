//! Keeping the cache in order.

use serde_json::json;

use super::super::{pretty, print};
use super::trouble;
use crate::args::{CacheClearArgs, CacheGcArgs, CacheVerifyArgs};
use crate::problem::{Problem, SharingProblem};
use crate::sharing;

/// What garbage collection leaves, unless told otherwise: four fifths of what is kept at most.
const LEFT_BYTES: u64 = 4 << 30;

/// The exit code where something was damaged.
const DAMAGED: u8 = 1;

/// Reads everything.
pub(in crate::commands) fn verify(args: &CacheVerifyArgs) -> Result<u8, Problem> {
    let cache = sharing::open(args.sharing.cache_policy.as_deref())?;
    let found = cache.verify().map_err(trouble)?;
    let cache::Verified { sound, damaged, unproven } = found;
    if args.json {
        print(&pretty(&json!({ "sound": sound, "damaged": damaged, "unproven": unproven })));
    } else {
        print(&format!("{sound} outputs are what had been stored"));
        if damaged > 0 {
            print(&format!("{damaged} were not: they are set aside, and computed again"));
        }
        if unproven > 0 {
            print(&format!(
                "{unproven} are of others who are not trusted here: they are not served"
            ));
        }
    }
    Ok(if damaged > 0 { DAMAGED } else { 0 })
}

/// Makes room.
pub(in crate::commands) fn collect_garbage(args: &CacheGcArgs) -> Result<u8, Problem> {
    let to = args.to.as_deref().map(bytes).transpose()?.unwrap_or(LEFT_BYTES);
    shrink(args.json, |cache| cache.collect_garbage(to))
}

/// Forgets everything.
pub(in crate::commands) fn clear(args: &CacheClearArgs) -> Result<u8, Problem> {
    shrink(args.json, cache::Cache::clear)
}

fn shrink(
    json: bool,
    act: impl Fn(&cache::Cache) -> Result<(), cache::CacheError>,
) -> Result<u8, Problem> {
    let cache = sharing::open(None)?;
    let before = cache.stat().map_err(trouble)?;
    act(&cache).map_err(trouble)?;
    let after = cache.stat().map_err(trouble)?;
    if json {
        print(&pretty(&json!({
            "entries-before": before.entries,
            "entries": after.entries,
            "bytes-before": before.bytes,
            "bytes": after.bytes,
        })));
    } else {
        print(&format!(
            "{} of {} outputs are left, {} of {} bytes",
            after.entries, before.entries, after.bytes, before.bytes
        ));
    }
    Ok(0)
}

/// A size as people write it.
fn bytes(text: &str) -> Result<u64, SharingProblem> {
    let bad = || SharingProblem::BadSize { text: text.to_owned() };
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("B", 0), ("", 0)];
    let (number, shift) = units
        .iter()
        .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)))
        .ok_or_else(bad)?;
    let number: u64 = number.trim().parse().map_err(|_| bad())?;
    number.checked_mul(1 << shift).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit_or_is_in_bytes() {
        let sizes =
            [("0", 0), ("12B", 12), ("3KiB", 3 << 10), ("500 MiB", 500 << 20), ("2GiB", 2 << 30)];
        for (text, expected) in sizes {
            assert_eq!(bytes(text).unwrap(), expected, "{text}");
        }
        for text in ["", "MiB", "-1", "1.5GiB", "5 kb", "99999999999GiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
