//! Servers in Python: scripts that lie beside this crate, and the packages that they are made of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::target;

/// What the S3 and the WebDAV are made of.
const PACKAGES: [&str; 3] = ["moto[server]==5.2.5", "wsgidav==4.4.0", "cheroot==11.1.2"];

/// One of the scripts, over `folder`.
pub(crate) fn command(script: &str, port: u16, folder: &Path) -> Result<Command, String> {
    let packages = packages()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    let mut command = Command::new("python3");
    command.arg(script).arg(folder).arg(port.to_string()).env("PYTHONPATH", packages);
    Ok(command)
}

/// The folder of the pinned packages, which is made once and then kept.
fn packages() -> Result<PathBuf, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _held = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let scratch = target().join("tmp");
    let pins = PACKAGES.join("-").replace(['[', ']', '='], "");
    let folder = scratch.join(format!("python-{pins}"));
    if folder.exists() {
        return Ok(folder);
    }
    fs::create_dir_all(&scratch).map_err(|err| err.to_string())?;
    let unfinished = tempfile::tempdir_in(scratch).map_err(|err| err.to_string())?;
    let mut install = Command::new("python3");
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]);
    install.arg(unfinished.path()).args(PACKAGES).stdin(Stdio::null());
    let output = install.output().map_err(|err| format!("`python3` does not start: {err}"))?;
    if !output.status.success() {
        return Err("pip does not bring the packages".to_owned());
    }
    match fs::rename(unfinished.keep(), &folder) {
        // Another process was faster.
        Err(_) if folder.exists() => Ok(folder),
        Err(err) => Err(err.to_string()),
        Ok(()) => Ok(folder),
    }
}
