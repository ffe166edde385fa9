//! Core modules of the older WASI: programs, made components by the adapter that wasmtime's people
//! keep for them. That is done where components are compiled, behind the walls.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use super::{ForeignError, invalid, missing};
use crate::tool::{LoadError, MISSING_MAX};

/// How a core module begins (core specification, "Binary Format: Modules"); a component differs in
/// the version.
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// What a program exports to be run.
const START: &str = "_start";

/// Whether these bytes are a core module.
pub(crate) fn is_module(bytes: &[u8]) -> bool {
    bytes.starts_with(MODULE)
}

/// Whether a core module is a program that the adapter makes a component of.
pub(super) fn check(module: &[u8]) -> Result<(), LoadError> {
    let (mut starts, mut foreign) = (false, Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.map_err(invalid)?;
        if let Payload::ImportSection(section) = payload {
            for import in section.into_imports() {
                let import = import.map_err(invalid)?;
                let known = import.module == WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME;
                if !known && foreign.len() < MISSING_MAX {
                    foreign.push(
                        format!("{}#{}", import.module, import.name).escape_debug().to_string(),
                    );
                }
            }
        } else if let Payload::ExportSection(section) = payload {
            for export in section {
                starts |= export.map_err(invalid)?.name == START;
            }
        }
    }
    match (foreign.is_empty(), starts) {
        (false, _) => Err(missing(foreign)),
        (true, true) => Ok(()),
        (true, false) => Err(ForeignError::NoCommand.into()),
    }
}

/// The component of a core module.
pub(crate) fn wrapped(module: &[u8]) -> Result<Vec<u8>, String> {
    let says = |err: &dyn std::fmt::Display| format!("{err:#}");
    let encoder = ComponentEncoder::default().module(module).map_err(|err| says(&err))?;
    let adapter = WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER;
    let encoder =
        encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter).map_err(|err| says(&err))?;
    encoder.validate(true).encode().map_err(|err| says(&err))
}
