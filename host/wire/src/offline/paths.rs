//! What the path of a file says about it.

/// Where the host keeps its own files; what changes there is nobody's change.
pub(super) fn is_ours(path: &str) -> bool {
    path.split('/').any(|part| part == ".stepwell")
}

pub(super) fn is_test(path: &str) -> bool {
    let is_dir = |part: &str| matches!(part, "test" | "tests" | "spec" | "__tests__" | "testdata");
    let name = path.rsplit('/').next().unwrap_or_default();
    let marks = ["test_", "_test.", "tests.", ".test.", ".spec.", "_spec.", "Test.", "Tests."];
    path.split('/').any(is_dir) || marks.iter().any(|mark| name.contains(mark))
}

pub(super) fn is_pipeline(path: &str) -> bool {
    let places =
        [".github/", ".gitlab-ci", ".circleci/", ".buildkite/", "Jenkinsfile", "azure-pipelines"];
    places.iter().any(|place| path.starts_with(place))
}

pub(super) fn is_code(path: &str) -> bool {
    language(path).is_some()
}

pub(super) fn is_rust(path: &str) -> bool {
    language(path) == Some("rs")
}

/// The languages whose files call each other, by the first of their extensions.
fn language(path: &str) -> Option<&'static str> {
    const LANGUAGES: &[&[&str]] = &[
        &["rs"],
        &["py"],
        &["js", "jsx", "ts", "tsx", "mjs", "cjs"],
        &["go"],
        &["java", "kt", "scala"],
        &["c", "cc", "cpp", "h", "hpp"],
        &["cs"],
        &["rb"],
        &["php"],
        &["swift"],
        &["ex", "exs"],
    ];
    let (_, extension) = path.rsplit_once('.')?;
    let family = LANGUAGES.iter().find(|family| family.contains(&extension))?;
    family.first().copied()
}

/// How many folders two files have in common, from the root on.
pub(super) fn common_depth(a: &str, b: &str) -> usize {
    folders(a).zip(folders(b)).take_while(|(a, b)| a == b).count()
}

/// The folder of the package in which both files lie, and its depth: none where they are of
/// different languages, or neither package lies within the other.
pub(super) fn shared_package<'p>(test: &'p str, file: &'p str) -> Option<(&'p str, usize)> {
    language(test).filter(|kind| language(file) == Some(*kind))?;
    let (test_root, file_root) = (package(test), package(file));
    let is_within = |inner: &str, outer: &str| {
        let rest = inner.strip_prefix(outer);
        outer.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let outer = if is_within(file_root, test_root) {
        test_root
    } else if is_within(test_root, file_root) {
        file_root
    } else {
        return None;
    };
    Some((outer, common_depth(test, file)))
}

/// The folder of a file's package: what is before the folders that packages are made of.
fn package(path: &str) -> &str {
    const PARTS: &[&str] =
        &["src", "lib", "test", "tests", "spec", "__tests__", "app", "internal", "cmd"];
    let mut end = 0;
    for folder in folders(path) {
        if PARTS.contains(&folder) {
            break;
        }
        end += folder.len() + 1;
    }
    path.get(..end.saturating_sub(1)).unwrap_or_default()
}

fn folders(path: &str) -> impl Iterator<Item = &str> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    folder.split('/').filter(|part| !part.is_empty())
}
