//! What real runners print, and what only looks like it.

use super::*;

#[track_caller]
fn check(
    output: &str,
    parser: TestParser,
    confidence: Confidence,
    counts: [u32; 3],
    names: &[&str],
) {
    let reports = find_test_reports("make test", output);

    assert_eq!(reports.len(), 1, "{reports:?}");
    let report = &reports[0];
    assert_eq!((report.parser, report.confidence), (parser, confidence));
    assert_eq!([report.passed, report.failed, report.skipped], counts);
    assert_eq!(report.failed_names, names);
}

#[track_caller]
fn check_nothing(command: &str, output: &str) {
    assert_eq!(find_test_reports(command, output), []);
}

#[test]
fn cargo_sums_its_binaries() {
    check(
        "   Compiling acme v0.1.0\n     Running unittests src/lib.rs (target/debug/deps/acme-1f)\n\n\
         running 2 tests\ntest tests::adds ... ok\ntest tests::subtracts ... FAILED\n\nfailures:\n\n\
         ---- tests::subtracts stdout ----\nthread 'x' panicked\n\nfailures:\n    tests::subtracts\n\n\
         test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n\
         running 3 tests\n...\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
         error: test failed, to rerun pass `--lib`\n",
        TestParser::Cargo,
        Confidence::High,
        [3, 1, 1],
        &["tests::subtracts"],
    );
    check(
        "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.52s",
        TestParser::Cargo,
        Confidence::Medium,
        [12, 0, 0],
        &[],
    );
}

#[test]
fn nextest_names_its_failures_once() {
    check(
        "    Finished `test` profile\n────────────\n Nextest run ID 0b with nextest profile: default\n    \
         Starting 4 tests across 2 binaries\n        PASS [   0.004s] acme tests::adds\n        \
         FAIL [   0.005s] acme tests::subtracts\n        PASS [   0.004s] (3/4) acme::it works\n\
         ────────────\n     Summary [   0.012s] 4 tests run: 3 passed (1 slow), 1 failed, 2 skipped\n        \
         FAIL [   0.005s] acme tests::subtracts\nerror: test run failed\n",
        TestParser::Nextest,
        Confidence::High,
        [3, 1, 2],
        &["acme tests::subtracts"],
    );
}

#[test]
fn pytest_is_read_in_every_form() {
    check(
        "============================= test session starts ==============================\n\
         collected 3 items\n\ntest_calc.py .F.      [100%]\n\n\
         =========================== short test summary info ============================\n\
         FAILED test_calc.py::test_add - assert -1 == 3\nERROR test_io.py::test_open - OSError\n\
         ========================= 1 failed, 2 passed, 1 error in 0.04s ==========================\n",
        TestParser::Pytest,
        Confidence::High,
        [2, 2, 0],
        &["test_calc.py::test_add", "test_io.py::test_open"],
    );
    check(
        ".............\n2 failed, 45 passed, 3 skipped, 1 xfailed, 1 xpassed, 2 warnings in 65.20s (0:01:05)\n",
        TestParser::Pytest,
        Confidence::Medium,
        [46, 2, 4],
        &[],
    );
    check(
        "\u{1b}[32m============ \u{1b}[32m\u{1b}[1m3 passed\u{1b}[0m\u{1b}[32m in 0.02s\u{1b}[0m ============\u{1b}[0m\n",
        TestParser::Pytest,
        Confidence::Medium,
        [3, 0, 0],
        &[],
    );
}

#[test]
fn runners_of_javascript_are_told_apart() {
    check(
        "PASS src/a.test.js\nFAIL src/b.test.js\n  ● math › adds\n\n    expect(received)\n\n\
         Test Suites: 1 failed, 1 passed, 2 total\nTests:       1 failed, 1 skipped, 1 todo, 2 passed, 5 total\n\
         Snapshots:   0 total\nTime:        0.5 s\n",
        TestParser::Jest,
        Confidence::High,
        [2, 1, 2],
        &["math › adds"],
    );
    check(
        " ❯ src/calc.test.ts (3 tests | 1 failed) 5ms\n\n FAIL  src/calc.test.ts > math > adds\nAssertionError\n\n \
         Test Files  1 failed | 1 passed (2)\n      Tests  1 failed | 2 passed | 1 skipped (4)\n   Duration  300ms\n",
        TestParser::Vitest,
        Confidence::High,
        [2, 1, 1],
        &["src/calc.test.ts > math > adds"],
    );
    check(
        "  Array\n    #indexOf()\n      ✔ finds it\n      1) returns -1\n\n\n  1 passing (5ms)\n  1 pending\n  1 failing\n\n  \
         1) Array\n       #indexOf()\n         returns -1:\n\n      AssertionError: no\n",
        TestParser::Mocha,
        Confidence::High,
        [1, 1, 1],
        &["Array #indexOf() returns -1"],
    );
    check(
        "✔ adds (0.6ms)\n✖ subtracts (1.2ms)\nℹ tests 3\nℹ suites 0\nℹ pass 1\nℹ fail 1\nℹ cancelled 0\n\
         ℹ skipped 1\nℹ todo 0\nℹ duration_ms 44.1\n\n✖ failing tests:\n\n✖ subtracts (1.2ms)\n",
        TestParser::NodeTest,
        Confidence::High,
        [1, 1, 1],
        &["subtracts"],
    );
    check(
        "TAP version 13\n# Subtest: adds\nok 1 - adds\nnot ok 2 - subtracts\n1..2\n# tests 2\n# suites 0\n# pass 1\n\
         # fail 1\n# cancelled 0\n# skipped 0\n# todo 0\n# duration_ms 40.2\n",
        TestParser::NodeTest,
        Confidence::High,
        [1, 1, 0],
        &["subtracts"],
    );
}

#[test]
fn go_counts_tests_where_it_names_them_and_packages_where_not() {
    check(
        "=== RUN   TestAdd\n--- PASS: TestAdd (0.00s)\n=== RUN   TestSub\n    --- FAIL: TestSub/zero (0.00s)\n\
         --- FAIL: TestSub (0.00s)\n--- SKIP: TestNet (0.00s)\nFAIL\nFAIL\texample.org/acme\t0.003s\n",
        TestParser::GoTest,
        Confidence::High,
        [1, 1, 1],
        &["TestSub/zero", "TestSub"],
    );
    check(
        "ok  \texample.org/acme\t0.003s\nok  \texample.org/acme/x\t(cached)\n?   \texample.org/y\t[no test files]\n",
        TestParser::GoTest,
        Confidence::Low,
        [2, 0, 0],
        &[],
    );
    check(
        "{\"Time\":\"t\",\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"TestA\"}\n\
         {\"Time\":\"t\",\"Action\":\"pass\",\"Package\":\"p\",\"Test\":\"TestA\"}\n\
         {\"Time\":\"t\",\"Action\":\"fail\",\"Package\":\"p\",\"Test\":\"TestB\"}\n\
         {\"Time\":\"t\",\"Action\":\"fail\",\"Package\":\"p\"}\n",
        TestParser::GoTest,
        Confidence::High,
        [1, 1, 0],
        &["TestB"],
    );
}

#[test]
fn common_formats_are_read_too() {
    check(
        "TAP version 14\n1..4\nok 1 - adds\nnot ok 2 - subtracts\nok 3 - net # SKIP offline\nnot ok 4 - later # TODO\n",
        TestParser::Tap,
        Confidence::High,
        [1, 1, 2],
        &["subtracts"],
    );
    check(
        "TAP version 14\n1..4\nok 1 - adds\n",
        TestParser::Tap,
        Confidence::Low,
        [1, 0, 0],
        &[],
    );
    check(
        "<?xml version=\"1.0\"?>\n<testsuites><testsuite name=\"calc\" tests=\"3\" failures=\"1\">\n\
         <testcase name=\"adds\" classname=\"calc\" time=\"0\"/>\n\
         <testcase name=\"subtracts\" classname=\"calc\"><failure message=\"no\">x</failure></testcase>\n\
         <testcase name=\"net\" classname=\"calc\"><skipped/></testcase>\n</testsuite></testsuites>\n",
        TestParser::Junit,
        Confidence::High,
        [1, 1, 1],
        &["calc::subtracts"],
    );
}

#[test]
fn words_about_tests_are_no_test_run() {
    for output in [
        "All 3 tests pass.",
        "I ran pytest: 2 failed, 45 passed in the last run.",
        "the suite had 3 passed and 1 failed",
        "took 3 steps; 5 s",
        "test result: unknown",
        "Tests: see below, 4 total failures expected",
        "ok then",
        "1 passing thought",
        "error: could not compile `acme`",
        "- [ ] 12 passed, 3 failed in 4s maybe",
    ] {
        check_nothing("make test", output);
    }
}

#[test]
fn a_file_that_is_shown_is_no_test_run() {
    let output = "running 1 test\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";

    for command in [
        "/bin/bash -lc 'cat old.log'",
        "bash -lc \"git log -3 | head\"",
        "cd /x && tail -n 50 test.log | grep result",
        "sed -n 1,20p README.md",
    ] {
        check_nothing(command, output);
    }
    for command in [
        "/bin/bash -lc 'cargo test 2>&1 | tail -5'",
        "cd /x && RUST_LOG=1 cargo test",
        "sh fake_cargo_test.sh",
    ] {
        assert_eq!(find_test_reports(command, output).len(), 1, "{command}");
    }
}

#[test]
fn one_command_may_run_several_runners() {
    let output = "running 1 test\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
                  ===== 3 passed in 0.02s =====\n";

    let reports = find_test_reports("make test", output);

    let parsers: Vec<TestParser> = reports.iter().map(|report| report.parser).collect();
    assert_eq!(parsers, [TestParser::Cargo, TestParser::Pytest]);
}

#[test]
fn at_most_ten_names_are_kept() {
    let lines: String = (0..30).map(|n| format!("test t{n} ... FAILED\n")).collect();
    let output = format!(
        "{lines}test result: FAILED. 0 passed; 30 failed; 0 ignored; 0 measured; 0 filtered out\n"
    );

    let reports = find_test_reports("cargo test", &output);

    assert_eq!((reports[0].failed, reports[0].failed_names.len()), (30, 10));
}
