//! Merging slots that overlap or touch.

use crate::Slot;

/// The same minutes as `slots`, in as few slots as possible, in order.
pub fn merge(slots: &[Slot]) -> Vec<Slot> {
    let mut sorted = slots.to_vec();
    sorted.sort();
    let mut merged: Vec<Slot> = Vec::new();
    for slot in sorted {
        match merged.last_mut() {
            Some(last) if slot.start <= last.end => last.end = last.end.max(slot.end),
            _ => merged.push(slot),
        }
    }
    merged
}
