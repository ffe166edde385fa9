//! A run whose inputs changed where that tells late has what another run paid for.

use super::*;
use crate::plan::FirstUse;

const PATCH: &str = "[[turn]]\n[[turn.call]]\ntool = \"propose_patch\"\n[turn.call.arguments]\n\
                     why = \"w\"\npatch = '''\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n'''\n";

/// The world's plan, under a key that says what was changed in it.
fn plan(world: &World, server: &Server, change: impl FnOnce(&mut RunPlan) -> RunKey) -> RunPlan {
    let mut plan = world.plan(Endpoint::new(&server.base_url()).unwrap(), "a");
    plan.session.goal = Goal::Patch;
    plan.key = change(&mut plan);
    plan.run_dir = world.dir.path().join("runs").join(plan.key.run_name());
    plan
}

fn key(part: &str, value: &str, first: FirstUse) -> RunKey {
    let base = RunKey::new([("the head".to_owned(), "a".to_owned())]);
    base.with(part, value.to_owned(), first)
}

fn gates(lines_max: u64, value: &'static str) -> impl FnOnce(&mut RunPlan) -> RunKey {
    move |plan| {
        let spec = gate::RuleSpec { lines_max, ..gate::RuleSpec::default() };
        plan.rules = gate::Rules::new(&spec).unwrap();
        key("the gates", value, FirstUse::Gates)
    }
}

fn serve(script: &str) -> Server {
    let script = Script::parse(&format!("model = \"m\"\n{script}")).unwrap();
    Server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Arc::new(script)).unwrap()
}

async fn ends(world: &World, plan: RunPlan) -> (Ended, Vec<Record>) {
    let (_never, signals) = mpsc::channel(1);
    let (ended, records) = world.run_plan(plan, signals).await;
    (ended.unwrap(), records)
}

fn inherited(records: &[Record]) -> Option<Vec<String>> {
    records.iter().find_map(|record| match &record.event {
        Event::Noted(Note::Inherited { changed, .. }) => Some(changed.clone()),
        Event::Noted(_) | Event::Heard(_) | Event::Decided(_) => None,
    })
}

#[tokio::test]
async fn gates_that_changed_judge_again_what_was_paid_for() {
    let world = World::new();
    let server = serve(&format!("{SUBMIT}{PATCH}{PATCH}{PATCH}"));
    let (first, records) = ends(&world, plan(&world, &server, gates(1, "strict"))).await;
    assert_eq!(first.result.stop_reason, StopReason::GateRefused);
    assert_eq!(requests(&records), 4);

    let (second, records) = ends(&world, plan(&world, &server, gates(9, "loose"))).await;
    assert_eq!(second.result.stop_reason, StopReason::Done);
    assert_eq!(inherited(&records).unwrap(), ["the gates"]);
    assert_eq!(requests(&records), 0, "the analysis and the patch are paid for");
    assert_eq!((second.accounting.resumed_turns, second.accounting.turns), (2, 2));

    // What was copied is a journal like any other: it is gone on with, and read by others.
    let third = plan(&world, &server, gates(9, "loose"));
    let (journal, records) =
        Journal::open(&third.machine, &third.run_dir, &third.key.run_name()).unwrap();
    assert!(matches!(records[0].event, Event::Noted(Note::RunStarted { .. })));
    assert!(matches!(records[1].event, Event::Noted(Note::Inherited { .. })));
    assert_eq!(journal.attempt(), 2);
}

#[tokio::test]
async fn rules_that_decide_otherwise_keep_what_comes_before() {
    let world = World::new();
    let server = serve(&format!("{COUNT}{SUBMIT}[[turn]]\nsay = \"no patch\"\n"));
    let calls = |calls: u64, value: &'static str| {
        move |plan: &mut RunPlan| {
            plan.session.budgets.analyze.calls = calls;
            key("the budgets", value, FirstUse::Rules)
        }
    };
    // After its one call the model is told to wrap up.
    let (_, records) = ends(&world, plan(&world, &server, calls(1, "few"))).await;
    let first = requests(&records);
    let (_, records) = ends(&world, plan(&world, &server, calls(60, "many"))).await;
    assert_eq!(inherited(&records).unwrap(), ["the budgets"]);
    assert_eq!(requests(&records), first - 1, "only the turn before is kept");
}

#[tokio::test]
async fn a_run_that_the_change_does_not_reach_is_begun_anew() {
    let world = World::new();
    let server = serve(&format!("{SUBMIT}[[turn]]\nsay = \"no patch\"\n"));
    let (_, records) = ends(&world, plan(&world, &server, gates(1, "strict"))).await;
    let first = requests(&records);
    let (_, records) = ends(&world, plan(&world, &server, gates(9, "loose"))).await;
    assert_eq!((inherited(&records), requests(&records)), (None, first));
    assert!(warnings(&records)[0].contains("the gates"), "{records:?}");
}

#[tokio::test]
async fn what_tells_from_the_first_record_on_leaves_nothing_to_inherit() {
    let world = World::new();
    let server = serve(&format!("{SUBMIT}{PATCH}{PATCH}{PATCH}"));
    ends(&world, plan(&world, &server, gates(1, "strict"))).await;
    let other = |plan: &mut RunPlan| {
        let key = gates(9, "loose")(plan);
        key.with("the task", "another".to_owned(), FirstUse::Answers)
    };
    let (ended, records) = ends(&world, plan(&world, &server, other)).await;
    assert_eq!(ended.accounting.attempts, 1);
    assert_eq!(inherited(&records), None);
    assert!(warnings(&records)[0].contains("the task"), "{records:?}");
}

#[tokio::test]
async fn a_run_whose_report_is_gone_is_not_inherited_from() {
    let world = World::new();
    let server = serve(&format!("{SUBMIT}{PATCH}{PATCH}{PATCH}"));
    let tested = |lines_max, value| {
        let command = vec!["true".to_owned()];
        let mut plan = plan(&world, &server, gates(lines_max, value));
        plan.session.tests = Some(session::TestPlan {
            command: command.clone(),
            before: true,
            judged: true,
            ..session::TestPlan::default()
        });
        let (reports, env) = (Vec::new(), BTreeMap::new());
        plan.tests = Some(crate::plan::TestCommand {
            command,
            reports,
            env,
            kept: None,
            limits: crate::plan::TestLimits::default(),
            confine: None,
        });
        plan
    };
    ends(&world, tested(1, "strict")).await;
    let report = tested(1, "strict").run_dir.join(resume::REPORTS).join("0-0");
    std::fs::remove_file(report).unwrap();
    let (ended, records) = ends(&world, tested(9, "loose")).await;
    assert_eq!(inherited(&records), None);
    assert!(requests(&records) > 0);
    assert_eq!(ended.accounting.resumed_turns, 0);
}
