//! Paths as WASI has them: relative to a directory, never above it.

use super::words::ErrorCode;

/// A path's names, `.` and `..` done with. That is done to the text, before any link is followed:
/// behind a link to a directory, `..` leads back to where the link stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names<'a> {
    names: Vec<&'a str>,
    directory: bool,
}

/// Names of a path; no file system has as many.
const NAMES_MAX: usize = 256;

impl<'a> Names<'a> {
    /// Takes `path` apart.
    pub(crate) fn of(path: &'a str) -> Result<Self, ErrorCode> {
        if path.is_empty() {
            return Err(ErrorCode::NoEntry);
        }
        if path.starts_with('/') {
            return Err(ErrorCode::NotPermitted);
        }
        if path.contains('\0') {
            return Err(ErrorCode::Invalid);
        }
        let mut names = Vec::new();
        for name in path.split('/') {
            match name {
                "" | "." => {}
                ".." => drop(names.pop().ok_or(ErrorCode::NotPermitted)?),
                name => names.push(name),
            }
            if names.len() > NAMES_MAX {
                return Err(ErrorCode::NameTooLong);
            }
        }
        let last = path.rsplit('/').next().unwrap_or_default();
        Ok(Self { names, directory: matches!(last, "" | "." | "..") })
    }

    pub(crate) fn all(&self) -> &[&'a str] {
        &self.names
    }

    /// Whether only a directory is meant.
    pub(crate) fn is_directory(&self) -> bool {
        self.directory
    }

    /// The path of the repository that this is, seen from the directory `from`.
    pub(crate) fn below(&self, from: &str) -> String {
        let from = (!from.is_empty()).then_some(from);
        from.into_iter().chain(self.names.iter().copied()).collect::<Vec<_>>().join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leads_above_its_directory() {
        let below = |path: &str| Names::of(path).map(|names| names.below("d"));
        for (path, expected) in [
            ("a", Ok("d/a")),
            ("a//b/./c/", Ok("d/a/b/c")),
            ("a/../b", Ok("d/b")),
            (".", Ok("d")),
            ("a/..", Ok("d")),
            ("..", Err(ErrorCode::NotPermitted)),
            ("a/../../b", Err(ErrorCode::NotPermitted)),
            ("../d/a", Err(ErrorCode::NotPermitted)),
            ("/a", Err(ErrorCode::NotPermitted)),
            ("", Err(ErrorCode::NoEntry)),
            ("a\0b", Err(ErrorCode::Invalid)),
        ] {
            assert_eq!(below(path), expected.map(str::to_owned), "{path:?}");
        }
        assert_eq!(Names::of("a").unwrap().below(""), "a");
        assert_eq!(Names::of(&"a/".repeat(257)), Err(ErrorCode::NameTooLong));
    }

    #[test]
    fn a_slash_at_the_end_asks_for_a_directory() {
        let asks = |path: &str| Names::of(path).unwrap().is_directory();
        assert!(asks("a/") && asks("a/.") && asks("a/b/..") && asks("."));
        assert!(!asks("a") && !asks("a/..b") && !asks("./a"));
    }
}
