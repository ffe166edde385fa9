//! What a go.mod and the files around it come to.

use super::super::sketch::{parse, read};
use crate::Format;

const MOD: &str = r#"module example.org/App/v2

go 1.24.0

toolchain go1.25.1

godebug default=go1.21

require (
	example.org/direct v1.2.3
	example.org/old v3.1.0+incompatible // see below
	"example.org/fork" v1.0.0
	example.org/local v0.0.0-00010101000000-000000000000
	example.org/outside v0.1.0
)

require (
	example.org/indirect/v2 v2.0.1 // indirect
	example.org/tools v0.30.0 // indirect; for the tool
)

require example.org/single v0.1.0

tool (
	example.org/App/v2/cmd/own
	example.org/tools/cmd/gen
)

exclude example.org/direct v1.2.2

exclude (
	example.org/other v1.0.0
	example.org/single v0.0.9
)

replace (
	example.org/fork v1.0.0 => example.org/mine/fork v1.0.1
	example.org/fork v0.9.0 => example.org/mine/fork v0.9.1
	example.org/local => ./local
	example.org/unneeded => example.org/unneeded v9.0.0
)

replace example.org/outside => ../../outside

retract [v2.0.0, v2.0.3] // wrong
retract (
	v2.1.0
)
"#;

const SUM: &str = "example.org/direct v1.2.3 h1:AAAA=
example.org/direct v1.2.3/go.mod h1:BBBB=
example.org/mine/fork v1.0.1 h1:CCCC=
example.org/fork v1.0.0 h1:DDDD=
";

#[test]
fn a_module_needs_what_its_go_mod_says_after_replacement() {
    let files = [("cmd/go.mod", MOD), ("cmd/go.sum", SUM)];
    insta::assert_snapshot!(read(files), @r"
    root pkg:golang/example.org/app/v2 member runtime at `cmd` go.mod:1
        runtime example.org/direct@v1.2.3
        runtime example.org/local
        runtime example.org/mine/fork@v1.0.1
        runtime example.org/old@v3.1.0+incompatible
        runtime example.org/outside
        runtime example.org/single@v0.1.0
        dev example.org/tools@v0.30.0
    pkg:golang/example.org/direct@v1.2.3 registry runtime integrity `h1:AAAA=` go.mod:10
    pkg:golang/example.org/indirect/v2@v2.0.1 registry unknown go.mod:18
    pkg:golang/example.org/local member runtime at `cmd/local` go.mod:13 go.mod:39
    pkg:golang/example.org/mine/fork@v1.0.1 registry runtime integrity `h1:CCCC=` go.mod:12 go.mod:37
    pkg:golang/example.org/old@v3.1.0%2Bincompatible registry runtime go.mod:11
    pkg:golang/example.org/outside path runtime go.mod:14 go.mod:43
    pkg:golang/example.org/single@v0.1.0 registry runtime go.mod:22
    pkg:golang/example.org/tools@v0.30.0 registry dev go.mod:19
    ");
}

#[test]
fn an_excluded_version_takes_no_other_away_and_is_no_module() {
    let text =
        "module a\ngo 1.20\nrequire example.org/b v1.5.0\nexclude (\n\texample.org/b v1.4.0\n)\n";
    insta::assert_snapshot!(parse(Format::Go, text), @r"
    root pkg:golang/a member runtime at `` go.mod:1
        runtime example.org/b@v1.5.0
    pkg:golang/example.org/b@v1.5.0 registry runtime go.mod:3
    ");
    let text = "module a\ngo 1.20\nrequire example.org/b v1.5.0\nexclude example.org/b v1.5.0\n";
    insta::assert_snapshot!(parse(Format::Go, text), @r"
    root pkg:golang/a member runtime at `` go.mod:1
    warning: go.mod:3: `example.org/b v1.5.0` is required and excluded: left out, as go does
    ");
}

#[test]
fn a_replacement_without_a_requirement_adds_nothing_and_a_path_keeps_its_major_version() {
    let text = "module example.org/a/v3\ngo 1.21\nrequire example.org/b/v2 v2.1.0\n\
        replace example.org/b => example.org/c v1.0.0\nreplace example.org/d => ./d\n";
    insta::assert_snapshot!(parse(Format::Go, text), @r"
    root pkg:golang/example.org/a/v3 member runtime at `` go.mod:1
        runtime example.org/b/v2@v2.1.0
    pkg:golang/example.org/b/v2@v2.1.0 registry runtime go.mod:3
    ");
}

#[test]
fn what_is_not_pinned_is_a_range_and_no_version() {
    let text = "module example.org/a\ngo 1.21\nrequire example.org/b master\n";
    insta::assert_snapshot!(parse(Format::Go, text), @r"
    root pkg:golang/example.org/a member runtime at `` go.mod:1
        runtime example.org/b
    pkg:golang/example.org/b registry runtime range `master` go.mod:3
    ");
}

#[test]
fn a_replacement_of_one_version_leaves_the_others() {
    let text = "require (\n    example.org/net v1.2.3\n    example.org/net v0.5.6\n)\n\
        replace (\n    example.org/net v1.2.3 => example.org/fork/net v1.4.5\n)\n";
    insta::assert_snapshot!(parse(Format::Go, text), @r"
    pkg:golang/example.org/fork/net@v1.4.5 registry unknown go.mod:2 go.mod:6
    pkg:golang/example.org/net@v0.5.6 registry unknown go.mod:3
    ");
}

#[test]
fn modules_of_a_workspace_are_members_and_its_replacements_win() {
    let files = [
        (
            "go.work",
            "go 1.22\nuse (\n\t./a\n\t./b\n)\nuse ./gone\nreplace example.org/x => example.org/y v2.0.0\n",
        ),
        (
            "a/go.mod",
            "module example.org/a\ngo 1.22\nrequire (\n\texample.org/b v0.0.0\n\texample.org/x v1.0.0\n\texample.org/z v1.0.0 // indirect\n)\n\
             replace example.org/x v1.0.0 => example.org/w v1.0.0\n",
        ),
        ("b/go.mod", "module example.org/b\ngo 1.22\nreplace example.org/z => ../third\n"),
        ("c/go.mod", "module example.org/c\ngo 1.22\nrequire example.org/b v0.5.0\n"),
    ];
    insta::assert_snapshot!(read(files), @r"
    root pkg:golang/example.org/a member runtime at `a` go.mod:1
        runtime example.org/b
        runtime example.org/y@v2.0.0
    pkg:golang/example.org/b member runtime at `b` go.mod:4
    pkg:golang/example.org/y@v2.0.0 registry runtime go.mod:5 go.work:7
    pkg:golang/example.org/z member unknown at `third` go.mod:6 go.mod:3
    root pkg:golang/example.org/b member runtime at `b` go.mod:1
    pkg:golang/example.org/b@v0.5.0 registry runtime go.mod:3
    root pkg:golang/example.org/c member runtime at `c` go.mod:1
        runtime example.org/b@v0.5.0
    ");
}

#[test]
fn before_go_1_17_the_rest_is_taken_from_go_sum() {
    let files = [
        ("go.mod", "module example.org/a\ngo 1.16\nrequire example.org/b v1.9.3\n"),
        (
            "go.sum",
            "example.org/b v1.9.3 h1:AA=\nexample.org/b v1.9.3/go.mod h1:BB=\n\
             example.org/c v1.9.0 h1:CC=\nexample.org/c v1.10.0 h1:DD=\nexample.org/d v1.0.0/go.mod h1:EE=\n\
             what is this line\n",
        ),
    ];
    insta::assert_snapshot!(read(files), @r"
    root pkg:golang/example.org/a member runtime at `` go.mod:1
        runtime example.org/b@v1.9.3
    pkg:golang/example.org/b@v1.9.3 registry runtime integrity `h1:AA=` go.mod:3
    pkg:golang/example.org/c@v1.10.0 registry unknown integrity `h1:DD=` go.sum:4
    warning: go.sum:6: not a line of a go.sum; what is broken in it is left out
    warning: go.mod: it is of a go before 1.17, which lists only what is needed directly: the rest is taken from go.sum (1), which may have more than is used
    ");
}

#[test]
fn a_broken_line_costs_itself() {
    let text = "module a\ngo 1.21\nrequire (\n<<<<<<< HEAD\n\texample.org/b v1.0.0\n=======\n\
        \texample.org/b v1.1.0\n>>>>>>> theirs\n\texample.org/c\n\nrequire example.org/d v1.0.0\n)\n\
        nonsense here\nreplace x =>\n";
    insta::assert_snapshot!(parse(Format::Go, text), @r"
    root pkg:golang/a member runtime at `` go.mod:1
        runtime example.org/b@v1.0.0
        runtime example.org/b@v1.1.0
        runtime example.org/d@v1.0.0
    pkg:golang/example.org/b@v1.0.0 registry runtime go.mod:5
    pkg:golang/example.org/b@v1.1.0 registry runtime go.mod:7
    pkg:golang/example.org/d@v1.0.0 registry runtime go.mod:11
    warning: go.mod:4: the mark of a merge conflict
    warning: go.mod:6: the mark of a merge conflict
    warning: go.mod:8: the mark of a merge conflict
    warning: go.mod:9: not what this directive says
    warning: go.mod:11: the block before it has no end
    warning: go.mod:13: no directive this tool knows
    warning: go.mod:14: not a replacement: `old [version] => new [version]`
    ");
    insta::assert_snapshot!(parse(Format::Go, "this is not a go.mod file!"), @r"
    error: None: not a lock file: it has no line of a go.mod
    warning: go.mod:1: no directive this tool knows
    ");
}

const MODULES: &str = "# example.org/b v1.0.0\n## explicit; go 1.20\nexample.org/b\nexample.org/b/c\n\
    # example.org/c v1.1.0\nexample.org/c\n\
    # example.org/old v1.0.0 => example.org/new v1.2.0\n## explicit\nexample.org/old\n\
    # example.org/d v0.0.0 => ./d\n## explicit\nexample.org/d\n\
    # example.org/unused v1.0.0 => ./unused\n# example.org/any => example.org/other v1.0.0\n";

#[test]
fn what_is_copied_is_the_same_module_with_one_more_place() {
    let files = [
        (
            "go.mod",
            "module example.org/a\ngo 1.21\nrequire (\n\texample.org/b v1.0.0\n\texample.org/c v1.1.0 // indirect\n\
             \texample.org/old v1.0.0\n\texample.org/d v0.0.0\n\texample.org/e v1.0.0 // indirect\n)\n\
             replace example.org/old => example.org/new v1.2.0\nreplace example.org/d => ./d\n",
        ),
        ("vendor/modules.txt", MODULES),
        ("vendor/example.org/b/go.mod", "module example.org/b\n"),
    ];
    insta::assert_snapshot!(read(files), @r"
    root pkg:golang/example.org/a member runtime at `` go.mod:1
        runtime example.org/b@v1.0.0
        runtime example.org/d
        runtime example.org/new@v1.2.0
    pkg:golang/example.org/b@v1.0.0 registry runtime go.mod:4 modules.txt:1
    pkg:golang/example.org/c@v1.1.0 registry unknown go.mod:5 modules.txt:5
    pkg:golang/example.org/d member runtime at `d` go.mod:7 go.mod:11 modules.txt:10
    pkg:golang/example.org/e@v1.0.0 registry unknown go.mod:8
    pkg:golang/example.org/new@v1.2.0 registry runtime go.mod:6 go.mod:10 modules.txt:7
    warning: vendor/example.org/b/go.mod: left out because it lies under `vendor`; ask for it with `include`
    ");
}

#[test]
fn before_go_1_17_what_is_copied_takes_the_place_of_go_sum() {
    let files = [
        ("go.mod", "module example.org/a\ngo 1.16\nrequire example.org/b v1.0.0\n"),
        (
            "go.sum",
            "example.org/b v1.0.0 h1:AA=\nexample.org/c v1.1.0 h1:BB=\nexample.org/z v1.0.0 h1:CC=\n",
        ),
        (
            "vendor/modules.txt",
            "# example.org/b v1.0.0\n## explicit\nexample.org/b\n# example.org/c v1.1.0\nexample.org/c\n",
        ),
    ];
    insta::assert_snapshot!(read(files), @r"
    root pkg:golang/example.org/a member runtime at `` go.mod:1
        runtime example.org/b@v1.0.0
    pkg:golang/example.org/b@v1.0.0 registry runtime integrity `h1:AA=` go.mod:3 modules.txt:1
    pkg:golang/example.org/c@v1.1.0 registry unknown integrity `h1:BB=` modules.txt:4
    ");
}

#[test]
fn before_go_1_14_nobody_looks_at_copies() {
    for go in ["go 1.13\n", ""] {
        let required = format!("module example.org/a\n{go}require example.org/b v1.0.0\n");
        let sum = "example.org/b v1.0.0 h1:b=\nexample.org/e v1.0.0 h1:e=\n";
        let files = [("x/go.mod", required.as_str()), ("x/go.sum", sum)];
        let with_copies = [files[0], files[1], ("x/vendor/modules.txt", MODULES)];
        let told = read(with_copies);
        assert!(told.contains("example.org/e@v1.0.0"), "{told}");
        assert!(!told.contains("modules.txt"), "{told}");
        assert_eq!(told, read(files));
    }
}

#[test]
fn a_copy_in_another_version_than_required_is_left_out() {
    let files = [
        (
            "x/go.mod",
            "module example.org/a\ngo 1.21\nrequire example.org/b v1.1.0\nrequire example.org/old v1.0.0\n",
        ),
        ("x/vendor/modules.txt", MODULES),
    ];
    insta::assert_snapshot!(read(files), @r"
    root pkg:golang/example.org/a member runtime at `x` go.mod:1
        runtime example.org/b@v1.1.0
        runtime example.org/old@v1.0.0
    pkg:golang/example.org/b@v1.1.0 registry runtime go.mod:3
    pkg:golang/example.org/c@v1.1.0 registry unknown modules.txt:5
    pkg:golang/example.org/d member unknown at `x/d` modules.txt:10
    pkg:golang/example.org/old@v1.0.0 registry runtime go.mod:4
    warning: x/vendor/modules.txt:1: `example.org/b` is left out, because the go.mod has it in another version or replaces it otherwise; `go mod vendor` mends that
    warning: x/vendor/modules.txt:7: `example.org/old` is left out, because the go.mod has it in another version or replaces it otherwise; `go mod vendor` mends that
    ");
}

#[test]
fn the_list_of_a_workspace_is_a_lock_file_of_its_own() {
    let files = [
        ("go.work", "go 1.22\nuse ./m\n"),
        ("m/go.mod", "module example.org/m\ngo 1.22\nrequire example.org/b v1.0.0\n"),
        (
            "vendor/modules.txt",
            "## workspace\n# example.org/b v1.0.0\n## explicit; go 1.20\nexample.org/b\n",
        ),
        ("third_party/x/vendor/modules.txt", "# example.org/c v1.0.0\nexample.org/c\n"),
    ];
    insta::assert_snapshot!(read(files), @r"
    pkg:golang/example.org/b@v1.0.0 registry runtime go.mod:3
    root pkg:golang/example.org/m member runtime at `m` go.mod:1
        runtime example.org/b@v1.0.0
    pkg:golang/example.org/b@v1.0.0 registry unknown modules.txt:2
    warning: third_party/x/vendor/modules.txt: left out because it lies under `third_party`; ask for it with `include`
    ");
}

#[test]
fn a_broken_list_of_copies_costs_the_lines_that_are_broken() {
    let text = "example.org/lost\n# example.org/b v1.0.0\nexample.org/b\n# example.org/bad nope\n\
        example.org/bad\n<<<<<<< ours\n# example.org/c v1.0.0\n## explicit\n=======\n>>>>>>> theirs\n\
        # example.org/none v1.0.0\nthree words here\n# example.org/d v1.0.0 => not a path\nexample.org/d\n";
    insta::assert_snapshot!(parse(Format::GoVendor, text), @r"
    pkg:golang/example.org/b@v1.0.0 registry unknown modules.txt:2
    pkg:golang/example.org/c@v1.0.0 registry unknown modules.txt:7
    warning: vendor/modules.txt:1: a package of no module
    warning: vendor/modules.txt:4: not a module: `# path version [=> replacement]`
    warning: vendor/modules.txt:6: the mark of a merge conflict
    warning: vendor/modules.txt:9: the mark of a merge conflict
    warning: vendor/modules.txt:10: the mark of a merge conflict
    warning: vendor/modules.txt:12: no line of a modules.txt
    warning: vendor/modules.txt:13: not a module: `# path version [=> replacement]`
    ");
    insta::assert_snapshot!(parse(Format::GoVendor, ""), @"");
    insta::assert_snapshot!(parse(Format::GoVendor, "what is this?\n"), @r"
    error: None: not a lock file: it has no line of a modules.txt
    warning: vendor/modules.txt:1: no line of a modules.txt
    ");
}
