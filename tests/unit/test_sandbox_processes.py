"""The sandbox's processes: used from anywhere, gone with their user, whole again after an accident."""

# ruff: noqa: PTH208

import asyncio
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from vibethinker.sandbox import AssertTest, CallTest, Job, Limits, Sandbox, SandboxUnavailableError, StdioTest, probe
from vibethinker.sandbox.worker import Worker
from vibethinker.sandbox.zygote_process import ZygoteError, ZygoteProcess, ZygoteSettings

LEVEL = probe().level or 0
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or LEVEL < 2, reason="this machine offers neither level 3 nor level 2"
)
SOURCE = Path(__file__).resolve().parents[2] / "src"


def double(number, wrong=0):
    return Job("def solve(n): return 2 * n", [CallTest("solve", (number,), 2 * number + wrong)])


def children_of(pid):
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1]) == pid:
                    found.append(int(name))
            except OSError:
                continue
    return found


def all_descendants(pid):
    found = children_of(pid)
    return found + [deeper for child in found for deeper in all_descendants(child)]


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(workers=2) as made:
        yield made


def test_results_come_in_the_order_of_the_jobs(sandbox):
    results = sandbox.run([double(number, wrong=number % 2) for number in range(40)])
    assert [result.passed for result in results] == [number % 2 == 0 for number in range(40)]


@pytest.mark.parametrize("level", [attempt.number for attempt in probe().attempts if attempt.works])
def test_every_level_that_works_here_judges_alike(level):
    with Sandbox(workers=1, minimum_level=level, maximum_level=level) as at_level:
        assert at_level.level.number == level
        assert at_level.level.weak is (level < 2)
        asserts = Job("def f(n): return n", [AssertTest("f", "assert f(1) == 1")])
        printing = Job("print(input())", [StdioTest("5", "5"), StdioTest("6", "6")])
        results = at_level.run([double(1), double(1, wrong=1), asserts, printing])
    assert [result.passed for result in results] == [True, False, True, True]


def test_several_threads_share_one_sandbox(sandbox):
    found = {}

    def work(name):
        found[name] = [result.passed for result in sandbox.run([double(name), double(name, wrong=1)])]

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {name: [True, False] for name in range(8)}


def test_the_event_loop_goes_on_while_jobs_run(sandbox):
    async def both():
        beats = 0
        slow = Job("import time\ndef solve(): time.sleep(0.3); return 1", [CallTest("solve", (), 1)])
        task = asyncio.create_task(sandbox.run_async([slow, double(1)]))
        while not task.done():
            beats += 1
            await asyncio.sleep(0.01)
        return beats, await task

    beats, results = asyncio.run(both())
    assert all(result.passed for result in results)
    assert beats > 3


def test_an_unused_sandbox_starts_nothing_and_a_closed_one_refuses():
    before = len(children_of(os.getpid()))
    unused = Sandbox()
    assert len(children_of(os.getpid())) == before
    unused.close()
    with pytest.raises(RuntimeError, match="closed"):
        unused.run([double(1)])


def test_nothing_is_left_after_closing():
    with Sandbox(workers=2) as used:
        used.run([double(number) for number in range(4)])
        started = [
            pid
            for worker in used._workers
            for zygote in worker._zygotes.values()
            for pid in (zygote.pid, *all_descendants(zygote.pid))
        ]
        assert all(map(is_alive, started))
    assert wait_until(lambda: not any(map(is_alive, started)))


def test_a_forgotten_sandbox_ends_its_processes():
    forgotten = Sandbox(workers=1)
    forgotten.run([double(1)])
    (pid,) = [zygote.pid for worker in forgotten._workers for zygote in worker._zygotes.values()]
    del forgotten
    gc.collect()
    assert wait_until(lambda: not is_alive(pid))


def test_files_and_descriptors_do_not_pile_up(sandbox):
    sandbox.run([double(number) for number in range(20)])
    before = len(os.listdir("/proc/self/fd"))
    sandbox.run([double(number) for number in range(200)])
    assert len(os.listdir("/proc/self/fd")) <= before


def run_script(body):
    script = textwrap.dedent(body)
    return subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(SOURCE)}, text=True
    )


@pytest.mark.parametrize("level", [level for level in (3, 2) if level <= LEVEL])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_caller_leaves_no_process_behind(number, level):
    process = run_script(f"""
        from vibethinker.sandbox import CallTest, Job, Sandbox, Limits
        sandbox = Sandbox(workers=2, minimum_level=2, maximum_level={level})
        sandbox.run([Job("def solve(): return 1", [CallTest("solve", (), 1)])])
        print("ready", flush=True)
        sandbox.run([Job("import time\\ndef solve(): time.sleep(60)", [CallTest("solve", (), 1)], Limits(cpu_s=50))] *
        2)
    """)
    try:
        assert process.stdout.readline() == "ready\n"
        per_worker = 3 if level == 3 else 2  # a parent at level 3, the zygote, the program
        assert wait_until(lambda: len(all_descendants(process.pid)) >= 2 * per_worker)
        started = all_descendants(process.pid)
        process.send_signal(number)
        assert process.wait(90) != 0 if number == signal.SIGKILL else True
        if number == signal.SIGKILL:
            assert wait_until(lambda: not any(map(is_alive, started)))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert wait_until(lambda: not any(map(is_alive, started)))


def test_a_fork_of_the_caller_works_on_its_own_and_leaves_the_parents_alone(sandbox):
    sandbox.run([double(1)])
    zygotes = [zygote.pid for worker in sandbox._workers for zygote in worker._zygotes.values()]
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            good, bad = sandbox.run([double(3), double(3, wrong=1)])
            theirs = [zygote.pid for worker in sandbox._workers for zygote in worker._zygotes.values()]
            status = 0 if (good.passed, bad.passed) == (True, False) and not set(theirs) & set(zygotes) else 2
            sandbox.close()
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert all(map(is_alive, zygotes))
    assert sandbox.run([double(2)])[0].passed


def test_a_killed_zygote_is_replaced_and_the_job_run_again():
    with Sandbox(workers=1) as sandbox:
        sandbox.run([double(1)])
        (zygote,) = sandbox._workers[0]._zygotes.values()
        os.kill(zygote.pid, signal.SIGKILL)
        assert sandbox.run([double(1)])[0].passed


def test_a_program_whose_zygote_dies_every_time_is_not_judged():
    with Sandbox(workers=1) as sandbox:
        sandbox.run([double(1)])
        worker, stop = sandbox._workers[0], threading.Event()

        def kill_zygotes():
            while not stop.is_set():
                for zygote in list(worker._zygotes.values()):
                    for pid in all_descendants(zygote.pid)[:1] or [zygote.pid]:
                        if is_alive(pid):
                            os.kill(pid, signal.SIGKILL)
                time.sleep(0.05)

        killer = threading.Thread(target=kill_zygotes)
        killer.start()
        sleeps = Job("import time\ndef solve(): time.sleep(30)", [CallTest("solve", (), 1)], Limits(cpu_s=20))
        try:
            (result,) = sandbox.run([sleeps])
        finally:
            stop.set()
            killer.join()
        if result.outcome == "infrastructure_error":
            assert result.passed is None
        assert sandbox.run([double(1)])[0].passed


def test_a_child_that_cannot_be_confined_is_infrastructure_and_never_a_verdict():
    worker = Worker(ZygoteSettings(LEVEL), Limits())
    try:
        # No address space is left for the child to get as far as being confined.
        result = worker.run(
            Job("def solve(): return 1", [CallTest("solve", (), 1)], Limits(memory_mb=1e-9, output_mb=1e-9))
        )
    finally:
        worker.close()
    assert result.passed is not True


def test_a_zygote_tells_why_it_cannot_start():
    with pytest.raises(ZygoteError, match="no_such_package"):
        ZygoteProcess(ZygoteSettings(LEVEL, packages=("no_such_package",)))


def test_a_package_that_is_missing_is_told_at_the_start():
    with pytest.raises(SandboxUnavailableError, match="no_such_package"):
        Sandbox(workers=1, packages=("no_such_package",)).__enter__()


def test_the_zygote_holds_nothing_of_the_callers_environment(monkeypatch):
    monkeypatch.setenv("VIBETHINKER_SECRET", "abc123")
    zygote = ZygoteProcess(ZygoteSettings(LEVEL))
    try:
        for pid in (zygote.pid, *all_descendants(zygote.pid)):
            assert b"abc123" not in Path(f"/proc/{pid}/environ").read_bytes()
    finally:
        zygote.close()


def test_the_probe_says_what_works_and_what_to_do():
    found = probe()
    assert found.level == LEVEL
    assert [attempt.number for attempt in found.attempts] == [3, 2, 1, 0]
    assert set(found.advice) == {attempt.number for attempt in found.attempts if not attempt.works}
    assert found.summary.startswith(f"level {LEVEL}")
