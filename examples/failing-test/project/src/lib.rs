//! Slots of a day: which are taken, and which are free.

mod merge;

pub use merge::merge;

/// Minutes of a day, from `start` up to but not including `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// The first minute.
    pub start: u32,
    /// The first minute after it.
    pub end: u32,
}

impl Slot {
    /// A slot; an empty one where `end` is not after `start`.
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end: end.max(start) }
    }

    /// Its length in minutes.
    pub fn minutes(self) -> u32 {
        self.end - self.start
    }
}

/// What of `day` is free beside `taken`.
pub fn free(day: Slot, taken: &[Slot]) -> Vec<Slot> {
    let mut free = Vec::new();
    let mut from = day.start;
    for slot in merge(taken) {
        if slot.start > from {
            free.push(Slot::new(from, slot.start.min(day.end)));
        }
        from = from.max(slot.end);
    }
    if from < day.end {
        free.push(Slot::new(from, day.end));
    }
    free
}
