//! What a mix.lock and the mix.exs beside it come to.

use super::super::sketch::{parse, read};
use crate::Format;

const LOCK: &str = r#"%{
  "decimal": {:hex, :decimal, "2.0.0", "a78296e617b0f5dd4c6caf57c714431347912ffb1d0842e998e9792b5642d697", [:mix], [], "hexpm", "34666e9c55dea81013e77d9d87370fe6cb6291d1ef32f46a1600230b1d44f577"},
  "ecto": {:hex, :ecto, "3.5.5", "48219a991bb86daba6e38a1e64f8cea540cded58950ff38fbc8163e062281a07", [:mix], [{:decimal, "~> 1.6 or ~> 2.0", [hex: :decimal, repo: "hexpm", optional: false]}, {:jason, "~> 1.0", [hex: :jason, repo: "hexpm", optional: true]}, {:renamed, "~> 1.0", [hex: :other_name, repo: "hexpm", optional: false]}, {:poison, "~> 1.0", [hex: :poison, repo: "hexpm", optional: true]}], "hexpm", "98dd0e5e1de7f45beca6130d13116eae675db59adfa055fb79612406acf6f6f1"},
  "forked": {:git, "https://user:word@example.org/forked.git", "bef3ee1d3618017061498b96c75043e8449ef9b5", [ref: "bef3ee1d3618017061498b96c75043e8449ef9b5"]},
  "jason": {:hex, :jason, "1.2.2", "08eb8b0f1d2a1a5c9b4b5d2f7f0d1f1d2a1a5c9b4b5d2f7f0d1f1d2a1a5c9b4b", [:mix], [{:decimal, "~> 1.0 or ~> 2.0", [hex: :decimal, repo: "hexpm", optional: true]}], "hexpm", "18a228f5f0058ee183f29f9eae0805c6e59d61c3b006760668d8d18ff0d12179"},
  "old": {:hex, :old, "0.1.0", "inner", [:rebar3], [{:gone, "~> 1.0", [hex: :gone, optional: false]}]},
  "private": {:hex, :private, "1.0.0", "inner", [:mix], [], "hexpm:acme", "28a228f5f0058ee183f29f9eae0805c6e59d61c3b006760668d8d18ff0d12179"},
  "elsewhere": {:hex, :elsewhere, "1.0.0", "inner", [:mix], [], "myrepo", "38a228f5f0058ee183f29f9eae0805c6e59d61c3b006760668d8d18ff0d12179"},
  "renamed": {:hex, :other_name, "1.0.0", "inner", [:mix], [], "hexpm", "48a228f5f0058ee183f29f9eae0805c6e59d61c3b006760668d8d18ff0d12179"},
  "first": {:package, "0.0.1"},
}
"#;

#[test]
fn a_project_needs_what_its_mix_exs_asks_for() {
    let manifest = "def project do\n[app: :my_app, version: \"0.3.0\"]\nend\ndefp deps do\n\
        [{:ecto, \"~> 3.5\"}, {:old, \"~> 0.1\", only: [:dev, :test]}, {:unused, \"~> 1.0\"}]\nend\n";
    insta::assert_snapshot!(read([("app/mix.lock", LOCK), ("app/mix.exs", manifest)]), @r"
    pkg:hex/acme/private@1.0.0 registry unknown integrity `inner` Sha256=28a228f5 mix.lock:7
    pkg:hex/decimal@2.0.0 registry runtime integrity `a78296e617b0f5dd4c6caf57c714431347912ffb1d0842e998e9792b5642d697` Sha256=34666e9c mix.lock:2
    pkg:hex/ecto@3.5.5 registry runtime integrity `48219a991bb86daba6e38a1e64f8cea540cded58950ff38fbc8163e062281a07` Sha256=98dd0e5e mix.lock:3
        runtime decimal@2.0.0
        optional jason@1.2.2
        runtime other_name@1.0.0
    pkg:hex/elsewhere@1.0.0 registry unknown from `myrepo` integrity `inner` Sha256=38a228f5 mix.lock:8
    pkg:hex/first@0.0.1 registry unknown mix.lock:10
    pkg:hex/forked?vcs_url=https:%2F%2Fexample.org%2Fforked.git%40bef3ee1d3618017061498b96c75043e8449ef9b5 git unknown from `https://example.org/forked.git#bef3ee1d3618017061498b96c75043e8449ef9b5` mix.lock:4
    pkg:hex/jason@1.2.2 registry optional integrity `08eb8b0f1d2a1a5c9b4b5d2f7f0d1f1d2a1a5c9b4b5d2f7f0d1f1d2a1a5c9b4b` Sha256=18a228f5 mix.lock:5
        optional decimal@2.0.0
    root pkg:hex/my_app@0.3.0 member runtime at `app` mix.exs:1
        runtime ecto@3.5.5
        dev old@0.1.0
    pkg:hex/old@0.1.0 registry dev integrity `inner` mix.lock:6
    pkg:hex/other_name@1.0.0 registry runtime integrity `inner` Sha256=48a228f5 mix.lock:9
    warning: app/mix.lock:6: `gone`, which old needs, is not in the lock file
    ");
}

#[test]
fn projects_of_an_umbrella_are_members() {
    let lock = "%{\n  \"a\": {:hex, :a, \"1.0.0\", \"\", [:mix], [], \"hexpm\", \"\"},\n}\n";
    let files = [
        ("mix.lock", lock),
        ("mix.exs", "[apps_path: \"apps\", version: \"1.0.0\"]"),
        ("apps/one/mix.exs", "[app: :one, version: \"1.0.0\"]\n[{:two, in_umbrella: true}]"),
        ("apps/two/mix.exs", "[app: :two, version: \"1.0.0\"]\n[{:a, \"~> 1.0\"}]"),
    ];
    insta::assert_snapshot!(read(files), @r"
    pkg:hex/a@1.0.0 registry runtime mix.lock:2
    root pkg:hex/one@1.0.0 member runtime at `apps/one` mix.exs:1
        runtime two@1.0.0
    root pkg:hex/root@1.0.0 member runtime at `` mix.exs:1
    root pkg:hex/two@1.0.0 member runtime at `apps/two` mix.exs:1
        runtime a@1.0.0
    ");
}

#[test]
fn a_broken_entry_costs_itself() {
    let text = r#"%{
  "a": {:hex, :a, "1.0.0", "x", [:mix], [], "hexpm", "y"},
  "b": {:hex, },
  "c": {:hex, :c, "1.0.0", "x", [:mix], [, "hexpm", "y"},
  "d": {:hex, :d, "1.0.0
<<<<<<< HEAD
  "e": {:hex, :e, "1.0.0", "x", [:mix], [], "hexpm", "y"},
=======
  "e": {:hex, :e, "1.1.0", "x", [:mix], [], "hexpm", "y"},
>>>>>>> theirs
  "f": {:svn, "https://example.org"},
  "g": {:hex, :g, "1.0.0", "x", [:mix],
    [{:a, "~> 1.0", [hex: :a]}], "hexpm",
    "y"}
"#;
    insta::assert_snapshot!(parse(Format::Mix, text), @r"
    pkg:hex/a@1.0.0 registry unknown integrity `x` mix.lock:2
    pkg:hex/e@1.0.0 registry unknown integrity `x` mix.lock:7
    pkg:hex/g@1.0.0 registry unknown integrity `x` mix.lock:12
        runtime a@1.0.0
    warning: mix.lock:3: `b`: neither a package of hex nor a revision of git
    warning: mix.lock:4: no value this tool knows
    warning: mix.lock:5: a text without an end
    warning: mix.lock:8: no text where one belongs
    warning: mix.lock:9: `e` is listed twice
    warning: mix.lock:10: no text where one belongs
    warning: mix.lock:11: `f`: neither a package of hex nor a revision of git
    warning: mix.lock:15: it ends too early
    ");
    insta::assert_snapshot!(parse(Format::Mix, "%{}"), @"");
    insta::assert_snapshot!(parse(Format::Mix, "%{\"a\": {:hex, :a, \"1\"}, \"b\" => {:hex, :b, \"1\"}}"), @r"
    pkg:hex/a@1 registry unknown mix.lock:1
    pkg:hex/b@1 registry unknown mix.lock:1
    ");
    insta::assert_snapshot!(parse(Format::Mix, "nothing"), @"error: None: not a lock file: it is no map of Elixir's");
}
