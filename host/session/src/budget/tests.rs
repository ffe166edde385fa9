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
fn what_a_server_takes_beyond_a_ceiling_is_kept_and_the_step_has_less() {
    let mut meter = Meter::new(budgets(900));
    meter.reserve(Work::Analyze, 10, Money(100)).unwrap();
    // More than was reserved, and still within the ceiling.
    let settled = meter.settle(Some((10, Money(300))));
    assert_eq!((settled.charged.spend, settled.excess), (Money(300), Money(0)));
    meter.reserve(Work::Analyze, 10, Money(100)).unwrap();
    let settled = meter.settle(Some((10, Money(550))));
    assert_eq!((settled.charged.spend, settled.excess), (Money(200), Money(350)));
    // 850 are gone: of the 900 another work has 50.
    assert_eq!(meter.left(Work::Patch).1, Money(50));
    assert!(meter.reserve(Work::Patch, 10, Money(51)).is_err());
    meter.reserve(Work::Patch, 10, Money(50)).unwrap();
    let settled = meter.settle(Some((10, Money(80))));
    assert_eq!((settled.charged.spend, settled.excess), (Money(50), Money(30)));
    let refused = meter.reserve(Work::Verify, 1, Money(1)).unwrap_err();
    assert_eq!((refused.resource, refused.left), (Resource::StepSpend, 0));
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
    /// reserved together stay under every ceiling, all that is claimed is kept, and once that is
    /// more than the step has, nothing is reserved.
    #[test]
    fn spending_never_passes_a_ceiling(
        steps in proptest::collection::vec(
            (0..4_usize, 0..1_500_u64, 0..800_u64, 0..3_u8, 0..5_000_u64, 0..5_000_u64), 0..60)
    ) {
        let mut meter = Meter::new(budgets(900));
        let mut claimed = 0;
        for (work, tokens, spend, ending, used_tokens, used_spend) in steps {
            if meter.reserve(Work::ALL[work], tokens, Money(spend)).is_ok() {
                prop_assert!(meter.total().spend.0 + meter.reserved().0 <= 900);
                prop_assert!(spend == 0 || claimed + spend <= 900);
                match ending {
                    0 => meter.release(),
                    1 => {
                        meter.settle(None);
                        claimed += spend;
                    }
                    _ => {
                        meter.settle(Some((used_tokens, Money(used_spend))));
                        claimed += used_spend;
                    }
                }
            }
            prop_assert!(meter.total().spend.0 <= 900);
            prop_assert_eq!(meter.total().spend.0 + meter.excess().0, claimed);
            for work in Work::ALL {
                prop_assert!(meter.spent(work).tokens <= 1_000);
                prop_assert!(meter.spent(work).spend.0 <= 500);
            }
        }
    }
}
