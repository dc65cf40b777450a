"""The caller's end of a zygote: start it at a level, send it jobs with their files, end it."""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vibethinker.sandbox import readable, syscalls

START_TIMEOUT_S = 60.0
_ANSWER_MARGIN_S = 30.0
# Imports two packages as empty folders: the zygote shall hold its own few modules and none of the caller's.
_BOOTSTRAP = """
import sys, types
for name, folder in (("vibethinker", sys.argv[3]), ("vibethinker.sandbox", sys.argv[3] + "/sandbox")):
    module = types.ModuleType(name)
    module.__path__ = [folder]
    sys.modules[name] = module
from vibethinker.sandbox.zygote import main
main()
"""
# Threads of a linear-algebra library would not survive the fork; a fixed hash seed makes programs repeatable.
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}


class ZygoteError(Exception):
    """The zygote could not start, or ended, or does not answer."""


@dataclass(frozen=True)
class ZygoteSettings:
    """What a zygote is started with."""

    level: int
    packages: tuple[str, ...] = ()
    preload: tuple[str, ...] = tuple(readable.USUAL_MODULES)


@dataclass(frozen=True)
class ProcessReport:
    """How the process that ran a program ended, as its zygote saw it."""

    status: int
    cpu_s: float
    wall_s: float
    peak_mb: float
    ended_by: str
    confined: bool


def scratch_file(content: bytes = b"", *, sealed: bool = False) -> int:
    """Return a descriptor of an unnamed file in memory that holds ``content``, its position at the start."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("sandbox", os.MFD_CLOEXEC | (os.MFD_ALLOW_SEALING if sealed else 0))
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    if content:
        written = os.pwrite(descriptor, content, 0)
        while written < len(content):
            written += os.pwrite(descriptor, memoryview(content)[written:], written)
    if sealed and hasattr(os, "memfd_create"):
        import fcntl

        seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor


class ZygoteProcess:
    """A running zygote; used by one thread at a time."""

    def __init__(self, settings: ZygoteSettings) -> None:
        """Start it and wait until it is in its cage.

        Raises:
            ZygoteError: With what the zygote said, if it cannot enter the cage of this level.
        """
        self.settings = settings
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._control = ours
        self._buffer = b""
        caller = os.pidfd_open(os.getpid()) if hasattr(os, "pidfd_open") and syscalls.IS_LINUX else -1
        try:
            self._process = self._start(theirs.fileno(), caller)
        finally:
            theirs.close()
            if caller >= 0:
                os.close(caller)
        try:
            self.greeting = self._receive(START_TIMEOUT_S)
            if "error" in self.greeting:
                raise ZygoteError(str(self.greeting["error"]))
        except ZygoteError as error:
            self.close()
            raise ZygoteError(f"{error}{self._last_words()}") from None
        self._close_stderr()

    def _start(self, control: int, caller: int) -> "subprocess.Popen[bytes]":
        folder = Path(__file__).resolve().parent.parent
        interpreter = getattr(sys, "_base_executable", None) or sys.executable
        command = [interpreter, "-P", "-s", "-S", "-B", "-c", _BOOTSTRAP, str(control), str(caller), str(folder)]
        kept = [control, *([caller] if caller >= 0 else [])]
        search = [path for path in sys.path if path and Path(path).is_dir()]
        settings = {
            "level": self.settings.level,
            "packages": self.settings.packages,
            "preload": self.settings.preload,
            "search": search if self.settings.packages else [],
        }
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        with tempfile.TemporaryFile() as stdin:
            stdin.write(json.dumps(settings).encode())
            stdin.seek(0)
            return subprocess.Popen(
                command,
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                pass_fds=kept,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )

    def _last_words(self) -> str:
        try:
            self._stderr.seek(0)
            lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        except ValueError:
            lines = []
        self._close_stderr()
        return f" ({lines[-1]})" if lines else ""

    def _close_stderr(self) -> None:
        self._stderr.close()

    @property
    def counts_all_threads(self) -> bool:
        """Whether the kernel counts all threads of the caller's user against a program's limit."""
        return self.greeting["identity"] == "own" and self.settings.level < 3

    @property
    def pid(self) -> int:
        """The process id of the zygote, or of its parent at level 3."""
        return self._process.pid

    def send(self, request: dict[str, Any], descriptors: Sequence[int]) -> None:
        """Hand over a job.

        Raises:
            ZygoteError: If the zygote is gone.
        """
        try:
            socket.send_fds(self._control, [json.dumps(request).encode()], list(descriptors))
        except OSError as error:
            raise ZygoteError(f"the sandbox's zygote is gone: {error}") from None

    def receive(self, wall_s: float) -> ProcessReport:
        """Wait for the report about a job that ends after ``wall_s`` seconds at the latest.

        Raises:
            ZygoteError: If the zygote is gone, does not answer in time, or could not start the program.
        """
        answer = self._receive(wall_s + _ANSWER_MARGIN_S)
        if "error" in answer:
            raise ZygoteError(str(answer["error"]))
        return ProcessReport(**answer)

    def _receive(self, timeout_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        poller = select.poll()
        poller.register(self._control, select.POLLIN)
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not poller.poll(left * 1000):
                raise ZygoteError(f"the sandbox's zygote did not answer within {timeout_s:.0f} s")
            try:
                part = self._control.recv(65536)
            except OSError as error:
                raise ZygoteError(f"the sandbox's zygote is gone: {error}") from None
            if not part:
                raise ZygoteError("the sandbox's zygote ended")
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the zygote and with it whatever it runs; wait until it is gone."""
        self._control.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """In a fork of the caller: close this copy of the socket; the zygote stays the parent's."""
        with contextlib.suppress(OSError):
            self._control.close()
        self._process.returncode = 0
