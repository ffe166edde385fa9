//! The tool's promises, through its JSON.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::Value;
use stepwell::testing::Repository;

use crate::TOOL;

mod answers;
mod formats;
mod logs;
mod runners;

use formats::LIBTEST;

#[track_caller]
fn call(repository: &Repository, input: &str) -> Value {
    let run = repository.call(&TOOL, input);
    serde_json::from_str(&run.answer.expect("an answer")).unwrap()
}

/// The answer to one report, as short as can be.
fn read(report: &str) -> String {
    let repository = Repository::new().file("report", report).file("src/lib.rs", "");
    let answer = call(&repository, r#"{"paths": ["report"]}"#);
    let numbers = &answer["summary"];
    let mut text = format!("{}:", answer["verdict"].as_str().unwrap());
    for key in ["tests", "passed", "failed", "errors", "skipped", "flaky"] {
        if let Some(number @ 1..) = numbers[key].as_u64() {
            write!(text, " {number} {key}").unwrap();
        }
    }
    for failure in answer["failures"].as_array().unwrap() {
        let field = |key: &str| failure[key].as_str().unwrap_or("-");
        let (id, kind, message) = (field("id"), field("kind"), field("message"));
        let in_repository = failure["file"].as_str().map(|_| failure);
        let place = match in_repository.or(failure["trace"].get(0)) {
            Some(place) => format!("{}:{}", place["file"].as_str().unwrap(), place["line"]),
            None => "-".to_owned(),
        };
        write!(text, "\n{kind} {id} at {place}: {message}").unwrap();
        if let Some(same_as) = failure["same_as"].as_str() {
            write!(text, " as {same_as}").unwrap();
        }
        if field("stdout_tail") != "-" {
            write!(text, "\n  printed {:?}", field("stdout_tail")).unwrap();
        }
    }
    for rule in answer["findings"]["rules"].as_array().into_iter().flatten() {
        let (level, name, count) = (&rule["level"], &rule["rule"], &rule["count"]);
        let (file, line, fixable) = (&rule["file"], &rule["line"], &rule["fixable"]);
        write!(
            text,
            "\nfound {level} {name} {count} times, fixable {fixable}, first {file}:{line}"
        )
        .unwrap();
    }
    for command in answer["rerun"].as_array().into_iter().flatten() {
        write!(text, "\nrerun {}", command.as_str().unwrap()).unwrap();
    }
    for warning in answer["warnings"].as_array().unwrap() {
        write!(text, "\nwarning, line {}: {}", warning["line"], warning["reason"]).unwrap();
    }
    text
}

#[test]
fn reports_are_found_where_they_usually_are() {
    let junit = |name: &str| format!("<testsuite><testcase name='{name}'/></testsuite>");
    let repository = Repository::new()
        .ignored("target/nextest/ci/junit.xml", junit("a"))
        .ignored("app/build/test-results/TEST-a.B.xml", junit("b"))
        .ignored("app/build/test-results/copy.xml", junit("b"))
        .ignored(".stepwell/verify/stdout", LIBTEST)
        .ignored("node_modules/x/y/z/junit.xml", junit("not ours either"))
        .file("tests/fixtures/junit.xml", junit("not ours"))
        .file("deep/in/the/tree/junit.xml", junit("c"))
        .file("reports/coverage.xml", "<coverage/>")
        .file("src/junit.rs", "");
    let answer = call(&repository, "{}");
    insta::assert_json_snapshot!(answer["reports"], @r#"
    [
      {
        "failed": 2,
        "format": "libtest",
        "path": ".stepwell/verify/stdout",
        "tests": 4
      },
      {
        "failed": 0,
        "format": "junit",
        "path": "app/build/test-results/TEST-a.B.xml",
        "tests": 1
      },
      {
        "failed": 0,
        "format": "junit",
        "path": "deep/in/the/tree/junit.xml",
        "tests": 1
      },
      {
        "failed": 0,
        "format": "junit",
        "path": "target/nextest/ci/junit.xml",
        "tests": 1
      }
    ]
    "#);
    insta::assert_json_snapshot!(answer["left_out"], @r#"
    {
      "copies_of_reports": 1,
      "files_that_are_no_report": 1,
      "hint": "all tests are counted; name reports in `paths` to see them one by one",
      "reports_among_fixtures": 1
    }
    "#);
}

#[test]
fn what_is_named_and_is_no_report_is_said() {
    let repository = Repository::new().file("notes.txt", "hello");
    let answer = call(&repository, r#"{"paths": ["notes.txt", "gone.xml", "*.trx"]}"#);
    insta::assert_json_snapshot!(answer, @r#"
    {
      "answer": "NO REPORT",
      "failures": [],
      "left_out": {
        "hint": "no report was read; `list_files` with `include_ignored` may find one to name in `paths`"
      },
      "reports": [],
      "summary": {
        "errors": 0,
        "failed": 0,
        "passed": 0,
        "skipped": 0,
        "tests": 0
      },
      "tokens": 117,
      "verdict": "no-report",
      "warnings": [
        {
          "path": "*.trx",
          "reason": "no file matches this pattern"
        },
        {
          "path": "gone.xml",
          "reason": "there is nothing at this path"
        },
        {
          "path": "notes.txt",
          "reason": "is no test report of a format known here"
        }
      ]
    }
    "#);
}

#[test]
fn an_answer_is_bounded_and_says_what_is_left_out() {
    let long = "x".repeat(5_000);
    let cases = (0..300).fold(String::new(), |all, n| {
        all + &format!("<testcase name='t{n}'><failure message='{n} {long}'/></testcase>")
    });
    let repository = Repository::new().file("r", format!("<testsuite>{cases}</testsuite>"));
    let answer = |input: &str| call(&repository, input);
    let normal = answer(r#"{"paths": ["r"]}"#);
    assert_eq!(normal["failures"].as_array().map(Vec::len), Some(20));
    assert_eq!(
        (&normal["summary"]["failed"], &normal["left_out"]["failures"]),
        (&300.into(), &280.into())
    );
    let full = answer(r#"{"paths": ["r"], "detail": "full", "max_failures": 200}"#);
    assert!(full.to_string().len() < 60_000, "{}", full.to_string().len());
    let brief = answer(r#"{"paths": ["r"], "detail": "brief"}"#);
    assert!(brief["failures"][0]["message"].as_str().unwrap().len() < 330);
}

#[test]
fn a_place_on_another_machine_is_found_in_the_repository() {
    let report = "<testsuite><testcase name='t'><failure>x
  at com.acme.FooTest.run(FooTest.java:7)
  at run (/home/ci/build/app/web/src/a.ts:3:1)
  at gone (/home/ci/gone.ts:3:1)</failure></testcase></testsuite>";
    let repository = Repository::new()
        .file("junit.xml", report)
        .file("core/src/test/java/com/acme/FooTest.java", "")
        .file("web/src/a.ts", "");
    let answer = call(&repository, "{}");
    insta::assert_json_snapshot!(answer["failures"][0]["trace"], @r#"
    [
      {
        "file": "core/src/test/java/com/acme/FooTest.java",
        "function": "com.acme.FooTest.run",
        "line": 7
      },
      {
        "file": "web/src/a.ts",
        "function": "run",
        "line": 3
      }
    ]
    "#);
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let repository = Repository::new().file("report", &bytes);
        call(&repository, r#"{"paths": ["report"]}"#);
    }

    #[test]
    fn no_damage_to_a_report_is_too_strange(
        report in proptest::sample::select(REPORTS),
        at in any::<prop::sample::Index>(),
        length in 0usize..30,
        with in "[<>&;!'\\[\\]{}\",:a-z0-9\n -]{0,10}",
    ) {
        let start = at.index(report.len());
        let end = (start + length).min(report.len());
        let damaged = [&report.as_bytes()[..start], with.as_bytes(), &report.as_bytes()[end..]];
        let repository = Repository::new().file("report", damaged.concat());
        for format in ["json", "text", "markdown", "ctrf"] {
            call(&repository, &format!(r#"{{"paths": ["report"], "format": "{format}"}}"#));
        }
    }
}

/// Small reports of many formats, to be damaged.
const REPORTS: &[&str] = &[
    LIBTEST,
    runners::PYTEST,
    "<testsuites><testsuite name='a' tests='1'><testcase name='b'><failure message='c'>d<![CDATA[e]]>\
        </failure></testcase></testsuite></testsuites>",
    "<TestRun><Results><UnitTestResult testId='1' testName='a' outcome='Failed'><Output><ErrorInfo>\
        <Message>m</Message></ErrorInfo></Output></UnitTestResult></Results></TestRun>",
    "TAP version 13\n# Subtest: a\n    not ok 1 - b\n      ---\n      error: 'c'\n      at:\n        line: 1\n      ...\n\
        not ok 1 - a # TODO x\n1..2\n",
    "{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"T/a\"}\n{\"Action\":\"output\",\"Package\":\"p\",\"Test\":\"T/a\",\
        \"Output\":\"    a_test.go:7: no\\n\"}\n{\"Action\":\"fail\",\"Package\":\"p\",\"Test\":\"T/a\",\"Elapsed\":1e3}\n",
    "{\"type\":\"suite\",\"event\":\"started\"}\n{\"type\":\"test\",\"event\":\"failed\",\"name\":\"a$b#2\",\"stdout\":\"x\"}\n",
    "[{\"filePath\":\"a.js\",\"messages\":[{\"ruleId\":\"semi\",\"severity\":2,\"message\":\"m\",\"line\":1}]}]",
    "  1 passing (5ms)\n  1 failing\n\n  1) math\n       fails:\n\n      Error: x\n      at f (b.js:1:2)\n",
    "Traceback (most recent call last):\n  File \"a.py\", line 4, in b\n    go()\nValueError: no\n\nRan 2 tests in 1s\n",
];
