//! Makes guests out of `tests/guests/*.wat`, and calls them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use sandbox::{Allocator, Config, Limits, Outcome, Report, Sandbox, Tool};
use snapshot::{Grant, Snapshot, View};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The bytes of the component made of `tests/guests/<name>.wat`, without a manifest.
pub(crate) fn component(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| {
        let path = root.join("tests/guests").join(name).with_extension("wat");
        fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
    };
    let body = read(name);
    if body.contains("\n(component") {
        return wat::parse_str(body).unwrap();
    }
    let module = format!("(module\n{body}\n{})", read("prelude"));
    let mut module = wat::parse_str(module).unwrap();
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(root.join("../../wit")).unwrap();
    let world = match body.lines().next().and_then(|line| line.strip_prefix(";; world: ")) {
        Some(world) => {
            let own = resolve.push_file(root.join("tests/guests/wasi.wit")).unwrap();
            resolve.select_world(&[own], Some(world)).unwrap()
        }
        None => resolve.select_world(&[package], Some("tool")).unwrap(),
    };
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

/// `bytes` with one more custom section at the end.
pub(crate) fn with_section(mut bytes: Vec<u8>, name: &str, data: &[u8]) -> Vec<u8> {
    let mut section = leb(name.len());
    section.extend(name.bytes());
    section.extend(data);
    bytes.push(0);
    bytes.extend(leb(section.len()));
    bytes.extend(section);
    bytes
}

/// WebAssembly's way to write a number.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A manifest that nothing is wrong with.
pub(crate) fn manifest() -> String {
    serde_json::json!({ "name": "guest", "description": "A test.", "schema": {} }).to_string()
}

/// The bytes of a tool that is `tests/guests/<name>.wat`.
pub(crate) fn tool_bytes(name: &str) -> Vec<u8> {
    with_section(component(name), "stepwell:tool", manifest().as_bytes())
}

/// A sandbox and a repository to try guests on.
pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) limits: Limits,
    pub(crate) cancel: CancellationToken,
    grant: Grant,
    repository: TempDir,
}

impl Bench {
    /// An empty repository, everything granted, memory from a pool.
    pub(crate) fn new() -> Self {
        Self::with(&Config::default())
    }

    pub(crate) fn on_demand() -> Self {
        Self::with(&Config { allocator: Allocator::OnDemand, ..Config::default() })
    }

    pub(crate) fn with(config: &Config) -> Self {
        Self {
            sandbox: Sandbox::new(Config { guests: crate::place(), ..config.clone() }).unwrap(),
            limits: Limits::default(),
            cancel: CancellationToken::new(),
            grant: Grant::everything(),
            repository: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.repository.path().join(path), content).unwrap();
        self
    }

    /// Where the repository is.
    pub(crate) fn path(&self) -> &Path {
        self.repository.path()
    }

    pub(crate) fn granting_nothing(self) -> Self {
        Self { grant: Grant::nothing(), ..self }
    }

    pub(crate) fn load(&self, guest: &str) -> Tool {
        self.sandbox.load(&tool_bytes(guest)).unwrap()
    }

    pub(crate) fn view(&self) -> Arc<View> {
        let head = Snapshot::directory(self.repository.path()).unwrap();
        Arc::new(View::new(head, None, self.grant.clone()))
    }

    /// Loads `guest` and calls it once.
    pub(crate) async fn run(&self, guest: &str, input: &str) -> Report {
        self.call(&self.load(guest), input).await
    }

    pub(crate) async fn call(&self, tool: &Tool, input: &str) -> Report {
        self.sandbox.call(tool, input, self.view(), &self.limits, &self.cancel).await
    }
}

/// The outcome in a line.
pub(crate) fn in_words(report: &Report) -> String {
    match &report.outcome {
        Outcome::Answered(json) => format!("answered: {json}"),
        Outcome::Refused { message } => format!("refused: {message}"),
        Outcome::Ended(ending) => format!("ended: {ending}"),
    }
}
