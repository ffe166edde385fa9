//! Merging slots that overlap or touch.

use crate::Slot;

/// The same minutes as `slots`, in as few slots as possible, in order.
pub fn merge(slots: &[Slot]) -> Vec<Slot> {
    let mut sorted = slots.to_vec();
    sorted.sort_unstable();
    let mut merged: Vec<Slot> = Vec::with_capacity(sorted.len());
    for slot in sorted {
        match merged.last_mut() {
            Some(last) if overlaps(*last, slot) => last.end = last.end.max(slot.end),
            _ => merged.push(slot),
        }
    }
    merged
}

/// Whether `next`, which does not begin before `slot`, belongs to it.
fn overlaps(slot: Slot, next: Slot) -> bool {
    next.start < slot.end
}
