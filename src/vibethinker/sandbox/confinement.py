"""What a forked child does to itself before it looks at the untrusted program; nothing here can be undone."""

import contextlib
import math
import os
import resource
import signal
from dataclasses import dataclass

from vibethinker.sandbox import syscalls
from vibethinker.sandbox.seccomp import Filter

# The zygote keeps its own descriptors from here on, so that what it passes on lands at 3, 4, 5, ...
FIRST_OWN_DESCRIPTOR = 500
CONFINED_PIPE = 500
_MEGABYTE = 1 << 20
# What an idle child needs beyond the descriptors passed to it.
_SPARE_DESCRIPTORS = 64


@dataclass(frozen=True)
class Identity:
    """Which user a child becomes.

    Attributes:
        user: The id to change to; None: stays who it is.
        reading_capability: The capability it keeps where the standard library lies where only root may look:
            Landlock still says what it reads, and that it writes nothing. None: no capability.
    """

    user: int | None
    reading_capability: int | None = None


@dataclass(frozen=True)
class ChildLimits:
    """Limits as the kernel enforces them; ``address_space`` in bytes counts what the zygote maps already."""

    cpu_s: float
    address_space: int
    output_bytes: int
    processes: int | None
    descriptors: int


def arrange_descriptors(count: int) -> None:
    """Put stdin, stdout and stderr in their places; keep 3 .. 2 + ``count`` and the pipe, close the rest."""
    os.dup2(6, 0)
    os.dup2(7, 1)
    os.dup2(5, 2)
    if "close_range" in syscalls.NUMBERS:
        with contextlib.suppress(OSError):
            syscalls.call("close_range", count + 3, CONFINED_PIPE - 1, 0)
    syscalls.close_from(CONFINED_PIPE + 1)


def set_lasting_limits() -> None:
    """Set, once and in the zygote, the limits that are the same for every child."""
    for name in ("RLIMIT_CORE", "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_RTPRIO"):
        if hasattr(resource, name):
            resource.setrlimit(getattr(resource, name), (0, 0))


def set_limits(limits: ChildLimits) -> None:
    """Set the resource limits, soft and hard alike: a soft one alone could be raised, or its signal ignored."""
    # The zygote ends the child at its limit. The kernel's own limit is for a zygote that is gone: it counts by ticks,
    # up to a fifth too early, and cannot be told from another kill.
    cpu = math.ceil(1.5 * limits.cpu_s) + 1
    descriptors = limits.descriptors + _SPARE_DESCRIPTORS
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.output_bytes, limits.output_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    # Other systems may refuse it; there it is no sandbox anyway.
    with contextlib.nullcontext() if syscalls.IS_LINUX else contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limits.address_space, limits.address_space))
    if limits.processes is not None:
        resource.setrlimit(resource.RLIMIT_NPROC, (limits.processes, limits.processes))


def drop_identity(identity: Identity) -> None:
    """Become the unprivileged user; one that stays who it is has no capabilities left, the zygote gave them up."""
    if identity.user is not None:
        if identity.reading_capability is not None:
            syscalls.prctl(syscalls.PR_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(identity.user, identity.user, identity.user)
        # Clears every capability unless they are kept.
        os.setresuid(identity.user, identity.user, identity.user)
        if identity.reading_capability is not None:
            syscalls.keep_capabilities((identity.reading_capability,))


def confine(*, zygote: int, count: int, limits: ChildLimits, identity: Identity, system_calls: Filter | None) -> None:
    """Confine this process and tell the zygote so by one byte.

    Args:
        zygote: Its process id, as the child sees it; a child whose zygote is gone ends.
        count: How many descriptors were passed.
        limits: The limits of this program.
        identity: Who runs it.
        system_calls: The filter; None at level 0.
    """
    arrange_descriptors(count)
    set_limits(limits)
    if syscalls.IS_LINUX:
        drop_identity(identity)
        # After the change of user, which clears it.
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != zygote:
            os._exit(1)
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    if system_calls is None:
        os.setsid()
    else:
        system_calls.install()
    os.write(CONFINED_PIPE, b"c")
    os.close(CONFINED_PIPE)
