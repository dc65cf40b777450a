"""The slow path: right on what only sympy can compare, strict where math-verify is not, and never stuck."""

import asyncio
import gc
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from vibethinker.verify.slow_path import SlowJudgement, SlowPath, SlowPathError
from vibethinker.verify.slow_path.protocol import MAX_MESSAGE_BYTES, BrokenMessageError, frame, receive, send
from vibethinker.verify.slow_path.zygote import _confine

WAIT_S = 30.0
"""How long a busy machine may take for what takes milliseconds."""

ENDLESS = "9^{9^{9^9}}"


@pytest.fixture(scope="module")
def pool() -> Iterator[SlowPath]:
    with SlowPath(workers=2) as pool:
        yield pool


@pytest.fixture(scope="module")
def single() -> Iterator[SlowPath]:
    """One worker, whose processes tests may kill."""
    with SlowPath(workers=1) as pool:
        yield pool


def until(condition: Callable[[], Any]) -> Any:
    """Return the condition's value once it holds."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.005)
    raise AssertionError("it did not happen")


def zygote(pool: SlowPath) -> psutil.Process:
    assert pool.judge("1/2", "0.5").correct
    return psutil.Process(pool.zygote_pid)


def living_workers(pool: SlowPath) -> list[psutil.Process]:
    try:
        return [worker for worker in psutil.Process(pool.zygote_pid).children() if is_alive(worker)]
    except psutil.NoSuchProcess:
        return []


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


# What is right.


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("1/2", "0.5"),
        (r"\frac{3}{4}", r"\tfrac34"),
        (r"\frac{1}{3}", r"\int_0^1 x^2\,dx"),
        (r"\frac{\pi^2}{6}", r"\sum_{n=1}^{\infty} \frac{1}{n^2}"),
        (r"\frac{\sqrt{\pi}}{2}", r"\int_0^\infty e^{-x^2}\,\mathrm{d}x"),
        (r"\frac{n(n+1)}{2}", r"\sum_{i=1}^n i"),
        ("1", r"\lim_{x\to 0} \frac{\sin x}{x}"),
        ("120", r"\prod_{k=1}^{5} k"),
        (r"\sqrt{2}+\sqrt{3}", r"\sqrt{5+2\sqrt{6}}"),
        ("0", r"\sqrt2+\sqrt3-\sqrt{5+2\sqrt6}"),
        (r"\sec^2 y", r"\tan^2 y+1"),
        ("r^2+10r+25", "(r+5)^2"),
        ("2024!", r"2023! \cdot 2024"),
        ("2^{-299}", r"\frac{1}{2^{299}}"),
        ("3i/4", "0.75i"),
        ("-1", "i^2"),
        ("6", "2(3)"),
        ("12", r"2\binom42"),
        ("2.5", r"2\frac12"),
        ("0.333", "1/3"),
        ("0.78343", r"\int_0^1 x^x\,dx"),
        (r"12\%", "0.12"),
        (r"12\%", "12"),
        ("x=5", "5"),
        ("11", "x=5+6=11"),
        ("2x", "f(x)=2x"),
        ("1", "|AB|=1"),
        (r"\pm 3", "3, -3"),
        ("1,2", r"2\text{ and }1"),
        ("1,2", r"\{2,1\}"),
        ("(1,2)", "1,2"),
        (r"\{5\}", "5"),
        ("{1,2}", "2,1"),
        ("2x+4y-3=0", r"y=-\frac{x}{2}+\frac34"),
        (r"5 \geq x", r"x \le 5"),
        ("x+y<1", "2x+2y<2"),
        ("[1,2)", r"1 \le x < 2"),
        (r"(-\infty,1)\cup(2,\infty)", r"x>2\text{ or }x<1"),
        (r"\mathbb{R}\setminus\{0\}", r"(-\infty,0)\cup(0,\infty)"),
        (r"\begin{pmatrix}-2&1\\3/2&-1/2\end{pmatrix}", r"\begin{bmatrix}1&2\\3&4\end{bmatrix}^{-1}"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", "(1,2)"),
    ],
)
def test_what_is_equal_is_accepted(pool: SlowPath, gold: str, answer: str) -> None:
    assert pool.judge(gold, answer) == SlowJudgement(True, "judged")


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        # math-verify accepts these.
        (r"\frac{1}{2^{99}}", r"\frac{1}{2^{98}}"),
        ("2^{-299}", "2^{-298}"),
        ("10^{-7}", r"2 \cdot 10^{-7}"),
        ("1e-7", "2e-7"),
        ("204", "204_6"),
        ("(1,2)", r"\{1,2\}"),
        ("1,2", "(2,1)"),
        ("0", "a+3z=0"),
        ("5", "x+y=5"),
        ("5", "xy=5"),
        ("5", "|x|=5"),
        ("x^2+1=0", "x^2+2=0"),
        ("12", r"12\%"),
        ("1/3", "0.333333"),
        ("8", r"2\binom42"),
        ("5", "2(3)"),
        ("5", "2 3"),
        ("11", "5'6"),
        ("56", "5$6$"),
        ("A", "A^T"),
        ("5x", r"5\quadx"),
        (r"\{1,2,10\}", r"\{1,2,\ldots,10\}"),
        (r"\sin 30", r"\sin 30^\circ"),
        ("0", r"\frac{dy}{dx}"),
        # A number that is only a part of the answer.
        ("5", ""),
        ("5", "the answer is 5"),
        ("5", "5 apples"),
        ("17", "17, 18"),
        ("11", "x=5=11"),
        # As everyone else.
        ("(1,2)", "(2,1)"),
        ("(1,2)", "[1,2]"),
        (r"\pm 3", "3"),
        ("x=5", "y=5"),
        ("3.142", "3.14"),
        (r"\pi", "3.14159265"),
        ("5", "5+2^{-300}"),
        ("x", "x+10^{-40}"),
        (r"\frac{1}{3}", r"\int_0^1 x^3\,dx"),
        (r"5\text{ cm}", r"5\text{ m}"),
        ("x+y<1", "-2x-2y<-2"),
        (r"x<1\text{ or }x>2", "x<1, x>2"),
        ("[1,2)", "1<x<2"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}1&2\end{pmatrix}"),
        ("5", r"\frac{5}{0}"),
        ("X", "x"),
        ("5", "\ud800\x00"),
        ("5", "||||||||"),
    ],
)
def test_what_is_not_equal_is_never_accepted(pool: SlowPath, gold: str, answer: str) -> None:
    assert pool.judge(gold, answer).correct is False


def test_the_status_says_which_side_was_not_understood(pool: SlowPath) -> None:
    gold, answer, neither = pool.judge_many([("the answer", "5"), ("5", "the answer"), ("", "")])
    assert (gold.correct, gold.status) == (None, "gold_unparseable")
    assert (answer.correct, answer.status) == (False, "answer_unparseable")
    assert (neither.correct, neither.status) == (None, "gold_unparseable")
    assert "word" in gold.reason


def test_texts_of_any_length_are_answered_at_once(pool: SlowPath) -> None:
    long = "1" * 10_000_000
    begin = time.monotonic()
    assert pool.judge("5", long) == SlowJudgement(False, "answer_unparseable", "over 2000 characters")
    assert pool.judge(long, "5") == SlowJudgement(None, "gold_unparseable", "over 2000 characters")
    assert time.monotonic() - begin < 1
    # The longest that is sent, in the characters that JSON spells longest.
    assert pool.judge("\U0001f600" * 2000, "\U0001f600" * 2000).status == "gold_unparseable"


# What takes long, or ends badly.


def test_a_pair_is_cut_off_at_the_deadline_and_the_next_is_judged(pool: SlowPath) -> None:
    results = pool.judge_many([("5", ENDLESS), ("5", r"\int \frac{\sqrt{x^3+\sin x}}{\ln(x+e^x)}\,dx"), ("1/2", "0.5")])
    late = SlowJudgement(False, "timeout", f"no answer within {pool.deadline_s:g} s")
    assert results == [late, late, SlowJudgement(True, "judged")]
    # The bound is far off: a busy machine may be late, a worker that is not killed never ends.
    assert all(1000 * pool.deadline_s <= result.ms < 1000 * (pool.deadline_s + 20) for result in results[:2])


def test_a_pair_that_takes_the_memory_is_a_timeout(pool: SlowPath) -> None:
    assert pool.judge("5", "2^{10^{10}}-2^{10^{10}}+5") == SlowJudgement(False, "timeout", "out of memory")


def test_results_come_in_the_order_of_the_pairs(pool: SlowPath) -> None:
    pairs = [(str(number), str(number + (number % 3 == 0))) for number in range(60)]
    pairs[7:7] = [("5", "no formula")]
    results = pool.judge_many(pair for pair in pairs)
    assert [result.correct for result in results] == [gold == answer for gold, answer in pairs]
    assert results[7].status == "answer_unparseable"
    assert pool.judge_many([]) == []


def test_a_pair_whose_worker_was_killed_is_judged_by_another(single: SlowPath) -> None:
    zygote(single)
    (worker,) = living_workers(single)
    worker.suspend()
    results: list[SlowJudgement] = []
    caller = threading.Thread(target=lambda: results.append(single.judge("1/2", "0.5")))
    caller.start()
    time.sleep(0.2)
    assert not results
    worker.kill()
    caller.join(WAIT_S)
    assert results == [SlowJudgement(True, "judged")]
    assert living_workers(single) != [worker]


def test_idle_workers_that_died_cost_no_attempt(pool: SlowPath) -> None:
    pool.judge_many([("1/2", "0.5")] * 20)
    for worker in living_workers(pool):
        worker.kill()
    until(lambda: not living_workers(pool))
    assert pool.judge("1/2", "0.5").correct


def test_a_pair_on_which_two_workers_die_is_a_timeout(single: SlowPath) -> None:
    zygote(single)
    results: list[SlowJudgement] = []
    caller = threading.Thread(target=lambda: results.append(single.judge("5", ENDLESS)))
    caller.start()
    while caller.is_alive():
        for worker in living_workers(single):
            worker.kill()
        time.sleep(0.02)
    assert results == [SlowJudgement(False, "timeout", "2 workers died of it")]
    assert single.judge("1/2", "0.5").correct


def test_a_killed_zygote_is_replaced_even_within_a_pair(single: SlowPath) -> None:
    first = zygote(single)
    (worker,) = living_workers(single)
    worker.suspend()
    results: list[SlowJudgement] = []
    caller = threading.Thread(target=lambda: results.append(single.judge("1/2", "0.5")))
    caller.start()
    time.sleep(0.2)
    first.kill()
    if sys.platform != "linux":  # where workers do not die with the zygote
        worker.kill()
    caller.join(WAIT_S)
    assert results == [SlowJudgement(True, "judged")]
    second = zygote(single)
    assert first != second
    until(lambda: not is_alive(first) and not is_alive(worker))
    assert zygote(single) == second


def test_a_caller_that_is_interrupted_leaves_no_busy_worker(single: SlowPath) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    zygote(single)
    (worker,) = living_workers(single)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            single.judge("5", ENDLESS)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not is_alive(worker)
    assert single.judge("1/2", "0.5").correct


# Who may call.


def test_threads_share_the_workers_and_get_their_own_results(pool: SlowPath) -> None:
    wrong: list[object] = []
    most = 0

    def call(number: int) -> None:
        for step in range(20):
            if pool.judge(f"{number}+{step}", str(number + step)) != SlowJudgement(True, "judged"):
                wrong.append((number, step))
            if any(result.correct for result in pool.judge_many([(str(number), str(number + 1))] * 3)):
                wrong.append((number, step))

    callers = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for caller in callers:
        caller.start()
    while any(caller.is_alive() for caller in callers):
        most = max(most, len(living_workers(pool)))
        time.sleep(0.01)
    assert not wrong
    assert 1 <= most <= pool.workers


def test_a_call_with_many_pairs_does_not_keep_others_waiting(pool: SlowPath) -> None:
    zygote(pool)
    many = threading.Thread(target=lambda: pool.judge_many([("1/2", "0.5")] * 1000))
    many.start()
    for _ in range(20):
        assert pool.judge("1/2", "0.5").correct
    assert many.is_alive()
    many.join(WAIT_S)


def test_an_event_loop_goes_on_meanwhile(pool: SlowPath) -> None:
    async def main() -> tuple[int, list[SlowJudgement]]:
        pairs = [("5", ENDLESS)] + [(str(number), "3") for number in range(9)]
        judging = asyncio.gather(*(pool.judge_async(*pair) for pair in pairs))
        ticks = 0
        while not judging.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return ticks, await judging

    ticks, results = asyncio.run(main())
    assert ticks > 20
    assert results[0].status == "timeout"
    assert [result.correct for result in results[1:]] == [number == 3 for number in range(9)]


def test_a_forked_child_has_processes_of_its_own(single: SlowPath) -> None:
    parents = zygote(single)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            right = single.judge("1/2", "0.5").correct and not single.judge("1/2", "0.6").correct
            own = single.zygote_pid not in (None, parents.pid)
            single.close()
            status = 0 if right and own else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert zygote(single) == parents


# What stays behind.


def test_hundreds_of_pairs_leave_nothing_behind(single: SlowPath) -> None:
    first = zygote(single)
    descriptors = open_descriptors()
    seen = {worker.pid for worker in living_workers(single)}
    for _ in range(3):
        assert all(result.correct for result in single.judge_many([("1/2", "0.5")] * 150))
        seen |= {worker.pid for worker in living_workers(single)}
    assert len(seen) > 1  # workers leave after some hundreds of pairs
    assert open_descriptors() == descriptors
    until(lambda: len(first.children()) == 1)  # and are no zombies for long


def test_closing_ends_all_processes_and_calls_say_so() -> None:
    descriptors = open_descriptors()
    with SlowPath(workers=1) as pool:
        assert pool.zygote_pid is None  # nothing is started before it is needed
        processes = [zygote(pool), *living_workers(pool)]
        errors: list[SlowPathError] = []

        def call() -> None:
            try:
                pool.judge("5", ENDLESS)
            except SlowPathError as error:
                errors.append(error)

        caller = threading.Thread(target=call)
        caller.start()
        time.sleep(0.2)
    caller.join(WAIT_S)
    assert "closed" in str(errors[0])
    until(lambda: not any(is_alive(process) for process in processes))
    pool.close()
    with pytest.raises(SlowPathError, match="closed"):
        pool.judge("1/2", "0.5")
    assert open_descriptors() == descriptors


def test_processes_end_with_the_object() -> None:
    pool = SlowPath()
    process = zygote(pool)
    del pool
    gc.collect()
    until(lambda: not is_alive(process))


def test_the_processes_have_few_variables_and_no_gmpy(single: SlowPath) -> None:
    variables = zygote(single).environ()
    # gmpy2 would abort the process on a huge factorial; sympy and mpmath would each take it.
    assert (variables.pop("SYMPY_GROUND_TYPES"), variables.pop("MPMATH_NOGMPY")) == ("python", "1")
    assert set(variables) <= {"PATH", "PYTHONPATH", "PYTHONHASHSEED", "LC_CTYPE"} | {
        name for name in variables if name.endswith("LIBRARY_PATH")
    }


def test_processes_that_cannot_start_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = SlowPath()
    descriptors = open_descriptors()
    for executable, message in (
        ("/bin/false", "cannot start: it ended, exit status 1"),
        ("/no/python", "No such file"),
    ):
        monkeypatch.setattr(sys, "executable", executable)
        for _ in range(2):  # the slot has been given back
            with pytest.raises(SlowPathError, match=message):
                pool.judge("1/2", "0.5")
    assert open_descriptors() == descriptors


CALLER = """
import sys, threading, time
from vibethinker.verify.slow_path import SlowPath
pool = SlowPath(workers=2, deadline_s=600)
assert pool.judge("1/2", "0.5").correct
threading.Thread(target=pool.judge, args=("5", "9^{9^{9^9}}")).start()
time.sleep(0.3)
print(pool.zygote_pid, flush=True)
time.sleep(600)
"""


def test_nothing_outlives_a_killed_caller() -> None:
    caller = subprocess.Popen([sys.executable, "-c", CALLER], stdout=subprocess.PIPE, env=dict(os.environ))
    assert caller.stdout is not None
    with caller.stdout:
        started = psutil.Process(int(caller.stdout.readline()))
    processes = [started, *started.children()]
    assert len(processes) == 2
    caller.kill()
    caller.wait()
    until(lambda: not any(is_alive(process) for process in processes))


# The parts.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "need workers >= 1, got 0"),
        ({"memory_mb": 10}, "need memory_mb >= 256, got 10"),
        ({"deadline_s": 0}, "need 0 < deadline_s < inf, got 0"),
        ({"deadline_s": float("nan")}, "need 0 < deadline_s < inf, got nan"),
    ],
)
def test_impossible_settings_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SlowPath(**options)


@pytest.mark.parametrize(
    "harm",
    [
        lambda: eval("1 + 1"),  # noqa: S307
        lambda: exec("x = 1"),  # noqa: S102
        lambda: open("/dev/null", "w"),  # noqa: PTH123, SIM115
        lambda: os.system("true"),  # noqa: S605
        lambda: os.fork(),
        lambda: subprocess.run(["true"]),
        lambda: socket.socket(),
    ],
)
def test_a_worker_runs_no_text_and_reaches_nothing(harm: Callable[[], object]) -> None:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            _confine(64 * 1024)
            harm()
        except PermissionError:
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_messages_come_as_they_were_sent() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            for message in ({}, {"text": "\ud800\x00\n\u2028"}, {"number": [1, None, True]}):
                send(ours, message)
                assert receive(theirs) == message
                whole = frame(message)
                ours.sendall(whole[5:])
                assert receive(theirs, whole[:5]) == message
        assert receive(ours) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        struct.pack(">I", 10) + b"{}",
        struct.pack(">I", MAX_MESSAGE_BYTES + 1),
        struct.pack(">I", 0),
        struct.pack(">I", 2) + b"[]",
        struct.pack(">I", 2) + b"\xff\xff",
    ],
)
def test_what_is_no_message_is_told(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(data)
        with pytest.raises(BrokenMessageError):
            receive(theirs)


def test_a_message_too_long_is_not_sent() -> None:
    with pytest.raises(ValueError, match="at most 65536 bytes"):
        frame({"text": "x" * MAX_MESSAGE_BYTES})
