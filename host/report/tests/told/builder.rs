//! Traces that tests write, as a run would.

use session::budget::{Budgets, Ceiling, Money, Price, Reservation, Usage, Work};
use session::event::{
    CallDigests, CallUsage, Decision, Event, Input, Note, Record, SCHEMA, TestsEnding, ToolGrants,
};
use session::{
    Answer, Call, CallId, FailureClass, ModelCall, Origin, PatchFile, Phase, Ruling, Source,
    StopReason, TestCounts, TestsSaid, Verdict,
};

/// A trace that is being written.
pub(crate) struct Builder {
    pub(crate) bytes: Vec<u8>,
    run: String,
    prev: String,
    pub(crate) seq: u64,
    at_ms: u64,
    attempt: u32,
    pub(crate) phase: Phase,
}

/// When every made-up run began.
const TIME_MS: u64 = 1_795_600_000_000;

impl Builder {
    pub(crate) fn new(run: &str) -> Self {
        Self {
            bytes: Vec::new(),
            run: run.to_owned(),
            prev: trace::digest(run.as_bytes()),
            seq: 0,
            at_ms: 0,
            attempt: 1,
            phase: Phase::Init,
        }
    }

    /// Writes a record, so many milliseconds after the last.
    pub(crate) fn put(&mut self, after_ms: u64, event: Event) {
        self.at_ms += after_ms;
        let record = Record {
            schema: SCHEMA,
            run: self.run.clone(),
            attempt: self.attempt,
            phase: self.phase,
            seq: self.seq,
            at_ms: self.at_ms,
            time_ms: TIME_MS + self.at_ms,
            prev: self.prev.clone(),
            event,
        };
        let line = serde_json::to_vec(&record).unwrap();
        self.prev = trace::digest(&line);
        self.seq += 1;
        self.bytes.extend(line);
        self.bytes.push(b'\n');
    }

    pub(crate) fn heard(&mut self, after_ms: u64, input: Input) {
        self.put(after_ms, Event::Heard(input));
    }

    pub(crate) fn decided(&mut self, after_ms: u64, decision: Decision) {
        self.put(after_ms, Event::Decided(decision));
    }

    pub(crate) fn noted(&mut self, after_ms: u64, note: Note) {
        self.put(after_ms, Event::Noted(note));
    }

    pub(crate) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.decided(0, Decision::PhaseEntered { phase });
    }

    pub(crate) fn next_attempt(&mut self) {
        self.attempt += 1;
        self.at_ms = 0;
        let attempt = self.attempt;
        self.heard(0, Input::AttemptStarted { attempt });
    }

    pub(crate) fn started(&mut self, step: &str, tools: &[&str]) {
        self.started_in(step, tools, None);
    }

    /// The same in a pipeline.
    pub(crate) fn started_in(
        &mut self,
        step: &str,
        tools: &[&str],
        pipeline: Option<session::Pipeline>,
    ) {
        let named = |tool: &&str| ((*tool).to_owned(), trace::digest(tool.as_bytes()));
        let grant = |tool: &&str| ToolGrants {
            tool: (*tool).to_owned(),
            read: Some(vec!["src/**".to_owned(), "Cargo.*".to_owned()]),
            ..ToolGrants::default()
        };
        self.noted(
            0,
            Note::RunStarted {
                step: step.to_owned(),
                key: trace::digest(b"key"),
                version: "0.1.0".to_owned(),
                provider: "openai".to_owned(),
                model: "gpt-5.6-sol".to_owned(),
                head: "8f31c2d0a4".to_owned(),
                base: Some("origin/main".to_owned()),
                tools: tools.iter().map(named).collect(),
                grants: tools.iter().map(grant).collect(),
                price: Price {
                    input: Money(1_250_000),
                    cached_input: Money(125_000),
                    output: Money(10_000_000),
                    ..Price::default()
                },
                isolation: "namespaces, landlock, seccomp".to_owned(),
                budgets: Some(Box::new(budgets())),
                trust: None,
                pipeline: pipeline.map(Box::new),
            },
        );
        self.heard(1, Input::AttemptStarted { attempt: 1 });
    }

    /// A call that is answered after a time.
    pub(crate) fn call(
        &mut self,
        id: CallId,
        tool: &str,
        arguments: &str,
        answer: Answer,
        source: Source,
    ) {
        let wall_us = 4_000 + u64::from(id.index) * 37_000;
        self.call_started(id, tool, arguments);
        self.answered(wall_us / 1_000, id, answer, source);
    }

    pub(crate) fn call_started(&mut self, id: CallId, tool: &str, arguments: &str) {
        let (tool, arguments) = (tool.to_owned(), arguments.to_owned());
        self.decided(0, Decision::CallStarted { call: Call { id, tool, arguments } });
    }

    pub(crate) fn answered(&mut self, after_ms: u64, id: CallId, answer: Answer, source: Source) {
        let cached = source == Source::Cache;
        let size = answer.for_model().len() as u64;
        let took = after_ms * 1_000;
        let usage = CallUsage {
            wall_us: if cached { 310 } else { took },
            saved_us: if cached { took + 182_000 } else { 0 },
            fuel: if cached { 0 } else { 48_213_551 },
            memory_peak: if cached { 0 } else { 6_291_456 },
            read_bytes: if cached { 0 } else { 18_340 },
            questions: if cached { 0 } else { 41 },
            host_calls: if cached { 0 } else { 67 },
            output_bytes: size,
            log_dropped: 0,
        };
        let digest = |text: &str| Some(trace::digest(text.as_bytes()));
        let digests = CallDigests {
            component: digest("component"),
            input: digest("input"),
            output: digest("output"),
            key: digest("key"),
        };
        let after = if cached { 1 } else { after_ms };
        self.heard(after, Input::CallAnswered { call: id, answer, source, usage, digests });
    }

    /// A request, up to where it has left.
    pub(crate) fn ask(&mut self, turn: u32, try_number: u32, work: Work, most: u64) {
        let reservation = Reservation { work, tokens: most, spend: Money(most * 3) };
        self.decided(
            1,
            Decision::TurnReserved {
                turn,
                try_number,
                reservation,
                max_output_tokens: 4_000,
                wrap_up: false,
            },
        );
        self.heard(6, Input::TurnRequested { turn, try_number });
    }

    pub(crate) fn complete(
        &mut self,
        after_ms: u64,
        turn: u32,
        text: &str,
        calls: &[(&str, &str)],
        tokens: (u64, u64),
    ) {
        let calls: Vec<ModelCall> = calls
            .iter()
            .zip(0..)
            .map(|((tool, arguments), at)| ModelCall {
                call_id: format!("call_{turn}_{at}"),
                tool: (*tool).to_owned(),
                arguments: (*arguments).to_owned(),
            })
            .collect();
        let (input, output) = tokens;
        let usage = Usage {
            input,
            cached_input: input * 3 / 5,
            output,
            reasoning: output / 3,
            ..Usage::default()
        };
        self.heard(
            after_ms,
            Input::TurnCompleted {
                turn,
                response_id: format!("resp_{turn}"),
                items: Vec::new(),
                calls,
                text: text.to_owned(),
                usage: Some(usage),
                compacted_at: None,
            },
        );
        let (tokens, spend) = (input + output, Money(input / 2 + output * 10));
        self.decided(
            0,
            Decision::TurnCharged { turn, tokens, spend, known: true, excess: Money::ZERO },
        );
    }

    pub(crate) fn fail(&mut self, after_ms: u64, turn: u32, code: &str, message: &str) {
        self.heard(
            after_ms,
            Input::TurnFailed {
                turn,
                class: FailureClass::Provider,
                code: code.to_owned(),
                message: message.to_owned(),
                sent: true,
                usage: None,
                retry_after_ms: None,
            },
        );
    }

    pub(crate) fn tests(&mut self, round: u32, took_ms: u64, said: TestsSaid) {
        self.decided(0, Decision::TestsStarted { round, again: 0 });
        let ending = TestsEnding::Exited { code: said.exit_code };
        let reports = vec![format!(".stepwell/verify/{round}/junit.xml")];
        self.heard(took_ms, Input::TestsFinished { round, again: 0, ending, reports, facts: None });
        let id = CallId { origin: Origin::Tests(round), index: 0 };
        self.call(id, "test_summary", r#"{"paths":["junit.xml"]}"#, answered("{}"), Source::Fresh);
        self.decided(0, Decision::TestsCounted { round, again: 0, said });
    }

    pub(crate) fn judged(&mut self, call: CallId, path: &str, problem: Option<&str>) {
        let gates = [
            ("patch-valid", "1 file can be read, and every name is plain"),
            ("files-max", "1 file, the most is 20"),
            ("lines-max", "2 changed lines, the most is 500"),
            ("protected-paths", "no protected path"),
            ("hidden-characters", "no file with hidden characters"),
        ];
        let verdict = |(gate, because): (&str, &str)| {
            let refused = problem.is_some() && gate == "protected-paths";
            let because = if refused { problem.unwrap_or_default() } else { because };
            let paths = if refused { vec![path.to_owned()] } else { Vec::new() };
            let ruling = if refused { Ruling::Refuse } else { Ruling::Pass };
            Verdict { paths, ..Verdict::new(gate, ruling, because) }
        };
        let file = PatchFile {
            path: path.to_owned(),
            status: "modified".to_owned(),
            added: 1,
            removed: 1,
        };
        self.heard(
            4,
            Input::PatchJudged {
                call,
                problem: problem.map(str::to_owned),
                digest: Some(trace::digest(path.as_bytes())),
                files: vec![file],
                verdicts: gates.into_iter().map(verdict).collect(),
                bound: None,
            },
        );
    }

    pub(crate) fn stop(&mut self, reason: StopReason) {
        self.decided(0, Decision::Stopped { reason });
    }
}

pub(crate) fn answered(output: &str) -> Answer {
    Answer::Answered { output: output.to_owned() }
}

pub(crate) fn of_turn(turn: u32, index: u32) -> CallId {
    CallId { origin: Origin::Turn(turn), index }
}

pub(crate) fn of_context(index: u32) -> CallId {
    CallId { origin: Origin::Context, index }
}

pub(crate) fn said(tests: u64, failing: &[&str]) -> TestsSaid {
    let failed = failing.len() as u64;
    let failing = failing.iter().map(|name| (*name).to_owned()).collect();
    let counts =
        TestCounts { tests, passed: tests - failed, failed, failing, ..TestCounts::default() };
    let exit_code = Some(if failed > 0 { 101 } else { 0 });
    TestsSaid { passed: failed == 0, exit_code, counts: Some(counts), ..TestsSaid::default() }
}

fn budgets() -> Budgets {
    let ceiling = |time_ms, tokens, spend| Ceiling {
        time_ms,
        idle_ms: 30_000,
        tokens,
        spend: Money(spend),
        calls: 40,
    };
    Budgets {
        context: ceiling(60_000, 0, 0),
        analyze: ceiling(120_000, 60_000, 120_000),
        patch: ceiling(120_000, 80_000, 150_000),
        verify: ceiling(300_000, 0, 0),
        step_spend: Money(200_000),
    }
}
