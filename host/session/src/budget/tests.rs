//! What the meter promises.

use proptest::prelude::*;

use super::*;

fn ceiling(tokens: u64, spend: u64, calls: u64) -> Ceiling {
    Ceiling { time_ms: 1_000, idle_ms: 100, tokens, spend: Money(spend), calls }
}

fn budgets(step_spend: u64) -> Budgets {
    let one = ceiling(1_000, 500, 3);
    Budgets { context: one, analyze: one, patch: one, verify: one, step_spend: Money(step_spend) }
}

#[test]
fn a_reservation_is_refused_whole_when_any_line_is_too_short() {
    let mut meter = Meter::new(budgets(700));
    assert!(meter.reserve(Work::Analyze, 1_000, Money(500)).is_ok());
    meter.settle(None);
    let refused = meter.reserve(Work::Patch, 1, Money(201)).unwrap_err();
    assert_eq!((refused.resource, refused.left), (Resource::StepSpend, 200));
    assert!(meter.reserve(Work::Patch, 1_001, Money(1)).is_err());
    assert!(meter.reserve(Work::Patch, 1_000, Money(200)).is_ok());
}

#[test]
fn the_last_call_is_charged_and_the_one_after_it_is_not() {
    let mut meter = Meter::new(budgets(700));
    for _ in 0..3 {
        meter.charge_call(Work::Context).unwrap();
    }
    assert!(meter.charge_call(Work::Context).is_err());
    assert!(meter.charge_call(Work::Analyze).is_ok());
}

proptest! {
    /// Whatever is reserved, settled or given back, and whatever a server claims: settled and
    /// reserved together stay under every ceiling.
    #[test]
    fn spending_never_passes_a_ceiling(
        steps in proptest::collection::vec(
            (0..4_usize, 0..1_500_u64, 0..800_u64, 0..3_u8, 0..5_000_u64, 0..5_000_u64), 0..60)
    ) {
        let mut meter = Meter::new(budgets(900));
        for (work, tokens, spend, ending, used_tokens, used_spend) in steps {
            if meter.reserve(Work::ALL[work], tokens, Money(spend)).is_ok() {
                prop_assert!(meter.total().spend.0 + meter.reserved().0 <= 900);
                match ending {
                    0 => meter.release(),
                    1 => { meter.settle(None); }
                    _ => { meter.settle(Some((used_tokens, Money(used_spend)))); }
                }
            }
            prop_assert!(meter.total().spend.0 <= 900);
            for work in Work::ALL {
                prop_assert!(meter.spent(work).tokens <= 1_000);
                prop_assert!(meter.spent(work).spend.0 <= 500);
            }
        }
    }
}
