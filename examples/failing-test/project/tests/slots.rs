use slots::{Slot, free, merge};

fn slots(pairs: &[(u32, u32)]) -> Vec<Slot> {
    pairs.iter().map(|(start, end)| Slot::new(*start, *end)).collect()
}

#[test]
fn slots_apart_stay_apart() {
    assert_eq!(merge(&slots(&[(10, 20), (30, 40)])), slots(&[(10, 20), (30, 40)]));
}

#[test]
fn slots_that_overlap_become_one() {
    assert_eq!(merge(&slots(&[(10, 25), (20, 40)])), slots(&[(10, 40)]));
}

#[test]
fn slots_that_touch_become_one() {
    assert_eq!(merge(&slots(&[(10, 20), (20, 40)])), slots(&[(10, 40)]));
}

#[test]
fn a_slot_within_another_disappears() {
    assert_eq!(merge(&slots(&[(10, 40), (20, 30)])), slots(&[(10, 40)]));
}

#[test]
fn what_is_not_taken_is_free() {
    let day = Slot::new(0, 60);
    assert_eq!(free(day, &slots(&[(10, 20), (30, 40)])), slots(&[(0, 10), (20, 30), (40, 60)]));
}
