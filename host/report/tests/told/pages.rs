//! What people read: the text of a run, why it changed something, and many runs together.

use report::{By, Fleet, Look, Run, Subject, explain, html, show};

use crate::{CORPUS, builder, journal, runs};

fn text(trace: &[u8], columns: usize, records: bool) -> String {
    show(&Run::read(trace).unwrap(), Look { columns, colours: false, records })
}

#[test]
fn a_repair_is_shown() {
    insta::assert_snapshot!(text(&runs::repair(), 110, true));
}

#[test]
fn a_failed_run_is_shown() {
    insta::assert_snapshot!(text(&runs::failed(), 80, false));
}

#[test]
fn earlier_runs_are_shown() {
    for run in CORPUS {
        insta::assert_snapshot!(format!("shown-{run}"), text(&journal(run), 90, false));
    }
}

#[test]
fn no_line_passes_the_edge_and_colours_come_only_when_asked_for() {
    let wide = |line: &str| unicode_width::UnicodeWidthStr::width(line);
    for columns in [40, 61, 100, 200] {
        for trace in [
            runs::repair(),
            runs::failed(),
            runs::hostile("字\u{1b}[2J\u{202e}##vso[x]\n::error::y"),
        ] {
            let page = text(&trace, columns, true);
            for line in page.lines() {
                assert!(wide(line) <= columns, "{columns}: {line}");
                assert!(!line.contains(['\u{1b}', '\u{202e}']) && !line.contains("##"), "{line}");
                assert!(!line.starts_with("::"), "{line}");
            }
        }
    }
    let look = Look { columns: 100, colours: true, records: true };
    let coloured = show(&Run::read(&runs::repair()).unwrap(), look);
    assert!(coloured.contains("\u{1b}[32mdone\u{1b}[0m"));
}

#[test]
fn a_change_is_explained_from_the_test_to_the_gates() {
    let run = Run::read(&runs::repair()).unwrap();
    insta::assert_snapshot!(explain(&run, Subject::Everything).unwrap());
    insta::assert_snapshot!(explain(&run, Subject::Record(44)).unwrap());
    assert_eq!(
        explain(&run, Subject::Hunk(1)),
        Some(
            explain(&run, Subject::Everything)
                .unwrap()
                .split_inclusive("\n\n")
                .next()
                .unwrap()
                .to_owned()
        )
    );
    assert_eq!(explain(&run, Subject::Hunk(0)), None);
    assert_eq!(explain(&run, Subject::Hunk(2)), None);
    assert_eq!(explain(&run, Subject::Record(9_999)), None);
}

#[test]
fn many_runs_are_counted_by_step() {
    let mut fleet = Fleet::default();
    for trace in [runs::repair(), runs::failed(), runs::repair()] {
        assert!(fleet.add(&Run::read(&trace).unwrap()));
    }
    for run in CORPUS {
        fleet.add(&Run::read(&journal(run)).unwrap());
    }
    insta::assert_snapshot!(fleet.text(By::Step, 100));
    insta::assert_snapshot!(fleet.json(By::Step));
    assert!(fleet.html(By::Step).contains("<th scope=\"row\">failing-test</th>"));
    insta::assert_snapshot!(Fleet::default().text(By::Step, 100));
}

#[test]
fn many_runs_are_counted_by_repository_and_by_workflow() {
    let mut fleet = Fleet::default();
    for (name, workflow) in [("acme/shop", Some("ci")), ("acme/<till>", None)] {
        let pipeline = session::Pipeline::named(Some(name), None, workflow);
        fleet.add(&Run::read(&runs::in_pipeline(pipeline)).unwrap());
    }
    fleet.add(&Run::read(&runs::repair()).unwrap());
    let counted = |by| {
        let each = fleet.each(by).into_iter().map(|group| (group.name, group.runs));
        each.collect::<Vec<_>>()
    };
    let named = |all: &[(&str, u64)]| {
        all.iter().map(|(name, runs)| ((*name).to_owned(), *runs)).collect::<Vec<_>>()
    };
    let of_repositories = [("(not said)", 1), ("acme/<till>", 1), ("acme/shop", 1)];
    assert_eq!(counted(By::Repository), named(&of_repositories));
    assert_eq!(counted(By::Workflow), named(&[("(not said)", 2), ("ci", 1)]));
    assert!(fleet.text(By::Workflow, 100).starts_with("all workflows"));
    let json: serde_json::Value = serde_json::from_str(&fleet.json(By::Repository)).unwrap();
    assert_eq!(json["repositories"][1]["name"], "acme/<till>");
    let page = fleet.html(By::Repository);
    assert!(page.contains("<th scope=\"row\">acme/&lt;till&gt;</th>"), "{page}");
}

#[test]
fn the_page_allows_its_own_script_and_nothing_else() {
    let page = html(&Run::read(&runs::hostile("</script><script>x")).unwrap());
    assert_eq!(page.matches("<script").count(), 2, "the data, and the page's own");
    assert_eq!(page.matches("</script").count(), 2);
    let policy = page.split("http-equiv=\"Content-Security-Policy\" content=\"").nth(1).unwrap();
    let policy = policy.split('"').next().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    for address in ["http://", "https://", "//cdn"] {
        let page = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!page.contains(address), "{address}");
    }
}

#[test]
fn a_page_stays_small_however_much_a_trace_says() {
    let long = "x".repeat(600_000);
    let mut run = builder::Builder::new("0123456789abcdef");
    run.started("long", &["read_file"]);
    for index in 0..60 {
        run.call(
            builder::of_context(index),
            "read_file",
            &long,
            builder::answered(&long),
            session::Source::Fresh,
        );
    }
    let told = Run::read(&run.bytes).unwrap();
    assert!(told.calls[0].output.is_cut() && told.calls[0].output.bytes == 600_000);
    let kept: usize = told.calls.iter().map(|call| call.output.text.len()).sum();
    assert!(kept <= report::run::TEXTS_BYTES_MAX);
    assert!(html(&told).len() < 2 * report::run::TEXTS_BYTES_MAX);
}
