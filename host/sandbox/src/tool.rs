//! A component that was checked and is ready to be called. Whatever can be found wrong with it
//! without running it is found here.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use snapshot::Digest;
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre};

use crate::bindings::ToolPre;
use crate::ceiling::{MEMORIES_MAX, TABLES_MAX};
use crate::compiled;
use crate::engine::{Memory, Wasm};
use crate::foreign::{self, Entry, ForeignError, PassedOver};
use crate::guest::{Guest, truncate};
use crate::manifest::{Manifest, ManifestError};
use crate::sandbox::{Allocator, Apart, Place, Sandbox};
use crate::wasi;
use crate::worker::{Image, Lost};

/// Bytes of a component. The largest known, an interpreter with a script, has 18 MB.
pub const COMPONENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Imports that are named when a component asks for what we do not have.
pub(crate) const MISSING_MAX: usize = 8;

/// The contract that compiled code was checked against, whole: a new word in it makes old code
/// unfit.
const CONTRACT: &str = include_str!("../../../wit/tool.wit");

/// What is told of an error that a component caused.
const CAUSES_MAX: usize = 16;
const CAUSE_BYTES_MAX: usize = 2 * 1024;

/// The interfaces we have beside those of WASI, without their version.
pub(crate) const OURS: [&str; 3] =
    ["stepwell:tool/repository", "stepwell:tool/environment", "stepwell:tool/log"];

/// What a tool of ours exports, without the version.
pub(crate) const HANDLER: &str = "stepwell:tool/handler";

/// A component whose manifest was read; nothing else of it was looked at.
#[derive(Debug, Clone)]
pub struct Described {
    bytes: Bytes,
    manifest: Manifest,
    digest: Digest,
    entry: Entry,
    passed_over: Arc<[PassedOver]>,
}

/// The bytes of a component; all of its tools share them.
#[derive(Debug, Clone)]
enum Bytes {
    BuiltIn(&'static [u8]),
    /// As it was read: an interpreter's twenty megabytes are not copied.
    Given(Arc<Vec<u8>>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::BuiltIn(bytes) => bytes,
            Self::Given(bytes) => bytes,
        }
    }
}

impl Described {
    /// Reads the manifest of a component.
    ///
    /// # Errors
    ///
    /// When it is too large, or does not say what it is.
    pub fn new(bytes: Vec<u8>) -> Result<Self, LoadError> {
        let digest = Digest::of(&bytes);
        Self::read(Bytes::Given(Arc::new(bytes)), digest)
    }

    /// All tools of a component, one at least: its own where it has a manifest, and what it exports
    /// where it has none and was made for nobody in particular. `called` is how its file is called,
    /// for a command that has no other name.
    ///
    /// # Errors
    ///
    /// When it is too large, or there is nothing in it to call.
    pub fn all(bytes: Vec<u8>, called: &str) -> Result<Vec<Self>, LoadError> {
        if bytes.len() > COMPONENT_BYTES_MAX {
            return Err(LoadError::TooLarge(bytes.len()));
        }
        let is_ours = !foreign::is_module(&bytes)
            && !matches!(Manifest::of(&bytes), Err(ManifestError::Missing));
        if is_ours {
            return Ok(vec![Self::new(bytes)?]);
        }
        let found = foreign::tools(&bytes, called)?;
        let (digest, bytes) = (Digest::of(&bytes), Bytes::Given(Arc::new(bytes)));
        let passed_over: Arc<[PassedOver]> = found.passed_over.into();
        let tool = |(manifest, entry)| Self {
            bytes: bytes.clone(),
            manifest,
            digest,
            entry,
            passed_over: Arc::clone(&passed_over),
        };
        Ok(found.tools.into_iter().map(tool).collect())
    }

    /// The same for one that is part of this program, whose digest was taken when that was built.
    ///
    /// # Errors
    ///
    /// When it is too large, or does not say what it is.
    pub fn built_in(bytes: &'static [u8], digest: Digest) -> Result<Self, LoadError> {
        Self::read(Bytes::BuiltIn(bytes), digest)
    }

    fn read(bytes: Bytes, digest: Digest) -> Result<Self, LoadError> {
        if bytes.len() > COMPONENT_BYTES_MAX {
            return Err(LoadError::TooLarge(bytes.len()));
        }
        let manifest = Manifest::of(&bytes)?;
        Ok(Self { bytes, manifest, digest, entry: Entry::Handler, passed_over: Arc::default() })
    }

    /// What it says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether it was made for the contract, and is the only tool of its component.
    pub fn is_ours(&self) -> bool {
        self.entry == Entry::Handler
    }

    /// Functions of the component that are no tools.
    pub fn passed_over(&self) -> &[PassedOver] {
        &self.passed_over
    }

    /// The digest of its bytes: what a pin names.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its bytes, as they were given.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A tool that can be called.
pub struct Tool {
    digest: Digest,
    manifest: Manifest,
    code: Code,
    pub(crate) entry: Entry,
    pub(crate) form: Form,
}

/// What there is to call.
pub(crate) enum Form {
    /// In this process.
    Here(Arc<Local>),
    /// In workers, which map this.
    Apart(Arc<Image>),
}

/// A tool in this process.
pub(crate) struct Local {
    // For calls with the usual stack.
    linked: Linked,
    // For all others.
    bytes: Bytes,
}

/// A component that is linked to what a tool gets.
#[derive(Clone)]
pub(crate) enum Linked {
    /// It has the handler of our contract.
    Ours(ToolPre<Guest>),
    /// It has functions of its own.
    Foreign(InstancePre<Guest>),
}

/// Where a tool's native code came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// It was compiled now.
    Compiled,
    /// It was kept from an earlier run, and verified.
    Kept,
}

/// Why a component is not a tool of ours.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is too large to be compiled here.
    #[error("the component has {0} bytes, the most is {COMPONENT_BYTES_MAX}")]
    TooLarge(usize),
    /// It does not say what it is.
    #[error("the component is not a tool")]
    Manifest(#[from] ManifestError),
    /// It is not valid, or uses a feature that guests do not get.
    #[error("the component cannot be compiled")]
    Invalid(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It has more memories or tables than a call gets.
    #[error(
        "the component has {memories} memories and {tables} tables, \
         the most are {MEMORIES_MAX} and {TABLES_MAX}"
    )]
    TooManyParts {
        /// Linear memories.
        memories: u32,
        /// Tables.
        tables: u32,
    },
    /// It wants what no tool gets.
    #[error(
        "the component imports {}, which no tool gets; a tool may import {}, and what \
         WASI 0.2 has for commands",
        list(imports),
        list(&OURS)
    )]
    Missing {
        /// The first few imports that we do not have.
        imports: Vec<String>,
    },
    /// Its machine code would be enormous.
    #[error("the component becomes {0} bytes of code, more than is kept")]
    TooMuchCode(u64),
    /// The process that compiles did not come to its end: the component is a bomb, or the machine
    /// is too small.
    #[error("the component cannot be compiled here: the compiler's process was lost: {0}")]
    Compiler(String),
    /// This machine cannot run the engine.
    #[error("cannot start the WebAssembly engine: {0}")]
    Engine(String),
    /// It does not export `handler`, or has our interfaces, but not as they are in this version.
    #[error("the component does not fit the world `{}`", crate::WORLD)]
    Mismatch(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It was not made for us, and there is nothing in it to call.
    #[error("the component is not a tool")]
    Foreign(#[from] ForeignError),
}

/// What a compiler found wrong with a component: plain data, since it may come from another
/// process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfitting {
    /// An error and its causes.
    Invalid(Vec<String>),
    TooManyParts {
        memories: u32,
        tables: u32,
    },
    Missing(Vec<String>),
    /// An error and its causes.
    Mismatch(Vec<String>),
    TooMuchCode(u64),
}

impl Sandbox {
    /// Checks a component and makes it callable, without running any of it.
    ///
    /// This compiles: milliseconds for a small component, seconds for an interpreter. Call it
    /// where it may block.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the component.
    pub fn load(&self, bytes: &[u8]) -> Result<Tool, LoadError> {
        self.load_described(&Described::new(bytes.to_vec())?)
    }

    /// The same for a component whose manifest was read before.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the component.
    pub fn load_described(&self, component: &Described) -> Result<Tool, LoadError> {
        let Described { bytes, manifest, digest, entry, passed_over: _ } = component;
        let (form, code) = match &self.place {
            Place::Here(wasm) => {
                let (linked, code) = self.linked(wasm, bytes, digest)?;
                (Form::Here(Arc::new(Local { linked, bytes: bytes.clone() })), code)
            }
            Place::Apart(apart) => {
                // Code is loaded to be called, or first of all compiled.
                apart.pool.expect();
                let (file, code) = self.file(apart, bytes, digest)?;
                (Form::Apart(Arc::new(Image { digest: *digest, file })), code)
            }
        };
        let (manifest, entry) = (manifest.clone(), entry.clone());
        Ok(Tool { digest: *digest, manifest, code, entry, form })
    }

    /// Whether code of a component is kept from earlier, so that loading it takes milliseconds. It is
    /// verified only when it is loaded.
    pub fn keeps(&self, component: &Described) -> bool {
        let engine = match &self.place {
            Place::Here(wasm) => Ok(&wasm.engine),
            Place::Apart(apart) => apart.engine(),
        };
        let name = engine.map(|engine| code_name(engine, &component.digest));
        self.kept.as_ref().zip(name.ok()).is_some_and(|(kept, name)| kept.has(&name))
    }

    /// The linked component: kept from earlier, or compiled now and kept for later.
    fn linked(
        &self,
        wasm: &Wasm,
        bytes: &[u8],
        digest: &Digest,
    ) -> Result<(Linked, Code), LoadError> {
        let name = code_name(&wasm.engine, digest);
        let kept = self.kept.as_ref().and_then(|kept| kept.load(&name));
        if let Some(component) = kept.and_then(|code| code.into_component(&wasm.engine)) {
            return Ok((link(wasm, &component)?, Code::Kept));
        }
        let component = from_binary(wasm, bytes)?;
        let linked = link_made(wasm, &component, bytes)?;
        // Only what is a tool: workers do not look again.
        if let Some(kept) = &self.kept
            && let Ok(code) = component.serialize()
        {
            // A full disk costs the next run a compilation, and this one nothing.
            drop(kept.store(&name, &code));
        }
        Ok((linked, Code::Compiled))
    }

    /// The same for workers: the code in a file that they can map.
    fn file(
        &self,
        apart: &Apart,
        bytes: &[u8],
        digest: &Digest,
    ) -> Result<(OwnedFd, Code), LoadError> {
        let engine = apart.engine().map_err(LoadError::Engine)?;
        let name = code_name(engine, digest);
        if let Some(file) = self.kept.as_ref().and_then(|kept| kept.load_for_workers(&name)) {
            return Ok((file, Code::Kept));
        }
        let compiler = |lost: Lost| LoadError::Compiler(lost.to_string());
        let file = apart.pool.compile(bytes).map_err(compiler)??;
        if let Some(kept) = &self.kept
            && let Ok(code) = compiled::content(&file)
        {
            drop(kept.store(&name, &code));
        }
        Ok((file, Code::Compiled))
    }
}

impl Local {
    /// The tool in an engine whose guests have so much stack. It is compiled again where that is
    /// not the usual one: an engine has one, and guests run here only to be measured or tested.
    pub(crate) fn with_stack(
        &self,
        usual: &Wasm,
        stack_bytes: u64,
    ) -> Result<(Engine, Linked), String> {
        if stack_bytes == usual.stack_bytes {
            return Ok((usual.engine.clone(), self.linked.clone()));
        }
        let allocator = match usual.memory {
            Memory::Pool => Allocator::Pool,
            Memory::OnDemand | Memory::NoPool(_) => Allocator::OnDemand,
        };
        let wasm = Wasm::new(allocator, 1, stack_bytes).map_err(|err| err.to_string())?;
        let linked = from_binary(&wasm, &self.bytes).and_then(|component| link(&wasm, &component));
        match linked {
            Ok(linked) => Ok((wasm.engine, linked)),
            Err(unfitting) => Err(LoadError::from(unfitting).to_string()),
        }
    }
}

/// What compiled code is kept under: the component, the contract it was checked against, the
/// engine, and all its settings.
fn code_name(engine: &Engine, component: &Digest) -> Digest {
    let mut settings = Fingerprint(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut settings);
    let settings = settings.0.finalize();
    let parts = [component.as_bytes(), CONTRACT.as_bytes(), &settings.as_bytes()[..]];
    Digest::derive("stepwell compiled code", &parts)
}

/// Compiles a component that fits; its code.
pub(crate) fn compile(wasm: &Wasm, bytes: &[u8]) -> Result<Vec<u8>, Unfitting> {
    let component = from_binary(wasm, bytes)?;
    drop(link_made(wasm, &component, bytes)?);
    let code = component.serialize().map_err(|err| Unfitting::Invalid(causes(&err)))?;
    let bytes = code.len() as u64;
    if bytes > compiled::CODE_BYTES_MAX { Err(Unfitting::TooMuchCode(bytes)) } else { Ok(code) }
}

fn from_binary(wasm: &Wasm, bytes: &[u8]) -> Result<Component, Unfitting> {
    let wrapped = match foreign::is_module(bytes) {
        true => Some(foreign::wrapped(bytes).map_err(|why| Unfitting::Invalid(vec![cut(why)]))?),
        false => None,
    };
    let component = Component::from_binary(&wasm.engine, wrapped.as_deref().unwrap_or(bytes))
        .map_err(|err| Unfitting::Invalid(causes(&err)))?;
    check_parts(&component)?;
    Ok(component)
}

/// Links a component to what a tool gets.
pub(crate) fn link(wasm: &Wasm, component: &Component) -> Result<Linked, Unfitting> {
    check_parts(component)?;
    let linked = wasm.linker.instantiate_pre(component).map_err(|err| {
        let imports = missing(wasm, component);
        if imports.is_empty() {
            Unfitting::Mismatch(causes(&err))
        } else {
            Unfitting::Missing(imports)
        }
    })?;
    let about = component.component_type();
    let is_handler = |name: &str| name.split('@').next() == Some(HANDLER);
    if about.exports(&wasm.engine).any(|(name, _)| is_handler(name)) {
        ours(linked).map(Linked::Ours)
    } else {
        Ok(Linked::Foreign(linked))
    }
}

/// The same for one that was compiled now; what says that it is one of ours must be.
fn link_made(wasm: &Wasm, component: &Component, bytes: &[u8]) -> Result<Linked, Unfitting> {
    match link(wasm, component)? {
        Linked::Foreign(linked) if Manifest::of(bytes).is_ok() => ours(linked).map(Linked::Ours),
        linked @ (Linked::Ours(_) | Linked::Foreign(_)) => Ok(linked),
    }
}

fn ours(linked: InstancePre<Guest>) -> Result<ToolPre<Guest>, Unfitting> {
    ToolPre::new(linked).map_err(|err| Unfitting::Mismatch(causes(&err)))
}

fn missing(wasm: &Wasm, component: &Component) -> Vec<String> {
    let about = component.component_type();
    let names = about.imports(&wasm.engine).map(|(name, _)| name);
    let foreign = names.filter(|name| {
        let (interface, _version) = name.split_once('@').unwrap_or((name, ""));
        !OURS.contains(&interface) && !wasi::INTERFACES.contains(&interface)
    });
    foreign.take(MISSING_MAX).map(|name| cut(name.escape_debug().to_string())).collect()
}

/// A component's words, cut to what a person reads.
fn cut(mut words: String) -> String {
    truncate(&mut words, CAUSE_BYTES_MAX);
    words
}

/// An error and its causes, each in its own words.
fn causes(err: &wasmtime::Error) -> Vec<String> {
    err.chain().take(CAUSES_MAX).map(|err| cut(err.to_string())).collect()
}

/// An error that came as words.
#[derive(Debug)]
struct Told {
    words: String,
    cause: Option<Box<Self>>,
}

impl Told {
    fn new(causes: Vec<String>) -> Box<Self> {
        let words = causes.into_iter().rev();
        let told = words.fold(None, |cause, words| Some(Box::new(Self { words, cause })));
        told.unwrap_or_else(|| Box::new(Self { words: "nobody knows why".to_owned(), cause: None }))
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Told {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl From<Unfitting> for LoadError {
    fn from(unfitting: Unfitting) -> Self {
        match unfitting {
            Unfitting::Invalid(causes) => Self::Invalid(Told::new(causes)),
            Unfitting::TooManyParts { memories, tables } => Self::TooManyParts { memories, tables },
            Unfitting::Missing(imports) => Self::Missing { imports },
            Unfitting::Mismatch(causes) => Self::Mismatch(Told::new(causes)),
            Unfitting::TooMuchCode(bytes) => Self::TooMuchCode(bytes),
        }
    }
}

impl Tool {
    /// The digest of the component's bytes: what a pin names.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What it says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Another tool of the same component, with the same code.
    ///
    /// Nothing when it is one of another component.
    #[must_use]
    pub fn sibling(&self, other: &Described) -> Option<Self> {
        let form = match &self.form {
            Form::Here(local) => Form::Here(Arc::clone(local)),
            Form::Apart(image) => Form::Apart(Arc::clone(image)),
        };
        let Described { manifest, digest, entry, bytes: _, passed_over: _ } = other.clone();
        let code = self.code;
        (digest == self.digest).then_some(Self { digest, manifest, code, entry, form })
    }

    /// Where its native code came from.
    pub fn code(&self) -> Code {
        self.code
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool")
            .field("name", &self.manifest.name)
            .field("digest", &self.digest)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// A pool refuses these itself; memory on demand must not differ.
fn check_parts(component: &Component) -> Result<(), Unfitting> {
    // Nothing known means it imports core modules, and linking will refuse that.
    let Some(needs) = component.resources_required() else { return Ok(()) };
    let (memories, tables) = (needs.num_memories, needs.num_tables);
    if memories > MEMORIES_MAX || tables > TABLES_MAX {
        return Err(Unfitting::TooManyParts { memories, tables });
    }
    Ok(())
}

fn list(names: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    quoted.join(", ")
}

/// Feeds what is hashed to BLAKE3, whole.
struct Fingerprint(blake3::Hasher);

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = *self.0.finalize().as_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}
