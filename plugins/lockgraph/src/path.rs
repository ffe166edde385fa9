//! Paths inside the repository (`/` between names, no `.` or `..`, the root is empty), and addresses.

/// The directory a file lies in.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// The last name of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// `name` in directory `dir`.
pub(crate) fn join(dir: &str, name: &str) -> String {
    match (dir.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (false, true) => dir.to_owned(),
        (false, false) => format!("{dir}/{name}"),
    }
}

/// Where `relative` leads from `dir`; nothing when that is outside the repository.
pub(crate) fn resolve(dir: &str, relative: &str) -> Option<String> {
    if relative.starts_with('/') {
        return None;
    }
    let mut names: Vec<&str> = dir.split('/').filter(|name| !name.is_empty()).collect();
    for name in relative.split(['/', '\\']) {
        match name {
            "" | "." => {}
            ".." => {
                names.pop()?;
            }
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}

/// Whether `path` is `dir` or lies under it.
pub(crate) fn is_under(path: &str, dir: &str) -> bool {
    dir.is_empty()
        || path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether `path` ends in `pattern`: whole names, each with at most one `*` in the pattern.
pub(crate) fn ends_as(path: &str, pattern: &str) -> bool {
    let mut names = path.rsplit('/');
    pattern.rsplit('/').all(|pattern| names.next().is_some_and(|name| is_named(name, pattern)))
}

fn is_named(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => name == pattern,
    }
}

/// An address without the name and password in it: lock files of private sources have them, and
/// no answer may. The user `git` is everybody's.
pub(crate) fn without_user(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match host.rsplit_once('@') {
        Some((user, host)) if user != "git" => format!("{scheme}://{host}{path}"),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_the_repository() {
        assert_eq!(resolve("a/b", "../c"), Some("a/c".to_owned()));
        assert_eq!(resolve("a", "./b//c/."), Some("a/b/c".to_owned()));
        assert_eq!(resolve("a", ".."), Some(String::new()));
        assert_eq!(resolve("a", "../.."), None);
        assert_eq!(resolve("a", "/etc"), None);
    }

    #[test]
    fn a_path_ends_in_whole_names() {
        assert!(ends_as("a/Cargo.lock", "Cargo.lock"));
        assert!(!ends_as("a/MyCargo.lock", "Cargo.lock"));
        assert!(ends_as("requirements-dev.txt", "requirements*.txt"));
        assert!(!ends_as("requirements", "requirements*.txt"));
        assert!(ends_as("a/.github/workflows/ci.yml", ".github/workflows/*.yml"));
        assert!(!ends_as("workflows/ci.yml", ".github/workflows/*.yml"));
        assert!(!ends_as("aba", "ab*ba"));
    }

    #[test]
    fn a_password_is_left_out_of_an_address() {
        assert_eq!(without_user("git+https://token@host/a.git#1"), "git+https://host/a.git#1");
        assert_eq!(without_user("https://user:word@host"), "https://host");
        assert_eq!(without_user("git+ssh://git@host/a.git"), "git+ssh://git@host/a.git");
        assert_eq!(without_user("https://host/@scope/a"), "https://host/@scope/a");
        assert_eq!(without_user("file:../a"), "file:../a");
    }
}
