"""Programs: found in their last block, run against tests of every form, and judged by all of them."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.errors import InputError
from vibethinker.records import VERDICT_STATUSES
from vibethinker.sandbox import CallTest, Limits, Outcome, Result, Sandbox, SandboxUnavailableError, probe
from vibethinker.verify import get_verifier, judge_responses, verify_answer, verify_answers
from vibethinker.verify.code import CodeVerifier, minimum_level, passed_share, passed_shares, verdict_of
from vibethinker.verify.code_tests import LIMITS, CodeGoldError, read_tests
from vibethinker.verify.flattened_tests import FlattenedTests
from vibethinker.verify.gold_check import check_gold

confined = pytest.mark.skipif((probe().level or 0) < 2, reason="this machine offers neither level 3 nor level 2")


def gold(**form):
    return json.dumps(form)


def block(program, tag="python"):
    return f"So:\n```{tag}\n{program}\n```\n"


def calls(*pairs, **more):
    return gold(function="f", calls=[{"arguments": [a], "expected": b} for a, b in pairs], **more)


DOUBLE = calls((1, 2), (2, 4), (3, 6))
RIGHT = "def f(x):\n    return 2 * x"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no tests: it would pass vacuously"),
        ("{}", "no tests: it would pass vacuously"),
        ("null", "no tests: it would pass vacuously"),
        ('{"function": "f"}', "no tests: it would pass vacuously"),
        ('{"function": "f", "calls": []}', "no tests: it would pass vacuously"),
        ('{"stdio": []}', "no tests: it would pass vacuously"),
        ('{"function": "f", "asserts": ""}', "no tests: it would pass vacuously"),
        ('{"function": "f", "asserts": []}', "no tests: it would pass vacuously"),
        ('{"function": "f", "asserts": ["assert f(1)", " "]}', "no tests: it would pass vacuously"),
        ('{"function": "f", "asserts": "f(1)"}', "asserts 1 of 1 holds no assert: it would pass vacuously"),
        (calls((1, None)), "every call expects null: a function that does nothing would pass"),
        (gold(stdio=[{"input": "1", "output": " "}]), "every output is empty: a program that does nothing would pass"),
        ("7", "must be a JSON object, got int"),
        ("[1]", "must be a JSON object, got list"),
        ("{oops", "not JSON: "),
        ("[" * 100_000, "not JSON: "),
        ('{"tests": [1]}', "need one of calls, stdio, asserts or tests_in, got 'tests'"),
        (gold(calls=[], stdio=[]), "need one of calls, stdio, asserts or tests_in, got calls and stdio"),
        (calls((1, 2), setup="x = 1"), "unknown key 'setup' beside calls; there are calls, float_tolerance,"),
        (gold(calls=[{"arguments": [], "expected": 1}]), "'function' is missing"),
        (gold(function=1, calls=[{"arguments": [], "expected": 1}]), "function must be text, got int"),
        (gold(function="f(", calls=[{"arguments": [], "expected": 1}]), "need a function name such as solve"),
        (gold(function="f", calls={"arguments": [], "expected": 1}), "calls must be a list, got dict"),
        (gold(function="f", calls=[7]), "call 1 must be an object with arguments and expected, got int"),
        (gold(function="f", calls=[{"arguments": []}]), "call 1 has no 'expected'"),
        (gold(function="f", calls=[{"arguments": [], "expected": 1, "x": 1}]), "call 1 has the unknown key 'x'"),
        (gold(function="f", calls=[{"arguments": "ab", "expected": 1}]), "CallTest: arguments must be a list"),
        (gold(stdio=[{"input": 1, "output": "1"}]), "StdioTest: stdin must be text, got int"),
        (gold(stdio=[{"input": "\ud800", "output": "1"}]), "StdioTest: stdin holds lone surrogates"),
        (gold(function="f", asserts="assert f("), "AssertTest: code does not compile: "),
        (gold(function="f", asserts=7), "asserts must be a list, got int"),
        (gold(function="f", asserts=[7]), "asserts must be text or a list of texts, got int"),
        (calls((1, 2), float_tolerance=-1), "float_tolerance must be a number between 0 and 1, got -1"),
        (calls((1, 2), float_tolerance=math.nan), "float_tolerance must be a number between 0 and 1, got nan"),
        (calls((1, 2), limits=7), "limits must be an object, got int"),
        (calls((1, 2), limits={"cpus": 7}), "unknown key 'cpus' beside limits; there are cpu_s, "),
        (calls((1, 2), limits={"cpu_s": 0}), "limits: need 0 < cpu_s <= 600, got 0"),
        (calls((1, 2), limits={"wall_s": "9"}), "limits: need 0 < wall_s <= 1800, got '9'"),
        (calls((1, 2), limits={"memory_mb": 10**9}), "limits: need 0 < memory_mb <= 16384, got 1000000000"),
        (gold(tests_in="tests.json", id="a"), "tests_in must be the path of a .parquet file, got 'tests.json'"),
        (gold(tests_in="none.parquet", id="a"), "no file none.parquet"),
        (gold(tests_in="none.parquet"), "tests_in needs the id of a row, a text, got None"),
        (
            gold(tests_in="none.parquet", id="a", calls=[]),
            "unknown key 'calls' beside tests_in; there are id, tests_in",
        ),
    ],
)
def test_a_gold_that_cannot_be_used_is_a_gold_error_that_says_why(text, reason):
    with pytest.raises(CodeGoldError) as caught:
        read_tests(text)
    assert str(caught.value).startswith(reason)
    for response in (block(RIGHT), "no program"):
        verdict = verify_answer(text, response, kind="code")
        assert (verdict.correct, verdict.status, verdict.path) == (None, "gold_error", "")
        assert reason in verdict.reason
        assert "\n" not in verdict.reason
    assert (check_gold(text, get_verifier("code")) or "").startswith(f"cannot be used: {reason}")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    ["calls", "stdio", "asserts", "function", "limits", "tests_in", "id", "arguments", "expected"]
                ),
                x,
            )
        ),
    )
)
def test_no_gold_raises_anything_else(form):
    reason = CodeVerifier().check(json.dumps(form))
    assert reason is None or (reason and "\n" not in reason)


@pytest.mark.parametrize(
    "text",
    [
        DOUBLE,
        gold(stdio=[{"input": "", "output": ""}, {"input": "1", "output": "1"}]),
        gold(function="Solution.f", calls=[{"arguments": [], "expected": [[1.5, None], {"a": True}]}]),
        gold(function="f", asserts=["assert f(1) == 2"], setup="import math"),
        gold(function="f", asserts="def check(candidate):\n    assert candidate(1) == 2", limits=dict(LIMITS)),
    ],
)
def test_a_gold_of_a_known_form_can_be_graded_by(text):
    assert check_gold(text, get_verifier("code")) is None


def test_limits_and_tolerance_reach_the_sandbox():
    found = read_tests(calls((1, 2.5), limits={"cpu_s": 1.5, "memory_mb": 64}, float_tolerance=1e-3))
    assert found.limits == Limits(cpu_s=1.5, memory_mb=64)
    assert found.tests == (CallTest("f", [1], 2.5, float_tolerance=1e-3),)


FORMS = {
    "calls": DOUBLE,
    "stdio": gold(stdio=[{"input": "1", "output": "2"}, {"input": "2", "output": "4"}]),
    "method": gold(function="Solution.f", calls=[{"arguments": [2], "expected": 4}]),
    "mbpp": gold(function="f", asserts=["assert f(1) == ONE * 2", "assert f(2) == 4"], setup="ONE = 1"),
    "humaneval": gold(function="f", asserts="def check(candidate):\n    assert candidate(2) == 4\n"),
}
PROGRAMS = {"stdio": "print(int(input()) * 2)", "method": "class Solution:\n    def f(self, x):\n        return 2 * x"}


@confined
def test_every_form_of_tests_accepts_a_right_program_and_no_wrong_one():
    right = [PROGRAMS.get(name, RIGHT) for name in FORMS]
    wrong = [program.replace("2", "3") for program in right]
    golds, programs = [*FORMS.values()] * 2, [*right, *wrong]
    verdicts = verify_answers(golds, list(map(block, programs)), "code")
    assert [verdict.correct for verdict in verdicts] == [True] * len(FORMS) + [False] * len(FORMS)
    assert [verdict.status for verdict in verdicts] == ["match"] * len(FORMS) + ["mismatch"] * len(FORMS)
    assert [verdict.extracted for verdict in verdicts] == programs
    assert {verdict.path for verdict in verdicts} == {"sandbox"}
    assert all(verdict.ms > 0 for verdict in verdicts)


VERDICTS = [
    (RIGHT, "match", "passed 3 of 3 tests"),
    ("def f(x):\n    return 4 if x == 2 else 2", "mismatch", "wrong_answer in test 3 of 3: returned 2"),
    ("def f(x):\n    return 1 / 0", "mismatch", "runtime_error in test 1 of 3: ZeroDivisionError: division by zero"),
    ("def f(x):\n    return f(x)", "mismatch", "recursion_limit in test 1 of 3: "),
    ("def f(x):\n    raise SystemExit(0)", "mismatch", "runtime_error in test 1 of 3"),
    ("import os\nos._exit(0)", "mismatch", "runtime_error in test 1 of 3"),
    (
        "class E:\n    def __eq__(self, other):\n        return True\ndef f(x):\n    return E()",
        "mismatch",
        "wrong_answer",
    ),
    ("def f(x):\n    raise ValueError('a\\nb' * 500)", "mismatch", "runtime_error in test 1 of 3: ValueError: a b"),
    ("def f(x:", "unparseable", "compile_error in test 1 of 3: "),
    ("x = '\ud800'", "unparseable", "compile_error in test 1 of 3: the program holds lone surrogates"),
    ("x = 1\0", "unparseable", "compile_error in test 1 of 3: the program holds null bytes"),
    ("def g(x):\n    return 2 * x", "unparseable", "no_entry_point in test 1 of 3: "),
    ("def f(x):\n    while True:\n        pass", "timeout", "cpu_limit in test 1 of 3: "),
    ("import time\ndef f(x):\n    time.sleep(60)", "timeout", "timeout in test 1 of 3: "),
]


@confined
def test_what_a_program_does_decides_its_status_and_its_reason():
    # A loop must reach the limit of processor time first, a sleep the one on the clock.
    limits = {"cpu_limit": {"cpu_s": 0.3, "wall_s": 30}, "timeout": {"wall_s": 0.5}}
    golds = [gold(**json.loads(DOUBLE), limits=limits.get(reason.split()[0])) for _, _, reason in VERDICTS]
    verdicts = verify_answers(golds, [block(program) for program, _, _ in VERDICTS], "code")
    for verdict, (program, status, reason) in zip(verdicts, VERDICTS, strict=True):
        assert verdict.status == status, (program, verdict)
        assert verdict.correct is (status == "match")
        assert verdict.reason.startswith(reason), verdict.reason
        assert len(verdict.reason) < 400
        assert "\n" not in verdict.reason


@confined
def test_problems_of_several_kinds_are_judged_together():
    kinds = ["code", "math", "code", "code"]
    golds = [DOUBLE, "7", DOUBLE, "{}"]
    texts = [block(RIGHT), r"\boxed{7}", "no program", block(RIGHT)]
    verdicts = judge_responses(kinds, golds, texts)
    assert [verdict.status for verdict in verdicts] == ["match", "match", "no_answer", "gold_error"]
    assert verdicts[2].path == "extraction"


class CountingSandbox(Sandbox):
    """Keeps the number of programs of each run."""

    def __init__(self, **options):
        super().__init__(**options)
        self.runs = []

    def run(self, jobs):
        jobs = list(jobs)
        self.runs.append(len(jobs))
        return super().run(jobs)


@confined
def test_equal_programs_with_equal_tests_run_once_and_all_of_them_are_judged():
    slow = f"import time\ntime.sleep(0.3)\n{RIGHT}"
    with CountingSandbox(workers=1) as sandbox:
        golds = [*[DOUBLE] * 6, calls((1, 3)), calls((1, 3))]
        responses = [block(slow), block(slow, "py"), "no", block("def f(x): 0"), "no", *[block(slow)] * 3]
        verdicts = CodeVerifier(sandbox).judge_many(golds, responses)
    assert sandbox.runs == [3]
    assert [verdict.correct for verdict in verdicts] == [True, True, False, False, False, True, False, False]
    assert verdicts[0].ms > 300 > verdicts[5].ms


@confined
def test_many_programs_are_handed_over_in_waves(monkeypatch):
    monkeypatch.setattr("vibethinker.verify.code._WAVE_PROGRAMS", 2)
    with CountingSandbox(workers=1) as sandbox:
        programs = [f"def f(x):\n    return {n} * x" for n in range(5)]
        verdicts = CodeVerifier(sandbox).judge_many([DOUBLE] * 5, list(map(block, programs)))
    assert sandbox.runs == [2, 2, 1]
    assert [verdict.correct for verdict in verdicts] == [False, False, True, False, False]


@confined
def test_the_share_of_passed_tests_is_for_analysis_and_no_verdict():
    responses = [block(RIGHT), block("def f(x):\n    return x + 1 if x < 3 else 6"), "no program"]
    golds = [DOUBLE] * 3
    assert passed_shares(golds, responses) == [1.0, 2 / 3, 0.0]
    assert [verdict.correct for verdict in verify_answers(golds, responses, "code")] == [True, False, False]
    assert passed_shares(["{}"], [block(RIGHT)]) == [None]


def test_what_the_sandbox_could_not_run_is_neither_right_nor_wrong():
    failed = Outcome.INFRASTRUCTURE_ERROR
    for tests, place in (((Outcome.PASSED, failed), 2), ((failed, failed), 1), ((Outcome.WRONG_ANSWER, failed), 2)):
        result = Result(None, failed, tests, ("no memory", "no memory"))
        verdict = verdict_of(RIGHT, result)
        assert (verdict.correct, verdict.status, verdict.path) == (None, "infrastructure_error", "sandbox")
        assert verdict.reason == f"infrastructure_error in test {place} of 2: no memory"
        assert passed_share(result) is None
    assert VERDICT_STATUSES[-1] == "infrastructure_error"


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_right_wrong_or_unknown_as_the_sandbox_says(outcome):
    passed = {Outcome.PASSED: True, Outcome.INFRASTRUCTURE_ERROR: None}.get(outcome, False)
    verdict = verdict_of(RIGHT, Result(passed, outcome, (outcome,), ("",)))
    assert verdict.correct is passed
    assert (verdict.status == "match") is (outcome is Outcome.PASSED)
    assert (verdict.status == "infrastructure_error") is (passed is None)


def test_lists_of_different_length_raise():
    with pytest.raises(ValueError, match="shorter|longer"):
        CodeVerifier().judge_many([DOUBLE], [])


@pytest.fixture
def flattened(tmp_path, monkeypatch):
    """Write 40 problems in row groups of 8; the function of problem n multiplies by n."""
    monkeypatch.chdir(tmp_path)
    rows = [{"id": f"p{n}", "tests": calls((1, n), (2, 2 * n)), "level": n} for n in range(40)]
    rows += [{"id": "twice", "tests": calls((1, 1)), "level": 0}] * 2
    rows += [
        {"id": "null", "tests": None, "level": 0},
        {"id": "loop", "tests": gold(tests_in="t.parquet", id="p1"), "level": 0},
    ]
    pq.write_table(pa.Table.from_pylist(rows), "t.parquet", row_group_size=8)
    return Path("t.parquet")


def pointer(row_id, path="t.parquet"):
    return gold(tests_in=str(path), id=row_id)


def test_a_pointer_leads_to_the_tests_of_its_row(flattened):
    for n in (0, 39, 8, 7, 9):
        assert read_tests(pointer(f"p{n}")).tests == read_tests(calls((1, n), (2, 2 * n))).tests


@confined
def test_a_program_is_judged_by_the_tests_that_its_gold_points_at(flattened):
    golds = [pointer("p2"), pointer("p3"), pointer("p40")]
    verdicts = verify_answers(golds, [block(RIGHT)] * 3, "code")
    assert [verdict.status for verdict in verdicts] == ["match", "mismatch", "gold_error"]


@pytest.mark.parametrize(
    ("row_id", "reason"),
    [
        ("p40", "t.parquet has no row of id 'p40' among its 43"),
        ("twice", "t.parquet: the id 'twice' stands there twice"),
        ("null", "t.parquet: the tests of 'null' must be text, got NoneType"),
        ("loop", "the row that tests_in points at is a pointer itself"),
    ],
)
def test_a_pointer_to_no_tests_says_so(flattened, row_id, reason):
    assert check_gold(pointer(row_id), get_verifier("code")) == f"cannot be used: {reason}"


def test_a_file_of_another_form_is_told(flattened):
    Path("bad.parquet").write_bytes(b"PAR1 no more")
    pq.write_table(pa.table({"id": ["a"], "answer": ["b"]}), "other.parquet")
    checked = [check_gold(pointer("a", path), get_verifier("code")) or "" for path in ("bad.parquet", "other.parquet")]
    assert checked[0].startswith("cannot be used: bad.parquet cannot be read: ")
    assert checked[1] == "cannot be used: other.parquet has no column tests; it has id, answer"


def test_few_row_groups_are_held_and_one_that_is_too_large_is_refused(flattened, monkeypatch):
    monkeypatch.setattr("vibethinker.verify.flattened_tests._HELD_BYTES", 2000)
    rows = FlattenedTests()
    for n in [*range(40), *range(0, 40, 8)]:
        assert rows.read("t.parquet", f"p{n}") == calls((1, n), (2, 2 * n))
        assert len(rows._groups) <= 3
    monkeypatch.setattr("vibethinker.verify.flattened_tests.MAX_ROW_GROUP_BYTES", 100)
    with pytest.raises(ValueError, match="write the file with fewer rows in a group"):
        FlattenedTests().read("t.parquet", "p1")


def test_a_file_that_has_changed_is_read_anew(flattened):
    rows = FlattenedTests()
    assert rows.read("t.parquet", "p1") == calls((1, 1), (2, 2))
    pq.write_table(pa.table({"id": ["p1", "q"], "tests": ["other", "tests"]}), "t.parquet")
    assert rows.read("t.parquet", "p1") == "other"


def test_the_weakest_level_is_two_unless_the_environment_says_otherwise(monkeypatch):
    monkeypatch.delenv("VIBETHINKER_SANDBOX_LEVEL", raising=False)
    assert minimum_level() == 2
    for text, level in (("", 2), ("1", 1), (" 0 ", 0), ("3", 3)):
        monkeypatch.setenv("VIBETHINKER_SANDBOX_LEVEL", text)
        assert minimum_level() == level
    for text in ("4", "-1", "two", "1.5"):
        monkeypatch.setenv("VIBETHINKER_SANDBOX_LEVEL", text)
        with pytest.raises(InputError, match="must be 0, 1, 2 or 3, got"):
            minimum_level()


def test_a_sandbox_that_does_not_start_raises_instead_of_judging():
    with pytest.raises(SandboxUnavailableError):
        CodeVerifier(Sandbox(workers=1, packages=("no_such_package",))).judge_many([DOUBLE], [block(RIGHT)])


def test_the_sandbox_is_loaded_with_the_first_program_and_not_before():
    script = (
        "import sys\nfrom vibethinker.verify import verify_answer, get_verifier\nverify_answer('7', '7')\n"
        "print(any(name.startswith('vibethinker.sandbox') for name in sys.modules))\n"
        "get_verifier('code')\nprint(*(name for name in ('pyarrow', 'numpy', 'torch') if name in sys.modules))\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
    ).stdout
    assert printed == "False\n\n"
