//! Verifying and comparing: what a damaged or another trace looks like.

use proptest::prelude::*;
use report::{Check, Run, compare, verify};

use crate::{CORPUS, builder, corpus, journal, runs};

#[test]
fn the_results_of_earlier_programs_say_what_their_traces_say() {
    for run in CORPUS {
        let verified = verify(&journal(run), Some(&corpus(run, "result.json")), None);
        let failing: Vec<_> =
            verified.findings.iter().filter(|finding| finding.check == Check::Fails).collect();
        // A run that was killed says nothing yet of how it ends; `budget` goes on to its result.
        let over = !["killed", "budget", "wrap-up"].contains(&run);
        if over {
            assert!(failing.is_empty(), "{run}: {failing:?}");
        }
    }
}

#[test]
fn a_whole_trace_is_told_check_by_check() {
    let (trace, result) = (journal("repairs"), corpus("repairs", "result.json"));
    insta::assert_snapshot!(verify(&trace, Some(&result), None));
    let other = String::from_utf8(result).unwrap().replace("patch-tested", "diagnosis");
    let torn = [&trace[..], b"{\"schema\""].concat();
    insta::assert_snapshot!(verify(&torn, Some(other.as_bytes()), Some(b"else")));
    insta::assert_snapshot!(verify(b"", None, None));
    let swapped = String::from_utf8(trace)
        .unwrap()
        .replace("\"one\"", "\"two\"")
        .replace("at-ms\":45", "at-ms\":46");
    insta::assert_snapshot!(verify(swapped.as_bytes(), None, None));
}

#[test]
fn two_runs_part_where_they_first_do_another_thing() {
    let same = compare(&runs::repair(), &runs::repair()).unwrap();
    insta::assert_snapshot!(same);
    let text = String::from_utf8(runs::repair()).unwrap();
    assert!(compare(&runs::repair(), text.replace("touch", "meet").as_bytes()).is_err());
    insta::assert_snapshot!(compare(&runs::repair(), &runs::failed()).unwrap());
    insta::assert_snapshot!(compare(&journal("done"), &journal("wrap-up")).unwrap());
}

#[test]
fn the_order_in_which_calls_come_back_is_no_difference() {
    let run = |first: u32| {
        let mut run = builder::Builder::new("0123456789abcdef");
        run.started("step", &["read_file"]);
        for index in 0..2 {
            run.call_started(builder::of_context(index), "read_file", "{}");
        }
        for index in [first, 1 - first] {
            let answer = builder::answered(&format!("{{\"n\":{index}}}"));
            run.answered(3, builder::of_context(index), answer, session::Source::Fresh);
        }
        run.enter(session::Phase::ContextReady);
        run.bytes
    };
    let compared = compare(&run(0), &run(1)).unwrap();
    assert_eq!(compared.divergence, None, "{compared}");
}

#[test]
fn what_a_machine_puts_around_the_tests_is_no_difference() {
    let run = |isolation: Option<&str>, output_bytes: u64, code: i32| {
        let mut run = builder::Builder::new("0123456789abcdef");
        run.started("step", &["read_file"]);
        let facts = session::event::TestsFacts {
            isolation: isolation.map(str::to_owned),
            output_bytes,
            digest: Some(output_bytes.to_string()),
            ..session::event::TestsFacts::default()
        };
        let ending = session::event::TestsEnding::Exited { code: Some(code) };
        let finished = session::event::Input::TestsFinished {
            round: 0,
            again: 0,
            ending,
            reports: Vec::new(),
            facts: Some(facts),
        };
        run.heard(3, finished);
        run.bytes
    };
    let compared = compare(&run(Some("bubblewrap"), 7, 1), &run(None, 12, 1)).unwrap();
    assert_eq!(compared.divergence, None, "{compared}");
    let compared = compare(&run(None, 7, 1), &run(None, 7, 0)).unwrap();
    assert!(compared.divergence.is_some(), "how they ended is one");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever the bytes, there is an answer.
    #[test]
    fn no_bytes_are_too_bad(at in any::<prop::sample::Index>(), bit in 0..8_u32, cut in any::<prop::sample::Index>()) {
        let mut trace = runs::repair();
        let place = at.index(trace.len());
        trace[place] ^= 1 << bit;
        trace.truncate(cut.index(trace.len()) + 1);
        let verified = verify(&trace, None, None);
        let read = Run::read(&trace);
        let chain = verified.findings.iter().find(|finding| finding.what == "chain").unwrap();
        let nothing = verified.records == 0 && read.is_ok();
        prop_assert_eq!(read.is_err() || nothing, chain.check == Check::Fails, "{}", verified);
    }
}
