"""The caller's end of the slow path's processes: starting a zygote, having it fork and kill workers, and ending it."""

import os
import socket
import subprocess
import sys
import weakref
from dataclasses import dataclass
from pathlib import Path

from vibethinker.errors import WorkError
from vibethinker.verify.slow_path.protocol import BrokenMessageError, frame, receive, send

MODULE = "vibethinker.verify.slow_path.zygote"

START_TIMEOUT_S = 120.0
"""Importing sympy takes two seconds, but more where Python has not compiled it yet."""

ORDER_TIMEOUT_S = 10.0
"""A zygote does what it is told within milliseconds; one that does not is broken."""

END_TIMEOUT_S = 2.0

_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")

# gmpy2 aborts the whole process on a huge factorial; sympy and mpmath each look for it. Hashes order sympy's terms.
_SET_VARIABLES = {"SYMPY_GROUND_TYPES": "python", "MPMATH_NOGMPY": "1", "PYTHONHASHSEED": "0"}


class SlowPathError(WorkError):
    """The slow path's processes cannot be started, or the slow path is closed."""


class ZygoteGoneError(Exception):
    """The zygote does not answer: it was killed, or is broken."""


@dataclass(eq=False)
class Worker:
    """One forked process, by the caller's end of its socket; ``zygote`` forked it, and only it may kill it."""

    zygote: "Zygote"
    connection: socket.socket
    pid: int


class Zygote:
    """A running zygote. Not for use by several threads at once."""

    def __init__(self, *, memory_mb: int, deadline_s: float) -> None:
        """Start it and wait until it is ready.

        Raises:
            SlowPathError: If it does not start.
        """
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", MODULE, str(theirs.fileno()), str(memory_mb), str(deadline_s)]
        try:
            with theirs:
                process = subprocess.Popen(
                    command,
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=_environment(),
                    # In a session of its own: the terminal's Ctrl-C is for the caller.
                    start_new_session=True,
                )
        except BaseException as error:
            ours.close()
            if isinstance(error, OSError):
                raise SlowPathError(f"the processes that compare answers cannot start: {error}") from error
            raise
        self._connection, self._process = ours, process
        self._worker_connections: set[socket.socket] = set()
        # Knows nothing that knows this object, or else this object would never go.
        self._end = weakref.finalize(self, _end, process, ours, self._worker_connections)
        ours.settimeout(START_TIMEOUT_S)
        try:
            reply = receive(ours) or {"error": "it ended"}
        except (OSError, BrokenMessageError) as error:
            reply = {"error": str(error)}
        if reply.get("ready") is not True:
            self.close()
            raise SlowPathError(
                f"the processes that compare answers cannot start: {reply.get('error')}, exit status "
                f"{process.returncode}; see what `{sys.executable} -c 'import math_verify'` says"
            )
        ours.settimeout(ORDER_TIMEOUT_S)

    @property
    def pid(self) -> int:
        """Its process id; its workers are its children."""
        return self._process.pid

    def fork(self) -> Worker:
        """Return a fresh worker.

        Raises:
            ZygoteGoneError: If there is no answer.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._connection, [frame({"do": "fork"})], [theirs.fileno()])
                reply = receive(self._connection)
            worker = Worker(self, ours, (reply or {})["pid"])
        except (OSError, BrokenMessageError, KeyError) as error:
            ours.close()
            raise ZygoteGoneError from error
        except BaseException:
            ours.close()
            raise
        self._worker_connections.add(ours)
        return worker

    def kill(self, worker: Worker) -> None:
        """End a worker at once, whatever it does; one that is dead already is no error."""
        self.release(worker)
        try:
            send(self._connection, {"do": "kill", "pid": worker.pid})
            receive(self._connection)
        except (OSError, BrokenMessageError):
            # Its workers die with the zygote; a fork that follows will find out.
            pass

    def release(self, worker: Worker) -> None:
        """Close the connection to a worker, which leaves when it sees that."""
        self._worker_connections.discard(worker.connection)
        worker.connection.close()

    def close(self) -> None:
        """End the zygote, which kills all its workers. Connections in use by other threads read as closed then."""
        self._connection.close()
        self._end.detach()
        _wait(self._process)

    def abandon(self) -> None:
        """In a forked child: let go of what is the parent's."""
        self._end.detach()
        self._connection.close()
        for connection in self._worker_connections:
            connection.close()
        self._process.returncode = 0  # or else it would be waited for


def _end(process: "subprocess.Popen[bytes]", connection: socket.socket, workers: set[socket.socket]) -> None:
    connection.close()
    for worker in workers:
        worker.close()
    _wait(process)


def _wait(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    """Return few variables, among them this process's own import path, which need not be the interpreter's default."""
    root = str(Path(__file__).parents[3])
    paths = [os.path.abspath(path) for path in [*sys.path, root] if path and os.pathsep not in path]  # noqa: PTH100
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | _SET_VARIABLES | {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
