//! What a component wants of the world around it, and what it offers: read without running it.

use wasmparser::{Parser, Payload};

use crate::manifest::ManifestError;
use crate::tool::{Described, HANDLER, OURS};
use crate::wasi;

/// Names of imports and exports that are read. The largest known component, an interpreter, imports
/// 38; what comes after these is counted, and makes no tool.
const NAMES_MAX: usize = 256;

/// The module that programs of the older WASI import; an adapter answers it with the newer one.
const OLDER_WASI: &str = "wasi_snapshot_preview1";

/// The outside of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surface {
    /// What it imports, in its own order: the first [`NAMES_MAX`] at most.
    pub imports: Vec<Import>,
    /// What it exports, in its own order.
    pub exports: Vec<String>,
    /// Imports and exports that are not listed.
    pub unlisted: usize,
}

/// Something that a component imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// As the component calls it: untrusted text.
    pub name: String,
    /// Who would answer.
    pub origin: Origin,
}

/// Who answers an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The contract, `wit/tool.wit`.
    Contract,
    /// The virtual WASI.
    Wasi,
    /// Nobody: a component that imports it is not loaded.
    Nobody,
}

impl Described {
    /// What the component imports and exports.
    ///
    /// # Errors
    ///
    /// When its bytes end early, or are not WebAssembly.
    pub fn surface(&self) -> Result<Surface, ManifestError> {
        let mut surface = Surface::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(self.bytes()) {
            let payload = payload.map_err(|err| unreadable(&err))?;
            if matches!(payload, Payload::Version { .. }) {
                depth += 1;
            } else if matches!(payload, Payload::End(_)) {
                depth = depth.saturating_sub(1);
            } else if depth == 1 {
                surface.note(payload)?;
            }
        }
        Ok(surface)
    }
}

impl Surface {
    fn note(&mut self, payload: Payload<'_>) -> Result<(), ManifestError> {
        if let Payload::ComponentImportSection(section) = payload {
            for import in section {
                let name = import.map_err(|err| unreadable(&err))?.name.name.to_owned();
                if self.has_room() {
                    self.imports.push(Import { origin: Origin::of(&name), name });
                }
            }
        } else if let Payload::ImportSection(section) = payload {
            // Of a program of the older WASI: functions, each with the name of its module.
            for import in section.into_imports() {
                let name = import.map_err(|err| unreadable(&err))?.module.to_owned();
                if self.imports.iter().all(|other| other.name != name) && self.has_room() {
                    self.imports.push(Import { origin: Origin::of(&name), name });
                }
            }
        } else if let Payload::ComponentExportSection(section) = payload {
            for export in section {
                let name = export.map_err(|err| unreadable(&err))?.name.name.to_owned();
                if self.has_room() {
                    self.exports.push(name);
                }
            }
        }
        Ok(())
    }

    fn has_room(&mut self) -> bool {
        let room = self.imports.len() + self.exports.len() < NAMES_MAX;
        self.unlisted += usize::from(!room);
        room
    }

    /// Whether it exports the one interface that makes a tool.
    pub fn has_handler(&self) -> bool {
        let handler = |name: &String| name.split('@').next() == Some(HANDLER);
        self.exports.iter().any(handler)
    }
}

impl Origin {
    fn of(name: &str) -> Self {
        let (interface, _version) = name.split_once('@').unwrap_or((name, ""));
        if OURS.contains(&interface) {
            Self::Contract
        } else if wasi::INTERFACES.contains(&interface) || interface == OLDER_WASI {
            Self::Wasi
        } else {
            Self::Nobody
        }
    }
}

fn unreadable(err: &wasmparser::BinaryReaderError) -> ManifestError {
    ManifestError::NotAComponent(err.to_string())
}
