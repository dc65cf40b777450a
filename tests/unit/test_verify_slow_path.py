"""The slow path: right on what only sympy can compare, strict where math-verify is not, and never stuck."""

import asyncio
import gc
import os
import signal
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
    assert until(lambda: not is_alive(process))


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
