//! What a tool is called with, and what is kept of that.

use std::sync::Mutex;

use super::*;

/// A tool that takes whole numbers, as most languages read them, and remembers what it was given.
#[derive(Debug)]
struct Whole {
    infos: Vec<ToolInfo>,
    given: Mutex<Vec<String>>,
}

impl Whole {
    fn new() -> Self {
        let info = ToolInfo {
            name: "whole".to_owned(),
            description: "takes a whole number".to_owned(),
            schema: serde_json::json!({ "properties": { "n": { "type": "integer" } } }),
            component: Digest::of(b"whole"),
            profile: Digest::of(b"none"),
            grant: Grant::everything(),
            asks: None,
        };
        Self { infos: vec![info], given: Mutex::default() }
    }
}

impl ToolExecutor for Whole {
    fn tools(&self) -> &[ToolInfo] {
        &self.infos
    }

    async fn execute(&self, _tool: &str, arguments: &str, _view: Arc<View>) -> Execution {
        self.given.lock().unwrap().push(arguments.to_owned());
        let value: Value = serde_json::from_str(arguments).unwrap();
        let answer = match value["n"].as_u64() {
            Some(n) => Answer::Answered { output: n.to_string() },
            None => Answer::Refused { message: "not a whole number".to_owned() },
        };
        Execution {
            answer,
            // What takes no longer than looking it up is not kept.
            usage: CallUsage { wall_us: 1_000_000, ..CallUsage::default() },
            observed: Some(Vec::new()),
            log: Vec::new(),
        }
    }
}

#[tokio::test]
async fn one_key_stands_for_one_input_however_it_was_written() {
    let (repository, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let trees = Trees {
        head: Snapshot::directory(repository.path()).unwrap(),
        base: None,
        names: ("head".to_owned(), None),
    };
    let key = cache::MachineKey::passing().unwrap();
    let cache = Cache::open(kept.path(), cache::Options::new(key)).unwrap();
    let toolbox = Toolbox::new(Whole::new(), Some(cache), Grant::everything());
    for spelling in [r#"{"n":10.0}"#, r#"{ "n" : 1e1 }"#, r#"{"n":10}"#] {
        let called = toolbox.call("whole", spelling, &trees).await;
        assert_eq!(called.answer, Answer::Answered { output: "10".to_owned() }, "{spelling}");
    }
    assert_eq!(*toolbox.executor.given.lock().unwrap(), [r#"{"n":10}"#], "and once is enough");
}
