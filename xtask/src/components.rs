//! The tools that `stepwell` carries: from crates to components in `target/components`.
//!
//! One by one, so that what a tool is made of never depends on its neighbours; with every path of
//! this machine mapped away, so that the same source gives the same bytes everywhere. A file is
//! written only when its bytes change: who embeds it is not built again for nothing.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;
use wit_component::ComponentEncoder;

use crate::command::{cargo, output, run, say};
use crate::wasm_std::{self, TARGET};
use crate::{check, places};

/// Where tools are written, and where in `target/components` they go.
const WORKSPACES: [(&str, &str); 4] = [
    ("plugins", ""),
    ("examples/custom-tool", "examples"),
    ("examples/custom-gate", "gates"),
    ("benches/guest", "benches"),
];

/// Builds and wraps what is not up to date.
pub(crate) fn build() -> Result<()> {
    let flags = flags()?;
    for (workspace, shelf) in WORKSPACES {
        let shelf = places::root().join("target/components").join(shelf);
        fs::create_dir_all(&shelf)?;
        let guests = guests(workspace)?;
        for guest in &guests {
            let core = guest.compile(workspace, &flags)?;
            wrap(&core, &shelf.join(guest.file()))
                .with_context(|| format!("`{}` does not become a component", guest.package))?;
        }
        sweep(&shelf, &guests)?;
    }
    Ok(())
}

/// Lints what only a guest compiles.
pub(crate) fn lint() -> Result<()> {
    let flags = flags()?;
    for (workspace, _) in WORKSPACES {
        let mut clippy = guest_cargo("clippy", workspace);
        clippy.args(["--quiet", "--locked", "--lib", "--target", TARGET]);
        let clippy = wasm_std::guest_env(&mut clippy);
        let clippy = clippy.env("CARGO_ENCODED_RUSTFLAGS", wasm_std::encoded(&flags));
        run(clippy.args(["--", "--deny", "warnings"]))?;
    }
    Ok(())
}

/// Cargo for a workspace of guests, as native code, with one target folder for them all.
pub(crate) fn guest_cargo(verb: &str, workspace: &str) -> Command {
    let mut command = cargo(&[verb, "--manifest-path", &check::manifest(workspace)]);
    command.arg("--target-dir").arg(places::guest_target());
    command
}

/// The compiler's flags for guests: their standard library, and nothing written down of where the
/// compiler ran.
fn flags() -> Result<Vec<OsString>> {
    let mut flags = wasm_std::flags()?;
    if places::registry_sources().is_empty() {
        // Only what is there has a path to map away.
        for (workspace, _) in WORKSPACES {
            run(&mut cargo(&[
                "fetch",
                "--locked",
                "--manifest-path",
                &check::manifest(workspace),
            ]))?;
        }
    }
    flags.extend(wasm_std::remap(&places::root(), "/stepwell"));
    flags.extend(wasm_std::registry_remaps("/registry"));
    Ok(flags)
}

/// A crate that becomes a component.
#[derive(Debug, PartialEq, Eq)]
struct Guest {
    package: String,
    library: String,
}

impl Guest {
    /// A tool's file bears its name, and names of tools have no dashes.
    fn file(&self) -> String {
        format!("{}.wasm", self.package.replace('-', "_"))
    }

    /// The core module.
    fn compile(&self, workspace: &str, flags: &[OsString]) -> Result<PathBuf> {
        let mut build = guest_cargo("build", workspace);
        build.args(["--quiet", "--locked", "--release", "--target", TARGET]);
        build.args(["--package", &self.package]);
        let build = wasm_std::guest_env(&mut build);
        run(build.env("CARGO_ENCODED_RUSTFLAGS", wasm_std::encoded(flags)))?;
        Ok(places::guest_target()
            .join(TARGET)
            .join("release")
            .join(format!("{}.wasm", self.library)))
    }
}

/// What of `cargo metadata` is looked at.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

fn guests(workspace: &str) -> Result<Vec<Guest>> {
    let manifest = check::manifest(workspace);
    let args = ["metadata", "--no-deps", "--format-version", "1", "--manifest-path", &manifest];
    let metadata: Metadata = serde_json::from_str(&output(&mut cargo(&args))?)?;
    Ok(guests_in(metadata))
}

fn guests_in(metadata: Metadata) -> Vec<Guest> {
    let guest = |package: Package| {
        let library = |target: &Target| target.kind.iter().any(|kind| kind == "cdylib");
        let target = package.targets.into_iter().find(library)?;
        Some(Guest { package: package.name, library: target.name.replace('-', "_") })
    };
    metadata.packages.into_iter().filter_map(guest).collect()
}

/// Wraps a core module. Cheap enough to do each time: what is compared is what counts.
fn wrap(core: &Path, component: &Path) -> Result<()> {
    let module = fs::read(core).with_context(|| format!("cannot read {}", core.display()))?;
    let bytes = ComponentEncoder::default().module(&module)?.validate(true).encode()?;
    if fs::read(component).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let name = component.file_name().unwrap_or_default().display();
    say(&format!("{name}: {} KB", bytes.len().div_ceil(1000)));
    // Written beside it and renamed: a build that reads it meanwhile sees the old or the new.
    let fresh = component.with_extension("wasm.new");
    fs::write(&fresh, bytes)?;
    fs::rename(&fresh, component)?;
    Ok(())
}

/// Takes away what no crate stands for any more: it would be embedded all the same.
fn sweep(shelf: &Path, guests: &[Guest]) -> Result<()> {
    for file in shelf.read_dir()?.flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if name.ends_with(".wasm") && !guests.iter().any(|guest| guest.file() == name) {
            fs::remove_file(file.path())?;
        }
    }
    Ok(())
}
