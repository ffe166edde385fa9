//! From what a toolchain leaves to a component that says what it is.

use std::path::Path;

use sandbox::{Described, Manifest};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasm_encoder::{ComponentSection as _, CustomSection};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::problem::AuthoringProblem;

/// Where the host looks for what a tool says of itself.
const MANIFEST_SECTION: &str = "stepwell:tool";
/// The section that a toolchain with bindings has put the contract in.
const TYPES_SECTION: &str = "component-type";
/// How a core module begins; a component differs in the version.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";
/// The world of `wit/tool.wit`.
const TOOL_WORLD: &str = "tool";

/// A component of `built`: a core module that speaks the contract, and the older WASI if it likes, or
/// a component already. `wit` is the folder of the contract that the tool was written against.
pub(super) fn wrapped(built: Vec<u8>, wit: &Path) -> Result<Vec<u8>, AuthoringProblem> {
    if !built.starts_with(CORE_MODULE) {
        return Ok(built);
    }
    encoded(built, wit)
        .map_err(|why| AuthoringProblem::NotWrapped { why: why.trim_end().to_owned() })
}

fn encoded(mut module: Vec<u8>, wit: &Path) -> Result<Vec<u8>, String> {
    let says = |err: &dyn std::fmt::Display| format!("{err:#}");
    if !contains(&module, TYPES_SECTION.as_bytes()) {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path(wit).map_err(|err| says(&err))?;
        let world = resolve.select_world(&[package], Some(TOOL_WORLD)).map_err(|err| says(&err))?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .map_err(|err| says(&err))?;
    }
    let encoder = ComponentEncoder::default().module(&module).map_err(|err| says(&err))?;
    let encoder = encoder
        .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)
        .map_err(|err| says(&err))?;
    encoder.validate(true).encode().map_err(|err| says(&err))
}

fn contains(bytes: &[u8], name: &[u8]) -> bool {
    bytes.windows(name.len()).any(|window| window == name)
}

/// The component with its manifest, read as the host reads it. `manifest` is the file of a tool whose
/// language does not write one into the component itself.
pub(super) fn described(
    component: Vec<u8>,
    manifest: Option<(&Path, &str)>,
) -> Result<Described, AuthoringProblem> {
    let Some((path, text)) = manifest else {
        return Described::new(component)
            .map_err(|err| AuthoringProblem::NotWrapped { why: causes(&err) });
    };
    let bad = |why: String| AuthoringProblem::BadManifest { path: path.to_owned(), why };
    let manifest: Manifest = serde_json::from_str(text).map_err(|err| bad(err.to_string()))?;
    let json = serde_json::to_vec(&manifest).map_err(|err| bad(err.to_string()))?;
    Described::new(with_section(component, &json)).map_err(|err| bad(causes(&err)))
}

fn causes(err: &dyn std::error::Error) -> String {
    match err.source() {
        Some(source) => format!("{err}: {source}"),
        None => err.to_string(),
    }
}

/// A component with one more custom section at its end.
fn with_section(mut component: Vec<u8>, data: &[u8]) -> Vec<u8> {
    let section = CustomSection { name: MANIFEST_SECTION.into(), data: data.into() };
    section.append_to_component(&mut component);
    component
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_manifest_comes_back_as_it_was_written(description in "\\PC{1,400}") {
            let manifest = serde_json::json!({
                "name": "a", "description": description, "schema": { "type": "object" },
            });
            let empty = b"\0asm\x0d\0\x01\0".to_vec();
            let text = manifest.to_string();
            let made = described(empty, Some((Path::new("tool.json"), &text))).unwrap();
            prop_assert_eq!(&made.manifest().description, &description);
        }
    }
}
