//! `stepwell tool build`: a tool's folder becomes a component, compiled for this machine.

use std::fs;
use std::path::Path;
use std::time::Instant;

use serde_json::json;

use super::component;
use super::subject::BUILD;
use crate::args::{Language, ToolBuildArgs};
use crate::commands::{pretty, print};
use crate::problem::Problem;
use crate::say::note;
use crate::wiring;

/// The manifest of a tool whose language writes none.
const MANIFEST: &str = "tool.json";

/// Builds.
pub(super) fn build(args: &ToolBuildArgs) -> Result<u8, Problem> {
    let dir = args.dir.as_path();
    let language = Language::of(dir)?;
    note(&format!("building {} in {}", dir.display(), language.name()));
    let began = Instant::now();
    let built = language.compile(dir)?;
    let wrapped = component::wrapped(built, &dir.join("wit"))?;
    let manifest = if language.writes_manifest() { None } else { Some(read_manifest(dir)?) };
    let path = dir.join(MANIFEST);
    let described = component::described(wrapped, manifest.as_deref().map(|text| (&*path, text)))?;
    let name = described.manifest().name.clone();
    let file = dir.join(BUILD).join(format!("{name}.wasm"));
    sweep(&dir.join(BUILD));
    fs::write(&file, described.bytes()).map_err(|source| Problem::File {
        what: "write",
        path: file.clone(),
        source,
    })?;
    let built_ms = began.elapsed().as_millis();
    note(&format!("compiling {name} for this machine, so that no call has to"));
    let began = Instant::now();
    let bad = |source| Problem::BadComponent { name: file.display().to_string(), source };
    wiring::sandbox(1)?.load_described(&described).map_err(bad)?;
    let compiled_ms = began.elapsed().as_millis();
    let bytes = described.bytes().len();
    if args.json {
        let shown = json!({
            "tool": name,
            "language": language.name(),
            "component": file,
            "digest": described.digest().to_string(),
            "bytes": bytes,
            "built_ms": built_ms,
            "compiled_ms": compiled_ms,
        });
        print(&pretty(&shown));
    } else {
        print(&format!(
            "{}: {bytes} bytes, built in {built_ms} ms, compiled in {compiled_ms} ms",
            file.display()
        ));
    }
    Ok(0)
}

fn read_manifest(dir: &Path) -> Result<String, Problem> {
    let path = dir.join(MANIFEST);
    fs::read_to_string(&path).map_err(|source| Problem::File { what: "read", path, source })
}

/// Takes away what was built before, maybe under another name.
fn sweep(build: &Path) {
    for entry in fs::read_dir(build).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|end| end == "wasm") {
            // What stays is named by the next command that finds two.
            fs::remove_file(entry.path()).ok();
        }
    }
}
