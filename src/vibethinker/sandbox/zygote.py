"""The zygote: started by exec with an empty environment, it imports the usual modules once and enters its cage once.

Then it forks a confined child for every job, one at a time. It never reads a job: the child does, after it is confined.
A request is a line of JSON on a socket with the job's descriptors attached, a reply is a line of JSON.
"""

import atexit
import builtins
import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from vibethinker.sandbox import checker, child, landlock, namespaces, readable, syscalls
from vibethinker.sandbox.confinement import (
    CONFINED_PIPE,
    FIRST_OWN_DESCRIPTOR,
    ChildLimits,
    Identity,
    confine,
    set_lasting_limits,
)
from vibethinker.sandbox.seccomp import Filter

_MEGABYTE = 1 << 20
_STACK = 64 * _MEGABYTE
_PIPE_READ, _CONTROL, _CALLER = FIRST_OWN_DESCRIPTOR + 1, FIRST_OWN_DESCRIPTOR + 2, FIRST_OWN_DESCRIPTOR + 3
# A range of user ids that neither people, nor containers, nor system services are given (systemd's UIDS-GIDS document).
_FIRST_USER, _USERS_PER_ZYGOTE = 0x70000000, 1024
_FIRST_SMALL_USER, _SMALL_USERS = 61200, 4000
_MANY_USERS = 65536
# Outside a user namespace of its own a program shares the count with the caller, which may start threads meanwhile.
_SPARE_THREADS = 32


class Zygote:
    """One zygote process and what its children get."""

    def __init__(self, settings: dict[str, Any]) -> None:
        """Import, then enter the cage of ``settings["level"]``."""
        child.RUNNERS["check"] = checker.run_checks
        self.level = int(settings["level"])
        self.host_pid = os.getpid()
        self.served = 0
        self.seccomp = None if self.level == 0 else Filter(paths=self.level >= 2)
        names = readable.preload(settings["preload"], settings["packages"], settings["search"])
        readable.measure()
        self.paths = readable.paths(settings["packages"])
        sys.path[:] = [*readable.standard_library_paths(), *readable.package_parents(settings["packages"])]
        # At level 3 the root holds nothing else; at level 2 the import system remembers what it listed.
        self.folders = tuple(sys.path)
        self.imported = names
        self.users = _mapped_users()
        self.reading_capability: int | None = None
        self.identity_kind = self._choose_identity()
        _set_stack_limit()

    def _choose_identity(self) -> str:
        """Return "fresh" where every program can get an unused user id, "own" where it stays the caller's.

        Raises:
            PermissionError: For root without the right to change its id: the kernel does not limit root's threads.
        """
        if not syscalls.IS_LINUX or os.geteuid() != 0 or self.users < _MANY_USERS:
            return "own"
        needed = {syscalls.CAP_SETUID, syscalls.CAP_SETGID, syscalls.CAP_KILL}
        if not needed <= syscalls.held_capabilities():
            if self.level == 0:
                return "own"
            raise PermissionError("root without CAP_SETUID, CAP_SETGID and CAP_KILL")
        # Only where Landlock says what may be read is the capability to read everything harmless.
        if self.level >= 2 and readable.hidden_from_others(self.paths, new_root=self.level == 3):
            able = (syscalls.CAP_DAC_READ_SEARCH, syscalls.CAP_DAC_OVERRIDE)
            self.reading_capability = next((c for c in able if c in syscalls.held_capabilities()), None)
        return "fresh"

    def _user_range(self) -> tuple[int, int]:
        """Return the first id and the number of the ids that this zygote's programs get in turn."""
        if self.users < 1 << 31:
            return _FIRST_SMALL_USER, _SMALL_USERS
        return _FIRST_USER + self.host_pid % 32768 * _USERS_PER_ZYGOTE, _USERS_PER_ZYGOTE

    def enter_cage(self) -> None:
        """Namespaces (which forks: the child goes on), capabilities, Landlock."""
        if self.level == 3:
            namespaces.enter(self.paths, users=self._user_range() if self.identity_kind == "fresh" else None)
            _continue_as_first_process()
        set_lasting_limits()
        if self.level >= 1:
            kept = [] if self.reading_capability is None else [self.reading_capability]
            if self.identity_kind == "fresh":
                kept += [syscalls.CAP_SETUID, syscalls.CAP_SETGID, syscalls.CAP_KILL]
            syscalls.keep_capabilities(kept)
            syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        if self.level >= 2:
            landlock.restrict(self.paths, listable=self.folders if self.level == 3 else ())

    def _identity(self) -> Identity:
        if self.identity_kind == "own":
            return Identity(None)
        first, count = self._user_range()
        # Small ranges are shared by all zygotes: each starts elsewhere.
        return Identity(first + (self.served + 61 * self.host_pid) % count, self.reading_capability)

    def _limits(self, request: dict[str, Any]) -> ChildLimits:
        threads = int(request["threads"])
        processes: int | None = threads
        if self.identity_kind == "own":
            # In a user namespace of its own this counts the zygote (and its parent) and the child; outside, all of
            # the user's.
            foreign = int(request["foreign_tasks"])
            processes = threads + 2 if self.level == 3 else threads + foreign + _SPARE_THREADS if foreign else None
        return ChildLimits(
            cpu_s=request["cpu_s"],
            address_space=self.mapped + int(request["memory_mb"] * _MEGABYTE),
            output_bytes=int(request["output_mb"] * _MEGABYTE),
            processes=processes,
            descriptors=int(request["descriptors"]),
        )

    def serve(self, control: socket.socket, caller: int | None) -> None:
        """Answer requests until the caller is gone."""
        self.mapped = readable.mapped_bytes()
        reader, writer = os.pipe()
        os.dup2(reader, _PIPE_READ)
        os.dup2(writer, CONFINED_PIPE)
        os.set_blocking(_PIPE_READ, False)
        os.close(reader)
        os.close(writer)
        self.watched = [control.fileno(), *([] if caller is None else [caller])]
        atexit._clear()
        # On descriptors that lead nowhere yet; a child puts its files in their place.
        child.open_streams()
        gc.collect()
        gc.freeze()
        poller = select.poll()
        for descriptor in self.watched:
            poller.register(descriptor, select.POLLIN)
        while True:
            ready = dict(poller.poll(None if caller is not None else 1000))
            if (caller is not None and caller in ready) or (caller is None and os.getppid() == 1):
                os._exit(0)
            if control.fileno() not in ready:
                continue
            message, descriptors, _flags, _address = socket.recv_fds(control, 4096, 253)
            if not message:
                os._exit(0)
            reply = self._run(json.loads(message), descriptors)
            control.sendall(json.dumps(reply).encode() + b"\n")

    def _run(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        if descriptors != list(range(3, 3 + len(descriptors))):
            raise RuntimeError(f"descriptors arrived as {descriptors}")
        self.served += 1
        limits, identity, zygote = self._limits(request), self._identity(), os.getpid()
        start = time.monotonic()
        try:
            pid = os.fork()
        except OSError as error:
            for descriptor in descriptors:
                os.close(descriptor)
            return {"error": f"fork: {error}"}
        if pid == 0:
            try:
                confine(
                    zygote=zygote, count=len(descriptors), limits=limits, identity=identity, system_calls=self.seccomp
                )
                child.run_job()
            except BaseException as error:
                with contextlib.suppress(OSError):
                    os.write(2, f"confinement failed: {error!r}".encode())
            finally:
                os._exit(1)
        for descriptor in descriptors:
            os.close(descriptor)
        ended_by = self._await(pid, start, request["cpu_s"], request["wall_s"])
        _, status, usage = os.wait4(pid, 0)
        confined = b""
        with contextlib.suppress(BlockingIOError):
            confined = os.read(_PIPE_READ, 64)
        return {
            "status": status,
            "cpu_s": usage.ru_utime + usage.ru_stime,
            "wall_s": time.monotonic() - start,
            "peak_mb": usage.ru_maxrss / 1024,
            "ended_by": ended_by,
            "confined": bool(confined),
        }

    def _await(self, pid: int, start: float, cpu_s: float, wall_s: float) -> str:
        """Wait until the child ends or is killed; return "" or which limit ended it: cpu, wall."""
        ended_by = ""
        waiter = _ExitWaiter(pid)
        clock = (~pid << 3) | 2  # the CPU-time clock of another process, clock_getcpuclockid(3)
        try:
            while True:
                wall_left = start + wall_s - time.monotonic()
                try:
                    cpu_left = cpu_s - time.clock_gettime(clock)
                except OSError:
                    cpu_left = cpu_s
                if wall_left <= 0 or cpu_left <= 0:
                    ended_by = "wall" if cpu_left > 0 else "cpu"
                    break
                ended, hung_up = waiter.wait(min(wall_left, max(cpu_left, 0.002)), self.watched)
                if ended:
                    break
                if hung_up:
                    os.kill(pid, signal.SIGKILL)
                    os._exit(0)
        finally:
            waiter.close()
        if ended_by:
            os.kill(pid, signal.SIGKILL)
        if self.level == 0:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
        return ended_by


class _ExitWaiter:
    """Waits for the end of a child, by a process descriptor where there are such."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._descriptor = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None

    def wait(self, seconds: float, watched: list[int]) -> tuple[bool, bool]:
        """Return whether the child ended and whether the caller did, after ``seconds`` at most."""
        poller = select.poll()
        for descriptor in watched:
            poller.register(descriptor, select.POLLIN)
        if self._descriptor is None:
            caller_gone = bool(poller.poll(0))
            ended = os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
            if not ended:
                time.sleep(min(seconds, 0.002))
            return ended, caller_gone
        poller.register(self._descriptor, select.POLLIN)
        ready = {descriptor for descriptor, _ in poller.poll(seconds * 1000 + 1)}
        return self._descriptor in ready, bool(ready - {self._descriptor})

    def close(self) -> None:
        """Let the descriptor go."""
        if self._descriptor is not None:
            os.close(self._descriptor)


def _set_stack_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (_STACK if hard == resource.RLIM_INFINITY else min(_STACK, hard), hard))


def _mapped_users() -> int:
    """Return how many user ids exist in this user namespace."""
    try:
        with Path("/proc/self/uid_map").open() as file:
            return sum(int(line.split()[2]) for line in file)
    except OSError:
        return 0


def _continue_as_first_process() -> None:
    """Fork; the child goes on as the first process of the new namespace, the parent ends as it ends."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        return
    syscalls.close_from(3)
    with contextlib.suppress(OSError):
        syscalls.keep_capabilities(())
    _, status = os.waitpid(pid, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF if parent else 0)


def _allow_descriptors() -> None:
    """Make room for descriptors beyond the few hundred that some systems start with."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < 2 * FIRST_OWN_DESCRIPTOR:
        wanted = 2 * FIRST_OWN_DESCRIPTOR
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )


def _ignore_terminal() -> None:
    """Ctrl-C goes to the whole terminal group; the caller decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def main() -> None:
    """Start from the settings on descriptor 0; ``argv``: the control socket, the caller's process descriptor or -1."""
    control_descriptor, caller_descriptor = int(sys.argv[1]), int(sys.argv[2])
    _allow_descriptors()
    os.dup2(control_descriptor, _CONTROL)
    os.close(control_descriptor)
    caller = None
    if caller_descriptor >= 0:
        os.dup2(caller_descriptor, _CALLER)
        os.close(caller_descriptor)
        caller = _CALLER
    control = socket.socket(fileno=_CONTROL)
    settings = json.loads(sys.stdin.buffer.read())
    _ignore_terminal()
    os.umask(0o022)
    kept_alive = (sys.stdin, sys.stdout, sys.stderr)
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.close(null)
        _prefer_for_killing()
        zygote = Zygote(settings)
        zygote.enter_cage()
        _tidy_builtins()
        control.sendall(
            json.dumps(
                {
                    "ready": True,
                    "identity": zygote.identity_kind,
                    "landlock": landlock.abi(),
                    "imported": zygote.imported,
                }
            ).encode()
            + b"\n"
        )
    except Exception as error:
        control.sendall(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode() + b"\n")
        os._exit(1)
    zygote.serve(control, caller)
    del kept_alive


def _prefer_for_killing() -> None:
    """When memory runs out, the kernel shall end a program before its zygote and the trainer."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _tidy_builtins() -> None:
    """Add what the site module adds and scripts use; empty what they could read about the host."""
    import _sitebuiltins

    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D")
    os.environ.clear()
    os.environ.update({"LANG": "C.UTF-8", "PATH": "/nowhere", "HOME": "/"})
    sys.argv[:] = ["program.py"]
