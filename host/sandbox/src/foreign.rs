//! Components that were not made for us: which tools they are, read without running or compiling them.
//!
//! A function that a component exports, by itself or in an interface, is a tool; one that exports
//! `wasi:cli/run` is a command, and so is a core module of the older WASI with a `_start`. They get
//! what every tool gets, which is no more than a view of the repository.

mod call;
mod command;
mod docs;
mod names;

use wasmparser::component_types::{ComponentEntityType, ComponentFuncType, ComponentFuncTypeId};
use wasmparser::types::{Types, TypesRef};
use wasmparser::{Parser, Payload, ValidPayload, Validator, WasmFeatures};

use crate::manifest::{DESCRIPTION_BYTES_MAX, MANIFEST_BYTES_MAX, Manifest};
use crate::shape::{ShapeError, Signature};
use crate::tool::{HANDLER, LoadError, MISSING_MAX};
pub(crate) use call::enter;
pub(crate) use command::{is_module, wrapped};
use docs::Docs;
use names::Names;

/// Functions of one component that become tools. Models are offered a hundred tools or so at most.
const FUNCTIONS_MAX: usize = 64;

/// Functions that are named as no tools.
const PASSED_OVER_MAX: usize = 64;

/// Exports that are looked at, those in interfaces among them.
const EXPORTS_MAX: usize = 1024;

/// Functions that a toolchain leaves in each component it makes: their interface and name, some of
/// their parameters by which they are known, and whose they are.
const HOOKS: [(Option<&str>, &str, [&str; 2], &str); 2] = [
    (None, "init", ["shim", "script"], "componentize-qjs"),
    (Some("exports"), "init", ["app-name", "symbols"], "componentize-py"),
];

/// The interface of a command.
pub(crate) const RUN: &str = "wasi:cli/run";

/// What of a component a tool is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Entry {
    /// The handler of our contract.
    #[default]
    Handler,
    /// A program: JSON on standard input, the answer on standard output.
    Command,
    /// A function, and the interface that it is in.
    Function { interface: Option<String>, name: String },
}

/// A function that is no tool, and why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// As the component calls it, with its interface: untrusted text.
    pub name: String,
    /// What keeps JSON from calling it.
    pub why: ShapeError,
}

/// Why there is nothing to call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    /// It has no function at all.
    #[error("it exports no function, neither `wasi:cli/run` nor one that JSON could call")]
    NoFunction,
    /// It has functions, and none of them can be called with JSON.
    #[error("none of its functions can be called with JSON: `{}`: {}", .0.name, .0.why)]
    NoneFits(PassedOver),
    /// It has more than a model should be offered.
    #[error("it exports more than {FUNCTIONS_MAX} functions")]
    TooMany,
    /// It is a module that is no program.
    #[error(
        "it is a core module without `_start`, so no program; make it a component first \
         (`wasm-tools component new`)"
    )]
    NoCommand,
}

/// The tools of a component.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) tools: Vec<(Manifest, Entry)>,
    pub(crate) passed_over: Vec<PassedOver>,
}

/// Finds the tools of a component or a core module without a manifest. `called` is what a command
/// is named after, which has no other name.
pub(crate) fn tools(bytes: &[u8], called: &str) -> Result<Found, LoadError> {
    if is_module(bytes) {
        command::check(bytes)?;
        return Ok(Found { tools: vec![command(called)], passed_over: Vec::new() });
    }
    let Outside { types, exports, docs } = outside(bytes)?;
    let types = types.as_ref();
    let functions = functions(types, &exports)?;
    if functions.iter().any(|function| function.is_handler()) {
        // It was made for us, and has lost its manifest.
        return Err(crate::ManifestError::Missing.into());
    }
    if functions.iter().any(Exported::is_run) {
        return Ok(Found { tools: vec![command(called)], passed_over: Vec::new() });
    }
    let mut found = Found { tools: Vec::new(), passed_over: Vec::new() };
    let names = Names::of(functions.iter().map(|one| (one.interface, one.name)));
    for function in &functions {
        match tool(types, function, &docs, names.called(function.interface, function.name)) {
            Ok(tool) if found.tools.len() < FUNCTIONS_MAX => found.tools.push(tool),
            Ok(_) => return Err(ForeignError::TooMany.into()),
            Err(why) if found.passed_over.len() < PASSED_OVER_MAX => {
                found.passed_over.push(PassedOver { name: function.full_name(), why });
            }
            Err(_) => {}
        }
    }
    match (found.tools.is_empty(), found.passed_over.first()) {
        (false, _) => Ok(found),
        (true, Some(first)) => Err(ForeignError::NoneFits(first.clone()).into()),
        (true, None) => Err(ForeignError::NoFunction.into()),
    }
}

/// What a validator knows of a component.
struct Outside {
    types: Types,
    exports: Vec<String>,
    docs: Docs,
}

/// Reads the types of a component. What its functions do is not looked at: that is checked where it
/// is compiled.
fn outside(bytes: &[u8]) -> Result<Outside, LoadError> {
    let mut validator = Validator::new_with_features(WasmFeatures::default());
    let (mut exports, mut docs, mut depth) = (Vec::new(), Docs::default(), 0_usize);
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(invalid)?;
        if matches!(payload, Payload::Version { .. }) {
            depth += 1;
        } else if let Payload::ComponentExportSection(section) = &payload
            && depth == 1
        {
            for export in section.clone() {
                exports.push(export.map_err(invalid)?.name.name.to_owned());
            }
        } else if let Payload::CustomSection(section) = &payload
            && section.name() == docs::SECTION
            && depth == 1
        {
            docs = Docs::parse(section.data());
        }
        let is_end = matches!(payload, Payload::End(_));
        match validator.payload(&payload).map_err(invalid)? {
            ValidPayload::End(types) if depth == 1 => return Ok(Outside { types, exports, docs }),
            ValidPayload::Ok
            | ValidPayload::Parser(_)
            | ValidPayload::Func(..)
            | ValidPayload::End(_) => {}
        }
        depth -= usize::from(is_end);
    }
    Err(ForeignError::NoFunction.into())
}

fn invalid(err: wasmparser::BinaryReaderError) -> LoadError {
    LoadError::Invalid(Box::new(err))
}

/// A function that a component exports.
struct Exported<'a> {
    interface: Option<&'a str>,
    name: &'a str,
    ty: ComponentFuncTypeId,
}

/// All functions, in the component's own order.
fn functions<'a>(
    types: TypesRef<'a>,
    exports: &'a [String],
) -> Result<Vec<Exported<'a>>, LoadError> {
    let mut functions = Vec::new();
    let mut looked_at = 0;
    let mut look = || {
        looked_at += 1;
        if looked_at > EXPORTS_MAX { Err(LoadError::from(ForeignError::TooMany)) } else { Ok(()) }
    };
    for export in exports {
        look()?;
        match types.component_item_for_export(export).map(|item| item.ty) {
            Some(ComponentEntityType::Func(ty)) => {
                functions.push(Exported { interface: None, name: export, ty });
            }
            Some(ComponentEntityType::Instance(instance)) => {
                let Some(instance) = types.get(instance) else { continue };
                for (name, item) in &instance.exports {
                    look()?;
                    if let ComponentEntityType::Func(ty) = item.ty {
                        functions.push(Exported { interface: Some(export), name, ty });
                    }
                }
            }
            Some(
                ComponentEntityType::Module(_)
                | ComponentEntityType::Value(_)
                | ComponentEntityType::Type { .. }
                | ComponentEntityType::Component(_),
            )
            | None => {}
        }
    }
    Ok(functions)
}

impl Exported<'_> {
    fn interface_without_version(&self) -> Option<&str> {
        self.interface.and_then(|interface| interface.split('@').next())
    }

    fn is_handler(&self) -> bool {
        self.interface_without_version() == Some(HANDLER)
    }

    fn is_run(&self) -> bool {
        self.interface_without_version() == Some(RUN) && self.name == "run"
    }

    fn full_name(&self) -> String {
        names::full(self.interface, self.name)
    }

    /// The toolchain whose hook it is.
    fn hook_of(&self, ty: &ComponentFuncType) -> Option<&'static str> {
        let takes = |wanted: &&str| ty.params.iter().any(|(name, _)| name.as_str() == *wanted);
        let is_this = |(interface, name, params, _): &&(Option<&str>, &str, [&str; 2], &str)| {
            self.interface == *interface && self.name == *name && params.iter().all(takes)
        };
        HOOKS.iter().find(is_this).map(|(.., toolchain)| *toolchain)
    }
}

/// The tool that a function is.
fn tool(
    types: TypesRef<'_>,
    function: &Exported<'_>,
    docs: &Docs,
    name: String,
) -> Result<(Manifest, Entry), ShapeError> {
    // `[method]…`, `[constructor]…`: they are about a resource, even where they take none.
    if function.name.starts_with('[') {
        return Err(ShapeError::NoJson("resource"));
    }
    let ty = types.get(function.ty).ok_or(ShapeError::Unknown)?;
    if let Some(toolchain) = function.hook_of(ty) {
        return Err(ShapeError::Hook(toolchain));
    }
    let signature = Signature::parsed(types, ty)?;
    let schema = signature.params.schema();
    // Its names are counted already; what a schema says around them is not.
    if schema.to_string().len() > MANIFEST_BYTES_MAX {
        return Err(ShapeError::TooLarge);
    }
    let written = docs.of(function.interface, function.name);
    let description = written.unwrap_or_else(|| {
        format!(
            "The function `{}` of a component; nothing more is said of it.",
            function.full_name()
        )
    });
    let manifest = Manifest { name, description, schema, grants: None, gate: false };
    let entry = Entry::Function {
        interface: function.interface.map(str::to_owned),
        name: function.name.to_owned(),
    };
    Ok((manifest, entry))
}

/// The tool that a command is.
fn command(called: &str) -> (Manifest, Entry) {
    let description = "A command: it is given the input, as JSON, on its standard input, and what it \
                       prints is its answer. Nothing more is said of it.";
    let manifest = Manifest {
        name: names::command(called),
        description: description.to_owned(),
        schema: serde_json::json!({ "type": "object" }),
        grants: None,
        gate: false,
    };
    (manifest, Entry::Command)
}

/// Words of a component for people and models: no control characters, and not more than they read.
fn cleaned(text: &str) -> String {
    let bad = |letter: char| letter.is_control() && letter != '\n' && letter != '\t';
    let mut text: String = text.trim().chars().filter(|letter| !bad(*letter)).collect();
    crate::guest::truncate(&mut text, DESCRIPTION_BYTES_MAX);
    text
}

impl Entry {
    /// The entry as a worker is told it.
    pub(crate) fn to_words(&self) -> (u8, &str, &str) {
        match self {
            Self::Handler => (0, "", ""),
            Self::Command => (1, "", ""),
            Self::Function { interface, name } => {
                (if interface.is_some() { 3 } else { 2 }, interface.as_deref().unwrap_or(""), name)
            }
        }
    }

    /// The entry that these words are.
    pub(crate) fn from_words(kind: u8, interface: String, name: String) -> Option<Self> {
        match kind {
            0 => Some(Self::Handler),
            1 => Some(Self::Command),
            2 => Some(Self::Function { interface: None, name }),
            3 => Some(Self::Function { interface: Some(interface), name }),
            _ => None,
        }
    }
}

/// Imports of a core module that the adapter does not answer.
fn missing(imports: Vec<String>) -> LoadError {
    let imports = imports.into_iter().take(MISSING_MAX).collect();
    LoadError::Missing { imports }
}
