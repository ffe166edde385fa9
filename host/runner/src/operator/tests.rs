//! The operator's log, as it is read on each platform.

use session::budget::{Reservation, Work};
use session::event::{CallDigests, CallUsage, SCHEMA};
use session::{Call, CallId, Origin, Phase, StopReason};

use session::{
    Analysis, Answer, Confidence, Finding, Outcome, RunResult, Severity, Source,
    budget::{Budgets, Ceiling, Money},
};

use super::*;

fn record(at_ms: u64, event: Event) -> Record {
    Record {
        schema: SCHEMA,
        run: "r".into(),
        attempt: 1,
        phase: Phase::Init,
        seq: 0,
        at_ms,
        time_ms: 0,
        prev: String::new(),
        event,
    }
}

/// A run as it goes, with text in it that wants to be a command of each platform.
fn events() -> Vec<Event> {
    let id = CallId { origin: Origin::Turn(2), index: 0 };
    let call = Call { id, tool: "read_file".into(), arguments: r#"{"path":"a"}"#.into() };
    let usage = CallUsage { wall_us: 1_234, ..CallUsage::default() };
    let answer = Answer::Answered { output: "x".repeat(3_000) };
    let hostile = "\u{1b}[2Jdone\n::set-output name=x::y 100% 'q|[x]".to_owned();
    // What the guest `logs-forgeries` of the sandbox's tests writes.
    let forged = "done\r\n::error::forged\n##[error]forged\n##vso[task.complete]".to_owned();
    vec![
        Event::Decided(Decision::PhaseEntered { phase: Phase::ContextReady }),
        Event::Decided(Decision::TurnReserved {
            turn: 2,
            try_number: 1,
            reservation: Reservation { work: Work::Analyze, tokens: 12_345, spend: Money(23_400) },
            max_output_tokens: 100,
            wrap_up: false,
        }),
        Event::Decided(Decision::CallStarted { call }),
        Event::Heard(Input::CallAnswered {
            call: id,
            answer,
            source: Source::Fresh,
            usage,
            digests: CallDigests::default(),
        }),
        Event::Noted(Note::ToolLogged { call: id, level: "warning".into(), line: forged }),
        Event::Noted(Note::Warned { what: hostile }),
        Event::Noted(Note::LinkLost { why: "closed".into() }),
        Event::Decided(Decision::Stopped { reason: StopReason::Done }),
    ]
}

const PLATFORMS: [Platform; 6] = [
    Platform::Plain,
    Platform::GitHub,
    Platform::GitLab,
    Platform::Buildkite,
    Platform::Azure,
    Platform::TeamCity,
];

#[test]
fn an_event_is_one_aligned_line_and_hostile_text_stays_in_it() {
    let log = |platform: Platform| {
        let mut log = Operator::new(Vec::new(), platform);
        for (at, event) in (0..).zip(events()) {
            log.record(&record(at * 1_230, event)).unwrap();
            log.text(at * 1_230, if at == 0 { "It is\nline " } else { "" }).unwrap();
        }
        let text = String::from_utf8(log.out).unwrap();
        // Only what a platform reads as its own has a control character.
        format!("{platform:?}\n{}", text.replace('\u{1b}', "ESC").replace('\r', "CR"))
    };
    insta::assert_snapshot!(PLATFORMS.map(log).join("\n"));
}

#[test]
fn findings_and_a_stop_are_marked_where_a_platform_has_marks() {
    let finding = |severity, title: &str, file: Option<&str>, line| Finding {
        title: title.to_owned(),
        severity,
        confidence: Confidence::High,
        file: file.map(str::to_owned),
        line,
        test: None,
        evidence: String::new(),
    };
    let mut findings = vec![
        finding(Severity::Error, "a: b, 100%\n::error::c", Some("src/a,b:c.rs"), Some(3)),
        finding(Severity::Note, "ünd | [x] 'y' ##vso[z]", Some("a;b].rs"), None),
    ];
    findings.extend((0..20).map(|n| finding(Severity::Warning, &format!("w{n}"), None, None)));
    let result = RunResult {
        schema: 1,
        step: "s".into(),
        stop_reason: StopReason::TestsFailed,
        outcome: Outcome::Diagnosis,
        head: String::new(),
        base: None,
        model_used: true,
        analysis: Some(Analysis { findings, ..Analysis::default() }),
        patch: None,
        patch_files: Vec::new(),
        verdicts: Vec::new(),
        tests_before: None,
        tests_after: None,
    };
    let marks = |platform: Platform| {
        let marks = platform.marks(&result);
        let warnings = marks.iter().filter(|mark| mark.contains("w9")).count();
        assert_eq!(warnings, usize::from(!marks.is_empty()), "{marks:#?}");
        assert!(!marks.iter().any(|mark| mark.contains("w10")), "there is an end to marks");
        let few: Vec<_> = marks.iter().filter(|mark| !mark.contains('w')).cloned().collect();
        format!("{platform:?}\n{}", few.join("\n"))
    };
    insta::assert_snapshot!(PLATFORMS.map(marks).join("\n"));
}

#[test]
fn a_long_wait_says_for_what_and_how_much_is_left() {
    let most = Ceiling { time_ms: 120_000, idle_ms: 0, tokens: 0, spend: Money(0), calls: 0 };
    let budgets = Budgets {
        context: most,
        analyze: most,
        patch: most,
        verify: most,
        step_spend: Money(500_000),
    };
    let mut log = Operator::new(Vec::new(), Platform::Plain);
    let mut standing = Standing::default();
    let started = Note::RunStarted {
        step: "triage".into(),
        key: String::new(),
        version: String::new(),
        provider: "script".into(),
        model: "m".into(),
        head: "h".into(),
        base: None,
        tools: Vec::new(),
        grants: Vec::new(),
        price: session::budget::Price::default(),
        budgets: Some(Box::new(budgets)),
        isolation: String::new(),
        trust: None,
        pipeline: None,
    };
    let asked = Event::Heard(Input::TurnRequested { turn: 1, try_number: 1 });
    let retried = Decision::TurnRetried { turn: 1, code: "overloaded".into(), after_ms: 45_000 };
    let of_the_run = [Event::Noted(started), asked].into_iter().chain(events());
    let mut lines = Vec::new();
    for (at, event) in (0..).zip(of_the_run.chain([Event::Decided(retried)])) {
        let record = record(at * 1_000, event);
        log.record(&record).unwrap();
        standing.hear(&record);
        log.silent(Duration::from_secs(30)).unwrap();
        lines.push(standing.line(at * 1_000 + 500));
    }
    let text = String::from_utf8(log.out).unwrap();
    let waits: Vec<_> = text.lines().filter(|line| line.contains(" waiting ")).collect();
    insta::assert_snapshot!(format!("{}\n\n{}", waits.join("\n"), lines.join("\n")));
}
