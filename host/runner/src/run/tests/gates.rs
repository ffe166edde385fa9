//! A patch that changes dependencies: looked at by a tool, waiting for a person, let pass by one.

use session::{Approval, Binding, Ruling};
use snapshot::Question;

use super::*;

/// Adds a package to the lock file.
const UPGRADE: &str = "[[turn]]\n[[turn.call]]\ntool = \"propose_patch\"\n[turn.call.arguments]\n\
                       why = \"w\"\npatch = '''\n--- a/Cargo.lock\n+++ b/Cargo.lock\n@@ -1 +1,2 @@\n old\n+new\n'''\n";

/// Says which lines the lock file of the head has that the base has not, as new packages.
#[derive(Debug)]
struct Comparing(Vec<ToolInfo>);

impl ToolExecutor for Comparing {
    fn tools(&self) -> &[ToolInfo] {
        &self.0
    }

    async fn execute(&self, _tool: &str, arguments: &str, view: Arc<View>) -> Execution {
        assert!(arguments.contains("difference"), "{arguments}");
        let lines = |tree| {
            let question = Question::Content { tree, path: "Cargo.lock".to_owned() };
            let snapshot::Answer::Content(bytes) = view.answer(&question) else { return vec![] };
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let before = lines(snapshot::Tree::Base);
        let added: Vec<_> = lines(snapshot::Tree::Head)
            .into_iter()
            .filter(|line| !before.contains(line))
            .map(|name| serde_json::json!({ "name": name, "version": "1.0" }))
            .collect();
        let none: [&str; 0] = [];
        let output = serde_json::json!({
            "added": added, "removed": none, "upgraded": none, "downgraded": none,
            "licence_changed": none, "source_changed": none, "content_changed": none,
        });
        let output = output.to_string();
        let answer = Answer::Answered { output };
        Execution { answer, usage: CallUsage::default(), observed: None, log: Vec::new() }
    }
}

/// A world with a lock file that a step may touch.
fn world() -> World {
    let world = World::new();
    std::fs::write(world.dir.path().join("repo/Cargo.lock"), "old\n").unwrap();
    world
}

/// Runs the step, with a tool of that name, past these approvals.
async fn ends(world: &World, tool: &str, approved: Vec<Approval>) -> (Ended, Vec<Record>) {
    let script = Script::parse(&format!("model = \"m\"\n{SUBMIT}{UPGRADE}")).unwrap();
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), Arc::new(script)).unwrap();
    let mut plan = world.plan(Endpoint::new(&server.base_url()).unwrap(), "a-commit");
    plan.session.goal = Goal::Patch;
    plan.session.context.clear();
    plan.approved = approved;
    let allowed = vec!["Cargo.lock".to_owned()];
    let spec = gate::RuleSpec { allowed, ..gate::RuleSpec::default() };
    plan.rules = gate::Rules::new(&spec).unwrap();
    let info = ToolInfo {
        name: tool.to_owned(),
        description: "compares".to_owned(),
        schema: serde_json::json!({ "type": "object" }),
        component: Digest::of(b"compare"),
        profile: Digest::of(b"none"),
        grant: Grant::read(&[]).unwrap(),
        asks: None,
    };
    let toolbox = Toolbox::new(Comparing(vec![info]), None, Grant::everything());
    let kept = Arc::default();
    let outlets =
        vec![Outlet::to("kept", crate::Sampling::default(), Box::new(Kept(Arc::clone(&kept))))];
    let (_never, signals) = mpsc::channel(1);
    let ended = Box::pin(run(plan, Arc::new(toolbox), outlets, false, signals)).await.unwrap();
    let records = kept.lock().unwrap().clone();
    (ended, records)
}

fn bound(ended: &Ended) -> Binding {
    let reason = &ended.result.stop_reason;
    let StopReason::ApprovalNeeded { check, bound: Some(bound) } = reason else {
        panic!("{reason:?}")
    };
    assert_eq!(check, "dependencies");
    bound.clone()
}

fn approval(bound: Binding) -> Vec<Approval> {
    let (check, by) = ("dependencies".to_owned(), "ada".to_owned());
    vec![Approval { check, by, bound: Some(bound) }]
}

#[tokio::test]
async fn a_new_dependency_waits_for_a_person_and_leaves_once_one_says_so() {
    let world = world();
    let (first, _) = ends(&world, "sbom", vec![]).await;
    let asked = bound(&first);
    let result = &first.result;
    assert_eq!(result.outcome, Outcome::PatchUnapproved);
    assert_eq!((asked.head.as_str(), Some(&asked.patch)), ("a-commit", result.patch.as_ref()));
    let said = |result: &session::RunResult| {
        let gate = result.verdicts.iter().find(|verdict| verdict.gate == "dependencies").unwrap();
        (gate.ruling(), gate.because.clone(), gate.approved_by.clone())
    };
    let because = "1 dependency change: `new` 1.0 is new".to_owned();
    assert_eq!(said(result), (Ruling::Approval, because.clone(), None));
    let sarif = std::fs::read_to_string(world.dir.path().join("out/verdicts.sarif")).unwrap();
    assert!(sarif.contains("\"gate/dependencies\"") && sarif.contains("Cargo.lock"), "{sarif}");

    // An approval of something else counts for nothing, and it is said so.
    let other = Binding { policy: "of last week".to_owned(), ..asked.clone() };
    let (second, records) = ends(&world, "sbom", approval(other)).await;
    assert_eq!(bound(&second), asked);
    let void = |record: &Record| match &record.event {
        Event::Decided(Decision::ApprovalVoid { because, .. }) => Some(because.clone()),
        Event::Decided(_) | Event::Heard(_) | Event::Noted(_) => None,
    };
    let voids: Vec<_> = records.iter().filter_map(void).collect();
    assert_eq!(voids, ["it is bound to another policy"]);

    let (third, records) = ends(&world, "sbom", approval(asked)).await;
    assert_eq!(third.result.stop_reason, StopReason::Done);
    assert_eq!(third.result.outcome, Outcome::PatchUntested);
    assert_eq!(said(&third.result), (Ruling::Approval, because, Some("ada".to_owned())));
    assert_eq!(requests(&records), 0, "nothing is paid for again");
    let patch = std::fs::read_to_string(world.dir.path().join("out/patch.diff")).unwrap();
    assert!(patch.contains("+new"), "{patch}");
}

#[tokio::test]
async fn where_nobody_can_tell_what_changes_a_person_is_asked() {
    let (ended, _) = ends(&world(), "another", vec![]).await;
    bound(&ended);
    let gate = ended.result.verdicts.last().unwrap();
    assert_eq!(
        gate.because,
        "dependencies may change with `Cargo.lock`, and nobody can tell how: there is no tool `sbom`"
    );
}
