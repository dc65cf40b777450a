"""The process that has math-verify imported and forks a worker, in milliseconds, whenever it is asked for one.

Started by ``launcher.Zygote``, never by hand, with the descriptor of its socket, the workers' memory in MiB and the
deadline in seconds. It computes nothing itself, so it always answers. It ends, and its workers with it, when its socket
closes or its parent is gone.

    caller -> zygote   {"do": "fork"} with a socket attached    zygote -> caller   {"pid": 42}
    caller -> zygote   {"do": "kill", "pid": 42}                zygote -> caller   {}
    caller -> worker   {"gold": "1/2", "answer": "0.5"}         worker -> caller   {"correct": true, ..., "last": false}

A worker may allocate ``memory_mb``, write to no file, start no process, open no connection, and run no text as code. It
is killed by the caller's deadline, by its own limit of processor time, or with the zygote.
"""

import ctypes
import gc
import logging
import math
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from vibethinker.verify.slow_path.protocol import BrokenMessageError, SlowJudgement, receive, send

MAX_PAIRS = 300
"""Pairs after which a worker leaves: sympy keeps what it has computed."""

MAX_GROWTH_MB = 200
"""Resident memory by which a worker may have grown at its peak before it leaves."""

TICK_S = 1.0
"""How often the zygote looks whether its parent is there and its workers are not zombies."""

# They fill the caches of the grammar and of sympy, and import what sympy imports only when needed, for all workers.
WARMING_PAIRS = (
    (r"\frac{1}{2}", "0.5"),
    (r"(x+1)^2", "x^2+2x+1"),
    (r"\sin^2 x + \cos^2 x", "1"),
    (r"\sqrt{2}+\sqrt{3}", r"\sqrt{5+2\sqrt{6}}"),
    (r"1 < x \le 2", "(1,2]"),
    (r"(-\infty,1)\cup(2,\infty)", r"x<1\text{ or }x>2"),
    ("2x+4y-3=0", r"y=-\frac{x}{2}+\frac{3}{4}"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{bmatrix}1&2\\3&4\end{bmatrix}"),
    (r"\frac{\sqrt{\pi}}{2}", r"\int_0^\infty e^{-x^2}\,dx"),
    (r"\frac{n(n+1)}{2}", r"\sum_{k=1}^{n} k"),
    (r"\frac{\pi^2}{6}", r"\sum_{n=1}^{\infty} \frac{1}{n^2}"),
    ("1", r"\lim_{x\to 0} \frac{\sin x}{x}"),
    (r"\log_2 8 + \binom{5}{2} + 3!", r"\ln 2 + |x| + \lfloor y \rfloor"),
    (r"a_{12} + e^{3i}", r"f(x) \cdot \pi"),
)

_PR_SET_PDEATHSIG = 1
_MEGABYTE = 2**20
_STARTS_OR_CONNECTS = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.", "socket.", "ctypes.dlopen")
_MAY_RUN_TEXT = ("sympy.polys.monomials", "collections", "dataclasses")

Judge = Callable[[str, str], SlowJudgement]


def main(arguments: list[str]) -> int:
    """Serve until the caller is gone; return the exit status."""
    descriptor, memory_mb, deadline_s = int(arguments[0]), int(arguments[1]), float(arguments[2])
    parent = os.getppid()
    # Ctrl-C is for the caller, who will close the socket. What a caller ignores is inherited, but needed here.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    with socket.socket(fileno=descriptor) as connection:
        try:
            judge = _warm_judge()
        except Exception as error:  # whatever it is, the caller has to be told
            send(connection, {"error": f"{type(error).__name__}: {error}"[:500]})
            return 1
        send(connection, {"ready": True})
        # What is there now is never collected, so that workers do not copy its pages just to count references.
        gc.collect()
        gc.freeze()
        _serve(connection, parent, lambda own: _work(own, judge, memory_mb, deadline_s))
    return 0


def _warm_judge() -> Judge:
    from vibethinker.verify.slow_path.judge import judge

    logging.disable(logging.CRITICAL)  # math-verify warns of switched-off timeouts, and of each failure
    for gold, answer in WARMING_PAIRS:
        judge(gold, answer)
    return judge


# The zygote.


def _serve(connection: socket.socket, parent: int, work: Callable[[socket.socket], None]) -> None:
    children: set[int] = set()
    poller = select.poll()
    poller.register(connection, select.POLLIN)
    try:
        while os.getppid() == parent:
            ready = poller.poll(TICK_S * 1000)
            _reap(children)
            if ready and not _obey(connection, children, work):
                return
    except (OSError, BrokenMessageError):
        return
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)


def _reap(children: set[int]) -> None:
    for pid in tuple(children):
        if os.waitpid(pid, os.WNOHANG)[0]:
            children.discard(pid)


def _obey(connection: socket.socket, children: set[int], work: Callable[[socket.socket], None]) -> bool:
    """Do one thing that the caller asks for; False where it has closed."""
    begun, descriptors, _, _ = socket.recv_fds(connection, 4096, 1)
    order = receive(connection, begun) if begun else None
    if order is None:
        return False
    if order.get("do") == "fork":
        with socket.socket(fileno=descriptors[0]) as own:
            pid = _fork(connection, own, work)
        children.add(pid)
        send(connection, {"pid": pid})
    elif order.get("do") == "kill":
        # Only a child not reaped yet: its number cannot belong to anyone else.
        if order.get("pid") in children:
            os.kill(order["pid"], signal.SIGKILL)
            os.waitpid(order["pid"], 0)
            children.discard(order["pid"])
        send(connection, {})
    return True


def _fork(connection: socket.socket, own: socket.socket, work: Callable[[socket.socket], None]) -> int:
    zygote = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        connection.close()
        _die_with(zygote)
        work(own)
        status = 0
    finally:
        os._exit(status)


def _die_with(zygote: int) -> None:
    """On Linux, be killed when the zygote dies; elsewhere the closed socket or the limit of processor time does it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != zygote:
        os._exit(1)


# A worker.


def _work(connection: socket.socket, judge: Judge, memory_mb: int, deadline_s: float) -> None:
    _confine(memory_mb)
    most_mb = _peak_mb() + MAX_GROWTH_MB
    for number in range(1, MAX_PAIRS + 1):
        request = receive(connection)
        if request is None:
            return
        _limit_processor_time(deadline_s)
        judgement = judge(request["gold"], request["answer"])
        last = number == MAX_PAIRS or judgement.status == "timeout" or _peak_mb() > most_mb
        send(
            connection,
            {
                "correct": judgement.correct,
                "status": judgement.status,
                "reason": judgement.reason[:200],
                "last": last,
            },
        )
        if last:
            return


def _confine(memory_mb: int) -> None:
    sys.dont_write_bytecode = True
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    try:
        _limit(resource.RLIMIT_AS, memory_mb * _MEGABYTE)
    except (OSError, ValueError):
        if sys.platform != "darwin":  # which does not limit address space
            raise
    sys.addaudithook(_refuse)


def _limit(what: int, limit: int) -> None:
    """Set a limit, or leave a lower one that this process was started with."""
    _, highest = resource.getrlimit(what)
    if highest != resource.RLIM_INFINITY:
        limit = min(limit, highest)
    resource.setrlimit(what, (limit, highest))


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Stop what no comparison of answers needs: a second lock, should an answer ever find a way to code.

    Modules may be imported. Text may be run by those who write it out of nothing but their own names; sympy's lambdify,
    which writes it out of formulas, is not among them.
    """
    if event == "exec":
        name = arguments[0].co_filename
        of_module = name.endswith(".py") or name.startswith("<frozen ")
        if not of_module and sys._getframe(1).f_globals.get("__name__") not in _MAY_RUN_TEXT:
            raise PermissionError(f"a worker runs no text: {name}")
    elif event == "open":
        if isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise PermissionError("a worker writes to no file")
    elif event.startswith(_STARTS_OR_CONNECTS):
        raise PermissionError(f"a worker does not {event}")


def _limit_processor_time(deadline_s: float) -> None:
    """Let the kernel end this process some time after the caller should have: the caller may be gone."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime + deadline_s) + 1)


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _MEGABYTE if sys.platform == "darwin" else peak / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
