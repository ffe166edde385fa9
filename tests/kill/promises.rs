//! What must be so after a run that was killed and run again, against the same run left alone.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::scripts::Script;
use crate::support::World;

/// What a calm run came to.
pub(super) struct Calm {
    pub(super) result: String,
    pub(super) trace: Vec<Value>,
    patch: Option<String>,
    effects: Effects,
    cap: u64,
    checked: BTreeMap<String, u64>,
}

/// What a run did, in whatever order.
#[derive(Debug, PartialEq, Eq)]
struct Effects {
    /// Answers by what was asked: origin, tool and arguments. However often it was asked.
    answers: BTreeMap<String, String>,
    /// Rounds of the tests that are over, and how they ended.
    tests: BTreeMap<u64, String>,
    /// What the gates found, in order.
    patches: Vec<String>,
    /// What each turn said, once.
    turns: BTreeMap<u64, String>,
}

impl Calm {
    pub(super) fn of(script: &Script) -> Self {
        let world = script.world();
        script.run(&world, &[]).code(0);
        let trace = world.trace();
        let calm = Self {
            result: world.read(".stepwell/out/result.json"),
            effects: effects(&trace, "calm"),
            patch: patch(&world),
            cap: script.cap,
            checked: checked(&world),
            trace,
        };
        let has_witness = !calm.checked.is_empty();
        assert_eq!(has_witness, script.name == "repair", "only its tests say what they tested");
        calm.check(&world, 0, "calm");
        calm
    }

    /// Everything that is promised of a run which was killed so many times and is done now.
    pub(super) fn check(&self, world: &World, kills: u64, at: &str) {
        assert_eq!(world.read(".stepwell/out/result.json"), self.result, "{at}");
        world.artifacts();
        assert_eq!(patch(world), self.patch, "{at}");
        assert_nothing_set_aside(world, at);
        let trace = world.trace();
        assert_gapless(&trace, at);
        let found = effects(&trace, at);
        assert_eq!(found, self.effects, "{at}");
        let charged = self.check_money(&trace, kills, at);
        check_ledger(world, &charged, at);
        for (tested, times) in checked(world) {
            let calm = self.checked.get(&tested).copied().unwrap_or(0);
            assert!(
                (calm..=calm + kills).contains(&times),
                "{at}: {tested} was tested {times} times"
            );
        }
    }

    /// Each request is charged once, and settled + reserved never passes the cap. Returns what
    /// was charged, and how many requests at their most.
    fn check_money(&self, trace: &[Value], kills: u64, at: &str) -> Charged {
        let mut charged = Charged::default();
        let mut reserved = 0;
        let mut requests: BTreeMap<u64, u64> = BTreeMap::new();
        for record in trace {
            let (decided, heard) = (&record["event"]["decided"], &record["event"]["heard"]);
            match decided["type"].as_str().or(heard["type"].as_str()) {
                Some("turn-reserved") => {
                    reserved = decided["reservation"]["spend"].as_u64().unwrap();
                }
                Some("turn-charged") => {
                    let spend = decided["spend"].as_u64().unwrap();
                    charged.requests += 1;
                    charged.spend += spend;
                    if decided["known"] == false {
                        charged.at_most += 1;
                        assert_eq!(spend, reserved, "{at}: an unknown cost is the most it can be");
                    }
                    reserved = 0;
                }
                Some("turn-requested") => {
                    *requests.entry(heard["turn"].as_u64().unwrap()).or_default() += 1;
                }
                Some(_) | None => {}
            }
            assert!(charged.spend + reserved <= self.cap, "{at}: record {}", record["seq"]);
        }
        let sent: u64 = requests.values().sum();
        assert_eq!(charged.requests, sent, "{at}: each request that left is charged once");
        let calm = requests_by_turn(&self.trace);
        for (turn, times) in requests {
            let most = calm[&turn] * (kills + 1);
            assert!(times <= most, "{at}: turn {turn} was asked for {times} times");
        }
        charged
    }
}

#[derive(Debug, Default)]
struct Charged {
    requests: u64,
    at_most: u64,
    spend: u64,
}

fn requests_by_turn(trace: &[Value]) -> BTreeMap<u64, u64> {
    let mut requests = BTreeMap::new();
    for record in trace {
        let heard = &record["event"]["heard"];
        if heard["type"] == "turn-requested" {
            *requests.entry(heard["turn"].as_u64().unwrap()).or_default() += 1;
        }
    }
    requests
}

fn effects(trace: &[Value], at: &str) -> Effects {
    let mut found = Effects {
        answers: BTreeMap::new(),
        tests: BTreeMap::new(),
        patches: Vec::new(),
        turns: BTreeMap::new(),
    };
    let mut asked: BTreeMap<String, String> = BTreeMap::new();
    let mut answered: BTreeMap<String, u64> = BTreeMap::new();
    for record in trace {
        let (decided, heard) = (&record["event"]["decided"], &record["event"]["heard"]);
        let turn = || heard["turn"].as_u64().unwrap();
        match decided["type"].as_str().or(heard["type"].as_str()) {
            Some("call-started") => {
                let call = &decided["call"];
                let what =
                    format!("{} {} {}", call["id"]["origin"], call["tool"], call["arguments"]);
                asked.insert(call["id"].to_string(), what);
            }
            Some("call-answered") => {
                let id = heard["call"].to_string();
                *answered.entry(id.clone()).or_default() += 1;
                assert_eq!(answered[&id], 1, "{at}: {id} is answered again");
                let answer = heard["answer"].to_string();
                let before = found.answers.insert(asked[&id].clone(), answer.clone());
                let same = before.is_none_or(|before| before == answer);
                assert!(same, "{at}: {} is answered otherwise", asked[&id]);
            }
            Some("tests-finished") => {
                let round = heard["round"].as_u64().unwrap();
                let before = found.tests.insert(round, heard["ending"].to_string());
                assert_eq!(before, None, "{at}: the tests of round {round} end again");
            }
            Some("patch-judged") => {
                found.patches.push(format!("{} {}", heard["problem"], heard["digest"]));
            }
            Some("turn-requested") => {
                let over = found.turns.contains_key(&turn());
                assert!(!over, "{at}: turn {} is asked for again", turn());
            }
            Some("turn-completed") => {
                let before =
                    found.turns.insert(turn(), format!("{} {}", heard["text"], heard["calls"]));
                assert_eq!(before, None, "{at}: turn {} completes again", turn());
            }
            Some(_) | None => {}
        }
    }
    found
}

fn assert_gapless(trace: &[Value], at: &str) {
    let mut stopped = BTreeMap::new();
    for (number, record) in trace.iter().enumerate() {
        assert_eq!(record["seq"], number, "{at}");
        let attempt = record["attempt"].as_u64().unwrap();
        let over = stopped.get(&attempt);
        assert_eq!(over, None, "{at}: record {number} stands after the end of its attempt");
        if record["event"]["decided"]["type"] == "stopped" {
            stopped.insert(attempt, number);
        }
    }
    let last = trace.last().map(|last| &last["event"]["decided"]["type"]);
    assert_eq!(last, Some(&"stopped".into()), "{at}");
}

/// What was paid for is still there: nothing was begun again beside it.
fn assert_nothing_set_aside(world: &World, at: &str) {
    let runs = fs::read_dir(world.path(".git/stepwell/runs")).unwrap().flatten();
    let runs: Vec<_> = runs.filter(|run| run.path().is_dir()).collect();
    assert_eq!(runs.len(), 1, "{at}");
    for name in ["journal.previous.jsonl", "journal.diverged.jsonl"] {
        assert!(!runs[0].path().join(name).exists(), "{at}: there is a {name}");
    }
}

/// The ledger knows of every charge, and holds nothing back.
fn check_ledger(world: &World, charged: &Charged, at: &str) {
    let ledger = world.path("../ledger.sqlite").display().to_string();
    let shown = world.stepwell(&["ledger", "show", "--json", "--ledger", &ledger]);
    let shown: Value = serde_json::from_str(&shown.code(0).out).unwrap();
    let total = &shown["total"];
    assert_eq!(total["spent"], charged.spend, "{at}: {shown}");
    assert_eq!(total["reserved"], 0, "{at}: {shown}");
    assert_eq!(total["requests"], charged.requests, "{at}: {shown}");
    assert_eq!(total["charged-at-most"], charged.at_most, "{at}: {shown}");
}

fn patch(world: &World) -> Option<String> {
    fs::read_to_string(world.path(".stepwell/out/patch.diff")).ok()
}

/// How often the tests of a script really ran, by what they tested.
fn checked(world: &World) -> BTreeMap<String, u64> {
    let mut times = BTreeMap::new();
    let text = fs::read_to_string(world.path("../checked")).unwrap_or_default();
    text.lines().for_each(|line| *times.entry(line.to_owned()).or_default() += 1);
    times
}
