//! What a grant lets through, and what it says of the rest.

use std::collections::BTreeMap;

use super::*;
use crate::ReadError;

fn granted(patterns: &[&str]) -> (Scratch, View) {
    let scratch = Scratch::new();
    scratch.write("src/a.rs", "a");
    scratch.write("src/keys/b.pem", "b");
    scratch.write("docs/c.md", "c");
    scratch.write("Cargo.toml", "d");
    scratch.link("src/to-key", "keys/b.pem");
    scratch.link("src/to-docs", "../docs");
    scratch.link("docs/to-src", "../src/a.rs");
    let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
    let view = View::new(scratch.snapshot(), None, Grant::read(&patterns).unwrap());
    (scratch, view)
}

#[test]
fn what_is_not_granted_is_refused_with_the_grant_that_is_missing() {
    let (_scratch, view) = granted(&["src/*"]);
    let ask = |question: Question| short(&view.answer(&question));
    let answers = [
        ask(content("src/a.rs")),
        ask(content("Cargo.toml")),
        ask(content("docs/none")),
        ask(content("src/to-key")),
        ask(content("docs/to-src")),
        ask(stat("")),
        ask(stat("src")),
        ask(stat("docs")),
        ask(stat("src/to-key")),
        ask(stat("src/none")),
        ask(list("")),
        ask(list("src")),
        ask(list("docs")),
        ask(list("src/to-docs")),
        ask(list("src/keys")),
        ask(content("we[ird")),
    ];
    insta::assert_snapshot!(answers.join("\n"), @r#"
    "a"
    NotGranted("read = [\"Cargo.toml\"]")
    NotGranted("read = [\"docs/none\"]")
    NotGranted("read = [\"src/keys/b.pem\"]")
    NotGranted("read = [\"docs/to-src\"]")
    Directory 0
    Directory 0
    NotGranted("read = [\"docs\"]")
    NotGranted("read = [\"src/keys/b.pem\"]")
    NotFound
    src:Directory
    a.rs:File keys:Directory to-docs:Symlink to-key:Symlink
    NotGranted("read = [\"docs/**\"]")
    NotGranted("read = [\"src/to-docs/**\"]")
    NotGranted("read = [\"src/keys/**\"]")
    NotGranted("read = [\"we[[]ird\"]")
    "#);
}

#[test]
fn what_is_not_granted_is_in_no_answer() {
    let (_scratch, view) = granted(&["src/a.rs", "docs/**"]);
    assert_eq!(found(&view, &glob(&["**"])), "docs/c.md src/a.rs");
    assert_eq!(found(&view, &glob_ignored(&["**"])), "docs/c.md src/a.rs");
    let Answer::Search(found) = view.answer(&queries::search("[a-d]")) else { panic!("a search") };
    let paths: Vec<&str> = found.lines.iter().map(|line| line.path.as_str()).collect();
    assert_eq!(paths, ["docs/c.md", "src/a.rs"]);
    assert_eq!(short(&view.answer(&list(""))), "docs:Directory src:Directory");
    assert_eq!(short(&view.answer(&list("src"))), "a.rs:File");
}

#[test]
fn nothing_grants_nothing_and_everything_grants_the_root() {
    let (scratch, view) = granted(&[]);
    for question in [content("Cargo.toml"), stat(""), list(""), stat("none")] {
        assert!(short(&view.answer(&question)).starts_with("NotGranted"), "{question:?}");
    }
    assert_eq!(found(&view, &glob(&["**"])), "");
    let all = View::new(scratch.snapshot(), None, Grant::everything());
    assert_eq!(short(&all.answer(&content("src/to-key"))), r#""b""#);
}

#[test]
fn a_grant_is_the_same_in_any_order_and_different_from_every_other() {
    let digest = |patterns: &[&str]| {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Grant::read(&patterns).unwrap().digest()
    };
    assert_eq!(digest(&["a", "b", "a"]), digest(&["b", "a"]));
    assert_ne!(digest(&["a", "b"]), digest(&["ab"]));
    assert_ne!(digest(&["**"]), Grant::everything().digest());
    assert_eq!(digest(&[]), Grant::nothing().digest());
    assert!(Grant::read(&["/abs".to_owned()]).is_err());
}

#[test]
fn a_step_grants_within_what_the_tool_asks_for() {
    let (scratch, _) = granted(&[]);
    let patterns = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let step = Grant::read(&patterns(&["src/**", "docs/**"])).unwrap();
    let grant = step.within(&patterns(&["src/*", "Cargo.toml"])).unwrap();
    assert_ne!(grant.digest(), step.digest());
    let view = View::new(scratch.snapshot(), None, grant);
    let ask = |question: Question| short(&view.answer(&question));
    let answers = [
        ask(content("src/a.rs")),
        ask(content("docs/c.md")),
        ask(content("Cargo.toml")),
        ask(content("other")),
        ask(list("docs")),
        ask(list("src")),
    ];
    insta::assert_snapshot!(answers.join("\n"), @r#"
    "a"
    NotGranted("read = [\"docs/c.md\"] among the grants of the tool's own manifest")
    NotGranted("read = [\"Cargo.toml\"]")
    NotGranted("read = [\"other\"]")
    NotGranted("read = [\"docs/**\"] among the grants of the tool's own manifest")
    a.rs:File keys:Directory to-docs:Symlink to-key:Symlink
    "#);
    assert_eq!(found(&view, &glob(&["**"])), "src/a.rs");
}

#[test]
fn a_variable_is_told_to_whom_it_is_granted() {
    let (scratch, _) = granted(&[]);
    let variables = |value: &str| {
        let set = Some(value.to_owned());
        BTreeMap::from([("BRANCH".to_owned(), set), ("UNSET".to_owned(), None)])
    };
    let grant = Grant::nothing().with_variables(variables("main"));
    let other = Grant::nothing().with_variables(variables("other"));
    assert_eq!(grant.digest(), other.digest(), "a value is an answer, not a grant");
    assert_ne!(grant.digest(), Grant::nothing().digest());
    let view = View::new(scratch.snapshot(), None, grant);
    let ask = |name: &str| short(&view.answer(&Question::Variable { name: name.to_owned() }));
    assert_eq!(ask("BRANCH"), r#"Some("main")"#);
    assert_eq!(ask("UNSET"), "None");
    let refused = ask("HOME");
    assert!(refused.starts_with(r#"NotGranted("[\"HOME\"] for this tool"#), "{refused}");
    for name in ["", "A B", "a\u{1}", &"A".repeat(257)] {
        assert!(ask(name).starts_with("InvalidPath"), "{name:?}");
    }
    assert_eq!(view.denied().len(), 1, "what is no name is no grant either");
    assert_eq!(short(&view.answer(&Question::Variables)), r#"[("BRANCH", "main")]"#);
    let digest =
        |grant| View::new(scratch.snapshot(), None, grant).answer_digest(&Question::Variables);
    assert_ne!(digest(other), digest(Grant::nothing()));
}

#[test]
fn a_refusal_names_the_side_that_refuses() {
    let (scratch, _) = granted(&[]);
    let step = Grant::read(&["**/*.rs".to_owned()]).unwrap();
    let refused = |tool: &str, path: &str| {
        let grant = step.within(&[tool.to_owned()]).unwrap();
        short(&View::new(scratch.snapshot(), None, grant).answer(&content(path)))
    };
    let both = [refused("**", "Cargo.toml"), refused("docs/**", "src/a.rs")];
    insta::assert_snapshot!(both.join("\n"), @r#"
    NotGranted("read = [\"Cargo.toml\"]")
    NotGranted("read = [\"src/a.rs\"] among the grants of the tool's own manifest")
    "#);
}

/// Names that a repository may have, and that are no letters in a pattern or in TOML.
#[test]
fn a_refusal_can_be_put_into_a_step_file_as_it_stands() {
    let names = [
        "we[ird]",
        "back\\slash",
        "back\\",
        "\\*",
        "quo\"te's",
        "{a,b}*?!",
        "line\nbreak\ttab\r",
        "\u{1b}[2J\u{7f}\u{85}",
        "zero\u{200b}width \u{202e}back",
        "e\u{301}\u{1f600}",
    ];
    let scratch = Scratch::new();
    let snapshot = scratch.snapshot();
    for name in names {
        let inside = format!("{name}/x");
        let view = View::new(snapshot.clone(), None, Grant::nothing());
        for (question, granted) in [(content(name), name), (list(name), &inside)] {
            let Answer::Denied(ReadError::NotGranted(line)) = view.answer(&question) else {
                panic!("{name:?} is granted")
            };
            assert!(!line.contains(char::is_control), "{line:?}");
            let read: BTreeMap<String, Vec<String>> = toml::from_str(&line).unwrap();
            let grant = Grant::read(&read["read"]).unwrap();
            assert!(grant.allows(&path(granted)), "{line}");
            assert!(!grant.allows(&path(&granted.replace(name, "other"))), "{line}");
        }
    }
}

#[test]
fn what_was_refused_is_remembered_by_those_who_asked_and_cut() {
    let (_scratch, view) = granted(&["src/*"]);
    view.answer_digest(&content("docs/c.md"));
    assert_eq!(view.denied(), [""; 0], "nobody was told");
    let long = format!("docs/{}", "x".repeat(3_000));
    for number in 0..20 {
        view.answer(&content(&format!("{long}{number}")));
    }
    view.answer(&content("Cargo.toml"));
    let denied = view.denied();
    assert!(denied.len() <= 16 && denied.iter().all(|text| text.len() <= 512), "{denied:?}");
}
