//! Running commands, and saying so.

use std::env;
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::places;

/// When the first chore began.
static BEGAN: OnceLock<Instant> = OnceLock::new();

/// One line about what comes next, and how long everything before it took.
pub(crate) fn say(line: &str) {
    let seconds = BEGAN.get_or_init(Instant::now).elapsed().as_secs();
    println!("==> {line} ({}:{:02})", seconds / 60, seconds % 60);
}

/// Cargo, in the repository's root, as the one that runs us.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(args).current_dir(places::root());
    // What it says of this crate, others would take for a reason to be built again.
    let ours = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
        cargo.env_remove(name);
    }
    cargo
}

/// Runs a command to its end, in sight.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// What a command writes to its standard output. Its standard error is shown when it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } =
        command.output().with_context(|| cannot_start(command))?;
    if !status.success() {
        let said = String::from_utf8_lossy(&stderr);
        bail!("`{}` failed ({status}):\n{}", shown(command), said.trim());
    }
    String::from_utf8(stdout).with_context(|| format!("`{}` wrote no UTF-8", shown(command)))
}

fn cannot_start(command: &Command) -> String {
    format!("`{}` cannot be started", command.get_program().to_string_lossy())
}

/// A command as a person would type it: the program by its name, long lists of options cut.
fn shown(command: &Command) -> String {
    const SHOWN_MAX: usize = 12; // enough to know which command it was
    let path = command.get_program().to_string_lossy();
    let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
    let mut words = vec![name];
    let args = command.get_args().take(SHOWN_MAX);
    words.extend(args.map(|arg| arg.to_string_lossy().into_owned()));
    if command.get_args().len() > SHOWN_MAX {
        words.push("…".to_owned());
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_is_named_with_what_it_said() {
        let mut ls = Command::new("/bin/sh");
        let problem = output(ls.args(["-c", "echo no such thing >&2; exit 3"])).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "`sh -c echo no such thing >&2; exit 3` failed (exit status: 3):\nno such thing"
        );
    }

    #[test]
    fn a_command_that_is_not_there_is_named() {
        let problem = run(&mut Command::new("no-such-command")).unwrap_err();
        assert_eq!(problem.to_string(), "`no-such-command` cannot be started");
    }
}
