//! The mutants: mistakes that somebody could make, by the promise that each breaks.

/// A mistake.
#[derive(Debug)]
pub(super) struct Mutant {
    /// What it does, as a sentence.
    pub(super) name: &'static str,
    /// Which invariant of DESIGN it breaks.
    pub(super) invariant: u8,
    pub(super) file: &'static str,
    /// Stands in the file exactly once.
    pub(super) find: &'static str,
    pub(super) put: &'static str,
    /// What must fail.
    pub(super) test: Test,
}

/// A test that notices mistakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    /// Whole runs under faults.
    Simulation,
    /// Journals of earlier programs.
    Corpus,
    /// The rules alone.
    Rules,
    /// Runs with a model, books and a place of the test's own.
    Runs,
    /// The books.
    Ledger,
}

impl Test {
    pub(super) const ALL: [Self; 5] =
        [Self::Simulation, Self::Corpus, Self::Rules, Self::Runs, Self::Ledger];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Simulation => "simulation",
            Self::Corpus => "corpus",
            Self::Rules => "rules",
            Self::Runs => "runs",
            Self::Ledger => "ledger",
        }
    }

    /// What `cargo test` takes. The whole workspace decides the features of what it depends on, so
    /// that nothing of that is built again.
    pub(super) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Simulation => &["--workspace", "--test", "simulation"],
            Self::Corpus => &["--workspace", "--test", "corpus"],
            Self::Rules => &["--package", "session", "--lib"],
            Self::Runs => &["--workspace", "--lib"],
            Self::Ledger => &["--workspace", "--test", "ledger"],
        }
    }

    /// Which of the tests that are built then are run; all of them without a word.
    pub(super) fn filter(self) -> Option<&'static str> {
        match self {
            Self::Runs => Some("run::"),
            Self::Simulation | Self::Corpus | Self::Rules | Self::Ledger => None,
        }
    }
}

const RUN: &str = "host/runner/src/run.rs";
const RESUME: &str = "host/runner/src/run/resume.rs";
const PAYING: &str = "host/runner/src/run/paying.rs";
const JOURNAL: &str = "host/runner/src/journal.rs";
const CHAIN: &str = "host/trace/src/chain.rs";
const SESSION: &str = "host/session/src/session.rs";
const ANSWERING: &str = "host/session/src/session/answering.rs";
const ASKING: &str = "host/session/src/session/asking.rs";
const FAILING: &str = "host/session/src/session/failing.rs";
const BUDGET: &str = "host/session/src/budget.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "an answer is not written down",
        invariant: 1,
        file: RUN,
        find: "        let at_ms = self.append(Event::Heard(input.clone()))?.at_ms;\n",
        put: "        let at_ms = match input {\n            \
              Input::CallAnswered { .. } => self.journal.now(),\n            \
              _ => self.append(Event::Heard(input.clone()))?.at_ms,\n        };\n",
        test: Test::Simulation,
    },
    Mutant {
        name: "a patch that passed is not brought back from the journal",
        invariant: 1,
        file: RESUME,
        find: "                self.passed = passed.or_else(|| self.passed.take());\n",
        put: "                drop(passed);\n",
        test: Test::Simulation,
    },
    Mutant {
        name: "a request leaves before the disk has it",
        invariant: 2,
        file: PAYING,
        find: "        self.journal.sync()?;\n        self.carry(Some(departure));\n",
        put: "        self.carry(Some(departure));\n",
        test: Test::Simulation,
    },
    Mutant {
        name: "a request leaves before it is written down",
        invariant: 2,
        file: PAYING,
        find: "        self.hear(Input::TurnRequested { turn, try_number })?;\n        \
               // From here on it may be billed: that must outlive the machine.\n        \
               self.journal.sync()?;\n        self.carry(Some(departure));\n        Ok(())\n",
        put: "        self.carry(Some(departure));\n        \
              self.hear(Input::TurnRequested { turn, try_number })\n",
        test: Test::Simulation,
    },
    Mutant {
        name: "a call that was under way counts as done",
        invariant: 2,
        file: SESSION,
        find: "                Progress::Running => self.effects.push(Effect::Call(slot.call())),\n",
        put: "                Progress::Running => {}\n",
        test: Test::Simulation,
    },
    Mutant {
        name: "a request that was under way counts as not sent",
        invariant: 3,
        file: FAILING,
        find: "                self.settle(asking.turn, None);\n",
        put: "                self.meter.release();\n",
        test: Test::Simulation,
    },
    Mutant {
        name: "a response that broke off costs nothing if nobody said so",
        invariant: 3,
        file: FAILING,
        find: "        if sent && asking.stage != Stage::Reserved {\n",
        put: "        if sent && usage.is_some() && asking.stage != Stage::Reserved {\n",
        test: Test::Simulation,
    },
    Mutant {
        name: "an unknown cost is none",
        invariant: 3,
        file: BUDGET,
        find: "used.unwrap_or((reservation.tokens, reservation.spend));",
        put: "used.unwrap_or((0, Money::ZERO));",
        test: Test::Simulation,
    },
    Mutant {
        name: "only the question is set aside, not the answer",
        invariant: 4,
        file: ASKING,
        find: "            let spend = self.plan.price.worst(input, max_output_tokens);\n",
        put: "            let spend = self.plan.price.worst(input, 0);\n",
        test: Test::Simulation,
    },
    Mutant {
        name: "a server can charge more than is left",
        invariant: 4,
        file: BUDGET,
        find: "spend: spend.min(spend_left), calls: 0 };",
        put: "spend: spend.max(spend_left.min(Money::ZERO)), calls: 0 };",
        test: Test::Rules,
    },
    Mutant {
        name: "nothing is set aside in the ledger",
        invariant: 4,
        file: PAYING,
        find: "match ledger.settle_and_reserve(&news.charges, entry, most).await {\n",
        put: "match tell(ledger, &news).await {\n",
        test: Test::Simulation,
    },
    Mutant {
        name: "an interrupted run leaves no artifacts",
        invariant: 5,
        file: RUN,
        find: "        artifacts::write(\n            &self.plan.out_dir,\n",
        put: "        if matches!(result.stop_reason, StopReason::Cancelled { .. }) {\n            \
              return Ok(Ended { result, accounting });\n        }\n        \
              artifacts::write(\n            &self.plan.out_dir,\n",
        test: Test::Simulation,
    },
    Mutant {
        name: "the result knows how often the process died",
        invariant: 5,
        file: RUN,
        find: "        let result = self.session.result(step, &head.name, base, reason);\n",
        put: "        let name = format!(\"{} {}\", head.name, self.journal.attempt());\n        \
              let result = self.session.result(step, &name, base, reason);\n",
        test: Test::Simulation,
    },
    Mutant {
        name: "a run that is over can be cancelled",
        invariant: 5,
        file: SESSION,
        find: "            (stopped @ State::Stopped { .. }, _) => stopped,\n            \
               // A stop wins over whatever is in flight.\n            \
               (state, Input::Cancelled { signal }) => {\n                \
               self.stop(StopReason::Cancelled { signal }, state)\n            }\n",
        put: "            (state, Input::Cancelled { signal }) => {\n                \
              self.stop(StopReason::Cancelled { signal }, state)\n            }\n            \
              (stopped @ State::Stopped { .. }, _) => stopped,\n",
        test: Test::Rules,
    },
    Mutant {
        name: "a gap in the numbers is taken for a change",
        invariant: 6,
        file: CHAIN,
        find: "        if seq != due {\n",
        put: "        if seq < due {\n",
        test: Test::Corpus,
    },
    Mutant {
        name: "a changed line is believed",
        invariant: 6,
        file: CHAIN,
        find: "        if *prev != self.prev {\n",
        put: "        if prev.len() != self.prev.len() {\n",
        test: Test::Corpus,
    },
    Mutant {
        name: "everything from a damaged line on is dropped",
        invariant: 6,
        file: CHAIN,
        find: "        match line?.told {\n",
        put: "        let Ok(line) = line else { break };\n        match line.told {\n",
        test: Test::Corpus,
    },
    Mutant {
        name: "a torn line is written on",
        invariant: 6,
        file: JOURNAL,
        find: "        file.cut(whole).map_err(io)?;\n",
        put: "        file.cut(text.len() as u64).map_err(io)?;\n",
        test: Test::Simulation,
    },
    Mutant {
        name: "a decision of the journal is taken as it is",
        invariant: 7,
        file: RESUME,
        find: "                    Some(expected) if expected == decision => {}\n",
        put: "                    Some(_) => {}\n",
        test: Test::Corpus,
    },
    Mutant {
        name: "a decision looks at the clock",
        invariant: 7,
        file: FAILING,
        find: "            && after_ms < self.work_left_ms()\n",
        put: "            && std::time::SystemTime::now().elapsed().is_ok_and(|t| t.as_nanos() % 2 == 0)\n",
        test: Test::Simulation,
    },
    Mutant {
        name: "answers join the conversation in another order than the calls",
        invariant: 7,
        file: ANSWERING,
        find: "        for slot in &answering.slots {\n            self.push_output(slot);\n",
        put: "        for slot in answering.slots.iter().rev() {\n            self.push_output(slot);\n",
        test: Test::Rules,
    },
    Mutant {
        name: "whoever lost the lease sends all the same",
        invariant: 15,
        file: PAYING,
        find: "            Err(LedgerRefusal::LeaseLost(holder)) => Err(RunError::TakenOver { holder }),\n            \
               // This try is over",
        put: "            Err(LedgerRefusal::LeaseLost(_)) => self.depart(departure),\n            \
              // This try is over",
        test: Test::Runs,
    },
    Mutant {
        name: "another machine's records are not in the way",
        invariant: 15,
        file: "host/runner/src/run/carrying.rs",
        find: "            return Ok(false);\n",
        put: "            return Ok(true);\n",
        test: Test::Runs,
    },
    Mutant {
        name: "a lock that another process holds is no lock",
        invariant: 15,
        file: "host/runner/src/lease.rs",
        find: "                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),\n",
        put: "                Err(TryLockError::WouldBlock) => return Ok(Self { _file: file }),\n",
        test: Test::Simulation,
    },
    Mutant {
        name: "the ledger takes entries under an old number",
        invariant: 15,
        file: "host/ledger/src/ledger/leases.rs",
        find: "        Some(held) if held.fence == lease.fence() && held.until.is_some() => Ok(held.holder),\n",
        put: "        Some(held) if held.until.is_some() => Ok(held.holder),\n",
        test: Test::Ledger,
    },
];
