//! Puts the tools into the program: every component that `cargo xtask components` has built.
//!
//! Without them the program still builds, and says at run time what to do; so a checkout can be
//! looked at and linted before anything was built for WebAssembly.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    if can_relocate_packed() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let components = manifest.join("../../target/components");
    println!("cargo::rerun-if-changed={}", components.display());
    let found = wasm_files(&components);
    if found.is_empty() {
        println!(
            "cargo::warning=stepwell is built without its tools; run `cargo xtask components` first"
        );
    }
    let mut table =
        String::from("pub(crate) const COMPONENTS: &[(&str, &[u8], snapshot::Digest)] = &[\n");
    for path in &found {
        println!("cargo::rerun-if-changed={}", path.display());
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let bytes = fs::read(path).expect("a component that was found can be read");
        // Taken now, so that no command has to go through megabytes to find a kept answer.
        let digest = *blake3::hash(&bytes).as_bytes();
        let path = path.display().to_string();
        let _ = writeln!(
            table,
            "    ({name:?}, include_bytes!({path:?}), snapshot::Digest::from_bytes({digest:?})),"
        );
    }
    table.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("components.rs"), table).expect("cargo's own directory can be written");
}

/// Whether the system that the program is made for can start one whose hundred thousand pointers stand
/// in a hundredth of the space: each process, and every call begins one, then reads 2 MB less. That
/// is <https://maskray.me/blog/2021-10-31-relative-relocations-and-relr>; glibc has it since 2.36.
fn can_relocate_packed() -> bool {
    // Built here, and to start on older systems, too.
    println!("cargo::rerun-if-env-changed=STEPWELL_PORTABLE");
    if env::var_os("STEPWELL_PORTABLE").is_some_and(|set| !set.is_empty()) {
        return false;
    }
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|it| it == value);
    let here = env::var_os("HOST") == env::var_os("TARGET");
    if !here || !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return false;
    }
    let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
    let version = said.ok().and_then(|said| {
        let (major, minor) = said.trim().strip_prefix("glibc ")?.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    });
    version.is_some_and(|version| version >= (2, 36))
}

fn wasm_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path());
    let mut found: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|end| end == "wasm"))
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    found.sort();
    found
}
