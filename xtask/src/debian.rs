//! The source of the standard library, from Debian.
//!
//! apt does the work, in a state directory of its own: the machine's lists stay as they are. Which
//! mirror to ask is the machine's choice, taken from its own apt; that what comes is Debian's is
//! checked by apt against Debian's keyring (the lists by signature, the package by the digest that
//! stands in them).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow};

use crate::command::{output, run, say};

const PACKAGE: &str = "rust-src";

/// Suites that may carry the compiler's release, the stable ones first. One that a mirror does not
/// have is passed over.
const SUITES: [&str; 6] =
    ["trixie-backports", "trixie", "forky", "forky-backports", "sid", "bookworm-backports"];

/// Debian's keys, under the names they have had.
const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
];

/// Puts the standard library's source of exactly `release` into `into`; `work` is for what lies in
/// between.
pub(crate) fn fetch_library(release: &str, work: &Path, into: &Path) -> Result<()> {
    let keyring = KEYRINGS.iter().find(|file| Path::new(file).exists());
    let keyring = keyring.context("no keyring of Debian's archive on this machine")?;
    let sites = sites(&output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(SITE) $(LABEL)",
        "Created-By: Packages",
    ]))?);
    let mut trouble = None;
    for site in &sites {
        for suite in SUITES {
            let apt = Apt::new(work, &format!("deb [signed-by={keyring}] {site} {suite} main\n"))?;
            match apt.version_of(release) {
                Ok(Some(version)) => {
                    say(&format!("taking {PACKAGE} {version} from Debian's {suite}"));
                    return unpack(&apt.download(&version)?, release, into);
                }
                Ok(None) => {}
                // Not every mirror has every suite: it matters only if none helps.
                Err(problem) => trouble = trouble.or(Some(problem)),
            }
        }
    }
    let none = format!("no suite has {PACKAGE} {release}: asked {}", SUITES.join(", "));
    Err(match trouble {
        Some(problem) => problem.context(none),
        None => anyhow!(none),
    })
}

/// The mirrors this machine knows, those that say they are Debian first. Where no list was ever
/// fetched nobody says anything, and the signature decides.
fn sites(targets: &str) -> Vec<String> {
    let mut lines: Vec<(&str, &str)> =
        targets.lines().map(|line| line.split_once(' ').unwrap_or((line, ""))).collect();
    lines.sort_by_key(|(_, label)| *label != "Debian");
    let mut sites: Vec<String> = Vec::new();
    for (site, _) in lines {
        if !site.is_empty() && !sites.iter().any(|known| known == site) {
            sites.push(site.to_owned());
        }
    }
    sites
}

/// apt with lists, sources and cache of its own.
struct Apt {
    state: PathBuf,
}

impl Apt {
    fn new(work: &Path, source: &str) -> Result<Self> {
        let state = work.join("apt");
        if state.exists() {
            fs::remove_dir_all(&state)?;
        }
        for folder in ["lists/partial", "cache/archives/partial", "download"] {
            fs::create_dir_all(state.join(folder))?;
        }
        fs::write(state.join("status"), "")?;
        fs::write(state.join("sources.list"), source)?;
        fs::write(state.join("apt.conf"), Self::settings(&state))?;
        Ok(Self { state })
    }

    /// Read after the machine's own settings, of which the rest (a proxy, say) stays.
    fn settings(state: &Path) -> String {
        let at = |name: &str| state.join(name).display().to_string();
        [
            format!("Dir::Etc::sourcelist \"{}\";", at("sources.list")),
            "Dir::Etc::sourceparts \"/dev/null\";".to_owned(),
            format!("Dir::State \"{}\";", state.display()),
            format!("Dir::State::lists \"{}\";", at("lists")),
            format!("Dir::State::status \"{}\";", at("status")),
            format!("Dir::Cache \"{}\";", at("cache")),
            // Its download user cannot write below a home directory.
            "APT::Sandbox::User \"root\";".to_owned(),
            "Acquire::Languages \"none\";".to_owned(),
            // What the machine does after an update of its own lists.
            "#clear APT::Update::Post-Invoke;".to_owned(),
            "#clear APT::Update::Post-Invoke-Success;\n".to_owned(),
        ]
        .join("\n")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.state.join("download")).stdin(Stdio::null());
        command.arg("--config-file").arg(self.state.join("apt.conf"));
        command
    }

    /// The package's version that was made of `release`, if the suite has one.
    fn version_of(&self, release: &str) -> Result<Option<String>> {
        output(self.command("apt-get").args(["--quiet=2", "--error-on=any", "update"]))?;
        let table = output(self.command("apt-cache").args(["madison", PACKAGE]))?;
        Ok(version_in(&table, release))
    }

    fn download(&self, version: &str) -> Result<PathBuf> {
        let package = format!("{PACKAGE}={version}");
        run(self.command("apt-get").args(["--quiet=2", "download", &package]))?;
        let mut files = self.state.join("download").read_dir()?.flatten().map(|file| file.path());
        files.next().with_context(|| format!("apt brought no file for {package}"))
    }
}

/// The version in apt's table (`package | version | where`) whose upstream part is `release`.
fn version_in(table: &str, release: &str) -> Option<String> {
    let versions = table.lines().filter_map(|line| line.split('|').nth(1)).map(str::trim);
    versions.into_iter().find(|version| upstream(version) == release).map(str::to_owned)
}

/// `1.95.0` of `1:1.95.0+dfsg1-2~bpo13+1`.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_epoch, rest)| rest);
    version.split(['+', '~', '-']).next().unwrap_or(version)
}

/// `library/` and no more; its vendored crates come from the crate registry, where their digests
/// stand in its lock.
fn unpack(package: &Path, release: &str, into: &Path) -> Result<()> {
    fs::create_dir_all(into)?;
    let library = format!("./usr/src/rustc-{release}/library");
    let depth = library.split('/').count();
    let mut archive = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(package)
        .stdout(Stdio::piped())
        .spawn()
        .context("`dpkg-deb` cannot be started")?;
    let tar = archive.stdout.take().context("dpkg-deb has no output")?;
    let unpacked = run(Command::new("tar")
        .args(["--extract", "--no-same-owner", "--anchored"])
        .arg(format!("--exclude={library}/vendor"))
        .arg(format!("--strip-components={depth}"))
        .arg("--directory")
        .arg(into)
        .arg(&library)
        .stdin(tar));
    // tar stops reading when it has what it wants; that dpkg-deb then complains means nothing.
    let _ended = archive.wait();
    unpacked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_belongs_to_the_release_it_was_made_of() {
        for (version, release) in [
            ("1.95.0+dfsg1-2~bpo13+1", "1.95.0"),
            ("1.95.0~beta.5+dfsg1-1~exp1", "1.95.0"),
            ("1:1.63.0-2", "1.63.0"),
            ("1.63.0", "1.63.0"),
        ] {
            assert_eq!(upstream(version), release, "{version}");
        }
    }

    #[test]
    fn only_the_compilers_own_release_is_taken() {
        let table = "  rust-src | 1.96.1+dfsg1-2 | somewhere trixie/main amd64 Packages\n  \
                     rust-src | 1.95.0+dfsg1-2 | somewhere trixie/main amd64 Packages\n";
        assert_eq!(version_in(table, "1.95.0").as_deref(), Some("1.95.0+dfsg1-2"));
        assert_eq!(version_in(table, "1.95.1"), None);
        assert_eq!(version_in("", "1.95.0"), None);
    }

    #[test]
    fn debians_own_archive_is_asked_first_and_each_mirror_once() {
        let targets = "http://a/tools Tools\nhttp://b/security Debian-Security\n\
                       http://c/debian Debian\nhttp://c/debian Debian\nhttp://d/new \n";
        assert_eq!(
            sites(targets),
            ["http://c/debian", "http://a/tools", "http://b/security", "http://d/new"]
        );
    }
}
