//! What must hold whatever the world does, in whatever order.

use proptest::prelude::*;

use super::tests::{ANALYSIS, FAILING, answered, begun, call, plan, tests_finished};
use super::*;
use crate::budget::{Budgets, Ceiling, Money, Price, Usage};
use crate::call::Origin;
use crate::check::{Action, Check, Condition, Op, Quantity};
use crate::event::{Deadline, TestsEnding, TestsLimit};
use crate::plan::{Flaky, Goal, TestPlan};
use crate::price::LongContext;
use crate::stop::{FailureClass, Signal};
use crate::verdict::Ruling;

fn any_number() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..5_000_u64, 1 => Just(u64::MAX), 1 => any::<u64>()]
}

fn any_usage() -> impl Strategy<Value = Option<Usage>> {
    let usage = proptest::array::uniform5(any_number()).prop_map(
        |[input, cached_input, cache_write, output, reasoning]| Usage {
            input,
            cached_input,
            cache_write,
            output,
            reasoning,
        },
    );
    proptest::option::of(usage)
}

fn any_deadline() -> impl Strategy<Value = Deadline> {
    prop_oneof![
        Just(Deadline::Work),
        Just(Deadline::FirstEvent),
        Just(Deadline::Idle),
        Just(Deadline::Job),
        Just(Deadline::Check),
    ]
}

fn any_call() -> impl Strategy<Value = ModelCall> {
    prop_oneof![
        4 => (0..3_u8).prop_map(|n| call(&format!("r{n}"), "read_file", "{}")),
        1 => Just(call("s", "shell", "not even JSON")),
        2 => Just(call("a", "submit_analysis", ANALYSIS)),
        3 => Just(call("p", "propose_patch", r#"{"patch":"p"}"#)),
    ]
}

fn any_completed(turn: u32) -> impl Strategy<Value = Input> {
    let calls = proptest::collection::vec(any_call(), 0..4);
    let compacted = proptest::option::of(prop_oneof![0..3_u32, Just(u32::MAX)]);
    (calls, any_usage(), compacted, 0..3_usize).prop_map(
        move |(calls, usage, compacted_at, items)| Input::TurnCompleted {
            turn,
            response_id: String::new(),
            items: vec!["{}".into(); items],
            calls,
            text: String::new(),
            usage,
            compacted_at,
        },
    )
}

fn any_failed(turn: u32) -> impl Strategy<Value = Input> {
    let class = prop_oneof![
        4 => Just(FailureClass::Provider),
        1 => Just(FailureClass::Account),
        1 => Just(FailureClass::Request)
    ];
    let code = prop_oneof![9 => Just("closed"), 1 => Just("max_output_tokens")];
    (class, code, any::<bool>(), any_usage(), proptest::option::of(any_number())).prop_map(
        move |(class, code, sent, usage, retry_after_ms)| Input::TurnFailed {
            turn,
            class,
            code: code.into(),
            message: String::new(),
            sent,
            usage,
            retry_after_ms,
        },
    )
}

fn any_turn_input() -> BoxedStrategy<Input> {
    let turn = || prop_oneof![12 => 1..5_u32, 1 => Just(u32::MAX), 1 => Just(0)];
    prop_oneof![
        3 => (turn(), 0..3_u32)
            .prop_map(|(turn, try_number)| Input::TurnRequested { turn, try_number }),
        4 => turn().prop_flat_map(any_completed),
        2 => turn().prop_flat_map(any_failed),
        1 => (turn(), any_call()).prop_map(|(turn, call)| Input::CallReceived { turn, call }),
        1 => (turn(), any_number()).prop_map(|(turn, left)| Input::ScopeRefused {
            turn,
            scope: "day".into(),
            left: Money(left)
        }),
        1 => turn().prop_map(|turn| Input::LedgerFailed { turn, message: String::new() }),
    ]
    .boxed()
}

fn any_ruling() -> impl Strategy<Value = Ruling> {
    prop_oneof![3 => Just(Ruling::Pass), 1 => Just(Ruling::Approval), 1 => Just(Ruling::Refuse)]
}

fn any_verdicts() -> impl Strategy<Value = Vec<Verdict>> {
    proptest::collection::vec(any_ruling().prop_map(|ruling| Verdict::new("g", ruling, "b")), 0..2)
}

fn any_host_input() -> BoxedStrategy<Input> {
    let id =
        (1..5_u32, 0..3_u32).prop_map(|(turn, index)| CallId { origin: Origin::Turn(turn), index });
    let read = (0..3_u32, 0..3_u32)
        .prop_map(|(round, index)| CallId { origin: Origin::Tests(round), index });
    let absurd = r#"{"summary":{"failed":18446744073709551615,"errors":18446744073709551615}}"#;
    let ending = prop_oneof![
        Just(TestsEnding::Exited { code: Some(0) }),
        Just(TestsEnding::Exited { code: None }),
        Just(TestsEnding::NotStarted),
        Just(TestsEnding::TimedOut),
        Just(TestsEnding::Ended { limit: TestsLimit::Disk })
    ];
    let file = any_number().prop_map(|lines| PatchFile {
        path: "f".into(),
        status: "modified".into(),
        added: lines,
        removed: lines,
    });
    prop_oneof![
        3 => id.clone().prop_map(|id| answered(id, "{}")),
        1 => read.prop_map(move |id| answered(id, absurd)),
        1 => Just(answered(CallId { origin: Origin::Context, index: 0 }, FAILING)),
        2 => (0..3_u32, 0..3_u32, ending, 0..2_usize).prop_map(
            |(round, again, ending, reports)| {
                tests_finished(round, again, ending, vec!["r".into(); reports])
            }
        ),
        2 => (id, any::<bool>(), proptest::collection::vec(file, 0..3), any_verdicts()).prop_map(
            |(call, passes, files, verdicts)| Input::PatchJudged {
                call,
                problem: (!passes).then(|| "no".into()),
                digest: passes.then(|| "d".into()),
                files,
                verdicts,
                bound: Some(Binding::default()),
            }
        ),
        1 => (0..3_u32, any_ruling()).prop_map(|(round, ruling)| {
            Input::TestsJudged { round, verdict: Verdict::new("tests", ruling, "b") }
        }),
        2 => any_deadline().prop_map(|deadline| Input::DeadlinePassed { deadline }),
        2 => (1..3_u32).prop_map(|attempt| Input::AttemptStarted { attempt }),
        1 => Just(Input::Approved { check: "c1".into(), by: "somebody".into(), bound: None }),
        1 => (prop_oneof![Just("g"), Just("tests")], any::<bool>()).prop_map(|(gate, fits)| {
            let bound = Some(Binding { head: if fits { "" } else { "h" }.into(), ..Binding::default() });
            Input::Approved { check: gate.into(), by: "somebody".into(), bound }
        }),
        1 => Just(Input::Cancelled { signal: Signal::Terminate }),
    ]
    .boxed()
}

fn any_input() -> BoxedStrategy<Input> {
    prop_oneof![any_turn_input(), any_host_input()].boxed()
}

/// Inputs with the milliseconds between them; most begin as a step really does.
fn any_story() -> impl Strategy<Value = Vec<(u64, Input)>> {
    let passed = prop_oneof![30 => 0..2_000_u64, 1 => any_number()];
    let inputs = proptest::collection::vec((passed, any_input()), 0..60);
    (prop_oneof![3 => Just(true), 1 => Just(false)], inputs).prop_map(|(begins, inputs)| {
        let begun = begun().into_iter().filter(|_| begins).map(|(_, input)| (10, input));
        begun.chain(inputs).collect()
    })
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let op = || prop_oneof![Just(Op::AtLeast), Just(Op::AtMost), Just(Op::Is)];
    let phase = prop_oneof![Just(Phase::ContextReady), Just(Phase::Analyzed)];
    prop_oneof![
        4 => (proptest::sample::select(&Quantity::ALL[..]), op(), 0..4_000_u64)
            .prop_map(|(fact, op, value)| Condition::Quantity { fact, op, value }),
        1 => (op(), phase).prop_map(|(op, phase)| Condition::Phase { op, phase }),
        1 => any::<bool>().prop_map(|is| Condition::NamesFailingTest { is }),
    ]
}

fn any_checks() -> impl Strategy<Value = Vec<Check>> {
    let then =
        prop_oneof![1 => Just(Action::Stop), 1 => Just(Action::Ask), 3 => Just(Action::Warn)];
    let check = (0..3_u8, proptest::collection::vec(any_condition(), 0..4), then)
        .prop_map(|(n, when, then)| Check { name: format!("c{n}"), when, then });
    proptest::collection::vec(check, 0..4)
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let line = (0..40_000_u64, 0..40_000_u64, 0..300_000_u64, 0..5_u64).prop_map(
        |(time_ms, tokens, spend, calls)| Ceiling {
            time_ms,
            idle_ms: 5_000,
            tokens,
            spend: Money(spend),
            calls,
        },
    );
    let long = proptest::option::of((0..3_000_u64).prop_map(|above| LongContext {
        above,
        input: Money(4_000_000),
        cached_input: Money(1),
        cache_write: None,
        output: Money(30_000_000),
    }));
    let goal = prop_oneof![4 => Just(Goal::Patch), 1 => Just(Goal::Diagnose)];
    let tests = (0..3_u32, any::<bool>(), any::<bool>());
    (line.clone(), line, 0..400_000_u64, long, any_checks(), (goal, tests)).prop_map(
        |(one, other, step_spend, long, checks, (goal, (retries, passes, compared)))| Plan {
            tests: plan().tests.map(|tests| TestPlan {
                retries,
                compared,
                flaky: if passes { Flaky::Pass } else { Flaky::Fail },
                judged: true,
                ..tests
            }),
            budgets: Budgets {
                context: other,
                analyze: one,
                patch: one,
                verify: other,
                step_spend: Money(step_spend),
            },
            price: Price { cache_write: Some(Money(2_500_000)), long, ..plan().price },
            checks,
            goal,
            context_tokens: Some(10_000),
            data_marked: true,
            ..plan()
        },
    )
}

fn decisions(effects: &[Effect]) -> Vec<Decision> {
    let decided = |effect: &Effect| match effect {
        Effect::Emit(decision) => Some(decision.clone()),
        Effect::RunTests { .. }
        | Effect::Call(_)
        | Effect::Judge { .. }
        | Effect::JudgeTests { .. }
        | Effect::Ask(_)
        | Effect::AbortTurn
        | Effect::AbortTests
        | Effect::Finish(_) => None,
    };
    effects.iter().filter_map(decided).collect()
}

fn is_void(effect: &Effect) -> bool {
    matches!(effect, Effect::Emit(Decision::ApprovalVoid { .. }))
}

fn stops(effects: &[Effect]) -> usize {
    decisions(effects).iter().filter(|d| matches!(d, Decision::Stopped { .. })).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever the world says: one stop at most until somebody takes the run up again, nothing
    /// after it, and never back to an earlier phase.
    #[test]
    fn a_step_keeps_its_promises(plan in any_plan(), story in any_story()) {
        let mut session = Session::new(plan);
        let (mut now, mut phase, mut stopped) = (0_u64, session.phase(), false);
        for (passed, input) in story {
            now = now.saturating_add(passed);
            let taken_up = matches!(input, Input::AttemptStarted { .. });
            let is_approval = matches!(input, Input::Approved { .. });
            let mut effects = session.handle(now, input);
            // An approval is told between two attempts, and so is what it comes to.
            effects.retain(|effect| !is_approval || !is_void(effect));
            prop_assert!(!stopped || taken_up || effects.is_empty());
            stopped = session.stopped().is_some();
            prop_assert_eq!(stops(&effects), usize::from(stopped && !effects.is_empty()));
            if stops(&effects) == 1 {
                let [.., Effect::Emit(Decision::Stopped { reason }), Effect::Finish(finish)] =
                    &effects[..]
                else {
                    return Err(TestCaseError::fail(format!("not last: {effects:?}")));
                };
                prop_assert_eq!(reason, finish);
                let begins = effects.iter().any(|effect| effect.begins());
                prop_assert!(!begins, "begun and stopped at once: {:?}", effects);
                prop_assert!(!session.meter().is_reserved());
            }
            if session.stopped() == Some(&StopReason::Done) {
                let result = session.result("s", "h", None, StopReason::Done);
                let all_pass = result.verdicts.iter().all(|verdict| verdict.passed);
                prop_assert!(result.patch.is_none() || all_pass, "{:?}", result.verdicts);
            }
            prop_assert!(session.phase() >= phase);
            phase = session.phase();
        }
    }

    /// At every prefix, whatever a server claims: what is settled and what is set aside stay
    /// under every ceiling together.
    #[test]
    fn settled_and_reserved_never_pass_a_ceiling(plan in any_plan(), story in any_story()) {
        let budgets = plan.budgets;
        let mut session = Session::new(plan);
        for (passed, input) in story {
            session.handle(passed, input);
            let meter = session.meter();
            let reserved = meter.reservation();
            prop_assert!(
                meter.total().spend.0 + reserved.map_or(0, |r| r.spend.0) <= budgets.step_spend.0
            );
            for work in Work::ALL {
                let (spent, ceiling) = (meter.spent(work), budgets.of(work));
                let (tokens, spend) = reserved
                    .filter(|reservation| reservation.work == work)
                    .map_or((0, 0), |r| (r.tokens, r.spend.0));
                prop_assert!(spent.tokens + tokens <= ceiling.tokens);
                prop_assert!(spent.spend.0 + spend <= ceiling.spend.0);
                prop_assert!(spent.calls <= ceiling.calls);
            }
        }
    }

    /// Progress of a stream is not written down, nor who looked when a deadline comes, and the
    /// next attempt has another job: a replay without them decides the same.
    #[test]
    fn decisions_are_a_function_of_the_inputs(
        plan in any_plan(), story in any_story(), job_ms in any_number(),
    ) {
        let mut live = Session::new(Plan { job_ms: Some(job_ms), ..plan.clone() });
        let mut replayed = Session::new(plan);
        let mut now = 0_u64;
        for (passed, input) in story {
            live.progress(now.saturating_add(passed / 2));
            live.deadline();
            now = now.saturating_add(passed);
            let (seen, again) = (live.handle(now, input.clone()), replayed.handle(now, input));
            prop_assert_eq!(decisions(&seen), decisions(&again));
        }
    }

    /// Who tells each deadline when it comes brings every attempt to its end, and is not told of
    /// the same check again and again.
    #[test]
    fn deadlines_bring_an_attempt_to_its_end(plan in any_plan(), story in any_story()) {
        const DEADLINES_MAX: usize = 40;
        let mut session = Session::new(Plan { job_ms: Some(u64::MAX), ..plan });
        let mut now = 0_u64;
        for (passed, input) in story {
            now = if matches!(input, Input::AttemptStarted { .. }) { 0 } else { now };
            now = now.saturating_add(passed.min(10_000));
            session.handle(now, input);
        }
        let mut told = 0;
        while let Some((at, deadline)) = session.deadline() {
            prop_assert!(told < DEADLINES_MAX, "{deadline:?} at {at} again");
            told += 1;
            now = now.max(at);
            session.handle(now, Input::DeadlinePassed { deadline });
        }
    }
}
