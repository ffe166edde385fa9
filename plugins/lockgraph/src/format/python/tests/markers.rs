//! Where a package is installed at all, word for word.

use super::poetry::V2;
use super::scanned;
use super::uv::WORKSPACE;

/// `name@version if marker`, of the packages that have one.
fn conditions(path: &str, files: &[(&str, &str)]) -> Vec<String> {
    let scan = scanned(path, files.iter().copied());
    let nodes = scan.lockfiles.iter().flat_map(|lockfile| lockfile.graph.nodes());
    let told = nodes
        .filter_map(|(_, node)| Some(format!("{} if {}", node.label(), node.condition.as_ref()?)));
    told.collect()
}

#[track_caller]
fn check(path: &str, lock: &str, manifest: &str, expected: &[&str]) {
    let beside = if path == "Pipfile.lock" { "Pipfile" } else { "pyproject.toml" };
    assert_eq!(conditions(path, &[(path, lock), (beside, manifest)]), expected, "{path}");
}

const PROJECT: &str = "[project]\nname = \"app\"\nversion = \"1\"\ndependencies = [\"a\"]\n";

#[test]
fn what_every_need_of_a_package_asks_for_is_its_condition() {
    // The other version is needed by another package, too, and there always.
    check("uv.lock", WORKSPACE, "", &["numpy@1.26.0 if python_full_version < '3.11'"]);
    let poetry = |dependencies: &str| {
        format!(
            "[[package]]\nname = \"a\"\nversion = \"1\"\n[package.dependencies]\n{dependencies}\n\
             [[package]]\nname = \"b\"\nversion = \"1\"\n[package.dependencies]\nc = \"*\"\n\
             [[package]]\nname = \"c\"\nversion = \"1\"\n"
        )
    };
    let on = "{version = \"*\", markers = \"os_name == 'nt'\"}";
    check("poetry.lock", &poetry(&format!("b = {on}")), PROJECT, &["b@1 if os_name == 'nt'"]);
    // One need without a marker is enough.
    check(
        "poetry.lock",
        &poetry(&format!("b = {on}\nc = {on}")),
        PROJECT,
        &["b@1 if os_name == 'nt'"],
    );
    check("poetry.lock", &poetry("b = \"*\""), PROJECT, &[]);
    let project = "[project]\nname = \"app\"\ndependencies = [\"a\", \"b; sys_platform == 'x'\"]\n";
    check(
        "poetry.lock",
        &poetry(&format!("b = {on}")),
        project,
        &["b@1 if (os_name == 'nt') or (sys_platform == 'x')"],
    );
    // Nobody knows what a root needs that is not there.
    assert!(
        conditions("poetry.lock", &[("poetry.lock", &poetry(&format!("b = {on}")))]).is_empty()
    );
}

#[test]
fn what_a_lock_file_says_of_a_package_is_its_condition() {
    let poetry =
        V2.replacen("groups = [\"main\"]", "groups = [\"main\"]\nmarkers = \"os_name == 'nt'\"", 1);
    assert!(
        conditions("poetry.lock", &[("poetry.lock", &poetry)])
            .contains(&"cache-control@0.14.0 if os_name == 'nt'".to_owned())
    );
    let of_groups = |markers: &str| {
        format!(
            "[[package]]\nname = \"a\"\nversion = \"1\"\ngroups = [\"dev\", \"main\"]\nmarkers = {markers}\n"
        )
    };
    let both = of_groups("{dev = \"x == '1'\", main = \"y == '2'\"}");
    check("poetry.lock", &both, PROJECT, &["a@1 if (x == '1') or (y == '2')"]);
    // The other group has it everywhere.
    check("poetry.lock", &of_groups("{dev = \"x == '1'\"}"), PROJECT, &[]);
    let pdm = "[[package]]\nname = \"a\"\nversion = \"1\"\nmarker = \"os_name == 'nt'\"\n";
    check("pdm.lock", pdm, PROJECT, &["a@1 if os_name == 'nt'"]);
    let pylock = "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\nmarker = \"'dev' in dependency_groups\"\n";
    check("pylock.toml", pylock, PROJECT, &["a@1 if 'dev' in dependency_groups"]);
    let pipfile = r#"{"_meta": {}, "default": {"a": {"version": "==1", "markers": "os_name == 'nt'"}, "b": {"version": "==2"}}}"#;
    check("Pipfile.lock", pipfile, "", &["a@1 if os_name == 'nt'"]);
    let requirements =
        "a==1 ; os_name == 'nt'  # why\nb==2\nc @ https://example.org/c-1.zip ; os_name == 'x'\n";
    check(
        "requirements.txt",
        requirements,
        "",
        &["a@1 if os_name == 'nt'", "c@1 if os_name == 'x'"],
    );
}

#[test]
fn two_lock_files_that_disagree_have_no_condition() {
    let pinned = |marker: &str| format!("a==1{marker}\n");
    let (one, other) = (pinned("; os_name == 'nt'"), pinned(""));
    let merged = |files: &[(&str, &str)]| {
        let scan = crate::scan(
            &crate::memory::Memory::new(files.iter().copied()),
            &crate::Request::default(),
        );
        let graphs = scan.unwrap().lockfiles.into_iter().map(|lockfile| lockfile.graph);
        let union = crate::Graph::into_union(graphs);
        union.into_nodes().into_iter().map(|node| node.condition).collect::<Vec<_>>()
    };
    let same = [("a/requirements.txt", &*one), ("b/requirements.txt", &*one)];
    assert_eq!(merged(&same), [Some("os_name == 'nt'".to_owned())]);
    assert_eq!(merged(&[("a/requirements.txt", &one), ("b/requirements.txt", &other)]), [None]);
}
