//! Runs that tests make up: one that repairs, one that fails, a large one, a hostile one.

use session::budget::{Money, Work};
use session::event::{Decision, Input, Note};
use session::{Answer, ModelCall, Phase, Source, StopReason};

use crate::builder::{Builder, answered, of_context, of_turn, said};

const FAILING: &str = "calendar::tests::slots_that_touch_become_one";

/// A run that repairs a test: everything that a run can show.
pub(crate) fn repair() -> Vec<u8> {
    let mut run = Builder::new("5b8e2f19c0d4a673");
    run.started("failing-test", &["changed_files", "read_file", "search", "test_summary"]);
    run.tests(0, 3_412, said(48, &[FAILING]));
    run.call_started(of_context(0), "changed_files", "{}");
    run.call_started(of_context(1), "test_summary", r#"{"paths":["target/junit.xml"]}"#);
    run.answered(
        2,
        of_context(0),
        answered(
            r#"{"files":[{"path":"src/calendar.rs","status":"modified","added":4,"removed":4}]}"#,
        ),
        Source::Cache,
    );
    run.noted(
        0,
        Note::CacheMissed {
            call: of_context(1),
            because: "the answer to `read target/junit.xml` changed".to_owned(),
        },
    );
    let failure = format!(
        r#"{{"failures":[{{"id":"{FAILING}","message":"assertion `left == right` failed: 2 != 1","file":"src/calendar.rs","line":31}}]}}"#
    );
    run.answered(184, of_context(1), answered(&failure), Source::Fresh);
    run.enter(Phase::ContextReady);
    run.noted(2, Note::LinkOpened { number: 1, endpoint: "wss://api.openai.com".to_owned() });
    run.ask(1, 1, Work::Analyze, 21_000);
    run.fail(2_310, 1, "server-overloaded", "The server is overloaded. Try again in a moment.");
    run.decided(
        0,
        Decision::TurnCharged {
            turn: 1,
            tokens: 0,
            spend: Money(0),
            known: true,
            excess: Money::ZERO,
        },
    );
    run.decided(
        0,
        Decision::TurnRetried { turn: 1, code: "server-overloaded".to_owned(), after_ms: 1_200 },
    );
    run.ask(1, 2, Work::Analyze, 21_000);
    let read = r#"{"path":"src/calendar.rs"}"#;
    let search = r#"{"pattern":"fn merge","glob":"src/**"}"#;
    run.heard(
        1_900,
        Input::CallReceived {
            turn: 1,
            call: ModelCall {
                call_id: "call_1_0".to_owned(),
                tool: "read_file".to_owned(),
                arguments: read.to_owned(),
            },
        },
    );
    run.call_started(of_turn(1, 0), "read_file", read);
    run.complete(640, 1, "The merge of two slots compares with `<` where slots that touch should join. Let me look at it.", &[("read_file", read), ("search", search)], (11_840, 412));
    run.call_started(of_turn(1, 1), "search", search);
    run.answered(1, of_turn(1, 0), answered("{\"path\":\"src/calendar.rs\",\"text\":\"pub fn merge(slots: &[Slot]) -> Vec<Slot> {\\n    …\\n    if next.start < slot.end {\\n\"}"), Source::Fresh);
    run.noted(
        1,
        Note::ToolLogged {
            call: of_turn(1, 1),
            level: "info".to_owned(),
            line: "looked at 31 files".to_owned(),
        },
    );
    run.answered(62, of_turn(1, 1), answered(r#"{"matches":[{"path":"src/calendar.rs","line":27,"text":"pub fn merge(slots: &[Slot])"}]}"#), Source::Fresh);
    run.ask(2, 1, Work::Analyze, 24_000);
    let analysis = format!(
        r#"{{"summary":"Slots that touch are not merged: `merge` joins two slots only when the next one begins before the last one ends, so a slot that begins exactly there starts a new one.","findings":[{{"title":"`merge` compares with `<` where it needs `<=`","severity":"error","confidence":"high","file":"src/calendar.rs","line":31,"test":"{FAILING}","evidence":"The failing test expects [9:00, 11:00]; line 31 compares next.start < slot.end."}},{{"title":"No test covers slots that overlap by a minute","severity":"note","confidence":"medium","file":"src/calendar.rs"}}],"next_steps":["Review the comparison","Add a test for overlaps"]}}"#
    );
    run.complete(3_204, 2, "", &[("submit_analysis", &analysis)], (14_102, 655));
    run.enter(Phase::Analyzed);
    run.decided(0, Decision::AnalysisTaken { findings: 2 });
    run.ask(3, 1, Work::Patch, 26_000);
    run.complete(
        1_871,
        3,
        "",
        &[(
            "propose_patch",
            &patch(
                ".github/workflows/ci.yml",
                "cargo test",
                "cargo test -- --skip slots",
                "The test is flaky.",
            ),
        )],
        (15_020, 240),
    );
    run.judged(of_turn(3, 0), ".github/workflows/ci.yml", Some("1 protected path: `.github/workflows/ci.yml`; a step may touch them only if its rules allow them by name"));
    run.ask(4, 1, Work::Patch, 27_000);
    run.complete(
        2_455,
        4,
        "",
        &[(
            "propose_patch",
            &patch(
                "src/calendar.rs",
                "    if next.start < slot.end {",
                "    if next.start <= slot.end {",
                "Slots that touch belong together.",
            ),
        )],
        (15_990, 301),
    );
    run.judged(of_turn(4, 0), "src/calendar.rs", None);
    run.enter(Phase::PatchProposed);
    run.tests(1, 3_688, said(48, &[]));
    run.enter(Phase::Tested);
    run.enter(Phase::Done);
    run.stop(StopReason::Done);
    run.bytes
}

pub(crate) fn patch(path: &str, old: &str, new: &str, why: &str) -> String {
    let diff = format!(
        "--- a/{path}\n+++ b/{path}\n@@ -28,7 +28,7 @@ pub fn merge(slots: &[Slot]) -> Vec<Slot> {{\n     for next in rest {{\n         let slot = merged.last_mut();\n         // They touch, or one lies in the other.\n-{old}\n+{new}\n             slot.end = slot.end.max(next.end);\n         }} else {{\n             merged.push(next);\n"
    );
    serde_json::json!({ "patch": diff, "why": why }).to_string()
}

/// A run that is cut off, goes on, and ends without money.
pub(crate) fn failed() -> Vec<u8> {
    let mut run = Builder::new("00aa11bb22cc33dd");
    run.started("triage", &["read_file"]);
    run.call(
        of_context(0),
        "read_file",
        r#"{"path":"README.md"}"#,
        Answer::Refused { message: "there is no `README.md`".to_owned() },
        Source::Fresh,
    );
    run.enter(Phase::ContextReady);
    run.ask(1, 1, Work::Analyze, 21_000);
    run.next_attempt();
    run.noted(0, Note::Resumed { turns: 0, calls: 1, spend: Money(0) });
    run.decided(
        0,
        Decision::TurnCharged {
            turn: 1,
            tokens: 21_000,
            spend: Money(63_000),
            known: false,
            excess: Money::ZERO,
        },
    );
    run.ask(1, 2, Work::Analyze, 21_000);
    let read = r#"{"path":"src/endless.rs"}"#;
    run.complete(2_100, 1, "Looking.", &[("read_file", read)], (18_000, 2_000));
    let message = "it ran out of fuel".to_owned();
    run.call(
        of_turn(1, 0),
        "read_file",
        read,
        Answer::Ended { ending: "out-of-fuel".to_owned(), message },
        Source::Fresh,
    );
    run.noted(
        0,
        Note::Denied { call: of_turn(1, 0), missing: vec!["read = [\"secrets/**\"]".to_owned()] },
    );
    run.stop(StopReason::SpendBudget {
        work: Work::Analyze,
        resource: session::budget::Resource::Spend,
    });
    run.bytes
}

/// A run of at least so many records.
pub(crate) fn large(records: u64) -> Vec<u8> {
    let mut run = Builder::new("1a2b3c4d5e6f7a8b");
    run.started("large", &["read_file", "search"]);
    run.enter(Phase::ContextReady);
    let mut turn = 0;
    while run.seq < records {
        turn += 1;
        run.ask(turn, 1, Work::Analyze, 9_000);
        let arguments: Vec<String> =
            (0..24).map(|at| format!(r#"{{"path":"src/module_{turn}/file_{at}.rs"}}"#)).collect();
        let calls: Vec<(&str, &str)> =
            arguments.iter().map(|text| ("read_file", text.as_str())).collect();
        run.complete(900, turn, "Reading on.", &calls, (5_000, 60));
        for (text, index) in arguments.iter().zip(0..) {
            run.call_started(of_turn(turn, index), "read_file", text);
        }
        for index in 0..24 {
            let source = if (turn + index) % 3 == 0 { Source::Fresh } else { Source::Cache };
            let output = format!(r#"{{"text":"pub fn number_{index}() -> u64 {{ {turn} }}"}}"#);
            run.answered(u64::from(index % 5), of_turn(turn, index), answered(&output), source);
        }
    }
    run.stop(StopReason::CallBudget { work: Work::Analyze });
    run.bytes
}

/// A run of a pipeline that was interrupted at once.
pub(crate) fn in_pipeline(pipeline: Option<session::Pipeline>) -> Vec<u8> {
    let mut run = Builder::new("0f1e2d3c4b5a6978");
    run.started_in("failing-test", &["read_file"], pipeline);
    run.stop(StopReason::JobDeadline);
    run.bytes
}

/// A run of which every text is `bad`.
pub(crate) fn hostile(bad: &str) -> Vec<u8> {
    let mut run = Builder::new(bad);
    let bad_name = Some(bad.to_owned());
    let pipeline = session::Pipeline {
        repository: bad_name.clone(),
        branch: bad_name.clone(),
        workflow: bad_name,
    };
    run.started_in(bad, &[bad], Some(pipeline));
    run.call(of_context(0), bad, bad, answered(bad), Source::Fresh);
    run.noted(
        0,
        Note::ToolLogged { call: of_context(0), level: bad.to_owned(), line: bad.to_owned() },
    );
    run.noted(0, Note::Denied { call: of_context(0), missing: vec![bad.to_owned()] });
    run.noted(0, Note::CacheMissed { call: of_context(0), because: bad.to_owned() });
    run.noted(
        0,
        Note::CacheShared {
            call: of_context(0),
            domain: bad.to_owned(),
            signer: bad.to_owned(),
            run: bad.to_owned(),
        },
    );
    run.noted(0, Note::Warned { what: bad.to_owned() });
    run.tests(0, 20, said(3, &[bad, bad]));
    run.enter(Phase::ContextReady);
    run.ask(1, 1, Work::Analyze, 9_000);
    run.fail(20, 1, bad, bad);
    run.decided(0, Decision::TurnRetried { turn: 1, code: bad.to_owned(), after_ms: 5 });
    run.ask(1, 2, Work::Analyze, 9_000);
    let finding = serde_json::json!({ "title": bad, "severity": "error", "confidence": "low", "file": bad, "line": 28, "test": bad, "evidence": bad });
    let analysis =
        serde_json::json!({ "summary": bad, "findings": [finding], "next_steps": [bad] })
            .to_string();
    run.complete(20, 1, bad, &[("submit_analysis", &analysis)], (500, 50));
    run.enter(Phase::Analyzed);
    run.decided(0, Decision::AnalysisTaken { findings: 1 });
    run.ask(2, 1, Work::Patch, 9_000);
    run.complete(20, 2, bad, &[("propose_patch", &patch(bad, bad, bad, bad))], (500, 50));
    run.judged(of_turn(2, 0), bad, Some(bad));
    run.decided(0, Decision::Warned { check: bad.to_owned(), because: bad.to_owned() });
    run.stop(StopReason::ValueCheck { check: bad.to_owned() });
    run.bytes
}
