//! Whatever a gate says or does, it comes to a verdict.

use std::sync::{Arc, Mutex};

use gate::OwnGateName;
use session::event::CallUsage;
use snapshot::{Snapshot, View};

use super::*;
use crate::tools::ToolInfo;

/// Gates that all do the same, and keep what they were shown.
#[derive(Debug)]
struct Scripted {
    infos: Vec<GateInfo>,
    does: Answer,
    log: Vec<(String, String)>,
    shown: Arc<Mutex<Vec<Value>>>,
}

impl ToolExecutor for Scripted {
    fn tools(&self) -> &[ToolInfo] {
        &[]
    }

    async fn execute(&self, tool: &str, _input: &str, _view: Arc<View>) -> Execution {
        panic!("`{tool}` is called as a tool")
    }

    fn gates(&self) -> &[GateInfo] {
        &self.infos
    }

    async fn judge(&self, _gate: &str, input: &str, _view: Arc<View>) -> Execution {
        self.shown.lock().unwrap().push(serde_json::from_str(input).unwrap());
        let (answer, log) = (self.does.clone(), self.log.clone());
        Execution { answer, usage: CallUsage::default(), observed: None, log }
    }
}

const DIFF: &str = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n one\n-two\n+TWO\n";

fn own(name: &str) -> OwnGate {
    let name = OwnGateName::parse(name).unwrap();
    let (component, settings) = ("c".to_owned(), "{}".to_owned());
    OwnGate { name, component, settings, read: Vec::new() }
}

/// What the gate `house` says that does this, and what it was shown.
async fn says(does: Answer, log: &[&str]) -> (Verdict, Vec<Value>) {
    let shown = Arc::default();
    let settings = serde_json::json!({ "most": 3 });
    let info = GateInfo { name: "house".to_owned(), settings, grant: Grant::everything() };
    let log = log.iter().map(|line| ("warning".to_owned(), (*line).to_owned())).collect();
    let scripted = Scripted { infos: vec![info], does, log, shown: Arc::clone(&shown) };
    let toolbox = Toolbox::new(scripted, None, Grant::everything());
    let dir = tempfile::tempdir().unwrap();
    let head = Snapshot::directory(dir.path()).unwrap();
    let trees = Trees { head, base: None, names: (String::new(), None) };
    let verdicts = judge(&toolbox, &[own("house")], "step", DIFF, &trees).await;
    let [verdict] = verdicts.try_into().unwrap();
    let shown = shown.lock().unwrap().clone();
    (verdict, shown)
}

async fn answers(output: &str) -> String {
    let (verdict, _) = says(Answer::Answered { output: output.to_owned() }, &[]).await;
    let places =
        verdict.places.iter().map(|at| format!(" [{} {:?} {}]", at.path, at.line, at.what));
    format!("{:?} {}{}", verdict.ruling(), verdict.because, places.collect::<String>())
}

#[tokio::test]
async fn a_verdict_is_read_as_it_is_meant() {
    let full = r#"{"ruling": "approval", "reason": "a \u001b[31mword\u202e", "places": [
        {"path": "a", "line": 2, "reason": "it is new"}, {"path": "b/c", "reason": "it is there"}]}"#;
    let all = [
        answers(full).await,
        answers(r#"{"ruling": "pass", "reason": "fine"}"#).await,
        answers(r#"{"ruling": "refuse", "reason": "not so"}"#).await,
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[tokio::test]
async fn nonsense_refuses_and_says_why() {
    let long = "x".repeat(REASON_BYTES_MAX + 1);
    let place = |text: &str| format!(r#"{{"ruling": "pass", "reason": "a", "places": [{text}]}}"#);
    let many = vec![r#"{"path": "a", "reason": "b"}"#; PLACES_MAX + 1].join(",");
    let mut all = Vec::new();
    for output in [
        "",
        "[]",
        r#"["pass", "a", []]"#,
        "\"pass\"",
        r#"{"ruling": "pass"}"#,
        r#"{"ruling": "allow", "reason": "a"}"#,
        r#"{"ruling": "pass", "reason": " "}"#,
        r#"{"ruling": "pass", "reason": "a", "note": 1}"#,
        r#"{"ruling": "pass", "ruling": "refuse", "reason": "a"}"#,
        r#"{"ruling": "pass", "reason": "a"} {}"#,
        &format!(r#"{{"ruling": "pass", "reason": "{long}"}}"#),
        &place(r#"{"path": "../a", "reason": "b"}"#),
        &place(r#"{"path": "a", "line": 0, "reason": "b"}"#),
        &place(r#"{"path": "a", "line": 4294967296, "reason": "b"}"#),
        &place(&many),
        &" ".repeat(ANSWER_BYTES_MAX + 1),
    ] {
        let said = answers(output).await;
        assert!(
            said.starts_with("Refuse the gate cannot be asked: its answer is no verdict"),
            "{said}"
        );
        all.push(said);
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[tokio::test]
async fn a_gate_that_does_not_come_to_a_verdict_refuses() {
    let refused = Answer::Refused { message: "I cannot read `a`".to_owned() };
    let (verdict, _) = says(refused, &[]).await;
    insta::assert_snapshot!(verdict.because, @"the gate cannot be asked: it would not judge: I cannot read `a`");
    assert_eq!(verdict.ruling(), Ruling::Refuse);
    let ended = Answer::Ended { ending: "trap".to_owned(), message: "m".to_owned() };
    let (verdict, _) = says(ended, &["before", "panicked at src/lib.rs:7"]).await;
    insta::assert_snapshot!(verdict.because, @"the gate cannot be asked: it was ended: trap (panicked at src/lib.rs:7)");
    assert_eq!(verdict.ruling(), Ruling::Refuse);
}

#[tokio::test]
async fn a_gate_that_is_not_there_refuses() {
    let info: Vec<GateInfo> = Vec::new();
    let does = Answer::Answered { output: r#"{"ruling": "pass", "reason": "a"}"#.to_owned() };
    let scripted = Scripted { infos: info, does, log: Vec::new(), shown: Arc::default() };
    let toolbox = Toolbox::new(scripted, None, Grant::everything());
    let dir = tempfile::tempdir().unwrap();
    let head = Snapshot::directory(dir.path()).unwrap();
    let trees = Trees { head, base: None, names: (String::new(), None) };
    let verdicts = judge(&toolbox, &[own("gone")], "step", DIFF, &trees).await;
    assert_eq!(verdicts[0].ruling(), Ruling::Refuse);
    assert!(verdicts[0].because.contains("its component is not there"), "{}", verdicts[0].because);
}

#[tokio::test]
async fn a_gate_is_shown_the_patch_with_its_lines_and_what_the_step_tells_it() {
    let does = Answer::Answered { output: r#"{"ruling": "pass", "reason": "a"}"#.to_owned() };
    let (_, shown) = says(does, &[]).await;
    insta::assert_json_snapshot!(shown[0]);
}

#[test]
fn settings_are_held_against_what_the_gate_takes() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"], "properties": { "a": { "type": "integer" } },
    });
    assert_eq!(check_settings(&schema, &serde_json::json!({ "a": 1 })), Ok(()));
    let told = |settings| check_settings(&schema, &settings).unwrap_err();
    insta::assert_snapshot!(told(serde_json::json!({})), @r#""a" is a required property"#);
    insta::assert_snapshot!(told(serde_json::json!({ "a": "x" })), @r#"at `/a`: "x" is not of type "integer""#);
    let schema = serde_json::json!({ "type": 7 });
    assert!(
        check_settings(&schema, &serde_json::json!({})).unwrap_err().contains("cannot be used")
    );
}
