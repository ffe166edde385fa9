//! A component that was checked and is ready to be called. Whatever can be found wrong with it
//! without running it is found here.

use std::fmt;
use std::hash::{Hash, Hasher};

use snapshot::Digest;
use wasmtime::component::Component;

use crate::bindings::ToolPre;
use crate::ceiling::{MEMORIES_MAX, TABLES_MAX};
use crate::engine::Sandbox;
use crate::guest::Guest;
use crate::manifest::{Manifest, ManifestError};

/// Bytes of a component. The largest known, an interpreter with a script, has 18 MB.
pub const COMPONENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Imports that are named when a component asks for what we do not have.
const MISSING_MAX: usize = 8;

/// The interfaces we have, without their version.
const OURS: [&str; 2] = ["stepwell:tool/repository", "stepwell:tool/log"];

/// A tool that can be called.
pub struct Tool {
    digest: Digest,
    manifest: Manifest,
    code: Code,
    pub(crate) linked: ToolPre<Guest>,
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
        "the component imports {}, which no tool gets; a tool may import {}",
        list(imports),
        list(&OURS)
    )]
    Missing {
        /// The first few imports that we do not have.
        imports: Vec<String>,
    },
    /// It does not export `handler`, or has our interfaces, but not as they are in this version.
    #[error("the component does not fit the world `{}`", crate::WORLD)]
    Mismatch(#[source] Box<dyn std::error::Error + Send + Sync>),
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
        if bytes.len() > COMPONENT_BYTES_MAX {
            return Err(LoadError::TooLarge(bytes.len()));
        }
        let manifest = Manifest::of(bytes)?;
        let digest = Digest::of(bytes);
        let (component, code) = self.component(bytes, &digest)?;
        check_parts(&component)?;
        let linked = self.link(&component)?;
        Ok(Tool { digest, manifest, code, linked })
    }

    /// The compiled component: kept from earlier, or made now and kept for later.
    fn component(&self, bytes: &[u8], digest: &Digest) -> Result<(Component, Code), LoadError> {
        let name = self.code_name(digest);
        let kept = self.kept.as_ref().and_then(|kept| kept.load(&name));
        if let Some(component) = kept.and_then(|code| code.into_component(&self.engine)) {
            return Ok((component, Code::Kept));
        }
        let invalid = |err: wasmtime::Error| LoadError::Invalid(err.into_boxed_dyn_error());
        let component = Component::from_binary(&self.engine, bytes).map_err(invalid)?;
        if let Some(kept) = &self.kept
            && let Ok(code) = component.serialize()
        {
            // A full disk costs the next run a compilation, and this one nothing.
            drop(kept.store(&name, &code));
        }
        Ok((component, Code::Compiled))
    }

    /// What compiled code is kept under: the component, the engine, and all its settings.
    fn code_name(&self, component: &Digest) -> Digest {
        let mut engine = Fingerprint(blake3::Hasher::new());
        self.engine.precompile_compatibility_hash().hash(&mut engine);
        let engine = engine.0.finalize();
        Digest::derive("stepwell compiled code", &[component.as_bytes(), engine.as_bytes()])
    }

    fn link(&self, component: &Component) -> Result<ToolPre<Guest>, LoadError> {
        let mismatch = |err: wasmtime::Error| LoadError::Mismatch(err.into_boxed_dyn_error());
        let linked = self.linker.instantiate_pre(component).map_err(|err| {
            let imports = self.missing(component);
            if imports.is_empty() { mismatch(err) } else { LoadError::Missing { imports } }
        })?;
        ToolPre::new(linked).map_err(mismatch)
    }

    fn missing(&self, component: &Component) -> Vec<String> {
        let about = component.component_type();
        let names = about.imports(&self.engine).map(|(name, _)| name);
        let foreign = names.filter(|name| {
            let (interface, _version) = name.split_once('@').unwrap_or((name, ""));
            !OURS.contains(&interface)
        });
        foreign.take(MISSING_MAX).map(|name| name.escape_debug().to_string()).collect()
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
fn check_parts(component: &Component) -> Result<(), LoadError> {
    // Nothing known means it imports core modules, and linking will refuse that.
    let Some(needs) = component.resources_required() else { return Ok(()) };
    let (memories, tables) = (needs.num_memories, needs.num_tables);
    if memories > MEMORIES_MAX || tables > TABLES_MAX {
        return Err(LoadError::TooManyParts { memories, tables });
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
