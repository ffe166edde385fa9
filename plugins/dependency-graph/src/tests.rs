//! The tool's promises, through its JSON.

use serde_json::{Value, json};
use stepwell::testing::{Question, Repository};

use crate::{ANSWER_BYTES_MAX, TOOL};

const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A Cargo.lock from lines `package: what it needs`; the first is the repository's own.
fn lock(lines: &[&str]) -> String {
    let quoted = |need: &str| format!("\"{}\"", need.replace('@', " "));
    let package = |(at, line): (usize, &&str)| {
        let (name, needs) = line.split_once(':').expect("`package: needs`");
        let (name, version) = name.split_once('@').unwrap_or((name, "1.0.0"));
        let source = if at == 0 { String::new() } else { format!("source = \"{SOURCE}\"\n") };
        let needs: Vec<String> = needs.split_whitespace().map(quoted).collect();
        let needs = needs.join(", ");
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}dependencies = [{needs}]\n\n"
        )
    };
    lines.iter().enumerate().map(package).collect()
}

const PACKAGE_LOCK: &str = r#"{
  "name": "web", "lockfileVersion": 3,
  "packages": {
    "": { "name": "web", "version": "1.0.0", "dependencies": { "a": "1" } },
    "node_modules/a": { "version": "1.0.0", "dependencies": { "b": "1" } },
    "node_modules/a/node_modules/b": { "version": "1.0.0" },
    "node_modules/b": { "version": "2.0.0", "extraneous": true }
  }
}"#;

fn repository() -> Repository {
    let head = lock(&[
        "app: one two",
        "one: three@1.0.0",
        "two: three@2.0.0",
        "three@1.0.0:",
        "three@2.0.0: two",
    ]);
    Repository::new()
        .file("Cargo.lock", head)
        .file("Cargo.toml", "[package]\nname = \"app\"\nversion = \"1.0.0\"\n[dependencies]\none = \"1\"\n[dev-dependencies]\ntwo = \"1\"\n")
        .file("web/package-lock.json", PACKAGE_LOCK)
        .file("web/tests/Cargo.lock", "")
        .file("broken/package-lock.json", "{\n  \"packages\": {\n,")
}

#[track_caller]
fn answer_of(repository: &Repository, input: &Value) -> Value {
    let run = repository.call(&TOOL, &input.to_string());
    serde_json::from_str(&run.answer.expect("an answer")).expect("JSON")
}

#[track_caller]
fn answer(input: &Value) -> Value {
    answer_of(&repository(), input)
}

#[test]
fn a_summary_says_how_much_there_is_and_what_could_not_be_read() {
    insta::assert_json_snapshot!(answer(&json!({})), @r#"
    {
      "answer": "2 lock files with 9 packages, 2 of them in several versions; not all lock files could be read, see the warnings",
      "duplicates": [
        {
          "name": "b",
          "versions": [
            "1.0.0",
            "2.0.0"
          ]
        },
        {
          "name": "three",
          "versions": [
            "1.0.0",
            "2.0.0"
          ]
        }
      ],
      "lockfiles": [
        {
          "direct": 2,
          "ecosystem": "cargo",
          "edges": 5,
          "packages": 5,
          "path": "Cargo.lock"
        },
        {
          "direct": 1,
          "ecosystem": "npm",
          "edges": 2,
          "packages": 4,
          "path": "web/package-lock.json"
        }
      ],
      "packages": 9,
      "tokens": 166,
      "warnings": [
        {
          "path": "web/tests/Cargo.lock",
          "reason": "left out because it lies under `tests`; ask for it with `include`"
        },
        {
          "line": 3,
          "path": "broken/package-lock.json",
          "reason": "not valid JSON: key must be a string at line 3 column 1"
        }
      ]
    }
    "#);
}

#[test]
fn the_repository_is_asked_for_lock_files_once_and_for_nothing_else_than_manifests() {
    let run = repository().call(&TOOL, "{}");
    let other = |question: &&Question| match question {
        Question::Glob(..) => false,
        Question::Read(_, path) => {
            !["Cargo.lock", "Cargo.toml", "package-lock.json", "package.json"]
                .iter()
                .any(|name| path.ends_with(name))
        }
        Question::ReadRange(..)
        | Question::Stat(..)
        | Question::Kind(..)
        | Question::Size(..)
        | Question::Executable(..)
        | Question::List(..)
        | Question::Search(..)
        | Question::Variable(..) => true,
    };
    assert_eq!(run.questions.iter().filter(other).collect::<Vec<_>>(), Vec::<&Question>::new());
    let globs =
        run.questions.iter().filter(|question| matches!(question, Question::Glob(..))).count();
    assert_eq!(globs, 1);
}

#[test]
fn direct_says_what_the_repository_itself_needs_and_how() {
    insta::assert_json_snapshot!(answer(&json!({"query": "direct", "lockfile": "Cargo.lock"})), @r#"
    {
      "answer": "1 package of the repository's own, with 2 direct dependencies to others in all",
      "roots": [
        {
          "directory": "",
          "lockfile": "Cargo.lock",
          "name": "app",
          "needs": [
            {
              "kind": "runtime",
              "name": "one",
              "version": "1.0.0"
            },
            {
              "kind": "dev",
              "name": "two",
              "version": "1.0.0"
            }
          ],
          "version": "1.0.0"
        }
      ],
      "tokens": 77,
      "warnings": []
    }
    "#);
}

#[test]
fn why_gives_the_ways_shortest_first() {
    let why = answer(&json!({"query": "why", "package": "three", "lockfile": "Cargo.lock"}));
    let ways: Vec<&Value> =
        why["matches"].as_array().unwrap().iter().map(|m| &m["paths"]).collect();
    assert_eq!(
        json!(ways),
        json!([
            [["app@1.0.0", "one@1.0.0", "three@1.0.0"]],
            [["app@1.0.0", "two@1.0.0", "three@2.0.0"]]
        ])
    );
    assert_eq!(why["matches"][1]["scope"], "dev");
}

#[test]
fn why_follows_the_installation_not_the_name() {
    let why = answer(&json!({"query": "why", "package": "b@1.0.0"}));
    insta::assert_json_snapshot!(why["matches"], @r#"
    [
      {
        "ecosystem": "npm",
        "kind": "registry",
        "location": "web/node_modules/a/node_modules/b",
        "lockfile": "web/package-lock.json",
        "more_paths": false,
        "name": "b",
        "paths": [
          [
            "web@1.0.0",
            "a@1.0.0",
            "b@1.0.0"
          ]
        ],
        "scope": "runtime",
        "version": "1.0.0"
      }
    ]
    "#);
}

#[test]
fn a_name_that_is_not_there_gets_names_that_are() {
    let why = answer(&json!({"query": "why", "package": "thre", "lockfile": "Cargo.lock"}));
    assert_eq!((&why["found"], &why["similar"]), (&json!(false), &json!(["three"])));
}

#[test]
fn a_question_about_one_package_needs_its_name() {
    let run = repository().call(&TOOL, r#"{"query": "dependents"}"#);
    insta::assert_snapshot!(run.answer.unwrap_err().message(), @"this query is about one package: give `package`, a name or `name@version`");
}

#[test]
fn dependents_are_counted_all_the_way_up() {
    let dependents = answer(&json!({"query": "dependents", "package": "three@2.0.0"}));
    insta::assert_json_snapshot!(dependents["matches"], @r#"
    [
      {
        "ecosystem": "cargo",
        "kind": "registry",
        "lockfile": "Cargo.lock",
        "name": "three",
        "needed_by": [
          {
            "kind": "runtime",
            "name": "two",
            "version": "1.0.0"
          }
        ],
        "needed_by_all": 2,
        "scope": "dev",
        "version": "2.0.0"
      }
    ]
    "#);
}

#[test]
fn duplicates_say_who_needs_which() {
    let duplicates = answer(&json!({"query": "duplicates", "lockfile": "Cargo.lock"}));
    insta::assert_json_snapshot!(duplicates["duplicates"], @r#"
    [
      {
        "ecosystem": "cargo",
        "lockfile": "Cargo.lock",
        "name": "three",
        "versions": [
          {
            "needed_by": [
              "one@1.0.0"
            ],
            "scope": "runtime",
            "version": "1.0.0"
          },
          {
            "needed_by": [
              "two@1.0.0"
            ],
            "scope": "dev",
            "version": "2.0.0"
          }
        ]
      }
    ]
    "#);
}

#[test]
fn cycles_are_found() {
    let cycles = answer(&json!({"query": "cycles"}));
    assert_eq!(
        cycles["cycles"],
        json!([{"lockfile": "Cargo.lock", "packages": ["three@2.0.0", "two@1.0.0"], "only_dev": false}])
    );
}

#[test]
fn a_graph_can_be_drawn_around_a_package() {
    let input = json!({"query": "graph", "format": "mermaid", "package": "one", "max": 2, "lockfile": "Cargo.lock"});
    let graph = answer(&input);
    insta::assert_snapshot!(graph["text"].as_str().unwrap(), @r#"
    graph LR
      n0["one@1.0.0"]
      n1["three@1.0.0"]
      n0 --> n1
    "#);
    assert_eq!(graph["left_out"]["nodes"], 3);
    let dot =
        answer(&json!({"query": "graph", "format": "dot", "lockfile": "web/package-lock.json"}));
    insta::assert_snapshot!(dot["text"].as_str().unwrap(), @r#"
    digraph dependencies {
      node [shape=box];
      n0 [label="web@1.0.0"];
      n1 [label="b@2.0.0"];
      n2 [label="a@1.0.0"];
      n3 [label="b@1.0.0"];
      n0 -> n2;
      n2 -> n3;
    }
    "#);
    let data = answer(&json!({"query": "graph", "lockfile": "web/package-lock.json"}));
    assert_eq!(data["nodes"].as_array().unwrap().len(), 4);
    assert_eq!(data["edges"][0], json!({"from": 0, "to": 2, "kind": "runtime"}));
}

#[test]
fn changes_are_told_against_the_base() {
    let base =
        lock(&["app: one two", "one: three@1.0.0", "two@0.9.0: gone", "three@1.0.0:", "gone:"]);
    let repository =
        repository().base("Cargo.lock", base).base("web/package-lock.json", PACKAGE_LOCK);
    insta::assert_json_snapshot!(answer_of(&repository, &json!({"query": "changes"})), @r#"
    {
      "added": [
        {
          "direct": false,
          "ecosystem": "cargo",
          "lockfile": "Cargo.lock",
          "name": "three",
          "scope": "dev",
          "version": "2.0.0"
        }
      ],
      "answer": "1 added, 1 removed, 1 changed; not all lock files could be read, see the warnings",
      "base_present": true,
      "changed": [
        {
          "direct": true,
          "ecosystem": "cargo",
          "from": "0.9.0",
          "lockfile": "Cargo.lock",
          "name": "two",
          "scope": "dev",
          "to": "1.0.0"
        }
      ],
      "removed": [
        {
          "direct": false,
          "ecosystem": "cargo",
          "lockfile": "Cargo.lock",
          "name": "gone",
          "scope": "unknown",
          "version": "1.0.0"
        }
      ],
      "tokens": 208,
      "warnings": [
        {
          "path": "web/tests/Cargo.lock",
          "reason": "left out because it lies under `tests`; ask for it with `include`"
        },
        {
          "line": 3,
          "path": "broken/package-lock.json",
          "reason": "not valid JSON: key must be a string at line 3 column 1"
        },
        {
          "path": "broken/package-lock.json",
          "reason": "not compared, because one state of it cannot be read"
        }
      ]
    }
    "#);
}

#[test]
fn a_lock_file_that_is_new_or_gone_is_all_changes() {
    let one = lock(&["app: one", "one:"]);
    let input = json!({"query": "changes", "lockfile": "Cargo.lock"});
    let new = Repository::new().file("Cargo.lock", &one).base("README.md", "");
    assert_eq!(answer_of(&new, &input)["added"][0]["name"], "one");
    assert_eq!(answer_of(&new, &json!({"query": "changes"}))["added"][0]["name"], "one");
    let gone = Repository::new().file("README.md", "").base("Cargo.lock", &one);
    assert_eq!(answer_of(&gone, &input)["removed"][0]["name"], "one");
    assert_eq!(answer_of(&gone, &json!({"query": "changes"}))["removed"][0]["name"], "one");
}

#[test]
fn what_cannot_be_read_in_one_state_is_not_taken_for_gone() {
    let one = lock(&["app: one", "one:"]);
    let repository = Repository::new().file("Cargo.lock", "[[package").base("Cargo.lock", one);
    let changes = answer_of(&repository, &json!({"query": "changes"}));
    assert_eq!(changes["removed"], json!([]));
    assert_eq!(changes["warnings"].as_array().unwrap().len(), 2, "{changes}");
}

#[test]
fn without_a_base_nothing_is_said_to_have_changed() {
    let changes = answer(&json!({"query": "changes"}));
    assert_eq!(changes["base_present"], json!(false));
    assert_eq!(changes["added"], json!([]));
}

#[test]
fn an_answer_is_cut_and_says_so() {
    let mut lines = vec!["app:".to_owned() + &" x".repeat(0)];
    lines.extend((0..3_000).map(|at| format!("package-{}-{at}:", "x".repeat(180))));
    let all: Vec<String> =
        lines[1..].iter().map(|line| line.trim_end_matches(':').to_owned()).collect();
    lines[0] = format!("app: {}", all.join(" "));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let repository = Repository::new().file("Cargo.lock", lock(&lines));
    for query in ["summary", "direct", "graph"] {
        let run = repository.call(&TOOL, &json!({"query": query, "max": 1000}).to_string());
        assert!(run.answer.unwrap().len() <= ANSWER_BYTES_MAX, "{query}");
    }
    let direct = answer_of(&repository, &json!({"query": "direct"}));
    assert_eq!(direct["roots"][0]["needs"].as_array().unwrap().len(), 50);
    assert_eq!(direct["left_out"]["needs"], 2_950);
}

#[test]
fn equal_repositories_give_equal_answers() {
    for query in ["summary", "direct", "duplicates", "cycles", "graph", "changes"] {
        let input = json!({"query": query}).to_string();
        assert_eq!(
            repository().call(&TOOL, &input).answer,
            repository().call(&TOOL, &input).answer
        );
    }
}

/// Every query, with what it needs.
fn queries() -> Vec<Value> {
    let plain = ["summary", "direct", "duplicates", "cycles", "graph", "changes"];
    let mut all: Vec<Value> = plain.map(|query| json!({"query": query})).to_vec();
    for query in ["why", "dependents"] {
        all.extend(["three", "nowhere"].map(|package| json!({"query": query, "package": package})));
    }
    all.extend(["dot", "mermaid"].map(|format| json!({"query": "graph", "format": format})));
    all
}

#[test]
fn every_answer_begins_with_a_sentence_and_ends_with_what_it_costs() {
    let mut sentences = Vec::new();
    for input in queries() {
        let text = repository().call(&TOOL, &input.to_string()).answer.unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let sentence = value["answer"].as_str().unwrap().to_owned();
        assert!(text.starts_with("{\"answer\":"), "{text}");
        assert!(text.ends_with(&format!(",\"tokens\":{}}}", text.len().div_ceil(4))), "{text}");
        sentences.push(format!("{input} {sentence}"));
    }
    insta::assert_json_snapshot!(sentences, @r#"
    [
      "{\"query\":\"summary\"} 2 lock files with 9 packages, 2 of them in several versions; not all lock files could be read, see the warnings",
      "{\"query\":\"direct\"} 2 packages of the repository's own, with 3 direct dependencies to others in all",
      "{\"query\":\"duplicates\"} 2 packages in several versions",
      "{\"query\":\"cycles\"} 1 group of packages that need each other, 1 of them not for development only",
      "{\"query\":\"graph\"} 9 packages and 7 dependencies",
      "{\"query\":\"changes\"} there is no base to compare with",
      "{\"package\":\"three\",\"query\":\"why\"} 2 times, first in `Cargo.lock`: app@1.0.0 -> one@1.0.0 -> three@1.0.0; 2 ways in all",
      "{\"package\":\"nowhere\",\"query\":\"why\"} no lock file that was read has `nowhere`; not all lock files could be read, see the warnings",
      "{\"package\":\"three\",\"query\":\"dependents\"} 2 times, first in `Cargo.lock`: needed by 2 packages directly or not; each place counts its own",
      "{\"package\":\"nowhere\",\"query\":\"dependents\"} no lock file that was read has `nowhere`; not all lock files could be read, see the warnings",
      "{\"format\":\"dot\",\"query\":\"graph\"} 9 packages and 7 dependencies",
      "{\"format\":\"mermaid\",\"query\":\"graph\"} 9 packages and 7 dependencies"
    ]
    "#);
}

#[test]
fn the_schemas_examples_are_taken() {
    let schema: Value = serde_json::from_str(TOOL.schema).unwrap();
    for example in schema["examples"].as_array().unwrap() {
        answer(example);
    }
}

#[test]
fn a_package_url_asks_for_the_package() {
    let why = |package: &str| answer(&json!({"query": "why", "package": package}));
    assert_eq!(why("pkg:npm/a")["matches"], why("a")["matches"]);
    assert_eq!(why("pkg:npm/b@1.0.0")["matches"], why("b@1.0.0")["matches"]);
}

#[test]
fn another_source_under_the_same_version_is_in_the_first_sentence() {
    let one = lock(&["app: one", "one:"]);
    let other = one.replace(SOURCE, "registry+https://index.example.org");
    let repository = Repository::new().file("Cargo.lock", other).base("Cargo.lock", one);
    let changes = answer_of(&repository, &json!({"query": "changes"}));
    assert_eq!(changes["answer"], "0 added, 0 removed, 1 changed (1 under the same version)");
    assert_eq!(changes["changed"][0]["note"], "same version, other source");
}

#[test]
fn a_marker_of_python_is_shown_where_the_package_is() {
    let lock = "version = 1\n[manifest]\nmembers = [\"r\"]\n[[package]]\nname = \"r\"\nversion = \"0\"\n\
        source = { editable = \".\" }\ndependencies = [{ name = \"a\", marker = \"sys_platform == 'win32'\" }]\n\
        [[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"https://pypi.org/simple\" }\n";
    let repository = Repository::new().file("uv.lock", lock);
    let expected = json!("sys_platform == 'win32'");
    let direct = answer_of(&repository, &json!({"query": "direct"}));
    assert_eq!(direct["roots"][0]["needs"][0]["condition"], expected);
    let why = answer_of(&repository, &json!({"query": "why", "package": "a"}));
    assert_eq!(why["matches"][0]["condition"], expected);
}

#[test]
fn a_bill_says_what_its_subject_needs() {
    let bill = json!({
        "bomFormat": "CycloneDX",
        "metadata": {"component": {"bom-ref": "own", "name": "firmware", "version": "2"}},
        "components": [{
            "bom-ref": "z", "name": "zlib", "version": "1.3.1",
            "purl": "pkg:deb/debian/zlib@1.3.1",
        }],
        "dependencies": [{"ref": "own", "dependsOn": ["z"]}],
    });
    let repository = Repository::new().file("release/bom.json", bill.to_string());
    let direct = answer_of(&repository, &json!({"query": "direct"}));
    let expected = json!([{
        "name": "firmware", "version": "2", "lockfile": "release/bom.json",
        "needs": [{
            "name": "debian/zlib", "version": "1.3.1", "kind": "unknown", "from": "bill",
        }],
    }]);
    assert_eq!(direct["roots"], expected);
    let package = json!({"query": "why", "package": "pkg:deb/debian/zlib@1.3.1"});
    assert_eq!(answer_of(&repository, &package)["found"], true);
}

#[test]
fn a_platform_more_is_no_other_content_of_a_provider() {
    let locked = |hashes: &[&str]| {
        let lines: String = hashes.iter().map(|hash| format!("    \"{hash}\",\n")).collect();
        format!(
            "provider \"registry.terraform.io/a/b\" {{\n  version = \"1.0.0\"\n  hashes = [\n{lines}  ]\n}}\n"
        )
    };
    let zip = |digit: &str| format!("zh:{}", digit.repeat(64));
    let (one, two, three, four) = (zip("1"), zip("2"), zip("3"), zip("4"));
    let base = locked(&["h1:a=", &one, &two]);
    for (head, expected) in [
        (base.clone(), "no package was added, removed or changed"),
        (
            locked(&["h1:a=", "h1:b=", &one, &two, &three]),
            "no package was added, removed or changed",
        ),
        (
            locked(&["h1:a=", &three, &four]),
            "0 added, 0 removed, 1 changed (1 under the same version)",
        ),
        (
            locked(&["h1:c=", &one, &two]),
            "0 added, 0 removed, 1 changed (1 under the same version)",
        ),
    ] {
        let path = ".terraform.lock.hcl";
        let repository = Repository::new().file(path, head).base(path, base.clone());
        let answer = answer_of(&repository, &json!({"query": "changes"}));
        assert_eq!(answer["answer"], expected, "{answer}");
    }
}
