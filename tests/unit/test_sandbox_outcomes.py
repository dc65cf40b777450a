"""What a program does decides its outcome, and every outcome can be told from the others."""

import sys

import pytest

from vibethinker.sandbox import AssertTest, CallTest, Job, Limits, Outcome, Sandbox, StdioTest, probe

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or (probe().level or 0) < 2, reason="this machine offers neither level 3 nor level 2"
)
LIMITS = Limits(cpu_s=3, wall_s=20, memory_mb=256, output_mb=1, threads=8)
SHORT = Limits(cpu_s=0.3, wall_s=1, memory_mb=256, output_mb=1, threads=8)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(workers=2, limits=LIMITS) as made:
        yield made


def run_one(sandbox, program, *tests, limits=None):
    (result,) = sandbox.run([Job(program, list(tests), limits)])
    return result


RETURNS_5 = CallTest("solve", (), 5)
OUTCOMES = [
    ("passed", "def solve(): return 5", RETURNS_5),
    ("wrong_answer", "def solve(): return 6", RETURNS_5),
    ("compile_error", "def solve(:", RETURNS_5),
    ("compile_error", "x = 5\0", RETURNS_5),
    ("compile_error", "x = '\ud800'", RETURNS_5),
    ("compile_error", "#" * (2 << 20), RETURNS_5),
    ("compile_error", "(" * 5000 + ")" * 5000, RETURNS_5),
    ("compile_error", "print(1", StdioTest("", "1")),
    ("no_entry_point", "def other(): return 5", RETURNS_5),
    ("no_entry_point", "solve = 5", RETURNS_5),
    ("runtime_error", "def solve(): raise ValueError(5)", RETURNS_5),
    ("runtime_error", "1 / 0", RETURNS_5),
    ("runtime_error", "1 / 0", StdioTest("", "")),
    ("runtime_error", "import sys; print(5); sys.exit(3)", StdioTest("", "5")),
    ("runtime_error", "def solve(): raise SystemExit(0)", RETURNS_5),
    ("runtime_error", "import os\ndef solve(): os._exit(0)", RETURNS_5),
    ("runtime_error", "def solve(): raise KeyboardInterrupt", RETURNS_5),
    ("memory_limit", "def solve(): return len(bytearray(10**9))", RETURNS_5),
    ("memory_limit", "x = [0] * 10**9", StdioTest("", "")),
    ("recursion_limit", "def solve(): return solve()", RETURNS_5),
    ("output_limit", "while True: print('x' * 999)", StdioTest("", "x")),
    ("output_limit", "def solve(): return 'x' * 10**7", RETURNS_5),
    ("output_limit", "import sys\nwhile True: sys.stderr.write('x' * 999)", StdioTest("", "x")),
    (
        "thread_limit",
        "import threading, time\ndef solve():\n for _ in range(20):\n"
        "  threading.Thread(target=time.sleep, args=(1,), daemon=True).start()\n return 5",
        RETURNS_5,
    ),
    ("crash", "import ctypes\ndef solve(): ctypes.string_at(0)", RETURNS_5),
    ("crash", "import os; os.abort()", StdioTest("", "")),
    ("sandbox_violation", "import ctypes\ndef solve(): return ctypes.CDLL(None).ptrace(0, 0, 0, 0)", RETURNS_5),
    ("protocol_error", "import os\nos.write(4, b'nonsense\\n')\ndef solve(): return 5", RETURNS_5),
    ("protocol_error", "import os\nos.write(4, b'V}\\n')\ndef solve(): return 5", RETURNS_5),
]


@pytest.mark.parametrize(("outcome", "program", "test"), OUTCOMES)
def test_outcomes(sandbox, outcome, program, test):
    result = run_one(sandbox, program, test)
    assert result.outcome == outcome, (result.reasons, result.stderr)
    assert result.tests == (Outcome(outcome),)
    assert result.passed is (outcome == "passed")


def test_a_loop_ends_at_the_cpu_limit_and_a_sleep_at_the_clock(sandbox):
    loop = run_one(sandbox, "while True: pass", StdioTest("", ""), limits=Limits(cpu_s=0.3, wall_s=15))
    assert loop.outcome == "cpu_limit"
    assert 0.25 < loop.cpu_s < 2
    sleep = run_one(sandbox, "import time; time.sleep(99)", StdioTest("", ""), limits=SHORT)
    assert sleep.outcome == "timeout"
    assert sleep.cpu_s < 0.5


@pytest.mark.parametrize(
    ("program", "stdin", "printed", "passes"),
    [
        ("print(int(input()) * 2)", "4\n", "8", True),
        ("print(int(input()) * 2)", "4", " 8 \n\n", True),
        ("print(1, 2)\nprint(3)", "", "1 2 3", True),
        ("print('12')", "", "1 2", False),
        ("print(1, 2, 3)", "", "1 2", False),
        ("print(1)", "", "1 2", False),
        ("", "", "", True),
        ("import sys; sys.stdout.write(sys.stdin.read())", "a\u00e9\u4e2d\n", "a\u00e9\u4e2d", True),
        ("import sys; sys.stdout.buffer.write(open(0, 'rb').read())", "x y", "x y", True),
        ("import os; os.write(1, os.read(0, 99))", "x y", "x y", True),
        ("import os; print(5, flush=True); os._exit(0)", "", "5", True),
        ("print(5); exit()", "", "5", True),
        ("print(5); exit(0)", "", "5", True),
        ("import atexit; atexit.register(print, 6); print(5)", "", "5 6", True),
        ("import threading, time\nthreading.Thread(target=lambda: (time.sleep(.05), print(5))).start()", "", "5", True),
        ("if __name__ == '__main__':\n print(5)", "", "5", True),
        ("import sys, io\nsys.stdout = io.StringIO()\nprint(5)", "", "5", False),
        ("import asyncio\nasync def f():\n await asyncio.sleep(0)\n print(5)\nasyncio.run(f())", "", "5", True),
        ("from dataclasses import dataclass\n@dataclass\nclass P:\n x: int = 5\nprint(P().x)", "", "5", True),
        ("import pickle\nclass P: pass\nprint(type(pickle.loads(pickle.dumps(P()))).__name__)", "", "P", True),
        (
            "import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(20000))",
            "",
            "20000",
            True,
        ),
        (
            "import threading\nthreading.stack_size(2**26)\nt = threading.Thread(target=print, args=(5,))\n"
            "t.start()\nt.join()",
            "",
            "5",
            True,
        ),
    ],
)
def test_programs_on_standard_input_run_as_scripts(sandbox, program, stdin, printed, passes):
    result = run_one(sandbox, program, StdioTest(stdin, printed))
    assert (result.passed is True) == passes, (result.outcome, result.reasons, result.stderr)


def test_a_float_tolerance_holds_for_tokens_that_are_numbers_on_both_sides(sandbox):
    program = "print(0.30000001, 'x')"
    assert run_one(sandbox, program, StdioTest("", "0.3 x", float_tolerance=1e-6)).passed
    assert not run_one(sandbox, program, StdioTest("", "0.3 x")).passed
    assert not run_one(sandbox, program, StdioTest("", "0.3 y", float_tolerance=1e-6)).passed


def test_tests_of_one_program_see_fresh_globals_and_builtins(sandbox):
    program = (
        "try:\n seen\n print('stale')\nexcept NameError:\n print(input())\n"
        "seen = 1\nimport builtins\nbuiltins.len = None"
    )
    tests = [StdioTest(str(number), str(number)) for number in range(5)]
    assert run_one(sandbox, program, *tests).passed


def test_what_follows_a_failure_in_a_shared_process_is_run_alone(sandbox):
    # A module keeps a count: in a shared process the second test would see 1.
    program = "import math\nmath.count = getattr(math, 'count', 0) + 1\nprint(math.count)"
    result = run_one(sandbox, program, *[StdioTest("", "1")] * 3)
    assert result.tests == (Outcome.PASSED,) * 3


def test_each_test_gets_its_own_outcome(sandbox):
    program = "n = int(input())\nif n == 2: raise ValueError\nprint(n)"
    result = run_one(sandbox, program, *[StdioTest(str(n), "1" if n != 3 else "3") for n in (1, 2, 3, 4)])
    assert [str(outcome) for outcome in result.tests] == ["passed", "runtime_error", "passed", "wrong_answer"]
    assert result.outcome == "runtime_error"
    assert "ValueError" in result.stderr


@pytest.mark.parametrize("tests", [1, 3])
@pytest.mark.parametrize("ending", ["while True: pass", "os.abort()", "os._exit(3)", "os.kill"])
def test_a_claimed_end_does_not_hide_how_the_process_ended(sandbox, ending, tests):
    # The right output, the claim that every test is over, and then no end or a bad one.
    program = f"import os, ctypes\nprint(5, flush=True)\nos.write(4, b'D0\\n' * 9)\n{ending}"
    program = program.replace("os.kill", "ctypes.CDLL(None).ptrace(0, 0, 0, 0)")
    result = run_one(sandbox, program, *[StdioTest("", "5")] * tests, limits=SHORT)
    assert result.passed is False
    assert "passed" not in result.tests


def test_a_value_returned_does_not_hide_how_the_process_ended(sandbox):
    program = "import os, threading, time\ndef solve():\n os.write(4, b'V5\\n')\n while True: pass"
    assert run_one(sandbox, program, RETURNS_5, limits=SHORT).passed is False


def test_a_call_that_ends_the_process_does_not_take_the_others_with_it(sandbox):
    program = "import os\ndef solve(n):\n if n == 2: os._exit(0)\n return n"
    result = run_one(sandbox, program, *[CallTest("solve", (n,), n) for n in (1, 2, 3)])
    assert [str(outcome) for outcome in result.tests] == ["passed", "runtime_error", "passed"]


def test_a_test_is_not_charged_for_what_others_of_its_process_used(sandbox):
    program = (
        "import time\ndef solve(n):\n end = time.process_time() + .25\n"
        " while time.process_time() < end: pass\n return n"
    )
    limits = Limits(cpu_s=0.8, wall_s=20)
    assert run_one(sandbox, program, *[CallTest("solve", (n,), n) for n in range(6)], limits=limits).passed
    printing = program + "\nprint(solve(int(input())))"
    assert run_one(sandbox, printing, *[StdioTest(str(n), str(n)) for n in range(6)], limits=limits).passed


def test_after_two_time_limits_the_rest_is_not_reached(sandbox):
    program = "def solve(n):\n while True: pass"
    result = run_one(
        sandbox, program, *[CallTest("solve", (n,), n) for n in range(5)], limits=Limits(cpu_s=0.1, wall_s=5)
    )
    assert [str(outcome) for outcome in result.tests] == ["cpu_limit"] * 2 + ["not_reached"] * 3


def test_methods_and_classes_of_solutions_are_found(sandbox):
    program = "class Solution:\n def solve(self, a, b):\n  return a + b"
    assert run_one(sandbox, program, CallTest("Solution.solve", (1, 2), 3), CallTest("solve", (1, 2), 3)).passed


def test_arguments_arrive_as_the_builtins_they_are(sandbox):
    value = [None, True, 2**80, 0.1, 1j, "\U0001f600", b"x", (1,), {2}, frozenset({3}), {"k": {4: [5]}}, range(3)]
    program = "def solve(value): return [repr(value), value]"
    assert run_one(sandbox, program, CallTest("solve", (value,), [repr(value), value])).passed


def test_asserts_call_the_program_from_outside(sandbox):
    program = "def add(a, b):\n print('called')\n return a + b"
    tests = [
        AssertTest("add", "assert add(1, 2) == 3\nassert add([1], [2]) == [1, 2]"),
        AssertTest("add", "def check(candidate):\n    assert candidate(1, b=2) == 3"),
        AssertTest("add", "assert add('a', 'b') == helper()", setup="def helper(): return 'ab'"),
        AssertTest("add", "try:\n add(1, 'x')\n assert False\nexcept TypeError:\n pass"),
        AssertTest("add", "assert add(1, 2) == 4, 'as it should be'"),
        AssertTest("add", "assert True"),
        AssertTest("add", "assert add(1, 2) == 3"),
    ]
    result = run_one(sandbox, program, *tests)
    assert [str(outcome) for outcome in result.tests] == ["passed"] * 4 + ["wrong_answer"] * 2 + ["passed"]
    assert "called" in result.stdout


@pytest.mark.parametrize(
    ("outcome", "program"),
    [
        ("compile_error", "def f(:"),
        ("no_entry_point", "def g(): return 5"),
        ("runtime_error", "1 / 0"),
        ("runtime_error", "def f(): return 1 / 0"),
        ("runtime_error", "import sys\ndef f(): sys.exit(0)"),
        ("runtime_error", "import os\ndef f(): os._exit(0)"),
        ("recursion_limit", "def f(): return f()"),
        ("memory_limit", "def f(): return bytearray(10**9)"),
        ("crash", "import ctypes\ndef f(): ctypes.string_at(0)"),
        ("cpu_limit", "def f():\n while True: pass"),
        ("wrong_answer", "def f(): return object()"),
        ("wrong_answer", "def f(): return None"),
    ],
)
def test_outcomes_under_asserts(sandbox, outcome, program):
    limits = Limits(cpu_s=0.3, wall_s=10, memory_mb=256) if outcome == "cpu_limit" else None
    result = run_one(sandbox, program, AssertTest("f", "assert f() == 5"), limits=limits)
    assert result.outcome == outcome, (result.reasons, result.stderr)


def test_a_program_caught_by_the_asserts_still_fails_when_its_process_is_gone(sandbox):
    code = "try:\n f()\nexcept BaseException:\n pass"
    assert run_one(sandbox, "import os\ndef f(): os._exit(0)", AssertTest("f", code)).outcome == "runtime_error"


def test_asserts_that_pass_what_cannot_be_sent_say_so(sandbox):
    result = run_one(sandbox, "def f(g): return 5", AssertTest("f", "assert f(lambda: 1) == 5"))
    assert result.outcome == "wrong_answer"
    assert "cannot be sent" in result.reasons[0]


def test_output_and_usage_are_reported(sandbox):
    result = run_one(
        sandbox, "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsum(range(10**6))", StdioTest("", "out")
    )
    assert (result.stdout, result.stderr) == ("out\n", "err\n")
    assert 0 < result.cpu_s < 3
    assert result.wall_s > 0
    assert 5 < result.peak_mb < 300


def test_packages_are_there_when_named_and_not_otherwise():
    pytest.importorskip("numpy")
    job = Job("import numpy\ndef solve(n): return numpy.arange(n).sum()", [CallTest("solve", (4,), 6)])
    with Sandbox(workers=1) as without, Sandbox(workers=1, packages=("numpy",)) as with_numpy:
        assert without.run([job])[0].outcome == "runtime_error"
        assert with_numpy.run([job])[0].passed


@pytest.mark.parametrize("stop", [True, False])
def test_after_a_failure_the_rest_is_left_out_where_that_is_all_one_asks(sandbox, stop):
    tests = [StdioTest(str(number), "1") for number in range(4)]
    (result,) = sandbox.run([Job("print(input())", tests, stop_at_failure=stop)])
    assert not result.passed
    assert result.outcome == "wrong_answer"
    rest = ["not_reached", "not_reached", "not_reached"] if stop else ["passed", "wrong_answer", "wrong_answer"]
    assert list(result.tests) == ["wrong_answer", *rest]
