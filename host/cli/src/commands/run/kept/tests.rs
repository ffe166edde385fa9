//! What is read back of how a run was begun, and what is not believed.

use super::*;

fn kept() -> (KeptCommand, String) {
    let parts = BTreeMap::from([("the head".to_owned(), "a".to_owned())]);
    let run = RunKey::new(parts.clone()).run_name();
    let tree = |name: &str| KeptTree { name: name.to_owned(), commit: Some("ab".repeat(20)) };
    let kept = KeptCommand {
        schema: SCHEMA,
        step: ".stepwell/step.toml".to_owned(),
        step_from_head: false,
        head: KeptTree { name: "the working tree".to_owned(), commit: None },
        base: Some(tree("main (abababababa)")),
        provider: "offline".to_owned(),
        no_cache: false,
        require_isolation: false,
        out: Some("/somewhere/out".to_owned()),
        ledger: Some(KeptLedger::File("/somewhere/ledger.sqlite".to_owned())),
        ledger_named: true,
        store: Some("fs:///srv/runs".to_owned()),
        parts,
        of_store: false,
    };
    (kept, run)
}

fn resume(run: &str) -> ResumeArgs {
    ResumeArgs {
        run: run.to_owned(),
        repo: RepoArgs { repo: ".".into() },
        store: StoreArgs::default(),
        base: None,
        head: None,
        ledger: None,
        approve: vec!["big".to_owned()],
        approval: vec!["file".into()],
        deadline: None,
        require_isolation: false,
        json: false,
        ci: None,
        quiet: false,
    }
}

#[test]
fn what_is_written_is_read_back_and_begins_the_same() {
    let (kept, run) = kept();
    let dir = tempfile::tempdir().unwrap();
    let file = kept.file();
    fs::write(dir.path().join(file.name), file.bytes).unwrap();
    let read = KeptCommand::of_dir(dir.path(), &run).unwrap().unwrap();
    assert_eq!(read, kept);
    let args = read.arguments(&resume(&run), Path::new("/repo")).unwrap();
    assert_eq!(args.step.unwrap(), Path::new("/repo/.stepwell/step.toml"));
    assert_eq!((args.head, args.base), (None, Some("ab".repeat(20))));
    assert_eq!(args.provider, Some(Provider::Offline));
    assert_eq!(args.ledger.unwrap(), "/somewhere/ledger.sqlite");
    assert_eq!(args.store.store.unwrap(), "fs:///srv/runs");
    assert_eq!(args.approve, ["big"]);
    assert_eq!(KeptCommand::of_dir(&dir.path().join("none"), &run).unwrap(), None);
}

#[test]
fn walls_that_were_required_once_are_required_again() {
    let (mut kept, run) = kept();
    (kept.ledger, kept.ledger_named) = (None, false);
    let asked = ResumeArgs { require_isolation: true, ..resume(&run) };
    let root = Path::new("/repo");
    for (begun, args, required) in
        [(false, resume(&run), false), (true, resume(&run), true), (false, asked, true)]
    {
        kept.require_isolation = begun;
        let told = KeptCommand::of_others(&kept.for_others().unwrap(), &run).unwrap();
        assert_eq!(told.arguments(&args, root).unwrap().require_isolation, required, "{begun}");
    }
    // One that was kept by a version that did not write it down.
    let said = String::from_utf8(kept.bytes()).unwrap();
    let said = said.replace("\"require-isolation\": false,", "");
    assert!(!said.contains("isolation"), "{said}");
    assert_eq!(KeptCommand::parse(said.as_bytes(), &run).unwrap(), kept);
}

#[test]
fn another_machine_chooses_no_place_of_this_one() {
    let (kept, run) = kept();
    let told = KeptCommand::of_others(&kept.for_others().unwrap(), &run).unwrap();
    assert_eq!((&told.out, &told.ledger, &told.store), (&None, &None, &None));
    // What a machine of ours would not have said is not believed either.
    let told = KeptCommand::of_others(&kept.bytes(), &run).unwrap();
    assert_eq!((&told.out, &told.ledger, &told.store), (&None, &None, &None));
    for (step, provider) in [
        ("/etc/passwd", "offline"),
        ("../step.toml", "offline"),
        ("", "offline"),
        ("step.toml", "script:/etc/passwd"),
        ("step.toml", "script:a/../../b"),
    ] {
        let lie =
            KeptCommand { step: step.to_owned(), provider: provider.to_owned(), ..kept.clone() };
        assert!(lie.for_others().is_none(), "{step} {provider}");
        let refused = KeptCommand::of_others(&lie.bytes(), &run);
        assert!(
            matches!(refused, Err(Problem::Kept(KeptProblem::BadCommand { .. }))),
            "{refused:?}"
        );
    }
}

#[test]
fn another_machine_chooses_neither_tree_nor_which_step_counts() {
    let (mut kept, run) = kept();
    kept.step_from_head = true;
    kept.head.commit = Some("cd".repeat(20));
    let told = KeptCommand::of_others(&kept.bytes(), &run).unwrap();
    assert!(told.base_decides());
    let named = || ResumeArgs { ledger: Some("a.sqlite".to_owned()), ..resume(&run) };
    let args = told.arguments(&named(), Path::new("/repo")).unwrap();
    assert_eq!((args.base, args.head, args.step_from_head), (None, None, false));
    let trees = || (Some("main".to_owned()), Some("topic".to_owned()));
    let (base, head) = trees();
    let args = told.arguments(&ResumeArgs { base, head, ..named() }, Path::new("/repo")).unwrap();
    assert_eq!((args.base, args.head), trees());
}

#[test]
fn no_link_leads_a_script_of_another_machine_out_of_the_repository() {
    let (mut kept, run) = kept();
    kept.provider = "script:model.toml".to_owned();
    let told = KeptCommand::of_others(&kept.bytes(), &run).unwrap();
    let named = ResumeArgs { ledger: Some("a.sqlite".to_owned()), ..resume(&run) };
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("repo")).unwrap();
    let root = dir.path().join("repo").canonicalize().unwrap();
    fs::write(dir.path().join("secret"), "").unwrap();
    std::os::unix::fs::symlink("../secret", root.join("model.toml")).unwrap();
    let refused = told.arguments(&named, &root);
    assert!(matches!(refused, Err(Problem::Kept(KeptProblem::BadCommand { .. }))), "{refused:?}");
    fs::remove_file(root.join("model.toml")).unwrap();
    fs::write(root.join("model.toml"), "").unwrap();
    assert!(told.arguments(&named, &root).is_ok());
}

#[test]
fn what_is_too_large_is_not_read_whole() {
    let (_, run) = kept();
    let dir = tempfile::tempdir().unwrap();
    let file = fs::File::create(dir.path().join(COMMAND)).unwrap();
    // More than a machine has memory for, and no byte of it on the disk.
    file.set_len(1 << 42).unwrap();
    let refused = KeptCommand::of_dir(dir.path(), &run);
    assert!(matches!(refused, Err(Problem::Kept(KeptProblem::BadCommand { .. }))), "{refused:?}");
}

#[test]
fn a_run_is_named_by_what_it_was_begun_with() {
    let (mut kept, run) = kept();
    kept.parts.insert("the head".to_owned(), "b".to_owned());
    for bytes in [kept.bytes(), b"{".to_vec(), vec![b' '; BYTES_MAX + 1]] {
        let refused = KeptCommand::parse(&bytes, &run);
        assert!(
            matches!(refused, Err(Problem::Kept(KeptProblem::BadCommand { .. }))),
            "{refused:?}"
        );
    }
}

#[test]
fn a_changed_input_is_named() {
    let (kept, _) = kept();
    let same = RunKey::new(kept.parts.clone());
    kept.hold_against(&same).unwrap();
    let other = RunKey::new([("the head".to_owned(), "b".to_owned())]);
    let Err(Problem::Kept(KeptProblem::Changed { changed, .. })) = kept.hold_against(&other) else {
        panic!()
    };
    assert_eq!(changed, ["the head"]);
}

#[test]
fn spending_is_not_entered_in_other_books_by_mistake() {
    let (mut kept, run) = kept();
    let url = "postgres://ci@db.example/stepwell";
    let shown = url.parse::<Place>().unwrap().to_string();
    kept.ledger = Some(KeptLedger::Url(shown));
    let root = Path::new("/repo");
    let named = |ledger: &str| ResumeArgs { ledger: Some(ledger.to_owned()), ..resume(&run) };
    assert!(kept.arguments(&named(url), root).is_ok());
    let other = kept.arguments(&named("other.sqlite"), root);
    assert!(matches!(other, Err(Problem::Kept(KeptProblem::OtherLedger { .. }))), "{other:?}");
}

#[test]
fn a_url_is_one_word_of_a_command() {
    assert_eq!(shell_word("fs:///srv/runs"), "fs:///srv/runs");
    assert_eq!(shell_word("s3://b/p?region=x&y=z"), "'s3://b/p?region=x&y=z'");
    assert_eq!(shell_word("it's"), r"'it'\''s'");
}
