//! What is read of reports by other runners and by linters: small ones, as these write them.

use super::read;

#[test]
fn go_test_is_read_with_its_builds_and_panics() {
    let event = |rest: &str| format!("{{\"Action\":{rest}}}\n");
    let of = |action: &str, test: &str, more: &str| {
        event(&format!("\"{action}\",\"Package\":\"example.org/calc\",\"Test\":\"{test}\"{more}"))
    };
    let says = |test: &str, words: &str| of("output", test, &format!(",\"Output\":\"{words}\\n\""));
    let report = [
        event(
            "\"build-output\",\"ImportPath\":\"example.org/bad\",\"Output\":\"# example.org/bad\\n\"",
        ),
        event(
            "\"build-output\",\"ImportPath\":\"example.org/bad\",\"Output\":\"./bad.go:3:9: undefined: x\\n\"",
        ),
        event("\"build-fail\",\"ImportPath\":\"example.org/bad\""),
        event(
            "\"fail\",\"Package\":\"example.org/bad\",\"Elapsed\":0,\"FailedBuild\":\"example.org/bad\"",
        ),
        "no event\n".to_owned(),
        of("run", "TestAdd", ""),
        says("TestAdd", "=== RUN   TestAdd"),
        of("run", "TestAdd/small", ""),
        says("TestAdd/small", "    calc_test.go:7: got 3 want 4"),
        of("fail", "TestAdd/small", ",\"Elapsed\":0.01"),
        of("fail", "TestAdd", ",\"Elapsed\":0.01"),
        of("run", "TestSkip", ""),
        of("skip", "TestSkip", ""),
        of("run", "TestCrash", ""),
        says("TestCrash", "panic: boom"),
        event("\"fail\",\"Package\":\"example.org/calc\",\"Elapsed\":0.02"),
    ];
    insta::assert_snapshot!(read(&report.concat()), @r#"
    failed: 4 tests 2 failed 2 errors 1 skipped
    error example.org/bad::(build) at bad.go:3: ./bad.go:3:9: undefined: x
    failure example.org/calc TestAdd/small at calc_test.go:7: calc_test.go:7: got 3 want 4
    error example.org/calc TestCrash at -: it did not end: the process ended before, or crashed
    panic: boom
    failure example.org/calc TestAdd at -: a subtest failed
    rerun go test example.org/calc -run '^(TestAdd|TestCrash)$'
    warning, line 5: "has 1 lines that are no events of go test; skipped"
    "#);
}

#[test]
fn a_test_that_go_passes_in_a_later_run_is_flaky_and_one_of_a_count_is_not() {
    let line = |rest: &str| format!("{{\"Action\":{rest},\"Package\":\"p\"}}\n");
    let end = |action: &str| line(&format!("\"{action}\",\"Test\":\"TestA\""));
    let (package_fails, package_passes) = (line("\"fail\""), line("\"pass\""));
    let again =
        [end("run"), end("fail"), package_fails.clone(), end("run"), end("pass"), package_passes];
    insta::assert_snapshot!(read(&again.concat()), @"
    passed: 1 tests 1 passed 1 flaky
    ");
    let counted = [end("run"), end("fail"), end("run"), end("pass"), package_fails];
    insta::assert_snapshot!(read(&counted.concat()), @"
    failed: 1 tests 1 failed
    failure p TestA at -: 
    rerun go test p -run '^(TestA)$'
    ");
}

pub(super) const PYTEST: &str = "\
============================= test session starts ==============================
platform linux -- Python 3.11.7, pytest-9.2.0, pluggy-1.6.0
collected 4 items

tests/test_cart.py F.sE                                                  [100%]

==================================== ERRORS ====================================
__________________ ERROR at setup of TestCart.test_fixture[a-1] __________________
tests/conftest.py:4: in db
    raise RuntimeError(\"no database\")
E   RuntimeError: no database
=================================== FAILURES ===================================
__________________________________ test_total __________________________________

    def test_total():
>       assert total([1, 2]) == 4
E       assert 3 == 4
E        +  where 3 = total([1, 2])

tests/test_cart.py:9: AssertionError
----------------------------- Captured stdout call -----------------------------
adding 1
=========================== short test summary info ============================
FAILED tests/test_cart.py::test_total - assert 3 == 4
ERROR tests/test_cart.py::TestCart::test_fixture[a-1] - RuntimeError: no database
============== 1 failed, 1 passed, 1 skipped, 1 error in 0.12s ===============
";

#[test]
fn pytest_is_read_with_and_without_its_list() {
    insta::assert_snapshot!(read(PYTEST), @r#"
    failed: 4 tests 1 passed 1 failed 1 errors 1 skipped
    failure tests/test_cart.py::test_total at tests/test_cart.py:9: assert 3 == 4
         +  where 3 = total([1, 2])
      printed "adding 1"
    error tests/test_cart.py::TestCart::test_fixture[a-1] at tests/conftest.py:4: RuntimeError: no database
    rerun pytest tests/test_cart.py::test_total 'tests/test_cart.py::TestCart::test_fixture[a-1]'
    "#);
    let without_list: String = PYTEST
        .lines()
        .filter(|line| !line.starts_with("FAILED ") && !line.starts_with("ERROR "))
        .flat_map(|line| [line, "\n"])
        .collect();
    insta::assert_snapshot!(read(&without_list), @r#"
    failed: 4 tests 1 passed 1 failed 1 errors 1 skipped
    error TestCart.test_fixture[a-1] at tests/conftest.py:4: RuntimeError: no database
    failure tests/test_cart.py::test_total at tests/test_cart.py:9: assert 3 == 4
         +  where 3 = total([1, 2])
      printed "adding 1"
    rerun pytest tests/test_cart.py::test_total
    "#);
    let twice = read(&[PYTEST, PYTEST].concat());
    assert!(twice.starts_with("failed: 8 tests 2 passed 2 failed 2 errors 2 skipped"), "{twice}");
    let cut_off = &PYTEST[..PYTEST.find("=== short").unwrap()];
    assert!(read(cut_off).contains("has no line with totals"));
}

#[test]
fn a_file_that_pytest_cannot_collect_is_an_error() {
    let text = "\
==================================== ERRORS ====================================
______________________ ERROR collecting tests/test_new.py ______________________
tests/test_new.py:1: in <module>
    import nothing
E   ModuleNotFoundError: No module named 'nothing'
=========================== short test summary info ============================
ERROR tests/test_new.py
!!!!!!!!!!!!!!!!!!!! Interrupted: 1 error during collection !!!!!!!!!!!!!!!!!!!!
1 error in 0.10s
";
    insta::assert_snapshot!(read(text), @"
    error: 1 errors
    error tests/test_new.py::(collection) at tests/test_new.py:1: ModuleNotFoundError: No module named 'nothing'
    rerun pytest tests/test_new.py
    ");
}

#[test]
fn the_json_of_pytest_is_read() {
    let report = r#"{"created": 1.5, "duration": 0.2, "exitcode": 1, "summary": {"total": 3}, "tests": [
        {"nodeid": "t/test_a.py::test_b[x::y]", "outcome": "failed", "call": {"outcome": "failed",
         "crash": {"path": "/src/t/test_a.py", "lineno": 4, "message": "assert 1 == 2"},
         "traceback": [{"path": "t/test_a.py", "lineno": 9}, {"path": "t/test_a.py", "lineno": 4}], "stdout": "hi"}},
        {"nodeid": "t/test_a.py::test_r", "outcome": "rerun", "call": {"outcome": "failed"}},
        {"nodeid": "t/test_a.py::test_r", "outcome": "passed"},
        {"nodeid": "t/test_a.py::test_x", "outcome": "xfailed"}],
      "collectors": [{"nodeid": "t/test_c.py", "outcome": "failed", "longrepr": "E   SyntaxError: bad"}]}"#;
    insta::assert_snapshot!(read(report), @r#"
    failed: 3 tests 1 passed 1 failed 1 errors 1 skipped 1 flaky
    failure t/test_a.py::test_b[x::y] at t/test_a.py:4: assert 1 == 2
      printed "hi"
    error t/test_c.py::(collection) at -: SyntaxError: bad
    rerun pytest 't/test_a.py::test_b[x::y]' t/test_c.py
    "#);
}

#[test]
fn the_json_of_jest_and_vitest_is_read() {
    let jest = r#"{"numFailedTests":1,"numRuntimeErrorTestSuites":1,"numTotalTests":3,"startTime":1000,"testResults":[
        {"name":"/src/a.test.js","status":"failed","endTime":1500,"assertionResults":[
          {"ancestorTitles":["math","add"],"title":"works","status":"passed","invocations":2,"duration":3},
          {"ancestorTitles":[],"title":"fails","status":"failed","failureMessages":["Error: expect(received).toBe(expected)\n\nExpected: 4\nReceived: 3\n    at Object.<anonymous> (/src/a.test.js:5:3)"]},
          {"ancestorTitles":[],"title":"later","status":"todo"}]},
        {"name":"/src/b.test.js","status":"failed","assertionResults":[],"message":"SyntaxError: Unexpected token"}]}"#;
    insta::assert_snapshot!(read(jest), @"
    failed: 3 tests 1 passed 1 failed 1 errors 1 skipped 1 flaky
    failure /src/a.test.js fails at /src/a.test.js:5: Error: expect(received).toBe(expected)

    Expected: 4
    Received: 3
    error /src/b.test.js (the whole file) at -: SyntaxError: Unexpected token
    rerun npx jest /src/a.test.js -t fails
    rerun npx jest /src/b.test.js
    ");
    let vitest = r#"{"numTotalTests":1,"testResults":[{"name":"/src/v.test.ts","status":"passed","assertionResults":[
        {"ancestorTitles":["v"],"title":"flaky","status":"passed","failureMessages":["AssertionError: once"]}]}]}"#;
    insta::assert_snapshot!(read(vitest), @"
    passed: 1 tests 1 passed 1 flaky
    ");
}

#[test]
fn the_json_of_mocha_rspec_and_dart_is_read() {
    let mocha = r#"{"stats":{"tests":2,"passes":1,"duration":7},
        "pending":[],"passes":[{"fullTitle":"a b","file":"/src/a.js","currentRetry":1}],
        "failures":[{"fullTitle":"a \"before each\" hook","file":"/src/a.js","err":{"message":"no","stack":"Error: no\n    at Context.<anonymous> (src/a.js:3:1)","expected":"1","actual":"2"}}]}"#;
    insta::assert_snapshot!(read(mocha), @r#"
    failed: 2 tests 1 passed 1 failed 1 flaky
    failure /src/a.js a "before each" hook at src/a.js:3: Error: no
    rerun npx mocha /src/a.js -g 'a "before each" hook'
    "#);
    let rspec = r#"{"version":"3.13.0","examples":[{"full_description":"Cart adds","status":"failed","file_path":"./spec/cart_spec.rb","line_number":7,
        "exception":{"class":"RuntimeError","message":"no","backtrace":["./spec/cart_spec.rb:9:in `block'"]}},
        {"full_description":"Cart later","status":"pending","file_path":"./spec/cart_spec.rb"}],"summary":{"duration":0.5,"errors_outside_of_examples_count":1},"messages":["cannot load such file"]}"#;
    insta::assert_snapshot!(read(rspec), @"
    failed: 2 tests 1 failed 1 errors 1 skipped
    failure spec/cart_spec.rb::Cart adds at spec/cart_spec.rb:9: RuntimeError: no
    error (outside of examples) at -: 1 errors outside of examples: a file could not be loaded
    cannot load such file
    ");
    let dart = "\
{\"protocolVersion\":\"0.1.1\",\"runnerVersion\":\"1.15.4\",\"type\":\"start\",\"time\":0}
{\"suite\":{\"id\":0,\"path\":\"test/a_test.dart\"},\"type\":\"suite\",\"time\":0}
{\"test\":{\"id\":1,\"name\":\"loading test/a_test.dart\",\"suiteID\":0,\"line\":null},\"type\":\"testStart\",\"time\":0}
{\"testID\":1,\"result\":\"success\",\"hidden\":true,\"type\":\"testDone\",\"time\":1}
{\"test\":{\"id\":2,\"name\":\"adds\",\"suiteID\":0,\"line\":5},\"type\":\"testStart\",\"time\":2}
{\"testID\":2,\"error\":\"Expected: <2>\\n  Actual: <1>\\n\",\"stackTrace\":\"package:test_api          expect\\ntest/a_test.dart 6:3  main.<fn>\\n\",\"isFailure\":true,\"type\":\"error\",\"time\":3}
{\"testID\":2,\"result\":\"failure\",\"hidden\":false,\"type\":\"testDone\",\"time\":4}
{\"success\":false,\"type\":\"done\",\"time\":9}
";
    insta::assert_snapshot!(read(dart), @"
    failed: 1 tests 1 failed
    failure test/a_test.dart::adds at test/a_test.dart:6: Expected: <2>
      Actual: <1>
    ");
}

#[test]
fn tap_is_read_with_subtests_yaml_and_directives() {
    let tap = "\
TAP version 14
# Subtest: math
    ok 1 - adds
    not ok 2 - divides
      ---
      duration_ms: 2.5
      location: '/src/a.test.mjs:2:59'
      error: 'wrong'
      expected: 2
      actual: 1
      stack: |-
        TestContext.<anonymous> (file:///src/a.test.mjs:2:81)
        Test.run (node:internal/test_runner/test:796:25)
      ...
    ok 3 - later # TODO
    1..3
not ok 1 - math
  ---
  type: 'suite'
  ...
ok 2 - other # SKIP no network
1..2
";
    insta::assert_snapshot!(read(tap), @"
    failed: 4 tests 1 passed 1 failed 2 skipped
    failure math::divides at /src/a.test.mjs:2: wrong
    ");
    insta::assert_snapshot!(read("1..2\nok\nBail out! no disk\n"), @r#"
    error: 1 tests 1 passed 1 errors
    error Bail out! at -: no disk
    warning, line 3: "bails out; what is before is counted"
    "#);
}

#[test]
fn xml_of_dotnet_is_read() {
    let trx = r#"<?xml version="1.0"?><TestRun xmlns="http://example.org/TeamTest"><Results>
        <UnitTestResult testId="1" testName="Adds" outcome="Passed" duration="00:00:01.5000000"/>
        <UnitTestResult testId="2" testName="Divides" outcome="Failed"><Output><StdOut>hi</StdOut><ErrorInfo>
          <Message>Assert.Equal() Failure&#xD;
Expected: 3&#xD;
Actual:   2</Message>
          <StackTrace>   at Acme.Tests.Divides() in C:\src\Tests.cs:line 27
   at System.Reflection.Invoke()</StackTrace></ErrorInfo></Output></UnitTestResult>
        <UnitTestResult testId="3" testName="Rows" outcome="Passed"><InnerResults>
          <UnitTestResult testId="3" testName="Rows (1)" outcome="Timeout"/></InnerResults></UnitTestResult>
        <UnitTestResult testId="4" testName="Later" outcome="NotExecuted"/></Results>
      <TestDefinitions><UnitTest id="2"><TestMethod className="Acme.Tests"/></UnitTest></TestDefinitions></TestRun>"#;
    insta::assert_snapshot!(read(trx), @r#"
    failed: 4 tests 1 passed 1 failed 1 errors 1 skipped
    failure Acme.Tests::Divides at C:\src\Tests.cs:27: Assert.Equal() Failure
    Expected: 3
    Actual:   2
      printed "hi"
    error Rows (1) at -:
    "#);
    let nunit = r#"<test-run duration="0.5"><test-suite><failure><message>child failed</message></failure>
        <test-case name="Adds" classname="Acme.Tests" result="Passed"/>
        <test-case name="Divides" classname="Acme.Tests" result="Failed" label="Error"><failure>
          <message><![CDATA[System.Exception : x]]></message><stack-trace>   at Acme.Run() in /src/T.cs:line 3</stack-trace></failure></test-case>
        <test-case name="Later" classname="Acme.Tests" result="Skipped"/></test-suite></test-run>"#;
    insta::assert_snapshot!(read(nunit), @"
    failed: 3 tests 1 passed 1 errors 1 skipped
    error Acme.Tests::Divides at /src/T.cs:3: System.Exception : x
    ");
}

#[test]
fn xunit_is_read() {
    let xunit = r#"<assemblies timestamp="2026-01-01"><assembly name="A.dll" test-framework="xUnit.net 2.9.2" time="0.4">
        <errors/><collection name="c">
        <test name="Acme.Tests.Adds(a: 1)" type="Acme.Tests" method="Adds" time="0.1" result="Pass"><traits/></test>
        <test name="Acme.Tests.Divides" type="Acme.Tests" method="Divides" time="0.2" result="Fail"><output><![CDATA[hi]]></output>
          <failure exception-type="Xunit.Sdk.EqualException"><message><![CDATA[Assert.Equal() Failure: Values differ]]></message>
          <stack-trace><![CDATA[   at Acme.Tests.Divides() in /src/T.cs:line 3]]></stack-trace></failure></test>
        <test name="Acme.Tests.Later" type="Acme.Tests" result="Skip"><reason>later</reason></test>
        <test name="Acme.Tests.Never" type="Acme.Tests" result="NotRun"/></collection></assembly></assemblies>"#;
    insta::assert_snapshot!(read(xunit), @r#"
    failed: 4 tests 1 passed 1 failed 2 skipped
    failure Acme.Tests.Divides at /src/T.cs:3: Assert.Equal() Failure: Values differ
      printed "hi"
    "#);
}

#[test]
fn ctrf_is_read_and_what_is_wrong_in_it_is_told() {
    let ctrf = r#"{"reportFormat":"CTRF","specVersion":"1.0.0","results":{"tool":{"name":"pw","version":"1"},
        "summary":{"tests":2,"passed":1,"failed":1,"skipped":0,"pending":0,"other":0,"start":0,"stop":40},
        "tests":[{"name":"a","status":"failed","duration":1,"suite":["s","t"],"message":"no","filePath":"a.ts","line":3,"retries":2},
                 {"name":"b","status":"passed","duration":1,"retryAttempts":[{"attempt":1,"status":"failed"}]}]}}"#;
    insta::assert_snapshot!(read(ctrf), @"
    failed: 2 tests 1 passed 1 failed 1 flaky
    failure s > t::a at -: no
    ");
    let wrong = ctrf.replace("\"status\":\"passed\"", "\"status\":\"good\"").replace("1.0.0", "1");
    assert!(
        read(&wrong)
            .contains("`specVersion` must be a version such as `1.0.0`, and 1 more such things")
    );
}

#[test]
fn libtest_json_that_ends_early_says_which_test_did_not() {
    let report = "\
{ \"type\": \"suite\", \"event\": \"started\", \"test_count\": 2 }
{ \"type\": \"test\", \"event\": \"started\", \"name\": \"a\" }
{ \"type\": \"test\", \"event\": \"ok\", \"name\": \"a\" }
{ \"type\": \"test\", \"event\": \"started\", \"name\": \"b\" }
";
    insta::assert_snapshot!(read(report), @r#"
    error: 2 tests 1 passed 1 errors
    error b at -: it did not end: the process crashed, or the text is cut off
    rerun cargo test -- --exact b
    warning, line 1: "a run has no end: it crashed, or the text is cut off; what is before is counted"
    "#);
}

#[test]
fn linters_are_counted_by_rule_and_copies_once() {
    let clippy = r#"{"reason":"compiler-message","package_id":"p","message":{"level":"warning","message":"unneeded `return`","code":{"code":"clippy::needless_return"},"spans":[{"file_name":"src/lib.rs","line_start":3,"column_start":1,"is_primary":true}],"children":[{"spans":[{"suggestion_applicability":"MachineApplicable"}]}]}}"#;
    let error = r#"{"reason":"compiler-message","package_id":"p","message":{"level":"error","message":"mismatched types","code":{"code":"E0308"},"rendered":"error[E0308]: mismatched types\n --> src/lib.rs:9:5\n","spans":[{"file_name":"src/lib.rs","line_start":9,"is_primary":true}]}}"#;
    let end = r#"{"reason":"build-finished","success":true}"#;
    insta::assert_snapshot!(read(&format!("{clippy}\n{clippy}\n{end}\n")), @r#"
    findings:
    found "warning" "clippy::needless_return" 1 times, fixable 1, first "src/lib.rs":3
    "#);
    insta::assert_snapshot!(read(&format!("{clippy}\n{error}\n{error}\n")), @r#"
    error: 1 errors
    error rustc::error[E0308]: mismatched types at src/lib.rs:9: error[E0308]: mismatched types
    found "warning" "clippy::needless_return" 1 times, fixable 1, first "src/lib.rs":3
    "#);
    let sarif = r#"{"$schema":"https://example.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"tool":{"driver":{"name":"scan","version":"2",
        "rules":[{"id":"R1","defaultConfiguration":{"level":"note"}}]}},"results":[
        {"ruleId":"R1","message":{"text":"maybe"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"src/a%20b.c"},"region":{"startLine":2}}}]},
        {"ruleId":"R2","level":"error","message":{"text":"bad"}},
        {"ruleId":"R2","level":"error","message":{"text":"seen"},"suppressions":[{"kind":"inSource"}]},
        {"ruleId":"R3","kind":"pass","message":{"text":"good"}}]}]}"#;
    insta::assert_snapshot!(read(sarif), @r#"
    findings:
    found "error" "R2" 1 times, fixable null, first null:null
    found "note" "R1" 1 times, fixable null, first "src/a b.c":2
    "#);
    let eslint = r#"[{"filePath":"/src/a.js","messages":[{"ruleId":"semi","severity":2,"message":"Missing semicolon.","line":1,"fix":{"range":[0,1],"text":";"}},
        {"ruleId":null,"fatal":true,"severity":2,"message":"Parsing error","line":4}]}]"#;
    insta::assert_snapshot!(read(eslint), @r#"
    findings:
    found "error" "(cannot be parsed)" 1 times, fixable null, first "/src/a.js":4
    found "error" "semi" 1 times, fixable 1, first "/src/a.js":1
    "#);
    insta::assert_snapshot!(read("[]"), @"
    passed:
    ");
}

#[test]
fn cargo_test_with_messages_in_json_is_read_as_both() {
    let warning = r#"{"reason":"compiler-message","package_id":"p","message":{"level":"warning","message":"unused","code":{"code":"unused_variables"},"spans":[{"file_name":"src/lib.rs","line_start":1,"is_primary":true}]}}"#;
    insta::assert_snapshot!(read(&format!("{warning}\n{}", super::LIBTEST)), @r#"
    failed: 4 tests 1 passed 2 failed 1 skipped
    failure tests::fails at src/lib.rs:6: assertion `left == right` failed
      left: 3
     right: 4
      printed "some output"
    failure tests::wrong at -: note: test did not panic as expected
    found "warning" "unused_variables" 1 times, fixable null, first "src/lib.rs":1
    rerun cargo test -- --exact tests::fails tests::wrong
    "#);
}
