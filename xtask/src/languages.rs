//! Guests in other languages, which tests call to see that a tool of any language is
//! deterministic: from `tests/languages` to components in `target/languages`. Beside them,
//! components of `strangers`.
//!
//! What is not there to build one with is installed in a folder of ours. A language whose toolchain
//! cannot be had is left out, and loudly: tests see that its component is missing, and say so again.

mod strangers;
pub(crate) mod tools;

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use anyhow::{Context, Result};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasm_encoder::{ComponentSection as _, CustomSection};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::command::say;
use crate::places;
use strangers::Stranger;

/// Raised when the recipes below change, so that nobody keeps what an older one made.
const RECIPE: u32 = 1;

/// Where the host looks for what a tool says of itself.
const MANIFEST_SECTION: &str = "stepwell:tool";

/// A language that there is a guest in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    C,
    Go,
    Python,
    JavaScript,
}

/// Builds what is not up to date.
pub(crate) fn build() -> Result<()> {
    let shelf = places::root().join("target/languages");
    fs::create_dir_all(&shelf)?;
    let renew = &|language: Language| {
        let name = language.name();
        language.renew(&shelf).with_context(|| format!("the guest in {name} cannot be built"))
    };
    let meet = &|stranger: Stranger| {
        let name = stranger.name();
        stranger.renew(&shelf).with_context(|| format!("the stranger {name} cannot be built"))
    };
    // Side by side: most of the time a tool of one language keeps one processor busy.
    thread::scope(|scope| {
        let threads = Language::ALL.map(|language| scope.spawn(move || renew(language)));
        let join = |thread: ScopedJoinHandle<'_, Result<()>>| match thread.join() {
            Ok(renewed) => renewed,
            Err(panic) => resume_unwind(panic),
        };
        threads.into_iter().try_for_each(join)
    })?;
    // After them: they need the same toolchains, which are there by now.
    Stranger::ALL.into_iter().try_for_each(meet)
}

impl Language {
    const ALL: [Self; 4] = [Self::C, Self::Go, Self::Python, Self::JavaScript];

    /// The name of its folder and of its component.
    fn name(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Go => "go",
            Self::Python => "python",
            Self::JavaScript => "javascript",
        }
    }

    /// What is named in a recipe beside the sources.
    fn release(self) -> &'static str {
        match self {
            Self::C => tools::ZIG,
            Self::Go => "the machine's",
            Self::Python => tools::COMPONENTIZE_PY,
            Self::JavaScript => tools::COMPONENTIZE_QJS,
        }
    }

    fn renew(self, shelf: &Path) -> Result<()> {
        let component = shelf.join(format!("{}.wasm", self.name()));
        let recipe = shelf.join(format!("{}.recipe", self.name()));
        let sources = sources(self.name())?;
        let wanted = self.recipe(&sources);
        if component.exists() && fs::read_to_string(&recipe).is_ok_and(|had| had == wanted) {
            return Ok(());
        }
        // Away first: nobody must take what older sources made for what these make.
        for old in [&component, &recipe] {
            if old.exists() {
                fs::remove_file(old)?;
            }
        }
        let began = Instant::now();
        let tool = match self.toolchain() {
            Ok(tool) => tool,
            Err(problem) => {
                say(&format!("SKIPPED LOUDLY: no guest in {}: {problem:#}", self.name()));
                return Ok(());
            }
        };
        let installed = began.elapsed().as_secs();
        let work = shelf.join("work").join(self.name());
        lay_out(&sources, &work)?;
        let bytes = with_section(self.compile(tool, &work)?, self.manifest().as_bytes());
        fs::write(&component, &bytes)?;
        fs::write(recipe, wanted)?;
        let (size, took) = (bytes.len().div_ceil(1000), began.elapsed().as_secs());
        say(&format!("{}.wasm: {size} KB, in {took} s ({installed} s for tools)", self.name()));
        Ok(())
    }

    /// What a component is made of, in a line.
    fn recipe(self, sources: &[Source]) -> String {
        let mut hasher = DefaultHasher::new();
        sources.hash(&mut hasher);
        format!("{RECIPE} {} {:016x}\n", self.release(), hasher.finish())
    }

    fn toolchain(self) -> Result<Command> {
        match self {
            Self::C => tools::zig(),
            Self::Go => tools::go(),
            Self::Python => tools::componentize_py(),
            Self::JavaScript => tools::componentize_qjs(),
        }
    }

    /// The component, without a manifest, of what lies in `work`.
    fn compile(self, mut tool: Command, work: &Path) -> Result<Vec<u8>> {
        let (core, component) = (work.join("core.wasm"), work.join("component.wasm"));
        let wit = places::root().join("wit");
        tool.current_dir(work);
        match self {
            Self::C => {
                tool.args(["cc", "-target", "wasm32-wasi", "-mexec-model=reactor", "-Oz", "-s"]);
                tool.args(["-Wall", "-Wextra", "-Werror", "contract.c", "observe.c", "-o"]);
                tool.arg(&core).env("ZIG_LOCAL_CACHE_DIR", work.join("cache"));
                tools::make(&mut tool, &core)?;
                wrapped(&core, &wit)
            }
            Self::Go => {
                tool.args(["build", "-trimpath", "-buildmode=c-shared", "-ldflags=-s -w", "-o"]);
                tools::make(tool.arg(&core).arg("."), &core)?;
                wrapped(&core, &wit)
            }
            Self::Python => {
                tool.args(["--quiet", "--world", "tool", "--wit-path"]).arg(wit);
                tool.args(["componentize", "observe", "--python-path", ".", "--output"]);
                tools::make(tool.arg(&component), &component)?;
                Ok(fs::read(component)?)
            }
            Self::JavaScript => {
                // A world of its own, and the contract as what it depends on.
                let own = work.join("wit");
                fs::create_dir_all(own.join("deps"))?;
                fs::copy(wit.join("tool.wit"), own.join("deps/tool.wit"))?;
                fs::rename(work.join("world.wit"), own.join("world.wit"))?;
                tool.args(["--sync", "--world", "observer", "--js", "observe.js", "--wit"])
                    .arg(own);
                tools::make(tool.arg("--output").arg(&component), &component)?;
                Ok(fs::read(component)?)
            }
        }
    }

    fn manifest(self) -> String {
        serde_json::json!({
            "name": format!("observe_{}", self.name()),
            "description": "Tells everything that a program can see of where and when it runs.",
            "schema": { "type": "object" },
        })
        .to_string()
    }
}

/// A file that a component is made of.
#[derive(Debug, Hash)]
struct Source {
    name: String,
    bytes: Vec<u8>,
}

/// A guest's files, and the contract.
fn sources(name: &str) -> Result<Vec<Source>> {
    let root = places::root();
    let folder = root.join("tests/languages").join(name);
    let mut paths: Vec<PathBuf> = vec![root.join("wit/tool.wit")];
    for entry in folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))? {
        paths.push(entry?.path());
    }
    paths.sort();
    let source = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Source { name, bytes: fs::read(path)? })
    };
    paths.into_iter().map(source).collect()
}

/// Copies sources into a fresh folder: tools leave things beside what they read.
fn lay_out(sources: &[Source], work: &Path) -> Result<()> {
    if work.exists() {
        fs::remove_dir_all(work)?;
    }
    fs::create_dir_all(work)?;
    for source in sources {
        fs::write(work.join(&source.name), &source.bytes)?;
    }
    Ok(())
}

/// A component of a core module that speaks the older WASI.
fn wrapped(core: &Path, wit: &Path) -> Result<Vec<u8>> {
    let mut module = fs::read(core)?;
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit)?;
    let world = resolve.select_world(&[package], Some("tool"))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    let adapter = WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER;
    ComponentEncoder::default()
        .module(&module)?
        .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter)?
        .validate(true)
        .encode()
}

/// A component with one more custom section at its end.
fn with_section(mut component: Vec<u8>, data: &[u8]) -> Vec<u8> {
    let section = CustomSection { name: MANIFEST_SECTION.into(), data: data.into() };
    section.append_to_component(&mut component);
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_changes_with_each_source_and_each_name() {
        let recipe = |name: &str, text: &str| {
            let source = Source { name: name.to_owned(), bytes: text.as_bytes().to_vec() };
            Language::C.recipe(&[source])
        };
        assert_eq!(recipe("a", "b"), recipe("a", "b"));
        assert_ne!(recipe("a", "b"), recipe("a", "c"));
        assert_ne!(recipe("a", "b"), recipe("b", "b"));
    }
}
