//! Where peers are installed, and which they are. The benches install the same, in the same place.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;
use tokio::sync::Mutex;

/// The packages of the clients in Python, which share a folder.
pub(crate) const PYTHON: [&str; 3] =
    ["openai[realtime]==3.54.0", "openai-agents==0.24.0", "llm-comply==0.5.0"];

/// A client that is a program of its own.
pub(crate) const CODEX: &str = "@openai/codex@0.169.0";

/// One installation at a time: they are large, and several tests share one.
static INSTALLING: Mutex<()> = Mutex::const_new(());

/// A folder with these Python packages; none where they cannot be had.
pub(crate) async fn python(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let bin = |folder: &Path| folder.join("bin/python");
    let folder = installed(name, packages, async |folder| {
        ran(Command::new("python3").args(["-m", "venv"]).arg(folder)).await?;
        let mut pip = Command::new(bin(folder));
        ran(pip.args(["-m", "pip", "install", "--quiet"]).args(packages)).await
    });
    folder.await.map(|folder| folder.join("bin"))
}

/// A folder with these packages of Node; none where they cannot be had.
pub(crate) async fn node(name: &str, packages: &[&str]) -> Option<PathBuf> {
    installed(name, packages, async |folder| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"]);
        ran(npm.arg(folder).args(packages)).await
    })
    .await
}

/// A folder with a program of the crate registry; none where it cannot be had.
pub(crate) async fn rust(name: &str, version: &str) -> Option<PathBuf> {
    let packages = [version];
    let folder = installed(name, &packages, async |folder| {
        let mut cargo = Command::new(env!("CARGO"));
        // Not in the directory that the tests are being built in: its lock is taken.
        cargo.env("CARGO_TARGET_DIR", folder.join("target"));
        cargo.args(["install", "--quiet", "--locked", "--version", version, name, "--root"]);
        ran(cargo.arg(folder)).await?;
        fs::remove_dir_all(folder.join("target")).ok()
    });
    folder.await.map(|folder| folder.join("bin"))
}

/// The folder, in which a note of what was installed is written last.
async fn installed(
    name: &str,
    packages: &[&str],
    install: impl AsyncFnOnce(&Path) -> Option<()>,
) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers").join(name);
    let note = folder.join("installed");
    let _one = INSTALLING.lock().await;
    let wanted = packages.join("\n");
    if fs::read_to_string(&note).is_ok_and(|found| found == wanted) {
        return Some(folder);
    }
    // What is left of another version, or of an installation that was broken off.
    let _none = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder below target can be made");
    if install(&folder).await.is_none() {
        eprintln!("SKIPPED: {} cannot be installed here, so it was not tried", packages.join(", "));
        return None;
    }
    fs::write(note, wanted).expect("a file in it can be written");
    Some(folder)
}

async fn ran(command: &mut Command) -> Option<()> {
    let output = command.kill_on_drop(true).stdin(Stdio::null()).output().await.ok()?;
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(())
}
