"""Which confinement this machine offers: tried once per process from the strongest down, never assumed."""

import logging
import os
import platform
import sys
import threading
from dataclasses import dataclass

from vibethinker.errors import WorkError
from vibethinker.sandbox import landlock, syscalls
from vibethinker.sandbox.jobs import Job, Limits, StdioTest
from vibethinker.sandbox.worker import Worker
from vibethinker.sandbox.zygote_process import ZygoteError, ZygoteSettings

logger = logging.getLogger(__name__)

DESCRIPTIONS = {
    3: "namespaces, a root of its own, Landlock, seccomp, resource limits, another user id where possible",
    2: "Landlock, seccomp, resource limits, another user id where possible",
    1: "seccomp that opens no path, resource limits",
    0: "resource limits only: weak, no protection against a hostile program",
}
_lock = threading.Lock()
_found: dict[tuple[int, int], "Attempt"] = {}


class SandboxUnavailableError(WorkError):
    """This machine does not offer the confinement asked for."""


@dataclass(frozen=True)
class Attempt:
    """What came of trying one level: whether it works here, what stood in the way, what its zygote told."""

    number: int
    works: bool
    trouble: str = ""
    identity: str = ""


@dataclass(frozen=True)
class Level:
    """A level that works here.

    Attributes:
        number: 0 .. 3.
        description: What it consists of.
        identity: Who programs run as: "fresh" (an unused user id each), "own" (the caller's).
        weak: Whether a hostile program could do harm.
    """

    number: int
    description: str
    identity: str
    weak: bool


@dataclass(frozen=True)
class Probe:
    """What this machine offers.

    Attributes:
        level: The strongest level that works, 0 .. 3; None: no process could be started at all.
        attempts: What came of each level, 3 first.
        advice: For each level that does not work, what to do about it.
        landlock_abi: The kernel's Landlock version, 0 without.
        system: Kernel and machine.
    """

    level: int | None
    attempts: tuple[Attempt, ...]
    advice: dict[int, str]
    landlock_abi: int
    system: str

    @property
    def summary(self) -> str:
        """One line: the level and what it consists of."""
        if self.level is None:
            return "the sandbox cannot start here"
        return f"level {self.level}: {DESCRIPTIONS[self.level]}"


def _try(number: int) -> Attempt:
    with _lock:
        key = (number, os.geteuid() if hasattr(os, "geteuid") else 0)
        if key not in _found:
            _found[key] = _attempt(number)
        return _found[key]


# Prints the name of everything that it could do and should not.
_SELF_CHECK = """
import os, socket
forbidden = input()
def attempt(name, action):
    try:
        action()
    except OSError:
        return
    print(name)
attempt("read a file", lambda: open(forbidden).read())
attempt("write a file", lambda: open("/tmp/vibethinker-sandbox-check", "w"))
attempt("list a folder", lambda: os.listdir(os.path.dirname(forbidden)))
attempt("open a socket", lambda: socket.socket())
attempt("signal its parent", lambda: os.kill(os.getppid(), 0))
attempt("fork", os.fork)
attempt("execute", lambda: os.execv("/bin/true", ["true"]))
print("done")
"""


def _attempt(number: int) -> Attempt:
    if number >= 1 and not syscalls.IS_LINUX:
        return Attempt(number, False, f"needs Linux on x86-64 or aarch64, this is {sys.platform}")
    if number >= 2 and landlock.abi() == 0:
        trouble = "no Landlock: the kernel is older than 5.13, has it switched off, or a container forbids it"
        return Attempt(number, False, trouble)
    worker = Worker(ZygoteSettings(number, (), ("socket",)), Limits(cpu_s=5, wall_s=30))
    try:
        identity = str(worker.zygote("program").greeting["identity"])
        if number == 0:
            return Attempt(number, True, identity=identity)
        result = worker.run(Job(_SELF_CHECK, [StdioTest(__file__ + "\n", "done")]))
    except (ZygoteError, OSError) as error:
        return Attempt(number, False, str(error))
    finally:
        worker.close()
    if result.passed:
        return Attempt(number, True, identity=identity)
    could = ", ".join(result.stdout.split("\n")[:-2]) or f"{result.outcome}: {result.reasons[0]}"
    return Attempt(number, False, f"the confined self-check failed ({could})")


def probe() -> Probe:
    """Try every level on this machine and say what works, what is missing and how to get it; takes about a second."""
    attempts = tuple(_try(number) for number in (3, 2, 1, 0))
    best = next((attempt for attempt in attempts if attempt.works), None)
    return Probe(
        level=None if best is None else best.number,
        attempts=attempts,
        advice={a.number: advice(a.number, a.trouble) for a in attempts if not a.works},
        landlock_abi=landlock.abi() if syscalls.IS_LINUX else 0,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
    )


def advice(number: int, trouble: str) -> str:
    """Return what to do so that a level works."""
    if not syscalls.IS_LINUX:
        return "run it on Linux, in a container or a virtual machine, or accept minimum_level=0 for trusted programs"
    if "CAP_SETUID" in trouble:
        return "run as an ordinary user, or with --cap-add SETUID --cap-add SETGID --cap-add KILL"
    if number >= 3:
        return (
            "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined (or --cap-add SYS_ADMIN); "
            "on Ubuntu 24.04 sysctl kernel.apparmor_restrict_unprivileged_userns=0; or accept minimum_level=2"
        )
    if "andlock" in trouble:
        return (
            "boot Linux 5.13 or later with lsm=landlock,... or update Docker: its default profile allows Landlock "
            "since version 23.0"
        )
    return "use a kernel with CONFIG_SECCOMP_FILTER, or accept a lower minimum_level for programs that you trust"


def find_level(minimum: int, maximum: int) -> Level:
    """Return the strongest level from ``maximum`` down to ``minimum`` that works here, and log it.

    Raises:
        SandboxUnavailableError: If none does; says what is missing and how to get it.
    """
    troubles: list[str] = []
    for number in range(maximum, minimum - 1, -1):
        attempt = _try(number)
        if attempt.works:
            level = Level(number, DESCRIPTIONS[number], attempt.identity, weak=number < 2)
            missing = "".join(f"; {text}" for text in troubles)
            logger.log(
                logging.WARNING if level.weak else logging.INFO,
                "sandbox level %d: %s%s",
                number,
                level.description,
                missing,
            )
            return level
        troubles.append(f"level {number}: {attempt.trouble}")
    raise SandboxUnavailableError(
        f"the sandbox needs level {minimum} or better and this machine does not offer it ({'; '.join(troubles)}): "
        f"{advice(minimum, troubles[-1])}"
    )


def reset_after_fork() -> None:
    """Give a fork of the caller a lock that nobody holds."""
    global _lock
    _lock = threading.Lock()
