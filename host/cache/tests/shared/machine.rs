//! A place that machines share, and machines: a checkout, a cache and a key of their own each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use cache::{
    Cache, Call, Domain, Found, Hit, Identity, MachineKey, Options, Output, Published, Remote,
    Revoked, Signer, Signers, Stored, Trust, Why,
};
use servers::{Kind, PASSWORD, Server};
use snapshot::{Digest, GlobQuery, Grant, Question, Snapshot, Tree, View};
use store::{Name, Store};
use tempfile::TempDir;

/// Longer than a busy machine needs: these tests are not about time.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// What computing an output is said to have taken: more than any lookup.
const COST_US: u64 = 60_000_000;

/// A place in a server, and who signs there.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    url: String,
    settings: Vec<(&'static str, String)>,
    secret: String,
}

/// A machine.
pub(crate) struct Machine {
    place: Place,
    repository: TempDir,
    cache: TempDir,
    key: TempDir,
}

impl Place {
    pub(crate) fn new(server: &Server) -> Self {
        Self::at(server, server.url())
    }

    /// The same server by another URL.
    pub(crate) fn at(server: &Server, url: String) -> Self {
        Self::of(server.kind(), url)
    }

    /// What answers there as such a server does.
    pub(crate) fn of(kind: Kind, url: String) -> Self {
        let (secret, _) = Signer::generate().unwrap();
        Self { url, settings: kind.settings(PASSWORD), secret }
    }

    /// A place without a server. Each store that is opened in it is another one.
    pub(crate) fn in_memory() -> Self {
        let (secret, _) = Signer::generate().unwrap();
        Self { url: "memory://".to_owned(), settings: vec![], secret }
    }

    /// A place of its own in the same server, of the same signer. Only for services whose URL says
    /// where by an option.
    pub(crate) fn beside(&self, name: &str) -> Self {
        let url = if self.url.contains("prefix=") {
            format!("{}-{name}", self.url)
        } else {
            format!("{}?prefix={name}", self.url)
        };
        Self { url, ..self.clone() }
    }

    /// Opened anew: nobody shares a connection with another.
    pub(crate) fn store(&self) -> Store {
        let settings: BTreeMap<&str, &String> =
            self.settings.iter().map(|(name, value)| (*name, value)).collect();
        Store::open(&self.url, |name| settings.get(name).map(|value| (*value).clone())).unwrap()
    }

    pub(crate) fn signer(&self) -> Signer {
        Signer::of_text(&self.secret).unwrap()
    }

    pub(crate) fn machine(&self) -> Machine {
        let new = || tempfile::tempdir().unwrap();
        let machine = Machine { place: self.clone(), repository: new(), cache: new(), key: new() };
        machine.write("a", "1");
        machine.write("b/c.toml", "2");
        machine
    }
}

impl Machine {
    pub(crate) fn write(&self, path: &str, text: &str) {
        let at = self.repository.path().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, text).unwrap();
    }

    pub(crate) fn view(&self) -> Arc<View> {
        let snapshot = Snapshot::directory(self.repository.path()).unwrap();
        Arc::new(View::new(snapshot, None, Grant::everything()))
    }

    /// As a process would open it that reads and writes the place.
    pub(crate) fn open(&self) -> Cache {
        let domain = || Domain { name: "trusted".to_owned(), store: self.place.store() };
        let writes = (domain(), self.place.signer());
        self.open_remote(Remote::new(vec![domain()], Some(writes), LONG, LONG))
    }

    pub(crate) fn open_remote(&self, remote: Remote) -> Cache {
        let listed = Signers::Listed(BTreeSet::from([self.place.signer().public()]));
        let names = remote.reads().map(|domain| (domain.name.clone(), listed.clone()));
        let trust = Trust { domains: names.collect(), revoked: Revoked::default() };
        let key = MachineKey::at(&self.key.path().join("machine.key")).unwrap();
        let options = Options { trust, ..Options::new(key) };
        Cache::open(self.cache.path(), options).unwrap().with_remote(remote)
    }

    /// Computes a call and keeps its output here.
    pub(crate) fn keep(&self, cache: &Cache, case: &Case) {
        let view = self.view();
        let observed: Vec<_> = case
            .questions
            .iter()
            .map(|question| (question.clone(), view.answer_digest(question)))
            .collect();
        let output = case.output.as_bytes();
        let stored = cache.store(&call(&case.tool), &observed, Output::Answer, output, COST_US);
        assert_eq!(stored.unwrap(), Stored::New);
    }

    /// Computes a call, and shares it.
    pub(crate) async fn compute(&self, case: &Case) {
        let cache = self.open();
        self.keep(&cache, case);
        let Published { records, troubles, .. } = Box::pin(cache.publish("run-1")).await;
        assert_eq!((records, troubles), (1, vec![]), "{}", self.place.url);
    }

    /// What it finds, in a process of its own, without computing anything.
    pub(crate) async fn find(&self, tool: &str) -> Result<Hit, Why> {
        let cache = self.open();
        let found = self.find_in(&cache, tool).await;
        assert_eq!(cache.remote().unwrap().said(), Vec::<String>::new());
        found
    }

    pub(crate) async fn find_in(&self, cache: &Cache, tool: &str) -> Result<Hit, Why> {
        match Box::pin(cache.find(&call(tool), &self.view())).await {
            Found::Hit(hit) => Ok(hit),
            Found::Miss { why, .. } => Err(why),
        }
    }
}

/// A call, what it asks, and what it says.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) tool: String,
    pub(crate) questions: Vec<Question>,
    pub(crate) output: String,
}

impl Case {
    pub(crate) fn new(tool: &str, questions: Vec<Question>, output: &str) -> Self {
        Self { tool: tool.to_owned(), questions, output: output.to_owned() }
    }

    /// One whose output and questions are too long to lie in others' objects.
    pub(crate) fn long(tool: &str) -> Self {
        Self::new(tool, many_questions(), &"out ".repeat(50_000))
    }

    /// All that lies in the store for it, once `machine` has it.
    pub(crate) fn names(&self, machine: &Machine) -> Parts {
        let call = call(&self.tool).key().digest();
        let shown = machine.open().show(&call.to_string()).unwrap();
        let record = shown.first().unwrap().record;
        let blobs = [record.output, record.questions].map(|digest| name("cas", digest));
        Parts { list: name("call", call), record: name("rec", record.observed), blobs }
    }
}

/// The names of what lies in a store for one call.
pub(crate) struct Parts {
    pub(crate) list: Name,
    pub(crate) record: Name,
    pub(crate) blobs: [Name; 2],
}

impl Parts {
    pub(crate) fn all(&self) -> [Name; 4] {
        let [output, questions] = self.blobs.clone();
        [self.list.clone(), self.record.clone(), output, questions]
    }
}

fn name(kind: &str, digest: Digest) -> Name {
    let hex = digest.to_string();
    Name::new(format!("v1/{kind}/{}/{hex}", &hex[..2])).unwrap()
}

pub(crate) fn call(tool: &str) -> Call {
    let nothing = Digest::of(b"");
    Call::new(Identity {
        component: nothing,
        world: "stepwell:tool@0.1.0".to_owned(),
        tool: tool.to_owned(),
        schema: nothing,
        args: serde_json::Value::Null,
        grant: nothing,
        profile: nothing,
        salt: String::new(),
    })
    .unwrap()
}

pub(crate) fn stat(path: &str) -> Question {
    Question::Stat { tree: Tree::Head, path: path.to_owned() }
}

/// A file, one that is not there, and a pattern.
pub(crate) fn questions() -> Vec<Question> {
    let content = Question::Content { tree: Tree::Head, path: "a".to_owned() };
    let patterns = vec!["**/*.toml".to_owned()];
    let query = GlobQuery { patterns, include_ignored: false, max_paths: 100 };
    vec![content, stat("missing"), Question::Glob { tree: Tree::Head, query }]
}

/// Longer than what a list of ways has room for.
pub(crate) fn many_questions() -> Vec<Question> {
    (0..400).map(|number| stat(&format!("a/long/path/to/number/{number:020}"))).collect()
}
