//! What of this machine the tests may reach: the system and toolchains, and nothing that is the
//! user's or the pipeline's.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use runner::Reach;
use sandbox::TestsReach;

/// Places that are nobody's toolchain, and have what pipelines, agents and services keep for
/// themselves: sockets, tokens, the homes of others.
const HIDDEN: [&str; 7] = [
    "/run",
    "/home",
    "/etc/buildkite-agent",
    "/etc/gitlab-runner",
    "/var/lib/buildkite-agent",
    "/var/lib/jenkins",
    "/var/jenkins_home",
];

/// Where programs put what is gone tomorrow; the tests have their own.
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// What toolchains keep in a home. None of it holds secrets by its own convention: settings that
/// may, such as `.npmrc`, `.m2/settings.xml` or `.config`, are not among them.
const TOOLCHAINS: [&str; 61] = [
    ".asdf",
    ".bun",
    ".cabal",
    ".cache/Cypress",
    ".cache/ms-playwright",
    ".cache/pre-commit",
    ".cache/puppeteer",
    ".cache/pypoetry",
    ".cache/uv",
    ".cargo/bin",
    ".cargo/config",
    ".cargo/config.toml",
    ".cargo/env",
    ".cargo/git",
    ".cargo/registry",
    ".conda",
    ".deno",
    ".dotnet",
    ".elan",
    ".fnm",
    ".gem",
    ".ghcup",
    ".gradle/wrapper",
    ".hex/packages",
    ".jenv",
    ".juliaup",
    ".local/bin",
    ".local/lib",
    ".local/share/fnm",
    ".local/share/mise",
    ".local/share/pipx",
    ".local/share/pnpm",
    ".local/share/rtx",
    ".local/share/uv",
    ".local/share/virtualenvs",
    ".m2/repository",
    ".m2/wrapper",
    ".mix",
    ".nodenv",
    ".nuget/packages",
    ".nvm",
    ".opam",
    ".phpenv",
    ".pub-cache",
    ".pyenv",
    ".rbenv",
    ".rustup",
    ".rvm",
    ".sdkman",
    ".stack",
    ".swiftly",
    ".virtualenvs",
    ".volta",
    ".yarn/berry",
    "anaconda3",
    "bin",
    "go",
    "miniconda3",
    "miniforge3",
    "n",
    "sdk",
];

/// What toolchains look for in the folders above the one they work in, and fail over when it is
/// there and cannot be read.
const CLIMBED: [&str; 12] = [
    ".cargo/config",
    ".cargo/config.toml",
    "Cargo.toml",
    "go.mod",
    "go.work",
    "package.json",
    "pyproject.toml",
    "pytest.ini",
    "rust-toolchain",
    "rust-toolchain.toml",
    "setup.cfg",
    "tox.ini",
];

/// Variables that name a folder of a toolchain.
const NAMING: [&str; 4] = ["CARGO_HOME", "RUSTUP_HOME", "GOPATH", "JAVA_HOME"];

/// Files of a toolchain's folder that hold secrets.
const CREDENTIALS: [&str; 2] = ["credentials.toml", "credentials"];

/// Where toolchains look in a home when no variable says otherwise.
const MOVED: [(&str, &str); 8] = [
    ("CARGO_HOME", ".cargo"),
    ("RUSTUP_HOME", ".rustup"),
    ("GOMODCACHE", "go/pkg/mod"),
    ("NVM_DIR", ".nvm"),
    ("PYENV_ROOT", ".pyenv"),
    ("PYTHONUSERBASE", ".local"),
    ("RBENV_ROOT", ".rbenv"),
    ("VOLTA_HOME", ".volta"),
];

/// What tests with the environment `env` may reach; `own` are this program's folders, which they
/// may not.
pub(super) fn of_tests(env: &BTreeMap<String, String>, own: &[&Path], network: bool) -> Reach {
    let place = |text: &String| Path::new(text).canonicalize().ok().filter(|path| path.is_dir());
    let home = env.get("HOME").and_then(place).filter(|home| home.parent().is_some());
    let administrator = home_of_administrator();
    let hidden = HIDDEN.iter().map(Path::new).chain(own.iter().copied());
    let hidden = hidden.chain(administrator.as_deref());
    let mut hidden: Vec<PathBuf> = hidden.filter_map(|path| path.canonicalize().ok()).collect();
    hidden.retain(|path| path.is_dir());
    hidden.sort();
    hidden.dedup();
    let covered = |path: &PathBuf| {
        let temporary = TEMPORARY.iter().map(Path::new);
        let places = hidden.iter().map(PathBuf::as_path).chain(home.as_deref()).chain(temporary);
        places.into_iter().any(|place| path != place && path.starts_with(place))
    };
    let too_wide = |path: &PathBuf| hidden.iter().chain(&home).any(|place| place.starts_with(path));
    // Images for CI install toolchains as root, and run tests with another home.
    let homes = home.iter().cloned().chain(administrator.clone());
    let of_home = homes.flat_map(|home| TOOLCHAINS.map(|name| home.join(name)));
    let named = NAMING.iter().filter_map(|name| env.get(*name)).filter_map(place);
    let in_path = env.get("PATH").map(String::as_str).unwrap_or_default().split(':');
    let in_path = in_path.filter(|dir| dir.starts_with('/')).map(PathBuf::from);
    let in_path: Vec<PathBuf> = in_path.flat_map(with_environment).collect();
    let mut shown: Vec<PathBuf> = of_home
        .chain(named)
        .chain(in_path)
        .chain(names_of_machines(network))
        .filter(|path| path.exists() && covered(path) && !too_wide(path))
        .collect();
    shown.sort();
    shown.dedup();
    let cargo = env.get("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| home.as_ref().map(|home| home.join(".cargo")));
    let cargo = cargo.into_iter().chain(administrator.iter().map(|home| home.join(".cargo")));
    let secret = cargo.flat_map(|cargo| CREDENTIALS.map(|name| cargo.join(name)));
    let visible = |file: &PathBuf| {
        file.is_file() && (!covered(file) || shown.iter().any(|place| file.starts_with(place)))
    };
    let secret = secret.filter(visible).collect();
    Reach { home, hidden, shown, secret, network }
}

/// The home of the user with the number 0, as the system has it.
fn home_of_administrator() -> Option<PathBuf> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let of_first = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2) == Some(&"0")).then(|| fields.get(5).map(PathBuf::from)).flatten()
    };
    users.lines().find_map(of_first).filter(|home| home.is_absolute() && home.parent().is_some())
}

/// A folder of programs, and the virtual environment that it belongs to.
fn with_environment(dir: PathBuf) -> Vec<PathBuf> {
    let around = dir.parent().filter(|around| around.join("pyvenv.cfg").is_file());
    let around = around.map(Path::to_owned);
    around.into_iter().chain([dir]).collect()
}

/// Where the system says who answers for names, which may be in a hidden place.
fn names_of_machines(network: bool) -> Option<PathBuf> {
    let file = Path::new("/etc/resolv.conf").canonicalize().ok().filter(|_| network)?;
    file.parent().map(Path::to_owned)
}

/// The environment for tests that have their home and their temporary folder elsewhere: what
/// they would look for in the user's home is named.
pub(super) fn moved(
    env: &BTreeMap<String, String>,
    reach: &Reach,
    temporary: &Path,
    home: &Path,
) -> BTreeMap<String, String> {
    let mut env = env.clone();
    for (name, place) in MOVED {
        let place = reach.home.as_ref().map(|home| home.join(place)).filter(|path| path.exists());
        if let (false, Some(place)) = (env.contains_key(name), place) {
            env.insert(name.to_owned(), place.display().to_string());
        }
    }
    env.insert("TMPDIR".to_owned(), temporary.display().to_string());
    env.insert("HOME".to_owned(), home.display().to_string());
    env
}

/// The same as a list of what may be read and written, which is all that Landlock knows.
pub(super) fn behind_landlock(reach: &Reach, tree: &Path, private: &Path) -> TestsReach {
    let Reach { home, hidden, shown, secret, network: _ } = reach;
    let temporary = TEMPORARY.map(PathBuf::from);
    let closed: Vec<PathBuf> =
        hidden.iter().chain(home).chain(secret).chain(&temporary).cloned().collect();
    let mut read = beside(Path::new("/"), &closed);
    read.extend(shown.iter().flat_map(|place| beside(place, secret)));
    let above = tree.ancestors().skip(1).flat_map(|dir| CLIMBED.map(|name| dir.join(name)));
    read.extend(above.filter(|file| file.is_file()));
    let closed: Vec<PathBuf> = hidden.iter().chain(home).cloned().collect();
    let mut write = vec![tree.to_owned(), private.to_owned(), PathBuf::from("/dev")];
    write.extend(temporary.iter().flat_map(|place| beside(place, &closed)));
    TestsReach { read, write }
}

/// What there is at `place` and below it without `closed`, in as few paths as that takes.
fn beside(place: &Path, closed: &[PathBuf]) -> Vec<PathBuf> {
    if closed.iter().any(|path| path == place) {
        return Vec::new();
    }
    if !closed.iter().any(|path| path.starts_with(place)) {
        return vec![place.to_owned()];
    }
    let mut entries: Vec<PathBuf> =
        fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries.iter().filter(|path| !path.is_symlink()).flat_map(|path| beside(path, closed)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for file in [
            "home/.netrc",
            "home/.cargo/credentials.toml",
            "home/.cargo/bin/cargo",
            "home/.cargo/registry/x",
            "home/.ssh/id",
            "home/repo/.git/config",
            "home/repo/.venv/pyvenv.cfg",
            "home/repo/.venv/bin/python",
            "opt/tool",
        ] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        (dir, root)
    }

    fn reach(root: &Path, variables: &[(&str, &str)]) -> Reach {
        let inside = |text: &str| text.replace('~', &root.display().to_string());
        let env = variables.iter().map(|(name, value)| ((*name).to_owned(), inside(value)));
        of_tests(&env.collect(), &[&root.join("home/repo")], false)
    }

    fn below(root: &Path, paths: &[PathBuf]) -> Vec<String> {
        let inside = paths.iter().filter_map(|path| path.strip_prefix(root).ok());
        inside.map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn of_a_home_only_toolchains_are_shown_and_no_secret_of_theirs() {
        let (_keep, root) = world();
        let with = |variables: &[(&str, &str)]| {
            let all = [&[("HOME", "~/home")], variables].concat();
            let reach = reach(&root, &all);
            (below(&root, &reach.shown), below(&root, &reach.secret))
        };
        let usual = ["home/.cargo/bin", "home/.cargo/registry"].map(str::to_owned).to_vec();
        assert_eq!(with(&[("PATH", "/usr/bin:~/home/.cargo/bin:bin")]), (usual.clone(), vec![]));
        let (shown, secret) = with(&[("CARGO_HOME", "~/home/.cargo")]);
        assert!(shown.contains(&"home/.cargo".to_owned()), "{shown:?}");
        assert_eq!(secret, ["home/.cargo/credentials.toml"]);
        let (shown, _) = with(&[("PATH", "~/home/repo/.venv/bin:~/home/repo:~/home:/")]);
        let venv = ["home/repo/.venv", "home/repo/.venv/bin"].map(str::to_owned);
        assert_eq!(shown, [usual, venv.to_vec()].concat());
    }

    #[test]
    fn landlock_lets_nothing_be_read_that_is_hidden() {
        let (_keep, root) = world();
        let reach = reach(&root, &[("HOME", "~/home"), ("CARGO_HOME", "~/home/.cargo")]);
        let (tree, private) = (root.join("home/repo/.git/t"), root.join("home/repo/.git/p"));
        let TestsReach { read, write } = behind_landlock(&reach, &tree, &private);
        let may =
            |list: &[PathBuf], path: &str| list.iter().any(|p| root.join(path).starts_with(p));
        for (path, reads, writes) in [
            ("home/.cargo/bin/cargo", true, false),
            ("home/.cargo/registry/x", true, false),
            ("home/.cargo/credentials.toml", false, false),
            ("home/.netrc", false, false),
            ("home/.ssh/id", false, false),
            ("home/repo/.git/config", false, false),
            ("home/repo/.git/t/x", false, true),
            ("/usr/bin/env", true, false),
            ("/etc/passwd", true, false),
            ("/run/x", false, false),
        ] {
            assert_eq!((may(&read, path), may(&write, path)), (reads, writes), "{path}");
        }
    }
}
