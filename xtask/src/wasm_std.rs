//! The standard library guests are compiled against.
//!
//! The toolchain may have it; rustup may bring it; and where neither is to be relied on
//! (`STEPWELL_WASM_STD=source`) it is built here, once a compiler, from its own source.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

use crate::command::{cargo, output, run, say};
use crate::kept::kept;
use crate::{debian, places};

/// What guests are compiled for: no operating system, no libc, no WASI; nothing to import but our
/// world.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Raised when the recipe below changes, so that nobody keeps what an older one made.
const RECIPE: u32 = 1;

const HELP: &str = "\
help: any of these will do:
  - `rustup target add wasm32-unknown-unknown`
  - `rustup component add rust-src` (then it is built from source)
  - Debian's `rust-src` of exactly this release, on a machine whose apt knows a Debian archive";

/// The compiler's flags that lead it to the library: none where the toolchain has it.
pub(crate) fn flags() -> Result<Vec<OsString>> {
    let compiler = Compiler::here()?;
    if compiler.has_target()? {
        return Ok(Vec::new());
    }
    if env::var("STEPWELL_WASM_STD").as_deref() != Ok("source") && add_target() {
        return Ok(Vec::new());
    }
    let sysroot = compiler.built().map_err(|problem| {
        let release = &compiler.release;
        anyhow!("no standard library of Rust {release} for {TARGET}: {problem:#}\n{HELP}")
    })?;
    Ok(vec!["--sysroot".into(), sysroot.into()])
}

/// Asks rustup; says so if that did not help.
fn add_target() -> bool {
    say(&format!("adding {TARGET} to the toolchain"));
    let added = run(Command::new("rustup").args(["target", "add", TARGET]));
    if let Err(problem) = &added {
        say(&format!("{problem:#}; building it from source instead"));
    }
    added.is_ok()
}

/// The compiler in use.
#[derive(Debug, PartialEq, Eq)]
struct Compiler {
    release: String,
    commit: String,
    host: String,
}

impl Compiler {
    fn here() -> Result<Self> {
        Self::parse(&output(rustc().arg("-Vv"))?)
    }

    fn parse(version: &str) -> Result<Self> {
        let field = |name: &str| {
            let value =
                version.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            let value = value.with_context(|| format!("`rustc -Vv` does not say its {name}"))?;
            // It becomes part of a path.
            if value.contains(['/', '\\']) || value.starts_with('.') {
                bail!("`rustc -Vv` has a strange {name}: {value}");
            }
            anyhow::Ok(value.to_owned())
        };
        let [release, commit, host] = [field("release")?, field("commit-hash")?, field("host")?];
        Ok(Self { release, commit, host })
    }

    /// One name for each compiler whose library may differ.
    fn key(&self) -> String {
        let commit: String = self.commit.chars().take(12).collect();
        format!("{}-{commit}-{}-r{RECIPE}", self.release, self.host)
    }

    fn has_target(&self) -> Result<bool> {
        let libraries = output(rustc().args(["--print", "target-libdir", "--target", TARGET]))?;
        let Ok(files) = Path::new(libraries.trim()).read_dir() else { return Ok(false) };
        Ok(files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
    }

    /// The sysroot with the library, built if it is not there yet.
    fn built(&self) -> Result<PathBuf> {
        let home = kept("wasm-std", &self.key(), |home| {
            let work = home.join("work");
            fs::create_dir(&work)?;
            self.build(&work, &home.join("sysroot"))?;
            Ok(fs::remove_dir_all(&work)?)
        })?;
        Ok(home.join("sysroot"))
    }

    fn build(&self, work: &Path, sysroot: &Path) -> Result<()> {
        let toolchain = PathBuf::from(output(rustc().args(["--print", "sysroot"]))?.trim());
        let source = self.source(&toolchain, work)?;
        say(&format!(
            "building the standard library for {TARGET} from source (once, about 30 s of CPU)"
        ));
        // Only what is there has a path to map away.
        output(cargo(&["fetch", "--locked"]).current_dir(&source).env("RUSTC_BOOTSTRAP", "1"))?;
        let target = work.join("target");
        let mut build = cargo(&["build", "--locked", "--release", "--package", "std"]);
        build.args(["--target", TARGET, "--target-dir"]).arg(&target).current_dir(&source);
        // The standard library may use what is unstable. Nothing else here may.
        let build = guest_env(&mut build).env("RUSTC_BOOTSTRAP", "1");
        output(build.env("CARGO_ENCODED_RUSTFLAGS", encoded(&self.std_flags(&source))))?;

        let libraries = sysroot.join("lib/rustlib").join(TARGET).join("lib");
        fs::create_dir_all(&libraries)?;
        for file in target.join(TARGET).join("release/deps").read_dir()?.flatten() {
            if file.path().extension().is_some_and(|extension| extension == "rlib") {
                fs::copy(file.path(), libraries.join(file.file_name()))?;
            }
        }
        self.link_tools(&toolchain, sysroot)
    }

    /// Where the source of exactly this release lies.
    fn source(&self, toolchain: &Path, work: &Path) -> Result<PathBuf> {
        let component = toolchain.join("lib/rustlib/src/rust/library");
        if component.join("Cargo.lock").exists() {
            return Ok(component);
        }
        let library = work.join("library");
        debian::fetch_library(&self.release, work, &library)?;
        Ok(library)
    }

    fn std_flags(&self, source: &Path) -> Vec<OsString> {
        let mut flags: Vec<OsString> =
            vec!["-Cembed-bitcode=yes".into(), "-Zforce-unstable-if-unmarked".into()];
        // The names under which the project itself ships them.
        flags.extend(remap(source, &format!("/rustc/{}/library", self.commit)));
        flags.extend(registry_remaps("/rust/deps"));
        flags
    }

    /// The linker comes with the toolchain, and is looked for in the sysroot.
    fn link_tools(&self, toolchain: &Path, sysroot: &Path) -> Result<()> {
        let bin = Path::new("lib/rustlib").join(&self.host).join("bin");
        if !toolchain.join(&bin).join("rust-lld").exists() {
            bail!("the toolchain in {} has no rust-lld to link guests with", toolchain.display());
        }
        let link = sysroot.join(&bin);
        fs::create_dir_all(link.parent().context("a link lies in a folder")?)?;
        std::os::unix::fs::symlink(toolchain.join(&bin), link)?;
        Ok(())
    }
}

fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Keeps the settings of a person or a machine out of what must be the same everywhere.
pub(crate) fn guest_env(cargo: &mut Command) -> &mut Command {
    for name in ["RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR", "RUSTC_BOOTSTRAP"] {
        cargo.env_remove(name);
    }
    for name in ["LINKER", "RUSTFLAGS"] {
        cargo.env_remove(format!("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_{name}"));
    }
    cargo.env("CARGO_INCREMENTAL", "0")
}

/// Flags as cargo reads them, where a space is a space.
pub(crate) fn encoded(flags: &[OsString]) -> OsString {
    flags.join("\x1f".as_ref())
}

/// The flags that make a path of this machine one that is the same on all.
pub(crate) fn remap(from: &Path, to: &str) -> [OsString; 2] {
    let mut map = from.as_os_str().to_owned();
    map.push("=");
    map.push(to);
    ["--remap-path-prefix".into(), map]
}

/// The same for every registry cargo has sources of.
pub(crate) fn registry_remaps(to: &str) -> Vec<OsString> {
    places::registry_sources().iter().flat_map(|folder| remap(folder, to)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "\
rustc 1.95.0 (59807616e 2026-04-14)
binary: rustc
commit-hash: 59807616e1fa2540724bfbac14d7976d7e4a3860
commit-date: 2026-04-14
host: x86_64-unknown-linux-gnu
release: 1.95.0
LLVM version: 22.1.2
";

    #[test]
    fn each_compiler_has_a_shelf_of_its_own() {
        let key = |version: &str| Compiler::parse(version).unwrap().key();
        assert_eq!(key(VERSION), "1.95.0-59807616e1fa-x86_64-unknown-linux-gnu-r1");
        assert_ne!(key(VERSION), key(&VERSION.replace("59807616e1fa", "0123456789ab")));
        assert_ne!(key(VERSION), key(&VERSION.replace("x86_64", "aarch64")));
    }

    #[test]
    fn a_compiler_that_hides_its_release_or_would_leave_the_shelf_is_refused() {
        for (version, message) in [
            (VERSION.replace("release", "rls"), "`rustc -Vv` does not say its release"),
            (VERSION.replace("host: ", "host: ../"), "`rustc -Vv` has a strange host"),
        ] {
            let problem = Compiler::parse(&version).unwrap_err().to_string();
            assert!(problem.starts_with(message), "{problem}");
        }
    }

    #[test]
    fn a_path_with_a_space_stays_one_flag() {
        let flags = remap(Path::new("/a b/c"), "/x");
        assert_eq!(encoded(&flags), "--remap-path-prefix\x1f/a b/c=/x");
    }
}
